// SPDX-License-Identifier: Apache-2.0
// Addresses of what lives for a while: the largest first, each at the lowest address where it meets
// nobody; and other orders of placing where that needs more than what lives at one time.
#ifndef NNGEN_PLAN_PLACE_H
#define NNGEN_PLAN_PLACE_H

#include "sw/base/arena.h"

#include <stdint.h>

struct region {
  double from, to; // it is taken from .. to
  int64_t bytes, address;
  uint32_t id; // the smaller first, of equal sizes
};

// Gives each region its address, and sorts them; bytes of the whole. `tight`: until no placing
// needs less, or so many were tried.
int64_t place_regions(struct arena *scratch, struct region *regions, uint32_t count, bool tight);

// Space is taken in whole steps of the alignment.
static inline int64_t place_aligned(int64_t bytes, int64_t align) {
  return (bytes + align - 1) / align * align;
}

#endif
