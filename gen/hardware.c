// SPDX-License-Identifier: Apache-2.0
#include "gen/hardware.h"

#include "gen/rom_case.h"
#include "sw/base/file.h"
#include "sw/base/library.h"

#include <assert.h>
#include <string.h>

enum { HARDWARE_MAX = 1 << 20 };

const struct module_row module_rows[] = {
#define MODULE(name, uses) {#name, uses},
#include "gen/modules.def"
#undef MODULE
};
enum { MODULES = sizeof module_rows / sizeof *module_rows };
const int module_count = MODULES;

// ---- sets of modules, by their rows

static int row_of(const char *name, size_t length) {
  int i = 0;
  while (i < MODULES &&
         (strlen(module_rows[i].name) != length || memcmp(module_rows[i].name, name, length) != 0))
    i++;
  assert(i < MODULES); // a cell names modules of the library only
  return i;
}

// Calls `found` with the row of each module that row i uses.
static void each_use(int i, void (*found)(void *context, int user, int used), void *context) {
  for (const char *p = module_rows[i].uses; *p;) {
    size_t length = strcspn(p, " ");
    found(context, i, row_of(p, length));
    p += length + (p[length] == ' ');
  }
}

static void add_used(void *used, int user, int module) {
  bool *set = used;
  (void)user;
  if (set[module]) return;
  set[module] = true;
  each_use(module, add_used, set);
}

static void add_name(bool *used, const char *name) {
  add_used(used, NONE, row_of(name, strlen(name)));
}

// Everything that the circuit instantiates, directly or not.
static void find_used(const struct circuit *p, const struct emit_files *roms, bool *used) {
  for (uint32_t i = 0; i < p->n_cells; i++) add_name(used, emit_module(p, &p->cells[i]));
  if (p->transfer > 1) add_name(used, "axis_group");
  if (p->rom_style == ROM_FILE && roms->count) add_name(used, "fixed_rom_check");
}

static void add_user(void *own, int user, int module) {
  bool *set = own;
  set[user] |= set[module];
}

// Those that a circuit has under names of its own: the memories, and what uses them.
static uint32_t find_own(const bool *used, bool *own, const char **names) {
  uint32_t count = 0, before = 0;
  own[row_of(ROM_CASE_BANK, strlen(ROM_CASE_BANK))] = true;
  do {
    before = count;
    count = 0;
    for (int i = 0; i < MODULES; i++) {
      each_use(i, add_user, own);
      if (own[i] && (used[i] || strcmp(module_rows[i].name, ROM_CASE_BANK) == 0))
        names[count++] = module_rows[i].name;
    }
  } while (count != before);
  return count;
}

// ---- the files

static bool put_module(struct emit_files *f, int i, const char *top, const char *const *own,
                       uint32_t n_own, struct err *e) {
  struct bytes text;
  const char *name = module_rows[i].name;
  const char *path = library_path(f->arena, arena_printf(f->arena, "hw/%s.sv", name));
  bool renamed = false;
  for (uint32_t k = 0; k < n_own; k++) renamed |= strcmp(own[k], name) == 0;
  if (renamed && strcmp(name, ROM_CASE_BANK) == 0) return true; // made by rom_case_memories
  if (!file_read(f->arena, path, HARDWARE_MAX, &text, e)) return false;
  const char *to = renamed ? arena_printf(f->arena, "%s_%s.sv", top, name)
                           : arena_printf(f->arena, "%s.sv", name);
  emit_source(f, to);
  if (renamed)
    rom_case_rename(emit_open(f, to), (const char *)text.data, top, own, n_own);
  else
    text_put(emit_open(f, to), (const char *)text.data, text.size);
  return true;
}

static void put_list(struct emit_files *f, const char *top) {
  struct text *list = emit_open(f, arena_printf(f->arena, "%s.f", top));
  for (uint32_t i = 0; i < f->n_sources; i++) text_printf(list, "%s\n", f->sources[i]);
}

static void put_top(struct emit_files *f, const struct circuit *p, const char *const *own,
                    uint32_t n_own) {
  struct text top = {0};
  const char *name = arena_printf(f->arena, "%s.sv", p->top);
  emit_top(&top, p);
  emit_source(f, name);
  rom_case_rename(emit_open(f, name), top.data, p->top, own, n_own);
  text_free(&top);
}

bool hardware_files(struct emit_files *f, const struct circuit *p, struct emit_files *roms,
                    struct err *e) {
  bool used[MODULES] = {false}, own[MODULES] = {false}, ok = true;
  const char *names[MODULES];
  uint32_t n_own = 0;
  find_used(p, roms, used);
  if (p->rom_style == ROM_CASE) {
    n_own = find_own(used, own, names);
    rom_case_memories(f, p->top, roms);
  }
  for (int i = 0; ok && i < MODULES; i++)
    if (used[i]) ok = put_module(f, i, p->top, names, n_own, e);
  if (p->rom_style == ROM_FILE) {
    const char *check = arena_printf(f->arena, "%s_rom_check.sv", p->top);
    emit_source(f, check);
    emit_rom_check(emit_open(f, check), p, roms);
    for (uint32_t i = 0; i < roms->count; i++) {
      *emit_open(f, roms->files[i].name) = roms->files[i].text;
      roms->files[i].text = (struct text){0};
    }
  }
  put_top(f, p, names, n_own);
  put_list(f, p->top);
  return ok;
}
