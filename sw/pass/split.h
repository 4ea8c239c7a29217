// SPDX-License-Identifier: Apache-2.0
// The pass that cuts layers into slices: each node whose output has channels on its last axis
// becomes slices of `grain` channels, joined again. With grain 1 every neuron is a node.
//
//   x --> [fc1] --> y   becomes  x --> [fc1 0:1] --+
//                                x --> [fc1 1:2] --+--> [concat] --> y
//                                x --> [fc1 2:3] --+
#ifndef NNGEN_PASS_SPLIT_H
#define NNGEN_PASS_SPLIT_H

#include "sw/graph/graph.h"

// A graph in the arena that computes the same, bit for bit; tensors are shared. Nodes without
// channels to cut are copied, and those that others name (copy.h). `slices`, if not NULL, is how
// many nodes are slices.
struct graph *split(struct arena *a, const struct graph *g, int64_t grain, uint32_t *slices);

#endif
