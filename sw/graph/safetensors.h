// SPDX-License-Identifier: Apache-2.0
// The container: a safetensors file. docs/model-file.md.
//
//   u64 N | N bytes of JSON {"__metadata__": {..}, name: {dtype, shape, data_offsets}, ..} | data
//
// Reading distrusts every byte: the tensors tile the data without hole or overlap, sizes follow
// from shapes, names are unique, nothing trails.
#ifndef NNGEN_GRAPH_SAFETENSORS_H
#define NNGEN_GRAPH_SAFETENSORS_H

#include "sw/base/arena.h"
#include "sw/base/err.h"
#include "sw/base/text.h"
#include "sw/graph/graph.h"

struct named_tensor {
  const char *name;
  struct tensor *tensor;
};

struct safetensors {
  uint32_t count;
  struct named_tensor *tensors; // sorted by name
  uint32_t n_metadata;
  const char *(*metadata)[2]; // (n_metadata) key, text
};

// Parses a whole file; every tensor's data is copied into the arena.
bool safetensors_parse(struct arena *a, const void *data, size_t size, struct safetensors *out,
                       struct err *e);
int64_t safetensors_find(const struct safetensors *s, const char *name);        // index; -1: none
const char *safetensors_metadata(const struct safetensors *s, const char *key); // NULL: none

// Appends the file's bytes: tensors by falling element size, then name, as the format asks for
// alignment.
void safetensors_put(struct text *out, const struct safetensors *s);

// The same to a file, atomically.
bool safetensors_write(const char *path, const struct safetensors *s, struct err *e);

#endif
