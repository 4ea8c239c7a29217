// SPDX-License-Identifier: Apache-2.0
// fixed_requant against the rational oracle: roundings x overflows x widths x shifts, over all
// accumulators up to 12 bits, and over corners and noise above. Every rounding meets every
// overflow, every width and every kind of shift; RTL_GRID=full in the environment takes the whole
// grid.
#include <stdlib.h>
#include <string.h>

#include "tests/net/helper_rational.h"
#include "tests/rtl/cell.h"

struct requantised {
  int acc_width, mul_width;
  int64_t mul;
  int shift;
  int64_t zero;
  int out_width;
  const char *out_type, *rounding, *overflow;
  int up_width, up; // of tflite: bits of the channel's shift to the left, and the shift
  int acc_shift;    // likewise: zeros behind the accumulator
};

static struct requantised cases[CELLS_MAX];

static int smaller(int a, int b) {
  return a < b ? a : b;
}

// Corners (0, +-1, lowest, highest, 2^k, 2^k +-1, and ties of the shift +-1), then noise.
static uint64_t corner(const struct cell *c, int frame, int element) {
  const struct requantised *q = c->with;
  uint64_t r = cell_random((uint64_t)c->id, (uint64_t)frame, (uint64_t)element);
  int64_t bit = (int64_t)1 << (r >> 32) % (uint64_t)(smaller(q->acc_width, 62));
  int64_t tie = 0;
  if (q->shift > 0 && q->shift < 60 && q->mul == 1)
    tie = (int64_t)((r >> 8) & 0xffffff) * ((int64_t)1 << q->shift) + ((int64_t)1 << q->shift) / 2;
  int64_t near = (int64_t)(r & 3) - 1;
  switch (r >> 61) {
  case 0:
    return cell_code(bit + near, c->in_width);
  case 1:
    return cell_code(near - bit, c->in_width);
  case 2:
    return cell_code(tie + near, c->in_width);
  case 3:
    return cell_code(near - tie, c->in_width);
  default:
    return cell_code((int64_t)r, c->in_width);
  }
}

static uint64_t every_code(const struct cell *c, int frame, int element) {
  return cell_code(element + 37 * frame, c->in_width);
}

static uint64_t expected(const struct cell *c, int frame, int element) {
  const struct requantised *q = c->with;
  int64_t acc = cell_value(c->input(c, frame, element), q->acc_width, "signed");
  struct fix_target t = cell_target(q->out_width, q->out_type, q->zero, q->rounding, q->overflow);
  int64_t y = rational_requant(acc * ((fix_wide)1 << q->acc_shift), q->mul, q->shift - q->up, &t);
  return t.bipolar ? y > 0 : cell_code(y, q->out_width);
}

static void add(struct suite *s, struct requantised q) {
  struct cell *c = suite_add(s, "requant_stream");
  int corners = q.acc_width <= 16 ? 5000 : 50000;
  cases[c->id] = q;
  c->with = &cases[c->id];
  c->in_lanes = c->out_lanes = 1;
  c->in_width = q.acc_width;
  c->out_width = q.out_width;
  c->in_elements = c->out_elements = q.acc_width <= 12 ? 1 << q.acc_width : corners;
  c->frames = 1;
  c->input = q.acc_width <= 12 ? every_code : corner;
  c->expected = expected;
  c->latency = c->in_elements - 1 + 2 + (q.mul_width > 0) + (strcmp(q.rounding, "tflite") == 0);
  cell_integer(c, "ACC_WIDTH", q.acc_width);
  cell_integer(c, "MUL_WIDTH", q.mul_width + q.up_width);
  cell_integer(c, "UP_WIDTH", q.up_width);
  cell_integer(c, "ACC_SHIFT", q.acc_shift);
  cell_literal(c, "MUL", q.mul | (int64_t)q.up << q.mul_width);
  cell_integer(c, "SHIFT", q.shift);
  cell_wide(c, "ZERO", q.zero);
  cell_integer(c, "OUT_WIDTH", q.out_width);
  cell_text(c, "OUT_TYPE", q.out_type);
  cell_text(c, "ROUNDING", q.rounding);
  cell_text(c, "OVERFLOW", q.overflow);
}

// One point of the grid. Zero points only where symmetric is not asked for (it is about zero).
static void add_point(struct suite *s, int rounding, int overflow, int width, int shift) {
  uint64_t r = cell_random((uint64_t)(rounding * 4 + overflow), (uint64_t)width, (uint64_t)shift);
  bool is_unsigned = r & 1;
  int out = 2 + (int)((r >> 8) % 7);
  int64_t zero = overflow == FIX_SYMMETRIC ? 0 : (int64_t)((r >> 16) & 1) * (is_unsigned ? 2 : -1);
  add(s, (struct requantised){width, 0, 1, shift, zero, out, is_unsigned ? "unsigned" : "signed",
                              fix_rounding_text((enum fix_rounding)rounding),
                              fix_overflow_text((enum fix_overflow)overflow)});
}

static void add_grid(struct suite *s) {
  static const int widths[] = {2, 3, 5, 8, 12, 16};
  const char *grid = getenv("RTL_GRID");
  bool full = grid && strcmp(grid, "full") == 0;
  for (int rounding = 0; rounding < FIX_TFLITE; rounding++)
    for (int overflow = 0; overflow < FIX_OVERFLOWS; overflow++)
      for (int w = 0; w < 6; w++)
        for (int k = 0; k < 5; k++) {
          const int shifts[] = {-2, 0, 1, widths[w] / 2, widths[w] + 1};
          // the sample: two widths per rounding and overflow, each with one shift
          int turn = rounding * 4 + overflow;
          bool sampled = (w == turn % 6 && k == 2 + turn % 3) ||
                         (w == (turn + 3) % 6 && k == (turn + rounding) % 5);
          if (full || sampled) add_point(s, rounding, overflow, widths[w], shifts[k]);
        }
}

