// SPDX-License-Identifier: Apache-2.0
// A gradient node: that of one input of an earlier node.
//
//   inputs   dy, like output 0 of the earlier node; then what op_gradient_reads names, like the
//            values of the earlier node
//   output   like that input; without frames it takes the sum over the frames
//
// With a `slice`, an axis of the earlier node's iteration space and ranges, it is the gradient of
// that part of the input.
#ifndef NNGEN_GRAPH_GRADIENT_H
#define NNGEN_GRAPH_GRADIENT_H

#include "sw/graph/slice.h"

enum { GRADIENT_READS_MAX = 4 };

struct gradient {
  const struct node *of;
  uint32_t input;
  uint32_t n_reads;
  int reads[GRADIENT_READS_MAX]; // input of the earlier node; NONE: its output
};

// Of a node whose attributes are there; false if they name nothing that has a gradient.
bool gradient_of(const struct graph *g, const struct node *n, struct gradient *out, struct err *e);

// The reads of a gradient of input k of a node, into `reads`; their number.
uint32_t gradient_reads(const struct node *of, uint32_t k, int reads[GRADIENT_READS_MAX]);

// Shape of the output; and everything else that makes the node valid.
bool gradient_shape(const struct graph *g, const struct node *n, int *rank, int64_t shape[RANK_MAX],
                    struct err *e);
bool gradient_verify(const struct graph *g, const struct node *n, struct err *e);

#endif
