// SPDX-License-Identifier: Apache-2.0
// model.bin as bytes: the container, its header, the graph.
#include "sw/graph/model.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = model_parse(&a, data, size, &e);
  if (g)
    fuzz_use_graph(g);
  else
    fuzz_check_message(e.text);
  arena_free(&a);
  return 0;
}
