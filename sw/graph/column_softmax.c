// SPDX-License-Identifier: Apache-2.0
// softmax and its logarithm, over the last axis: on the host any types; in the circuit, where only
// softmax can be, those of softmax.h.
#include "sw/graph/column.h"
#include "sw/graph/softmax.h"
#include "sw/graph/softmax_tflite.h"

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

// Of the host, on bytes: its one requantisation is of the distances from the largest integer.
static bool tflite_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (n->where != WHERE_HOST)
    return err_set(e, "rounding tflite isn't defined for the softmax of a circuit");
  if (!check_requants(g, n, 1, 1, e)) return false;
  if (n->rq[0].count != 1 || n->rq[0].shift[0] < 0 || n->rq[0].shift[0] > 31)
    return err_set(e, "requant: expected one entry with a shift of 0 to 31");
  if (!type_is_fixed(&x->type) || type_width(&x->type) > 8)
    return check_wrong(e, "input", x, "a fixed type of at most 8 bits");
  if (type_width(&y->type) != 8 || !y->type.is_signed || type_scale(&y->type, 0) != 1 / 256.0 ||
      type_zero(&y->type, 0) != INT8_MIN)
    return check_wrong(e, "output", y, "s8 of scale 1/256, zero -128");
  return x->shape[x->rank - 1] <= SOFTMAX_TFLITE_ROW_MOST ||
         err_set(e, "rows of %lld elements, at most %d", (long long)x->shape[x->rank - 1],
                 SOFTMAX_TFLITE_ROW_MOST);
}

static bool softmax_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!check_one_scale(y, e) || !check_summable(x, e)) return false;
  if (!type_is_fixed(&y->type)) return check_wrong(e, "output", y, "a fixed type");
  bool known = n->rounding != FIX_TFLITE || n->op == OP_softmax;
  if (!known) return err_set(e, "rounding tflite isn't defined for %s", op_info(n->op)->name);
  if (n->rounding == FIX_TFLITE) return tflite_types(g, n, e);
  if (!check_no_requants(n, op_info(n->op)->name, e)) return false;
  if (n->where == WHERE_CIRCUIT && !(op_info(n->op)->executors & EXECUTOR_CIRCUIT))
    return err_set(e, "where: %s is computed on the host, behind the circuit",
                   op_info(n->op)->name);
  return n->where == WHERE_HOST || circuit_types(x, y, e);
}

static struct interval softmax_range(const struct graph *g, const struct node *n, uint32_t out) {
  return interval_type(&node_out(g, n, out)->type);
}

const struct graph_column column_softmax = {
    .shape = softmax_shape, .types = softmax_types, .range = softmax_range};
