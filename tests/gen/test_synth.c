// SPDX-License-Identifier: Apache-2.0
// scripts/synth on a small circuit: multipliers become DSP blocks and weights block RAMs, the
// netlist computes the same bits, and a broken circuit or a missing tool is told.
#include "sw/base/process.h"
#include "tests/cmd/helper_shell.h"
#include "tests/sim/helper_bench.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 4, INPUTS = 64, HIDDEN = 32, LANES = 2, MULTIPLIERS = 8 };

// A line in which $RTL is the circuit and $OUT a folder for results.
static void expect(struct bench *b, const char *line, int status, const char *words) {
  shell_expect(&b->arena, b->job.folder, arena_printf(&b->arena, "%s/out", b->dir), line, status,
               words);
}

static void new_circuit(struct bench *b) {
  bench_new(b, bench_network_of(&b->arena, BITS, INPUTS, HIDDEN), LANES, 1);
}

// The figure `key` of block `name` in the n-th family of a synth.json.
static double figure_of(const char *path, size_t family, const char *name, const char *key) {
  json_error_t e;
  json_t *root = json_load_file(path, 0, &e), *block;
  if (!root) fail_msg("%s: %d: %s", path, e.line, e.text);
  json_t *blocks =
      json_object_get(json_array_get(json_object_get(root, "families"), family), "blocks");
  size_t i;
  double found = -1;
  json_array_foreach(blocks, i, block) {
    if (strcmp(json_string_value(json_object_get(block, "name")), name) == 0)
      found = json_number_value(json_object_get(block, key));
  }
  json_decref(root);
  if (found < 0) fail_msg("%s: no block %s", path, name);
  return found;
}

static double figure(struct bench *b, const char *name, const char *key) {
  return figure_of(arena_printf(&b->arena, "%s/out/synth.json", b->dir), 0, name, key);
}

static void assert_blocks_used(struct bench *b) {
  assert_int_equal((int)figure(b, "all", "dsp"), MULTIPLIERS);
  assert_int_equal((int)figure(b, "l0_linear", "dsp"), MULTIPLIERS / 2);
  assert_int_equal((int)figure(b, "l1_relu", "dsp"), 0);
  assert_true(figure(b, "all", "ff") > 0 && figure(b, "all", "lut") > 0);
}

// ---- right circuits

static void test_ecp5(void **state) {
  struct bench b = {0};
  (void)state;
  new_circuit(&b);
  expect(&b, "scripts/synth -s 0 -f ecp5 -o $OUT $RTL", 0, "Fmax: not placed");
  assert_blocks_used(&b);
  assert_true(figure(&b, "l0_linear", "block_ram") >= LANES);
  bench_free(&b);
}

// What the whole of mnist-mlp may need at 4 x 4 and 4 x 1 lanes: all weights in block RAMs, a DSP
// block for each multiplier, and no more logic than it has been brought down to.
static const struct bar {
  size_t family; // 0 ecp5, 1 xc7
  const char *key;
  double least, most;
} bars[] = {{0, "lut", 0, 839}, {0, "ff", 0, 1535},       {0, "lut_ram", 0, 80},
            {0, "dsp", 20, 20}, {0, "block_ram", 50, 56}, {1, "lut", 0, 1004},
            {1, "ff", 0, 850},  {1, "dsp", 20, 20},       {1, "block_ram", 23, 25}};

static bool within(const char *path, const struct bar *bar) {
  double found = figure_of(path, bar->family, "all", bar->key);
  bool good = found >= bar->least && found <= bar->most;
  if (!good)
    print_message("family %zu: %g %s, expected %g to %g\n", bar->family, found, bar->key,
                  bar->least, bar->most);
  return good;
}

static void test_area(void **state) {
  struct shell *s = *state;
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  cli_expect(s,
             "echo '{\"layers\":{\"fc2\":{\"in\":4,\"out\":1}}}' >$D/folding.json"
             " && $N -q --precision 8,3 --parallelism 4 --folding $D/folding.json -o $D/rtl"
             " models/mnist-mlp.bin && scripts/synth -s 0 -f ecp5,xc7 -o $D/out $D/rtl",
             0, "Fmax: not placed");
  const char *path = arena_printf(&s->arena, "%s/out/synth.json", s->dir);
  int failures = 0;
  for (size_t i = 0; i < sizeof bars / sizeof *bars; i++) failures += !within(path, &bars[i]);
  assert_int_equal(failures, 0);
  // one LUT less than it has
  double lut = figure_of(path, 0, "all", "lut");
  assert_false(within(path, &(struct bar){0, "lut", 0, lut - 1}));
}

