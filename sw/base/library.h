// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_SW_BASE_LIBRARY_H
#define NNGEN_SW_BASE_LIBRARY_H

#include "sw/base/arena.h"

// A file of the program's own, "hw/fixed_rom.sv" or "gen/bench/bench_tap.sv": near the program,
// otherwise where it was built.
const char *library_path(struct arena *a, const char *name);

#endif
