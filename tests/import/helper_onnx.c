// SPDX-License-Identifier: Apache-2.0
#include "tests/import/helper_onnx.h"

#include "sw/exec/real.h"
#include "sw/graph/verify.h"
#include "sw/import/formats.h"
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>
#include <string.h>

enum { INT = 0, BYTES = 2, FOUR = 5 };    // wire types
enum { FLOATS = 1, UINT8 = 2, INTS = 7 }; // data types, and attribute types INTS = 7
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_STRING = 3 };

static void varint(struct text *t, uint64_t v) {
  do {
    char byte = (char)((v & 127) | (v > 127 ? 128 : 0));
    text_put(t, &byte, 1);
    v >>= 7;
  } while (v);
}

void pb_int(struct text *t, int field, uint64_t value) {
  varint(t, (uint64_t)field << 3 | INT);
  varint(t, value);
}

void pb_bytes(struct text *t, int field, const void *data, size_t size) {
  varint(t, (uint64_t)field << 3 | BYTES);
  varint(t, size);
  text_put(t, data, size);
}

static void pb_real(struct text *t, int field, float value) {
  varint(t, (uint64_t)field << 3 | FOUR);
  text_put(t, (const char *)&value, sizeof value);
}

void pb_text(struct text *t, int field, const char *text) {
  pb_bytes(t, field, text, strlen(text));
}

void pb_message(struct text *t, int field, struct text *message) {
  pb_bytes(t, field, message->data ? message->data : "", message->size);
  text_free(message);
}

// ---- values

static void put_value(struct onnx_text *o, int field, int element, const char *name, int rank,
                      const int64_t *shape) {
  struct text dims = {0}, tensor = {0}, type = {0}, value = {0};
  for (int d = 0; d < rank; d++) {
    struct text dim = {0};
    if (shape[d])
      pb_int(&dim, 1, (uint64_t)shape[d]);
    else
      pb_text(&dim, 2, "batch");
    pb_message(&dims, 1, &dim);
  }
  pb_int(&tensor, 1, (uint64_t)element);
  if (rank) pb_message(&tensor, 2, &dims);
  pb_message(&type, 1, &tensor);
  pb_text(&value, 1, name);
  pb_message(&value, 2, &type);
  pb_message(&o->graph, field, &value);
}

void onnx_put_input(struct onnx_text *o, const char *name, int rank, const int64_t *shape) {
  put_value(o, 11, FLOATS, name, rank, shape);
}

void onnx_put_typed_input(struct onnx_text *o, const char *name, int type, int rank,
                          const int64_t *shape) {
  put_value(o, 11, type, name, rank, shape);
}

void onnx_put_bytes_input(struct onnx_text *o, const char *name, int rank, const int64_t *shape) {
  put_value(o, 11, UINT8, name, rank, shape);
}

void onnx_put_info(struct onnx_text *o, const char *name, int type, int rank,
                   const int64_t *shape) {
  put_value(o, 13, type, name, rank, shape);
}

void onnx_put_output(struct onnx_text *o, const char *name) {
  put_value(o, 12, FLOATS, name, 0, NULL);
}

static void begin_tensor(struct text *t, const char *name, int type, int rank,
                         const int64_t *shape) {
  for (int d = 0; d < rank; d++) pb_int(t, 1, (uint64_t)shape[d]);
  pb_int(t, 2, (uint64_t)type);
  pb_text(t, 8, name);
}

void onnx_put_raw(struct onnx_text *o, const char *name, int type, int rank, const int64_t *shape,
                  const void *data, size_t size) {
  struct text t = {0};
  begin_tensor(&t, name, type, rank, shape);
  pb_bytes(&t, 9, data, size);
  pb_message(&o->graph, 5, &t);
}

