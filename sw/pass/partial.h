// SPDX-License-Identifier: Apache-2.0
// The pass that cuts the sums of linear layers: each part sees some of the inputs, and gives its
// accumulators as they are; they are added, and requantised once.
//
//   x --> [fc1] --> y   becomes   x --> [fc1 of 0:64] ----+
//                                 x --> [fc1 of 64:256] --+--> + --> + --> [requant] --> y
//                                 x --> [fc1 of 256:784] -------------'
//
// Integers add exactly, so that the graph computes the same, bit for bit. A part's other weights
// are 0, and cut by a mask.
#ifndef NNGEN_PASS_PARTIAL_H
#define NNGEN_PASS_PARTIAL_H

#include "sw/graph/graph.h"

// Where the inputs of a node are cut: 0, .., all of them; `parts` below 2: it stays whole. Part k
// is added to those before it of group k % groups, and what comes of each group to the first one's.
struct partial_cuts {
  int64_t parts;
  const int64_t *at; // (parts + 1)
  int64_t groups;    // 0: one
};

// Whether a node of a verified graph of integers is a linear layer whose sums can be cut: scales
// that are the same for all outputs, a bias as fine as the products, accumulators of up to
// STREAM_BITS_MAX bits. Its number of inputs; 0: it isn't one.
int64_t partial_inputs(const struct graph *g, const struct node *n);

// The graph with these cuts (n_nodes) of nodes with partial_inputs. `of`, if not NULL: (its nodes)
// 1 + the group of a part that is in one of several; 0.
struct graph *partial(struct arena *a, const struct graph *g, const struct partial_cuts *cuts,
                      const uint32_t **of);

#endif
