// SPDX-License-Identifier: Apache-2.0
#include "sw/train/stale.h"

#include "sw/train/autodiff.h"

static uint32_t zeros_like(struct graph *g, uint32_t value) {
  struct value v = g->values[value];
  struct tensor *t = tensor_new(g->arena, DTYPE_F32, v.rank, v.shape);
  const char *name = autodiff_name(g, arena_printf(g->arena, "%s.before", v.name));
  return graph_add_tensor(g, name, t, type_real());
}

// Whether a gradient is among what a value is made of in its step.
static bool is_descent(const struct graph *g, uint32_t value, bool *seen) {
  int32_t node = g->values[value].node;
  if (node == NONE || seen[node]) return false;
  seen[node] = true;
  const struct node *n = &g->nodes[node];
  if (op_is(n->op, TRAIT_BACKWARD)) return true;
  for (uint32_t k = 0; k < n->n_in; k++)
    if (!n->in[k].delay && is_descent(g, n->in[k].value, seen)) return true;
  return false;
}

void stale(struct graph *g, uint32_t staleness) {
  struct arena scratch = {0};
  for (uint32_t i = 0; staleness && i < g->n_nodes; i++) {
    if (!op_is(g->nodes[i].op, TRAIT_REFERS) || g->nodes[i].n_out) continue;
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      bool *seen = ARENA_NEW(&scratch, bool, g->n_nodes);
      if (!is_descent(g, g->nodes[i].in[k].value, seen)) continue;
      uint32_t zeros = zeros_like(g, g->nodes[i].in[k].value);
      g->nodes[i].in[k].delay = staleness;
      g->nodes[i].in[k].initial = (int32_t)zeros;
    }
  }
  arena_free(&scratch);
}
