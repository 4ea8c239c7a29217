// SPDX-License-Identifier: Apache-2.0
// sum and mean over axes, and over the frames of a step.
#include "sw/graph/column.h"

static bool sum_space(const struct graph *g, const struct node *n, struct space *s, struct err *e) {
  const struct value *x = node_in(g, n, 0);
  const struct attr *axes = node_attr(n, ATTR_axes);
  bool reduced[RANK_MAX] = {false};
  for (int64_t i = 0; axes && i < axes->count; i++) {
    if (axes->ints[i] < 0 || axes->ints[i] >= x->rank)
      return err_set(e, "axis %lld of an input of rank %d", (long long)axes->ints[i], x->rank);
    reduced[axes->ints[i]] = true;
  }
  for (int d = 0; d < x->rank; d++) space_term(s, 0, d, space_axis(s, x->shape[d], reduced[d]), 1);
  return true;
}

static bool sum_types(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *y = node_out(g, n, 0);
  if (!(op_info(n->op)->executors & EXECUTOR_GOLDEN))
    return err_set(e, "%s works on floats, found integers", op_info(n->op)->name);
  if (!check_summable(node_in(g, n, 0), e) || !check_stream(y, e) ||
      !check_requants(g, n, 1, 1, e) || !check_one_scale(y, e))
    return false;
  if (n->rq[0].count != 1)
    return err_set(e, "requant: %lld entries, a sum has 1", (long long)n->rq[0].count);
  return check_accumulator(g, n, e);
}

static struct interval sum_acc(const struct graph *g, const struct node *n, enum known known,
                               int64_t channel) {
  (void)channel;
  return interval_scaled(interval_seen(g, n, known, 0), interval_terms(g, n));
}

static double sum_scale(const struct graph *g, const struct node *n, int64_t channel) {
  (void)channel;
  return type_scale(&node_in(g, n, 0)->type, 0);
}

static struct interval sum_range(const struct graph *g, const struct node *n, uint32_t out) {
  (void)out;
  return interval_requantised(g, n, &n->rq[0]);
}

const struct graph_column column_reduce = {.space = sum_space,
                                           .types = sum_types,
                                           .acc = sum_acc,
                                           .acc_scale = sum_scale,
                                           .range = sum_range};
