// SPDX-License-Identifier: Apache-2.0
// --pack-products: the same answers with half of the DSP blocks, a form without its sign that is
// found out, what has no room for two, and who remembers.
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>

#define MLP "models/mnist-mlp.bin"
#define PACK "$N -q -p 8,3 --pack-products -o $D/rtl "
#define SIM "$N sim -q -o $D/sim $D/rtl --images 30 "
#define SUMS                                                                                       \
  "(cd $D/rtl && find . -type f ! -name SHA256SUMS -printf '%P\\n' | sort |"                       \
  " xargs sha256sum >SHA256SUMS); "

static void test_computes(void **state) {
  cli_expect(*state, PACK MLP " && grep -c 'PACK(1)' $D/rtl/top.sv", 0, "2");
  cli_expect(*state, "grep pack_products $D/rtl/manifest.json", 0, "true");
  cli_expect(*state, "$N sim -q -p 8,3 -o $D/s --images 30 " MLP, 0,
             "PASS   8280 elements compared, 0 mismatches");
  cli_expect(*state, SIM, 0, "PASS   8280 elements compared, 0 mismatches");
  cli_expect(*state,
             "sed -i \"s/ + FIELD'(fields.FIELD-1.)//\" $D/rtl/fixed_mac_pair.sv; " SUMS SIM, 1,
             "first layer that differs: l0_linear");
  // convolutions, an odd number of lanes, in Icarus
  cli_expect(*state,
             "$N sim -q -p 8,3 -j 3 --pack-products -o $D/s --simulator icarus --images 1 "
             "models/lenet5.bin",
             0, "0 mismatches");
}

#define SILENT(command) "cd $D/rtl && said=$(" command " 2>&1) && [ -z \"$said\" ] && echo silent"

static void test_lint(void **state) {
  cli_expect(*state, PACK "-j 3 models/lenet5.bin", 0, "");
  cli_expect(*state, SILENT("verilator --lint-only -Wall --top-module top -f top.f"), 0, "silent");
  cli_expect(*state, SILENT("iverilog -g2012 -Wall -tnull -c top.f"), 0, "silent");
  cli_expect(*state,
             SILENT("yosys -q -p \"read_verilog -sv $(tr '\\n' ' ' <top.f);"
                    " hierarchy -check -top top; proc; opt; check -assert\""),
             0, "silent");
}

#define BLOCKS "| sed -n 's/.* \\([0-9]* multipliers\\).*/\\1/p; s/.* \\([0-9]* DSP\\).*/\\1/p'"

// Multipliers are products, DSP blocks are blocks.
static void test_estimates(void **state) {
  cli_expect(*state, "$N plan -q -p 8,3 " MLP BLOCKS, 0, "32 multipliers\n32 DSP");
  cli_expect(*state, "$N plan -q -p 8,3 --pack-products " MLP BLOCKS, 0, "32 multipliers\n16 DSP");
  // 5 lanes in and 5 out: three blocks for each input
  cli_expect(*state, "$N plan -q -p 8,3 -j 5 --pack-products " MLP BLOCKS, 0,
             "50 multipliers\n30 DSP");
  // no room; and no block without
  cli_expect(*state, "$N plan -q -p 9,3 --pack-products " MLP BLOCKS, 0, "32 multipliers\n32 DSP");
  cli_expect(*state, "$N plan -q -p 4,2 --pack-products " MLP BLOCKS, 0, "32 multipliers\n0 DSP");
  cli_expect(*state, "$N plan -q -p 12,6 -w 6,auto --pack-products " MLP BLOCKS, 0,
             "32 multipliers\n16 DSP");
  // a part has room for more
  cli_expect(*state,
             "a=$($N plan -q -p 8,4 --device artix7-35t models/lenet5.bin | head -n 1 |"
             " sed 's/.* \\([0-9]*\\) multipliers.*/\\1/');"
             " b=$($N plan -q -p 8,4 --pack-products --device artix7-35t models/lenet5.bin |"
             " head -n 1 | sed 's/.* \\([0-9]*\\) multipliers.*/\\1/'); [ $b -gt $a ] && echo more",
             0, "more");
  cli_expect(*state, "$N plan -p 8,3 --sweep --pack-products " MLP, 2,
             "--pack-products changes nothing there");
  cli_expect(*state, PACK MLP " && $N sim --pack-products $D/rtl", 1,
             "has its types and lanes already");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_computes), SHELL_CASE(test_lint),
                                     SHELL_CASE(test_estimates)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
