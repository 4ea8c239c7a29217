// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/schedule_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct checking {
  struct arena *arena;
  const struct schedule *s;
  const struct actors *v;
  const struct topology *t;
  int64_t *there; // (tokens, nodes) the cycle from which all of it can be used; NONE
  bool *bad;      // (actors + hops) what has no meaning and is left out
  int64_t last;   // cycle in which something happens
  struct faults faults;
};

__attribute__((format(printf, 4, 5))) static void fault(struct checking *c, enum fault_kind kind,
                                                        int64_t event, const char *format, ...) {
  struct faults *f = &c->faults;
  char text[ERR_TEXT];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (f->count == f->room) {
    struct fault *more = ARENA_NEW(c->arena, struct fault, 2 * f->room + 8);
    if (f->count) memcpy(more, f->faults, f->count * sizeof *more);
    f->faults = more;
    f->room = 2 * f->room + 8;
  }
  f->faults[f->count++] = (struct fault){kind, event, arena_strdup(c->arena, text)};
}

static const char *actor_name(const struct checking *c, uint32_t actor) {
  const struct actor *a = &c->v->actors[actor];
  const struct actor_layer *l = &c->v->layers[a->layer];
  const struct graph *g = c->v->graph;
  const char *name =
      l->node == NONE ? g->values[c->v->streams[l->stream].value].name : g->nodes[l->node].name;
  return arena_printf(c->arena, "\"%s\" %" PRIu32, name, actor - l->first);
}

static int64_t *at(const struct checking *c, uint32_t token, uint32_t node) {
  return &c->there[(size_t)token * c->t->nodes + node];
}

static int64_t hop_end(const struct checking *c, const struct hop *h) {
  return h->start + schedule_frames(c->s, h->token) - 1 + c->s->machine->latency;
}

static void seen(struct checking *c, int64_t cycle) {
  if (cycle > c->last) c->last = cycle;
}

// ---- form

static void check_firings(struct checking *c) {
  for (uint32_t i = 0; i < c->v->n_actors; i++) {
    const struct firing *f = &c->s->firings[i];
    bool input = c->v->layers[c->v->actors[i].layer].node == NONE;
    int64_t cost = schedule_cost(c->s, i);
    c->bad[i] = true;
    if (f->node >= c->t->nodes)
      fault(c, FAULT_FORM, i, "%s is on node %u of %u", actor_name(c, i), f->node, c->t->nodes);
    else if (f->start < 0 || f->end - f->start != cost)
      fault(c, FAULT_FORM, i, "%s runs from cycle %" PRId64 " to %" PRId64 ", it takes %" PRId64,
            actor_name(c, i), f->start, f->end, cost);
    else if (input && f->node != HOST_NODE)
      fault(c, FAULT_FORM, i, "%s comes in at node %u, expected %d", actor_name(c, i), f->node,
            HOST_NODE);
    else
      c->bad[i] = false;
    if (!c->bad[i]) seen(c, f->end);
  }
}

static void check_hops(struct checking *c) {
  for (uint32_t i = 0; i < c->s->n_hops; i++) {
    const struct hop *h = &c->s->hops[i];
    uint32_t event = c->v->n_actors + i;
    c->bad[event] = h->token >= c->v->n_tokens || h->link >= c->t->n_links || h->start < 0;
    if (c->bad[event])
      fault(c, FAULT_FORM, event,
            "token %u of %u over link %u of %u in cycle %" PRId64 ": there is no such thing",
            h->token, c->v->n_tokens, h->link, c->t->n_links, h->start);
    else
      seen(c, hop_end(c, h));
  }
}

// ---- one thing at a time

struct use_of {
  uint32_t resource, event;
  int64_t from, cycles;
};

static int by_resource(const void *x, const void *y) {
  const struct use_of *a = x, *b = y;
  if (a->resource != b->resource) return a->resource < b->resource ? -1 : 1;
  if (a->from != b->from) return a->from < b->from ? -1 : 1;
  return a->event < b->event ? -1 : a->event > b->event;
}

// Neighbours in time, and in a period the last with the first of the next.
static void check_uses(struct checking *c, struct use_of *uses, size_t count, const char *what) {
  int64_t period = c->s->period;
  for (size_t i = 0; i < count; i++)
    if (period) uses[i].from %= period;
  qsort(uses, count, sizeof *uses, by_resource);
  for (size_t i = 0, first = 0; i < count; i++) {
    const struct use_of *u = &uses[i];
    if (u->resource != uses[first].resource) first = i;
    bool last = i + 1 == count || uses[i + 1].resource != u->resource;
    const struct use_of *next = last ? &uses[first] : &uses[i + 1];
    int64_t free = last ? period ? next->from + period : INT64_MAX : next->from;
    if (u->from + u->cycles > free)
      fault(c, FAULT_BUSY, next->event,
            "%s %u has two things to do in cycle %" PRId64 ": one goes on until %" PRId64, what,
            u->resource, free, u->from + u->cycles);
  }
}

static void check_nodes_free(struct checking *c, struct use_of *uses) {
  size_t count = 0;
  for (uint32_t i = 0; i < c->v->n_actors; i++) {
    const struct firing *f = &c->s->firings[i];
    if (!c->bad[i] && f->end > f->start)
      uses[count++] = (struct use_of){f->node, i, f->start, f->end - f->start};
  }
  check_uses(c, uses, count, "node");
}

