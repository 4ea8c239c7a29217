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

enum { STARTS = 24, RESTARTS = 6, STEPS = 64 };

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
  int64_t *found; // (count) the best addresses so far, in a group
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
static int64_t gap_from(const struct placer *p, const struct region *x, int64_t from) {
  int64_t at = from;
  for (uint32_t k = 0; k < p->n_low; k++) {
    if (p->low[k]->address >= at + x->bytes) break;
    int64_t end = p->low[k]->address + p->low[k]->bytes;
    if (end > at && meets(x, p->low[k])) at = end;
  }
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

// Group after group; another place than the best is taken sometimes, if there is an `r`.
static bool place_all(struct placer *p, struct rng *r, int64_t cap) {
  for (uint32_t g = 0; g < p->groups; g++) {
    const struct stage *s = &p->stages[g];
    int64_t best = NONE;
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

// ---- all of it

static int by_size(const void *a, const void *b) {
  const struct region *const *x = a, *const *y = b;
  if ((*x)->bytes != (*y)->bytes) return (*x)->bytes < (*y)->bytes ? 1 : -1;
  return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static struct stage stage_of(struct placer *p, double begin, double end, bool first) {
  struct stage s = {.end = end, .regions = ARENA_NEW(p->arena, uint32_t, p->count)};
  const struct region **inner = ARENA_NEW(p->arena, const struct region *, p->count);
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
      inner[n_inner++] = r;
  }
  if (n_inner) qsort(inner, n_inner, sizeof *inner, by_size);
  s.count = s.old + s.outer;
  for (uint32_t i = 0; i < n_inner; i++) s.regions[s.count++] = (uint32_t)(inner[i] - p->regions);
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

int64_t rows_place(const struct rows_net *n, const struct rows_list *list, struct rows_lives *l,
                   int64_t peak) {
  struct arena scratch = {0};
  struct placer p = {.arena = &scratch, .groups = list->groups, .align = n->needs->align};
  find_regions(&p, n, l);
  p.stages = ARENA_NEW(&scratch, struct stage, p.groups);
  p.low = ARENA_NEW(&scratch, const struct region *, p.count);
  p.found = ARENA_NEW(&scratch, int64_t, p.count);
  for (uint32_t g = 0; g < p.groups; g++)
    p.stages[g] = stage_of(&p, list->begins[g], list->begins[g + 1], !g);
  struct region *largest_first = ARENA_NEW(&scratch, struct region, p.count);
  memcpy(largest_first, p.regions, p.count * sizeof *largest_first);
  int64_t most = place_regions(&scratch, largest_first, p.count, true);
  bool found = false;
  for (int64_t i = 0, cap = peak; !found && cap < most; cap += (peak / STEPS)) {
    struct rng r = {1, 0};
    for (i = 0; !found && i < RESTARTS; i++) found = place_all(&p, i ? &r : NULL, cap);
  }
  int64_t bytes = take(n, l, found ? p.regions : largest_first, p.count);
  arena_free(&scratch);
  return bytes;
}
