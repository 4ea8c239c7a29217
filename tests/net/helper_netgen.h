// SPDX-License-Identifier: Apache-2.0
// Random graphs of integers, valid by construction: every op kind of ops.def, mixed widths, scales,
// zero points, roundings and overflows; sizes 1, primes and what no number of lanes divides.
#ifndef NNGEN_TESTS_HELPER_NETGEN_H
#define NNGEN_TESTS_HELPER_NETGEN_H

#include "sw/graph/graph.h"

enum netgen_kind {
  NETGEN_ANY,     // whatever executors exist: branches, state, sums over frames
  NETGEN_CIRCUIT, // a chain that becomes a circuit
  NETGEN_CODES,   // one pointwise node, an element for every code of its input
  NETGEN_PAIRS,   // one join of the input, for which a frame is one code, with every code of 8 bits
  NETGEN_WIDE_PAIRS // the same, 12 bits each
};

// A graph that contains op `wanted`; the same seed gives the same graph. NULL: no way is known to
// make that kind, which is a failure of this file.
struct graph *netgen(struct arena *a, uint64_t seed, enum op wanted, enum netgen_kind kind);

// Lets a circuit's graph see earlier frames: inputs of joins, and its first output, to which what
// it was is added.
void netgen_remember(struct graph *g, uint64_t seed);

// A graph of layers along time, each of which sees rows of earlier frames that the step before has
// kept, and how many of them can be line buffers; the others begin with something else than zero,
// or are also read elsewhere.
struct graph *netgen_lines(struct arena *a, uint64_t seed, int *lines);

// Codes for its inputs, (frames, elements of all), extremes included; and the same for
// golden_ref_step, (frames, elements) of each.
void netgen_input(const struct graph *g, uint64_t seed, int64_t frames, int32_t *codes);
const int64_t *const *netgen_inputs(struct arena *a, const struct graph *g, uint64_t seed,
                                    int64_t frames);
int64_t netgen_elements(const struct graph *g); // of a frame of all inputs

// Kinds in floats only have no random graphs.
static inline bool netgen_knows(enum op op) {
  return op_info(op)->executors != EXECUTOR_REAL;
}

#endif
