// SPDX-License-Identifier: Apache-2.0
#include "sw/base/elementary.h"

#include "sw/base/elementary_inline.h"

// pi / 2 in three parts: n times the first two is exact for |n| < 2^20.
#define HALF_PI_HIGH 0x1.921fb544p+0
#define HALF_PI_MIDDLE 0x1.0b4611a6p-34
#define HALF_PI_LOW 0x1.3198a2e037073p-69
#define TWO_OVER_PI 0x1.45f306dc9c883p-1
#define TWO_OVER_SQRT_PI 0x1.20dd750429b6dp+0
#define ONE_OVER_SQRT_PI 0x1.20dd750429b6dp-1

double elementary_exp(double x) {
  return exp_inline(x);
}

double elementary_expm1(double x) {
  return fabs(x) < 0.35 ? x * exp_series(x) : elementary_exp(x) - 1;
}

// 2 atanh(f) = log((1 + f) / (1 - f)) for |f| < 0.21: 2 sum f^(2 k + 1) / (2 k + 1)
static double atanh_twice(double f) {
  double square = f * f, s = 0;
  for (int k = 25; k >= 1; k -= 2) s = s * square + 1.0 / k;
  return 2 * f * s;
}

double elementary_log(double x) {
  int n;
  if (!(x > 0) || isinf(x)) return x == 0 ? -INFINITY : x > 0 ? x : NAN;
  double m = frexp(x, &n); // exact
  if (m < 0.70710678118654752) m *= 2, n--;
  return n * LN2_HIGH + (atanh_twice((m - 1) / (m + 1)) + n * LN2_LOW);
}

double elementary_log1p(double x) {
  return fabs(x) < 0.4 ? atanh_twice(x / (2 + x)) : elementary_log(1 + x);
}

double elementary_tanh(double x) {
  return tanh_inline(x);
}

// erf(x) for |x| < 0.5: 2 / sqrt(pi) exp(-x^2) x sum (2 x^2)^n / (1 3 5 .. (2 n + 1)).
static double erf_series(double x) {
  double s = 1;
  for (int n = 16; n >= 1; n--) s = 1 + s * (2 * x * x) * (1.0 / (2 * n + 1));
  return TWO_OVER_SQRT_PI * elementary_exp(-x * x) * x * s;
}

// exp(-x^2), x in two parts so that the square is exact where it is large.
static double exp_of_square(double x) {
  double head = trunc(x * 16) / 16;
  return elementary_exp(-head * head) * elementary_exp(-(x - head) * (x + head));
}

// Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error
// function", Mathematics of Computation 23 (1969): of exp(x^2) erfc(x) for 0.5 <= x <= 4, and of
// what x exp(x^2) erfc(x) is below 1 / sqrt(pi), in 1 / x^2, for x > 4.
static const double near_over[] = {
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
    6.61191906371416295e1,  2.98635138197400131e2,  8.81952221241769090e2,
    1.71204761263407058e3,  2.05107837782607147e3,  1.23033935479799725e3};
static const double near_under[] = {1,
                                    1.57449261107098347e1,
                                    1.17693950891312499e2,
                                    5.37181101862009858e2,
                                    1.62138957456669019e3,
                                    3.29079923573345963e3,
                                    4.36261909014324716e3,
                                    3.43936767414372164e3,
                                    1.23033935480374942e3};
static const double far_over[] = {1.63153871373020978e-2, 3.05326634961232344e-1,
                                  3.60344899949804439e-1, 1.25781726111229246e-1,
                                  1.60837851487422766e-2, 6.58749161529837803e-4};
static const double far_under[] = {1,
                                   2.56852019228982242e0,
                                   1.87295284992346725e0,
                                   5.27905102951428412e-1,
                                   6.05183413124413191e-2,
                                   2.33520497626869185e-3};

// The polynomial with the coefficients c, the highest first.
static double polynomial(int count, const double *c, double x) {
  double y = c[0];
  for (int i = 1; i < count; i++) y = y * x + c[i];
  return y;
}

static double erfc_tail(double x) {
  double square = 1 / (x * x);
  if (x <= 4) return exp_of_square(x) * polynomial(9, near_over, x) / polynomial(9, near_under, x);
  double below = square * polynomial(6, far_over, square) / polynomial(6, far_under, square);
  return exp_of_square(x) * (ONE_OVER_SQRT_PI - below) / x;
}

double elementary_erfc(double x) {
  if (isnan(x)) return x;
  if (fabs(x) < 0.5) return 1 - erf_series(x);
  if (fabs(x) > 28) return x > 0 ? 0 : 2;
  return x > 0 ? erfc_tail(x) : 2 - erfc_tail(-x);
}

// 1 - x^2 / (2 3) (1 - x^2 / (4 5) (..)), which is sin(x) / x for |x| < 0.8, of `first` 3; with 2
// for 3 the products are those of cos(x).
static double alternating(double x, int first) {
  double square = x * x, s = 1;
  for (int k = first + 14; k >= first; k -= 2) s = 1 - s * (square / (k * (k - 1)));
  return s;
}

// sin(x + quarters pi / 2)
static double sine(double x, int64_t quarters) {
  double n = rint(x * TWO_OVER_PI);
  double r = ((x - n * HALF_PI_HIGH) - n * HALF_PI_MIDDLE) - n * HALF_PI_LOW;
  int64_t q = (int64_t)n + quarters;
  double y = q & 1 ? alternating(r, 2) : r * alternating(r, 3);
  return q & 2 ? -y : y;
}

double elementary_sin(double x) {
  return fabs(x) < 0x1p20 ? sine(x, 0) : NAN;
}

double elementary_cos(double x) {
  return fabs(x) < 0x1p20 ? sine(x, 1) : NAN;
}
