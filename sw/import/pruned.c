// SPDX-License-Identifier: Apache-2.0
#include "sw/import/pruned.h"

enum { FLOATS = 10, INTEGERS = 2 }; // of so many one that is zero

static bool is_zero(const struct value *w, int64_t i) {
  if (w->type.cls == TYPE_REAL) return value_real(w, i) == 0;
  return type_integer(&w->type, i / (w->init->count / w->shape[0]), tensor_int(w->init, i)) == 0;
}

static void cut_zeros(struct graph *g, struct value *w) {
  int64_t zeros = 0, count = w->init->count;
  for (int64_t i = 0; i < count; i++) zeros += is_zero(w, i);
  if (zeros == count || zeros * (w->type.cls == TYPE_REAL ? FLOATS : INTEGERS) < count) return;
  w->mask = tensor_new(g->arena, DTYPE_U8, w->rank, w->shape);
  for (int64_t i = 0; i < count; i++) tensor_set_int(w->mask, i, !is_zero(w, i));
}

void pruned_masks(struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (!op_is(n->op, TRAIT_WEIGHTS) || op_is(n->op, TRAIT_LEAST)) continue;
    struct value *w = &g->values[n->in[1].value];
    if (w->init && !w->mask && w->rank > 1) cut_zeros(g, w);
  }
}
