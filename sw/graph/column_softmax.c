// SPDX-License-Identifier: Apache-2.0
// softmax, over the last axis: on the host any types; in the circuit those of softmax.h.
#include "sw/graph/column.h"
#include "sw/graph/softmax.h"

static bool softmax_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                          int64_t shape[RANK_MAX], struct err *e) {
  (void)out;
  shape_copy(node_in(g, n, 0), rank, shape);
  return check_last_axis(n, *rank, e);
}

static bool circuit_types(const struct value *x, const struct value *y, struct err *e) {
  int fraction;
  if (!type_is_fixed(&x->type) || x->type.width > SOFTMAX_IN_MOST)
    return check_wrong(e, "input", x,
                       "a fixed type of at most 12 bits, by which a circuit looks exponentials up; "
                       "give what it reads a narrower stream, or the softmax \"where\" host");
  return softmax_fraction(&y->type, &fraction) ||
         check_wrong(e, "output", y,
                     "an unsigned type of scale 2^-F, 0 <= F <= 32, the bits of a circuit's "
                     "quotient; give it such a type, or \"where\" host");
}

static bool softmax_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!check_no_requants(n, op_info(n->op)->name, e) || !check_one_scale(y, e)) return false;
  if (!check_summable(x, e)) return false;
  if (!type_is_fixed(&y->type)) return check_wrong(e, "output", y, "a fixed type");
  return n->where == WHERE_HOST || circuit_types(x, y, e);
}

static struct interval softmax_range(const struct graph *g, const struct node *n, uint32_t out) {
  return interval_type(&node_out(g, n, out)->type);
}

const struct graph_column column_softmax = {
    .shape = softmax_shape, .types = softmax_types, .range = softmax_range};
