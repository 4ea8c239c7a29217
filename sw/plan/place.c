// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/place.h"

#include "sw/base/rng.h"

#include <stdlib.h>
#include <string.h>

static int by_size(const void *a, const void *b) {
  const struct region *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static bool meets(const struct region *a, const struct region *b) {
  return a->from < b->to && b->from < a->to;
}

// `low` has `count` regions by address: those that meet x push it up until it fits below the next.
static int64_t lowest_gap(const struct region *x, struct region *const *low, uint32_t count) {
  int64_t address = 0;
  for (uint32_t k = 0; k < count; k++) {
    if (low[k]->address >= address + x->bytes) break;
    int64_t end = low[k]->address + low[k]->bytes;
    if (end > address && meets(x, low[k])) address = end;
  }
  return address;
}

static void insert(struct region *x, struct region **low, uint32_t count) {
  uint32_t at = count;
  for (; at > 0 && low[at - 1]->address > x->address; at--) low[at] = low[at - 1];
  low[at] = x;
}

// One after the other; bytes of the whole. `low` (count) is for the work.
static int64_t place_in_turn(struct region *regions, uint32_t count, struct region **low) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct region *x = &regions[i];
    x->address = lowest_gap(x, low, i);
    insert(x, low, i);
    if (x->address + x->bytes > bytes) bytes = x->address + x->bytes;
  }
  return bytes;
}

// Sorts the regions; bytes of the whole.
static int64_t find_places(struct arena *scratch, struct region *regions, uint32_t count) {
  qsort(regions, count, sizeof *regions, by_size);
  return place_in_turn(regions, count, ARENA_NEW(scratch, struct region *, count));
}

// ---- other orders: no placing needs less than what lives at one time

static int64_t peak_of(const struct region *regions, uint32_t count) {
  int64_t peak = 0;
  for (uint32_t i = 0; i < count; i++) {
    int64_t used = 0; // where region i begins
    for (uint32_t k = 0; k < count; k++)
      if (regions[k].from <= regions[i].from && regions[i].from < regions[k].to)
        used += regions[k].bytes;
    if (used > peak) peak = used;
  }
  return peak;
}

// Whoever lies highest comes earlier by a random number of places: it is what makes the arena long.
static void move_up(struct rng *r, struct region *regions, uint32_t count) {
  uint32_t worst = 0;
  for (uint32_t i = 1; i < count; i++)
    if (regions[i].address + regions[i].bytes > regions[worst].address + regions[worst].bytes)
      worst = i;
  if (rng_range(r, 0, 3) == 0) worst = (uint32_t)rng_range(r, 0, count - 1);
  uint32_t to = worst ? (uint32_t)rng_range(r, 0, worst - 1) : (uint32_t)rng_range(r, 0, count - 1);
  struct region x = regions[worst];
  if (to < worst)
    memmove(regions + to + 1, regions + to, (worst - to) * sizeof x);
  else
    memmove(regions + worst, regions + worst + 1, (to - worst) * sizeof x);
  regions[to] = x;
}

// Orders that are no worse are gone on from, so many times at most.
static int64_t find_tight(struct arena *scratch, struct region *regions, uint32_t count) {
  const int64_t budget = 20000000; // regions that are looked at
  struct rng r = {1, 0};
  struct region **low = ARENA_NEW(scratch, struct region *, count);
  struct region *tried = ARENA_NEW(scratch, struct region, count);
  int64_t best = find_places(scratch, regions, count);
  int64_t tries = count ? budget / ((int64_t)count * count) : 0;
  int64_t peak = tries ? peak_of(regions, count) : best;
  for (int64_t i = 0; i < tries && best > peak; i++) {
    memcpy(tried, regions, count * sizeof *tried);
    move_up(&r, tried, count);
    int64_t bytes = place_in_turn(tried, count, low);
    if (bytes > best) continue;
    best = bytes;
    memcpy(regions, tried, count * sizeof *tried);
  }
  return best;
}

int64_t place_regions(struct arena *scratch, struct region *regions, uint32_t count, bool tight) {
  return tight ? find_tight(scratch, regions, count) : find_places(scratch, regions, count);
}
