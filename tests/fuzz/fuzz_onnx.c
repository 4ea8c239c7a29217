// SPDX-License-Identifier: Apache-2.0
// An ONNX file as bytes: the protocol buffer, its nodes, the graph, and files written of that.
// Weights in other files aren't there.
#include "sw/export/export.h"
#include "sw/graph/interval.h"
#include "sw/import/formats.h"
#include "tests/fuzz/fuzz.h"

enum { NODES_BACK = 64, ELEMENTS_BACK = 1 << 14 };

// What is written of a graph is read again, as a graph with as many outputs.
static void there_and_back(const struct graph *g, enum onnx_form form) {
  struct arena a = {0};
  struct err e = {0};
  struct refusals refused = {0}, r = {0};
  struct export_notes notes = {0};
  struct text file = {0};
  if (export_onnx(&a, g, form, &refused, &notes, &file, &e)) {
    struct graph *back = onnx_parse(&a, "/nowhere/net.onnx", file.data, file.size, &r, &e);
    if (r.count) fprintf(stderr, "%s: %s\n", r.list[0].node, r.list[0].reason);
    if (!back && !r.count) fprintf(stderr, "%s\n", e.text);
    FUZZ_CHECK(back && !r.count && graph_verify(back, &e));
    FUZZ_CHECK(back->n_outputs == g->n_outputs && back->n_inputs == g->n_inputs);
  }
  text_free(&file);
  arena_free(&a);
}

static void export_all(const struct graph *g) {
  int64_t elements = 0;
  for (uint32_t i = 0; i < g->n_values; i++) elements += value_elements(&g->values[i]);
  for (int form = ONNX_FLOAT; form <= ONNX_QONNX; form++)
    if (g->n_nodes <= NODES_BACK && elements <= ELEMENTS_BACK)
      there_and_back(g, (enum onnx_form)form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct refusals r = {0};
  onnx_is(data, size);
  struct graph *g = onnx_parse(&a, "/nowhere/net.onnx", data, size, &r, &e);
  for (uint32_t i = 0; i < r.count; i++) {
    fuzz_check_message(r.list[i].reason);
    fuzz_check_message(r.list[i].remedy);
  }
  if (g && !r.count && graph_verify(g, &e)) {
    graph_ranges(g);
    export_all(g);
    fuzz_use_graph(g);
  } else if (!r.count) {
    fuzz_check_message(e.text);
  }
  arena_free(&a);
  return 0;
}
