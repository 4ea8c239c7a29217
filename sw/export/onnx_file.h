// SPDX-License-Identifier: Apache-2.0
// An ONNX file that grows: nodes, constants, attributes; then its bytes.
//
//   struct onnx_file *f = onnx_file_new(a, "net", 13);
//   onnx_file_value(f, ONNX_IN, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, (int64_t[]){784});
//   Onnx__NodeProto *n = onnx_file_node(f, "Relu", "relu", 1, (const char *[]){"x"}, "y");
//   ..
//   onnx_file_put(f, &text);
#ifndef NNGEN_EXPORT_ONNX_FILE_H
#define NNGEN_EXPORT_ONNX_FILE_H

#include "sw/base/arena.h"
#include "sw/base/text.h"

#include "onnx.pb-c.h"

#include <stdint.h>

struct onnx_file;
enum onnx_end { ONNX_IN, ONNX_OUT };

struct onnx_file *onnx_file_new(struct arena *a, const char *name, int opset);
int onnx_file_opset(const struct onnx_file *f);
// Another set of operators, of version 1.
void onnx_file_domain(struct onnx_file *f, const char *domain);
void onnx_file_metadata(struct onnx_file *f, const char *key, const char *value);

// The batch of inputs and outputs; without it an open one.
void onnx_file_batch(struct onnx_file *f, int64_t batch);

// `wanted`, or wanted.1, wanted.2, .. if a value has the name; it is taken then.
const char *onnx_file_name(struct onnx_file *f, const char *wanted);

// An input or output of the graph: the batch, then `shape`.
void onnx_file_value(struct onnx_file *f, enum onnx_end end, const char *name, int type, int rank,
                     const int64_t *shape);

// A constant of a type of ONNX under a name that nothing else has; its bytes are copied. Returns
// the name.
const char *onnx_file_constant(struct onnx_file *f, const char *name, int type, int rank,
                               const int64_t *shape, const void *data, size_t bytes);
// A list of int64, a number: under `name`, or one like it.
const char *onnx_file_ints(struct onnx_file *f, const char *name, int64_t count,
                           const int64_t *list);
const char *onnx_file_real(struct onnx_file *f, const char *name, double v);

// A node with one output, of this name or one like it that no node has; an input "" isn't given.
Onnx__NodeProto *onnx_file_node(struct onnx_file *f, const char *op, const char *name, size_t n_in,
                                const char *const *in, const char *out);
// One more output; "": it isn't asked for.
void onnx_file_output(struct onnx_file *f, Onnx__NodeProto *n, const char *out);
void onnx_file_attr_int(struct onnx_file *f, Onnx__NodeProto *n, const char *name, int64_t v);
void onnx_file_attr_ints(struct onnx_file *f, Onnx__NodeProto *n, const char *name, int64_t count,
                         const int64_t *list);
void onnx_file_attr_real(struct onnx_file *f, Onnx__NodeProto *n, const char *name, double v);
void onnx_file_attr_text(struct onnx_file *f, Onnx__NodeProto *n, const char *name,
                         const char *text);

void onnx_file_put(struct onnx_file *f, struct text *out);

#endif
