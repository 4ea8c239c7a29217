// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/fix.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const char *const roundings[FIX_ROUNDINGS] = {
    "floor",     "zero",      "half_up", "half_zero", "half_down",
    "half_away", "half_even", "ceil",    "away",      "tflite"};
static const char *const overflows[FIX_OVERFLOWS] = {"saturate", "symmetric", "wrap", "zero"};

static int find(const char *name, const char *const *names, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(name, names[i]) == 0) return i;
  return -1;
}

const char *fix_rounding_text(enum fix_rounding r) {
  return roundings[r];
}
const char *fix_overflow_text(enum fix_overflow o) {
  return overflows[o];
}
int fix_rounding_find(const char *name) {
  return find(name, roundings, FIX_ROUNDINGS);
}
int fix_overflow_find(const char *name) {
  return find(name, overflows, FIX_OVERFLOWS);
}

// rint in the default rounding mode rounds half to even.
int64_t fix_from_real(double v, int64_t lo, int64_t hi) {
  double r = rint(v);
  if (r <= (double)lo) return lo;
  if (r >= (double)hi) return hi;
  return (int64_t)r;
}

// v as mantissa / 2^shift, with a shift that is defined: what is larger than all that has a shift
// stays larger than any width, what is smaller stays a fraction of its sign.
int64_t fix_requant_real(double v, const struct fix_target *t, bool *inside) {
  int exponent;
  v = isnan(v) ? 0 : fmin(fmax(v, -DBL_MAX), DBL_MAX);
  fix_wide mantissa = (fix_wide)(frexp(v, &exponent) * 0x1p53);
  int shift = 53 - exponent;
  if (shift < FIX_SHIFT_MIN) shift = FIX_SHIFT_MIN;
  if (shift > FIX_SHIFT_MAX) shift = FIX_SHIFT_MAX;
  if (t->bipolar) {
    if (inside) *inside = fabs(v) <= 1;
    return v >= 0 ? 1 : -1;
  }
  if (t->is_float) return fix_to_float(mantissa, shift, t, inside);
  fix_wide q = fix_round(mantissa, shift, t->rounding) + t->zero;
  int64_t code = fix_overflow(q, t->width, t->is_signed, t->zero, t->overflow);
  if (inside) *inside = code == q;
  return code;
}

bool fix_scale_tflite(double r, int64_t *mul, int32_t *shift) {
  if (!(r > 0) || !isfinite(r)) return false;
  int exponent; // r = mantissa * 2^exponent, mantissa in [0.5, 1)
  *mul = (int64_t)rint(frexp(r, &exponent) * 0x1p31);
  if (*mul == (int64_t)1 << 31) {
    *mul = (int64_t)1 << 30;
    exponent++;
  }
  *shift = 31 - exponent;
  return *shift >= FIX_SHIFT_MIN && *shift <= FIX_SHIFT_MAX;
}

bool fix_scale(double r, int64_t *mul, int32_t *shift) {
  int exponent;
  if (!isfinite(r) || frexp(r, &exponent) != 0.5) return fix_scale_tflite(r, mul, shift);
  *mul = 1;
  *shift = 1 - exponent;
  return *shift >= FIX_SHIFT_MIN && *shift <= FIX_SHIFT_MAX;
}
