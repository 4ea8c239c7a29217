// SPDX-License-Identifier: Apache-2.0
// The blocks of a memory plan, for those who show it.
#ifndef NNGEN_PLAN_BLOCKS_H
#define NNGEN_PLAN_BLOCKS_H

#include "sw/plan/memory.h"

// A value in the arena from its ALLOC to its FREE, or the scratch of a RUN.
struct arena_block {
  const char *name;
  uint32_t order;     // by which names have colours: of the value
  struct slice slice; // of the value
  double from, to;
  int64_t address, bytes;
};

// Those of the arena, by ALLOC; their number.
uint32_t arena_blocks(struct arena *a, const struct plan *p, const struct arena_block **blocks);

#endif
