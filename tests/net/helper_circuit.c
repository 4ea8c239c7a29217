// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_circuit.h"

#include "sw/base/rng.h"
#include "sw/graph/interval.h"

struct folding circuit_folding(struct arena *a, const struct graph *g, uint64_t seed) {
  static const int64_t lanes[] = {1, 2, 3, 4, 5, 7, 16};
  struct rng r = {seed, 77};
  struct folding f = {.parallelism = lanes[rng_range(&r, 0, 6)]};
  f.layers = ARENA_NEW(a, struct folding_entry, g->n_nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == OP_linear && rng_range(&r, 0, 1))
      f.layers[f.n_layers++] = (struct folding_entry){.name = g->nodes[i].name,
                                                      .in = lanes[rng_range(&r, 0, 6)],
                                                      .out = lanes[rng_range(&r, 0, 6)]};
  return f;
}

void circuit_witness(struct arena *a, const struct graph *g, int64_t channel, int32_t *codes) {
  const struct node *n = g->nodes;
  while (n->op != OP_linear) n++;
  int64_t in = node_in(g, n, 1)->shape[1], *x = ARENA_NEW(a, int64_t, in), all = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++) all += value_elements(&g->values[g->inputs[i].value]);
  for (int high = 0; high < 2; high++) {
    interval_witness(g, n, channel % node_in(g, n, 1)->shape[0], high, x);
    for (int64_t i = 0; i < in; i++) codes[high * all + i] = (int32_t)x[i];
  }
}
