// SPDX-License-Identifier: Apache-2.0
#include "tests/import/helper_tflite.h"

#include "sw/base/sha256.h"
#include "sw/graph/interval.h"
#include "sw/import/tflite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct bytes read(struct arena *a, const char *name, const char *end) {
  struct bytes b = {0};
  struct err e = {0};
  char path[256];
  snprintf(path, sizeof path, "tests/import/files/%s.tflite%s", name, end);
  if (!file_read(a, path, 1 << 24, &b, &e)) fail_msg("%s", e.text);
  return b;
}

struct fixture *fixture_new(const char *name) {
  struct fixture *f = calloc(1, sizeof *f);
  struct refusals r = {0};
  struct err e = {0};
  assert_non_null(f);
  f->bytes = read(&f->arena, name, "");
  f->file = tflite_open(&f->arena, f->bytes.data, f->bytes.size, &e);
  f->graph = tflite_parse(&f->arena, name, f->bytes.data, f->bytes.size, &r, &e);
  if (!f->file || !f->graph || r.count || !graph_verify(f->graph, &e))
    fail_msg("%s: %s%s", name, e.text, r.count ? r.list[0].reason : "");
  graph_ranges(f->graph);
  struct bytes expected = read(&f->arena, name, ".expected.safetensors");
  if (!safetensors_parse(&f->arena, expected.data, expected.size, &f->expected, &e))
    fail_msg("%s: %s", name, e.text);
  return f;
}

void fixture_free(struct fixture *f) {
  arena_free(&f->arena);
  free(f);
}

const struct tensor *fixture_tensor(const struct fixture *f, const char *name) {
  int64_t i = safetensors_find(&f->expected, name);
  return i < 0 ? NULL : f->expected.tensors[i].tensor;
}

uint32_t fixture_value(const struct fixture *f, int64_t index) {
  const char *name = f->file->subgraphs[0].tensors[index].name;
  int32_t value = graph_find_value(f->graph, name);
  if (value == NONE) fail_msg("no value \"%s\" (tensor %d)", name, (int)index);
  return (uint32_t)value;
}

void fixture_equal(const struct fixture *f, uint32_t value, const int64_t *codes,
                   const struct tensor *t, int64_t first, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (codes[i] != tensor_int(t, first + i))
      fail_msg("\"%s\", element %lld: %lld, recorded %lld", f->graph->values[value].name,
               (long long)i, (long long)codes[i], (long long)tensor_int(t, first + i));
}

const char *fixture_hash(struct arena *a, const int64_t *codes, int64_t count) {
  uint8_t *bytes = ARENA_NEW(a, uint8_t, count);
  for (int64_t i = 0; i < count; i++) bytes[i] = (uint8_t)codes[i];
  return sha256_hex(a, bytes, (size_t)count);
}
