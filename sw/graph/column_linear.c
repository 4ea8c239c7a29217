// SPDX-License-Identifier: Apache-2.0
// linear: y[o] = sum over i of x[i] * w[o][i], plus b[o].
#include "sw/graph/column.h"
#include "sw/graph/weights.h"

bool space_matrix(const struct graph *g, const struct node *n, struct space *s, struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  if (x->rank < 1 || w->rank != 2)
    return err_set(e, "expected an input of rank >= 1 and weights (OUT, IN), found ranks %d and %d",
                   x->rank, w->rank);
  int64_t in = x->shape[x->rank - 1], taps = fan_in(w->rank, w->shape);
  if (taps != in)
    return err_set(e, "the input has %lld features, the weights (%lld, %lld) expect %lld",
                   (long long)in, (long long)w->shape[0], (long long)taps, (long long)taps);
  if (b && (b->rank != 1 || b->shape[0] != w->shape[0]))
    return err_set(e, "the bias has %lld elements of rank %d, expected (%lld)",
                   (long long)value_elements(b), b->rank, (long long)w->shape[0]);
  for (int d = 0; d < x->rank - 1; d++) space_term(s, 0, d, space_axis(s, x->shape[d], false), 1);
  int out = space_axis(s, w->shape[0], false), reduced = space_axis(s, in, true);
  space_term(s, 0, x->rank - 1, reduced, 1);
  space_term(s, 1, 1, reduced, 1);
  space_term(s, 1, 0, out, 1);
  if (b) space_term(s, 2, 0, out, 1);
  return true;
}

static struct interval linear_acc(const struct graph *g, const struct node *n, enum known known,
                                  int64_t o) {
  struct weights w = weights_of(node_in(g, n, 1));
  return weighted_acc(g, n, known, &w, o, NULL, NULL);
}

const struct graph_column column_linear = {.space = space_matrix,
                                           .multiplies = true,
                                           .types = check_weighted,
                                           .acc = linear_acc,
                                           .acc_scale = weighted_scale,
                                           .channels_differ = true,
                                           .witness = weighted_witness,
                                           .range = weighted_range};
