// SPDX-License-Identifier: Apache-2.0
// --ram-style and the cuts of memories: circuits that compute the same, attributes that yosys
// obeys, text that every tool accepts, folders and folding files that remember.
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>

#define MLP "models/mnist-mlp.bin"
#define GENERATE "$N -q -p 8,3 -o $D/rtl "
#define SIM "$N sim -q -o $D/sim $D/rtl --images 30 "
#define SUMS                                                                                       \
  "(cd $D/rtl && find . -type f ! -name SHA256SUMS -printf '%P\\n' | sort |"                       \
  " xargs sha256sum >SHA256SUMS); "

// fc1 with 10 lanes has memories of 1,027 words of 80 bits: the words behind 1,024 are LUTs.
static void test_cuts(void **state) {
  cli_expect(*state, GENERATE "-j 10 " MLP " && grep WEIGHT_BANK $D/rtl/top.sv", 0,
             ".WEIGHT_BANK(1024)");
  cli_expect(*state, "wc -l <$D/rtl/rom/l0_weight_009_001.mem", 0, "3");
  cli_expect(*state, SIM, 0, "PASS   8280 elements compared, 0 mismatches");
  // and with 5 lanes in and 32 out 628 words of 40 bits, of which 4 are left over
  cli_expect(*state,
             "echo '{\"layers\":{\"fc1\":{\"in\":5,\"out\":32}}}' >$D/f; " GENERATE
             "--folding $D/f " MLP " && grep WEIGHT_SPLIT $D/rtl/top.sv",
             0, ".WEIGHT_SPLIT(36)");
  cli_expect(*state, "head -n 1 $D/rtl/rom/l0_weight_031_000_high.mem | wc -c", 0, "2");
  cli_expect(*state, SIM, 0, "PASS   8280 elements compared, 0 mismatches");
  cli_expect(*state, "sed -i 's/^./0/' $D/rtl/rom/l0_weight_031_000_high.mem; " SUMS SIM, 1,
             "isn't the memory image that the circuit was generated with");
  cli_expect(*state,
             GENERATE "--folding $D/f --rom-style case " MLP " && $N sim -q -o $D/sim $D/rtl"
                      " --simulator icarus --images 1",
             0, "PASS   276 elements compared, 0 mismatches");
  // the halves of words the other way round
  cli_expect(*state,
             GENERATE "--folding $D/f " MLP " && sed -i 's/{high\\(.*\\), low\\(.*\\)}/{low\\2,"
                      " high\\1}/' $D/rtl/fixed_rom.sv; " SUMS SIM,
             1, "first layer that differs: l0_linear");
}

#define SILENT(command) "cd $D/rtl && said=$(" command " 2>&1) && [ -z \"$said\" ] && echo silent"

// Both layers have weights; every tool is silent about the attributes.
static void test_attributes(void **state) {
  cli_expect(*state, GENERATE "-j 8 --ram-style block " MLP, 0, "");
  cli_expect(*state, "grep -c 'WEIGHT_STYLE(\"block\")' $D/rtl/top.sv", 0, "2");
  cli_expect(*state, SILENT("verilator --lint-only -Wall --top-module top -f top.f"), 0, "silent");
  cli_expect(*state, SILENT("iverilog -g2012 -Wall -tnull -c top.f"), 0, "silent");
  cli_expect(*state, SIM, 0, "PASS   8280 elements compared, 0 mismatches");
  cli_expect(*state, GENERATE "-j 8 --ram-style distributed " MLP, 0, "");
  cli_expect(*state, "grep -c 'WEIGHT_STYLE(\"distributed\")' $D/rtl/top.sv", 0, "2");
  cli_expect(*state, SIM, 0, "PASS   8280 elements compared, 0 mismatches");
  // auto is what there is without the option
  cli_expect(*state, GENERATE "-j 8 --ram-style auto " MLP " && cp $D/rtl/SHA256SUMS $D/auto", 0,
             "");
  cli_expect(*state, GENERATE "-j 8 " MLP " && cmp $D/auto $D/rtl/SHA256SUMS && echo same", 0,
             "same");
}

