// SPDX-License-Identifier: Apache-2.0
// The float kernels of sums that are whole numbers of units, compiled once per instruction set:
// loops over 16 lanes that the compiler makes into vectors. The product of two floats is exact in
// double.

#include "sw/exec/odd.h"

INLINE void odd_lanes(const int lanes, const int outs, int64_t in, const float *x, const float *w,
                      double sum[DOT_OUTS][16]) {
#pragma GCC unroll 4
  for (int o = 0; o < outs; o++)
#pragma GCC unroll 16
    for (int l = 0; l < lanes; l++) sum[o][l] += (double)x[l] * (double)w[o * in + l];
}

// One row of x for `outs` outputs.
INLINE void odd_dots(const int outs, int64_t in, const float *x, const float *w, const float *bias,
                     float *y) {
  double sum[DOT_OUTS][16] = {{0}};
  int64_t k = 0;
  for (; k + 16 <= in; k += 16) odd_lanes(16, outs, in, x + k, w + k, sum);
  for (; k < in; k++) odd_lanes(1, outs, in, x + k, w + k, sum);
  for (int o = 0; o < outs; o++) {
    for (int half = 8; half; half /= 2)
      for (int l = 0; l < half; l++) sum[o][l] += sum[o][l + half];
    y[o] = round_odd(sum[o][0] + (bias ? (double)bias[o] : 0));
  }
}

static void linear_odd(int64_t rows, int64_t in, int64_t out, const float *x, const float *w,
                       const float *bias, float *y) {
  int64_t o = 0;
  for (; o + DOT_OUTS <= out; o += DOT_OUTS)
    for (int64_t r = 0; r < rows; r++)
      odd_dots(DOT_OUTS, in, x + r * in, w + o * in, bias ? bias + o : NULL, y + r * out + o);
  for (; o < out; o++)
    for (int64_t r = 0; r < rows; r++)
      odd_dots(1, in, x + r * in, w + o * in, bias ? bias + o : NULL, y + r * out + o);
}

// ---- what floats are multiples of, on their bits: positive floats are in the order of theirs

enum {
  BITS_SIGN = 0x7fffffff, // all but it
  BITS_INFINITY = 0x7f800000,
  BITS_ONE = 0x800000, // the lowest of the exponent, and the implied bit of the mantissa
  BITS_SHIFT = 23      // of the mantissa
};

// 2^k of the last bit that is 1; infinity of 0, and 0 of what is too small.
INLINE int32_t last_bit(int32_t bits) {
  int32_t mantissa = (bits & (BITS_ONE - 1)) | BITS_ONE, power = (bits & BITS_INFINITY);
  int32_t below = power - BITS_SHIFT * BITS_ONE, unit;
  float scale, last = (float)(mantissa & -mantissa);
  below = below > 0 ? below : 0;
  memcpy(&scale, &below, sizeof scale);
  last *= scale;
  memcpy(&unit, &last, sizeof unit);
  return bits ? unit : BITS_INFINITY;
}

static void extent_real(int64_t count, const float *x, struct extent *e) {
  int32_t most[16] = {0}, unit[16];
  float sum[16] = {0};
  for (int l = 0; l < 16; l++) unit[l] = BITS_INFINITY;
  for (int64_t i = 0; i < count; i += 16) {
    int32_t bits[16] = {0};
    float size[16];
    memcpy(bits, x + i, (count - i < 16 ? (size_t)(count - i) : 16) * sizeof *x);
    for (int l = 0; l < 16; l++) bits[l] &= BITS_SIGN;
    memcpy(size, bits, sizeof size);
    for (int l = 0; l < 16; l++) sum[l] += size[l];
    for (int l = 0; l < 16; l++) most[l] = bits[l] > most[l] ? bits[l] : most[l];
    for (int l = 0; l < 16; l++) {
      int32_t last = last_bit(bits[l]);
      unit[l] = last < unit[l] ? last : unit[l];
    }
  }
  for (int l = 1; l < 16; l++) {
    sum[0] += sum[l];
    most[0] = most[l] > most[0] ? most[l] : most[0];
    unit[0] = unit[l] < unit[0] ? unit[l] : unit[0];
  }
  memcpy(&e->most, most, sizeof e->most);
  memcpy(&e->unit, unit, sizeof e->unit);
  e->sum = sum[0];
}
