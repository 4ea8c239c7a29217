// SPDX-License-Identifier: Apache-2.0
// Addresses group by group. What outlives its group comes first, row after row from some address on
// and round at the arena's end, so that it follows the rows that the group sets free:
//
//   before   |input 0 1 2 3 4 5 6 7|        |
//   amid     |3 ' '|input 4 5 6 7|rows|0 1 2|      the output 0 1 2 3 runs after the input
//   after    |3 4 5 6 7 |            |0 1 2|
//
// then what is between its layers, the largest first, each as low as it can be. Of the addresses to
// begin with the one is taken that leaves the largest gap for the next group.
#include "sw/plan/rows_parts.h"

#include "sw/base/rng.h"
#include "sw/plan/place.h"

#include <stdlib.h>
#include <string.h>

enum { STARTS = 24, RESTARTS_MIN = 6, RESTARTS_MAX = 200, STEPS = 128 };

// Regions that are looked at, for arenas of one size and for all.
#define BUDGET_OF_ONE 4000000
#define BUDGET 100000000

// ---- when blocks live

static void touch(struct rows_lives *l, uint32_t block, int64_t at) {
  if (l->from[block] == NONE) l->from[block] = at;
  l->to[block] = at;
}

static void touch_row(const struct rows_net *n, struct rows_lives *l, const struct rows_firing *f,
                      int64_t at) {
  const struct node *x = &n->graph->nodes[f->node];
  for (uint32_t k = 0; k < x->n_in; k++) {
    const struct rows_reads *reads = &n->nodes[f->node].reads[k];
    for (uint32_t y = reads->first ? reads->first[f->row] : 1;
         reads->first && y < reads->last[f->row]; y++)
      touch(l, n->first[x->in[k].value] + y, at);
  }
  for (uint32_t k = 0; k < x->n_out; k++)
    if (n->rows[x->out[k]]) touch(l, n->first[x->out[k]] + f->row, at);
}

struct rows_lives rows_lives_new(const struct rows_net *n, const struct rows_list *list,
                                 const uint32_t *left) {
  struct rows_lives l = {
      ARENA_NEW(n->arena, int64_t, n->blocks), ARENA_NEW(n->arena, int64_t, n->blocks),
      ARENA_NEW(n->arena, uint32_t, n->blocks), ARENA_NEW(n->arena, int64_t, n->blocks)};
  for (uint32_t b = 0; b < n->blocks; b++) {
    l.from[b] = rows_is_input(n, n->value[b]) && !n->inputs_come ? 0 : NONE;
    l.root[b] = b;
  }
  for (uint32_t i = 0; i < list->count; i++) {
    const struct rows_firing *f = &list->firings[i];
    touch_row(n, &l, f, i);
    if (f->over != ROWS_NOTHING)
      l.root[n->first[n->graph->nodes[f->node].out[0]] + f->row] = l.root[f->over];
  }
  for (uint32_t b = 0; b < n->blocks; b++)
    if (l.from[b] != NONE && left[b]) l.to[b] = list->count;
  return l;
}

// ---- groups

struct stage {
  double end;
  uint32_t old, outer, count; // regions from before it, those that outlive it, and all
  uint32_t *regions;          // these first, then the outer ones, then the others by size
  struct sized *inner;        // (count) for sorting these
};

struct sized {
  int64_t key;
  uint32_t region;
};

struct placer {
  struct arena *arena;
  uint32_t count;
  struct region *regions;
  uint32_t groups;
  struct stage *stages;
  int64_t align;
  const struct region **low; // (count) what is placed in a group, by address
  uint32_t n_low;
  int64_t *found;        // (count) the best addresses so far, in a group
  const uint32_t *value; // (blocks)
  uint32_t n_values;
  int64_t *weight; // (n_values) of its sizes, where regions are sorted by them
  int64_t looks;   // regions that were looked at
};

static bool meets(const struct region *a, const struct region *b) {
  return a->from < b->to && b->from < a->to;
}

static void insert(struct placer *p, const struct region *x) {
  uint32_t at = p->n_low++;
  for (; at > 0 && p->low[at - 1]->address > x->address; at--) p->low[at] = p->low[at - 1];
  p->low[at] = x;
}

// The lowest address from `from` on where it meets nobody; it may end behind the arena.
static int64_t gap_from(struct placer *p, const struct region *x, int64_t from) {
  int64_t at = from;
  uint32_t k = 0;
  for (; k < p->n_low && p->low[k]->address < at + x->bytes; k++) {
    int64_t end = p->low[k]->address + p->low[k]->bytes;
    if (end > at && meets(x, p->low[k])) at = end;
  }
  p->looks += k;
  return at;
}

