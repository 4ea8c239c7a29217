// SPDX-License-Identifier: Apache-2.0
#include "gen/rename.h"

#include <string.h>

static const char *node_name(struct arena *a, const struct circuit *p, uint32_t node) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind == CELL_LAYER && p->cells[i].node == node) return p->cells[i].name;
  return arena_printf(a, "n%u_%s", node, op_info(p->graph->nodes[node].op)->name);
}

const struct graph *graph_renamed(struct arena *a, const struct circuit *p) {
  struct graph *g = ARENA_NEW(a, struct graph, 1);
  *g = *p->graph;
  g->name = p->top;
  g->nodes = arena_copy(a, g->nodes, g->n_nodes * sizeof *g->nodes);
  g->values = arena_copy(a, g->values, g->n_values * sizeof *g->values);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    g->values[g->inputs[i].value].name = arena_printf(a, "input%u", i);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    struct node *n = &g->nodes[i];
    n->name = node_name(a, p, i);
    n->n_origin = 0;
    for (uint32_t k = 0; k < n->n_out; k++)
      g->values[n->out[k]].name = k ? arena_printf(a, "%s.out%u", n->name, k) : n->name;
    for (uint32_t k = 0; k < n->n_in; k++)
      if (g->values[n->in[k].value].init)
        g->values[n->in[k].value].name = arena_printf(a, "%s.in%u", n->name, k);
  }
  return g;
}
