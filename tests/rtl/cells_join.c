// SPDX-License-Identifier: Apache-2.0
// axis_fork with fixed_add and fixed_mul behind it, against the definition in docs/numerics.md and
// the rational oracle: every pair of codes where they are few, otherwise corners and noise.
#include <string.h>

#include "tests/net/helper_rational.h"
#include "tests/rtl/cell.h"

struct side {
  int width;
  const char *type;
  int64_t zero;
};

struct joined {
  const char *kind;
  int lanes;
  struct side in[2];
  int64_t mul[2]; // mul: the first, of the product
  int shift;
  struct side out;
  const char *rounding, *overflow;
  int shifts[2];   // add, sub of tflite: of the inputs,
  int64_t sum_mul; // and the multiplier of their sum
};

static const struct joined cases[] = {
    // small: these have mutants
    {"add",
     1,
     {{3, "signed", 0}, {3, "signed", 0}},
     {1, 1},
     0,
     {4, "signed", 0},
     "floor",
     "saturate",
     {0, 0},
     0},
    {"sub",
     2,
     {{3, "unsigned", 2}, {2, "signed", 0}},
     {3, 2},
     1,
     {4, "signed", -1},
     "half_even",
     "wrap",
     {0, 0},
     0},
    {"mul",
     1,
     {{3, "signed", 1}, {3, "unsigned", 0}},
     {1, 1},
     2,
     {4, "unsigned", 3},
     "half_up",
     "saturate",
     {0, 0},
     0},
    {"sub",
     1,
     {{3, "signed", 1}, {3, "unsigned", 2}},
     {5, 7},
     44,
     {4, "signed", 1},
     "tflite",
     "saturate",
     {20, 21},
     3},
    {"mul",
     2,
     {{1, "bipolar", 0}, {4, "signed", 0}},
     {5, 1},
     3,
     {4, "signed", 0},
     "half_away",
     "symmetric",
     {0, 0},
     0},
    {"add",
     4,
     {{8, "signed", 0}, {8, "signed", 0}},
     {1, 1},
     0,
     {8, "signed", 0},
     "half_even",
     "saturate",
     {0, 0},
     0},
    {"sub",
     3,
     {{8, "signed", -3}, {12, "unsigned", 7}},
     {1 << 30, 1717986919},
     31,
     {8, "unsigned", 5},
     "half_even",
     "zero",
     {0, 0},
     0},
    {"add",
     2,
     {{16, "unsigned", 0}, {16, "signed", 0}},
     {4, 1},
     3,
     {16, "signed", 0},
     "ceil",
     "saturate",
     {0, 0},
     0},
    {"add",
     1,
     {{1, "bipolar", 0}, {1, "bipolar", 0}},
     {1, 1},
     0,
     {1, "bipolar", 0},
     "floor",
     "saturate",
     {0, 0},
     0},
    {"mul",
     4,
     {{8, "signed", 0}, {8, "signed", 0}},
     {1, 1},
     3,
     {8, "signed", 0},
     "half_even",
     "saturate",
     {0, 0},
     0},
    {"mul",
     3,
     {{16, "unsigned", 100}, {16, "signed", -100}},
     {2147483647, 1},
     50,
     {16, "signed", 0},
     "half_zero",
     "saturate",
     {0, 0},
     0},
    {"mul",
     1,
     {{2, "signed", 0}, {1, "unsigned", 0}},
     {1, 1},
     -2,
     {5, "signed", 0},
     "away",
     "wrap",
     {0, 0},
     0},
    {"add",
     3,
     {{8, "signed", -128}, {8, "signed", 4}},
     {1627389952, 1073741824},
     50,
     {8, "signed", -128},
     "tflite",
     "saturate",
     {32, 31},
     1207959551},
    {"sub",
     2,
     {{8, "signed", 127}, {8, "unsigned", 0}},
     {2147483647, 1073741824},
     47,
     {8, "unsigned", 9},
     "tflite",
     "zero",
     {31, 63},
     2147483647},
    {"add",
     1,
     {{11, "signed", 0}, {4, "signed", 3}},
     {1, 1073741825},
     29,
     {12, "signed", -2},
     "tflite",
     "wrap",
     {35, 30},
     1},
    {"mul",
     2,
     {{8, "signed", -128}, {8, "signed", 127}},
     {1518500250, 1},
     38,
     {8, "signed", 3},
     "tflite",
     "saturate",
     {0, 0},
     0},
};
enum { CASES = sizeof cases / sizeof *cases, MUTABLE = 5, ELEMENTS = 53, EVERY_BITS = 8 };

