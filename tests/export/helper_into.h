// SPDX-License-Identifier: Apache-2.0
// Models with other weights than a file's, and what came back from a copy of it.
#ifndef NNGEN_TESTS_HELPER_INTO_H
#define NNGEN_TESTS_HELPER_INTO_H

#include "sw/graph/graph.h"

// Other numbers in all tensors but those that are no arrays of the file: "rescaling". Variances
// stay positive, and calls of one layer have the same.
void into_change(struct graph *g, uint64_t seed);

struct graph *into_imported(struct arena *a, const char *path);
void into_write(const char *path, const struct graph *g);

// How many numbers of two graphs of the same tensors differ.
int64_t into_different(const struct graph *x, const struct graph *y);

#endif