// The same, round at the end; NONE: there is none.
static int64_t put(struct placer *p, struct region *x, int64_t from, int64_t cap) {
  int64_t at = gap_from(p, x, from);
  if (at + x->bytes > cap) at = gap_from(p, x, 0);
  if (at + x->bytes > cap) return NONE;
  x->address = at;
  insert(p, x);
  return at + x->bytes;
}

// The most bytes side by side that nobody has when a group has ended.
static int64_t gap_after(const struct placer *p, double time, int64_t cap) {
  int64_t end = 0, most = 0;
  for (uint32_t k = 0; k < p->n_low; k++) {
    const struct region *r = p->low[k];
    if (r->to <= time) continue;
    if (r->address - end > most) most = r->address - end;
    if (r->address + r->bytes > end) end = r->address + r->bytes;
  }
  return cap - end > most ? cap - end : most;
}

// A group whose outer regions begin at an address, from the first or from the last one on; false
// if something finds no place.
static bool place_stage(struct placer *p, const struct stage *s, int64_t start, bool back,
                        int64_t cap) {
  p->n_low = 0;
  for (uint32_t i = 0; i < s->old; i++) insert(p, &p->regions[s->regions[i]]);
  for (uint32_t i = 0; start != NONE && i < s->outer; i++) {
    uint32_t k = s->old + (back ? s->outer - 1 - i : i);
    start = put(p, &p->regions[s->regions[k]], start, cap);
  }
  for (uint32_t i = s->old + s->outer; start != NONE && i < s->count; i++)
    start = put(p, &p->regions[s->regions[i]], 0, cap);
  return start != NONE;
}

static int by_key(const void *a, const void *b) {
  const struct sized *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? 1 : -1;
  return x->region < y->region ? -1 : x->region > y->region;
}

// The inner regions of a group by size times the weight of their value.
static void sort_inner(struct placer *p, const struct stage *s) {
  uint32_t first = s->old + s->outer, count = s->count - first;
  for (uint32_t i = 0; i < count; i++) {
    const struct region *r = &p->regions[s->regions[first + i]];
    s->inner[i] = (struct sized){r->bytes * p->weight[p->value[r->id]], s->regions[first + i]};
  }
  if (count) qsort(s->inner, count, sizeof *s->inner, by_key);
  for (uint32_t i = 0; i < count; i++) s->regions[first + i] = s->inner[i].region;
}

// Group after group; another place than the best is taken sometimes, if there is an `r`.
static bool place_all(struct placer *p, struct rng *r, int64_t cap) {
  for (uint32_t g = 0; g < p->groups; g++) {
    const struct stage *s = &p->stages[g];
    int64_t best = NONE;
    sort_inner(p, s);
    for (int i = 0; i < (s->outer ? 2 * STARTS : 1); i++) {
      int64_t start = cap * (i / 2) / STARTS / p->align * p->align;
      if (!place_stage(p, s, start, i % 2, cap)) continue;
      int64_t gap = gap_after(p, s->end, cap);
      if (gap <= best || (r && best >= 0 && rng_range(r, 0, 2) == 0)) continue;
      best = gap;
      for (uint32_t k = s->old; k < s->count; k++)
        p->found[s->regions[k]] = p->regions[s->regions[k]].address;
    }
    if (best < 0) return false;
    for (uint32_t k = s->old; k < s->count; k++)
      p->regions[s->regions[k]].address = p->found[s->regions[k]];
  }
  return true;
}

// ---- what is placed

static struct stage stage_of(struct placer *p, double begin, double end, bool first) {
  struct stage s = {.end = end,
                    .regions = ARENA_NEW(p->arena, uint32_t, p->count),
                    .inner = ARENA_NEW(p->arena, struct sized, p->count)};
  uint32_t n_inner = 0;
  for (uint32_t i = 0; i < p->count; i++) {
    const struct region *r = &p->regions[i];
    bool given = first && r->address != NONE;
    if ((r->from < begin || given) && r->to > begin) s.regions[s.old++] = i;
  }
  for (uint32_t i = 0; i < p->count; i++) {
    const struct region *r = &p->regions[i];
    if (r->from < begin || r->from >= end || r->address != NONE) continue;
    if (r->to > end)
      s.regions[s.old + s.outer++] = i;
    else
      s.inner[n_inner++].region = i;
  }
  s.count = s.old + s.outer;
  for (uint32_t i = 0; i < n_inner; i++) s.regions[s.count++] = s.inner[i].region;
  return s;
}

