// SPDX-License-Identifier: Apache-2.0
// What files have as one layer and a graph as several.
#ifndef NNGEN_IMPORT_COMPOSE_H
#define NNGEN_IMPORT_COMPOSE_H

#include "sw/import/builder.h"

// The largest element of n streams of one shape and one order of axes, in integers too: a max_pool
// over them one behind the other.
bool compose_max(struct builder *b, uint32_t n, const uint32_t *in, uint32_t *out);

// The smallest: -max(-x, -y).
bool compose_min(struct builder *b, uint32_t n, const uint32_t *in, uint32_t *out);

// A stream of an image or sequence, in our order, whose rows and columns or channels are one
// becomes as large as `shape`, of its rank: what is read beside another, element by element, in a
// circuit.
bool compose_spread(struct builder *b, uint32_t *value, const int64_t *shape);

// max(x, 0) + slope * min(x, 0): a constant of the file's shape, or that stretches to it.
bool compose_prelu(struct builder *b, struct stream *x, const struct tensor *slope);

#endif
