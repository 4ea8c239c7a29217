// SPDX-License-Identifier: Apache-2.0
// Where the MNIST files are.
#ifndef NNGEN_DATA_MNIST_H
#define NNGEN_DATA_MNIST_H

#include "sw/base/arena.h"

#include <stdbool.h>

struct mnist_files {
  const char *images, *labels; // paths
};

// The whole test or training set, as scripts/get-mnist stores it. False if no folder has it.
bool mnist_find(struct arena *a, bool train, struct mnist_files *out);

// The first 1,000 test images, which come with the program.
bool mnist_find_excerpt(struct arena *a, struct mnist_files *out);

#endif
