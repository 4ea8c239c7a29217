// SPDX-License-Identifier: Apache-2.0
// What a convolution is, for the files of its column.
#ifndef NNGEN_GRAPH_CONV_H
#define NNGEN_GRAPH_CONV_H

#include "sw/graph/window.h"

struct conv {
  struct window window;
  int64_t groups;
  int64_t ins;  // channels of a group of the image
  int64_t outs; // channels of the output
};

// Whole, without the node's slice; false with a message if image, weights and attributes don't fit.
bool conv_of(const struct graph *g, const struct node *n, struct conv *c, struct err *e);

// The first channel of the image that output o sees.
static inline int64_t conv_first(const struct conv *c, int64_t o) {
  return o / (c->outs / c->groups) * c->ins;
}

#endif
