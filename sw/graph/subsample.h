// SPDX-License-Identifier: Apache-2.0
// What a sub-sampling is, for the files of its column.
#ifndef NNGEN_GRAPH_SUBSAMPLE_H
#define NNGEN_GRAPH_SUBSAMPLE_H

#include "sw/graph/weights.h"
#include "sw/graph/window.h"

// Whole, without the node's slice; false with a message if image, weights and attributes don't fit.
bool subsample_of(const struct graph *g, const struct node *n, struct window *w, struct err *e);

// Those of the depthwise convolution that it is: of each channel as many as the window has taps,
// all the same.
static inline struct weights subsample_weights(const struct graph *g, const struct node *n,
                                               const struct window *w) {
  return weights_shared(node_in(g, n, 1), w->kernel[ROWS] * w->kernel[COLUMNS]);
}

#endif
