// SPDX-License-Identifier: Apache-2.0
// Makes a failing circuit small: the one layer that fails alone, the fewest lanes, then halves of
// its features, as long as it still fails. Writes it down, to be simulated by hand.
#ifndef NNGEN_TESTS_HELPER_SHRINK_H
#define NNGEN_TESTS_HELPER_SHRINK_H

#include "sw/graph/graph.h"

// A circuit to be judged.
struct suspect {
  const struct graph *g; // a chain
  int64_t lanes;
  int64_t frames;
  const int32_t *codes; // (frames, elements of the input)
};

// True if the circuit of s is wrong.
typedef bool shrink_fails(const struct suspect *s, void *with);

// The smallest suspect found that still fails; s itself, if nothing smaller does.
struct suspect shrink(struct arena *a, struct suspect s, shrink_fails *fails, void *with);

// Writes a suspect to <stem>.bin and its frames to <stem>.npy. The line that compares them in
// Icarus with `program`, which is nngen.
const char *suspect_write(struct arena *a, const struct suspect *s, const char *stem,
                          const char *program);

#endif
