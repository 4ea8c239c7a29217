// SPDX-License-Identifier: Apache-2.0
// What the documents say to type works: every command line of README.md and docs/*.md is in
// tests/doc_lines and runs in a fresh folder, alone and in order, or another test is named that
// does it.
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <stdlib.h>

static void test_lines(void **state) {
  cli_expect(*state, "NNGEN=$N tests/doc-lines", 0, "lines, alone");
}

// A line in the text of a document is noticed, in a block or in a sentence.
static void test_unlisted(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "printf '%s\\n' 'Then `make -C rtl/tb other` says' '' '    $ nngen new  # a note'"
             " '    make all (lines broken here)' '    12 words' >$D/new.md; tests/doc-lines "
             "--list $D/new.md |"
             " sed 's/.* | //'",
             0, "make -C rtl/tb other\nnngen new\nmake all");
}

// No tool is given a device as its output file, which it could make unusable for others.
static void test_devices(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "scripts/lint-format README.md Makefile cmd docs gen hw quant scripts sim sw tests && "
             "echo none",
             0, "none");
  static const char *const bad[] = {"iverilog -o /dev/%s a.sv", "x --output=/dev/%s",
                                    "dd of=/dev/%s", "cc -o'/dev/%s'"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cli_expect(
        c, arena_printf(&c->arena, "printf '%s\\n' null >$D/x; scripts/lint-format $D/x", bad[i]),
        1, "/dev/null");
  cli_expect(c, "echo 'x >/dev/%s 2>/dev/%s' | sed s/%s/null/g >$D/x; scripts/lint-format $D/x", 0,
             "");
}

// slang has nothing to say of the library, nor of a circuit, and sees what others don't.
static void test_slang(void **state) {
  struct shell *c = *state;
  if (cli_run(c, "scripts/slang --version").status != 0) {
    puts("slang is not installed and PyPI does not give it: not tested");
    skip();
  }
#define SETS                                                                                       \
  "{ for m in hw/*.sv; do echo legal $(basename $m .sv); done; grep legal tests/rtl/lint.sets; } " \
  "| "
  cli_expect(c, SETS "scripts/slang --sets hw | wc -c", 0, "0\n");
  cli_expect(
      c,
      "cp -r hw $D/hw; sed -i 's/{LANES{1.b1}} >> (LANES - USED)/~({LANES{1'\"'\"'b1}} << USED)/'"
      " $D/hw/fixed_linear_operand.sv; " SETS "scripts/slang --sets $D/hw",
      1, "shift count of");
  cli_expect(
      c,
      "$N -q -p 8,3 -o $D/rtl models/mnist-acts.bin >$D/log; s=$PWD/scripts/slang; cd $D/rtl;"
      " said=$($s --top top -f top.f 2>&1) && [ -z \"$said\" ] && echo silent",
      0, "silent");
}

// The folder's own bench in Verilator: in a fresh folder, and in one whose path has blanks.
static void test_bench_of_the_folder(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "$N -q -p 8,3 -o $D/'a b'/deep/rtl models/mnist-mlp.bin >$D/log && export OBJCACHE=ccache &&"
      " make -s -C $D/'a b'/deep/rtl/tb verilator",
      0, "PASS 4 frames");
  cli_expect(c, "ls $D/'a b'/deep", 0, "rtl\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_lines), SHELL_CASE(test_unlisted),
                                     SHELL_CASE(test_devices), SHELL_CASE(test_slang),
                                     SHELL_CASE(test_bench_of_the_folder)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
