// SPDX-License-Identifier: Apache-2.0
// The circuit as an sc_module in SystemC: 100 images equal the golden model, with and without
// stalls, and one wrong weight is found.
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <stdlib.h>

#define RUN "scripts/sim-systemc -d synthetic -o $D/work "
#define SUMS                                                                                       \
  "(cd $D/rtl && find . -type f ! -name SHA256SUMS -printf '%P\\n' | sort |"                       \
  " xargs sha256sum >SHA256SUMS)"

static void test_systemc(void **state) {
  cli_expect(*state, "$N -q -p 8,3 -j 8 -o $D/rtl models/mnist-mlp.bin", 0, "II 1568");
  cli_expect(*state, RUN "$D/rtl", 0, "PASS 100 images, 1000 elements compared, 0 mismatches");
  cli_expect(*state, RUN "-s 60 -n 20 $D/rtl", 0, "PASS 20 images, 200 elements compared");
  // a changed folder is refused; with new sums, the difference is found
  cli_expect(*state,
             "cd $D/rtl/rom && for f in l2_bias_*; do cp $f x$f; done && sed -i '1s/./8/' "
             "xl2_bias_003_000.mem && "
             "sed -i 's/\"l2_bias\"/\"xl2_bias\"/' ../top.sv; cd $OLDPWD; " RUN "$D/rtl",
             1, "top.sv: was changed");
  cli_expect(*state, SUMS "; " RUN "$D/rtl", 1, ", element 3: expected 0x");
  cli_expect(*state,
             "sed -i 's/assign m_axis_tlast = .*;/assign m_axis_tlast = 1;/' $D/rtl/top.sv;" SUMS
             "; " RUN "$D/rtl",
             1, "FAIL TLAST is wrong on beat 0");
}

static void test_messages(void **state) {
  cli_expect(*state, "scripts/sim-systemc", 2, "usage: scripts/sim-systemc");
  cli_expect(*state, "scripts/sim-systemc -s 100 $D", 2, "usage: scripts/sim-systemc");
  cli_expect(*state, "scripts/sim-systemc $D/none", 1, "not a folder");
  cli_expect(*state, "scripts/sim-systemc hw", 1, "it has no manifest.json");
}

int main(void) {
  if (system("echo '#include <systemc>' | g++ -E -x c++ - >/dev/null 2>&1") != 0) {
    puts("SystemC is not installed: nothing tested; scripts/setup systemc");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_systemc),
      SHELL_CASE(test_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
