// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/exact.h"

#include <math.h>

// Constants that aren't read keep their name out of the compiler's way.
#define UNUSED __attribute__((unused))

static bool no_codes(UNUSED const struct exact_reals *c, UNUSED const struct type *in,
                     UNUSED int32_t slope_shift, UNUSED int64_t codes[2], UNUSED struct err *e) {
  return true;
}

// ---- cast: a change of type

static fix_wide exact_cast(fix_wide v, UNUSED const struct exact_codes *c) {
  return v;
}

static double exact_cast_real(double x, UNUSED const struct exact_reals *c) {
  return x;
}

static double exact_cast_slope(UNUSED double x, UNUSED const struct exact_reals *c) {
  return 1;
}

#define exact_cast_codes no_codes

// ---- requant: on integers the same; on reals the nearest value of its type, through which the
// gradient passes straight, but for what overflows

#define exact_requant exact_cast

static int64_t requant_code(double x, const struct exact_reals *c, bool *inside) {
  struct fix_target t = type_target(&c->type, c->channel);
  t.rounding = c->rounding;
  t.overflow = c->overflow;
  return fix_requant_real(x / type_scale(&c->type, c->channel), &t, inside);
}

static double exact_requant_real(double x, const struct exact_reals *c) {
  return type_value(&c->type, c->channel, requant_code(x, c, NULL));
}

static double exact_requant_slope(double x, const struct exact_reals *c) {
  bool inside;
  requant_code(x, c, &inside);
  return inside;
}

#define exact_requant_codes no_codes

// ---- relu

static fix_wide exact_relu(fix_wide v, UNUSED const struct exact_codes *c) {
  return v > 0 ? v : 0;
}

static double exact_relu_real(double x, UNUSED const struct exact_reals *c) {
  return x > 0 ? x : 0;
}

static double exact_relu_slope(double x, UNUSED const struct exact_reals *c) {
  return x > 0;
}

#define exact_relu_codes no_codes

// ---- clip, and cut, whose slope is 0 at its bounds

