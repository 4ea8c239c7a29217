// SPDX-License-Identifier: Apache-2.0
// Modules of the library that can't be read, beside a copy of the program: generate says which, and
// leaves nothing.
#include "tests/cmd/helper_shell.h"

static void unreadable(struct shell *c, const char *module, const char *options) {
  cli_expect(c,
             arena_printf(&c->arena,
                          "rm -rf $D/p && mkdir -p $D/p/hw $D/p/gen/bench && cp $N $D/p/nngen && "
                          "truncate -s 2M $D/p/%s && "
                          "$D/p/nngen -q -p 8,3 %s -o $D/out models/mnist-mlp.bin",
                          module, options),
             1, arena_printf(&c->arena, "/p/%s: ", module));
  cli_expect(c, "ls -A $D", 0, "p\n");
}

// Of the circuit, of what that instantiates, of the test bench.
static void test_unreadable(void **state) {
  struct shell *c = *state;
  unreadable(c, "hw/fixed_linear.sv", "");
  unreadable(c, "hw/fixed_mac.sv", "");
  unreadable(c, "gen/bench/vector_end.sv", "");
  unreadable(c, "hw/fixed_rom_bank.sv", "--rom-style case");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_unreadable)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
