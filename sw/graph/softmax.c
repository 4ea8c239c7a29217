// SPDX-License-Identifier: Apache-2.0
// 2^20 exp(-v) is 2^20 + 2^20 (exp(-v) - 1), and a whole number added changes no rounding: the
// entries are those of an elu with alpha 1 at the scale 2^-20, whose tables are correctly rounded.
#include "sw/graph/softmax.h"

#include "sw/graph/curve.h"

#include <math.h>

// E[d] is 0 where 2^20 exp(-v) < 1/2: from v = 21 ln 2 = 14.556 on.
#define VANISHES 14.6

enum { ONE = 1 << SOFTMAX_BITS };

bool softmax_fraction(const struct type *y, int *fraction) {
  if (!type_is_fixed(y) || y->is_signed || y->axis >= 0) return false;
  int exponent;
  if (frexp(type_scale(y, 0), &exponent) != 0.5) return false;
  *fraction = 1 - exponent;
  return *fraction >= 0 && *fraction <= SOFTMAX_FRACTION_MOST;
}

// E - 2^20 of d = high .. low.
static void exps_less(const struct type *x, int64_t low, int64_t high, int64_t *less) {
  // beyond these scales nothing changes: one step and all is 0, or 4,095 and nothing is less
  double scale = fmin(fmax(type_scale(x, 0), CURVE_SCALE_MIN), CURVE_SCALE_MAX);
  struct curve_domain domain = {
      .in_lo = -high, .in_hi = -low, .in_scale = scale, .out_lo = -ONE, .out_scale = 1.0 / ONE};
  curve_table(CURVE_ELU, 1, &domain, less);
}

int32_t softmax_exp(const struct type *x, int64_t d) {
  int64_t less;
  exps_less(x, d, d, &less);
  return (int32_t)(ONE + less);
}

const int32_t *softmax_exps(struct arena *a, const struct type *x, int64_t *depth) {
  int64_t most = (int64_t)1 << type_width(x);
  double needed = ceil(VANISHES / type_scale(x, 0)) + 1;
  int64_t count = needed < (double)most ? (int64_t)needed : most;
  int64_t *less = ARENA_NEW(a, int64_t, count);
  int32_t *exps = ARENA_NEW(a, int32_t, count);
  exps_less(x, 0, count - 1, less);
  for (int64_t d = 0; d < count; d++) exps[d] = (int32_t)(ONE + less[count - 1 - d]);
  while (exps[count - 1] == 0) count--;
  *depth = count;
  return exps;
}

int64_t softmax_code(int64_t exp, int64_t sum, const struct type *y, int fraction) {
  int64_t whole = exp << fraction, q = whole / sum, rest = whole - q * sum;
  q += fix_increment(FIX_HALF_EVEN, false, q & 1, 2 * rest >= sum, rest != 0 && 2 * rest != sum);
  return fix_overflow((fix_wide)q + type_zero(y, 0), type_width(y), false, 0, FIX_SATURATE);
}
