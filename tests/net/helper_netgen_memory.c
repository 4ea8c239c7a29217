// SPDX-License-Identifier: Apache-2.0
// Random graphs that remember: uses of earlier frames.
#include "sw/base/rng.h"
#include "sw/graph/interval.h"
#include "tests/net/helper_netgen.h"

// Random codes of a value's type and shape.
static uint32_t initial(struct graph *g, const struct value *v, struct rng *r) {
  struct tensor *t = tensor_new(g->arena, dtype_for(&v->type), v->rank, v->shape);
  for (int64_t i = 0; i < t->count; i++)
    tensor_set_int(t, i, rng_range(r, type_lowest(&v->type), type_highest(&v->type)));
  return graph_add_tensor(g, arena_printf(g->arena, "initial%u", g->n_values), t, v->type);
}

static void delay(struct graph *g, struct use *u, struct rng *r) {
  const struct value v = g->values[u->value];
  *u = (struct use){u->value, (uint32_t)rng_range(r, 1, 3), (int32_t)initial(g, &v, r)};
}

static bool can_wait(const struct value *v) {
  return !v->init && v->per_frame && type_is_fixed(&v->type) && v->type.axis < 0;
}

static void remember(struct graph *g, uint64_t seed) {
  struct rng r = {rng_at(seed, 7, 0), 0};
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    struct node *n = &g->nodes[i];
    uint32_t streams = 0;
    for (uint32_t k = 0; k < n->n_in; k++) streams += !node_in(g, n, k)->init;
    if (streams > 1 && can_wait(node_in(g, n, 0)) && rng_range(&r, 0, 1)) delay(g, &n->in[0], &r);
  }
  // the output, and what it was, or its sum with that
  const struct value y = g->values[g->outputs[0]];
  if (!can_wait(&y) || type_width(&y.type) > 24) return;
  uint32_t n = graph_add_node(g, OP_add, "remember");
  uint32_t out = graph_add_value(g, "remember", y.rank, y.shape, y.type, true);
  for (int i = 0; i < 2; i++) graph_add_requant(g, n, 1, (int64_t[]){1}, (int32_t[]){0});
  graph_add_use(g, n, (struct use){g->outputs[0], 0, NONE});
  graph_add_use(g, n, (struct use){rng_range(&r, 0, 1) ? out : g->outputs[0], 0, NONE});
  graph_add_out(g, n, out);
  delay(g, &g->nodes[n].in[1], &r);
  g->outputs[0] = out;
}

// What is remembered may be more than is proven of what it was made of.
void netgen_remember(struct graph *g, uint64_t seed) {
  remember(g, seed);
  graph_ranges(g);
}
