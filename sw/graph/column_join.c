// SPDX-License-Identifier: Apache-2.0
// add, sub and mul; shapes broadcast as NumPy's.
#include "sw/graph/column.h"

#include <math.h>

enum { ADDENDS = 2 };

static bool join_types(const struct graph *g, const struct node *n, struct err *e) {
  if (!check_summable(node_in(g, n, 0), e) || !check_summable(node_in(g, n, 1), e)) return false;
  uint32_t count = n->op == OP_mul ? 1 : ADDENDS;
  if (n->rounding == FIX_TFLITE)
    return err_set(e, "rounding tflite isn't defined for %s", op_info(n->op)->name);
  if (!check_stream(node_out(g, n, 0), e) || !check_one_scale(node_out(g, n, 0), e) ||
      !check_requants(g, n, count, count, e))
    return false;
  for (uint32_t i = 0; i < n->n_rq; i++)
    if (n->rq[i].count != 1 || n->rq[i].shift[0] != n->rq[0].shift[0])
      return err_set(e, "requant: the inputs of %s share one shift", op_info(n->op)->name);
  return check_accumulator(g, n, e);
}

static struct interval join_acc(const struct graph *g, const struct node *n, enum known known,
                                int64_t channel) {
  (void)channel;
  struct interval a = interval_seen(g, n, known, 0), b = interval_seen(g, n, known, 1);
  if (n->op == OP_mul) return interval_times(a, b);
  a = interval_scaled(a, n->rq[0].mul[0]);
  return interval_plus(a, interval_scaled(b, n->op == OP_sub ? -n->rq[1].mul[0] : n->rq[1].mul[0]));
}

static double join_scale(const struct graph *g, const struct node *n, int64_t channel) {
  (void)channel;
  if (n->op == OP_mul)
    return type_scale(&node_in(g, n, 0)->type, 0) * type_scale(&node_in(g, n, 1)->type, 0);
  return ldexp(type_scale(&node_out(g, n, 0)->type, 0), -n->rq[0].shift[0]);
}

// add and sub bring both inputs to one scale, whose shift is left.
static struct interval join_range(const struct graph *g, const struct node *n, uint32_t out) {
  struct requant unit = {1, (const int64_t[]){1}, n->rq[0].shift};
  (void)out;
  return interval_requantised(g, n, n->op == OP_mul ? &n->rq[0] : &unit);
}

const struct graph_column column_join = {.space = space_elements,
                                         .types = join_types,
                                         .acc = join_acc,
                                         .acc_scale = join_scale,
                                         .range = join_range};
