// SPDX-License-Identifier: Apache-2.0
// What is known of (resource, value or node, step), for the checker and the simulator: a hash table
// with open addresses that knows beforehand how many it will hold.
#ifndef NNGEN_PLAN_INDEX_H
#define NNGEN_PLAN_INDEX_H

#include "sw/base/arena.h"
#include "sw/base/rng.h"

struct index_entry {
  uint32_t resource, id;
  int32_t step;
  bool used;
  void *what; // NULL until somebody sets it
};

struct index {
  size_t room; // a power of two
  struct index_entry *entries;
};

static inline struct index index_new(struct arena *a, size_t most) {
  struct index x = {.room = 16};
  while (x.room < 2 * most) x.room *= 2;
  x.entries = ARENA_NEW(a, struct index_entry, x.room);
  return x;
}

// The entry of the key, or the free one where it would be.
static inline struct index_entry *index_entry(const struct index *x, uint32_t resource, uint32_t id,
                                              int32_t step) {
  uint64_t key = ((uint64_t)resource << 32 | id) ^ (uint64_t)(uint32_t)step << 20;
  for (size_t i = rng_mix(key);; i++) {
    struct index_entry *e = &x->entries[i & (x->room - 1)];
    if (!e->used || (e->resource == resource && e->id == id && e->step == step)) return e;
  }
}

static inline void *index_find(const struct index *x, uint32_t resource, uint32_t id,
                               int32_t step) {
  return index_entry(x, resource, id, step)->what;
}

static inline void index_set(struct index *x, uint32_t resource, uint32_t id, int32_t step,
                             void *what) {
  *index_entry(x, resource, id, step) = (struct index_entry){resource, id, step, true, what};
}

#endif
