// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_GEN_LIBRARY_H
#define NNGEN_GEN_LIBRARY_H

#include "sw/base/arena.h"

// A file or folder of the program's own, "hw" or "sim/bench_tap.sv": beside the program or in one
// of the two folders above it, otherwise where it was built.
const char *library_path(struct arena *a, const char *name);

#endif
