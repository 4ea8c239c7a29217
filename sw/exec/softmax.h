// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_EXEC_SOFTMAX_H
#define NNGEN_EXEC_SOFTMAX_H

#include "sw/graph/type.h"

// y[i] = saturate(zero + half_even(exp(x[i] s) / sum_k exp(x[k] s) / s_y)), correctly rounded: the
// precision grows until the rounding is decided. The quotient is rational only when all x are
// equal (Lindemann-Weierstrass); that case is computed in integers.
void softmax_codes(const int64_t *x, int64_t count, double scale, const struct type *y,
                   int64_t *codes);

// y[i] = saturate(zero + half_even(-log(sum_k exp((x[k] - x[i]) s)) / s_y)), likewise: the
// logarithm is 0 of a row of one, and otherwise of a sum above 1 that is e to the power of no
// algebraic number or, where all x are equal, of a whole number.
void log_softmax_codes(const int64_t *x, int64_t count, double scale, const struct type *y,
                       int64_t *codes);

#endif