static void check_links_free(struct checking *c, struct use_of *uses) {
  size_t count = 0;
  for (uint32_t i = 0; i < c->s->n_hops; i++) {
    const struct hop *h = &c->s->hops[i];
    uint32_t event = c->v->n_actors + i;
    if (!c->bad[event])
      uses[count++] = (struct use_of){h->link, event, h->start, schedule_frames(c->s, h->token)};
  }
  check_uses(c, uses, count, "link");
}

// ---- tokens on their way

// In the order of time: a link takes a cycle at least, so that what a hop sends came before it.
static int by_token(const void *x, const void *y) {
  const struct use_of *a = x, *b = y;
  if (a->resource != b->resource) return a->resource < b->resource ? -1 : 1;
  return a->from < b->from ? -1 : a->from > b->from;
}

static void check_hop(struct checking *c, uint32_t event) {
  const struct hop *h = &c->s->hops[event - c->v->n_actors];
  uint32_t from = c->t->from[h->link], to = c->t->to[h->link];
  uint32_t actor = c->v->tokens[h->token].actor;
  bool producer = !c->bad[actor] && c->s->firings[actor].node == from;
  int64_t there = *at(c, h->token, from);
  if (there == NONE) {
    fault(c, FAULT_ABSENT, event, "%s is sent from node %u in cycle %" PRId64 ", where it isn't",
          actor_name(c, actor), from, h->start);
    return;
  }
  // as the frames come they can be sent on, one that is computed is there at once
  if (!producer) there -= schedule_frames(c->s, h->token) - 1;
  if (h->start < there)
    fault(c, FAULT_EARLY, event,
          "%s is sent from node %u in cycle %" PRId64 ", where it is from %" PRId64 " on",
          actor_name(c, actor), from, h->start, there);
  if (*at(c, h->token, to) != NONE)
    fault(c, FAULT_TWICE, event, "%s is sent to node %u, where it is already", actor_name(c, actor),
          to);
  else
    *at(c, h->token, to) = hop_end(c, h);
}

static void check_ways(struct checking *c, struct use_of *uses) {
  size_t count = 0;
  for (uint32_t i = 0; i < c->v->n_tokens; i++)
    for (uint32_t n = 0; n < c->t->nodes; n++) *at(c, i, n) = NONE;
  for (uint32_t i = 0; i < c->v->n_tokens; i++) {
    const struct firing *f = &c->s->firings[c->v->tokens[i].actor];
    if (!c->bad[c->v->tokens[i].actor]) *at(c, i, f->node) = f->end;
  }
  for (uint32_t i = 0; i < c->s->n_hops; i++) {
    const struct hop *h = &c->s->hops[i];
    uint32_t event = c->v->n_actors + i;
    if (!c->bad[event]) uses[count++] = (struct use_of){h->token, event, h->start, 0};
  }
  qsort(uses, count, sizeof *uses, by_token);
  for (size_t i = 0; i < count; i++) check_hop(c, uses[i].event);
}

// ---- what is read

static void check_need(struct checking *c, uint32_t actor, uint32_t token) {
  const struct firing *f = &c->s->firings[actor];
  int64_t there = *at(c, token, f->node);
  if (there != NONE && there <= f->start) return;
  const char *name = actor_name(c, c->v->tokens[token].actor);
  if (there == NONE)
    fault(c, FAULT_ABSENT, actor, "%s runs on node %u, where %s never gets", actor_name(c, actor),
          f->node, name);
  else
    fault(c, FAULT_EARLY, actor,
          "%s runs on node %u in cycle %" PRId64 ", %s is there from %" PRId64 " on",
          actor_name(c, actor), f->node, f->start, name, there);
}

static void check_needs(struct checking *c) {
  for (uint32_t i = 0; i < c->v->n_actors; i++) {
    const struct actor *a = &c->v->actors[i];
    for (uint32_t k = 0; !c->bad[i] && k < a->n_needs; k++)
      for (uint32_t j = 0; j < a->needs[k].count; j++) check_need(c, i, a->needs[k].first + j);
  }
}

static void check_outputs(struct checking *c) {
  for (uint32_t i = 0; i < c->v->n_outputs; i++) {
    const struct token_stream *out = &c->v->streams[c->v->outputs[i]];
    for (uint32_t t = out->first; t < out->first + out->count; t++)
      if (*at(c, t, HOST_NODE) == NONE)
        fault(c, FAULT_MISSING, NONE, "output %s doesn't get to node %d",
              actor_name(c, c->v->tokens[t].actor), HOST_NODE);
  }
  if (c->s->length != c->last)
    fault(c, FAULT_ORDER, NONE, "a length of %" PRId64 " cycles, the last thing ends in %" PRId64,
          c->s->length, c->last);
}

struct faults schedule_check(struct arena *a, const struct schedule *s) {
  struct arena scratch = {0};
  struct checking c = {.arena = a, .s = s, .v = s->actors, .t = s->machine->topology};
  size_t events = (size_t)c.v->n_actors + s->n_hops;
  struct use_of *uses = ARENA_NEW(&scratch, struct use_of, events + 1);
  c.there = ARENA_NEW(&scratch, int64_t, (size_t)c.v->n_tokens * c.t->nodes + 1);
  c.bad = ARENA_NEW(&scratch, bool, events + 1);
  check_firings(&c);
  check_hops(&c);
  check_nodes_free(&c, uses);
  check_links_free(&c, uses);
  check_ways(&c, uses);
  check_needs(&c);
  check_outputs(&c);
  arena_free(&scratch);
  return c.faults;
}
