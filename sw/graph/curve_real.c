// SPDX-License-Identifier: Apache-2.0
// The functions of curve.h and their derivatives on doubles, in forms that neither cancel nor
// overflow.
#include "sw/graph/curve.h"

#include "sw/base/elementary.h"

#include <assert.h>
#include <math.h>

static const double selu_alpha = 1.6732632423543772848170429916717;
static const double selu_scale = 1.0507009873554804934193349852946;
static const double sqrt_half = 0.70710678118654752440;
static const double two_sqrt_2_over_pi = 1.59576912160573071176;
static const double one_over_sqrt_2_pi = 0.39894228040143267794;

// x - tanh(x): Lambert's continued fraction tanh x = x / (1 + g), g = x^2/(3 + x^2/(5 + ...)),
// gives x g / (1 + g) where the difference would cancel.
static double tanhshrink(double x) {
  if (fabs(x) > 1.5) return x - elementary_tanh(x);
  double g = 0;
  for (int k = 27; k >= 3; k -= 2) g = x * x / (k + g);
  return x * g / (1 + g);
}

static double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + elementary_exp(-x)) : elementary_exp(x) / (1 + elementary_exp(x));
}

static double softplus(double x) {
  return fmax(x, 0) + elementary_log1p(elementary_exp(-fabs(x)));
}

// tanh(softplus(x)) = (w^2 + 2 w) / (w^2 + 2 w + 2) with w = e^x; above, divided by w^2.
static double mish(double x) {
  double w = elementary_exp(-fabs(x));
  if (x > 0) return x * (1 + 2 * w) / (1 + 2 * w + 2 * w * w);
  return x * w * (w + 2) / (w * (w + 2) + 2);
}

double curve_real(enum curve f, double alpha, double x) {
  switch (f) {
  case CURVE_SOFTSIGN:
    return x / (1 + fabs(x));
  case CURVE_TANH:
    return elementary_tanh(x);
  case CURVE_TANHSHRINK:
    return tanhshrink(x);
  case CURVE_SIGMOID:
    return sigmoid(x);
  case CURVE_SILU:
    return x * sigmoid(x);
  case CURVE_ELU:
    return x < 0 ? alpha * elementary_expm1(x) : x;
  case CURVE_SELU:
    return selu_scale * (x < 0 ? selu_alpha * elementary_expm1(x) : x);
  case CURVE_GELU:
    return x / 2 * elementary_erfc(-x * sqrt_half);
  case CURVE_GELU_TANH:
    return x * sigmoid(two_sqrt_2_over_pi * (x + 0.044715 * x * x * x));
  case CURVE_SOFTPLUS:
    return softplus(x);
  case CURVE_LOGSIGMOID:
    return -softplus(-x);
  case CURVE_MISH:
    return mish(x);
  case CURVE_SCALED_TANH:
    return 1.7159 * elementary_tanh(2 * x / 3);
  case CURVE_COUNT:
    break;
  }
  assert(false && "no such curve");
  return 0;
}

// 1 / cosh(x)^2
static double sech2(double x) {
  double w = elementary_exp(-2 * fabs(x));
  return 4 * w / ((1 + w) * (1 + w));
}

static double softsign_slope(double x) {
  double s = 1 / (1 + fabs(x));
  return s * s;
}

// d(x sigmoid(u)) / dx = sigmoid(u) (1 + x u' sigmoid(-u))
static double gate_slope(double x, double u, double du) {
  return sigmoid(u) * (1 + x * du * sigmoid(-u));
}

static double gelu_tanh_slope(double x) {
  if (fabs(x) > 40) return x > 0; // and u would overflow
  double u = two_sqrt_2_over_pi * (x + 0.044715 * x * x * x);
  return gate_slope(x, u, two_sqrt_2_over_pi * (1 + 3 * 0.044715 * x * x));
}

// t + x (1 - t^2) sigmoid(x) with t = tanh(softplus(x)), written in w as in mish():
// w (w + 2) / d + 4 x w (w + 1) / d^2 with d = w^2 + 2 w + 2.
static double mish_slope(double x) {
  double w = elementary_exp(-fabs(x));
  double d = x > 0 ? 1 + 2 * w + 2 * w * w : w * (w + 2) + 2;
  if (x > 0) return (1 + 2 * w) / d + x * (4 * w * w * (1 + w) / (d * d));
  return w * (w + 2) / d + x * (4 * w * (w + 1) / (d * d));
}

double curve_slope(enum curve f, double alpha, double x) {
  switch (f) {
  case CURVE_SOFTSIGN:
    return softsign_slope(x);
  case CURVE_TANH:
    return sech2(x);
  case CURVE_TANHSHRINK:
    return elementary_tanh(x) * elementary_tanh(x);
  case CURVE_SIGMOID:
    return sigmoid(x) * sigmoid(-x);
  case CURVE_SILU:
    return gate_slope(x, x, 1);
  case CURVE_ELU:
    return x > 0 ? 1 : alpha * elementary_exp(x);
  case CURVE_SELU:
    return selu_scale * (x > 0 ? 1 : selu_alpha * elementary_exp(x));
  case CURVE_GELU:
    return elementary_erfc(-x * sqrt_half) / 2 +
           x * (one_over_sqrt_2_pi * elementary_exp(-x * x / 2));
  case CURVE_GELU_TANH:
    return gelu_tanh_slope(x);
  case CURVE_SOFTPLUS:
    return sigmoid(x);
  case CURVE_LOGSIGMOID:
    return sigmoid(-x);
  case CURVE_MISH:
    return mish_slope(x);
  case CURVE_SCALED_TANH:
    return 1.7159 * 2 / 3 * sech2(2 * x / 3);
  case CURVE_COUNT:
    break;
  }
  assert(false && "no such curve");
  return 0;
}
