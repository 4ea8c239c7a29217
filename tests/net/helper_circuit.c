// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_circuit.h"

#include "sw/base/rng.h"
#include "sw/circuit/facts.h"
#include "sw/graph/conv.h"
#include "sw/graph/interval.h"

enum { TRIES = 12 };

// Whether a layer has such lanes: a convolution's divide its channels, or are a column of its taps
// or all.
static bool has_lanes(const struct graph *g, const struct node *n, struct folding_entry l) {
  const struct circuit_column *c = circuit_column(n->op);
  struct err e = {0};
  return !c->lanes || c->lanes(g, n, true, &l.in, &l.out, &e);
}

// Several taps in a beat of a convolution: all, so that windows are whole, or a column of them. Of
// a depthwise one the lanes out are channels.
static void choose_taps(const struct graph *g, const struct node *n, struct rng *r,
                        struct folding_entry *l) {
  struct conv c;
  struct err e = {0};
  if (circuit_column(n->op) != &circuit_conv || !conv_of(g, n, &c, &e)) return;
  int64_t rows = c.window.kernel[ROWS], all = rows * c.window.kernel[COLUMNS];
  bool whole = rng_range(r, 0, 1);
  int64_t channels = whole ? rng_range(r, 1, 3) : l->in;
  if (whole) l->in = all * channels;
  if (c.groups == 1 || c.ins > 1 || c.outs != c.window.channels) return;
  if (!whole && channels % 2) l->in = rows * channels;
  l->out = channels;
}

struct folding circuit_folding(struct arena *a, const struct graph *g, uint64_t seed) {
  static const int64_t lanes[] = {1, 2, 3, 4, 5, 7, 16};
  struct rng r = {seed, 77};
  struct folding f = {.parallelism = lanes[rng_range(&r, 0, 6)]};
  f.layers = ARENA_NEW(a, struct folding_entry, g->n_nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    bool some = op_is(n->op, TRAIT_WEIGHTS) && rng_range(&r, 0, 1);
    for (int k = 0; some && k < TRIES; k++) {
      struct folding_entry l = {
          .name = n->name, .in = lanes[rng_range(&r, 0, 6)], .out = lanes[rng_range(&r, 0, 6)]};
      choose_taps(g, n, &r, &l);
      some = !has_lanes(g, n, l);
      if (!some) f.layers[f.n_layers++] = l;
    }
  }
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
