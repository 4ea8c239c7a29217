// SPDX-License-Identifier: Apache-2.0
// Who is where. The placings that are tried first: everything on as few nodes as one; each group
// where it would end first, with what it reads coming over links; the costliest group to whom has
// least to do, and that improved until all have as much to do. The best is improved, a group at a
// time, as long as its period becomes shorter.
#include "sw/plan/modulo_parts.h"

#include "sw/base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { TRIALS_MOST = 8000, FINE = 128, FIRED_MOST = 3000000, LOADS_MOST = 10000 };

struct placing {
  struct moduler *m;
  struct arena scratch;
  uint32_t n_groups;
  uint32_t *groups; // (n_groups) their first nodes, the costliest first
  int64_t *cost;    // (n_nodes) of a group
  uint32_t *best;   // (n_nodes) places of the best so far
  int64_t period;   // of that
};

static void place_group(struct moduler *m, uint32_t group, uint32_t place) {
  for (uint32_t i = 0; i < m->m->graph->n_nodes; i++)
    if (m->group[i] == group) m->m->place[i] = place;
}

// The shortest period of a placing, if it is shorter than the best: in larger and larger steps from
// what its busiest has to do, then between the last two.
static void judge(struct placing *p) {
  struct moduler *m = p->m;
  int64_t low = modulo_load(m).most - 1, step = 1, high = low + 1, most = p->period - 1;
  if (high > most) return;
  while (!modulo_fits(m, high)) {
    if (high == most) return;
    low = high;
    step = step == 1 ? low / FINE + 1 : 2 * step;
    high = high < most - step ? high + step : most;
  }
  while (high - low > high / (FINE * 4) + 1) {
    int64_t middle = low + (high - low) / 2;
    if (modulo_fits(m, middle))
      high = middle;
    else
      low = middle;
  }
  p->period = high;
  memcpy(p->best, m->m->place, m->m->graph->n_nodes * sizeof *p->best);
}

// ---- placings to begin with

// All of it on node 0, one firing after another.
static void begin_on_one(struct placing *p) {
  p->period = INT64_MAX;
  memset(p->m->m->place, 0, p->m->m->graph->n_nodes * sizeof *p->m->m->place);
  judge(p);
}

static int64_t way(struct moduler *m, uint32_t from, uint32_t to, int64_t frames) {
  if (!m->routes[from]) m->routes[from] = routes_new(m->arena, m->m->machine->topology, from);
  return m->routes[from]->hops[to] * (frames - 1 + m->m->machine->latency);
}

// When what a node needs in its step could be at a place.
static int64_t ready_at(struct moduler *m, uint32_t node, uint32_t place, const int64_t *end) {
  const struct node *n = &m->m->graph->nodes[node];
  int64_t latest = 0;
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = node_in(m->m->graph, n, k);
    if (v->init || n->in[k].delay) continue;
    uint32_t from = v->node == NONE ? HOST_NODE : m->m->place[v->node];
    int64_t at =
        (v->node == NONE ? 0 : end[v->node]) + way(m, from, place, m->frames[n->in[k].value]);
    if (at > latest) latest = at;
  }
  return latest;
}

static void begin_by_end(struct placing *p) {
  struct moduler *m = p->m;
  const struct graph *g = m->m->graph;
  uint32_t nodes = m->m->machine->topology->nodes;
  int64_t *end = ARENA_NEW(&p->scratch, int64_t, g->n_nodes + 1);
  int64_t *free_at = ARENA_NEW(&p->scratch, int64_t, nodes);
  bool *placed = ARENA_NEW(&p->scratch, bool, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    uint32_t n = m->in_turn[i], best = placed[m->group[n]] ? m->m->place[n] : 0;
    int64_t least = INT64_MAX;
    for (uint32_t k = placed[m->group[n]] ? best : 0; k < nodes; k++) {
      int64_t at = ready_at(m, n, k, end);
      if (free_at[k] > at) at = free_at[k];
      if (at < least) best = k;
      if (at < least) least = at;
      if (placed[m->group[n]]) break;
    }
    end[n] = free_at[best] = least + m->m->cost[n];
    if (!placed[m->group[n]]) place_group(m, m->group[n], best);
    placed[m->group[n]] = true;
  }
  judge(p);
}

