// SPDX-License-Identifier: Apache-2.0
// A node as a network of its own, with what it reads as inputs and its tensors; and parts of it,
// each some channels of its output, for executors that compute it piece by piece.
#ifndef NNGEN_EXEC_ALONE_H
#define NNGEN_EXEC_ALONE_H

#include "sw/graph/slice.h"

// Its node 0 is `n`, whose inputs are in the same order, without delays; its outputs are graph
// outputs, `out` is the first. Ranges are proven.
struct graph *alone_graph(struct arena *a, const struct graph *g, const struct node *n,
                          uint32_t *out);

// The axis of node 0's space that is the last dimension of its output; NONE: it has none.
int alone_axis(const struct graph *own);

// Adds node 0 for channels begin .. end of that axis, and returns its id.
uint32_t alone_part(struct graph *own, int axis, int64_t begin, int64_t end);

#endif
