// SPDX-License-Identifier: Apache-2.0
// Shapes of outputs from the shapes of inputs.
#include "sw/graph/gradient.h"

#include <string.h>

static void copy_shape(const struct value *v, int *rank, int64_t shape[RANK_MAX]) {
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

static bool reshape_shape(const struct graph *g, const struct node *n, int *rank,
                          int64_t shape[RANK_MAX], struct err *e) {
  const struct value *x = node_in(g, n, 0);
  if (n->op == OP_identity) {
    copy_shape(x, rank, shape);
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

static bool state_shape(const struct graph *g, const struct node *n, int *rank,
                        int64_t shape[RANK_MAX]) {
  const struct attr *init = node_attr(n, ATTR_init);
  copy_shape(init ? &g->values[init->value] : &g->values[n->ref[0]], rank, shape);
  return true;
}

// All dimensions but one are equal.
static bool concat_shape(const struct graph *g, const struct node *n, int *rank,
                         int64_t shape[RANK_MAX], struct err *e) {
  copy_shape(node_in(g, n, 0), rank, shape);
  int axis = concat_axis(g, n);
  if (axis == NONE)
    return err_set(e, "axis %lld of inputs of rank %d", (long long)node_int(n, ATTR_axis, -1),
                   *rank);
  for (uint32_t i = 1; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    bool fits = v->rank == *rank && v->per_frame == node_in(g, n, 0)->per_frame;
    for (int d = 0; fits && d < *rank; d++) fits = d == axis || v->shape[d] == shape[d];
    if (!fits || shape[axis] > DIM_MAX)
      return err_set(e, "input \"%s\" doesn't continue \"%s\" along axis %d", v->name,
                     node_in(g, n, 0)->name, axis);
    shape[axis] += v->shape[axis];
  }
  return true;
}

static bool training_shape(const struct graph *g, const struct node *n, int *rank,
                           int64_t shape[RANK_MAX], struct err *e) {
  if (n->op == OP_gradient) return gradient_shape(g, n, rank, shape, e);
  copy_shape(node_in(g, n, 0), rank, shape);
  if (n->op != OP_cross_entropy) return true;
  if (*rank == 0) return err_set(e, "outputs of rank 0 have no classes");
  shape[*rank - 1] = 1;
  return true;
}

bool graph_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                 int64_t shape[RANK_MAX], struct err *e) {
  const struct op_info *info = op_info(n->op);
  if (info->space != SPACE_WHOLE) return spaced_shape(g, n, rank, shape, e);
  switch ((enum op_column)info->column) {
  case COLUMN_SHAPE:
    return reshape_shape(g, n, rank, shape, e);
  case COLUMN_STATE:
    return state_shape(g, n, rank, shape);
  case COLUMN_OPAQUE:
    copy_shape(node_out(g, n, out), rank, shape);
    return true;
  case COLUMN_CLASSIFY: {
    copy_shape(node_in(g, n, 0), rank, shape);
    int64_t axis = node_int(n, ATTR_axis, *rank - 1);
    if (axis == -1) axis = *rank - 1;
    if (*rank == 0 || axis != *rank - 1)
      return err_set(e, "axis %lld of an input of rank %d: only the last axis is supported",
                     (long long)axis, *rank);
    if (n->op == OP_argmax) shape[axis] = 1;
    return true;
  }
  case COLUMN_CONCAT:
    return concat_shape(g, n, rank, shape, e);
  case COLUMN_TRAINING:
  case COLUMN_GRADIENT:
    return training_shape(g, n, rank, shape, e);
  case COLUMN_LINEAR:
  case COLUMN_POINTWISE:
  case COLUMN_JOIN:
  case COLUMN_REDUCE:
  case COLUMN_MATMUL:
    break;
  }
  return false;
}
