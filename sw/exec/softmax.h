// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_EXEC_SOFTMAX_H
#define NNGEN_EXEC_SOFTMAX_H

#include "sw/graph/type.h"

// y[i] = saturate(zero + half_even(exp(x[i] s) / sum_k exp(x[k] s) / s_y)), correctly rounded: the
// precision grows until the rounding is decided. The quotient is rational only when all x are
// equal (Lindemann-Weierstrass); that case is computed in integers.
void softmax_codes(const int64_t *x, int64_t count, double scale, const struct type *y,
                   int64_t *codes);

#endif