// Tables and other functions than relu keep to one slow operation between registers as well.
static void test_activations(void **state) {
  struct shell *s = *state;
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  cli_expect(s,
             "$N -q --precision 8,3 --parallelism 4 -o $D/rtl models/mnist-acts.bin &&"
             " scripts/synth -s 0 -f ecp5 -o $D/out $D/rtl",
             0, "l7_tanhshrink");
}

// Streams of 4 bits have few enough pins for the UP5K. Placed if nextpnr is there, and its netlist
// executes the folder's vectors in Icarus.
static void test_ice40_netlist_computes(void **state) {
  struct bench b = {0};
  (void)state;
  new_circuit(&b);
  expect(&b, "scripts/synth -s 1 -f ice40 -o $OUT $RTL", 0,
         process_exists("nextpnr-ice40") ? " MHz, the median of"
                                         : "nextpnr-ice40 is not installed");
  assert_blocks_used(&b);
  assert_true(figure(&b, "l0_linear", "block_ram") >= LANES);
  expect(&b, "tests/netlist $RTL $OUT/ice40.json ice40", 0, "PASS");
  // another product is found
  bench_patch(&b, "fixed_mac.sv", ".b(w_code)", ".b(~w_code)");
  expect(&b, "scripts/synth -s 0 -f ice40 -o $OUT $RTL", 0, "Fmax: not placed");
  expect(&b, "tests/netlist $RTL $OUT/ice40.json ice40", 2, "FAIL image");
  bench_free(&b);
}

// ---- wrong ones, and missing tools

static void test_broken_circuits(void **state) {
  struct bench b = {0};
  const char *command = "scripts/synth -s 0 -f ecp5 -o $OUT $RTL";
  (void)state;
  new_circuit(&b);
  // two adders between registers
  bench_patch(&b, "fixed_mac.sv", "always_ff @(posedge aclk) begin\n            gen_level[level]",
              "always_comb begin\n            gen_level[level]");
  expect(&b, command, 1, "a path through two of multiplier, adder and memory read");
  expect(&b, "scripts/synth -c -w -d 85 -s 0 -f ecp5 -o $OUT $RTL", 0, "ECP5 LFE5U-85F");
  bench_patch(&b, "fixed_mac.sv", "always_comb begin\n            gen_level[level]",
              "always_ff @(posedge aclk) begin\n            gen_level[level]");
  // a block RAM's output, which is slow, at a multiplier
  bench_patch(&b, "fixed_rom.sv", "if (REGISTERS < 2) begin", "if (BANKS < 2) begin");
  expect(&b, command, 1, "a path through two of multiplier, adder and memory read");
  bench_patch(&b, "fixed_rom.sv", "if (BANKS < 2) begin", "if (REGISTERS < 2) begin");
  // a net that nothing drives
  bench_patch(&b, "top.sv", ".m_axis_tlast(l0_tlast)", ".m_axis_tlast()");
  expect(&b, command, 1, "yosys: check failed");
  bench_patch(&b, "top.sv", ".m_axis_tlast()", ".m_axis_tlast(l0_tlast)");
  expect(&b, "rm $RTL/rom/l0_weight_000_000.mem; scripts/synth -s 0 -f ecp5 -o $OUT $RTL", 1,
         "l0_weight_000_000.mem");
  bench_free(&b);
}

static void test_messages(void **state) {
  struct bench b = {0};
  (void)state;
  new_circuit(&b);
  expect(&b, "scripts/synth", 2, "usage: scripts/synth");
  expect(&b, "scripts/synth -f virtex $RTL", 2, "usage: scripts/synth");
  expect(&b, "scripts/synth -d 25 $RTL", 2, "usage: scripts/synth");
  expect(&b, "scripts/synth -b -w $RTL", 2, "usage: scripts/synth");
  expect(&b, "scripts/synth $RTL-none", 1, "not a folder");
  expect(&b, "scripts/synth hw", 1, "it has no manifest.json");
  // a PATH with the shell's tools only
  expect(&b,
         "mkdir $OUT.bin && for t in sh sed tr mkdir dirname awk; do"
         " ln -s $(command -v $t) $OUT.bin; done; PATH=$OUT.bin scripts/synth $RTL",
         1, "yosys is not installed: scripts/setup synth");
  bench_free(&b);
}

int main(void) {
  if (!process_exists("yosys")) {
    puts("yosys is not installed: nothing tested");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ecp5),
      SHELL_CASE(test_area),
      SHELL_CASE(test_activations),
      cmocka_unit_test(test_ice40_netlist_computes),
      cmocka_unit_test(test_broken_circuits),
      cmocka_unit_test(test_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
