// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/schedule.h"

#include "sw/plan/schedule_parts.h"

#include <stdlib.h>
#include <string.h>

enum { THERE_MAX = 1 << 26 }; // tokens times nodes

static int64_t ceiling(int64_t v, int64_t per) {
  return v / per + (v % per != 0);
}

int64_t schedule_cost(const struct schedule *s, uint32_t actor) {
  const struct actor *a = &s->actors->actors[actor];
  if (s->actors->layers[a->layer].node == NONE) return 0;
  int64_t cycles = ceiling(a->work, s->machine->macs);
  return cycles ? cycles : 1;
}

int64_t schedule_frames(const struct schedule *s, uint32_t token) {
  return ceiling(s->actors->tokens[token].bits, s->machine->link_bits);
}

const struct routes *maker_routes(struct maker *m, uint32_t node) {
  if (m->routes[node]) return m->routes[node];
  m->routes[node] = routes_new(m->arena, m->machine->topology, node);
  if (node == HOST_NODE && m->actors->regions)
    routes_balance(m->machine->topology, m->routes[node]);
  return m->routes[node];
}

// ---- layer by layer

// Marks what the actors of a layer need and their nodes haven't; sends it.
static void bring(struct maker *m, const struct actor_layer *l) {
  uint32_t first = UINT32_MAX, last = 0;
  for (uint32_t i = l->first; i < l->first + l->count; i++) {
    const struct actor *a = &m->actors->actors[i];
    for (uint32_t k = 0; k < a->n_needs; k++)
      for (uint32_t t = a->needs[k].first; t < a->needs[k].first + a->needs[k].count; t++) {
        int64_t *there = token_there(m, t, m->schedule->firings[i].node);
        if (*there != TOKEN_ABSENT) continue;
        *there = TOKEN_WANTED;
        uint32_t stream = m->actors->tokens[t].stream;
        if (stream < first) first = stream;
        if (stream > last) last = stream;
      }
  }
  for (uint32_t s = first; first != UINT32_MAX && s <= last; s++) route_stream(m, s);
}

static int64_t needs_there(const struct maker *m, uint32_t actor) {
  const struct actor *a = &m->actors->actors[actor];
  int64_t latest = 0;
  for (uint32_t k = 0; k < a->n_needs; k++)
    for (uint32_t t = a->needs[k].first; t < a->needs[k].first + a->needs[k].count; t++) {
      int64_t at = *token_there(m, t, m->schedule->firings[actor].node);
      if (at > latest) latest = at;
    }
  return latest;
}

// In a period beside what the node does already, so that no time is left that nothing fits in.
static void run(struct maker *m, uint32_t actor) {
  struct firing *f = &m->schedule->firings[actor];
  struct busy *pe = &m->pe[f->node];
  int64_t from = needs_there(m, actor), cost = m->cost[actor];
  if (m->period) {
    f->start = busy_beside_period(pe, from, cost, m->period);
    m->stuck = m->stuck || f->start < 0;
    if (f->start < 0) f->start = from;
    if (!m->stuck) busy_take_period(pe, f->start, cost, m->period);
  } else {
    f->start = busy_fit(pe, from, cost);
    busy_take(pe, f->start, cost);
  }
  f->end = f->start + cost;
}

static void fire(struct maker *m, const struct actor_layer *l) {
  for (uint32_t i = l->first; i < l->first + l->count; i++) {
    struct firing *f = &m->schedule->firings[i];
    if (l->node != NONE) run(m, i);
    for (uint32_t k = 0; k < l->n_streams; k++) {
      uint32_t token = m->actors->streams[l->stream + k].first + i - l->first;
      *token_there(m, token, f->node) = f->end;
    }
  }
}

static void collect(struct maker *m) {
  const struct actors *v = m->actors;
  struct schedule *s = m->schedule;
  for (uint32_t i = 0; i < v->n_outputs; i++) {
    const struct token_stream *out = &v->streams[v->outputs[i]];
    for (uint32_t t = out->first; t < out->first + out->count; t++)
      if (*token_there(m, t, HOST_NODE) == TOKEN_ABSENT)
        *token_there(m, t, HOST_NODE) = TOKEN_WANTED;
    route_stream(m, v->outputs[i]);
    for (uint32_t t = out->first; t < out->first + out->count; t++)
      if (*token_there(m, t, HOST_NODE) > s->length) s->length = *token_there(m, t, HOST_NODE);
  }
  for (uint32_t i = 0; i < v->n_actors; i++)
    if (s->firings[i].end > s->length) s->length = s->firings[i].end;
}

