// SPDX-License-Identifier: Apache-2.0
// Convolutions of each channel for itself, by one number.
#ifndef NNGEN_IMPORT_DEPTHWISE_H
#define NNGEN_IMPORT_DEPTHWISE_H

#include "sw/import/builder.h"

// Layer `suffix` of the current one (NULL: under its name). Of each group of channels of a stream,
// channels last, outs / groups sums of all its channels times weights: `weights` (OUT) are codes of
// `type`, each for all channels of its group. `bias` (OUT) of F32, or NULL. A stream of one axis
// stays one. False with the refusal.
bool depthwise_put(struct builder *b, const char *suffix, int64_t outs, int64_t groups,
                   struct type type, const int64_t *weights, struct tensor *bias, uint32_t *value);

#endif
