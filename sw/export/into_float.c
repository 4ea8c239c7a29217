// SPDX-License-Identifier: Apache-2.0
#include "sw/export/into_float.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

const struct into_float *into_float_find(const char *name) {
  static const struct into_float types[] = {
      {"F32", 4, 23, 8}, {"F16", 2, 10, 5}, {"BF16", 2, 7, 8}, {"F64", 8, 52, 11}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, name) == 0) return &types[i];
  return NULL;
}

static int bias(const struct into_float *f) {
  return (1 << (f->exponent - 1)) - 1;
}

double into_float_get(const struct into_float *f, const unsigned char *at) {
  uint64_t bits = 0, hidden = (uint64_t)1 << f->mantissa;
  for (int i = f->bytes - 1; i >= 0; i--) bits = bits << 8 | at[i];
  int exponent = (int)(bits >> f->mantissa & ((1U << f->exponent) - 1));
  uint64_t mantissa = bits & (hidden - 1);
  double v = exponent == (1 << f->exponent) - 1
                 ? (mantissa ? NAN : INFINITY)
                 : ldexp((double)(exponent ? mantissa | hidden : mantissa),
                         (exponent ? exponent : 1) - bias(f) - f->mantissa);
  return bits >> (8 * f->bytes - 1) ? -v : v;
}

void into_float_put(const struct into_float *f, unsigned char *at, double v) {
  uint64_t top = ((uint64_t)1 << f->exponent) - 1, bits = top << f->mantissa;
  int exponent = 0;
  if (isnan(v)) bits |= (uint64_t)1 << (f->mantissa - 1);
  if (isfinite(v)) {
    frexp(v, &exponent); // |v| is in [2^(exponent - 1), 2^exponent)
    int field = v == 0 ? 0 : exponent - 1 + bias(f);
    if (field < 1) field = 0; // no hidden bit
    // a step of the last place; what rounds up to the next power carries into the exponent
    double step = ldexp(1, (field ? field : 1) - bias(f) - f->mantissa);
    uint64_t places = (uint64_t)rint(fabs(v) / step);
    uint64_t whole = places + ((uint64_t)(field ? field - 1 : 0) << f->mantissa);
    if (field < (int)top && whole < bits) bits = whole;
  }
  bits |= (uint64_t)(signbit(v) != 0) << (8 * f->bytes - 1);
  for (int i = 0; i < f->bytes; i++) at[i] = (unsigned char)(bits >> (8 * i));
}