// Pairs in turn if they are few, otherwise each side often at an end.
static uint64_t pair(const struct cell *c, int frame, int element) {
  const struct joined *j = c->with;
  uint64_t r = cell_random((uint64_t)c->id, (uint64_t)frame, (uint64_t)element), code[2];
  if (c->in_width <= EVERY_BITS) return cell_code(element + frame * ELEMENTS, c->in_width);
  for (int i = 0; i < 2; i++, r >>= 4) {
    int64_t lowest = (int64_t)1 << (j->in[i].width - 1), noise = (int64_t)(r >> 8);
    int64_t at[] = {lowest, lowest - 1, 0, -1, noise, noise, noise, noise};
    code[i] = cell_code(at[r & 7], j->in[i].width);
  }
  return code[1] << j->in[0].width | code[0];
}

static int64_t integer(const struct side *s, uint64_t code) {
  return cell_value(cell_code((int64_t)code, s->width), s->width, s->type) - s->zero;
}

// An addend of tflite, 2^20 of it rounded.
static fix_wide rescaled(const struct joined *j, int i, fix_wide v) {
  const struct fix_target wide = {.width = 62, .is_signed = true, .rounding = FIX_TFLITE};
  return rational_requant(v * 1048576, j->mul[i], j->shifts[i], &wide);
}

static uint64_t expected(const struct cell *c, int frame, int element) {
  const struct joined *j = c->with;
  uint64_t code = c->input(c, frame, element);
  fix_wide a = integer(&j->in[0], code), b = integer(&j->in[1], code >> j->in[0].width);
  bool product = strcmp(j->kind, "mul") == 0;
  fix_wide sign = strcmp(j->kind, "sub") == 0 ? -1 : 1, acc = a * j->mul[0] + sign * b * j->mul[1];
  if (product) acc = a * b;
  if (j->sum_mul) acc = rescaled(j, 0, a) + sign * rescaled(j, 1, b);
  struct fix_target t =
      cell_target(j->out.width, j->out.type, j->out.zero, j->rounding, j->overflow);
  int64_t mul = product ? j->mul[0] : j->sum_mul ? j->sum_mul : 1;
  int64_t y = rational_requant(acc, mul, j->shift, &t);
  return t.bipolar ? y > 0 : cell_code(y, j->out.width);
}

static void add_join(struct suite *s, const struct joined *j) {
  static const char *const names[2][3] = {{"IN0_WIDTH", "IN0_TYPE", "IN0_ZERO"},
                                          {"IN1_WIDTH", "IN1_TYPE", "IN1_ZERO"}};
  struct cell *c = suite_add(s, "join_stream");
  int bits = 1, in_bits = j->in[0].width + j->in[1].width;
  while (j->mul[0] >> bits || j->mul[1] >> bits) bits++;
  c->with = j;
  c->in_lanes = c->out_lanes = j->lanes;
  c->in_width = in_bits;
  c->in_elements = c->out_elements = ELEMENTS;
  c->out_width = j->out.width;
  c->frames = 120; // many, as bubbles seldom stand in the pipe while a queue gets full
  c->input = pair;
  c->expected = expected;
  c->ii = (ELEMENTS + j->lanes - 1) / j->lanes;
  c->mutable = j < cases + MUTABLE;
  cell_text(c, "KIND", j->kind);
  cell_integer(c, "LANES", j->lanes);
  for (int i = 0; i < 2; i++) {
    cell_integer(c, names[i][0], j->in[i].width);
    cell_text(c, names[i][1], j->in[i].type);
    cell_wide(c, names[i][2], j->in[i].zero);
  }
  cell_integer(c, "MUL_WIDTH", bits);
  cell_literal(c, "MUL0", j->mul[0]);
  cell_literal(c, "MUL1", j->mul[1]);
  if (j->sum_mul) {
    cell_integer(c, "SHIFT0", j->shifts[0]);
    cell_integer(c, "SHIFT1", j->shifts[1]);
    cell_integer(c, "SUM_MUL_WIDTH", j->sum_mul > 1 ? 31 : 0);
    cell_literal(c, "SUM_MUL", j->sum_mul);
  }
  cell_integer(c, "SHIFT", j->shift);
  cell_wide(c, "ZERO", j->out.zero);
  cell_integer(c, "OUT_WIDTH", j->out.width);
  cell_text(c, "OUT_TYPE", j->out.type);
  cell_text(c, "ROUNDING", j->rounding);
  cell_text(c, "OVERFLOW", j->overflow);
  cell_integer(c, "LATE", (int)(j - cases) % 2);
}

void cells_join(struct suite *s) {
  for (int i = 0; i < CASES; i++) add_join(s, &cases[i]);
}
