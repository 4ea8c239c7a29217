// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_GEN_LIBRARY_H
#define NNGEN_GEN_LIBRARY_H

#include "sw/base/arena.h"

// A file of the program's own, "hw/fixed_rom.sv" or "sim/bench_tap.sv": near the program, otherwise
// where it was built.
const char *library_path(struct arena *a, const char *name);

#endif
