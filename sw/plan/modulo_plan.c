// SPDX-License-Identifier: Apache-2.0
// A modulo schedule as events: what a node computes or is sent is there from when that begins until
// the last reader has ended, periods later.
#include "sw/plan/modulo.h"

#include <string.h>

struct planner {
  const struct modulo *m;
  struct plan *plan;
  uint32_t nodes, rom, pes, links; // the first of each
  int64_t *bytes;                  // (n_values)
  int64_t *until;                  // (n_values, nodes) when it is needed last; NONE: it isn't there
  int64_t *from;                   // (n_values, nodes) when its block is taken
  int64_t *slot;                   // (n_hops) at the end of its link
  int64_t *slots;                  // (n_links) how many there are
};

static int64_t *at(const struct planner *p, int64_t *table, uint32_t value, uint32_t node) {
  return &table[(size_t)value * p->nodes + node];
}

static uint32_t place_of(const struct planner *p, uint32_t value) {
  int32_t node = p->m->graph->values[value].node;
  return node == NONE ? HOST_NODE : p->m->place[node];
}

static int64_t end_of(const struct planner *p, uint32_t node) {
  return p->m->start[node] + p->m->cost[node];
}

// ---- slots

static int64_t there(const struct planner *p, const struct modulo_hop *h) {
  return h->start + h->frames - 1 + p->m->machine->latency;
}

// Whether two tokens wait in a slot, or are on their way there, at one time of the period.
static bool meet(const struct planner *p, const struct modulo_hop *x, const struct modulo_hop *y) {
  int64_t period = p->m->period, later = ((y->start - x->start) % period + period) % period;
  return later < there(p, x) - x->start || (later && period - later < there(p, y) - y->start);
}

// The first that is free.
static void find_slots(struct planner *p, struct arena *a) {
  const struct modulo *m = p->m;
  p->slot = ARENA_NEW(a, int64_t, m->n_hops + 1);
  p->slots = ARENA_NEW(a, int64_t, m->machine->topology->n_links + 1);
  for (uint32_t i = 0; i < m->n_hops; i++) {
    const struct modulo_hop *h = &m->hops[i];
    for (bool taken = true; taken; p->slot[i] += taken) {
      taken = false;
      for (uint32_t k = 0; k < i; k++)
        taken = taken ||
                (m->hops[k].link == h->link && p->slot[k] == p->slot[i] && meet(p, &m->hops[k], h));
    }
    if (p->slot[i] >= p->slots[h->link]) p->slots[h->link] = p->slot[i] + 1;
  }
}

// ---- the machine

static void add_machine(struct planner *p) {
  const struct topology *t = p->m->machine->topology;
  struct arena *a = p->plan->arena;
  for (uint32_t n = 0; n < t->nodes; n++)
    plan_resource(p->plan, (struct resource){.kind = RESOURCE_MEMORY,
                                             .name = arena_printf(a, "node %u", n),
                                             .bytes = NONE,
                                             .align = 1,
                                             .home = n == HOST_NODE});
  p->rom = plan_resource(
      p->plan,
      (struct resource){
          .kind = RESOURCE_MEMORY, .name = "constants", .bytes = NONE, .align = 1, .home = true});
  p->pes = p->rom + 1;
  for (uint32_t n = 0; n < t->nodes; n++)
    plan_resource(p->plan, (struct resource){.kind = RESOURCE_PE,
                                             .name = arena_printf(a, "pe %u", n),
                                             .memory = (int32_t)n,
                                             .constants = (int32_t)p->rom});
  p->links = p->pes + t->nodes;
  for (uint32_t l = 0; l < t->n_links; l++)
    plan_resource(p->plan,
                  (struct resource){.kind = RESOURCE_LINK,
                                    .name = arena_printf(a, "%u > %u", t->from[l], t->to[l]),
                                    .from = (int32_t)t->from[l],
                                    .to = (int32_t)t->to[l],
                                    .slots = p->slots[l],
                                    .latency = (double)p->m->machine->latency - 1});
}

// ---- how long values stay

static void need(struct planner *p, uint32_t value, uint32_t node, int64_t until) {
  int64_t *to = at(p, p->until, value, node);
  if (until > *to) *to = until;
}

// A tensor of the file: everywhere, for ever. A reference: nowhere.
static bool moves(const struct planner *p, uint32_t value) {
  const struct value *v = &p->m->graph->values[value];
  return !v->init && !type_is_ref(&v->type);
}