static void make(struct maker *m) {
  const struct topology *t = m->machine->topology;
  for (size_t i = 0; i < (size_t)m->actors->n_tokens * t->nodes; i++) m->there[i] = TOKEN_ABSENT;
  for (uint32_t i = 0; i < t->nodes; i++) m->pe[i].count = 0;
  for (uint32_t i = 0; i < t->n_links; i++) m->link[i].count = 0;
  m->schedule->n_hops = 0;
  m->schedule->length = 0;
  m->schedule->period = m->period;
  m->stuck = false;
  for (uint32_t i = 0; i < m->actors->n_layers; i++) {
    const struct actor_layer *l = &m->actors->layers[i];
    if (l->node != NONE && !m->period) place_layer(m, i);
    bring(m, l);
    fire(m, l);
  }
  collect(m);
}

static struct maker *maker_new(struct arena *a, const struct actors *v,
                               const struct node_machine *machine) {
  const struct topology *t = machine->topology;
  struct maker *m = ARENA_NEW(a, struct maker, 1);
  *m = (struct maker){.arena = a, .actors = v, .machine = machine};
  m->schedule = ARENA_NEW(a, struct schedule, 1);
  *m->schedule = (struct schedule){.actors = v, .machine = machine};
  m->schedule->firings = ARENA_NEW(a, struct firing, v->n_actors + 1);
  m->routes = ARENA_NEW(a, struct routes *, t->nodes);
  m->pe = ARENA_NEW(a, struct busy, t->nodes);
  m->link = ARENA_NEW(a, struct busy, t->n_links + 1);
  m->there = ARENA_NEW(a, int64_t, (size_t)v->n_tokens * t->nodes);
  m->frames = ARENA_NEW(a, int64_t, v->n_tokens);
  m->cost = ARENA_NEW(a, int64_t, v->n_actors);
  m->ready = ARENA_NEW(a, int64_t, t->nodes);
  m->ends = ARENA_NEW(a, int64_t, t->nodes);
  m->clock = ARENA_NEW(a, int64_t, t->n_links + 1);
  m->stamp = ARENA_NEW(a, uint32_t, t->n_links + 1);
  for (uint32_t i = 0; i < v->n_tokens; i++) m->frames[i] = schedule_frames(m->schedule, i);
  for (uint32_t i = 0; i < v->n_actors; i++) m->cost[i] = schedule_cost(m->schedule, i);
  return m;
}

static bool small_enough(const struct actors *v, const struct node_machine *machine,
                         struct err *e) {
  uint32_t nodes = machine->topology->nodes;
  return (int64_t)v->n_tokens * nodes <= THERE_MAX ||
         err_set(e, "%u tokens on %u nodes are too many: give a larger --grain, or fewer nodes",
                 v->n_tokens, nodes);
}

// The schedule without its maker.
static struct schedule *finish(struct maker *m) {
  struct schedule *s = m->schedule;
  struct hop *hops = ARENA_NEW(m->arena, struct hop, s->n_hops + 1);
  if (s->n_hops) memcpy(hops, s->hops, s->n_hops * sizeof *hops);
  free(s->hops);
  s->hops = hops;
  s->room = s->n_hops;
  for (uint32_t i = 0; i < m->machine->topology->nodes; i++) busy_free(&m->pe[i]);
  for (uint32_t i = 0; i < m->machine->topology->n_links; i++) busy_free(&m->link[i]);
  return s;
}

struct schedule *schedule_make(struct arena *a, const struct actors *v,
                               const struct node_machine *machine, struct err *e) {
  if (!small_enough(v, machine, e)) return NULL;
  struct maker *m = maker_new(a, v, machine);
  make(m);
  return finish(m);
}

// Long tokens may leave holes in a link's period that others don't fit in: then it is made longer.
struct schedule *schedule_make_period(struct arena *a, const struct actors *v,
                                      const struct node_machine *machine, struct err *e) {
  if (!small_enough(v, machine, e)) return NULL;
  struct maker *m = maker_new(a, v, machine);
  m->period = spread_actors(m);
  make(m);
  while (m->stuck) {
    m->period += m->period / 64 + 1;
    make(m);
  }
  return finish(m);
}
