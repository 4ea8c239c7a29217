// SPDX-License-Identifier: Apache-2.0
// Modules of the library that can't be read, beside a copy of the program: generate says which, and
// leaves nothing.
#include "gen/hardware.h"
#include "sw/base/file.h"
#include "tests/cmd/helper_shell.h"

#include <dirent.h>
#include <string.h>

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
  unreadable(c, "hw/fixed_rom.sv", "--rom-style case");
}

// ---- modules.def

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether a text instantiates a module: its name begins a line and parameters or an instance
// follow.
static bool instantiates(const char *text, const char *module) {
  size_t length = strlen(module);
  for (const char *at = text; (at = strstr(at, module)) != NULL; at += length) {
    const char *line = at;
    while (line > text && line[-1] == ' ') line--;
    if ((line == text || line[-1] == '\n') && at[length] == ' ' &&
        (at[length + 1] == '#' || is_word(at[length + 1])))
      return true;
  }
  return false;
}

static bool listed(const char *uses, const char *module) {
  size_t length = strlen(module);
  for (const char *p = uses; *p; p += strcspn(p, " "), p += *p == ' ')
    if (strcspn(p, " ") == length && memcmp(p, module, length) == 0) return true;
  return false;
}

// The rows are the files of hw/, sorted, and say what those instantiate.
static void test_modules(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  int files = 0;
  DIR *d = opendir("hw");
  assert_non_null(d);
  for (struct dirent *entry; (entry = readdir(d));) files += strstr(entry->d_name, ".sv") != NULL;
  closedir(d);
  assert_int_equal(files, module_count);
  for (int i = 0; i < module_count; i++) {
    const char *name = module_rows[i].name;
    struct bytes text;
    assert_true(i == 0 || strcmp(module_rows[i - 1].name, name) < 0);
    if (!file_read(&a, arena_printf(&a, "hw/%s.sv", name), 1 << 20, &text, &e))
      fail_msg("%s", e.text);
    for (int k = 0; k < module_count; k++) {
      bool uses = instantiates((const char *)text.data, module_rows[k].name);
      if (uses != listed(module_rows[i].uses, module_rows[k].name))
        fail_msg("gen/modules.def: %s %s %s", name, uses ? "uses" : "doesn't use",
                 module_rows[k].name);
    }
  }
  arena_free(&a);
}

// The comparison tells.
static void test_modules_can_fail(void **state) {
  (void)state;
  assert_true(instantiates("  fixed_rom #(\n", "fixed_rom"));
  assert_true(instantiates("module a;\n  axis_fifo queue (\n", "axis_fifo"));
  assert_false(instantiates("  fixed_rom_bank #(\n", "fixed_rom"));
  assert_false(instantiates("// see fixed_rom #(\n", "fixed_rom"));
  assert_true(listed("a bc d", "bc") && !listed("a bcd", "bc") && !listed("", "bc"));
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_unreadable), cmocka_unit_test(test_modules),
                                     cmocka_unit_test(test_modules_can_fail)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
