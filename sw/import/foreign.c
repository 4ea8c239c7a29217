// SPDX-License-Identifier: Apache-2.0
// How files look: those that aren't read, and those that a build may lack the libraries to read.
#include "sw/import/formats.h"

#include <string.h>

static bool has(const void *data, size_t size, const char *word) {
  return memmem(data, size, word, strlen(word)) != NULL;
}

// A zip archive with such a name in it: its list stands at the end.
static bool zip_has(const void *data, size_t size, const char *word) {
  size_t tail = size < 1 << 20 ? size : 1 << 20;
  return size > 4 && memcmp(data, "PK\3\4", 4) == 0 &&
         has((const char *)data + size - tail, tail, word);
}

bool hdf5_is(const void *data, size_t size) {
  return size > 8 && memcmp(data, "\x89HDF\r\n\x1a\n", 8) == 0;
}

bool zip_is_keras(const void *data, size_t size) {
  return zip_has(data, size, "model.weights.") && zip_has(data, size, "config.json");
}

bool zip_is_torch(const void *data, size_t size) {
  return zip_has(data, size, "data.pkl");
}

bool zip_is_numpy(const void *data, size_t size) {
  return zip_has(data, size, ".npy");
}

bool pickle_is(const void *data, size_t size) {
  const unsigned char *p = data;
  return size > 2 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5;
}

// The first field of a message, and that its length fits.
static bool first_field(const unsigned char *p, size_t size, unsigned char key, const char *word) {
  return size > 16 && p[0] == key && has(p, size < 4096 ? size : 4096, word);
}

bool saved_model_is(const void *data, size_t size) {
  const unsigned char *p = data;
  return size > 8 && p[0] == 0x08 && p[2] == 0x12 && has(data, size, "serve");
}

bool frozen_graph_is(const void *data, size_t size) {
  return first_field(data, size, 0x0A, "Placeholder");
}

bool caffe_is(const void *data, size_t size) {
  return first_field(data, size, 0x0A, "Convolution") ||
         first_field(data, size, 0x0A, "InnerProduct") || first_field(data, size, 'n', "layer {");
}

bool coreml_is(const void *data, size_t size) {
  return first_field(data, size, 0x08, "com.github.apple.coremltools") ||
         (size > 8 && ((const unsigned char *)data)[0] == 0x08 && has(data, size, "coremltools"));
}

// Fields of a ModelProto, one behind the other, a graph among them.
bool onnx_is(const void *data, size_t size) {
  const unsigned char *p = data;
  size_t at = 0;
  bool graph = false;
  for (int fields = 0; at < size; fields++) {
    uint64_t key = 0, length = 0;
    int shift = 0;
    do key |= (uint64_t)(p[at] & 127) << shift, shift += 7;
    while (p[at++] & 128 && at < size && shift < 28);
    uint64_t field = key >> 3;
    bool known =
        (field >= 1 && field <= 8) || field == 14 || field == 20 || field == 25 || field == 26;
    if (!known || ((key & 7) != 0 && (key & 7) != 2)) return false;
    shift = 0;
    if (at >= size) return graph;
    do length |= (uint64_t)(p[at] & 127) << shift, shift += 7;
    while (p[at++] & 128 && at < size && shift < 63);
    graph |= field == 7 && (key & 7) == 2;
    if ((key & 7) == 2) {
      if (length > size - at) return graph;
      at += length;
    }
  }
  return graph;
}
