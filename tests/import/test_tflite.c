// SPDX-License-Identifier: Apache-2.0
// Models of TensorFlow Lite: every output, tensor and layer that its reference kernels computed of
// nine networks, element by element, in both integer models.
#include "sw/base/json.h"
#include "sw/exec/golden.h"
#include "sw/pass/fuse.h"
#include "sw/pass/remember.h"
#include "tests/import/helper_tflite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { SOFTMAX = 25 };

static const struct tensor *need(const struct fixture *f, const char *name, const char * or) {
  const struct tensor *t = fixture_tensor(f, name);
  if (!t) t = fixture_tensor(f, or);
  assert_non_null(t);
  return t;
}

static uint32_t elements(const struct graph *g, uint32_t value) {
  return (uint32_t)value_elements(&g->values[value]);
}

// ---- layers

// Layers of the metadata, whose tensors for input `row` have these hashes.
static int compare_hashes(const struct fixture *f, const struct golden_ref *ref, const char *row) {
  const char *text = safetensors_metadata(&f->expected, "layers");
  struct err e = {0};
  struct arena a = {0};
  if (!text) return 0;
  json_t *layers = json_parse(text, strlen(text), &e), *layer;
  size_t i;
  assert_non_null(layers);
  json_array_foreach(layers, i, layer) {
    const char *hash = json_string_value(json_object_get(json_object_get(layer, "sha256"), row));
    uint32_t value = fixture_value(f, json_integer_value(json_object_get(layer, "tensor")));
    if (strcmp(fixture_hash(&a, golden_ref_value(ref, value), elements(f->graph, value)), hash) !=
        0)
      fail_msg("layer \"%s\" of input %s differs", f->graph->values[value].name, row);
  }
  int count = (int)json_array_size(layers);
  json_decref(layers);
  arena_free(&a);
  return count;
}

// What the softmax reads.
static void compare_logits(const struct fixture *f, const struct golden_ref *ref, int64_t row) {
  const struct tflite_subgraph *s = &f->file->subgraphs[0];
  const struct tensor *logits = fixture_tensor(f, "before_softmax");
  for (uint32_t i = 0; logits && i < s->n_ops; i++) {
    if (s->ops[i].code != SOFTMAX) continue;
    uint32_t value = fixture_value(f, s->ops[i].in[0]), n = elements(f->graph, value);
    fixture_equal(f, value, golden_ref_value(ref, value), logits, row * n, n);
  }
}

// ---- networks without state: rows of inputs

static void compare_plain(const struct fixture *f, const struct tensor *x, const struct tensor *y) {
  struct arena a = {0};
  struct golden_ref *ref = golden_ref_new(&a, f->graph, 1);
  uint32_t in = elements(f->graph, f->graph->inputs[0].value), out = f->graph->outputs[0];
  uint32_t n = elements(f->graph, out);
  int64_t *codes = ARENA_NEW(&a, int64_t, in), rows = x->shape[0];
  bool long_rows = in > 20000; // the fast model takes the others
  int hashes = 0;
  for (int64_t r = 0; r < rows; r++) {
    if (long_rows && r != 0 && r != 6) continue;
    for (uint32_t i = 0; i < in; i++) codes[i] = tensor_int(x, r * in + i);
    golden_ref_step(ref, (const int64_t *const[]){codes});
    fixture_equal(f, out, golden_ref_value(ref, out), y, r * n, n);
    compare_logits(f, ref, r);
    if (r == 0) hashes += compare_hashes(f, ref, "0");
    if (r == 6) hashes += compare_hashes(f, ref, "6");
  }
  bool hashed = safetensors_metadata(&f->expected, "layers") != NULL;
  assert_int_equal(hashes, hashed ? 2 * (int)f->file->subgraphs[0].n_ops : 0);
  arena_free(&a);
}

static void compare_fast(const struct fixture *f, const struct tensor *x, const struct tensor *y) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = fuse_needed(f->graph) ? fuse(&a, f->graph) : f->graph;
  struct golden *m = golden_new(&a, g, &e);
  if (!m) fail_msg("%s", e.text);
  int32_t *codes = ARENA_NEW(&a, int32_t, x->count), *found = ARENA_NEW(&a, int32_t, y->count);
  for (int64_t i = 0; i < x->count; i++) codes[i] = (int32_t)tensor_int(x, i);
  const struct golden_tap tap = {g->outputs[0], found};
  golden_run_codes(m, x->shape[0], codes, &tap, 1);
  for (int64_t i = 0; i < y->count; i++)
    if (found[i] != tensor_int(y, i))
      fail_msg("element %lld: %d, recorded %lld", (long long)i, found[i],
               (long long)tensor_int(y, i));
  golden_free(m);
  arena_free(&a);
}

