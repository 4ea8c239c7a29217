// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/calendar_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// What happens at one time, in this order: what ends or comes in is there for what begins.
enum moment_kind {
  MOMENT_TAKE,  // a token's first frame into a slot
  MOMENT_TAKEN, // its last
  MOMENT_KEEP,
  MOMENT_SEND, // its last frame out of a slot
  MOMENT_RUN,
  MOMENT_FETCH
};

struct moment {
  int64_t time; // cycle of a clock that started before all others
  enum moment_kind kind;
  uint32_t place, index; // of a node or link, in its list
};

static const struct topology *topology_of(const struct calendar_executor *x) {
  return x->calendar->machine->topology;
}

// ---- the lists as moments

static int by_time(const void *x, const void *y) {
  const struct moment *a = x, *b = y;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->place != b->place) return a->place < b->place ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
}

static void add(struct calendar_executor *x, int64_t time, enum moment_kind kind, uint32_t place,
                uint32_t index) {
  x->moments[x->n_moments++] = (struct moment){time, kind, place, index};
}

static void add_link(struct calendar_executor *x, uint32_t link) {
  const struct topology *t = topology_of(x);
  const struct link_calendar *l = &x->calendar->links[link];
  int64_t from = x->calendar->nodes[t->from[link]].start;
  int64_t to = x->calendar->nodes[t->to[link]].start;
  for (uint32_t i = 0; i < l->sends.count; i++)
    add(x, from + l->sends.moves[i].tick + l->sends.moves[i].frames - 1, MOMENT_SEND, link, i);
  for (uint32_t i = 0; i < l->takes.count; i++) {
    const struct calendar_move *m = &l->takes.moves[i];
    add(x, to + m->tick, MOMENT_TAKE, link, i);
    add(x, to + m->tick + m->frames - 1, MOMENT_TAKEN, link, i);
  }
}

static void list_moments(struct calendar_executor *x) {
  const struct calendar *c = x->calendar;
  const struct topology *t = topology_of(x);
  size_t count = 1;
  for (uint32_t n = 0; n < t->nodes; n++)
    count += c->nodes[n].n_runs + c->nodes[n].keeps.count + c->nodes[n].fetches.count;
  for (uint32_t l = 0; l < t->n_links; l++)
    count += c->links[l].sends.count + 2 * (size_t)c->links[l].takes.count;
  x->moments = ARENA_NEW(x->arena, struct moment, count);
  for (uint32_t n = 0; n < t->nodes; n++) {
    const struct node_calendar *own = &c->nodes[n];
    for (uint32_t i = 0; i < own->n_runs; i++)
      add(x, own->start + own->runs[i].tick, MOMENT_RUN, n, i);
    for (uint32_t i = 0; i < own->keeps.count; i++)
      add(x, own->start + own->keeps.moves[i].tick, MOMENT_KEEP, n, i);
    for (uint32_t i = 0; i < own->fetches.count; i++)
      add(x, own->start + own->fetches.moves[i].tick, MOMENT_FETCH, n, i);
  }
  for (uint32_t l = 0; l < t->n_links; l++) add_link(x, l);
  qsort(x->moments, x->n_moments, sizeof *x->moments, by_time);
}

// What brings each token to each node.
static void list_places(struct calendar_executor *x) {
  const struct topology *t = topology_of(x);
  x->where =
      ARENA_NEW(x->arena, const struct calendar_move *, (size_t)t->nodes * x->actors->n_tokens + 1);
  for (uint32_t n = 0; n < t->nodes; n++) {
    const struct calendar_list *l = &x->calendar->nodes[n].keeps;
    for (uint32_t i = 0; i < l->count; i++)
      x->where[(size_t)n * x->actors->n_tokens + l->moves[i].token] = &l->moves[i];
  }
  for (uint32_t i = 0; i < t->n_links; i++) {
    const struct calendar_list *l = &x->calendar->links[i].takes;
    for (uint32_t k = 0; k < l->count; k++)
      x->where[(size_t)t->to[i] * x->actors->n_tokens + l->moves[k].token] = &l->moves[k];
  }
}

struct calendar_executor *calendar_run_new(struct arena *a, const struct calendar *c,
                                           int64_t most) {
  struct calendar_executor *x = ARENA_NEW(a, struct calendar_executor, 1);
  *x = (struct calendar_executor){.arena = a, .calendar = c, .actors = c->actors, .most = most};
  x->in_flight = c->period ? (c->length + c->period - 1) / c->period + 1 : 1;
  calendar_prepare(x);
  x->slots = ARENA_NEW(a, struct slot *, topology_of(x)->nodes);
  for (uint32_t n = 0; n < topology_of(x)->nodes; n++)
    x->slots[n] = ARENA_NEW(a, struct slot, c->nodes[n].slots + 1);
  list_moments(x);
  list_places(x);
  return x;
}

