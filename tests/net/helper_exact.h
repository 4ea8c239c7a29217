// SPDX-License-Identifier: Apache-2.0
// The slow exact oracle: every operation of docs/numerics.md in rationals, written from that page
// alone. It shares no arithmetic with the program (not sw/graph/fix.h, not sw/exec, no stored
// table), only the description of a graph. Slices and delays are beyond it.
#ifndef NNGEN_TESTS_HELPER_EXACT_H
#define NNGEN_TESTS_HELPER_EXACT_H

#include "sw/graph/graph.h"

// One step of a graph of integers over `frames` frames. codes: (frames, elements) of graph input 0.
// Row v of the result: the integers of value v, (frames, elements), or (elements) if it is not
// per_frame; NULL for tensors, references and what follows an opaque node. oracle_start must have
// been called.
int64_t **exact_run(struct arena *a, const struct graph *g, int64_t frames, const int32_t *codes);

#endif
