// SPDX-License-Identifier: Apache-2.0
#include "tests/plan/helper_schedule.h"

#include "sw/base/rng.h"
#include "tests/net/helper_netgen.h"
#include "tests/plan/helper_plan.h"

static bool scheduled(const struct graph *g) {
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!g->values[v].init && !type_is_integer(&g->values[v].type)) return false;
  return true;
}

bool nodes_case_new(struct nodes_case *c, uint64_t seed) {
  struct rng r = {seed, 0};
  struct err e = {0};
  *c = (struct nodes_case){0};
  enum op wanted = (enum op)rng_range(&r, 0, OP_COUNT - 1);
  int64_t grain = rng_range(&r, 0, 3);
  enum topology_kind kind = (enum topology_kind)rng_range(&r, 0, TOPOLOGIES - 1);
  uint32_t nodes = (uint32_t)rng_range(&r, 1, 11);
  if (netgen_knows(wanted)) c->graph = netgen(&c->arena, seed, wanted, NETGEN_ANY);
  c->machine = (struct node_machine){topology_new(&c->arena, kind, nodes), rng_range(&r, 1, 3),
                                     rng_range(&r, 1, 16), rng_range(&r, 1, 3)};
  if (c->graph && scheduled(c->graph))
    c->actors = actors_of(&c->arena, c->graph, grain, c->machine.link_bits, &e);
  if (!c->actors) arena_free(&c->arena);
  return c->actors;
}

void nodes_case_mlp(struct nodes_case *c, int64_t grain, enum topology_kind kind, uint32_t nodes) {
  struct err e = {0};
  *c = (struct nodes_case){0};
  c->graph = plan_mlp(&c->arena);
  c->machine = (struct node_machine){topology_new(&c->arena, kind, nodes), 1, 8, 1};
  c->actors = actors_of(&c->arena, c->graph, grain, 8, &e);
  if (!c->actors) fail_msg("%s", e.text);
}

// ---- cycle by cycle

struct slow {
  const struct schedule *s;
  const struct actors *v;
  const struct topology *t;
  int64_t *frames; // (tokens, nodes) that can be used
  bool wrong;
};

static int64_t *frames_at(const struct slow *o, uint32_t token, uint32_t node) {
  return &o->frames[token * o->t->nodes + node];
}

static bool has_form(const struct schedule *s) {
  const struct actors *v = s->actors;
  for (uint32_t i = 0; i < v->n_actors; i++)
    if (s->period && schedule_cost(s, i) > s->period) return false;
  for (uint32_t i = 0; i < v->n_actors; i++) {
    const struct firing *f = &s->firings[i];
    bool input = v->layers[v->actors[i].layer].node == NONE;
    if (f->node >= s->machine->topology->nodes || f->start < 0 || (input && f->node)) return false;
    if (f->end - f->start != schedule_cost(s, i)) return false;
  }
  for (uint32_t i = 0; i < s->n_hops; i++) {
    const struct hop *h = &s->hops[i];
    if (h->token >= v->n_tokens || h->link >= s->machine->topology->n_links || h->start < 0)
      return false;
    if (s->period && schedule_frames(s, h->token) > s->period) return false;
  }
  return true;
}

// Each node gets a token once, or makes it.
static bool comes_once(const struct schedule *s) {
  for (uint32_t i = 0; i < s->n_hops; i++) {
    const struct hop *h = &s->hops[i];
    uint32_t to = s->machine->topology->to[h->link];
    if (s->firings[s->actors->tokens[h->token].actor].node == to) return false;
    for (uint32_t k = 0; k < i; k++)
      if (s->hops[k].token == h->token && s->machine->topology->to[s->hops[k].link] == to)
        return false;
  }
  return true;
}

// Whether something that takes so many cycles is done in a cycle, for this image or another.
static bool goes_on(const struct slow *o, int64_t start, int64_t cycles, int64_t cycle) {
  int64_t since = cycle - start, period = o->s->period;
  if (period) since = (since % period + period) % period;
  return since >= 0 && since < cycles;
}

static int64_t last_cycle(const struct schedule *s) {
  int64_t last = 0;
  for (uint32_t i = 0; i < s->actors->n_actors; i++)
    if (s->firings[i].end > last) last = s->firings[i].end;
  for (uint32_t i = 0; i < s->n_hops; i++) {
    const struct hop *h = &s->hops[i];
    int64_t end = h->start + schedule_frames(s, h->token) - 1 + s->machine->latency;
    if (end > last) last = end;
  }
  return last;
}

// What becomes usable at the beginning of a cycle.
static void arrive(struct slow *o, int64_t cycle) {
  for (uint32_t t = 0; t < o->v->n_tokens; t++) {
    const struct firing *f = &o->s->firings[o->v->tokens[t].actor];
    if (f->end == cycle) *frames_at(o, t, f->node) = schedule_frames(o->s, t);
  }
  for (uint32_t i = 0; i < o->s->n_hops; i++) {
    const struct hop *h = &o->s->hops[i];
    int64_t frame = cycle - o->s->machine->latency - h->start;
    if (frame >= 0 && frame < schedule_frames(o->s, h->token))
      ++*frames_at(o, h->token, o->t->to[h->link]);
  }
}

static void run_nodes(struct slow *o, int64_t cycle) {
  for (uint32_t n = 0; n < o->t->nodes; n++) {
    int busy = 0;
    for (uint32_t i = 0; i < o->v->n_actors; i++) {
      const struct firing *f = &o->s->firings[i];
      const struct actor *a = &o->v->actors[i];
      if (f->node != n) continue;
      busy += goes_on(o, f->start, f->end - f->start, cycle);
      for (uint32_t k = 0; f->start == cycle && k < a->n_needs; k++)
        for (uint32_t t = a->needs[k].first; t < a->needs[k].first + a->needs[k].count; t++)
          o->wrong = o->wrong || *frames_at(o, t, n) < schedule_frames(o->s, t);
    }
    o->wrong = o->wrong || busy > 1;
  }
}

static void run_links(struct slow *o, int64_t cycle) {
  for (uint32_t l = 0; l < o->t->n_links; l++) {
    int busy = 0;
    for (uint32_t i = 0; i < o->s->n_hops; i++) {
      const struct hop *h = &o->s->hops[i];
      int64_t frame = cycle - h->start, frames = schedule_frames(o->s, h->token);
      if (h->link != l) continue;
      busy += goes_on(o, h->start, frames, cycle);
      if (frame < 0 || frame >= frames) continue;
      o->wrong = o->wrong || *frames_at(o, h->token, o->t->from[l]) <= frame;
    }
    o->wrong = o->wrong || busy > 1;
  }
}

bool slow_check(const struct schedule *s) {
  struct arena scratch = {0};
  struct slow o = {s, s->actors, s->machine->topology, NULL, false};
  int64_t last = last_cycle(s);
  if (!has_form(s) || !comes_once(s) || s->length != last) return false;
  o.frames = ARENA_NEW(&scratch, int64_t, o.v->n_tokens * o.t->nodes + 1);
  for (int64_t c = 0; (c <= last || c < s->period) && !o.wrong; c++) {
    arrive(&o, c);
    run_nodes(&o, c);
    run_links(&o, c);
  }
  for (uint32_t i = 0; i < o.v->n_outputs; i++) {
    const struct token_stream *out = &o.v->streams[o.v->outputs[i]];
    for (uint32_t t = out->first; t < out->first + out->count; t++)
      o.wrong = o.wrong || *frames_at(&o, t, HOST_NODE) < schedule_frames(s, t);
  }
  arena_free(&scratch);
  return !o.wrong;
}
