// SPDX-License-Identifier: Apache-2.0
// Rounding of second order: weights become codes one input after the other, and what each rounding
// does to the outputs, on the inputs that there are, is taken back by the weights that follow.
// Frantar, Ashkboos, Hoefler, Alistarh: GPTQ (2022), with the inputs in their order.
#ifndef NNGEN_QUANT_SECOND_ORDER_H
#define NNGEN_QUANT_SECOND_ORDER_H

#include "sw/graph/graph.h"

// Sums over rows x of integers, exact whatever the order: |x| < 2^16 and at most ROWS_MOST rows.
struct moments {
  int64_t taps, rows;
  double *sum;    // (taps) of x
  double *square; // (taps, taps) of x x^T, j >= i
};

enum { MOMENT_ROWS_MOST = 1 << 20 };

struct moments moments_new(struct arena *a, int64_t taps);

// Adds rows (rows, taps) of integers; `threads` share the work.
void moments_add(struct moments *m, int64_t rows, const double *x, int threads);

static inline double moments_mean(const struct moments *m, int64_t i) {
  return m->sum[i] / (double)m->rows;
}

static inline double moments_mean_square(const struct moments *m, int64_t i) {
  return m->square[i * m->taps + i] / (double)m->rows;
}

// U with U^T U = H^-1, upper (taps, taps), for H = the mean of x x^T, damped by 1 % of its mean
// diagonal; inputs that are always 0 count as 1.
double *second_order_factor(struct arena *a, const struct moments *m);

// Codes of outputs `first` .. `first + outs` - 1 of weights w (.., taps) of type t, into `codes`;
// what `cut` (NULL: nothing) says is cut stays 0.
void second_order_codes(const double *factor, int64_t taps, const struct type *t, int64_t first,
                        int64_t outs, const double *w, const bool *cut, int64_t *codes,
                        int threads);

#endif
