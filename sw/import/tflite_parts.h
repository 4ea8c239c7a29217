// SPDX-License-Identifier: Apache-2.0
// What the parts of the .tflite importer share: tflite.c walks the operators, the other files make
// nodes of them, each a function per operator (tflite_ops.def).
//
// A value is a tensor without its batch axis, which is 1: (1, H, W, C) is an image (H, W, C). What
// the kernels of TensorFlow Lite compute is in docs/numerics.md, "TFLite".
#ifndef NNGEN_IMPORT_TFLITE_PARTS_H
#define NNGEN_IMPORT_TFLITE_PARTS_H

#include "sw/import/refusals.h"
#include "sw/import/tflite_file.h"

struct tflite {
  struct arena *arena;
  const struct tflite_file *file;
  const struct tflite_subgraph *sub; // the model
  const struct tflite_op *op;        // at work
  uint32_t index;                    // of it
  struct graph *graph;
  int32_t *value;    // (tensors) what holds it; NONE: nothing yet
  int32_t *variable; // (tensors) of a handle the number of its variable; NONE
  bool *sizes;       // (tensors) it holds sizes that are computed; nobody knows them
  int64_t copied;    // bytes of constants so far
  struct tflite_variable *variables;
  uint32_t n_variables;
  struct refusals *refusals;
  struct err *err;
};

// ---- an operator's functions: false if it is refused or the file is damaged

#define TFLITE(code, name, import, ...) bool tflite_##import(struct tflite *t);
#define UNKNOWN(code, name)
#include "sw/import/tflite_ops.def"
#undef TFLITE
#undef UNKNOWN

// The operator has no counterpart; always false.
bool tflite_refuse(struct tflite *t, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// ---- tensors of the operator

const struct tflite_tensor *tflite_in(const struct tflite *t, uint32_t k); // NULL: left out
const struct tflite_tensor *tflite_out(const struct tflite *t, uint32_t k);
const char *tflite_name(const struct tflite *t); // that of its first output

// Whether input or output k is an array of 8-bit integers with one scale and a zero of its type;
// `unsigned_too`: also of uint8.
bool tflite_is_stream(struct tflite *t, const struct tflite_tensor *v, bool unsigned_too);
bool tflite_streams(struct tflite *t); // all of the operator's, int8

// Whether output 0 holds integers that count something, and no codes: what it is made of is worked
// out by nobody, as the shapes of all tensors are in the file.
bool tflite_are_sizes(const struct tflite *t);

// Whether both have one type: codes can be copied.
bool tflite_same(const struct tflite_tensor *a, const struct tflite_tensor *b);

// The integers of input k, a constant: (*count), the list in the arena; NULL if it isn't one.
const int64_t *tflite_list(struct tflite *t, uint32_t k, int64_t *count);

// ---- shapes

struct tflite_shape {
  int rank;
  int64_t size[RANK_MAX];
};
struct tflite_shape tflite_whole(const struct tflite_tensor *v); // with the batch axis
struct tflite_shape tflite_frame(const struct tflite_tensor *v); // without, if it is 1
bool tflite_is_batch(const struct tflite_tensor *v);             // whether it has one that is 1

// An axis of the file, which may be counted from behind; NONE with a refusal if there is none.
int tflite_axis(struct tflite *t, const struct tflite_tensor *v, int64_t axis);

// ---- values

// The value of input k in this shape, which has as many elements; a constant becomes a tensor.
uint32_t tflite_value(struct tflite *t, uint32_t k, struct tflite_shape shape);

// The type of an array of 8-bit integers with one scale.
struct type tflite_type(struct tflite *t, const struct tflite_tensor *v);

// Memory for a constant of so many bytes may still be taken.
bool tflite_take(struct tflite *t, int64_t bytes);

// A tensor of the graph for a constant of the operator, "NAME.what".
uint32_t tflite_constant(struct tflite *t, const char *what, struct tensor *data, struct type type);

// ---- nodes: one whose output is output 0 of the operator, behind a clamp if its fused activation
// cuts more than the type does

enum tflite_activation { TFLITE_NONE, TFLITE_RELU, TFLITE_RELU_N1_TO_1, TFLITE_RELU6 };

struct tflite_node {
  uint32_t id;
  int64_t lo, hi; // codes that its output may have
  bool clamped;   // they aren't all of the type's
};
bool tflite_begin(struct tflite *t, enum op kind, int activation, struct tflite_node *n);
void tflite_use(struct tflite *t, uint32_t node, uint32_t value);
void tflite_requant(struct tflite *t, uint32_t node, int64_t mul, int32_t shift);
void tflite_end(struct tflite *t, const struct tflite_node *n, struct tflite_shape shape);

// Output k of the operator is another value, or the output of a node of this name.
void tflite_alias(struct tflite *t, uint32_t k, uint32_t value);
uint32_t tflite_give(struct tflite *t, uint32_t node, const char *name, struct type type,
                     struct tflite_shape shape);

// ---- multipliers

// M and S of r > 0 as TensorFlow Lite's QuantizeMultiplier finds them: M in 2^30 .. 2^31 - 1, ties
// of the mantissa away from 0. What is too small to give anything but 0 is 2^30 / 2^63.
bool tflite_multiplier(double r, int64_t *mul, int32_t *shift);

#endif
