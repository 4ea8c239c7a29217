// SPDX-License-Identifier: Apache-2.0
// Which values share memory in a fixed order of nodes. A value lives from its producer to its last
// reader; what is kept lives always. Reshaped values share their input's array, and an activation
// writes over its input if nobody reads that afterwards.
//
//   order    n0   n1   n2   n3
//   a        [=========]              a and c can have the same place
//   b             [=========]
//   c                       [====]
#ifndef NNGEN_EXEC_BUFFERS_H
#define NNGEN_EXEC_BUFFERS_H

#include "sw/graph/graph.h"

struct buffers {
  size_t bytes;   // of the whole arena
  size_t *offset; // (n_values) bytes; of references and tensors 0
  size_t *size;   // (n_values) bytes
};

// `order` as graph_order gives it; frames and element size in bytes. With `share` false every value
// has a place of its own.
struct buffers buffers_plan(struct arena *a, const struct graph *g, const uint32_t *order,
                            int64_t frames, size_t element, bool share);

#endif
