// SPDX-License-Identifier: Apache-2.0
// The passes that take requantisations out of nodes and put them back:
//
//   x --> [linear, M, S] --> y      is      x --> [linear] --> acc --> [requant, M, S] --> y
//
// Fused is what executors and circuits take: one node, no array of wide accumulators. Unfused shows
// the requantisation as a node, so that it can be looked at, moved and trained through. Both
// compute the same integers. An accumulator is a value of up to ACCUMULATOR_BITS_MAX bits, which
// nobody but its requant reads (the verifier sees to that).
#ifndef NNGEN_PASS_FUSE_H
#define NNGEN_PASS_FUSE_H

#include "sw/graph/graph.h"

// A copy of a graph of integers in which nodes give accumulators, each followed by its requant;
// values keep their ids, tensors are shared. As they are stay: tables and casts, which have no
// accumulator; assigns, whose requantisation is part of what they do to a variable; nodes that
// others name (copy.h); accumulators that are too wide to be values, or for rounding tflite.
struct graph *unfuse(struct arena *a, const struct graph *g);

// The reverse, of any graph: a requant whose input is an accumulator, or that feeds a concat beside
// others like it, goes into that node. The others stay: they are casts. fuse(unfuse(g)) is fuse(g),
// and g itself if it has no requant.
struct graph *fuse(struct arena *a, const struct graph *g);

// Whether there is a requant at all.
bool fuse_needed(const struct graph *g);

#endif