// ---- one moment of one batch

struct play {
  struct calendar_executor *x;
  const struct calendar_batches *b;
  int64_t time, batch, images;
};

static const char *token_name(const struct calendar_executor *x, uint32_t token) {
  const struct token_stream *s = &x->actors->streams[x->actors->tokens[token].stream];
  return arena_printf(x->arena, "\"%s\" %u", x->actors->graph->values[s->value].name,
                      token - s->first);
}

static bool fault(const struct play *p, uint32_t node, uint32_t token, const char *what) {
  const struct calendar_executor *x = p->x;
  return err_set(x->err, "node %u, tick %" PRId64 ": %s %s", node,
                 p->time - x->calendar->nodes[node].start, token_name(x, token), what);
}

// NULL: there is no such slot.
static struct slot *slot_of(const struct play *p, uint32_t node, const struct calendar_move *m) {
  int64_t slot = m->slot + p->batch % m->turns;
  return slot < p->x->calendar->nodes[node].slots ? &p->x->slots[node][slot] : NULL;
}

static bool holds(const struct slot *s, uint32_t token, int64_t batch) {
  return s && s->batch == batch && s->token == token;
}

static bool keep(const struct play *p, uint32_t node, const struct calendar_move *m) {
  struct slot *s = slot_of(p, node, m);
  const struct content *c = calendar_content(p->x, m->token, p->batch);
  if (!s) return fault(p, node, m->token, "has no such slot");
  if (c->batch != p->batch) return fault(p, node, m->token, "is kept before it was computed");
  *s = (struct slot){m->token, p->batch, p->time, p->time};
  return true;
}

// The frames that a link hands on are those that have been sent so many cycles before.
static bool take(const struct play *p, uint32_t link, uint32_t index, bool whole) {
  const struct topology *t = topology_of(p->x);
  const struct link_calendar *l = &p->x->calendar->links[link];
  const struct calendar_move *m = &l->takes.moves[index];
  uint32_t from = t->from[link], to = t->to[link];
  struct slot *s = slot_of(p, to, m);
  if (!s) return fault(p, to, m->token, "has no such slot");
  if (whole)
    return holds(s, m->token, p->batch) ||
           fault(p, to, m->token, "is written over while it comes in");
  const struct calendar_move *sent = index < l->sends.count ? &l->sends.moves[index] : NULL;
  int64_t arrives =
      sent ? p->x->calendar->nodes[from].start + sent->tick + p->x->calendar->machine->latency : -1;
  int64_t now = p->x->calendar->nodes[to].start + m->tick;
  if (arrives != now || sent->token != m->token || sent->frames != m->frames)
    return fault(p, to, m->token, "is taken where something else arrives");
  *s = (struct slot){m->token, p->batch, p->time, p->time + m->frames - 1};
  return true;
}

static bool send(const struct play *p, uint32_t link, const struct calendar_move *m) {
  uint32_t from = topology_of(p->x)->from[link];
  const struct slot *s = slot_of(p, from, m);
  if (!holds(s, m->token, p->batch))
    return fault(p, from, m->token, "is sent from a slot that doesn't hold it");
  if (s->full > p->time || s->head > p->time - m->frames + 1)
    return fault(p, from, m->token, "is sent before it is there");
  return true;
}

// Whether a token has come to a node, or has been computed there, and still is.
static bool has(const struct play *p, uint32_t node, uint32_t token) {
  const struct calendar_move *m = p->x->where[(size_t)node * p->x->actors->n_tokens + token];
  const struct slot *s = m ? slot_of(p, node, m) : NULL;
  return holds(s, token, p->batch) && s->full <= p->time;
}

static bool run(const struct play *p, uint32_t node, const struct calendar_run *r) {
  const struct actor *a = &p->x->actors->actors[r->actor];
  for (uint32_t k = 0; k < a->n_needs; k++)
    for (uint32_t t = a->needs[k].first; t < a->needs[k].first + a->needs[k].count; t++)
      if (!has(p, node, t)) return fault(p, node, t, "isn't there for who needs it");
  calendar_fire(p->x, r->actor, p->batch, p->images);
  return true;
}

static bool fetch(const struct play *p, uint32_t node, const struct calendar_move *m) {
  const struct slot *s = slot_of(p, node, m);
  if (!holds(s, m->token, p->batch) || s->full > p->time)
    return fault(p, node, m->token, "isn't there when the outputs are fetched");
  calendar_content(p->x, m->token, p->batch)->fetched = true;
  return true;
}

