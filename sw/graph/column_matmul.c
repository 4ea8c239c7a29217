// SPDX-License-Identifier: Apache-2.0
// matmul: the product of two matrices, over the frames of a step too.
#include "sw/graph/column.h"

static bool matmul_space(const struct graph *g, const struct node *n, struct space *s,
                         struct err *e) {
  const struct value *a = node_in(g, n, 0), *b = node_in(g, n, 1);
  if (a->rank != 2 || b->rank != 2)
    return err_set(e, "expected two matrices, found ranks %d and %d", a->rank, b->rank);
  int ta = node_int(n, ATTR_transpose_a, 0) != 0, tb = node_int(n, ATTR_transpose_b, 0) != 0;
  if (a->shape[!ta] != b->shape[tb])
    return err_set(e, "the matrices share no inner dimension: %lld and %lld",
                   (long long)a->shape[!ta], (long long)b->shape[tb]);
  int m = space_axis(s, a->shape[ta], false), k_n = space_axis(s, b->shape[!tb], false);
  int k = space_axis(s, a->shape[!ta], true);
  space_term(s, 0, ta, m, 1);
  space_term(s, 0, !ta, k, 1);
  space_term(s, 1, tb, k, 1);
  space_term(s, 1, !tb, k_n, 1);
  return true;
}

static bool matmul_types(const struct graph *g, const struct node *n, struct err *e) {
  return check_summable(node_in(g, n, 0), e) && check_summable(node_in(g, n, 1), e) &&
         check_stream(node_out(g, n, 0), e) && check_requants(g, n, 1, 1, e) &&
         check_accumulator(g, n, e);
}

static struct interval matmul_acc(const struct graph *g, const struct node *n, enum known known,
                                  int64_t channel) {
  (void)channel;
  return interval_scaled(
      interval_times(interval_seen(g, n, known, 0), interval_seen(g, n, known, 1)),
      interval_terms(g, n));
}

static double matmul_scale(const struct graph *g, const struct node *n, int64_t channel) {
  (void)channel;
  return type_scale(&node_in(g, n, 0)->type, 0) * type_scale(&node_in(g, n, 1)->type, 0);
}

static struct interval matmul_range(const struct graph *g, const struct node *n, uint32_t out) {
  (void)out;
  return interval_requantised(g, n, &n->rq[0]);
}

const struct graph_column column_matmul = {.space = matmul_space,
                                           .multiplies = true,
                                           .types = matmul_types,
                                           .acc = matmul_acc,
                                           .acc_scale = matmul_scale,
                                           .range = matmul_range};
