// SPDX-License-Identifier: Apache-2.0
// Nanoseconds of one firing in the token executor: a chain of 100 nodes that compute nothing.
#include "sw/base/clock.h"
#include "sw/exec/dataflow.h"
#include "sw/exec/real.h"

enum { NODES = 100, STEPS = 100000 };

static uint32_t add(struct graph *g, enum op op, const char *name, struct type type) {
  const int64_t one = 1;
  uint32_t n = graph_add_node(g, op, name);
  graph_add_out(g, n, graph_add_value(g, name, 1, &one, type, false));
  return n;
}

// variable -> read -> null -> null -> ...
static struct graph *chain(struct arena *a) {
  const int64_t one = 1;
  struct graph *g = graph_new(a, "chain");
  uint32_t init = graph_add_tensor(g, "init", tensor_new(a, DTYPE_F32, 1, &one), type_real());
  uint32_t variable = add(g, OP_variable, "variable", type_ref());
  graph_add_attr(g, variable, ATTR_init)->value = init;
  uint32_t at = add(g, OP_read, "read", type_real());
  graph_add_ref(g, at, g->nodes[variable].out[0]);
  for (int i = 0; i < NODES; i++) {
    uint32_t n = add(g, OP_opaque, arena_printf(a, "null %d", i), type_real());
    graph_add_use(g, n, (struct use){g->nodes[at].out[0], 0, NONE});
    at = n;
  }
  graph_add_output(g, g->nodes[at].out[0]);
  return g;
}

int main(void) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = chain(&a);
  struct dataflow *d = graph_verify(g, &e) ? dataflow_new(&a, g, 1, &real_kind, false, &e) : NULL;
  if (!d) {
    err_print(stderr, &e);
    return 1;
  }
  double begin = clock_seconds();
  dataflow_run(d, STEPS, &(struct dataflow_caller){0});
  printf("%.2f\n", (clock_seconds() - begin) / (double)dataflow_firings(d) * 1e9);
  dataflow_free(d);
  arena_free(&a);
  return 0;
}