static bool happen(const struct play *p, const struct moment *m) {
  const struct calendar *c = p->x->calendar;
  switch (m->kind) {
  case MOMENT_TAKE:
  case MOMENT_TAKEN:
    return take(p, m->place, m->index, m->kind == MOMENT_TAKEN);
  case MOMENT_KEEP:
    return keep(p, m->place, &c->nodes[m->place].keeps.moves[m->index]);
  case MOMENT_SEND:
    return send(p, m->place, &c->links[m->place].sends.moves[m->index]);
  case MOMENT_RUN:
    return run(p, m->place, &c->nodes[m->place].runs[m->index]);
  case MOMENT_FETCH:
    return fetch(p, m->place, &c->nodes[m->place].fetches.moves[m->index]);
  }
  return false;
}

// ---- batches

static int64_t images_of(const struct play *p, int64_t batch) {
  int64_t left = p->b->images - batch * p->x->most;
  return left < p->x->most ? left : p->x->most;
}

static void begin(struct play *p) {
  struct calendar_executor *x = p->x;
  const struct graph *g = x->actors->graph;
  struct arena scratch = {0};
  int64_t **inputs = ARENA_NEW(&scratch, int64_t *, g->n_inputs + 1);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    inputs[i] =
        ARENA_NEW(&scratch, int64_t, value_elements(&g->values[g->inputs[i].value]) * p->images);
  p->b->feed(p->b->context, p->batch, p->images, inputs);
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    const struct token_stream *s = &x->actors->streams[x->actors->stream_of[g->inputs[i].value]];
    for (uint32_t t = s->first; t < s->first + s->count; t++) {
      struct content *c = calendar_content(x, t, p->batch);
      c->batch = p->batch;
      c->images = p->images;
      calendar_gather(x->actors, t, p->images, inputs[i], c->data);
    }
  }
  for (uint32_t t = 0; t < x->actors->n_tokens; t++)
    calendar_content(x, t, p->batch)->fetched = false;
  arena_free(&scratch);
}

static bool end(struct play *p) {
  struct calendar_executor *x = p->x;
  const struct graph *g = x->actors->graph;
  struct arena scratch = {0};
  bool ok = true;
  for (uint32_t i = 0; ok && i < g->n_outputs; i++) {
    const struct token_stream *s =
        &x->actors->streams[x->actors->stream_of[plan_base(g, g->outputs[i])]];
    int64_t *all = ARENA_NEW(&scratch, int64_t, value_elements(&g->values[s->value]) * p->images);
    for (uint32_t t = s->first; ok && t < s->first + s->count; t++) {
      const struct content *c = calendar_content(x, t, p->batch);
      ok = c->fetched || fault(p, HOST_NODE, t, "is an output that isn't fetched");
      if (ok) calendar_scatter(x->actors, t, p->images, c->data, all);
    }
    if (ok) p->b->look(p->b->context, p->batch, p->images, i, all);
  }
  arena_free(&scratch);
  return ok;
}

// Of the batches on their way, the one whose next moment comes first.
static int64_t earliest(const struct calendar_executor *x, const uint32_t *next, int64_t from,
                        int64_t to) {
  int64_t best = from;
  struct moment least = {0};
  for (int64_t b = from; b < to; b++) {
    if (next[b % x->in_flight] == x->n_moments) continue;
    struct moment m = x->moments[next[b % x->in_flight]];
    m.time += b * x->calendar->period;
    if (next[best % x->in_flight] == x->n_moments || b == from || by_time(&m, &least) < 0) {
      best = b;
      least = m;
    }
  }
  return best;
}

// Without a period the next batch comes when the one before it has left.
bool calendar_run(struct calendar_executor *x, const struct calendar_batches *b, struct err *e) {
  struct arena scratch = {0};
  int64_t batches = (b->images + x->most - 1) / x->most, from = 0, to;
  uint32_t *next = ARENA_NEW(&scratch, uint32_t, x->in_flight);
  struct play p = {.x = x, .b = b};
  bool ok = true;
  x->err = e;
  for (uint32_t t = 0; t < x->actors->n_tokens; t++) x->gathered[t] = NONE;
  for (int64_t i = 0; i < x->in_flight; i++)
    for (uint32_t t = 0; t < x->actors->n_tokens; t++) calendar_content(x, t, i)->batch = NONE;
  for (uint32_t n = 0; n < topology_of(x)->nodes; n++)
    for (uint32_t i = 0; i < x->calendar->nodes[n].slots; i++) x->slots[n][i].batch = NONE;
  while (ok && from < batches) {
    to = from + x->in_flight < batches ? from + x->in_flight : batches;
    p.batch = earliest(x, next, from, to);
    p.images = images_of(&p, p.batch);
    uint32_t *at = &next[p.batch % x->in_flight];
    const struct moment *m = &x->moments[*at];
    p.time = m->time + p.batch * x->calendar->period;
    if (!*at) begin(&p);
    ok = happen(&p, m);
    if (++*at == x->n_moments) ok = ok && end(&p);
    for (; from < batches && next[from % x->in_flight] == x->n_moments; from++)
      next[from % x->in_flight] = 0;
  }
  arena_free(&scratch);
  return ok;
}
