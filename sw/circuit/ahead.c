// SPDX-License-Identifier: Apache-2.0
// How far layers run ahead: one that reads what was some frames ago, and nothing of today, gives
// its frame before the input has come; one that reads its inputs one behind the other, a part of
// it.
#include "sw/circuit/builder.h"

enum { AHEAD_MOST = 1 << 16 };

// Frames, whole ones or begun, that a node's output may be ahead of the circuit's inputs, by what
// is known of its own inputs. Of rows that a line buffer joins each window ends in the frame.
static int64_t ahead_of(const struct graph *g, const struct node *n, bool joined, bool whole,
                        const int64_t *ahead) {
  bool parts = !whole && op_is(n->op, TRAIT_PARTS) && !joined;
  int64_t all = parts ? 0 : AHEAD_MOST;
  for (uint32_t k = 0; k < n->n_in; k++) {
    if (node_in(g, n, k)->init) continue;
    int64_t own = ahead[n->in[k].value] + n->in[k].delay;
    if (parts ? own > all : own < all) all = own;
  }
  return all;
}

// From above: whatever limits a loop comes around once per walk and frame of delay.
static int64_t *find(struct builder *b, bool whole) {
  const struct graph *g = b->graph;
  int64_t *ahead = ARENA_NEW(b->arena, int64_t, g->n_values);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_out; k++) ahead[g->nodes[i].out[k]] = AHEAD_MOST;
  for (bool news = true; news;) {
    news = false;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      const struct node *n = &g->nodes[i];
      int64_t own = ahead_of(g, n, b->lines[i] != NONE, whole, ahead);
      for (uint32_t k = 0; k < n->n_out; k++) {
        if (own >= ahead[n->out[k]]) continue;
        ahead[n->out[k]] = own;
        news = true;
      }
    }
  }
  return ahead;
}

bool ahead_find(struct builder *b, struct err *e) {
  struct circuit *p = b->circuit;
  const int64_t *whole = find(b, true), *begun = find(b, false);
  for (uint32_t i = 0; i < p->n_taps; i++) p->taps[i].ahead = begun[p->taps[i].value];
  for (uint32_t i = 0; i < p->n_outputs; i++) {
    uint32_t value = p->outputs[i].value;
    p->outputs[i].ahead = begun[value];
    if (whole[value])
      return err_set(
          e, "output \"%s\" depends on earlier frames alone: it would come before its input",
          b->graph->values[value].name);
  }
  return true;
}
