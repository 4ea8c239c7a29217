// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/builder.h"

uint32_t needed_streams(const struct node *n) {
  return op_is(n->op, TRAIT_WEIGHTS) ? 1 : n->n_in;
}

static bool in_circuit(const struct node *n) {
  return n->where == WHERE_CIRCUIT;
}

// Whether a node is what a line buffer keeps for the next frame, inside of itself.
static bool kept_inside(const struct builder *b, uint32_t node) {
  return b->lines[node] != NONE && op_is(b->graph->nodes[node].op, TRAIT_REORDERS);
}

bool needed_built(const struct builder *b, uint32_t node) {
  return in_circuit(&b->graph->nodes[node]) && b->needed[node] && !kept_inside(b, node);
}

// The values at top's outputs, each once: those of the graph, or what the host makes them of.
static void find_outputs(struct builder *b) {
  const struct graph *g = b->graph;
  struct circuit *p = b->circuit;
  p->outputs = ARENA_NEW(b->arena, struct stream, g->n_outputs);
  p->ends = ARENA_NEW(b->arena, struct stream *, g->n_outputs);
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    uint32_t value = g->outputs[i];
    while (g->values[value].node != NONE && !in_circuit(&g->nodes[g->values[value].node]))
      value = g->nodes[g->values[value].node].in[0].value;
    bool there = false;
    for (uint32_t k = 0; k < p->n_outputs; k++) there |= p->outputs[k].value == value;
    if (!there) p->outputs[p->n_outputs++].value = value;
  }
}

// Whether it is news that a node is needed, as its output is read; then what it reads is, too.
static bool need(struct builder *b, uint32_t node, bool *read) {
  const struct node *n = &b->graph->nodes[node];
  bool before = b->needed[node];
  for (uint32_t k = 0; k < n->n_out; k++) b->needed[node] |= read[n->out[k]];
  for (uint32_t k = 0; k < n->n_in && b->needed[node]; k++) read[n->in[k].value] = true;
  return b->needed[node] && !before;
}

// What outputs are made of; the rest has no cells. One walk is enough without delays.
static void find_nodes(struct builder *b) {
  const struct graph *g = b->graph;
  uint32_t *order = ARENA_NEW(b->arena, uint32_t, g->n_nodes);
  bool *read = ARENA_NEW(b->arena, bool, g->n_values);
  b->needed = ARENA_NEW(b->arena, bool, g->n_nodes);
  b->lines = circuit_lines(b->arena, g);
  for (uint32_t i = 0; i < b->circuit->n_outputs; i++) read[b->circuit->outputs[i].value] = true;
  graph_order(g, order);
  for (bool news = true; news;) {
    news = false;
    for (uint32_t i = g->n_nodes; i-- > 0;) news |= need(b, order[i], read);
  }
}

static void count_readers(struct builder *b) {
  const struct graph *g = b->graph;
  b->readers = ARENA_NEW(b->arena, struct readers, g->n_values);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; needed_built(b, i) && k < needed_streams(&g->nodes[i]); k++)
      if (!node_in(g, &g->nodes[i], k)->init) b->readers[g->nodes[i].in[k].value].count++;
  for (uint32_t i = 0; i < b->circuit->n_outputs; i++)
    b->readers[b->circuit->outputs[i].value].count++;
}

void needed_find(struct builder *b) {
  find_outputs(b);
  find_nodes(b);
  count_readers(b);
}
