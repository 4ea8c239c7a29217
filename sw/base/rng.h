// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: the value depends on (seed, stream, counter) alone, so that any
// order of evaluation gives the same numbers. The mixer is splitmix64's finaliser
// (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#ifndef NNGEN_BASE_RNG_H
#define NNGEN_BASE_RNG_H

#include <stdint.h>

static inline uint64_t rng_mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static inline uint64_t rng_at(uint64_t seed, uint64_t stream, uint64_t counter) {
  return rng_mix(rng_mix(seed + 0x9e3779b97f4a7c15u) + rng_mix(stream + 0xd1b54a32d192ed03u) +
                 counter * 0x9e3779b97f4a7c15u);
}

// A running generator over one stream.
struct rng {
  uint64_t seed, counter;
};

static inline uint64_t rng_next(struct rng *r) {
  return rng_at(r->seed, 0, r->counter++);
}

// Uniform in lo..hi, both included.
static inline int64_t rng_range(struct rng *r, int64_t lo, int64_t hi) {
  uint64_t span = (uint64_t)hi - (uint64_t)lo + 1;
  return span ? (int64_t)((uint64_t)lo + rng_next(r) % span) : (int64_t)rng_next(r);
}

// Uniform in [0, 1) with 53 bits.
static inline double rng_unit(struct rng *r) {
  return (double)(rng_next(r) >> 11) * 0x1p-53;
}

#endif
