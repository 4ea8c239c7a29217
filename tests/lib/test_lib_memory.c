// SPDX-License-Identifier: Apache-2.0
// libnngen never ends its caller's process: every allocation of a caller fails once, and the caller
// comes to its end with a reason for what failed.
#include "tests/cmd/helper_shell.h"

#include <stdbool.h>
#include <string.h>

static void test_out_of_memory(void **state) {
  struct shell *c = *state;
#ifdef __SANITIZE_ADDRESS__
  skip(); // has its own malloc
#endif
  cli_expect(
      c,
      "${CC:-cc} -std=c11 -shared -fPIC -D_GNU_SOURCE -o $D/fault.so tests/fault/shim.c -ldl && "
      "${CC:-cc} -std=c11 -I. -o $D/caller tests/fault/caller.c $LDFLAGS $B/libnngen.a "
      "$(cat $B/libnngen.libs) && $D/caller models/mnist-mlp.bin 8,3",
      0, "open: good\nrun: good\nagain: good\nreturned\n");
  int opened = 0, ran = 0, again = 0, n = 0;
  for (bool good = false; !good; n++)
    for (int on = 0; on < 2; on++) {
      const char *said =
          cli_expect(c,
                     arena_printf(&c->arena,
                                  "LD_PRELOAD=$D/fault.so NNGEN_FAULT=malloc:%d%s $D/caller "
                                  "models/mnist-mlp.bin 8,3",
                                  n + 1, on ? ":on" : ""),
                     0, "returned\n");
      good = on && strstr(said, "open: good\nrun: good\nagain: good\n");
      opened += strstr(said, "open: models/mnist-mlp.bin: out of memory\n") != NULL;
      ran += strstr(said, "open: good\nrun: out of memory\n") != NULL;
      again += strstr(said, "run: out of memory\nagain: good\n") != NULL;
      assert_null(strstr(said, ": \n")); // every failure has its reason
      assert_true(n < 5000);
    }
  assert_true(opened > 20 && ran > 0 && again > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
