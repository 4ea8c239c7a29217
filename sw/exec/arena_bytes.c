// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/arena_parts.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t arena_run_width(const struct type *t) {
  if (!type_is_integer(t)) return 8;
  int width = type_stream_width(t);
  return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;
}

int64_t *arena_run_bytes(struct arena *a, const struct graph *g) {
  int64_t *bytes = ARENA_NEW(a, int64_t, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!type_is_ref(&g->values[v].type))
      bytes[v] = value_elements(&g->values[v]) * arena_run_width(&g->values[v].type);
  return bytes;
}

// ---- the arena

static unsigned char poison(int64_t address) {
  return (unsigned char)(0xa5 ^ address ^ address >> 8);
}

void arena_forget(struct arena_run *r, int64_t from, int64_t count, uint32_t owner) {
  for (int64_t i = from; i < from + count; i++) {
    if (r->owner[i] != owner) continue;
    r->owner[i] = NOBODY;
    r->bytes[i] = poison(i);
  }
}

// Its end lies at the guard behind it, what it is short of a page in front of it.
bool arena_map(struct arena_run *r) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t whole = ((size_t)r->size + page - 1) / page * page;
  r->mapped = whole + 2 * page;
  r->map = mmap(NULL, r->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (r->map == MAP_FAILED ||
      (whole && mprotect(r->map + page, whole, PROT_READ | PROT_WRITE) != 0))
    return false;
  r->bytes = r->map + page + (whole - (size_t)r->size);
  return true;
}

bool arena_fault(struct arena_run *r, const struct event *e, const char *what) {
  struct arena scratch = {0};
  err_put(r->err, "%s: %s", plan_event_text(&scratch, r->plan, e), what);
  arena_free(&scratch);
  return false;
}

const char *arena_owner(const struct arena_run *r, uint32_t owner) {
  return owner == NOBODY    ? "nobody"
         : owner == SCRATCH ? "scratch"
                            : r->graph->values[(owner - 1) % r->graph->n_values].name;
}

static bool is_signed(const struct value *v) {
  return !type_is_integer(&v->type) || type_lowest(&v->type) < 0;
}

// Integers of a byte each that lie side by side; false: some of them are somebody else's.
static bool load_bytes(struct arena_run *r, uint32_t v, int64_t at, uint32_t owner, int64_t first,
                       int64_t end) {
  const uint32_t *owners = r->owner + at - first;
  const unsigned char *from = r->bytes + at - first;
  int64_t *to = r->integers[v];
  uint32_t others = 0;
  for (int64_t i = first; i < end; i++) others |= owners[i] ^ owner;
  if (is_signed(&r->graph->values[v]))
    for (int64_t i = first; i < end; i++) to[i] = (int8_t)from[i];
  else
    for (int64_t i = first; i < end; i++) to[i] = from[i];
  return !others;
}

// Integers of a value, from the first-th to before `end` and each `step` further, that lie from
// `at` on and belong to `owner`.
static bool load(struct arena_run *r, const struct event *e, uint32_t v, int64_t at, uint32_t owner,
                 int64_t first, int64_t end, int64_t step) {
  const struct value *value = &r->graph->values[v];
  int64_t width = r->width[v], *to = r->integers[v];
  if (width == 1 && step == 1 && load_bytes(r, v, at, owner, first, end)) return true;
  for (int64_t i = first; i < end; i += step, at += step * width) {
    uint64_t bits = 0;
    for (int64_t b = 0; b < width; b++) {
      if (r->owner[at + b] != owner)
        return arena_fault(r, e,
                           arena_printf(r->arena, "byte %lld of \"%s\", at %lld, belongs to %s",
                                        (long long)(i * width + b), value->name,
                                        (long long)(at + b), arena_owner(r, r->owner[at + b])));
      bits |= (uint64_t)r->bytes[at + b] << (8 * b);
    }
    int unused = (int)(64 - 8 * width);
    to[i] = is_signed(value) ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
  }
  return true;
}

int64_t *arena_take_some(struct arena_run *r, const struct event *e, uint32_t v, int64_t first,
                         int64_t step) {
  const struct value *value = &r->graph->values[v];
  int64_t at = r->address[v];
  if (value->init) return r->integers[v];
  if (r->row[v] && step == 1) return arena_read_rows(r, e, v, 0, value->shape[0]);
  if (at == NONE) {
    arena_fault(r, e, arena_printf(r->arena, "\"%s\" isn't in the arena", value->name));
    return NULL;
  }
  bool ok =
      load(r, e, v, at + first * r->width[v], r->base[v] + 1, first, value_elements(value), step);
  return ok ? r->integers[v] : NULL;
}

int64_t *arena_read_rows(struct arena_run *r, const struct event *e, uint32_t v, int64_t first,
                         int64_t last) {
  int64_t row = value_elements(&r->graph->values[v]) / r->graph->values[v].shape[0];
  for (int64_t y = first; y < last; y++) {
    if (r->row[v][y] == NONE) {
      arena_fault(r, e,
                  arena_printf(r->arena, "row %lld of \"%s\" isn't in the arena", (long long)y,
                               r->graph->values[v].name));
      return NULL;
    }
    if (!load(r, e, v, r->row[v][y], arena_row_owner(r, v, y), y * row, (y + 1) * row, 1))
      return NULL;
  }
  return r->integers[v];
}

void arena_store(struct arena_run *r, int64_t at, int64_t width, int64_t integer, uint32_t owner) {
  for (int64_t b = 0; b < width; b++, at++) {
    r->bytes[at] = (unsigned char)((uint64_t)integer >> (8 * b));
    r->owner[at] = owner;
  }
}

void arena_store_all(struct arena_run *r, int64_t at, int64_t width, const int64_t *integers,
                     int64_t count, uint32_t owner) {
  if (width != 1) {
    for (int64_t i = 0; i < count; i++) arena_store(r, at + i * width, width, integers[i], owner);
    return;
  }
  for (int64_t i = 0; i < count; i++) r->bytes[at + i] = (unsigned char)integers[i];
  for (int64_t i = 0; i < count; i++) r->owner[at + i] = owner;
}

bool arena_put(struct arena_run *r, const struct event *e, uint32_t v) {
  const struct value *value = &r->graph->values[v];
  int64_t width = r->width[v], at = r->address[v];
  if (at == NONE)
    return arena_fault(r, e,
                       arena_printf(r->arena, "\"%s\" has no place in the arena", value->name));
  arena_store_all(r, at, width, r->integers[v], value_elements(value), r->base[v] + 1);
  if (r->look) r->look(r->context, v, r->integers[v]);
  return true;
}
