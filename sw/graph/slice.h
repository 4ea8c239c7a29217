// SPDX-License-Identifier: Apache-2.0
// Iteration spaces and slices. An op with a space computes one result per point of its unreduced
// axes, summing over the reduced ones:
//
//   linear  (lead..., out, in*)      matmul (m, n, k*)      sum  (dims of x, some *)
//
// A slice restricts one axis to sorted disjoint ranges. On a reduced axis it gives partial sums,
// which add exactly. Layer, channel and neuron grain are one split with different ranges.
#ifndef NNGEN_GRAPH_SLICE_H
#define NNGEN_GRAPH_SLICE_H

#include "sw/graph/graph.h"

enum { AXES_MAX = RANK_MAX + 1, INPUTS_MAX = 6 };

struct space {
  int axes; // 0: the op has no space and can't be sliced
  int64_t size[AXES_MAX];
  bool reduced[AXES_MAX];
  int in_rank[INPUTS_MAX];
  int8_t in_axis[INPUTS_MAX][RANK_MAX]; // axis of each dimension; NONE: the whole dimension
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

int64_t slice_size(const struct slice *s, const struct space *space, int axis);

// needs(node, slice) -> slice of input i: which dimension of it the ranges restrict, NONE if the
// whole input is needed.
int slice_needs(const struct space *s, const struct slice *slice, uint32_t input);

// The axis along which a concat joins its inputs, from the front; NONE if there is no such axis.
int concat_axis(const struct graph *g, const struct node *n);

// Multiply-accumulates of one firing on one frame; elements for the other kinds count as 0.
int64_t node_macs(const struct graph *g, const struct node *n);

// Adds to `to` a copy of node `n` restricted to `slice`, with one new output named `name`.
// Returns the id of the new node. The copy keeps the requantisation; a split over a reduced axis
// sets its own.
uint32_t slice_node(struct graph *g, uint32_t node, const struct slice *slice, const char *name,
                    struct type type);

#endif
