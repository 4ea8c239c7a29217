// SPDX-License-Identifier: Apache-2.0
// The pass that makes several layers of one with weights: each has some of its channels, and the
// weights of these alone, joined again. Where split (split.h) shares a layer's weights, here each
// part has its own, so that it can be trained where it is.
//
//   W (128, 784)                          W[0:64] (64, 784)
//   x --> [fc1] --> y   becomes  x --> [fc1[0:64]] ---+
//                                x --> [fc1[64:128]] --+--> [concat] --> y
//                                      W[64:128]
#ifndef NNGEN_PASS_PART_H
#define NNGEN_PASS_PART_H

#include "sw/graph/graph.h"

// A float graph in the arena that computes the same, bit for bit. Layers in groups, and those whose
// weights somebody else has, too, stay whole. `parts`, if not NULL, is how many parts there are.
struct graph *part(struct arena *a, const struct graph *g, int64_t grain, uint32_t *parts);

#endif
