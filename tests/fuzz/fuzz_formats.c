// SPDX-License-Identifier: Apache-2.0
// A formats file, and a small float model quantised by it.
#include "quant/quantize.h"
#include "sw/graph/model.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

// x (4) -> linear "fc" -> tanh "act" -> linear "out" (2)
static struct graph *network(struct arena *a) {
  struct graph *g = graph_new(a, "small");
  int64_t size[1] = {4}, matrix[2] = {4, 4};
  struct type real = type_of_class(TYPE_REAL);
  uint32_t x = graph_add_value(g, "x", 1, size, real, true);
  graph_add_input(g, x, (struct source){0});
  static const char *const names[] = {"fc", "act", "out"};
  for (int i = 0; i < 3; i++) {
    uint32_t n = graph_add_node(g, i == 1 ? OP_tanh : OP_linear, names[i]);
    graph_add_use(g, n, (struct use){.value = x, .initial = NONE});
    struct tensor *t = tensor_new(a, DTYPE_F32, 2, matrix);
    for (int k = 0; k < 16; k++) ((float *)t->data)[k] = (float)(k % 7 - 3) / 4;
    if (i != 1) {
      uint32_t w = graph_add_tensor(g, i ? "w2" : "w1", t, real);
      graph_add_use(g, n, (struct use){.value = w, .initial = NONE});
    }
    graph_add_out(g, n, x = graph_add_value(g, names[i], 1, size, real, true));
  }
  graph_add_output(g, x);
  return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct formats f = formats_new();
  struct graph *g = network(&a), *fixed = NULL;
  FUZZ_CHECK(graph_verify(g, &e));
  if (formats_read(&a, fuzz_path(data, size), &f, &e)) fixed = quantize(&a, g, &f, &e);
  if (fixed) fuzz_use_graph(fixed);
  if (e.text[0]) fuzz_check_message(e.text);
  arena_free(&a);
  return 0;
}
