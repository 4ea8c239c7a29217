// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/rows.h"

#include "sw/plan/place.h"
#include "sw/plan/rows_parts.h"

#include <stdio.h>
#include <string.h>

enum { GROUP_MAX = 256 };

// ---- what groups need

// Bytes that live at most in the group of the nodes from .. to - 1 of the order, or TOO_MUCH.
#define TOO_MUCH INT64_MAX
struct costs {
  uint32_t nodes;
  int64_t *of; // (nodes, GROUP_MAX)
};

static int64_t cost(const struct costs *c, uint32_t from, uint32_t to) {
  return c->of[(size_t)from * GROUP_MAX + (to - from - 1)];
}

// No group needs to have more than the layer that has most alone.
static int64_t most_alone(struct rows_net *n) {
  struct rows_state *s = rows_state_new(n);
  for (uint32_t i = 0; i < n->graph->n_nodes; i++) rows_play(n, s, i, i + 1, INT64_MAX, NULL);
  return s->peak;
}

static struct costs find_costs(struct rows_net *n, struct arena *scratch) {
  struct costs c = {n->graph->n_nodes, NULL};
  struct rows_state *start = rows_state_new(n), *s = rows_state_new(n);
  int64_t limit = most_alone(n);
  c.of = ARENA_NEW(scratch, int64_t, (size_t)c.nodes * GROUP_MAX);
  for (uint32_t from = 0; from < c.nodes; from++) {
    if (from) start->peak = start->used; // the first group has what came before it
    for (uint32_t k = 0; k < GROUP_MAX && from + k < c.nodes; k++) {
      rows_state_copy(n, s, start);
      bool fits = rows_play(n, s, from, from + k + 1, limit, NULL);
      c.of[(size_t)from * GROUP_MAX + k] = fits ? s->peak : TOO_MUCH;
    }
    rows_play(n, start, from, from + 1, INT64_MAX, NULL);
  }
  return c;
}

// ---- where groups end

// The best groups for the nodes before a place of the order: the least bytes, then the least above
// what is easy to place, of each layer, then the fewest.
struct ending {
  int64_t peak, above;
  uint32_t groups, from; // the last one begins there
};

static bool better(const struct ending *a, const struct ending *b) {
  if (a->peak != b->peak) return a->peak < b->peak;
  return a->above != b->above ? a->above < b->above : a->groups < b->groups;
}

static struct ending *find_endings(const struct costs *c, int64_t easy, struct arena *scratch) {
  struct ending *best = ARENA_NEW(scratch, struct ending, c->nodes + 1);
  for (uint32_t to = 1; to <= c->nodes; to++) {
    best[to] = (struct ending){INT64_MAX, 0, 0, 0};
    for (uint32_t from = to > GROUP_MAX ? to - GROUP_MAX : 0; from < to; from++) {
      int64_t own = cost(c, from, to), above = own > easy ? own - easy : 0;
      if (own == TOO_MUCH) continue;
      struct ending e = {own > best[from].peak ? own : best[from].peak,
                         best[from].above + above * (to - from), best[from].groups + 1, from};
      if (better(&e, &best[to])) best[to] = e;
    }
  }
  return best;
}

// ---- a choice of groups

struct choice {
  struct rows_list list;
  struct rows_lives lives;
  uint32_t *begins; // (groups) places in the order
  int64_t peak, bytes;
};

static struct choice choose(struct rows_net *n, const struct costs *c, int64_t easy) {
  const struct ending *best = find_endings(c, easy, n->arena);
  struct choice x = {.list = {.arena = n->arena, .groups = best[c->nodes].groups}};
  struct rows_state *s = rows_state_new(n);
  x.list.begins = ARENA_NEW(n->arena, uint32_t, x.list.groups + 1);
  x.begins = ARENA_NEW(n->arena, uint32_t, x.list.groups + 1);
  for (uint32_t at = c->nodes; at > 0; at = best[at].from)
    x.begins[best[at].groups - 1] = best[at].from;
  x.begins[x.list.groups] = c->nodes;
  for (uint32_t i = 0; i < x.list.groups; i++) {
    rows_play(n, s, x.begins[i], x.begins[i + 1], INT64_MAX, &x.list);
    x.list.begins[i + 1] = x.list.count;
  }
  x.peak = s->peak;
  x.lives = rows_lives_new(n, &x.list, s->left);
  x.bytes = rows_place(n, &x.list, &x.lives, x.peak);
  fprintf(stderr, "easy %lld peak %lld groups %u bytes %lld\n", (long long)easy, (long long)x.peak,
          x.list.groups, (long long)x.bytes);
  return x;
}

struct rows_result rows_plan(struct arena *a, const struct graph *g,
                             const struct memory_needs *needs, bool inputs_come) {
  struct arena scratch = {0};
  struct rows_net *n = rows_net_new(&scratch, g, needs, inputs_come);
  struct costs costs = find_costs(n, &scratch);
  struct choice best = choose(n, &costs, INT64_MAX);
  for (int k = 15; best.bytes > best.peak && k >= 8; k--) {
    struct choice x = choose(n, &costs, best.peak / 16 * k);
    if (x.bytes < best.bytes) best = x;
  }
  struct rows_result r = {.groups = best.list.groups, .group = ARENA_NEW(a, uint32_t, g->n_nodes)};
  r.peak = best.peak;
  for (uint32_t i = 0; i < r.groups; i++)
    fprintf(stderr, "%s ", g->nodes[n->order[best.begins[i]]].name);
  fprintf(stderr, "bytes %lld\n", (long long)best.bytes);
  arena_free(&scratch);
  return r;
}
