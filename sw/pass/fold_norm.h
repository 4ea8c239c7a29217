// SPDX-License-Identifier: Apache-2.0
// The pass that leaves no batch_norm: with g = gamma / sqrt(variance + epsilon) it goes into the
// layer with weights before it, if nobody else reads that one's output,
//
//   w' = w g,  b' = (b - mean) g + beta
//
// and otherwise becomes the depthwise convolution of one tap with weights g and bias
// beta - mean g. In doubles.
#ifndef NNGEN_PASS_FOLD_NORM_H
#define NNGEN_PASS_FOLD_NORM_H

#include "sw/graph/graph.h"

// A real model without batch_norm; the model itself if it has none. NULL if one reads statistics
// that are computed, or of this step.
struct graph *fold_norm(struct arena *a, struct graph *model, struct err *e);

#endif
