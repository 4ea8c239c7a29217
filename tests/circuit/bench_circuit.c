// SPDX-License-Identifier: Apache-2.0
// Milliseconds of one run of the cycle model over a chain of 28 linear layers and activations whose
// frames take 10^6 cycles, with a branch around the last: by events, and cycle by cycle ("ref").
#include "sw/base/clock.h"
#include "sw/circuit/timing.h"

#include <string.h>

enum { LAYERS = 28, FEATURES = 1024 };

static uint32_t add(struct graph *g, enum op op, const char *name, uint32_t x, int32_t y) {
  const int64_t features = FEATURES, one = 1;
  const int32_t shift = op == OP_linear ? 12 : 0;
  uint32_t n = graph_add_node(g, op, name);
  graph_add_use(g, n, (struct use){x, 0, NONE});
  if (y != NONE) graph_add_use(g, n, (struct use){(uint32_t)y, 0, NONE});
  for (int i = 0; i < (op == OP_add ? 2 : 1); i++) graph_add_requant(g, n, 1, &one, &shift);
  struct type type = type_fixed(g->arena, 8, true, 1, 0);
  uint32_t out = graph_add_value(g, name, 1, &features, type, true);
  graph_add_out(g, n, out);
  return out;
}

static struct graph *network(struct arena *a) {
  struct graph *g = graph_new(a, "chain");
  const int64_t features = FEATURES, shape[2] = {FEATURES, FEATURES};
  struct type type = type_fixed(a, 8, true, 1, 0);
  uint32_t at = graph_add_value(g, "x", 1, &features, type, true), before = at;
  graph_add_input(g, at, (struct source){0});
  uint32_t w = graph_add_tensor(g, "w", tensor_new(a, DTYPE_I8, 2, shape), type);
  for (int i = 0; i < LAYERS; i++) {
    at = add(g, OP_linear, arena_printf(a, "fc%d", i), at, (int32_t)w);
    if (i == LAYERS - 1) at = add(g, OP_add, "sum", at, (int32_t)before);
    before = at;
  }
  graph_add_output(g, at);
  return g;
}

static double milliseconds(struct circuit *p, void (*run)(struct circuit *)) {
  double begin = clock_seconds();
  run(p);
  return (clock_seconds() - begin) * 1e3;
}

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = network(&a);
  struct folding f = {.parallelism = 1};
  struct circuit *p = graph_verify(g, &e) ? circuit_build(&a, g, "top", &f, &e) : NULL;
  if (!p) {
    err_print(stderr, &e);
    return 1;
  }
  bool ref = argc > 1 && strcmp(argv[1], "ref") == 0;
  printf("%.3f\n", milliseconds(p, ref ? timing_run_ref : timing_run));
  arena_free(&a);
  return 0;
}
