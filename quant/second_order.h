// SPDX-License-Identifier: Apache-2.0
// Rounding of second order: weights become codes one input after the other, and what each rounding
// does to the outputs, on the inputs that there are, is taken back by the weights that follow.
// Frantar, Ashkboos, Hoefler, Alistarh: GPTQ (2022), with the inputs in their order. Before that
// the weights become those that give, on the integers that a layer gets, most nearly what the float
// model gives there: w' = w C H^-1, the least squares of both (C the mean of float inputs times
// integers).
#ifndef NNGEN_QUANT_SECOND_ORDER_H
#define NNGEN_QUANT_SECOND_ORDER_H

#include "sw/graph/graph.h"

// Sums over rows x of integers, and beside each the row y that the float model has there.
struct moments {
  int64_t taps, rows;
  double *sum;    // (taps) of x
  double *square; // (taps, taps) of x x^T, j >= i
  double *cross;  // (taps, taps) of y x^T
};

struct moments moments_new(struct arena *a, int64_t taps);

// Adds rows (rows, taps) of integers and of floats (NULL: `cross` isn't asked for); `threads` share
// the work, each sum is of one.
void moments_add(struct moments *m, int64_t rows, const double *x, const double *y, int threads);

static inline double moments_mean(const struct moments *m, int64_t i) {
  return m->sum[i] / (double)m->rows;
}

static inline double moments_mean_square(const struct moments *m, int64_t i) {
  return m->square[i * m->taps + i] / (double)m->rows;
}

// U with U^T U = H^-1, upper (taps, taps), for H = the mean of x x^T, damped by so much of its mean
// diagonal; inputs that are always 0 count as 1.
double *second_order_factor(struct arena *a, const struct moments *m, double damping);

// Weights w (outs, taps) of the float model become those for integers, one of which stands for
// `scale`. The fewer rows there are for each input, the nearer they stay to what they were.
void second_order_fit(const struct moments *m, double scale, int64_t outs, double *w);

// Codes of outputs `first` .. `first + outs` - 1 of weights w (.., taps) of type t, into `codes`;
// what `cut` (NULL: nothing) says is cut stays 0. Of blocks the exponents (.., blocks) stay as they
// are; of other types they are NULL.
void second_order_codes(const double *factor, int64_t taps, const struct type *t,
                        const int8_t *exponents, int64_t first, int64_t outs, const double *w,
                        const bool *cut, int64_t *codes, int threads);

#endif
