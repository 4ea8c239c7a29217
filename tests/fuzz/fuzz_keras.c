// SPDX-License-Identifier: Apache-2.0
// What comes out of the sandbox of Keras files, as bytes: arrays, the configuration, the graph; and
// other weights on their way back.
#include "sw/export/into.h"
#include "sw/graph/interval.h"
#include "sw/import/keras.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

// The file with other numbers in some arrays, as its graph.
static struct graph *with_arrays(struct arena *a, const struct safetensors *file,
                                 const struct safetensors *arrays) {
  struct text t = {0};
  struct refusals r = {0};
  struct err e = {0};
  struct safetensors all = *file;
  all.tensors = arena_copy(a, file->tensors, file->count * sizeof *file->tensors);
  for (uint32_t i = 0; i < arrays->count; i++)
    all.tensors[safetensors_find(file, arrays->tensors[i].name)] = arrays->tensors[i];
  safetensors_put(&t, &all);
  struct graph *g = keras_build(a, t.data, t.size, &r, &e);
  text_free(&t);
  return r.count ? NULL : g;
}

static bool same(const struct tensor *x, const struct tensor *y) {
  return memcmp(x->data, y->data, (size_t)x->count * sizeof(float)) == 0;
}

// Weights that come from arrays are changed, go back, and are imported again: each tensor is then
// the changed one or, if it leads to no output, what it was.
static void use_weights(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct refusals r = {0};
  struct keras_sources sources = {0};
  struct safetensors file, arrays;
  struct bytes dump = {arena_copy(&a, data, size), size};
  bool trained;
  struct graph *g = keras_build_traced(&a, data, size, &file, &sources, &r, &e),
               *old = keras_build(&a, data, size, &r, &e);
  for (uint32_t i = 0; i < sources.count; i++) {
    struct value *v = &g->values[sources.list[i].value];
    for (int64_t k = 0; type_is_real(&v->type) && k < v->init->count; k++)
      ((float *)v->init->data)[k] = ((float *)v->init->data)[k] * 0.5F + 1;
  }
  if (!into_keras_arrays(&a, g, &dump, &arrays, &trained, &e)) {
    fuzz_check_message(e.text);
  } else {
    struct graph *back = with_arrays(&a, &file, &arrays);
    for (uint32_t i = 0; back && i < sources.count; i++) {
      uint32_t value = sources.list[i].value;
      const struct tensor *t = back->values[value].init;
      if (type_is_real(&g->values[value].type))
        FUZZ_CHECK(same(t, g->values[value].init) || same(t, old->values[value].init));
    }
  }
  arena_free(&a);
}

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
    use_weights(data, size);
  } else if (!r.count) {
    fuzz_check_message(e.text);
  }
  arena_free(&a);
  return 0;
}