void onnx_put_list(struct onnx_text *o, const char *name, int type, int rank, const int64_t *shape,
                   const int *numbers, size_t count) {
  struct text t = {0};
  begin_tensor(&t, name, type, rank, shape);
  for (size_t i = 0; i < count; i++) pb_int(&t, 5, (uint64_t)numbers[i]);
  pb_message(&o->graph, 5, &t);
}

void onnx_put_floats(struct onnx_text *o, const char *name, int rank, const int64_t *shape,
                     const float *data) {
  size_t n = 1;
  for (int d = 0; d < rank; d++) n *= (size_t)shape[d];
  onnx_put_raw(o, name, FLOATS, rank, shape, data, n * sizeof *data);
}

void onnx_put_ints(struct onnx_text *o, const char *name, int64_t count, const int64_t *data) {
  onnx_put_raw(o, name, INTS, 1, &count, data, (size_t)count * sizeof *data);
}

// ---- nodes

static void put_attribute(struct text *node, char *word) {
  struct text a = {0};
  char *at = word + strcspn(word, "=:");
  bool is_text = *at == ':', is_real = !is_text && strchr(at, '.');
  *at++ = 0;
  pb_text(&a, 1, word);
  pb_int(&a, 20, is_text ? ATTRIBUTE_STRING : is_real ? ATTRIBUTE_FLOAT : INTS);
  if (is_text) pb_text(&a, 4, at);
  if (is_real) pb_real(&a, 2, strtof(at, NULL));
  bool one = !is_text && !is_real && !strchr(at, ',');
  if (one) pb_int(&a, 3, (uint64_t)strtoll(at, NULL, 10));
  for (char *end; !is_text && !is_real && *at; at = *end ? end + 1 : end)
    pb_int(&a, 8, (uint64_t)strtoll(at, &end, 10));
  pb_message(node, 5, &a);
}

static void put_words(struct text *node, int field, const char *words) {
  char *list = strdup(words), *rest = NULL;
  for (char *w = strtok_r(list, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
    if (field == 5)
      put_attribute(node, w);
    else
      pb_text(node, field, strcmp(w, ".") == 0 ? "" : w); // left out
  free(list);
}

void onnx_put_node(struct onnx_text *o, const char *op, const char *inputs, const char *outputs,
                   const char *attributes) {
  struct text node = {0};
  put_words(&node, 1, inputs);
  put_words(&node, 2, outputs);
  pb_text(&node, 4, op);
  put_words(&node, 5, attributes);
  pb_message(&o->graph, 1, &node);
}

void onnx_put_file(struct onnx_text *o, int opset, struct text *file) {
  struct text version = {0};
  pb_int(file, 1, 8);
  pb_int(&version, 2, (uint64_t)opset);
  pb_message(file, 7, &o->graph);
  pb_message(file, 8, &version);
}

// ---- reading it

struct graph *onnx_parsed(struct arena *a, struct onnx_text *o, int opset, const char **said) {
  struct text file = {0};
  struct refusals r = {0};
  struct err e = {0};
  onnx_put_file(o, opset, &file);
  assert_true(onnx_is(file.data, file.size));
  struct graph *g = onnx_parse(a, "made.onnx", file.data, file.size, &r, &e);
  text_free(&file);
  *said = r.count ? arena_printf(a, "%u: %s: %s; %s", r.count, r.list[0].op, r.list[0].reason,
                                 r.list[0].remedy)
                  : arena_strdup(a, e.text);
  if (!g || r.count) return NULL;
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  return g;
}

float *onnx_computed(struct arena *a, const struct graph *g, const float *x, int64_t *count) {
  struct err e = {0};
  struct real *r = real_new(a, g, &e);
  if (!r) fail_msg("%s", e.text);
  *count = value_elements(&g->values[g->outputs[0]]);
  float *y = ARENA_NEW(a, float, *count);
  const struct real_tap tap = {g->outputs[0], y};
  real_run(r, 1, NULL, x, &tap, 1);
  real_free(r);
  return y;
}