// Inputs that are there before the first group lie side by side.
static void find_regions(struct placer *p, const struct rows_net *n, const struct rows_lives *l) {
  uint32_t *of = ARENA_NEW(p->arena, uint32_t, n->blocks);
  int64_t at = 0;
  p->regions = ARENA_NEW(p->arena, struct region, n->blocks);
  for (uint32_t b = 0; b < n->blocks; b++) {
    if (l->from[b] == NONE || l->root[b] != b) continue;
    of[b] = p->count;
    struct region r = {(double)l->from[b], 0, rows_room(n, b), NONE, b};
    if (rows_is_input(n, n->value[b]) && !n->inputs_come) {
      r.address = at;
      at += r.bytes;
    }
    p->regions[p->count++] = r;
  }
  for (uint32_t b = 0; b < n->blocks; b++) {
    struct region *r = &p->regions[of[l->root[b]]];
    if (l->from[b] != NONE && (double)l->to[b] + 1 > r->to) r->to = (double)l->to[b] + 1;
  }
}

static int64_t take(const struct rows_net *n, struct rows_lives *l, const struct region *regions,
                    uint32_t count) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    l->address[regions[i].id] = regions[i].address;
    if (regions[i].address + regions[i].bytes > bytes)
      bytes = regions[i].address + regions[i].bytes;
  }
  for (uint32_t b = 0; b < n->blocks; b++) l->address[b] = l->address[l->root[b]];
  return bytes;
}

// ---- all of it

// In an arena of so many bytes, several times, with the values in other orders; false: it didn't
// work out.
static bool place_in(struct placer *p, int64_t cap, int64_t restarts) {
  struct rng r = {1, 0};
  for (int64_t i = 0; i < restarts && (!i || p->looks < BUDGET); i++) {
    for (uint32_t v = 0; v < p->n_values; v++) p->weight[v] = i ? rng_range(&r, 8, 24) : 8;
    if (place_all(p, i ? &r : NULL, cap)) return true;
  }
  return false;
}

static int64_t restarts_of(const struct placer *p) {
  double looks = 1;
  for (uint32_t g = 0; g < p->groups; g++)
    looks +=
        (p->stages[g].outer ? 2 * STARTS : 1) * (double)p->stages[g].count * p->stages[g].count;
  double restarts = BUDGET_OF_ONE / looks;
  return restarts < RESTARTS_MIN   ? RESTARTS_MIN
         : restarts > RESTARTS_MAX ? RESTARTS_MAX
                                   : (int64_t)restarts;
}

static int64_t all_bytes(const struct placer *p) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < p->count; i++) bytes += p->regions[i].bytes;
  return bytes;
}

// In less than `below`; false: it wasn't to be.
static bool place_groups(struct placer *p, const struct rows_list *list, int64_t peak,
                         int64_t below) {
  p->stages = ARENA_NEW(p->arena, struct stage, p->groups);
  p->low = ARENA_NEW(p->arena, const struct region *, p->count);
  p->found = ARENA_NEW(p->arena, int64_t, p->count);
  p->weight = ARENA_NEW(p->arena, int64_t, p->n_values);
  for (uint32_t g = 0; g < p->groups; g++)
    p->stages[g] = stage_of(p, list->begins[g], list->begins[g + 1], !g);
  int64_t step = place_aligned(peak / STEPS + 1, p->align), restarts = restarts_of(p);
  for (int64_t cap = peak; cap < below && p->looks < BUDGET; cap += step)
    if (place_in(p, cap, restarts)) return true;
  return below == INT64_MAX && place_in(p, all_bytes(p), 1); // room for all
}

int64_t rows_place(const struct rows_net *n, const struct rows_list *list, struct rows_lives *l,
                   int64_t peak, int64_t below) {
  struct arena scratch = {0};
  struct placer p = {.arena = &scratch,
                     .groups = list->groups,
                     .align = n->needs->align,
                     .value = n->value,
                     .n_values = n->graph->n_values};
  find_regions(&p, n, l);
  int64_t bytes = INT64_MAX;
  if (place_groups(&p, list, peak, below)) bytes = take(n, l, p.regions, p.count);
  if (n->inputs_come && bytes > peak) { // without a place that is given, any other way is as good
    int64_t other = place_regions(&scratch, p.regions, p.count, true);
    if (other < bytes) bytes = take(n, l, p.regions, p.count);
  }
  arena_free(&scratch);
  return bytes;
}
