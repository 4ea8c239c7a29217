// SPDX-License-Identifier: Apache-2.0
// The pass that makes the ranges of neighbouring layers' weights alike:
//
//   x --> [w1, b1] --> relu --> [w2] --> y   becomes   x --> [w1 / s, b1 / s] --> relu --> [w2 s]
//   --> y
//
// with a factor s for each channel between them, the power of two that is nearest to
// sqrt(range of its weights in w1 / range of those in w2). What is between them must give s times
// as much for s times as much: relu, leaky relu, pools, flatten. Powers of two change no float of
// the network's outputs. Nagel, van Baalen, Blankevoort, Welling: Data-free quantization through
// weight equalization and bias correction (2019).
#ifndef NNGEN_QUANT_EQUALIZE_H
#define NNGEN_QUANT_EQUALIZE_H

#include "sw/graph/graph.h"

// A copy of a float model that shares the other tensors; how many pairs of layers were changed.
struct graph *equalize(struct arena *a, const struct graph *g, uint32_t *pairs);

#endif
