// SPDX-License-Identifier: Apache-2.0
#include "tests/rtl/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Drops the cells of other modules, which keeps a small test small; names and data stay.
static void keep_only(struct suite *s, const char *module) {
  int kept = 0;
  for (int i = 0; i < s->count; i++)
    if (!module || strcmp(s->cell[i].module, module) == 0) s->cell[kept++] = s->cell[i];
  s->count = kept;
}

void suite_build(struct suite *s, const char *name) {
  static const struct {
    const char *name;
    void (*build)(struct suite *s);
  } suites[] = {{"linear", cells_linear},   {"pointwise", cells_pointwise}, {"table", cells_table},
                {"requant", cells_requant}, {"axis", cells_axis},           {"join", cells_join},
                {"window", cells_window},   {"reorder", cells_reorder}};
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
    if (strcmp(suites[i].name, name) == 0) {
      suites[i].build(s);
      return keep_only(s, getenv("RTL_ONLY"));
    }
  fprintf(stderr, "no suite \"%s\"\n", name);
  exit(2);
}

static int count_of(const struct suite *s, const char *module) {
  int count = 0;
  for (int i = 0; i < s->count; i++) count += strcmp(s->cell[i].module, module) == 0;
  return count;
}

struct cell *suite_add(struct suite *s, const char *module) {
  if (s->count == CELLS_MAX) abort();
  struct cell *c = &s->cell[s->count];
  int before = count_of(s, module);
  *c = (struct cell){
      .id = s->count++, .module = module, .frames = 4, .ii = -1, .latency = -1, .holds = -1};
  c->mutable = before % 7 == 0 && before < 40;
  c->input = cell_any_code;
  return c;
}

static void append(struct cell *c, const char *name, const char *value) {
  size_t used = strlen(c->parameters), left = sizeof c->parameters - used;
  int n = snprintf(c->parameters + used, left, "%s.%s(%s)", used > 0 ? ", " : "", name, value);
  if (n < 0 || (size_t)n >= left) abort();
}

void cell_integer(struct cell *c, const char *name, int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, value);
  append(c, name, text);
}

void cell_raw(struct cell *c, const char *name, const char *text) {
  append(c, name, text);
}

void cell_wide(struct cell *c, const char *name, int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "64'sh%016" PRIx64, (uint64_t)value);
  append(c, name, text);
}

void cell_text(struct cell *c, const char *name, const char *value) {
  char text[300];
  snprintf(text, sizeof text, "\"%s\"", value);
  append(c, name, text);
}

uint64_t cell_random(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t z = a * 0x9e3779b97f4a7c15u + b * 0xd1b54a32d192ed03u + c * 0x8cb92ba72f3d8dd7u;
  for (int i = 0; i < 2; i++) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
  }
  return z;
}

uint64_t cell_code(int64_t v, int width) {
  return width == 64 ? (uint64_t)v : (uint64_t)v & (((uint64_t)1 << width) - 1);
}

int64_t cell_value(uint64_t code, int width, const char *type) {
  if (strcmp(type, "bipolar") == 0) return code != 0 ? 1 : -1;
  if (strcmp(type, "unsigned") == 0 || (code >> (width - 1) & 1) == 0) return (int64_t)code;
  return (int64_t)(code - ((uint64_t)1 << (width - 1)) * 2);
}

uint64_t cell_any_code(const struct cell *c, int frame, int element) {
  uint64_t r = cell_random((uint64_t)c->id, (uint64_t)frame, (uint64_t)element);
  int top = c->in_width - 1;
  switch (r >> 60) {
  case 0:
    return (uint64_t)1 << top;
  case 1:
    return ((uint64_t)1 << top) - 1;
  case 2:
    return cell_code(-1, c->in_width);
  case 3:
    return 0;
  default:
    return cell_code((int64_t)r, c->in_width);
  }
}

// "se4m3n", as fixed_requant has it: the highest number is that of the last code that is one.
static struct fix_target float_target(int width, const char *type) {
  int x = type[2] - '0', y = type[4] - '0';
  int64_t exponent = ((int64_t)1 << x) - 1, mantissa = ((int64_t)1 << y) - 1, one = mantissa + 1;
  if (type[5] == 'i') exponent--;
  if (type[5] == 'f' && mantissa == 0)
    exponent--;
  else if (type[5] == 'f')
    mantissa--;
  return (struct fix_target){.width = width,
                             .is_signed = type[0] == 's',
                             .is_float = true,
                             .mantissa = y,
                             .highest = exponent ? (one + mantissa) * ((int64_t)1 << (exponent - 1))
                                                 : mantissa,
                             .rounding = FIX_HALF_EVEN};
}

struct fix_target cell_target(int width, const char *type, int64_t zero, const char *rounding,
                              const char *overflow) {
  if (strlen(type) == 6 && type[1] == 'e' && type[3] == 'm') return float_target(width, type);
  return (struct fix_target){.width = width,
                             .is_signed = strcmp(type, "signed") == 0,
                             .bipolar = strcmp(type, "bipolar") == 0,
                             .zero = zero,
                             .rounding = (enum fix_rounding)fix_rounding_find(rounding),
                             .overflow = (enum fix_overflow)fix_overflow_find(overflow)};
}

void cell_literal(struct cell *c, const char *name, int64_t value) {
  char text[32];
  snprintf(text, sizeof text, "40'd%" PRId64, value);
  append(c, name, text);
}
