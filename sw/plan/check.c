// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/check_parts.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { DELAY_SEEN = 64 };

// ---- faults

static const char *said(struct checker *c, const struct instance *i, const char *format,
                        va_list more) {
  char text[256];
  vsnprintf(text, sizeof text, format, more);
  if (!i) return arena_strdup(c->arena, text);
  struct event e = *i->event;
  e.step = i->step;
  return arena_printf(c->arena, "%s at %.17g..%.17g: %s", plan_event_text(&c->scratch, c->plan, &e),
                      i->start, i->end, text);
}

// What comes again with each period is said once.
static bool is_known(const struct checker *c, enum fault_kind kind, int64_t event) {
  bool known = false;
  for (uint32_t k = 0; c->plan->period > 0 && k < c->faults.count; k++)
    known |= c->faults.faults[k].kind == kind && c->faults.faults[k].event == event;
  return known;
}

void check_fault(struct checker *c, enum fault_kind kind, const struct instance *i,
                 const char *format, ...) {
  struct faults *f = &c->faults;
  int64_t event = i ? i->event - c->plan->events : NONE;
  if (i && is_known(c, kind, event)) return;
  if (f->count == f->room) {
    f->room = f->room ? 2 * f->room : 16;
    struct fault *more = ARENA_NEW(c->arena, struct fault, f->room);
    if (f->count) memcpy(more, f->faults, f->count * sizeof *more);
    f->faults = more;
  }
  va_list more;
  va_start(more, format);
  f->faults[f->count++] = (struct fault){kind, event, said(c, i, format, more)};
  va_end(more);
}

// ---- instances

struct moment {
  double at;
  int phase;
  struct instance *instance;
};

struct play {
  size_t n_instances, n_moments;
  struct instance *instances;
  struct moment *moments;
};

// What there is one of for all steps happens once.
static bool repeats(const struct plan *p, const struct event *e) {
  return e->step >= 0 && (e->action == ACTION_RUN || !p->graph->values[e->id].init);
}

// So many that all periods in flight meet, and that what is delayed is seen as well as its initial
// tokens. Of a delay longer than DELAY_SEEN the tokens alone are.
static int32_t steps_of(const struct plan *p) {
  uint32_t delay = 0;
  if (p->period <= 0) return p->steps;
  for (uint32_t i = 0; i < p->graph->n_nodes; i++)
    for (uint32_t k = 0; k < p->graph->nodes[i].n_in; k++)
      if (p->graph->nodes[i].in[k].delay > delay) delay = p->graph->nodes[i].in[k].delay;
  return 2 + (int32_t)(delay < DELAY_SEEN ? delay : DELAY_SEEN) +
         (int32_t)ceil(plan_length(p) / p->period);
}

static void add_instance(struct checker *c, struct play *play, const struct event *e, int32_t k) {
  double shift = k * c->plan->period;
  size_t held = e->action == ACTION_RUN
                    ? (size_t)c->graph->nodes[e->id].n_in + c->graph->nodes[e->id].n_out
                    : 2;
  struct instance *i = &play->instances[play->n_instances++];
  *i = (struct instance){.event = e,
                         .step = e->step + k,
                         .start = e->start + shift,
                         .end = e->end + shift,
                         .room_held = (uint32_t)held,
                         .held = ARENA_NEW(&c->scratch, struct block *, held)};
  play->moments[play->n_moments++] = (struct moment){i->start, plan_phase(e->action), i};
  if (i->end > i->start) play->moments[play->n_moments++] = (struct moment){i->end, 0, i};
}

static int by_time(const void *a, const void *b) {
  const struct moment *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  if (x->phase != y->phase) return x->phase < y->phase ? -1 : 1;
  return x->instance < y->instance ? -1 : x->instance > y->instance;
}

static struct play play_new(struct checker *c, const bool *use) {
  const struct plan *p = c->plan;
  size_t most = (size_t)p->n_events * (size_t)(p->period > 0 ? c->steps : 1);
  struct play play = {.instances = ARENA_NEW(&c->scratch, struct instance, most),
                      .moments = ARENA_NEW(&c->scratch, struct moment, 2 * most)};
  for (uint32_t i = 0; i < p->n_events; i++) {
    bool again = p->period > 0 && repeats(p, &p->events[i]);
    for (int32_t k = 0; use[i] && k < (again ? c->steps : 1); k++)
      add_instance(c, &play, &p->events[i], k);
  }
  qsort(play.moments, play.n_moments, sizeof *play.moments, by_time);
  return play;
}

// ---- what is known before: when nodes run and streams carry

static void note_run(struct checker *c, const struct instance *i) {
  uint32_t memory = (uint32_t)check_resource(c, i)->memory;
  double *end = check_ended(c, i->event->id, i->step);
  if (i->end > *end) *end = i->end;
  struct span *s = index_find(&c->runs, memory, i->event->id, i->step);
  if (!s) {
    s = ARENA_NEW(&c->scratch, struct span, 1);
    *s = (struct span){i->start, i->end};
    index_set(&c->runs, memory, i->event->id, i->step, s);
  }
  if (i->start < s->start) s->start = i->start;
  if (i->end > s->end) s->end = i->end;
}

