// SPDX-License-Identifier: Apache-2.0
// Milliseconds that the verifier needs for a chain of 16,000 nodes, linear layers and relus.
#include "sw/base/clock.h"
#include "sw/graph/graph.h"

enum { NODES = 16000, FEATURES = 8 };

static uint32_t add(struct graph *g, enum op op, uint32_t x, uint32_t w, int i) {
  const int64_t features = FEATURES, one = 1;
  const int32_t shift = op == OP_linear ? 8 : 0;
  const char *name = arena_printf(g->arena, "n%d", i);
  uint32_t n = graph_add_node(g, op, name);
  graph_add_use(g, n, (struct use){x, 0, NONE});
  if (op == OP_linear) graph_add_use(g, n, (struct use){w, 0, NONE});
  graph_add_requant(g, n, 1, &one, &shift);
  struct type type = type_fixed(g->arena, 8, true, 1, 0);
  uint32_t out = graph_add_value(g, name, 1, &features, type, true);
  graph_add_out(g, n, out);
  return out;
}

int main(void) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = graph_new(&a, "chain");
  const int64_t features = FEATURES, shape[2] = {FEATURES, FEATURES};
  struct type type = type_fixed(&a, 8, true, 1, 0);
  uint32_t at = graph_add_value(g, "x", 1, &features, type, true);
  graph_add_input(g, at, (struct source){0});
  uint32_t w = graph_add_tensor(g, "w", tensor_new(&a, DTYPE_I8, 2, shape), type);
  for (int i = 0; i < NODES; i++) at = add(g, i % 2 ? OP_relu : OP_linear, at, w, i);
  graph_add_output(g, at);
  double begin = clock_seconds();
  bool ok = graph_verify(g, &e);
  printf("%.3f\n", (clock_seconds() - begin) * 1e3);
  if (!ok) err_print(stderr, &e);
  arena_free(&a);
  return ok ? 0 : 1;
}
