// SPDX-License-Identifier: Apache-2.0
// What only gives an array another shape, or none.
#include "sw/graph/column.h"

static bool reshape_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                          int64_t shape[RANK_MAX], struct err *e) {
  const struct value *x = node_in(g, n, 0);
  (void)out;
  if (n->op == OP_identity) {
    shape_copy(x, rank, shape);
    return true;
  }
  int64_t elements = value_elements(x), product = 1;
  const struct attr *a = node_attr(n, ATTR_shape);
  int64_t flat = -1;
  const int64_t *wanted = n->op == OP_reshape ? a->ints : &flat;
  *rank = n->op == OP_reshape ? (int)a->count : 1;
  int open = NONE;
  for (int d = 0; d < *rank; d++) {
    shape[d] = wanted[d];
    if (shape[d] == -1 && open == NONE)
      open = d;
    else if (shape[d] < 1 || shape[d] > ELEMENTS_MAX || product > ELEMENTS_MAX)
      return err_set(e, "shape: dimension %lld", (long long)shape[d]);
    else
      product *= shape[d];
  }
  if (open != NONE) {
    shape[open] = product ? elements / product : 0;
    product *= shape[open];
  }
  if (product != elements)
    return err_set(e, "%lld elements don't reshape into %lld", (long long)elements,
                   (long long)product);
  return true;
}

static struct interval copied_range(const struct graph *g, const struct node *n, uint32_t out) {
  (void)out;
  return interval_codes(g, n, KNOWN_PROVEN, 0);
}

const struct graph_column column_shape = {
    .shape = reshape_shape, .types = check_copied, .range = copied_range};
