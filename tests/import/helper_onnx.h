// SPDX-License-Identifier: Apache-2.0
// ONNX files made by hand: messages of protocol buffers, a field after the other.
#ifndef NNGEN_TESTS_HELPER_ONNX_H
#define NNGEN_TESTS_HELPER_ONNX_H

#include "sw/base/text.h"
#include "sw/graph/graph.h"

#include <stdint.h>

// Fields of a message.
void pb_int(struct text *t, int field, uint64_t value);
void pb_bytes(struct text *t, int field, const void *data, size_t size);
void pb_text(struct text *t, int field, const char *text);
void pb_message(struct text *t, int field, struct text *message); // frees it

// A graph that grows.
struct onnx_text {
  struct text graph;
};

// An input or output: NAME and dimensions, 0 where the size is open (the batch).
void onnx_put_input(struct onnx_text *o, const char *name, int rank, const int64_t *shape);
// The same, of bytes.
void onnx_put_bytes_input(struct onnx_text *o, const char *name, int rank, const int64_t *shape);
// The same, of a type of ONNX's.
void onnx_put_typed_input(struct onnx_text *o, const char *name, int type, int rank,
                          const int64_t *shape);
// What the file says of the shape of a value inside.
void onnx_put_info(struct onnx_text *o, const char *name, int type, int rank, const int64_t *shape);
void onnx_put_output(struct onnx_text *o, const char *name);

// A tensor of floats, or of 64-bit integers.
void onnx_put_floats(struct onnx_text *o, const char *name, int rank, const int64_t *shape,
                     const float *data);
void onnx_put_ints(struct onnx_text *o, const char *name, int64_t count, const int64_t *data);

// A tensor of a type of ONNX's, from raw bytes, or from a list of 32-bit integers.
void onnx_put_raw(struct onnx_text *o, const char *name, int type, int rank, const int64_t *shape,
                  const void *data, size_t size);
void onnx_put_list(struct onnx_text *o, const char *name, int type, int rank, const int64_t *shape,
                   const int *numbers, size_t count);

// A node: names with spaces between, "." for one that is left out, attributes as "name=1,2" for
// integers, "name=0.5" for a number, "name:word" for words.
void onnx_put_node(struct onnx_text *o, const char *op, const char *inputs, const char *outputs,
                   const char *attributes);

// The whole file, of this opset; frees the graph.
void onnx_put_file(struct onnx_text *o, int opset, struct text *file);

// The graph of a file, or NULL with what is said of it: how many layers are refused, and the first.
struct graph *onnx_parsed(struct arena *a, struct onnx_text *o, int opset, const char **said);

// What it gives for x, one frame in our order of axes.
float *onnx_computed(struct arena *a, const struct graph *g, const float *x, int64_t *count);

#endif
