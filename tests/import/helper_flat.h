// SPDX-License-Identifier: Apache-2.0
// Writes small .tflite files: tables from front to back, each behind what refers to it.
#ifndef NNGEN_TESTS_HELPER_FLAT_H
#define NNGEN_TESTS_HELPER_FLAT_H

#include <stddef.h>
#include <stdint.h>

enum { FLAT_ROOM = 1 << 16 };

struct flat {
  uint8_t data[FLAT_ROOM];
  size_t size;
};

struct made_tensor {
  const char *name;
  int type; // of the schema
  int rank, shape[5];
  int scales; // 1 unless `scale` is 0; more: all of them `scale`, on axis 0
  float scale;
  int64_t zero;
  const void *data; // NULL: no constant
  size_t bytes;
};

struct made_option {
  int field;
  enum { MADE_END, MADE_BYTE, MADE_INT, MADE_REAL, MADE_TEXT } kind;
  int number;
  float real;
  const char *text;
};

struct made_op {
  int code;
  int n_in, in[4], n_out, out[4];
  struct made_option options[8];
};

struct made_graph {
  int n_tensors, n_ops, n_in, n_out;
  const struct made_tensor *tensors;
  const struct made_op *ops;
  int in[4], out[4];
};

// A file of these subgraphs, the first of which is the model.
void flat_make(struct flat *f, const struct made_graph *graphs, int count);

#endif
