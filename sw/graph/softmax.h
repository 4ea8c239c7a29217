// SPDX-License-Identifier: Apache-2.0
// The softmax that circuits compute (numerics.md, "Softmax in the circuit"):
//
//   E[d] = half_even(2^20 exp(-d s_x))        y_i = saturate(z_y + half_even(E[m - x_i] 2^F / S))
//
// with m the largest integer of the row, S the sum of E[m - x_k] over it, and 2^-F the scale of y.
#ifndef NNGEN_GRAPH_SOFTMAX_H
#define NNGEN_GRAPH_SOFTMAX_H

#include "sw/graph/type.h"

enum {
  SOFTMAX_IN_MOST = 12,      // bits of an input
  SOFTMAX_BITS = 20,         // E[0] = 2^SOFTMAX_BITS
  SOFTMAX_FRACTION_MOST = 32 // F
};

// F, if y is unsigned with one scale 2^-F and 0 <= F <= SOFTMAX_FRACTION_MOST.
bool softmax_fraction(const struct type *y, int *fraction);

// E[d] of an input of type x, which has one scale; 0 <= d.
int32_t softmax_exp(const struct type *x, int64_t d);

// E[0] .. E[*depth - 1] (depth), correctly rounded; from there on all are 0. x has at most
// SOFTMAX_IN_MOST bits; 1 <= *depth <= 2^bits.
const int32_t *softmax_exps(struct arena *a, const struct type *x, int64_t *depth);

// y of a row's element whose E is `exp`, in a sum 1 <= sum < 2^62 / 2^F.
int64_t softmax_code(int64_t exp, int64_t sum, const struct type *y, int fraction);

#endif
