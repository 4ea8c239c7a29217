// SPDX-License-Identifier: Apache-2.0
// Sums of whole numbers of units, which something requantises (struct node's `odd`): floats count
// up to 2^24 units, and what may be more is summed in double and rounded to odd (odd.h). Both give
// the integer that is meant, so that it doesn't matter who looks at which part.
#ifndef NNGEN_EXEC_WHOLE_H
#define NNGEN_EXEC_WHOLE_H

#include "sw/exec/job.h"
#include "sw/exec/kernels.h"

// The kernel for the products of `count` floats x, in whatever rows, with the weights of a node
// (out, in); bias (out) or NULL.
linear_kernel *whole_linear(const struct node *n, int64_t count, const float *x, int64_t in,
                            int64_t out, const float *w, const float *bias);

// Whether floats hold the sums of any `terms` of `count` floats.
bool whole_sums(int64_t count, const float *x, int64_t terms);

#endif