static void note_stream(struct checker *c, struct instance *i) {
  const struct resource *r = check_resource(c, i);
  uint32_t base = plan_base(c->graph, i->event->id);
  if (r->kind != RESOURCE_STREAM) return;
  i->other = index_find(&c->streams, (uint32_t)r->to, base, i->step);
  for (const struct instance *o = i->other; o; o = o->other)
    if (o->event->resource == i->event->resource)
      check_fault(c, FAULT_TWICE, i, "it was streamed before");
  index_set(&c->streams, (uint32_t)r->to, base, i->step, i);
}

static void note(struct checker *c, const struct play *play) {
  for (size_t k = 0; k < play->n_instances; k++) {
    struct instance *i = &play->instances[k];
    if (i->event->action == ACTION_RUN) note_run(c, i);
    if (i->event->action == ACTION_SEND) note_stream(c, i);
  }
}

// ---- all of it

static void find_missing(struct checker *c) {
  int32_t steps = c->plan->period > 0 ? 1 : c->steps;
  for (uint32_t n = 0; n < c->graph->n_nodes; n++)
    for (int32_t s = 0; s < steps; s++) {
      const uint8_t *done = c->done[(size_t)n * (size_t)c->steps + (size_t)s];
      size_t cells = (size_t)c->grids.grids[n].cells;
      if (!done || memchr(done, 0, cells))
        check_fault(c, FAULT_MISSING, NULL, "\"%s\" of step %d doesn't run%s",
                    c->graph->nodes[n].name, s, done ? " as a whole" : "");
    }
}

static uint32_t root_of(const struct checker *c, uint32_t v) {
  while (c->roots[v] != v) v = c->roots[v] = c->roots[c->roots[v]];
  return v;
}

// What may lie at one address, one after the other.
static void find_roots(struct checker *c) {
  const struct graph *g = c->graph;
  c->roots = ARENA_NEW(&c->scratch, uint32_t, g->n_values);
  uint32_t *order = ARENA_NEW(&c->scratch, uint32_t, g->n_nodes);
  for (uint32_t v = 0; v < g->n_values; v++) c->roots[v] = v;
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[order[i]];
    bool channels = plan_scratch(g, n, c->plan->bytes) != NONE;
    for (uint32_t k = 0; k < n->n_in; k++)
      if (plan_over(g, n, k) || (channels && k == 0))
        c->roots[root_of(c, n->in[k].value)] = root_of(c, n->out[0]);
  }
  for (uint32_t v = 0; v < g->n_values; v++) c->roots[v] = root_of(c, v);
}

static bool grids_fit(struct checker *c) {
  for (uint32_t i = 0; i < c->graph->n_nodes + c->graph->n_values; i++)
    if (c->grids.grids[i].cells > CELLS_MAX) {
      check_fault(c, FAULT_FORM, NULL, "slices cut something into more than %d cells", CELLS_MAX);
      return false;
    }
  return true;
}

static void prepare(struct checker *c, size_t instances) {
  const struct machine *m = &c->plan->machine;
  size_t firings = (size_t)c->graph->n_nodes * (size_t)c->steps;
  c->blocks = index_new(&c->scratch, instances);
  c->streams = index_new(&c->scratch, instances);
  c->runs = index_new(&c->scratch, instances);
  c->memories = ARENA_NEW(&c->scratch, struct memory_state, m->count);
  c->slots = ARENA_NEW(&c->scratch, struct instance **, m->count);
  c->busy = ARENA_NEW(&c->scratch, double, m->count);
  c->ends = ARENA_NEW(&c->scratch, double, firings);
  c->done = ARENA_NEW(&c->scratch, uint8_t *, firings);
  for (size_t i = 0; i < firings; i++) c->ends[i] = -INFINITY;
  for (uint32_t i = 0; i < m->count; i++) {
    c->busy[i] = -INFINITY;
    if (m->resources[i].kind == RESOURCE_LINK)
      c->slots[i] = ARENA_NEW(&c->scratch, struct instance *, m->resources[i].slots);
  }
}

static void play_all(struct checker *c, const struct play *play) {
  note(c, play);
  for (size_t k = 0; k < play->n_moments; k++)
    if (play->moments[k].phase)
      check_start(c, play->moments[k].instance);
    else
      check_end(c, play->moments[k].instance);
  find_missing(c);
}

struct faults plan_check(struct arena *a, const struct plan *p) {
  struct checker c = {.arena = a, .plan = p, .graph = p->graph};
  const bool *use = check_form(&c);
  if (use) {
    c.grids = grids_new(&c.scratch, p, use);
    c.steps = steps_of(p);
  }
  if (use && grids_fit(&c)) {
    find_roots(&c);
    struct play play = play_new(&c, use);
    prepare(&c, play.n_instances);
    play_all(&c, &play);
  }
  arena_free(&c.scratch);
  return c.faults;
}
