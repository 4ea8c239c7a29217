// SPDX-License-Identifier: Apache-2.0
// What comes out of the sandbox of Keras files, as bytes: arrays, the configuration, the graph.
#include "sw/graph/interval.h"
#include "sw/import/keras.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct refusals r = {0};
  struct graph *g = keras_build(&a, data, size, &r, &e);
  for (uint32_t i = 0; i < r.count; i++) {
    fuzz_check_message(r.list[i].reason);
    fuzz_check_message(r.list[i].remedy);
  }
  if (g && !r.count && graph_verify(g, &e)) {
    graph_ranges(g);
    fuzz_use_graph(g);
  } else if (!r.count) {
    fuzz_check_message(e.text);
  }
  arena_free(&a);
  return 0;
}
