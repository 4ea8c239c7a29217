// SPDX-License-Identifier: Apache-2.0
#include "gen/hardware.h"

#include "gen/rom_case.h"
#include "sw/base/file.h"
#include "sw/base/library.h"

#include <stdlib.h>
#include <string.h>

enum { MODULES_MAX = 64, HARDWARE_MAX = 1 << 20 };

// ---- used modules

// The library modules that a circuit uses, by name once they are all found.
struct modules {
  struct arena *arena;
  uint32_t count;
  struct module {
    const char *name;
    struct bytes text; // NUL-terminated
  } list[MODULES_MAX];
  uint32_t n_own;
  const char *own[MODULES_MAX]; // those that the circuit has under names of its own
};

static bool word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool add_module(struct modules *m, const char *name, size_t length, struct err *e) {
  for (uint32_t i = 0; i < m->count; i++)
    if (strlen(m->list[i].name) == length && memcmp(m->list[i].name, name, length) == 0)
      return true;
  const char *path =
      library_path(m->arena, arena_printf(m->arena, "hw/%.*s.sv", (int)length, name));
  if (!file_exists(path)) return true; // a word that isn't a module
  if (m->count == MODULES_MAX) return err_set(e, "more than %d modules", MODULES_MAX);
  struct module *new = &m->list[m->count++];
  new->name = arena_printf(m->arena, "%.*s", (int)length, name);
  return file_read(m->arena, path, HARDWARE_MAX, &new->text, e);
}

// Adds every library module that a text names, comments aside.
static bool scan_modules(struct modules *m, const char *text, struct err *e) {
  for (const char *p = text; *p;) {
    if (p[0] == '/' && p[1] == '/') {
      while (*p && *p != '\n') p++;
    } else if (word_char(*p)) {
      const char *end = p;
      while (word_char(*end)) end++;
      bool ours = strncmp(p, "fixed_", 6) == 0 || strncmp(p, "axis_", 5) == 0;
      if (ours && !add_module(m, p, (size_t)(end - p), e)) return false;
      p = end;
    } else {
      p++;
    }
  }
  return true;
}

// What the circuit instantiates must be there; what that instantiates is found in its text.
static bool check_module(struct modules *m, const char *name, struct err *e) {
  const char *path = library_path(m->arena, arena_printf(m->arena, "hw/%s.sv", name));
  return file_exists(path) || err_set(e, "%s: the library module isn't there", path);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct module *)a)->name, ((const struct module *)b)->name);
}

// Everything that the top module uses, directly or not.
static bool find_modules(struct modules *m, const struct circuit *p, const char *top,
                         const char *check, struct err *e) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (!check_module(m, emit_module(p, &p->cells[i]), e)) return false;
  if (!scan_modules(m, top, e) || !scan_modules(m, check, e)) return false;
  for (uint32_t i = 0; i < m->count; i++)
    if (!scan_modules(m, (const char *)m->list[i].text.data, e)) return false;
  qsort(m->list, m->count, sizeof *m->list, by_name);
  return true;
}

static bool is_own(const struct modules *m, const char *name) {
  for (uint32_t i = 0; i < m->n_own; i++)
    if (strcmp(m->own[i], name) == 0) return true;
  return false;
}

// The memories and all modules that use them, directly or not.
static void find_own(struct modules *m) {
  m->own[m->n_own++] = ROM_CASE_BANK;
  for (uint32_t before = 0; before < m->n_own;) {
    before = m->n_own;
    for (uint32_t i = 0; i < m->count; i++)
      if (!is_own(m, m->list[i].name) &&
          rom_case_uses((const char *)m->list[i].text.data, m->own, m->n_own))
        m->own[m->n_own++] = m->list[i].name;
  }
}

// ---- the files

static void put_module(struct emit_files *f, const struct modules *m, const struct module *module,
                       const char *top, struct text *list) {
  if (!is_own(m, module->name)) {
    text_printf(list, "%s.sv\n", module->name);
    text_put(emit_open(f, arena_printf(f->arena, "%s.sv", module->name)),
             (const char *)module->text.data, module->text.size);
  } else if (strcmp(module->name, ROM_CASE_BANK) != 0) {
    text_printf(list, "%s_%s.sv\n", top, module->name);
    rom_case_rename(emit_open(f, arena_printf(f->arena, "%s_%s.sv", top, module->name)),
                    (const char *)module->text.data, top, m->own, m->n_own);
  }
}

bool hardware_files(struct emit_files *f, const struct circuit *p, struct err *e) {
  struct modules m = {.arena = f->arena};
  struct text top = {0}, list = {0}, check = {0};
  emit_top(&top, p);
  if (p->rom_style == ROM_FILE) emit_rom_check(&check, p, f);
  bool ok = find_modules(&m, p, top.data, check.data ? check.data : "", e);
  if (ok && p->rom_style == ROM_CASE) {
    find_own(&m);
    rom_case_images(f, p->top, &list);
  }
  for (uint32_t i = 0; ok && i < m.count; i++) put_module(f, &m, &m.list[i], p->top, &list);
  if (ok)
    rom_case_rename(emit_open(f, arena_printf(f->arena, "%s.sv", p->top)), top.data, p->top, m.own,
                    m.n_own);
  text_free(&top);
  if (check.data) {
    text_printf(&list, "%s_rom_check.sv\n", p->top);
    *emit_open(f, arena_printf(f->arena, "%s_rom_check.sv", p->top)) = check;
  }
  text_printf(&list, "%s.sv\n", p->top);
  *emit_open(f, arena_printf(f->arena, "%s.f", p->top)) = list;
  return ok;
}
