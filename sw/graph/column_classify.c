// SPDX-License-Identifier: Apache-2.0
// argmax, argmin and top_k, over the last axis.
#include "sw/graph/column.h"

bool check_last_axis(const struct node *n, int rank, struct err *e) {
  int64_t axis = node_int(n, ATTR_axis, rank - 1);
  return (rank > 0 && (axis == -1 || axis == rank - 1)) ||
         err_set(e, "axis %lld of an input of rank %d: only the last axis is supported",
                 (long long)(axis == -1 ? rank - 1 : axis), rank);
}

static bool classify_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                           int64_t shape[RANK_MAX], struct err *e) {
  (void)out;
  shape_copy(node_in(g, n, 0), rank, shape);
  if (!check_last_axis(n, *rank, e)) return false;
  int64_t k = node_int(n, ATTR_k, 1), *count = &shape[*rank - 1];
  if (k < 1 || k > *count)
    return err_set(e, "k: %lld, expected 1 to %lld, the elements of a row", (long long)k,
                   (long long)*count);
  *count = k;
  return true;
}

static bool classify_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0), *z = node_out(g, n, 1);
  if (!check_no_requants(n, op_info(n->op)->name, e) || !check_one_scale(y, e)) return false;
  if (!type_is_fixed(&y->type) || type_highest(&y->type) < x->shape[x->rank - 1] - 1 ||
      type_integer(&y->type, 0, 0) != 0 || type_scale(&y->type, 0) != 1)
    return check_wrong(e, "output", y,
                       "integers of scale 1 that hold the index of the last element");
  if (z && !type_equal(&z->type, &x->type))
    return check_wrong(e, "output", z, "the type of the input");
  return x->type.axis < 0 || check_wrong(e, "input", x, "one scale per tensor");
}

static struct interval classify_range(const struct graph *g, const struct node *n, uint32_t out) {
  const struct value *x = node_in(g, n, 0);
  if (out == 0) return (struct interval){0, x->shape[x->rank - 1] - 1};
  return interval_codes(g, n, KNOWN_PROVEN, 0);
}

const struct graph_column column_classify = {
    .shape = classify_shape, .types = classify_types, .range = classify_range};
