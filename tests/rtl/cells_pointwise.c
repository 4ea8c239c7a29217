// SPDX-License-Identifier: Apache-2.0
// The piecewise linear activations over all input codes, against docs/numerics.md's definitions.
#include <string.h>

#include "tests/net/helper_rational.h"
#include "tests/rtl/cell.h"

struct pointwise {
  const char *module;
  int lanes, in_width;
  const char *in_type;
  int64_t in_zero;
  int64_t a, b;      // LO, HI | LAMBDA | THRESHOLD | OFFSET, ONE
  int64_t slope_mul; // leaky_relu, hard_sigmoid
  int slope_shift;   // leaky_relu
  int cast, mul_width;
  int64_t mul;
  int shift;
  int64_t zero;
  int out_width;
  const char *out_type, *rounding, *overflow;
};

static const struct pointwise cases[] = {
    {"fixed_relu", 4, 8, "signed", 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8, "signed", "floor", "saturate"},
    {"fixed_relu", 3, 8, "unsigned", 100, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8, "unsigned", "floor",
     "saturate"},
    {"fixed_relu", 1, 6, "signed", -3, 0, 0, 0, 0, 1, 0, 1, 2, 0, 4, "unsigned", "half_even",
     "saturate"},
    {"fixed_relu", 5, 12, "signed", 17, 0, 0, 0, 0, 1, 31, 1431655765, 33, -9, 8, "signed",
     "half_up", "saturate"},
    {"fixed_clip", 3, 8, "signed", 0, -20, 48, 0, 0, 0, 0, 1, 0, 0, 8, "signed", "floor",
     "saturate"},
    {"fixed_clip", 2, 8, "signed", 5, -20, 1000, 0, 0, 1, 0, 1, 1, 3, 8, "signed", "half_away",
     "wrap"},
    {"fixed_clip", 2, 8, "unsigned", 5, -20, 100, 0, 0, 1, 0, 1, -2, 0, 8, "unsigned", "ceil",
     "zero"},
    {"fixed_clip", 7, 1, "unsigned", 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, "unsigned", "floor",
     "saturate"},
    {"fixed_softshrink", 3, 8, "signed", 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 8, "signed", "floor",
     "saturate"},
    {"fixed_softshrink", 4, 8, "unsigned", 128, 9, 0, 0, 0, 0, 0, 1, 0, 0, 8, "unsigned", "floor",
     "saturate"},
    {"fixed_softshrink", 4, 8, "unsigned", 3, 5000, 0, 0, 0, 1, 0, 1, 1, 3, 8, "signed", "half_up",
     "saturate"},
    {"fixed_softshrink", 2, 9, "signed", -7, 21, 0, 0, 0, 1, 31, 1999999999, 32, 4, 7, "signed",
     "half_down", "symmetric"},
    {"fixed_hardshrink", 3, 8, "signed", 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 8, "signed", "floor",
     "saturate"},
    {"fixed_hardshrink", 4, 8, "unsigned", 77, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8, "unsigned", "floor",
     "saturate"},
    {"fixed_hardshrink", 2, 9, "signed", -7, 21, 0, 0, 0, 1, 31, 1999999999, 32, 4, 7, "signed",
     "away", "symmetric"},
    {"fixed_leaky_relu", 3, 8, "signed", 0, 0, 0, 1, 3, 0, 0, 1, 3, 0, 8, "signed", "half_even",
     "saturate"},
    {"fixed_leaky_relu", 2, 8, "unsigned", 90, 0, 0, 1374389535, 37, 0, 0, 1, 38, 90, 8, "unsigned",
     "half_even", "saturate"},
    {"fixed_leaky_relu", 1, 12, "signed", -90, 0, 0, 1288490189, 32, 0, 31, 1600000000, 64, 90, 8,
     "signed", "half_zero", "zero"},
    {"fixed_leaky_relu", 4, 5, "signed", 1, 0, 0, 1288490189, 0, 0, 0, 1, 31, 0, 8, "signed",
     "zero", "saturate"},
    {"fixed_hard_sigmoid", 3, 8, "signed", 0, 32, 64, 1, 0, 0, 0, 1, 1, 0, 8, "signed", "half_even",
     "saturate"},
    {"fixed_hard_sigmoid", 2, 10, "unsigned", 500, (int64_t)1 << 40, (int64_t)1 << 41, 1717986918,
     0, 0, 31, 1073741825, 64, -128, 8, "signed", "half_even", "saturate"},
    {"fixed_hard_sigmoid", 1, 8, "signed", 3, -((int64_t)1 << 60), (int64_t)1 << 61, 1099511627775,
     0, 0, 0, 1, 40, 0, 8, "unsigned", "floor", "saturate"},
    {"fixed_cast", 3, 8, "signed", 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 4, "signed", "half_even",
     "saturate"},
    {"fixed_cast", 3, 8, "unsigned", 128, 0, 0, 0, 0, 0, 31, 1932735283, 33, 5, 6, "unsigned",
     "half_even", "saturate"},
    {"fixed_cast", 2, 8, "signed", 3, 0, 0, 0, 0, 0, 31, 1932735283, 33, 5, 6, "signed", "tflite",
     "saturate"},
    {"fixed_cast", 5, 8, "signed", 3, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, "bipolar", "half_even",
     "saturate"},
    {"fixed_cast", 5, 1, "bipolar", 0, 0, 0, 0, 0, 0, 0, 1, -3, 0, 5, "signed", "half_even",
     "saturate"},
    {"fixed_cast", 5, 1, "bipolar", 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, "bipolar", "half_even",
     "saturate"},
};
enum { CASES = sizeof cases / sizeof *cases };

