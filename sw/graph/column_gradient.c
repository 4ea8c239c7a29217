// SPDX-License-Identifier: Apache-2.0
// Gradients of other nodes, in floats.
#include "sw/graph/column.h"
#include "sw/graph/gradient.h"

static bool shape_of(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                     int64_t shape[RANK_MAX], struct err *e) {
  (void)out;
  return gradient_shape(g, n, rank, shape, e);
}

const struct graph_column column_gradient = {.shape = shape_of, .real_types = gradient_verify};
