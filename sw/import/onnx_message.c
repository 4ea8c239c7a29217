// SPDX-License-Identifier: Apache-2.0
// The message of an ONNX file, within limits; which files beside it have weights.
#include "sw/import/formats.h"
#include "sw/import/onnx.h"

#include <string.h>

enum { STACK_MOST = 1 << 20, BYTES_A_BYTE = 64 };

// protobuf-c has no limits of its own: memory, and depth by how far its stack reaches down.
struct quota {
  struct arena *arena;
  size_t left;
  const char *base; // of the stack
};

static void *quota_alloc(void *data, size_t size) {
  struct quota *q = data;
  char here;
  size_t depth = (size_t)(q->base > &here ? q->base - &here : &here - q->base);
  if (size > q->left || depth > STACK_MOST) return NULL;
  q->left -= size;
  return arena_alloc(q->arena, size ? size : 1, 1);
}

static void quota_free(void *data, void *pointer) { // the arena does
  (void)data;
  (void)pointer;
}

const Onnx__ModelProto *onnx_unpack(struct arena *a, const void *data, size_t size, struct err *e) {
  char base;
  struct quota q = {a, BYTES_A_BYTE * size + ((size_t)1 << 20), &base};
  ProtobufCAllocator allocator = {quota_alloc, quota_free, &q};
  const Onnx__ModelProto *m = onnx__model_proto__unpack(&allocator, size, data);
  if (!m) err_put(e, "not a whole ONNX file: the protocol buffer is cut off, or nests too deep");
  return m;
}

// ---- files beside it

static bool holds(const char *data, size_t size, const char *word) {
  size_t n = strlen(word);
  const char *end = data + size;
  for (const char *at = data;
       (size_t)(end - at) >= n && (at = memchr(at, *word, (size_t)(end - at))); at++)
    if ((size_t)(end - at) >= n && memcmp(at, word, n) == 0) return true;
  return false;
}

uint32_t onnx_beside(struct arena *a, const void *data, size_t size, uint32_t most,
                     const char **names) {
  struct err e = {0};
  uint32_t n = 0;
  if (!holds(data, size, "location")) return 0;
  const Onnx__ModelProto *m = onnx_unpack(a, data, size, &e);
  for (size_t i = 0; m && m->graph && i < m->graph->n_initializer; i++) {
    const char *file = onnx_external_file(m->graph->initializer[i]);
    bool fresh = file && *file && n < most;
    for (uint32_t k = 0; fresh && k < n; k++) fresh = strcmp(names[k], file) != 0;
    if (fresh) names[n++] = file;
  }
  return n;
}
