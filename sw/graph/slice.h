// SPDX-License-Identifier: Apache-2.0
// Iteration spaces and slices. An op with a space computes one result per point of its unreduced
// axes, summing over the reduced ones:
//
//   linear  (lead..., out, in*)      matmul (m, n, k*)      sum  (dims of x, some *)
//
// Where a dimension of an input is read at a point is an affine form of the point: the row of a
// convolution is oh * stride + kh * dilation - pad; most dimensions are one axis, one for one.
//
//   pad 1    row   -1  0  1  2  3  4      oh = 0 reads rows -1, 0, 1, of which row -1 isn't there;
//   stride 2        |--oh 0-|             of oh 0 and 1 are needed rows 0..3
//   kernel 3              |--oh 1-|
//
// A slice restricts one axis to sorted disjoint ranges. On a reduced axis it gives partial sums,
// which add exactly. Layer, channel and neuron grain are one split with different ranges.
#ifndef NNGEN_GRAPH_SLICE_H
#define NNGEN_GRAPH_SLICE_H

#include "sw/graph/graph.h"

enum { AXES_MAX = RANK_MAX + 1, INPUTS_MAX = 6, TERMS_MAX = 3 };

// The index in a dimension of an input: offset + the sum of stride times index on the axis, divided
// by `per` and rounded down. What lies outside of 0..extent - 1 isn't there: padding. Without terms
// the whole dimension is read.
struct form {
  int64_t extent, offset;
  int64_t per; // 1 or more
  int terms;
  struct term {
    int axis;       // another one in each term
    int64_t stride; // 1 or more
  } term[TERMS_MAX];
};

struct space {
  int axes; // 0: the op has no space and can't be sliced
  int64_t size[AXES_MAX];
  bool reduced[AXES_MAX];
  int in_rank[INPUTS_MAX];
  struct form in[INPUTS_MAX][RANK_MAX]; // of each dimension
  int out_rank;
  int8_t out_axis[RANK_MAX];
};

struct slice {
  int axis;
  int64_t ranges;       // 0: everything
  const int64_t *range; // (ranges, 2): begin, end
};

// The iteration space of a node without its own slice; false with a message if shapes disagree.
bool space_of(const struct graph *g, const struct node *n, struct space *s, struct err *e);

// Whether a kind has an iteration space, parts of which can be computed on their own.
bool op_has_space(enum op op);

// The node's `slice` attribute, checked against its space.
bool slice_of(const struct node *n, const struct space *s, struct slice *out, struct err *e);

// The same ranges of the same axis, or both everything.
bool slice_same(const struct slice *a, const struct slice *b);

// Its i-th index.
int64_t slice_index(const struct slice *s, int64_t i);

int64_t slice_size(const struct slice *s, const struct space *space, int axis);

// Indices of one dimension: all, or those of sorted disjoint ranges, which may be none.
struct needs {
  bool whole;
  int64_t ranges;
  const int64_t *range; // (ranges, 2): begin, end
};

// The index that a form without further terms has at point `at` of its first one.
int64_t form_index(const struct form *f, int64_t at);

// needs(node, slice) -> slice of input i: which indices of its dimension `dim` are read, halo and
// all, but for those that aren't there; whole where the slice's axis doesn't occur. The ranges lie
// in the arena or are those of the slice.
struct needs slice_needs(struct arena *a, const struct space *s, const struct slice *slice,
                         uint32_t input, int dim);

int64_t needs_size(const struct needs *n, int64_t extent);

// The axis that a dimension is, one for one; NONE.
int form_axis(const struct space *s, uint32_t input, int dim);

// The dimension of an input that is the axis, one for one; NONE if there is none, or if the axis
// has a part in another dimension.
int axis_dimension(const struct space *s, int axis, uint32_t input);

// The axis along which a concat joins its inputs, from the front; NONE if there is no such axis.
int concat_axis(const struct graph *g, const struct node *n);

// Multiply-accumulates of one firing on one frame, those of weights that a mask cuts left out;
// elements for the other kinds count as 0.
int64_t node_macs(const struct graph *g, const struct node *n);
int64_t graph_macs(const struct graph *g); // of all nodes

// The same of a slice of the node's space; 0 if it doesn't multiply.
int64_t slice_macs(const struct graph *g, const struct node *n, const struct space *s,
                   const struct slice *slice);

// Adds to `to` a copy of node `n` restricted to `slice`, with one new output named `name`.
// Returns the id of the new node. The copy keeps the requantisation; a split over a reduced axis
// sets its own.
uint32_t slice_node(struct graph *g, uint32_t node, const struct slice *slice, const char *name,
                    struct type type);

#endif
