// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/pointwise.h"

struct fix_target target_of(const struct node *n, const struct value *out, int64_t channel) {
  struct fix_target t = type_target(&out->type, channel);
  t.rounding = n->rounding;
  t.overflow = n->overflow;
  return t;
}

struct pointwise pointwise_of(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  const struct attr *codes = node_attr(n, ATTR_codes), *table = node_attr(n, ATTR_table);
  uint32_t slopes = op_info(n->op)->slopes;
  return (struct pointwise){.exact = exact_of(n->op),
                            .constants = {.codes = codes ? codes->ints : NULL,
                                          .zero = type_zero(&x->type, 0),
                                          .slope_mul = slopes ? n->rq[0].mul[0] : 1,
                                          .slope_shift = slopes ? n->rq[0].shift[0] : 0},
                            .table = table ? table->tensor : NULL,
                            .table_lowest = type_lowest(&x->type),
                            .rq = n->n_rq > slopes ? &n->rq[slopes] : NULL,
                            .target = target_of(n, y, 0)};
}

fix_wide pointwise_acc(const struct pointwise *p, int64_t n) {
  return p->exact->integer((fix_wide)n - p->constants.zero, &p->constants);
}

int64_t pointwise_code(const struct pointwise *p, int64_t n) {
  if (p->table) return tensor_int(p->table, n - p->table_lowest);
  fix_wide acc = pointwise_acc(p, n);
  if (p->target.bipolar) return acc >= 0 ? 1 : -1;
  if (!p->rq) return (int64_t)(acc + p->target.zero); // equal types: nothing is requantised
  return fix_requant(acc, p->rq->mul[0], p->rq->shift[0], &p->target);
}
