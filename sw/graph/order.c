// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/graph.h"

// Repeated sweeps in file order: one is enough where the file is in order, as the reader requires.
bool graph_order(const struct graph *g, uint32_t *order) {
  struct arena a = {0};
  uint32_t found = 0, before;
  char *done = ARENA_NEW(&a, char, g->n_nodes);
  do {
    before = found;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      const struct node *n = &g->nodes[i];
      bool ready = !done[i];
      for (uint32_t k = 0; ready && k < n->n_in; k++) {
        int32_t from = g->values[n->in[k].value].node;
        ready = n->in[k].delay || from == NONE || done[from];
      }
      for (uint32_t k = 0; ready && k < n->n_ref; k++) {
        int32_t from = g->values[n->ref[k]].node;
        ready = from == NONE || done[from];
      }
      for (uint32_t k = 0; ready && k < n->n_after; k++)
        ready = n->after[k].delay || done[n->after[k].node];
      if (!ready) continue;
      done[i] = 1;
      order[found++] = i;
    }
  } while (found != before && found < g->n_nodes);
  arena_free(&a);
  return found == g->n_nodes;
}
