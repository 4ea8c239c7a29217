// SPDX-License-Identifier: Apache-2.0
// What a folder holds beside the circuit itself, byte for byte as in tests/golden: the lists of its
// files for other tools, its clock and, without memory files, its bank. The library's modules are
// copies of those in hw/, but for the names of those that stand above the bank.
#include "gen/emit_bench.h"
#include "gen/hardware.h"
#include "gen/package.h"
#include "gen/rom_case.h"
#include "sw/base/file.h"
#include "tests/gen/helper_golden.h"
#include "tests/sim/helper_bench.h"

#include <string.h>

struct design {
  struct arena arena;
  struct emit_files files;
};

static void design_new(struct design *d, enum rom_style style) {
  struct err e = {0};
  struct folding f = {.parallelism = 2};
  *d = (struct design){0};
  d->files.arena = &d->arena;
  struct circuit *p = circuit_build(&d->arena, bench_network(&d->arena), "digits", &f, &e);
  if (!p) fail_msg("%s", e.text);
  p->rom_style = style;
  struct emit_files roms = {.arena = &d->arena};
  emit_roms(&roms, p);
  if (!hardware_files(&d->files, p, &roms, &e) || !emit_bench_files(&d->files, p, NULL, &e) ||
      !package_files(&d->files, p, 80, &e))
    fail_msg("%s", e.text);
  emit_free(&roms);
}

static void design_free(struct design *d) {
  emit_free(&d->files);
  arena_free(&d->arena);
}

static const struct text *file(const struct design *d, const char *name) {
  for (uint32_t i = 0; i < d->files.count; i++)
    if (strcmp(d->files.files[i].name, name) == 0) return &d->files.files[i].text;
  fail_msg("no file %s", name);
  return NULL;
}

// The names of all files, then the text of some.
static void compare(struct design *d, const char *golden, const char *const *names) {
  struct text all = {0};
  for (uint32_t i = 0; i < d->files.count; i++) text_printf(&all, "%s\n", d->files.files[i].name);
  for (; *names; names++) {
    const struct text *t = file(d, *names);
    text_printf(&all, "\n==== %s\n", *names);
    text_put(&all, t->data, t->size);
  }
  golden_text(&d->arena, golden, &all);
  text_free(&all);
}

static void test_files(void **state) {
  (void)state;
  static const char *const names[] = {"digits.f",   "digits.core", "files.tcl", "digits.vhd",
                                      "digits.xdc", "digits.sdc",  NULL};
  struct design d;
  design_new(&d, ROM_FILE);
  compare(&d, "package.files.txt", names);
  design_free(&d);
}

static void test_case(void **state) {
  (void)state;
  static const char *const names[] = {"digits.f",
                                      "digits.core",
                                      "files.tcl",
                                      "digits_fixed_rom_bank.sv",
                                      "rom/digits_l0_bias_000_000.sv",
                                      "rom/digits_l2_weight_001_000.sv",
                                      NULL};
  struct design d;
  design_new(&d, ROM_CASE);
  compare(&d, "package.case.txt", names);
  design_free(&d);
}

// The text without the name of the circuit before the names of modules; how often it stood there.
static int plain_text(struct text *to, const struct text *t) {
  static const char name[] = "digits_fixed_";
  int found = 0;
  for (size_t i = 0; i < t->size; i++) {
    bool here = i + strlen(name) <= t->size && memcmp(t->data + i, name, strlen(name)) == 0;
    if (here) i += strlen("digits_");
    found += here;
    text_put(to, t->data + i, 1);
  }
  return found;
}

// How many of the modules are copies under a name of their own.
static int copies(struct design *d) {
  int own = 0;
  for (uint32_t i = 0; i < d->files.count; i++) {
    const char *name = d->files.files[i].name;
    bool renamed = strncmp(name, "digits_fixed_", 13) == 0 && !strstr(name, "_bank.sv");
    if (!strstr(name, ".sv")) continue;
    if (!renamed && strncmp(name, "fixed_", 6) != 0 && strncmp(name, "axis_", 5) != 0) continue;
    struct text plain = {0};
    struct bytes library;
    struct err e = {0};
    const char *path = arena_printf(&d->arena, "hw/%s", renamed ? name + 7 : name);
    assert_true(file_read(&d->arena, path, 1 << 20, &library, &e));
    assert_int_equal(plain_text(&plain, &d->files.files[i].text) > 0, renamed);
    assert_int_equal(plain.size, library.size);
    assert_memory_equal(plain.data, library.data, library.size);
    text_free(&plain);
    own += renamed;
  }
  return own;
}

static void test_copies(void **state) {
  (void)state;
  struct design d;
  design_new(&d, ROM_FILE);
  assert_int_equal(copies(&d), 0);
  design_free(&d);
  design_new(&d, ROM_CASE);
  assert_int_equal(copies(&d), 6); // fixed_rom, fixed_linear and four between them
  assert_non_null(strstr(file(&d, "digits.sv")->data, "\n  digits_fixed_linear #("));
  design_free(&d);
}

// Names of modules in a text are whole words outside of comments.
static void test_names(void **state) {
  (void)state;
  static const char *const modules[] = {"mac", "rom_2"};
  static const struct {
    const char *text, *renamed;
  } rows[] = {{"mac", "x_mac"},
              {"mac mac;rom_2", "x_mac x_mac;x_rom_2"},
              {"mac2 amac _mac mac_ rom_", NULL},
              {"// mac\nrom_2 // mac", "// mac\nx_rom_2 // mac"},
              {"// mac", NULL},
              {"a / mac", "a / x_mac"},
              {"/ /mac", "/ /x_mac"},
              {"", NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct text t = {0};
    text_puts(&t, "");
    rom_case_rename(&t, rows[i].text, "x", modules, 2);
    const char *expected = rows[i].renamed ? rows[i].renamed : rows[i].text;
    assert_int_equal(t.size, strlen(expected));
    assert_memory_equal(t.data ? t.data : "", expected, t.size);
    text_free(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_case),
                                     cmocka_unit_test(test_copies), cmocka_unit_test(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
