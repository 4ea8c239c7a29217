// SPDX-License-Identifier: Apache-2.0
// Shapes of outputs from the shapes of inputs.
#include "sw/graph/column.h"

#include <string.h>

void shape_copy(const struct value *v, int *rank, int64_t shape[RANK_MAX]) {
  *rank = v->rank;
  memcpy(shape, v->shape, sizeof v->shape);
}

static bool spaced_shape(const struct graph *g, const struct node *n, int *rank,
                         int64_t shape[RANK_MAX], struct err *e) {
  struct space s;
  struct slice slice;
  if (!space_of(g, n, &s, e) || !slice_of(n, &s, &slice, e)) return false;
  if (slice.ranges && s.reduced[slice.axis] && n->n_in == 3)
    return err_set(e, "a slice of the summed axis takes no bias");
  *rank = s.out_rank;
  for (int d = 0; d < s.out_rank; d++) shape[d] = slice_size(&slice, &s, s.out_axis[d]);
  return true;
}

bool graph_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                 int64_t shape[RANK_MAX], struct err *e) {
  const struct graph_column *c = graph_column(n->op);
  return c->shape ? c->shape(g, n, out, rank, shape, e) : spaced_shape(g, n, rank, shape, e);
}
