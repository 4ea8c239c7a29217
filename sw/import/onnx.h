// SPDX-License-Identifier: Apache-2.0
// What the parts of the ONNX reader share. Axis 0 of every stream is the batch, which the graph
// doesn't have: shapes and axes here are without it.
#ifndef NNGEN_IMPORT_ONNX_H
#define NNGEN_IMPORT_ONNX_H

#include "sw/import/term.h"

#include "onnx.pb-c.h"

enum { BATCH_FREE = -1 }; // the batch where the file leaves its size open

enum item_kind { ITEM_LOST, ITEM_CONSTANT, ITEM_STREAM };

// A constant that the file holds as integers: value = code * scale, zero points taken off.
struct integers {
  struct tensor *codes;              // I64, of the constant's shape
  struct tensor *scale;              // F32, of the constant's shape
  int width;                         // bits of the file's type
  bool bipolar;                      // codes are -1 and 1
  const struct minifloat *minifloat; // whose integers the codes are, or NULL
};

// What a value is quantised to: integers lo .. hi of a width, before the zero is taken off; scale
// and zero (NULL: 0) are one number, or one per channel.
struct grid {
  int width;
  bool is_signed, bipolar;
  double lo, hi;
  const struct tensor *scale, *zero;
  enum fix_rounding rounding;
  int64_t axis;    // of ONNX's, with the batch
  bool about_zero; // it is code / scale + zero that is rounded, and zero makes a difference
  const struct minifloat *minifloat; // of constants: whose integers they are, or NULL
  double unit;                       // what such an integer counts, times the scale
};

// A BatchNormalization: gamma, beta, mean and variance, with the names that the file has for them.
struct moments {
  const struct tensor *array[4];
  const char *name[4];
  double epsilon;
};

// A value of the file. Of a stream: `term` of each element, if it isn't NULL; then scale and shift
// of each index of an axis, if there are any.
struct item {
  enum item_kind kind; // LOST: of a layer that was refused
  struct tensor *constant;
  int type; // of the file's element, of a constant that it holds as it is; 0: unknown
  const struct integers *integers; // of a constant; NULL: it is none of integers
  struct stream stream;
  struct term *term;
  int axis;         // of the file, without the batch
  int64_t channels; // of scale and shift; 0: there are none
  const double *scale, *shift;
  const struct moments *moments; // scale and shift are those of nothing but this; NULL
  const struct grid *grid; // of a QuantizeLinear whose DequantizeLinear is still to come; NULL
  const char *name;        // of the node that scales
  bool sole;               // nothing but one node of the file reads it
};

struct onnx {
  struct arena *arena;
  const char *path; // of the file, beside which weights may lie
  const Onnx__ModelProto *model;
  struct builder builder;
  json_t *reads; // how often each value of the file is read
  json_t *names; // of the file's values: index in items
  json_t *infos; // index in the file's value_info; NULL: not yet needed
  struct item *items;
  uint32_t n_items, room;
  int64_t batch; // BATCH_FREE: open
  int opset;
  int64_t folded;              // elements of constants that were computed
  const Onnx__NodeProto *node; // the current one
  struct err *err;
};

// ---- the current node's inputs, outputs and attributes

// The file's constants and inputs become items; false with a message.
bool onnx_add_inputs(struct onnx *o);
// The shape that the file says a value has, or NULL, and a size in it; BATCH_FREE: none, or open.
const Onnx__TensorShapeProto *onnx_shape_of(const Onnx__ValueInfoProto *v);
int64_t onnx_dim_of(const Onnx__TensorShapeProto *s, size_t d);
// The outputs of a refused node (onnx_lost.c).
void onnx_lose(struct onnx *o);
// Whether a word is one of a list that ends with NULL.
bool onnx_is_one(const char *word, const char *const *list);

struct item *onnx_item(struct onnx *o, const char *name); // NULL if unknown
struct item *onnx_in(struct onnx *o, size_t i);           // NULL: not given
const struct tensor *onnx_constant(struct onnx *o, size_t i);
void onnx_set(struct onnx *o, size_t i, struct item item);         // output i
void onnx_put(struct onnx *o, const char *name, struct item item); // under any name
void onnx_set_constant(struct onnx *o, size_t i, struct tensor *t);
bool onnx_is_read(const struct onnx *o, size_t i); // whether anything reads output i
void onnx_set_stream(struct onnx *o, size_t i, struct stream s);

const Onnx__AttributeProto *onnx_attr(const struct onnx *o, const char *name);
int64_t onnx_int(const struct onnx *o, const char *name, int64_t otherwise);
double onnx_real(const struct onnx *o, const char *name, double otherwise);
double onnx_number(float v); // what was meant by it
const char *onnx_text(struct onnx *o, const char *name, const char *otherwise);
// A list of numbers: the attribute, or the constant input `i` of later opsets; false and a refusal
// if it is neither. Absent: count 0.
bool onnx_ints(struct onnx *o, const char *name, size_t i, int64_t *count, const int64_t **list);