static void network(void **state) {
  struct fixture *f = fixture_new(*state);
  const struct tensor *x = need(f, "input", "input_int8"), *y = need(f, "output", "output_int8");
  if (y->dtype == DTYPE_F32) y = need(f, "output_int8", "");
  compare_plain(f, x, y);
  compare_fast(f, x, y);
  fixture_free(f);
}

// ---- networks with state: steps from a reset

static void compare_steps(const struct fixture *f, const char *in, const char *out) {
  struct arena a = {0};
  const struct tensor *x = need(f, in, in), *y = need(f, out, out);
  struct golden_ref *ref = golden_ref_new(&a, f->graph, 1);
  uint32_t n = elements(f->graph, f->graph->inputs[0].value), to = f->graph->outputs[0];
  int64_t *codes = ARENA_NEW(&a, int64_t, n);
  for (int64_t s = 0; s < x->shape[0]; s++) {
    for (uint32_t i = 0; i < n; i++) codes[i] = tensor_int(x, s * n + i);
    golden_ref_step(ref, (const int64_t *const[]){codes});
    fixture_equal(f, to, golden_ref_value(ref, to), y, s, 1);
  }
  arena_free(&a);
}

// Every tensor after each of eight steps of speech that begin with a reset.
static void compare_tensors(const struct fixture *f) {
  enum { FIRST = 100, STEPS = 8 };
  struct arena a = {0};
  const struct tensor *x = need(f, "speech", "speech");
  struct golden_ref *ref = golden_ref_new(&a, f->graph, 1);
  uint32_t n = elements(f->graph, f->graph->inputs[0].value), compared = 0;
  int64_t *codes = ARENA_NEW(&a, int64_t, n);
  for (int64_t s = 0; s < STEPS; s++) {
    for (uint32_t i = 0; i < n; i++) codes[i] = tensor_int(x, (FIRST + s) * n + i);
    golden_ref_step(ref, (const int64_t *const[]){codes});
    for (uint32_t i = 0; i < f->expected.count; i++) {
      int tensor;
      if (sscanf(f->expected.tensors[i].name, "step_tensor_%d", &tensor) != 1) continue;
      uint32_t value = fixture_value(f, tensor), count = elements(f->graph, value);
      fixture_equal(f, value, golden_ref_value(ref, value), f->expected.tensors[i].tensor,
                    s * count, count);
      compared++;
    }
  }
  assert_true(compared > 20 * STEPS);
  arena_free(&a);
}

// As `run` and circuits have it: delays instead of variables.
static void compare_sequence(const struct fixture *f) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = remember(&a, f->graph, &e);
  if (!g) fail_msg("%s", e.text);
  struct golden *m = golden_new(&a, fuse(&a, g), &e);
  if (!m) fail_msg("%s", e.text);
  const struct tensor *x = need(f, "speech", ""), *y = need(f, "speech_output", "");
  int32_t *codes = ARENA_NEW(&a, int32_t, x->count), *found = ARENA_NEW(&a, int32_t, y->count);
  for (int64_t i = 0; i < x->count; i++) codes[i] = (int32_t)tensor_int(x, i);
  const struct golden_tap tap = {fuse(&a, g)->outputs[0], found};
  golden_run_codes(m, x->shape[0], codes, &tap, 1);
  for (int64_t i = 0; i < y->count; i++) assert_int_equal(found[i], tensor_int(y, i));
  golden_free(m);
  arena_free(&a);
}

static void streaming(void **state) {
  struct fixture *f = fixture_new(*state);
  compare_steps(f, "speech", "speech_output");
  compare_steps(f, "noise", "noise_output");
  compare_tensors(f);
  compare_sequence(f);
  fixture_free(f);
}

#define NETWORK(test, name)                                                                        \
  {                                                                                                \
#test " " name, test, NULL, NULL, (char[]) {                                                   \
      name                                                                                         \
    }                                                                                              \
  }

int main(void) {
  const struct CMUnitTest tests[] = {NETWORK(network, "tflite_mlp_int8"),
                                     NETWORK(network, "tflite_cnn_int8"),
                                     NETWORK(network, "ad01_int8"),
                                     NETWORK(network, "kws_ref_model"),
                                     NETWORK(network, "pretrainedResnet_quant"),
                                     NETWORK(network, "str_ww_ref_model"),
                                     NETWORK(network, "vww_96_int8"),
                                     NETWORK(streaming, "okay_nabu"),
                                     NETWORK(streaming, "alexa")};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
