// SPDX-License-Identifier: Apache-2.0
// What every importer builds a graph with: streams in our order of axes, layers on them, and the
// refusals of what can't be.
#ifndef NNGEN_IMPORT_BUILDER_H
#define NNGEN_IMPORT_BUILDER_H

#include "sw/base/json.h"
#include "sw/import/layout.h"
#include "sw/import/refusals.h"

// A stream of the graph and the array of the file that it is.
struct stream {
  uint32_t value;
  struct layout layout;
  const char *reshaped; // the file's layer that gave it another shape, or NULL
};

struct builder {
  struct arena *arena;
  struct graph *graph;
  struct refusals *refusals;
  json_t *nodes, *values; // the names that are taken
  const char *node, *op;  // the layer of the file that is being imported
  int64_t made;           // elements of constants that the file hasn't
};

// What constants that a file doesn't hold may have, all together.
#ifdef NNGEN_FUZZ
enum { MADE_MOST = 1 << 21 };
#else
enum { MADE_MOST = 1 << 27 };
#endif

// Whether a value may have this shape: 1 to DIM_MAX along each axis, ELEMENTS_MAX in all.
bool builder_fits(int rank, const int64_t *shape);

// Whether a constant of this shape may be made; refused if there are too many elements.
bool builder_takes(struct builder *b, int rank, const int64_t *shape);

struct builder builder_new(struct arena *a, const char *name, struct refusals *r);
void builder_free(struct builder *b);

// Refuses the current layer. Always false.
bool builder_refuse(struct builder *b, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Notes a constant text about the current layer; `training`: only training finds out.
void builder_note(struct builder *b, const char *text, bool training);

// An input of the file's shape, its axes in our order (NULL: the same); pixels / 255 are its values
// unless they are given otherwise.
struct stream builder_input(struct builder *b, const char *name, int rank, const int64_t *shape,
                            const int *axes);

// What a refused layer would give, in place of which it stands so that all that follow it are
// looked at: a stream of the file's shape and order without a source.
struct stream builder_stand_in(struct builder *b, int rank, const int64_t *shape);

// Bytes are 0 to 255 to the input that is this value.
void builder_bytes(struct builder *b, uint32_t value);

// The current layer multiplies a value by so many scales. Of an input that it divides by 255 bytes
// are 0 to 255, unless the file says otherwise.
void builder_scaled(struct builder *b, uint32_t value, int64_t count, const double *scale);

// `name` for a value, or name.1, .. if it is taken.
const char *builder_name(struct builder *b, const char *name);

// A tensor of F32, named after the current layer; numbers that are none are refused.
uint32_t builder_tensor(struct builder *b, const char *name, struct tensor *t);

uint32_t builder_typed(struct builder *b, const char *name, struct tensor *t, struct type type);

// A layer of kind `op` named after the current one, that reads so many values.
uint32_t builder_node(struct builder *b, enum op op, uint32_t n_in, const uint32_t *in);

// Attributes, unless all numbers are what they are without: `otherwise`.
void builder_ints(struct builder *b, uint32_t node, enum attr_name name, int64_t count,
                  const int64_t *list, int64_t otherwise);
void builder_int(struct builder *b, uint32_t node, enum attr_name name, int64_t v,
                 int64_t otherwise);

// Its only output, whose shape follows; false if there is none, with the reason among the refusals.
bool builder_out(struct builder *b, uint32_t node, uint32_t *value);

// An output of the graph, under the name that the file has for it if that is free.
void builder_output(struct builder *b, uint32_t value, const char *name);

// The same of a stream, which becomes an array of the file's shape and order.
bool builder_output_array(struct builder *b, struct stream x, const char *name);

// ---- order

// Our order becomes that of the file's axes axes[0], axes[1], ..; one axis of ours for each.
bool builder_arrange(struct builder *b, struct stream *x, const int *axes);

// One axis of ours for each of the file's, in whatever order; tells which.
bool builder_tidy(struct builder *b, struct stream *x, int axes[RANK_MAX]);

// One axis of ours, of whatever order.
bool builder_flat(struct builder *b, struct stream *x);

// Channels last: (C, H, W) or (C, L) of the file.
bool builder_image(struct builder *b, struct stream *x);

// The file's array as another, whose elements stand in the same order.
bool builder_reshape(struct builder *b, struct stream *x, int rank, const int64_t *shape);

// Of each axis of the file the elements begin, begin + step, .. < end. Refused if none is left.
bool builder_part(struct builder *b, struct stream *x, const int64_t *begin, const int64_t *end,
                  const int64_t *step);

// A stream of signs becomes the same numbers in a type that has a 0: for what pads, or computes
// others.
bool builder_with_zero(struct builder *b, struct stream *x);

// Zeros around an image or a sequence, channels last: in front of its rows and columns, then
// behind.
bool builder_pad(struct builder *b, struct stream *x, const int64_t *pad);

// A constant of the file's shape (or scalar, or one that stretches to it) as a tensor of x's.
uint32_t builder_constant_like(struct builder *b, const struct stream *x, const struct tensor *t,
                               const char *name);

#endif