// Refuses the node; the reason is formatted. Always false.
#define onnx_refuse(o, ...) builder_refuse(&(o)->builder, __VA_ARGS__)

// Input i as a stream of which every function is computed; refused if it is none.
bool onnx_stream(struct onnx *o, size_t i, struct stream *x);
// The same of an item.
bool onnx_made(struct onnx *o, struct item *x, struct stream *out);

// An axis that counts the batch, from 1 on or from the end, as one of `rank` without it.
bool onnx_axis(struct onnx *o, int64_t axis, int rank, int *found);

// ---- parts

// The message of a file; NULL with the reason.
const Onnx__ModelProto *onnx_unpack(struct arena *a, const void *data, size_t size, struct err *e);
// Bits of the elements of a type of which several share a byte, the first in its low bits; 0: none.
int onnx_packed_bits(int type);
// Floats of 4 and 8 bits, and exponents of 8: whether a type is one, the value of a code, and the
// minifloat of a type (NULL: it is none) with what its integers count.
bool onnx_is_coded(int type);
double onnx_code_value(int type, unsigned code);
const struct minifloat *onnx_minifloat(int type, double *unit);
// A TensorProto as a tensor; NULL with a message. Floats are F32 or F64, integers and truth I64, or
// I8 and U8 as they stand, or of fewer bits.
struct tensor *onnx_tensor(struct onnx *o, const Onnx__TensorProto *t, struct err *e);
// Weights beside the file; false with a message.
bool onnx_external(struct onnx *o, const Onnx__TensorProto *t, size_t bytes, void *to,
                   struct err *e);
// Which file they are in; NULL: in none.
const char *onnx_external_file(const Onnx__TensorProto *t);

// Computes the node where all that it reads is constant; false if it isn't, or isn't known.
bool onnx_fold(struct onnx *o);

// A constant whose element i is element index[i] of x's.
struct item onnx_picked(struct onnx *o, const struct item *x, int rank, const int64_t *shape,
                        const int64_t *index);

// A function of each element of the node's inputs: enum function.
bool onnx_function(struct onnx *o, int function);
bool onnx_many(struct onnx *o, int function);
// Output 0 becomes a function of each element of an item's stream.
bool onnx_set_term(struct onnx *o, const struct item *base, struct term *t);
// A constant as a tensor of the graph: integers as they are, anything else as F32.
uint32_t onnx_weights(struct onnx *o, const struct item *x, const char *name);
// Input i as weights of so many axes; NULL and a refusal if it is none.
const struct item *onnx_weights_in(struct onnx *o, size_t i, int rank);
// A name for a tensor of the node: its own, if the file has one.
const char *onnx_tensor_name(struct onnx *o, size_t i);
// Numbers for rows and columns, `otherwise` where they aren't given.
bool onnx_numbers(struct onnx *o, const char *name, int axes, int64_t otherwise, int64_t *to);
// Input i as an image or sequence, channels last in our order.
bool onnx_image(struct onnx *o, size_t i, struct stream *x);
// The elements of an axis, by a list of indices that is at most so many slices; how many it is.
enum { ONNX_RUNS_MOST = 64 };
int64_t onnx_runs(const struct tensor *at, int64_t size);
bool onnx_take(struct onnx *o, struct stream *x, int axis, const struct tensor *at);
// Output 0 becomes a stream under another shape of the file.
bool onnx_set_reshaped(struct onnx *o, struct stream x, int rank, const int64_t *shape);
// The factor of each axis of a Resize.
bool onnx_scales(struct onnx *o, const struct stream *x, double *scale);
// Output 0 becomes a pool over a whole image.
bool onnx_whole_image(struct onnx *o, struct stream *x, enum op op);

// Output 0 becomes scale * x + shift, for each index of an axis (channels 1: of everything).
bool onnx_scaled(struct onnx *o, struct item x, int axis, int64_t channels, const double *scale,
                 const double *shift);

// A constant of integers, its outputs on axis 0, as a tensor of the graph.
uint32_t onnx_integer_weights(struct onnx *o, const struct item *x, const char *name);

bool onnx_clip_integers(struct onnx *o);

// A stream of integers becomes the values that they are.
bool onnx_release(struct onnx *o, struct item *x);

// Whether the node may read integers between QuantizeLinear and DequantizeLinear.
bool onnx_takes_integers(struct onnx *o);
// Whether it only moves them, and the layer that does.
bool onnx_moves_integers(struct onnx *o);
bool onnx_move_integers(struct onnx *o);
// Whether an operator has its Dequantize- and QuantizeLinears inside.
bool onnx_is_qlinear(const char *op);

// Layers by name; `is` false: there is none of this name.
bool onnx_layer(struct onnx *o, bool *is);

#define ONNX(name, function, inputs) bool onnx_##function(struct onnx *o);
#include "sw/import/onnx.def"
#undef ONNX

#endif