void cells_requant(struct suite *s) {
  add_grid(s);
  static const struct requantised wide[] = {
      {24, 0, 1, 8, 0, 8, "signed", "half_even", "saturate"},
      {40, 0, 1, 33, -7, 8, "signed", "half_away", "saturate"},
      {62, 0, 1, 50, 0, 16, "signed", "half_zero", "wrap"},
      {62, 40, 1099511627775, 90, 0, 32, "signed", "half_up", "saturate"},
      {62, 31, 1518500249, 60, 1000, 32, "unsigned", "half_even", "zero"},
      {21, 31, 1518500249, 44, 0, 8, "signed", "half_even", "symmetric"},
      {30, 31, 1073741824, 33, 5, 8, "unsigned", "half_down", "saturate"},
      {12, 3, 5, 4, 0, 6, "signed", "ceil", "wrap"},
      {12, 3, 7, 15, 0, 6, "signed", "away", "saturate"},
      {8, 0, 1, -64, 0, 8, "signed", "floor", "saturate"},
      {8, 0, 1, -64, 3, 32, "signed", "floor", "wrap"},
      {12, 0, 1, 127, 0, 8, "signed", "half_even", "saturate"},
      {12, 0, 1, 127, 0, 8, "signed", "ceil", "saturate"},
      {12, 31, 2147483647, 127, 9, 8, "signed", "away", "saturate"},
      {16, 31, 1518500249, 36, 0, 8, "signed", "tflite", "saturate"},
      {16, 31, 1518500249, 31, -5, 8, "signed", "tflite", "saturate"},
      {12, 31, 1518500249, 22, 3, 16, "signed", "tflite", "saturate"},
      {30, 31, 2147483647, 48, 128, 8, "unsigned", "tflite", "symmetric"},
      {31, 31, 1073741825, 40, 0, 12, "signed", "tflite", "wrap"},
      {10, 31, 1073741825, 90, 0, 12, "signed", "tflite", "zero"},
      // minifloats: every accumulator, ties, what saturates; shifts of 0 and 1, to the left and
      // beyond the accumulator; multipliers; no mantissa, no sign, one exponent; wide ones by
      // corners
      {10, 0, 1, 3, 0, 5, "se2m1n", "half_even", "saturate"},
      {12, 0, 1, 2, 0, 9, "se3m1n", "half_even", "saturate"},
      {12, 0, 1, 0, 0, 8, "se3m0n", "half_even", "saturate"},
      {12, 0, 1, 1, 0, 9, "ue3m2n", "half_even", "saturate"},
      {12, 0, 1, -3, 0, 12, "se3m4n", "half_even", "saturate"},
      {9, 0, 1, 12, 0, 5, "se2m1n", "half_even", "saturate"},
      {6, 0, 1, 8, 0, 5, "se2m1n", "half_even", "saturate"},
      {12, 3, 5, 6, 0, 7, "se2m3n", "half_even", "saturate"},
      {12, 0, 1, 4, 0, 8, "se1m6n", "half_even", "saturate"},
      {12, 0, 1, 5, 0, 6, "ue1m6i", "half_even", "saturate"},
      {12, 0, 1, 4, 0, 4, "se2m1i", "half_even", "saturate"},
      {12, 0, 1, 3, 0, 5, "se2m1f", "half_even", "saturate"},
      {12, 0, 1, 3, 0, 4, "se2m0f", "half_even", "saturate"},
      {30, 0, 1, 9, 0, 19, "se4m3f", "half_even", "saturate"},
      {30, 31, 1518500249, 38, 0, 19, "se4m3n", "half_even", "saturate"},
      {40, 0, 1, 4, 0, 18, "ue4m3n", "half_even", "saturate"},
      {62, 40, 1099511627775, 90, 0, 32, "se5m0n", "half_even", "saturate"},
      {8, 0, 1, -64, 0, 19, "se4m3n", "half_even", "saturate"},
      {12, 0, 1, 127, 0, 19, "se4m3n", "half_even", "saturate"},
      {16, 31, 1518500249, 40, 0, 8, "signed", "tflite", "saturate", 4, 7, 0},
      {12, 31, 1073741824, 36, -3, 8, "signed", "tflite", "saturate", 3, 5, 0},
      {20, 31, 2147483647, 63, 0, 9, "signed", "tflite", "zero", 6, 19, 0},
      {12, 3, 5, 35, 1, 8, "unsigned", "tflite", "wrap", 1, 0, 20},
      {10, 31, 1518500249, 33, 0, 32, "signed", "tflite", "wrap", 0, 0, 20},
      {9, 31, 2147483647, 28, 0, 32, "signed", "tflite", "wrap", 0, 0, 20},
      {12, 0, 1, 3, 0, 1, "bipolar", "half_even", "saturate"},
      {12, 31, 1073741825, 3, 0, 1, "bipolar", "tflite", "saturate"},
      {8, 0, 1, 2, 0, 1, "unsigned", "half_even", "saturate"},
      {16, 0, 1, -20, 0, 32, "signed", "floor", "saturate"},
      {32, 0, 1, 0, 0, 32, "signed", "floor", "symmetric"},
      {33, 0, 1, 0, 0, 32, "unsigned", "floor", "saturate"},
      {40, 0, 1, 3, 4294967295, 32, "unsigned", "half_even", "zero"}};
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) add(s, wide[i]);
}
