// SPDX-License-Identifier: Apache-2.0
#include "sw/import/tflite_parts.h"

#include <math.h>

enum { EXPONENT_LEAST = -31, EXPONENT_MOST = 31 };

bool tflite_multiplier(double r, int64_t *mul, int32_t *shift) {
  int exponent; // r = mantissa * 2^exponent, mantissa in [0.5, 1)
  if (!(r > 0) || !isfinite(r)) return false;
  *mul = (int64_t)round(frexp(r, &exponent) * 0x1p31);
  if (*mul == (int64_t)1 << 31) {
    *mul = (int64_t)1 << 30;
    exponent++;
  }
  *shift = 31 - exponent;
  if (exponent < EXPONENT_LEAST) {
    *mul = (int64_t)1 << 30;
    *shift = 63;
  }
  return exponent <= EXPONENT_MOST;
}
