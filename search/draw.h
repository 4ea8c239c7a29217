// SPDX-License-Identifier: Apache-2.0
// The random numbers of a proposal: each parameter of each trial has its own, so that another
// parameter, or more candidates of one, change nothing about the rest.
#ifndef NNGEN_SEARCH_DRAW_H
#define NNGEN_SEARCH_DRAW_H

#include "sw/base/rng.h"

struct draw {
  uint64_t seed, stream, counter;
};

// For trial `number`; `name` of a parameter, or "" for what is about all of them.
static inline struct draw draw_new(uint64_t seed, int64_t number, const char *name) {
  uint64_t stream = (uint64_t)number;
  for (; *name; name++) stream = rng_mix(stream + (unsigned char)*name + 1);
  return (struct draw){.seed = seed, .stream = stream};
}

// Uniform in [0, 1).
static inline double draw_unit(struct draw *d) {
  return (double)(rng_at(d->seed, d->stream, d->counter++) >> 11) * 0x1p-53;
}

// Uniform in 0 .. n-1.
static inline uint32_t draw_below(struct draw *d, uint32_t n) {
  return (uint32_t)(draw_unit(d) * n);
}

#endif