static void find_needs(struct planner *p) {
  const struct modulo *m = p->m;
  const struct graph *g = m->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    for (uint32_t k = 0; k < n->n_in; k++)
      if (moves(p, n->in[k].value))
        need(p, n->in[k].value, m->place[i], end_of(p, i) + n->in[k].delay * m->period);
    for (uint32_t k = 0; k < n->n_out; k++) need(p, n->out[k], m->place[i], end_of(p, i));
  }
  for (uint32_t i = 0; i < m->n_hops; i++) {
    const struct modulo_hop *h = &m->hops[i];
    const struct topology *t = m->machine->topology;
    need(p, h->value, t->from[h->link], h->start + h->frames);
    need(p, h->value, t->to[h->link], there(p, h));
    *at(p, p->from, h->value, t->to[h->link]) = there(p, h);
  }
  for (uint32_t i = 0; i < g->n_inputs; i++) need(p, g->inputs[i].value, HOST_NODE, 0);
}

static void hold(struct planner *p, uint32_t memory, uint32_t value, int32_t step, int64_t from,
                 int64_t until) {
  plan_add(p->plan, (struct event){.start = (double)from,
                                   .end = (double)from,
                                   .resource = memory,
                                   .action = ACTION_ALLOC,
                                   .id = value,
                                   .step = step,
                                   .bytes = p->bytes[value],
                                   .address = NONE});
  if (until == NONE) return;
  plan_add(p->plan, (struct event){.start = (double)until,
                                   .end = (double)until,
                                   .resource = memory,
                                   .action = ACTION_FREE,
                                   .id = value,
                                   .step = step,
                                   .bytes = p->bytes[value]});
}

// What nobody reads any more is free when the next event could take its place.
static void add_blocks(struct planner *p) {
  const struct graph *g = p->m->graph;
  for (uint32_t v = 0; v < g->n_values; v++) {
    if (g->values[v].init) hold(p, p->rom, v, 0, 0, NONE);
    for (uint32_t n = 0; moves(p, v) && n < p->nodes; n++) {
      int64_t until = *at(p, p->until, v, n), from = *at(p, p->from, v, n);
      if (until == NONE) continue;
      if (place_of(p, v) == n && g->values[v].node != NONE) from = p->m->start[g->values[v].node];
      hold(p, n, v, 0, from, until > from ? until : from + 1);
    }
  }
}

// The tokens of an edge that are there before the first step, until it has taken the last of them.
static void add_initial(struct planner *p) {
  const struct graph *g = p->m->graph;
  uint32_t *held = ARENA_NEW(p->plan->arena, uint32_t, g->n_values + 1); // most delays
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct use *u = &g->nodes[i].in[k];
      if (u->delay > held[u->value] && moves(p, u->value)) held[u->value] = u->delay;
    }
  for (uint32_t v = 0; v < g->n_values; v++)
    for (uint32_t d = 1; d <= held[v]; d++) hold(p, p->rom, v, -(int32_t)d, 0, NONE);
}

// ---- what is done

static void add_runs(struct planner *p) {
  for (uint32_t i = 0; i < p->m->graph->n_nodes; i++)
    plan_add(p->plan, (struct event){.start = (double)p->m->start[i],
                                     .end = (double)end_of(p, i),
                                     .resource = p->pes + p->m->place[i],
                                     .action = ACTION_RUN,
                                     .id = i,
                                     .address = NONE});
}

static void add_hops(struct planner *p) {
  const struct modulo *m = p->m;
  for (uint32_t i = 0; i < m->n_hops; i++) {
    const struct modulo_hop *h = &m->hops[i];
    struct event e = {.start = (double)h->start,
                      .end = (double)(h->start + h->frames),
                      .resource = p->links + h->link,
                      .action = ACTION_SEND,
                      .id = h->value,
                      .address = p->slot[i]};
    plan_add(p->plan, e);
    e.start = e.end = (double)there(p, h);
    e.action = ACTION_RECV;
    plan_add(p->plan, e);
  }
}

struct plan *modulo_plan(struct arena *a, const struct modulo *m) {
  const struct graph *g = m->graph;
  struct arena scratch = {0};
  struct planner p = {.m = m, .nodes = m->machine->topology->nodes};
  size_t cells = (size_t)g->n_values * p.nodes + 1;
  p.bytes = ARENA_NEW(a, int64_t, g->n_values + 1);
  p.until = ARENA_NEW(&scratch, int64_t, cells);
  p.from = ARENA_NEW(&scratch, int64_t, cells);
  memset(p.until, 0xff, cells * sizeof *p.until);
  for (uint32_t v = 0; v < g->n_values; v++)
    p.bytes[v] = value_elements(&g->values[v]) * 4 * (g->values[v].per_frame ? m->frames : 1);
  p.plan = plan_new(a, g, p.bytes);
  p.plan->period = (double)m->period;
  find_slots(&p, &scratch);
  add_machine(&p);
  find_needs(&p);
  add_blocks(&p);
  add_initial(&p);
  add_runs(&p);
  add_hops(&p);
  plan_sort(p.plan);
  arena_free(&scratch);
  return p.plan;
}