static bool is(const struct pointwise *p, const char *module) {
  return strcmp(p->module, module) == 0;
}

static fix_wide clamp(fix_wide v, fix_wide lo, fix_wide hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

// The exact value before requantisation.
static fix_wide exact(const struct pointwise *p, int64_t n) {
  fix_wide v = n - p->in_zero;
  if (is(p, "fixed_relu")) return v > 0 ? v : 0;
  if (is(p, "fixed_clip")) return clamp(n, p->a, p->b) - p->in_zero;
  if (is(p, "fixed_softshrink")) return v > p->a ? v - p->a : v < -p->a ? v + p->a : 0;
  if (is(p, "fixed_hardshrink")) return v > p->a || v < -p->a ? v : 0;
  if (is(p, "fixed_leaky_relu"))
    return v >= 0 ? v * ((fix_wide)1 << p->slope_shift) : v * p->slope_mul;
  if (is(p, "fixed_hard_sigmoid")) return clamp(v * p->slope_mul + p->a, 0, p->b);
  return v;
}

static bool has_cast(const struct pointwise *p) {
  return is(p, "fixed_relu") || is(p, "fixed_clip") || is(p, "fixed_softshrink") ||
         is(p, "fixed_hardshrink");
}

// All codes, in an order that changes with the frame.
static uint64_t every_code(const struct cell *c, int frame, int element) {
  return cell_code(element + 37 * frame, c->in_width);
}

static uint64_t expected(const struct cell *c, int frame, int element) {
  const struct pointwise *p = c->with;
  int64_t n = cell_value(c->input(c, frame, element), p->in_width, p->in_type);
  fix_wide acc = exact(p, n);
  if (has_cast(p) && p->cast == 0) return cell_code((int64_t)acc + p->in_zero, p->out_width);
  struct fix_target t = cell_target(p->out_width, p->out_type, p->zero, p->rounding, p->overflow);
  int64_t y = rational_requant(acc, p->mul, p->shift, &t);
  return t.bipolar ? y > 0 : cell_code(y, p->out_width);
}

static void set_constants(struct cell *c) {
  const struct pointwise *p = c->with;
  if (is(p, "fixed_clip")) {
    cell_wide(c, "LO", p->a);
    cell_wide(c, "HI", p->b);
  }
  if (is(p, "fixed_softshrink")) cell_wide(c, "LAMBDA", p->a);
  if (is(p, "fixed_hardshrink")) cell_wide(c, "THRESHOLD", p->a);
  if (is(p, "fixed_leaky_relu")) cell_integer(c, "SLOPE_SHIFT", p->slope_shift);
  if (is(p, "fixed_leaky_relu") || is(p, "fixed_hard_sigmoid"))
    cell_literal(c, "SLOPE_MUL", p->slope_mul);
  if (is(p, "fixed_hard_sigmoid")) {
    cell_wide(c, "OFFSET", p->a);
    cell_wide(c, "ONE", p->b);
  }
  if (has_cast(p)) cell_integer(c, "CAST", p->cast);
}

static void set_parameters(struct cell *c) {
  const struct pointwise *p = c->with;
  cell_integer(c, "LANES", p->lanes);
  cell_integer(c, "IN_WIDTH", p->in_width);
  cell_text(c, "IN_TYPE", p->in_type);
  cell_wide(c, "IN_ZERO", p->in_zero);
  set_constants(c);
  cell_integer(c, "MUL_WIDTH", p->mul_width);
  cell_literal(c, "MUL", p->mul);
  cell_integer(c, "SHIFT", p->shift);
  cell_wide(c, "ZERO", p->zero);
  cell_integer(c, "OUT_WIDTH", p->out_width);
  cell_text(c, "OUT_TYPE", p->out_type);
  cell_text(c, "ROUNDING", p->rounding);
  cell_text(c, "OVERFLOW", p->overflow);
}

// The formulas of the modules' headers.
static int latency(const struct pointwise *p) {
  int requant = 2 + (p->mul_width > 0) + (strcmp(p->rounding, "tflite") == 0);
  if (has_cast(p)) return 1 + (p->cast ? requant : 0);
  return requant + (is(p, "fixed_cast") ? 1 : is(p, "fixed_leaky_relu") ? 2 : 4);
}

void cells_pointwise(struct suite *s) {
  for (int i = 0; i < CASES; i++) {
    const struct pointwise *p = &cases[i];
    struct cell *c = suite_add(s, p->module);
    c->with = p;
    c->in_lanes = c->out_lanes = p->lanes;
    c->in_width = p->in_width;
    c->out_width = p->out_width;
    c->in_elements = c->out_elements = 1 << p->in_width;
    c->frames = p->in_width > 9 ? 3 : 4;
    c->input = every_code;
    c->expected = expected;
    c->ii = (c->in_elements + p->lanes - 1) / p->lanes;
    c->latency = c->ii - 1 + latency(p);
    set_parameters(c);
  }
}