// Who has next to nothing to do goes to where its first input comes from.
static void begin_by_cost(struct placing *p) {
  struct moduler *m = p->m;
  const struct graph *g = m->m->graph;
  uint32_t nodes = m->m->machine->topology->nodes;
  int64_t *load = ARENA_NEW(&p->scratch, int64_t, nodes), all = 0;
  bool *small = ARENA_NEW(&p->scratch, bool, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) all += m->m->cost[i];
  for (uint32_t i = 0; i < p->n_groups; i++) {
    uint32_t best = 0, group = p->groups[i];
    small[group] = p->cost[group] < all / (16 * (int64_t)nodes) && g->nodes[group].n_in;
    if (small[group]) continue;
    for (uint32_t k = 1; k < nodes; k++)
      if (load[k] < load[best]) best = k;
    load[best] += p->cost[group];
    place_group(m, group, best);
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    uint32_t n = m->in_turn[i];
    if (n != m->group[n] || !small[n]) continue;
    int32_t from = node_in(g, &g->nodes[n], 0)->node;
    place_group(m, n, from == NONE ? HOST_NODE : m->m->place[from]);
  }
  judge(p);
}

// From there on a group goes elsewhere, or two change places, as long as the busiest gets less to
// do, or all of them more alike.
static void begin_by_load(struct placing *p) {
  struct moduler *m = p->m;
  struct rng r = {2, 0};
  uint32_t nodes = m->m->machine->topology->nodes;
  struct modulo_loads now = modulo_load(m);
  for (int i = 0; i < LOADS_MOST; i++) {
    uint32_t x = p->groups[rng_range(&r, 0, p->n_groups - 1)];
    uint32_t y = p->groups[rng_range(&r, 0, p->n_groups - 1)];
    uint32_t from = m->m->place[x], back = m->m->place[y];
    uint32_t to = i % 2 ? back : (uint32_t)rng_range(&r, 0, nodes - 1);
    if (to == from) continue;
    if (i % 4 == 3) place_group(m, y, from);
    place_group(m, x, to);
    struct modulo_loads then = modulo_load(m);
    if (then.most < now.most || (then.most == now.most && then.squares < now.squares)) {
      now = then;
      continue;
    }
    place_group(m, x, from);
    if (i % 4 == 3) place_group(m, y, back);
  }
  judge(p);
}

// ---- better ones

// A group goes elsewhere, or two change places.
static void improve(struct placing *p, int64_t least) {
  struct moduler *m = p->m;
  struct rng r = {1, 0};
  uint32_t nodes = m->m->machine->topology->nodes, count = m->m->graph->n_nodes;
  for (int i = 0; i < TRIALS_MOST && m->fired < FIRED_MOST && p->period > least; i++) {
    memcpy(m->m->place, p->best, count * sizeof *p->best);
    uint32_t x = p->groups[rng_range(&r, 0, p->n_groups - 1)];
    uint32_t y = p->groups[rng_range(&r, 0, p->n_groups - 1)];
    uint32_t to = i % 2 ? m->m->place[y] : (uint32_t)rng_range(&r, 0, nodes - 1);
    if (to == m->m->place[x]) continue;
    if (i % 4 == 3) place_group(m, y, m->m->place[x]);
    place_group(m, x, to);
    int64_t wanted = p->period - 1 - p->period / FINE / 4;
    if (modulo_load(m).most > wanted || !modulo_fits(m, wanted)) continue;
    p->period = wanted + 1;
    judge(p);
  }
}

struct costly {
  int64_t cost;
  uint32_t group;
};

static int by_cost(const void *x, const void *y) {
  const struct costly *a = x, *b = y;
  if (a->cost != b->cost) return a->cost < b->cost ? 1 : -1;
  return a->group < b->group ? -1 : a->group > b->group;
}

static struct placing placing_new(struct moduler *m) {
  const struct graph *g = m->m->graph;
  struct placing p = {.m = m};
  p.cost = ARENA_NEW(&p.scratch, int64_t, g->n_nodes + 1);
  p.best = ARENA_NEW(&p.scratch, uint32_t, g->n_nodes + 1);
  p.groups = ARENA_NEW(&p.scratch, uint32_t, g->n_nodes + 1);
  struct costly *all = ARENA_NEW(&p.scratch, struct costly, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) p.cost[m->group[i]] += m->m->cost[i];
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (m->group[i] == i) all[p.n_groups++] = (struct costly){p.cost[i], i};
  if (p.n_groups) qsort(all, p.n_groups, sizeof *all, by_cost);
  for (uint32_t i = 0; i < p.n_groups; i++) p.groups[i] = all[i].group;
  return p;
}

static int64_t least_of(const struct moduler *m) {
  struct modulo_bounds b = modulo_bounds(m->m->graph, m->m->frames, m->m->machine);
  return b.most;
}

void modulo_place(struct moduler *m) {
  struct placing p = placing_new(m);
  begin_on_one(&p);
  if (m->m->machine->topology->nodes > 1) {
    begin_by_end(&p);
    begin_by_cost(&p);
    begin_by_load(&p);
    improve(&p, least_of(m));
  }
  memcpy(m->m->place, p.best, m->m->graph->n_nodes * sizeof *p.best);
  arena_free(&p.scratch);
}
