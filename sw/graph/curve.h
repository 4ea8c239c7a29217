// SPDX-License-Identifier: Apache-2.0
// The activations that are computed by table (numerics.md): correctly rounded tables of integers,
// and the same functions on doubles.
//
//   softsign x / (1 + |x|)      tanhshrink x - tanh x          sigmoid 1 / (1 + e^-x)
//   silu x sigmoid(x)           elu x < 0: alpha (e^x - 1)     selu S (x < 0: A (e^x - 1))
//   gelu x Phi(x)               gelu_tanh x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3))
//   softplus ln(1 + e^x)        logsigmoid -softplus(-x)       mish x tanh(softplus(x))
//   scaled_tanh 1.7159 tanh(2 x / 3)
//
// with A = 1.6732632423543772848170429916717 and S = 1.0507009873554804934193349852946; these and
// 1.7159, 2/3, 0.044715 are exact decimals or fractions.
#ifndef NNGEN_GRAPH_CURVE_H
#define NNGEN_GRAPH_CURVE_H

#include <stdbool.h>
#include <stdint.h>

enum curve {
#define CURVE(id, name, odd, exact, rest, where) CURVE_##id,
#include "sw/graph/curve.def"
#undef CURVE
  CURVE_COUNT
};

#define CURVE_SCALE_MIN 0x1p-200
#define CURVE_SCALE_MAX 0x1p200

// Scales are from CURVE_SCALE_MIN to CURVE_SCALE_MAX; |in - in_zero| < 2^33.
struct curve_domain {
  int64_t in_lo, in_hi, in_zero;
  double in_scale;
  int64_t out_lo, out_hi, out_zero;
  double out_scale;
};

const char *curve_name(enum curve f);
bool curve_odd(enum curve f);

// codes[n - in_lo] = saturate(out_zero + half_even(f((n - in_zero) * in_scale) / out_scale)),
// correctly rounded, for n = in_lo..in_hi. `alpha` is elu's, finite; the others ignore it.
void curve_table(enum curve f, double alpha, const struct curve_domain *d, int64_t *codes);

// Of an odd function: magnitudes[m] = half_even(f(m * in_scale) / out_scale), unsaturated but at
// most 2^40, for m = 0..count-1; zero points play no part.
void curve_magnitudes(enum curve f, const struct curve_domain *d, int64_t count,
                      int64_t *magnitudes);

// f(x) for finite x, within a few units in the last place where libm is.
double curve_real(enum curve f, double alpha, double x);

// df/dx at finite x, as accurate; where elu and selu have a kink, at 0, the slope of the left side.
double curve_slope(enum curve f, double alpha, double x);

#endif