static fix_wide clamp(fix_wide v, fix_wide lo, fix_wide hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

static fix_wide exact_clip(fix_wide v, const struct exact_codes *c) {
  return clamp(v, c->codes[0] - c->zero, c->codes[1] - c->zero);
}

static double exact_clip_real(double x, const struct exact_reals *c) {
  return x < c->lo ? c->lo : x > c->hi ? c->hi : x;
}

static double exact_clip_slope(double x, const struct exact_reals *c) {
  return x >= c->lo && x <= c->hi;
}

static bool exact_clip_codes(const struct exact_reals *c, const struct type *in,
                             UNUSED int32_t slope_shift, int64_t codes[2], struct err *e) {
  if (!(c->lo <= c->hi)) return err_set(e, "lo %g lies above hi %g", c->lo, c->hi);
  codes[0] = type_encode(in, c->lo);
  codes[1] = type_encode(in, c->hi);
  return true;
}

static double exact_cut_slope(double x, const struct exact_reals *c) {
  return x > c->lo && x < c->hi;
}

#define exact_cut exact_clip
#define exact_cut_real exact_clip_real
#define exact_cut_codes exact_clip_codes

// ---- leaky_relu: the negative side times a slope mul / 2^shift

static fix_wide exact_leaky_relu(fix_wide v, const struct exact_codes *c) {
  return v >= 0 ? v * ((fix_wide)1 << c->slope_shift) : v * c->slope_mul;
}

static double exact_leaky_relu_real(double x, const struct exact_reals *c) {
  return x >= 0 ? x : x * c->slope;
}

static double exact_leaky_relu_slope(double x, const struct exact_reals *c) {
  return x > 0 ? 1 : c->slope;
}

#define exact_leaky_relu_codes no_codes

// ---- hard_sigmoid: x * slope + offset between 0 and 1

static fix_wide exact_hard_sigmoid(fix_wide v, const struct exact_codes *c) {
  return clamp(v * c->slope_mul + c->codes[0], 0, c->codes[1]);
}

static double exact_hard_sigmoid_real(double x, const struct exact_reals *c) {
  double y = x * c->slope + c->offset;
  return y < 0 ? 0 : y > 1 ? 1 : y;
}

static double exact_hard_sigmoid_slope(double x, const struct exact_reals *c) {
  double y = x * c->slope + c->offset;
  return y > 0 && y < 1 ? c->slope : 0;
}

static bool exact_hard_sigmoid_codes(const struct exact_reals *c, const struct type *in,
                                     int32_t slope_shift, int64_t codes[2], struct err *e) {
  const int64_t wide = (int64_t)1 << 61;
  double scale = type_scale(in, 0);
  codes[0] = fix_from_real(ldexp(c->offset, slope_shift) / scale, -wide, wide);
  codes[1] = fix_from_real(ldexp(1, slope_shift) / scale, 0, wide);
  return (codes[0] != wide && codes[0] != -wide && codes[1] != wide) ||
         err_set(e, "slope %g and offset %g leave 61 bits at the input's scale", c->slope,
                 c->offset);
}

// ---- softshrink and hardshrink: nothing between -lambda and lambda

enum { LAMBDA_BITS = 33 };

static fix_wide exact_softshrink(fix_wide v, const struct exact_codes *c) {
  int64_t lambda = c->codes[0];
  return v > lambda ? v - lambda : v < -lambda ? v + lambda : 0;
}

static double exact_softshrink_real(double x, const struct exact_reals *c) {
  return x > c->lambda ? x - c->lambda : x < -c->lambda ? x + c->lambda : 0;
}

static double exact_softshrink_slope(double x, const struct exact_reals *c) {
  return fabs(x) > c->lambda;
}

static bool lambda_code(double v, const struct exact_reals *c, int64_t codes[2], struct err *e) {
  if (c->lambda < 0) return err_set(e, "lambda %g, expected 0 or more", c->lambda);
  codes[0] = fix_from_real(v, 0, (int64_t)1 << LAMBDA_BITS);
  return true;
}

static bool exact_softshrink_codes(const struct exact_reals *c, const struct type *in,
                                   UNUSED int32_t slope_shift, int64_t codes[2], struct err *e) {
  return lambda_code(c->lambda / type_scale(in, 0), c, codes, e);
}

static fix_wide exact_hardshrink(fix_wide v, const struct exact_codes *c) {
  return v > c->codes[0] || v < -c->codes[0] ? v : 0;
}

static double exact_hardshrink_real(double x, const struct exact_reals *c) {
  return fabs(x) > c->lambda ? x : 0;
}

static double exact_hardshrink_slope(double x, const struct exact_reals *c) {
  return fabs(x) > c->lambda;
}

static bool exact_hardshrink_codes(const struct exact_reals *c, const struct type *in,
                                   UNUSED int32_t slope_shift, int64_t codes[2], struct err *e) {
  return lambda_code(floor(c->lambda / type_scale(in, 0)), c, codes, e);
}

// ---- the table

const struct exact *exact_of(enum op op) {
  enum { ANY = 0, MONOTONE = 1 };
  static const struct exact rows[OP_COUNT] = {
#define EXACT(kind, stem, lo, hi, order, module, stages, shift, code0, code1)                      \
  [OP_##kind] = {exact_##stem,                                                                     \
                 exact_##stem##_real,                                                              \
                 exact_##stem##_slope,                                                             \
                 exact_##stem##_codes,                                                             \
                 lo,                                                                               \
                 hi,                                                                               \
                 order,                                                                            \
                 module,                                                                           \
                 stages,                                                                           \
                 shift,                                                                            \
                 {code0, code1}},
#include "sw/graph/exact.def"
#undef EXACT
  };
  return rows[op].integer ? &rows[op] : NULL;
}

struct exact_reals exact_reals_of(const struct node *n) {
  const struct exact *x = exact_of(n->op);
  const struct attr *type = node_attr(n, ATTR_type);
  return (struct exact_reals){.type = type ? type->type : type_real(),
                              .rounding = n->rounding,
                              .overflow = n->overflow,
                              .lo = node_real(n, ATTR_lo, x ? x->lo : 0),
                              .hi = node_real(n, ATTR_hi, x ? x->hi : 0),
                              .lambda = node_real(n, ATTR_lambda, 0),
                              .slope = node_real(n, ATTR_slope, 0),
                              .offset = node_real(n, ATTR_offset, 0)};
}
