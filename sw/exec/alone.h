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

// Rows of an input that some rows of an output need, and how many beyond them are padding.
struct alone_rows {
  int64_t first, last, before, after;
};

// The same node for some rows of its output, whose inputs have these rows alone: (n_in), of inputs
// that aren't cut all, without padding. NULL: it can't be had like that.
struct graph *alone_strip(struct arena *a, const struct graph *g, const struct node *n,
                          const struct alone_rows *in, int64_t rows, uint32_t *out);

// Adds node 0 for rows begin .. end of its output, indices of an axis, and returns its id.
uint32_t alone_row(struct graph *own, int axis, int64_t begin, int64_t end);

// The axis of node 0's space that is the last dimension of its output; NONE: it has none.
int alone_axis(const struct graph *own);

// Adds node 0 for channels begin .. end of that axis, and returns its id.
uint32_t alone_part(struct graph *own, int axis, int64_t begin, int64_t end);

#endif
