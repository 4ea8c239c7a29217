// SPDX-License-Identifier: Apache-2.0
// Fixed-point numbers of 32 bits; a name ends with how many of them are fraction: x31, a26.
#include "sw/graph/softmax_tflite.h"

#include "sw/graph/fix.h"

// Products of 31 fraction bits, halves upward.
static int64_t multiply(int64_t a, int64_t b) {
  return (a * b + ((int64_t)1 << 30)) >> 31;
}

static int64_t divided(int64_t a, int bits) {
  return (int64_t)fix_round(a, bits, FIX_HALF_AWAY);
}

// exp of x31 = m + 1/8 for -1/4 <= m < 0: e^(-1/8) times four terms of its series.
static int64_t exp_between(int64_t m26) {
  const int64_t third = 715827883, eighth = 1895147668; // 1/3, e^(-1/8)
  int64_t x = 32 * m26 + ((int64_t)1 << 28);
  int64_t x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);
  int64_t rest = divided(multiply(divided(x4, 2) + x3, third) + x2, 1);
  return eighth + multiply(eighth, x + rest);
}

// exp(a) for a <= 0: of the part below 1/4, then e^(-2^(j - 2)) for each of the quarters' bits.
static int64_t exp_of(int64_t a26) {
  static const int64_t factor[] = {1672461947, 1302514674, 790015084, 290630308,
                                   39332535,   720401,     242};
  const int64_t quarter = (int64_t)1 << 24;
  if (a26 == 0) return INT32_MAX;
  int64_t m = (a26 & (quarter - 1)) - quarter, e = exp_between(m);
  for (int j = 0; j < 7; j++)
    if ((m - a26) >> (24 + j) & 1) e = multiply(e, factor[j]);
  return e;
}

int32_t softmax_tflite_exp(int64_t d, int64_t mul, int shift) {
  int left = 31 - shift;
  if (d > ((int64_t)31 << 26) >> left) return 0;
  return (int32_t)exp_of(multiply(-d * ((int64_t)1 << left), mul));
}

// 1 / (1 + w31) by Newton and Raphson, with 31 fraction bits.
static int64_t reciprocal(int64_t w31) {
  int64_t half = (w31 + ((int64_t)1 << 31)) >> 1;
  int64_t u = 1515870810 + multiply(half, -1010580540); // 48/17 - 32/17 half, 29 fraction bits
  for (int i = 0; i < 3; i++) u += 4 * multiply(u, ((int64_t)1 << 29) - multiply(half, u));
  return 2 * u > INT32_MAX ? INT32_MAX : 2 * u;
}

void softmax_tflite(const int64_t *x, int64_t count, int64_t mul, int shift, int32_t *exps,
                    int64_t *y) {
  int64_t most = x[0], sum = 0;
  for (int64_t i = 1; i < count; i++) most = x[i] > most ? x[i] : most;
  for (int64_t i = 0; i < count; i++) {
    exps[i] = softmax_tflite_exp(most - x[i], mul, shift);
    sum += divided(exps[i], 12);
  }
  int zeros = __builtin_clz((unsigned)sum);
  int64_t r = reciprocal((sum << zeros) - ((int64_t)1 << 31));
  for (int64_t i = 0; i < count; i++) {
    int64_t p = divided(multiply(r, exps[i]), 12 - zeros + 23);
    y[i] = p > UINT8_MAX ? INT8_MAX : p + INT8_MIN;
  }
}
