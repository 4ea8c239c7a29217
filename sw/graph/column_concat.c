// SPDX-License-Identifier: Apache-2.0
// concat: inputs one behind the other along an axis, each cast if its type isn't the output's.
#include "sw/graph/column.h"
#include "sw/graph/pointwise.h"

// All dimensions but one are equal.
static bool concat_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                         int64_t shape[RANK_MAX], struct err *e) {
  (void)out;
  shape_copy(node_in(g, n, 0), rank, shape);
  int axis = concat_axis(g, n);
  if (axis == NONE)
    return err_set(e, "axis %lld of inputs of rank %d", (long long)node_int(n, ATTR_axis, -1),
                   *rank);
  for (uint32_t i = 1; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i), *first = node_in(g, n, 0);
    const struct value *still = v->per_frame ? first : v;
    if (v->per_frame != first->per_frame && still->init)
      return err_set(e, "input \"%s\" is a constant: a concat joins streams and takes none",
                     still->name);
    bool fits = v->rank == *rank;
    for (int d = 0; fits && d < *rank; d++) fits = d == axis || v->shape[d] == shape[d];
    if (!fits || shape[axis] > DIM_MAX)
      return err_set(e, "input \"%s\" doesn't continue \"%s\" along axis %d", v->name, first->name,
                     axis);
    shape[axis] += v->shape[axis];
  }
  return true;
}

// Either every input has the type of the output, or each has a requantisation to it.
static bool concat_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *y = node_out(g, n, 0);
  bool equal = true;
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (!check_summable(node_in(g, n, i), e)) return false;
    equal &= type_equal(&node_in(g, n, i)->type, &y->type);
  }
  if (!check_stream(y, e) || !check_one_scale(y, e)) return false;
  if (n->n_rq != n->n_in && !(equal && n->n_rq == 0))
    return err_set(
        e, "%u requantisations, expected %u: one per input, or none if all types are the output's",
        n->n_rq, n->n_in);
  if (n->n_rq && n->rounding == FIX_TFLITE)
    return err_set(e, "rounding tflite isn't defined for concat");
  for (uint32_t i = 0; i < n->n_rq; i++)
    if (n->rq[i].count != 1) return err_set(e, "requant: concat has one entry per input");
  return check_requants(g, n, 0, n->n_in, e);
}

static struct interval joined_range(const struct graph *g, const struct node *n, uint32_t out) {
  struct interval all = interval_type(&node_out(g, n, out)->type);
  struct fix_target to = target_of(n, node_out(g, n, 0), 0);
  for (uint32_t i = 0; i < n->n_in; i++) {
    struct interval one = interval_codes(g, n, KNOWN_PROVEN, i);
    if (n->n_rq) one = interval_landed(&n->rq[i], interval_seen(g, n, KNOWN_PROVEN, i), &to, 0);
    all = i ? interval_join(all, one) : one;
  }
  return all;
}

const struct graph_column column_concat = {
    .shape = concat_shape, .types = concat_types, .range = joined_range};
