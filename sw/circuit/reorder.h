// SPDX-License-Identifier: Apache-2.0
// The cells of nodes that reorder: what hw/axis_extent.sv walks over, from the forms of the node's
// space.
#ifndef NNGEN_CIRCUIT_REORDER_H
#define NNGEN_CIRCUIT_REORDER_H

#include "sw/graph/slice.h"

enum { WALK_DIMS = RANK_MAX + 1 };

// A walk over beats, dimension 0 the fastest. Along a dimension the input's beats stand from
// in_from on, one behind the other, and the output's from out_from on, a step apart; one of the two
// is 0.
struct circuit_extent {
  int dims;
  int64_t in_size[WALK_DIMS], in_from[WALK_DIMS];
  int64_t out_size[WALK_DIMS], out_from[WALK_DIMS];
  int64_t step[WALK_DIMS];
};

// Elements that stay side by side wherever they go, from the first element of a frame on.
int64_t circuit_reorder_unit(const struct space *s);

// The walk with so many lanes, which divide the unit.
struct circuit_extent circuit_extent_of(const struct space *s, int64_t lanes);

// Places of a dimension and of the whole walk.
int64_t circuit_extent_span(const struct circuit_extent *x, int k);
int64_t circuit_extent_places(const struct circuit_extent *x);

// Whether place i of the walk is a beat of the input, and whether it is one of the output.
void circuit_extent_at(const struct circuit_extent *x, int64_t i, bool *in, bool *out);

#endif
