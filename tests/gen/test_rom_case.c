// SPDX-License-Identifier: Apache-2.0
// --rom-style case: the circuit without memory files computes the same, is clean in all tools,
// takes the same block RAMs, and a wrong or missing image is found.
#include "gen/folder.h"
#include "tests/cmd/helper_shell.h"
#include "tests/sim/helper_bench.h"

#include <stdlib.h>

#include <stdio.h>

#define GENERATE "$N -q --rom-style case -o $D/rtl "
#define SUMS                                                                                       \
  "(cd $D/rtl && find . -type f ! -name SHA256SUMS -printf '%P\\n' | sort |"                       \
  " xargs sha256sum >SHA256SUMS); "
#define SIM "$N sim -q -o $D/sim $D/rtl"

static void test_computes(void **state) {
  // biases, weights and multipliers; then tables, which have two ports; then polynomials; one image
  // reads every word, the next ones are the last line's
  cli_expect(*state,
             GENERATE "-p 8,3 -w 8,channel -j 7 models/mnist-mlp.bin && " SIM
                      " --simulator icarus --images 1",
             0, "PASS   276 elements compared, 0 mismatches");
  cli_expect(*state,
             GENERATE "-p 8,3 models/mnist-acts.bin && " SIM " --simulator icarus --images 1", 0,
             "PASS   404 elements compared, 0 mismatches");
  if (getenv("NNGEN_TEST_DEEP")) // 27 MB of text
    cli_expect(*state,
               GENERATE "-p 16,8 models/mnist-acts.bin && ls $D/rtl && " SIM
                        " --simulator icarus --images 1",
               0, "PASS   404 elements compared, 0 mismatches");
  cli_expect(*state, "$N sim -q --rom-style case -p 8,3 --images 30 -o $D/sim models/mnist-mlp.bin",
             0, "PASS   8280 elements compared, 0 mismatches");
}

// Nothing but text; the library's modules are its own, the circuit's are the same but for the name.
static void test_folder(void **state) {
  cli_expect(*state, GENERATE "-p 8,3 --name digits models/mnist-acts.bin", 0, "");
  cli_expect(*state, "ls $D/rtl/rom | grep -v '\\.sv$'; grep ROM_DIR -r $D/rtl --include=*.sv", 1,
             "");
  cli_expect(*state,
             "cd $D/rtl; for f in [af]*_*.sv; do cmp $f $OLDPWD/hw/$f || exit; done; echo same", 0,
             "same");
  cli_expect(*state,
             "cd $D/rtl; for f in digits_*.sv; do case $f in *_bank.sv) continue ;; esac;"
             " sed 's/digits_fixed/fixed/g' $f | cmp - $OLDPWD/hw/${f#digits_} || exit; done;"
             " echo same",
             0, "same");
  cli_expect(*state, "ls $D/rtl/*.sv", 0, "digits_fixed_tanh.sv");
}

#define SILENT(command) "cd $D/rtl && said=$(" command " 2>&1) && [ -z \"$said\" ] && echo silent"

static void test_lint(void **state) {
  cli_expect(*state, GENERATE "-p 8,3 -w 8,channel -j 2 models/mnist-acts.bin", 0, "");
  cli_expect(*state, SILENT("verilator --lint-only -Wall --top-module top -f top.f"), 0, "silent");
  cli_expect(*state, SILENT("iverilog -g2012 -Wall -tnull -c top.f"), 0, "silent");
  cli_expect(*state,
             SILENT("yosys -q -p \"read_verilog -sv $(tr '\\n' ' ' <top.f);"
                    " hierarchy -check -top top; proc; opt; check -assert\""),
             0, "silent");
  cli_expect(*state, "scripts/lint-hw --text $D/rtl/*.sv && echo silent", 0, "silent");
  cli_expect(*state,
             "sed \"s/{OUT_WIDTH{1'b1}}/'1/\" $D/rtl/fixed_requant.sv >$D/unsized.sv;"
             " scripts/lint-hw --text $D/unsized.sv",
             1, "unsized.sv:");
}

#define BLOCK_RAM(dir)                                                                             \
  "(cd " dir " && yosys -q -p \"read_verilog -sv -DSYNTHESIS $(tr '\\n' ' ' <top.f);"              \
  " synth_ecp5 -top top; tee -q -o $OUT/stat stat\" && grep DP16KD $OUT/stat); "

static void test_block_ram(void **state) {
  struct bench b = {0};
  struct err e = {0};
  (void)state;
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  bench_new(&b, bench_network_of(&b.arena, 4, 64, 32), 2, 1);
  b.circuit->rom_style = ROM_CASE;
  const char *dir = arena_printf(&b.arena, "%s/case", b.dir);
  assert_true(folder_write(b.circuit, dir, &(struct folder_content){0}, &e));
  const char *found = shell_expect(&b.arena, dir, b.dir, BLOCK_RAM("$RTL"), 0, "DP16KD");
  shell_expect(&b.arena, b.job.folder, b.dir, BLOCK_RAM("$RTL"), 0, found);
  bench_free(&b);
}

static void test_faults(void **state) {
  cli_expect(*state, GENERATE "-p 8,3 models/mnist-mlp.bin", 0, "");
  cli_expect(*state,
             "sed -i \"s/3'd1: word <= 8'h../3'd1: word <= 8'h7f/; s/2'd1: word <= 8'h../2'd1: word"
             " <= 8'h7f/\" $D/rtl/rom/top_l2_bias_001_000.sv; " SUMS SIM " --images 30",
             1, "first layer that differs: l2_linear");
  cli_expect(*state, "rm $D/rtl/rom/top_l2_bias_001_000.sv; " SUMS SIM, 1,
             "top_l2_bias_001_000.sv");
  // an image of another size is none
  cli_expect(*state,
             GENERATE "-p 8,3 models/mnist-mlp.bin && cd $D/rtl &&"
                      " sed -i 's/DEPTH == 128/DEPTH == 127/' top_fixed_rom_bank.sv &&"
                      " iverilog -g2012 -o $D/out -c top.f",
             4, "top_has_no_such_image");
  cli_expect(*state, "$N --rom-style flash -p 8,3 -o $D/x models/mnist-mlp.bin", 2,
             "--rom-style flash: expected file or case");
  cli_expect(*state, "$N sim --rom-style case $D/rtl", 1, "has its types and lanes already");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_computes), SHELL_CASE(test_folder),
                                     SHELL_CASE(test_lint), cmocka_unit_test(test_block_ram),
                                     SHELL_CASE(test_faults)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
