// SPDX-License-Identifier: Apache-2.0
// 2^20 exp(-v) is 2^20 + 2^20 (exp(-v) - 1), and a whole number added changes no rounding: the
// entries are those of an elu with alpha 1 at the scale 2^-20, whose tables are correctly rounded.
#include "sw/graph/softmax.h"

#include "sw/graph/curve.h"

#include <math.h>

// E[d] is 0 where 2^20 exp(-v) < 1/2: from v = 21 ln 2 = 14.556 on.
#define VANISHES 14.6

bool softmax_fraction(const struct type *y, int *fraction) {
  if (!type_is_fixed(y) || y->is_signed || y->axis >= 0) return false;
  int exponent;
  if (frexp(type_scale(y, 0), &exponent) != 0.5) return false;
  *fraction = 1 - exponent;
  return *fraction >= 0 && *fraction <= SOFTMAX_FRACTION_MOST;
}

const int32_t *softmax_exps(struct arena *a, const struct type *x, int64_t *depth) {
  // beyond these scales nothing changes: one step and all is 0, or 4,095 and nothing is less
  double scale = fmin(fmax(type_scale(x, 0), CURVE_SCALE_MIN), CURVE_SCALE_MAX);
  int64_t most = (int64_t)1 << type_width(x), one = (int64_t)1 << SOFTMAX_BITS;
  double needed = ceil(VANISHES / scale) + 1;
  int64_t count = needed < (double)most ? (int64_t)needed : most;
  struct curve_domain domain = {
      .in_lo = 1 - count, .in_scale = scale, .out_lo = -one, .out_scale = ldexp(1, -SOFTMAX_BITS)};
  int64_t *less = ARENA_NEW(a, int64_t, count); // E - one, of d = count - 1 .. 0
  int32_t *exps = ARENA_NEW(a, int32_t, count);
  curve_table(CURVE_ELU, 1, &domain, less);
  for (int64_t d = 0; d < count; d++) exps[d] = (int32_t)(one + less[count - 1 - d]);
  while (exps[count - 1] == 0) count--;
  *depth = count;
  return exps;
}

int64_t softmax_code(int64_t exp, int64_t sum, const struct type *y, int fraction) {
  int64_t whole = exp << fraction, q = whole / sum, rest = whole - q * sum;
  q += fix_increment(FIX_HALF_EVEN, false, q & 1, 2 * rest >= sum, rest != 0 && 2 * rest != sum);
  return fix_overflow((fix_wide)q + type_zero(y, 0), type_width(y), false, 0, FIX_SATURATE);
}
