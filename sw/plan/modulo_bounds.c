// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/modulo_parts.h"

#include <string.h>

// ---- costs

static bool is_per_frame(const struct graph *g, const struct node *n) {
  for (uint32_t k = 0; k < n->n_in; k++)
    if (node_in(g, n, k)->per_frame) return true;
  for (uint32_t k = 0; k < n->n_out; k++)
    if (node_out(g, n, k)->per_frame) return true;
  return false;
}

static int64_t elements_of(const struct value *v, int64_t frames) {
  return value_elements(v) * (v->per_frame ? frames : 1);
}

static int64_t work_of(const struct graph *g, const struct node *n, int64_t frames) {
  bool back = op_is(n->op, TRAIT_BACKWARD);
  const struct node *of = back ? &g->nodes[node_attr(n, ATTR_of)->value] : n;
  bool sums = back && n->n_in == 1; // a bias takes what comes as it is
  int64_t work = sums ? 0 : node_macs(g, of) * (is_per_frame(g, of) ? frames : 1);
  if (work || op_is(n->op, TRAIT_ALIAS | TRAIT_HOLDS)) return work;
  for (uint32_t k = 0; k < n->n_in; k++) work += elements_of(node_in(g, n, k), frames);
  for (uint32_t k = 0; k < n->n_ref; k++) work += value_elements(&g->values[n->ref[k]]);
  return work;
}

int64_t modulo_cost(const struct graph *g, const struct node *n, int64_t frames, int64_t macs) {
  int64_t work = work_of(g, n, frames), cycles = work / macs + (work % macs != 0);
  return cycles ? cycles : 1;
}

int64_t modulo_frames(const struct graph *g, uint32_t value, int64_t frames, int64_t link_bits) {
  int64_t bits = 32 * elements_of(&g->values[value], frames);
  return bits / link_bits + (bits % link_bits != 0);
}

// ---- who needs whom

struct dependences dependences_of(struct arena *a, const struct graph *g) {
  struct dependences d = {0};
  uint32_t most = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) most += g->nodes[i].n_in + g->nodes[i].n_after;
  d.list = ARENA_NEW(a, struct dependence, most + 1);
  d.first = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    d.first[i] = d.count;
    for (uint32_t k = 0; k < n->n_in; k++) {
      int32_t from = g->values[n->in[k].value].node;
      if (from != NONE)
        d.list[d.count++] =
            (struct dependence){(uint32_t)from, i, n->in[k].delay, (int32_t)n->in[k].value};
    }
    for (uint32_t k = 0; k < n->n_after; k++)
      d.list[d.count++] = (struct dependence){n->after[k].node, i, n->after[k].delay, NONE};
  }
  d.first[g->n_nodes] = d.count;
  return d;
}

static uint32_t group_of(uint32_t *group, uint32_t n) {
  while (group[n] != n) n = group[n] = group[group[n]];
  return n;
}

static void join(uint32_t *group, uint32_t x, uint32_t y) {
  x = group_of(group, x);
  y = group_of(group, y);
  group[x > y ? x : y] = x < y ? x : y;
}

const uint32_t *modulo_groups(struct arena *a, const struct graph *g) {
  uint32_t *group = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) group[i] = i;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_ref; k++)
      join(group, i, (uint32_t)g->values[g->nodes[i].ref[k]].node);
  for (uint32_t i = 0; i < g->n_nodes; i++) group[i] = group_of(group, i);
  return group;
}

// ---- the largest mean of a cycle

// Whether a period leaves a cycle without time: along it begins would grow for ever, beyond the sum
// of all costs.
static bool too_short(const struct graph *g, const struct dependences *d, const int64_t *cost,
                      int64_t period, int64_t *begin) {
  int64_t all = 0;
  bool changed = true;
  for (uint32_t i = 0; i < g->n_nodes; i++) all += cost[i];
  memset(begin, 0, g->n_nodes * sizeof *begin);
  for (uint32_t round = 0; changed && round <= g->n_nodes; round++) {
    changed = false;
    for (uint32_t k = 0; k < d->count; k++) {
      const struct dependence *x = &d->list[k];
      int64_t at = begin[x->from] + cost[x->from] - x->delay * period;
      if (at <= begin[x->to]) continue;
      if (at > all) return true;
      begin[x->to] = at;
      changed = true;
    }
  }
  return changed;
}

int64_t modulo_cycle(const struct graph *g, const struct dependences *d, const int64_t *cost) {
  struct arena scratch = {0};
  int64_t *begin = ARENA_NEW(&scratch, int64_t, g->n_nodes + 1), low = 0, high = 1;
  for (uint32_t i = 0; i < g->n_nodes; i++) high += cost[i];
  while (low + 1 < high) {
    int64_t middle = low + (high - low) / 2;
    if (too_short(g, d, cost, middle, begin))
      low = middle;
    else
      high = middle;
  }
  arena_free(&scratch);
  return high;
}

struct modulo_bounds modulo_bounds(const struct graph *g, int64_t frames,
                                   const struct node_machine *m) {
  struct arena scratch = {0};
  struct modulo_bounds to = {0};
  struct dependences d = dependences_of(&scratch, g);
  const uint32_t *group = modulo_groups(&scratch, g);
  int64_t *cost = ARENA_NEW(&scratch, int64_t, g->n_nodes + 1);
  int64_t *together = ARENA_NEW(&scratch, int64_t, g->n_nodes + 1), all = 0;
  int64_t nodes = m->topology->nodes;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    cost[i] = modulo_cost(g, &g->nodes[i], frames, m->macs);
    all += cost[i];
    together[group[i]] += cost[i];
    if (together[group[i]] > to.largest) to.largest = together[group[i]];
  }
  to.work = all / nodes + (all % nodes != 0);
  to.cycle = modulo_cycle(g, &d, cost);
  to.most = to.work > to.largest ? to.work : to.largest;
  if (to.cycle > to.most) to.most = to.cycle;
  arena_free(&scratch);
  return to;
}
