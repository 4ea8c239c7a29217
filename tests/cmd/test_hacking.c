// SPDX-License-Identifier: Apache-2.0
// docs/hacking.md is true: its two recipes of activations, as patches, build, train, and their
// circuit computes what the C model does; and every file that it names is there.
#include "tests/cmd/helper_shell.h"

#define NET                                                                                        \
  "'{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\","         \
  "\"out\":12},{\"op\":\"hard_swish\"},{\"op\":\"linear\",\"out\":12},{\"op\":\"abs\"},"           \
  "{\"op\":\"linear\",\"out\":10}]}'"

static void test_recipes(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // it builds a program of its own
#endif
  cli_expect(
      c,
      "mkdir $D/copy && tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C $D/copy "
      "&& cd $D/copy && for r in abs hard_swish; do patch -s -p1 <tests/recipes/$r.diff || "
      "exit; done && make -s -j2 CFLAGS=-O0 build/nngen",
      0, "");
  cli_expect(c, "cd $D/copy && scripts/lint-kinds", 0, "");
  cli_expect(c,
             "cd $D && copy/build/nngen train -q --net " NET
             " --data synthetic:300 --test synthetic:50 --epochs 1 -o two.bin",
             0, "model     two.bin");
  // extremes of the streams, whose ranges aren't at the ends of the inputs
  cli_expect(c,
             "cd $D && copy/build/nngen -q -p 4,1 --parallelism 12 -o rtl two.bin && make -s -C "
             "rtl/tb icarus",
             0, "PASS");
  cli_expect(c, "cd $D && copy/build/nngen sim -q --simulator icarus --images 3 -d synthetic:3 rtl",
             0, "0 mismatches");
  cli_expect(c, "cd $D/rtl && verilator --lint-only -Wall --top-module top -f top.f", 0, "");
}

// Words in backquotes with a slash or an ending are files or folders of the sources.
static void test_names(void **state) {
  cli_expect(
      *state,
      "grep -o '`[a-z_/.]*[/.][a-z_/.]*`' docs/hacking.md | tr -d '`' | sort -u >$D/names; "
      "test -s $D/names && while read -r n; do [ -e \"$n\" ] || echo \"no $n\"; done <$D/names "
      "| grep . ",
      1, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_recipes), SHELL_CASE(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
