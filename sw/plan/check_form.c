// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/check_parts.h"

#include <math.h>

enum { PERIODS_MAX = 1 << 16, INSTANCES_MAX = 1 << 26 };
#define BYTES_MAX ((int64_t)1 << 40) // of a block, and an address: no sum of them overflows

// The event in `i`, if there is one, with what is wrong; false.
static bool wrong(struct checker *c, const struct event *e, const char *what) {
  struct instance i = {.event = e};
  if (e) i = (struct instance){.event = e, .step = e->step, .start = e->start, .end = e->end};
  check_fault(c, FAULT_FORM, e ? &i : NULL, "%s", what);
  return false;
}

static bool is_memory(const struct machine *m, int32_t id) {
  return id >= 0 && (uint32_t)id < m->count && m->resources[id].kind == RESOURCE_MEMORY;
}

static bool resource_is_whole(const struct machine *m, const struct resource *r) {
  switch (r->kind) {
  case RESOURCE_PE:
    return is_memory(m, r->memory) && (r->constants == NONE || is_memory(m, r->constants));
  case RESOURCE_LINK:
    if (r->slots < 0 || !isfinite(r->latency) || r->latency < 0) return false;
    return is_memory(m, r->from) && is_memory(m, r->to);
  case RESOURCE_CHANNEL:
    return is_memory(m, r->from) && is_memory(m, r->to);
  case RESOURCE_STREAM:
    return is_memory(m, r->from) && is_memory(m, r->to) && m->resources[r->to].passes;
  case RESOURCE_MEMORY:
    return r->bytes >= NONE && r->align > 0;
  }
  return false;
}

static bool plan_is_whole(struct checker *c) {
  const struct plan *p = c->plan;
  for (uint32_t i = 0; i < p->machine.count; i++)
    if (!resource_is_whole(&p->machine, &p->machine.resources[i]))
      return wrong(
          c, NULL,
          arena_printf(c->arena, "resource \"%s\" isn't whole", p->machine.resources[i].name));
  if (!isfinite(p->period) || p->period < 0) return wrong(c, NULL, "the period is no time");
  if (p->steps < 1 || (p->period > 0 && p->steps != 1))
    return wrong(c, NULL, "a plan has one step or more, and one if it has a period");
  double periods = p->period > 0 ? plan_length(p) / p->period : 0;
  if (periods > PERIODS_MAX || periods * p->n_events > INSTANCES_MAX)
    return wrong(c, NULL, "too many periods are in flight");
  return true;
}

static bool takes_time(enum action a) {
  return plan_phase(a) == 4;
}

static bool resource_fits(enum action a, enum resource_kind kind) {
  switch (a) {
  case ACTION_ALLOC:
  case ACTION_FREE:
    return kind == RESOURCE_MEMORY;
  case ACTION_RUN:
    return kind == RESOURCE_PE;
  case ACTION_LOAD:
  case ACTION_STORE:
    return kind == RESOURCE_CHANNEL;
  case ACTION_SEND:
    return kind == RESOURCE_LINK || kind == RESOURCE_STREAM;
  case ACTION_RECV:
    return kind == RESOURCE_LINK;
  }
  return false;
}

static bool step_fits(const struct plan *p, const struct event *e) {
  if (e->action == ACTION_RUN) return e->step >= 0 && e->step < p->steps;
  return p->graph->values[e->id].init ? e->step == 0 : e->step < p->steps;
}

static bool bytes_fit(const struct resource *r, const struct event *e) {
  if (e->action == ACTION_RUN && !e->bytes) return true; // no scratch, which has no address
  if (r->kind == RESOURCE_MEMORY || e->action == ACTION_RUN)
    return e->bytes >= 0 && e->bytes <= BYTES_MAX && e->address >= NONE && e->address <= BYTES_MAX;
  return r->kind != RESOURCE_LINK || (e->address >= 0 && e->address < r->slots);
}

static bool event_is_whole(struct checker *c, const struct event *e) {
  const struct plan *p = c->plan;
  const struct graph *g = c->graph;
  if (!isfinite(e->start) || !isfinite(e->end)) return wrong(c, e, "has no time");
  if (takes_time(e->action) ? e->end <= e->start : e->end != e->start)
    return wrong(c, e, takes_time(e->action) ? "takes no time" : "can't take time");
  if (e->resource >= p->machine.count) return wrong(c, e, "there is no such resource");
  const struct resource *r = &p->machine.resources[e->resource];
  if (!resource_fits(e->action, r->kind)) return wrong(c, e, "the resource can't do that");
  if (e->id >= (e->action == ACTION_RUN ? g->n_nodes : g->n_values))
    return wrong(c, e, "there is no such node or value");
  if (e->action != ACTION_RUN && type_is_ref(&g->values[e->id].type))
    return wrong(c, e, "a reference has no bytes");
  if (!step_fits(p, e)) return wrong(c, e, "there is no such step");
  if (!bytes_fit(r, e)) return wrong(c, e, "there is no such slot, or no such number of bytes");
  for (uint32_t k = 0; k < e->n_after; k++)
    if (e->after[k] >= (uint32_t)(e - p->events)) return wrong(c, e, "is after no event before it");
  if (e->slice.ranges && (r->kind == RESOURCE_STREAM || !grids_slice_fits(g, e)))
    return wrong(c, e, "there is no such slice");
  return true;
}

bool *check_form(struct checker *c) {
  bool *use = ARENA_NEW(&c->scratch, bool, c->plan->n_events);
  if (!plan_is_whole(c)) return NULL;
  for (uint32_t i = 0; i < c->plan->n_events; i++) use[i] = event_is_whole(c, &c->plan->events[i]);
  return use;
}
