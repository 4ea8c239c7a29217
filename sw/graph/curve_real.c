// SPDX-License-Identifier: Apache-2.0
// The functions of curve.h on doubles, in forms that neither cancel nor overflow.
#include "sw/graph/curve.h"

#include <assert.h>
#include <math.h>

static const double selu_alpha = 1.6732632423543772848170429916717;
static const double selu_scale = 1.0507009873554804934193349852946;
static const double sqrt_half = 0.70710678118654752440;
static const double two_sqrt_2_over_pi = 1.59576912160573071176;

// x - tanh(x): Lambert's continued fraction tanh x = x / (1 + g), g = x^2/(3 + x^2/(5 + ...)),
// gives x g / (1 + g) where the difference would cancel.
static double tanhshrink(double x) {
  if (fabs(x) > 1.5) return x - tanh(x);
  double g = 0;
  for (int k = 27; k >= 3; k -= 2) g = x * x / (k + g);
  return x * g / (1 + g);
}

static double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static double softplus(double x) {
  return fmax(x, 0) + log1p(exp(-fabs(x)));
}

// tanh(softplus(x)) = (w^2 + 2 w) / (w^2 + 2 w + 2) with w = e^x; above, divided by w^2.
static double mish(double x) {
  double w = exp(-fabs(x));
  if (x > 0) return x * (1 + 2 * w) / (1 + 2 * w + 2 * w * w);
  return x * w * (w + 2) / (w * (w + 2) + 2);
}

double curve_real(enum curve f, double alpha, double x) {
  switch (f) {
  case CURVE_SOFTSIGN:
    return x / (1 + fabs(x));
  case CURVE_TANH:
    return tanh(x);
  case CURVE_TANHSHRINK:
    return tanhshrink(x);
  case CURVE_SIGMOID:
    return sigmoid(x);
  case CURVE_SILU:
    return x * sigmoid(x);
  case CURVE_ELU:
    return x < 0 ? alpha * expm1(x) : x;
  case CURVE_SELU:
    return selu_scale * (x < 0 ? selu_alpha * expm1(x) : x);
  case CURVE_GELU:
    return x / 2 * erfc(-x * sqrt_half);
  case CURVE_GELU_TANH:
    return x * sigmoid(two_sqrt_2_over_pi * (x + 0.044715 * x * x * x));
  case CURVE_SOFTPLUS:
    return softplus(x);
  case CURVE_LOGSIGMOID:
    return -softplus(-x);
  case CURVE_MISH:
    return mish(x);
  case CURVE_SCALED_TANH:
    return 1.7159 * tanh(2 * x / 3);
  case CURVE_COUNT:
    break;
  }
  assert(false && "no such curve");
  return 0;
}
