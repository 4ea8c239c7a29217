// SPDX-License-Identifier: Apache-2.0
// Random lanes, and the inputs that random data never finds.
#ifndef NNGEN_TESTS_HELPER_CIRCUIT_H
#define NNGEN_TESTS_HELPER_CIRCUIT_H

#include "sw/circuit/circuit.h"

// Random lanes for all layers, and others for some linear ones.
struct folding circuit_folding(struct arena *a, const struct graph *g, uint64_t seed);

// The inputs that attain the low and the high end of the proven accumulator interval of a channel
// (modulo their number) of the first linear layer: two frames of codes.
void circuit_witness(struct arena *a, const struct graph *g, int64_t channel, int32_t *codes);

#endif