// What yosys makes of them now is what tests/resources/xc7.memories says, which the estimates are
// compared with.
static void test_measured(void **state) {
  cli_expect(*state,
             "awk '$1 == 8 && $2 == 16 || $1 == 32 && $2 == 576' tests/resources/xc7.memories"
             " >$D/found && cut -d ' ' -f 1-5 $D/found | tests/resources/memories $D/m |"
             " diff $D/found - && wc -l <$D/found",
             0, "3");
}

static void test_folding(void **state) {
  cli_expect(
      *state,
      "echo '{\"layers\":{\"fc1\":{\"in\":8,\"out\":8,\"ram_style\":\"distributed\"}}}' >$D/f;"
      " $N plan -q -p 8,3 --ram-style block --folding $D/f -o $D/g " MLP " >/dev/null && cat $D/g",
      0,
      "\"fc1\": {\"in\": 8, \"out\": 8, \"ram_style\": \"distributed\"},\n"
      "    \"fc2\": {\"in\": 4, \"out\": 4, \"ram_style\": \"block\"}");
  // what was written is read
  cli_expect(*state,
             GENERATE "--folding $D/g " MLP " && grep -o 'STYLE(.*)' $D/rtl/top.sv | tr -d '\\n'",
             0, "STYLE(\"distributed\")STYLE(\"block\")");
  // the folder remembers
  cli_expect(*state, "grep -c ram_style $D/rtl/manifest.json && " SIM, 0,
             "PASS   8280 elements compared, 0 mismatches");
  // FINN's names; of nodes without weights it is about something else
  cli_expect(
      *state,
      "echo '{\"Defaults\":{},\"MVAU_0\":{\"SIMD\":4,\"PE\":4,\"ram_style\":\"ultra\"},"
      "\"MVAU_1\":{\"SIMD\":4,\"PE\":2,\"ram_style\":\"distributed\"},"
      "\"StreamingFIFO_0\":{\"ram_style\":\"vivado\"}}' >$D/f;"
      " $N plan -q -p 8,3 --folding $D/f --style finn -o $D/g " MLP " >/dev/null && cat $D/g",
      0,
      "\"MatrixVectorActivation_0\": {\"SIMD\": 4, \"PE\": 4, \"ram_style\": \"block\"},\n"
      "  \"MatrixVectorActivation_1\": {\"SIMD\": 4, \"PE\": 2, \"ram_style\": \"distributed\"}");
  cli_expect(*state,
             "$N plan -q -p 8,3 --target-cycles 7000 --ram-style block -o $D/g " MLP
             " >/dev/null && grep -c block $D/g",
             0, "2");
}

static void test_refusals(void **state) {
  static const struct {
    const char *folding, *words;
  } bad[] = {{"{\"fc1\":{\"ram_style\":\"ultra\"}}",
              "\"ram_style\": expected \"auto\", \"block\" or \"distributed\""},
             {"{\"fc1\":{\"ram_style\":1}}", "\"ram_style\": expected"},
             {"{\"relu1\":{\"ram_style\":\"block\"}}", "\"ram_style\", but it has no weights"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct shell *s = *state;
    cli_expect(s,
               arena_printf(&s->arena,
                            "echo '{\"layers\":%s}' >$D/f; $N -p 8,3 --folding $D/f " MLP,
                            bad[i].folding),
               1, bad[i].words);
  }
  cli_expect(*state, "$N -p 8,3 --ram-style lutram " MLP, 2,
             "--ram-style lutram: expected auto, block or distributed");
  cli_expect(*state, "$N -p 8,3 --ram-style block --rom-style case -o $D/x " MLP, 1,
             "\"fc1\": block memory: --rom-style case has no memory to put somewhere");
  cli_expect(*state, "$N plan -p 8,3 --sweep --ram-style block " MLP, 2,
             "--ram-style changes nothing there");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_cuts), SHELL_CASE(test_attributes),
                                     SHELL_CASE(test_measured), SHELL_CASE(test_folding),
                                     SHELL_CASE(test_refusals)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
