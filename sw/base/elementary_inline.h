// SPDX-License-Identifier: Apache-2.0
// exp and tanh of elementary.h without branches, so that a loop over them becomes vectors, compiled
// for any instruction set: each operation is rounded on its own, the bits are the same.
#ifndef NNGEN_BASE_ELEMENTARY_INLINE_H
#define NNGEN_BASE_ELEMENTARY_INLINE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define ELEMENTARY static inline __attribute__((always_inline)) double

// log 2 in two parts: n * LN2_HIGH is exact for |n| < 2^20.
#define LN2_HIGH 0x1.62e42fefap-1
#define LN2_LOW 0x1.cf79abc9e3b39p-40
#define LOG2_E 0x1.71547652b82fep+0

// 2^n for a whole number -1022 <= n <= 1023: n + 1023 are the low bits of a double of 2^52 and
// more.
ELEMENTARY power_of_two(double n) {
  double shifted = n + (0x1.8p52 + 1023), x;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits <<= 52;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// (exp(r) - 1) / r for |r| < 0.36: sum r^k / (k + 1)!
ELEMENTARY exp_series(double r) {
  double s = 1;
  s = 1 + s * (r * (1.0 / 15));
  s = 1 + s * (r * (1.0 / 14));
  s = 1 + s * (r * (1.0 / 13));
  s = 1 + s * (r * (1.0 / 12));
  s = 1 + s * (r * (1.0 / 11));
  s = 1 + s * (r * (1.0 / 10));
  s = 1 + s * (r * (1.0 / 9));
  s = 1 + s * (r * (1.0 / 8));
  s = 1 + s * (r * (1.0 / 7));
  s = 1 + s * (r * (1.0 / 6));
  s = 1 + s * (r * (1.0 / 5));
  s = 1 + s * (r * (1.0 / 4));
  s = 1 + s * (r * (1.0 / 3));
  return 1 + s * (r * (1.0 / 2));
}

// x = n log 2 + rest, n whole.
ELEMENTARY exp_rest(double x, double *n) {
  *n = rint(x * LOG2_E);
  return (x - *n * LN2_HIGH) - *n * LN2_LOW;
}

// 2^n scales in two steps, so that results near the ends of the range are rounded once.
ELEMENTARY exp_inline(double x) {
  double n, above = x < -746 ? -746 : x, inside = above > 710 ? 710 : above;
  double r = exp_rest(inside, &n), half = rint(n / 2);
  double y = (1 + r * exp_series(r)) * power_of_two(half) * power_of_two(n - half);
  y = x < -746 ? 0 : y;
  y = x > 710 ? INFINITY : y;
  return x == x ? y : x;
}

// (e - 1) / (e + 1) of e = exp(2 |x|) as e - 1 = expm1(2 |x|) gives it; of NaN, 1.
ELEMENTARY tanh_inline(double x) {
  double a = fabs(x), n, twice = 2 * (a < 20 ? a : 20), rest = exp_rest(twice, &n);
  double r = twice < 0.35 ? twice : rest, series = exp_series(r);
  double e = (1 + r * series) * power_of_two(n) - 1;
  e = twice < 0.35 ? r * series : e;
  return copysign(a < 20 ? e / (e + 2) : 1, x);
}

#endif
