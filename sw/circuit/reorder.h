// SPDX-License-Identifier: Apache-2.0
// The cells of nodes that reorder, from the forms of the node's space: what hw/axis_extent.sv walks
// over, where beats only go away or come in between, or else what hw/axis_reorder.sv does.
#ifndef NNGEN_CIRCUIT_REORDER_H
#define NNGEN_CIRCUIT_REORDER_H

#include "sw/graph/slice.h"

enum { WALK_DIMS = RANK_MAX + 1, BLOCK_DIMS = 2 * RANK_MAX };

// A walk over beats, dimension 0 the fastest. Along a dimension the input's beats stand from
// in_from on, one behind the other, and the output's from out_from on, a step apart; one of the two
// is 0.
struct circuit_extent {
  int dims;
  int64_t in_size[WALK_DIMS], in_from[WALK_DIMS];
  int64_t out_size[WALK_DIMS], out_from[WALK_DIMS];
  int64_t step[WALK_DIMS];
};

// A frame is blocks of beats, of each of which leave those that a walk goes through: dimension 0 is
// the fastest, beats of one are a stride apart, and it ends at the block's last.
struct circuit_blocks {
  int64_t blocks;  // of a frame, each of whose
  int64_t in, out; // beats
  int dims;
  int64_t size[BLOCK_DIMS], stride[BLOCK_DIMS];
};

// Whether elements leave in another order, or more than once: axes of one element don't count.
bool circuit_reorder_moves(const struct space *s);

// Elements that stay side by side wherever they go, from the first element of a frame on.
int64_t circuit_reorder_unit(const struct space *s);

// The walk with so many lanes, which divide the unit; of nodes that don't move and that do.
struct circuit_extent circuit_extent_of(const struct space *s, int64_t lanes);
struct circuit_blocks circuit_blocks_of(const struct space *s, int64_t lanes);

// The beat of a block that leaves as the i-th.
int64_t circuit_blocks_at(const struct circuit_blocks *b, int64_t i);

// Places of a dimension and of the whole walk.
int64_t circuit_extent_span(const struct circuit_extent *x, int k);
int64_t circuit_extent_places(const struct circuit_extent *x);

// Whether place i of the walk is a beat of the input, and whether it is one of the output.
void circuit_extent_at(const struct circuit_extent *x, int64_t i, bool *in, bool *out);

#endif
