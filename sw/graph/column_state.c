// SPDX-License-Identifier: Apache-2.0
// Variables, and what reads and assigns them.
#include "sw/graph/assign.h"
#include "sw/graph/column.h"

static bool state_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                        int64_t shape[RANK_MAX], struct err *e) {
  (void)out;
  (void)e;
  const struct attr *init = node_attr(n, ATTR_init);
  shape_copy(init ? &g->values[init->value] : &g->values[n->ref[0]], rank, shape);
  return true;
}

static bool state_types(const struct graph *g, const struct node *n, struct err *e) {
  if (n->op != OP_assign && !check_no_requants(n, op_info(n->op)->name, e)) return false;
  if (n->op == OP_variable) {
    const struct value *y = node_out(g, n, 0);
    return type_is_ref(&y->type) || check_wrong(e, "output", y, "ref");
  }
  const struct value *held = assign_held(g, n, 0);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (type_is_minifloat(&node_in(g, n, i)->type))
      return check_wrong(e, "input", node_in(g, n, i), "another: no state is a minifloat");
  if (n->op == OP_read) {
    const struct value *y = node_out(g, n, 0);
    return type_equal(&y->type, &held->type) ||
           check_wrong(e, "output", y, "the type of the variable");
  }
  if (!assign_verify(g, n, e)) return false;
  if (type_is_real(&held->type)) return true;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!check_summable(node_in(g, n, i), e)) return false;
  if (held->type.axis > 0) return check_wrong(e, "variable", held, "channels on the first axis");
  if (n->n_rq && n->rq[0].count != 1)
    return err_set(e, "requant: %lld entries, an assign has 1", (long long)n->rq[0].count);
  return check_requants(g, n, 0, 1, e);
}

const struct graph_column column_state = {.shape = state_shape, .any_types = state_types};
