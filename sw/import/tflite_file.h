// SPDX-License-Identifier: Apache-2.0
// A .tflite file as its schema describes it (schema.fbs of TensorFlow Lite, version 3): subgraphs
// of tensors and operators. For the files of the importer; numbers are checked to be in range, what
// they mean isn't.
#ifndef NNGEN_IMPORT_TFLITE_FILE_H
#define NNGEN_IMPORT_TFLITE_FILE_H

#include "sw/graph/graph.h"
#include "sw/import/flatbuffer.h"

// TensorType of the schema.
enum tflite_type {
  TFLITE_FLOAT32 = 0,
  TFLITE_INT32 = 2,
  TFLITE_UINT8 = 3,
  TFLITE_INT64 = 4,
  TFLITE_INT8 = 9,
  TFLITE_RESOURCE = 13,
  TFLITE_TYPES = 24
};

struct tflite_tensor {
  const char *name; // printable, its own
  int type;         // enum tflite_type
  int rank;
  int64_t shape[RANK_MAX];  // with the batch axis
  uint32_t scales;          // 0, 1 or one per channel
  struct flat_vector scale; // F32 (scales)
  struct flat_vector zero;  // I64 (scales), or empty: 0
  int64_t axis;             // of several scales
  struct flat_vector data;  // U8; empty: it isn't constant
};

struct tflite_op {
  int64_t code;       // BuiltinOperator of the schema
  const char *custom; // the name of one that isn't built in
  uint32_t n_in, n_out;
  const int32_t *in, *out;   // tensors; an input that is left out is NONE
  struct flat_table options; // absent: all defaults
};

struct tflite_subgraph {
  uint32_t n_tensors, n_ops, n_in, n_out;
  struct tflite_tensor *tensors;
  struct tflite_op *ops;
  const int32_t *in, *out; // tensors
};

struct tflite_file {
  struct flatbuffer buffer;
  uint32_t n_subgraphs;
  struct tflite_subgraph *subgraphs; // the first one is the model
};

// NULL with a message. `data` must outlive it.
struct tflite_file *tflite_open(struct arena *a, const void *data, size_t size, struct err *e);

// Names of the schema: "CONV_2D", "INT8".
const char *tflite_op_text(const struct tflite_op *op);
const char *tflite_type_text(int type);

// Element i of a constant of 8, 32 or 64 bit integers.
int64_t tflite_integer(const struct tflite_tensor *t, int64_t i);

int64_t tflite_elements(const struct tflite_tensor *t);
double tflite_scale(const struct tflite_tensor *t, uint32_t channel); // the file's float, widened
int64_t tflite_zero(const struct tflite_tensor *t, uint32_t channel);

#endif
