// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/rows.h"

#include "sw/plan/place.h"
#include "sw/plan/rows_parts.h"

#include <math.h>
#include <string.h>

enum { GROUP_MAX = 256, GROUP_MIN = 8 };            // layers of a group
enum { SIXTEENTH = 16, EASIEST = 15, HARDEST = 8 }; // of the bytes at once that are easy to place

// ---- what groups need

// Bytes that live at most in the group of the nodes from .. to - 1 of the order, or TOO_MUCH.
#define TOO_MUCH INT64_MAX
struct costs {
  uint32_t nodes, longest; // group that is looked at
  int64_t *of;             // (nodes, longest)
};

static int64_t cost(const struct costs *c, uint32_t from, uint32_t to) {
  return c->of[(size_t)from * c->longest + (to - from - 1)];
}

// All groups of up to so many layers compute about nodes * longest^2 / 2 times the rows of one.
static uint32_t longest_group(const struct rows_net *n) {
  const double budget = 2e8; // rows
  double rows = 1;
  for (uint32_t i = 0; i < n->graph->n_nodes; i++) rows += n->nodes[i].rows;
  double longest = sqrt(2 * budget / rows);
  return longest < GROUP_MIN ? GROUP_MIN : longest > GROUP_MAX ? GROUP_MAX : (uint32_t)longest;
}

// No group needs to have more than the layer that has most alone.
static int64_t most_alone(struct rows_net *n) {
  struct rows_state *s = rows_state_new(n);
  for (uint32_t i = 0; i < n->graph->n_nodes; i++) rows_play(n, s, i, i + 1, INT64_MAX, NULL);
  return s->peak;
}

static struct costs find_costs(struct rows_net *n, struct arena *scratch) {
  struct costs c = {n->graph->n_nodes, longest_group(n), NULL};
  struct rows_state *start = rows_state_new(n), *s = rows_state_new(n);
  int64_t limit = most_alone(n);
  c.of = ARENA_NEW(scratch, int64_t, (size_t)c.nodes * c.longest);
  for (uint32_t from = 0; from < c.nodes; from++) {
    if (from) start->peak = start->used; // the first group has what came before it
    for (uint32_t k = 0; k < c.longest && from + k < c.nodes; k++) {
      rows_state_copy(n, s, start);
      bool fits = rows_play(n, s, from, from + k + 1, limit, NULL);
      c.of[(size_t)from * c.longest + k] = fits ? s->peak : TOO_MUCH;
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
    for (uint32_t from = to > c->longest ? to - c->longest : 0; from < to; from++) {
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

// What is easy to place; `below`: more bytes than that are no use.
static struct choice choose(struct rows_net *n, const struct costs *c, int64_t easy,
                            int64_t below) {
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
  x.bytes = rows_place(n, &x.list, &x.lives, x.peak, below);
  return x;
}

// Fewer layers of a group have less that is in each other's way: of the choices that have the least
// at once, the first whose arena has no more, or the one with the smallest.
static struct choice best_choice(struct rows_net *n, const struct costs *c) {
  struct choice best = choose(n, c, INT64_MAX, INT64_MAX);
  for (int k = EASIEST; best.bytes > best.peak && k >= HARDEST; k--) {
    struct choice x = choose(n, c, best.peak / SIXTEENTH * k, best.bytes);
    if (x.bytes < best.bytes) best = x;
  }
  return best;
}

// ---- events

static struct slice row_of(struct plan *p, int axis, uint32_t row, uint32_t rows) {
  if (rows == 1) return (struct slice){.axis = NONE};
  int64_t *range = ARENA_NEW(p->arena, int64_t, 2);
  range[0] = row;
  range[1] = (int64_t)row + 1;
  return (struct slice){axis, 1, range};
}

static void add_block(const struct rows_net *n, const struct rows_lives *l, struct plan *p,
                      uint32_t block) {
  uint32_t v = n->value[block];
  struct event e = {.start = (double)l->from[block] + 1,
                    .end = (double)l->from[block] + 1,
                    .resource = MEMORY_ARENA,
                    .action = ACTION_ALLOC,
                    .id = v,
                    .slice = row_of(p, 0, block - n->first[v], n->rows[v]),
                    .bytes = rows_bytes(n, block),
                    .address = l->address[block]};
  plan_add(p, e);
  e.start = e.end = (double)l->to[block] + 2;
  e.action = ACTION_FREE;
  plan_add(p, e);
}

static struct plan *plan_of(struct arena *a, const struct rows_net *n, const struct choice *c) {
  struct plan *p = memory_plan_new(a, n->graph, n->needs->bytes, n->needs->align, c->bytes);
  for (uint32_t b = 0; b < n->blocks; b++)
    if (c->lives.from[b] != NONE) add_block(n, &c->lives, p, b);
  for (uint32_t i = 0; i < c->list.count; i++) {
    const struct rows_firing *f = &c->list.firings[i];
    const struct rows_node *x = &n->nodes[f->node];
    plan_add(p, (struct event){.start = (double)i + 1,
                               .end = (double)i + 2,
                               .resource = MEMORY_PE,
                               .action = ACTION_RUN,
                               .id = f->node,
                               .slice = row_of(p, x->axis, f->row, x->rows),
                               .address = NONE});
  }
  plan_sort(p);
  return p;
}

struct rows_result rows_plan(struct arena *a, const struct graph *g,
                             const struct memory_needs *needs, bool inputs_come) {
  struct arena scratch = {0};
  struct rows_net *n = rows_net_new(&scratch, g, needs, inputs_come);
  struct costs costs = find_costs(n, &scratch);
  struct choice best = best_choice(n, &costs);
  struct rows_result r = {.plan = plan_of(a, n, &best),
                          .groups = best.list.groups,
                          .order = ARENA_NEW(a, uint32_t, g->n_nodes),
                          .group = ARENA_NEW(a, uint32_t, g->n_nodes),
                          .peak = best.peak};
  if (g->n_nodes) memcpy(r.order, n->order, g->n_nodes * sizeof *r.order);
  for (uint32_t i = 0; i < r.groups; i++)
    for (uint32_t k = best.begins[i]; k < best.begins[i + 1]; k++) r.group[n->order[k]] = i;
  arena_free(&scratch);
  return r;
}
