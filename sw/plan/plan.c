// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/plan.h"

#include <stdlib.h>
#include <string.h>

struct plan *plan_new(struct arena *a, const struct graph *g, const int64_t *bytes) {
  struct plan *p = ARENA_NEW(a, struct plan, 1);
  *p = (struct plan){.arena = a, .graph = g, .bytes = bytes, .steps = 1};
  return p;
}

// Room for one more of `size` bytes.
static void *grown(struct arena *a, void *rows, uint32_t count, uint32_t *room, size_t size) {
  if (count < *room) return rows;
  *room = *room ? 2 * *room : 16;
  void *more = arena_alloc(a, *room, size);
  if (count) memcpy(more, rows, count * size);
  return more;
}

uint32_t plan_resource(struct plan *p, struct resource r) {
  struct machine *m = &p->machine;
  m->resources = grown(p->arena, m->resources, m->count, &m->room, sizeof r);
  m->resources[m->count] = r;
  return m->count++;
}

void plan_add(struct plan *p, struct event e) {
  p->events = grown(p->arena, p->events, p->n_events, &p->room, sizeof e);
  p->events[p->n_events++] = e;
}

int plan_phase(enum action a) {
  switch (a) {
  case ACTION_FREE:
    return 1;
  case ACTION_ALLOC:
    return 2;
  case ACTION_RECV:
    return 3;
  case ACTION_RUN:
  case ACTION_LOAD:
  case ACTION_STORE:
  case ACTION_SEND:
    return 4;
  }
  return 4;
}

// With their places, as qsort isn't stable.
struct placed {
  struct event event;
  uint32_t place;
};

static int by_start(const void *a, const void *b) {
  const struct placed *x = a, *y = b;
  if (x->event.start < y->event.start) return -1;
  if (x->event.start > y->event.start) return 1;
  int px = plan_phase(x->event.action), py = plan_phase(y->event.action);
  if (px != py) return px < py ? -1 : 1;
  return x->place < y->place ? -1 : 1;
}

// What the events of a list that is sorted anew are after.
static void move_after(struct plan *p, const struct placed *all) {
  struct arena scratch = {0};
  uint32_t *to = ARENA_NEW(&scratch, uint32_t, p->n_events);
  for (uint32_t i = 0; i < p->n_events; i++) to[all[i].place] = i;
  for (uint32_t i = 0; i < p->n_events; i++) {
    struct event *e = &p->events[i];
    if (!e->n_after) continue;
    uint32_t *after = ARENA_NEW(p->arena, uint32_t, e->n_after);
    for (uint32_t k = 0; k < e->n_after; k++) after[k] = to[e->after[k]];
    e->after = after;
  }
  arena_free(&scratch);
}

void plan_sort(struct plan *p) {
  struct arena scratch = {0};
  struct placed *all = ARENA_NEW(&scratch, struct placed, p->n_events);
  for (uint32_t i = 0; i < p->n_events; i++) all[i] = (struct placed){p->events[i], i};
  qsort(all, p->n_events, sizeof *all, by_start);
  for (uint32_t i = 0; i < p->n_events; i++) p->events[i] = all[i].event;
  move_after(p, all);
  arena_free(&scratch);
}

int64_t plan_slice_bytes(const struct plan *p, uint32_t value, const struct slice *s) {
  const struct value *v = &p->graph->values[value];
  if (!s->ranges || v->shape[s->axis] < 1) return p->bytes[value];
  const struct needs part = {.ranges = s->ranges, .range = s->range};
  int64_t size = v->shape[s->axis], whole = p->bytes[value] / size, rest = p->bytes[value] % size;
  int64_t count = needs_size(&part, size);
  return whole * count + (rest * count + size - 1) / size;
}

bool plan_is_given(const struct graph *g, uint32_t value, int32_t step) {
  return g->values[value].node == NONE || step < 0;
}

bool plan_in_place(const struct graph *g, const struct node *n) {
  if (op_is(n->op, TRAIT_ALIAS)) return true;
  const struct node *of =
      op_is(n->op, TRAIT_BACKWARD) ? &g->nodes[node_attr(n, ATTR_of)->value] : n;
  return op_is(of->op, TRAIT_MAPS) && !node_attr(of, ATTR_slice) && !node_attr(n, ATTR_slice);
}

bool plan_over(const struct graph *g, const struct node *n, uint32_t k) {
  if (!n->n_out || k >= n->n_in || n->in[k].delay) return false;
  if (!op_is(n->op, TRAIT_JOINS)) return k == 0 && plan_in_place(g, n);
  const struct value *x = node_in(g, n, k), *y = node_out(g, n, 0);
  return !x->init && x->per_frame == y->per_frame && x->rank == y->rank &&
         !memcmp(x->shape, y->shape, (size_t)y->rank * sizeof *y->shape) &&
         !node_attr(n, ATTR_slice);
}

// Whether a dimension of input 0 has the index of an axis, axes of one index aside.
static bool follows_axis(const struct space *s, int dim, int axis) {
  const struct form *f = &s->in[0][dim];
  bool found = false;
  if (f->offset || f->per != 1) return false;
  for (int i = 0; i < f->terms; i++) {
    if (f->term[i].axis != axis && s->size[f->term[i].axis] > 1) return false;
    if (f->term[i].axis == axis && f->term[i].stride != 1) return false;
    found |= f->term[i].axis == axis;
  }
  return found;
}

// Of a layer of which each output has the weights of one channel, as many as there are: its own.
static bool has_own_weights(const struct graph *g, const struct node *n, int64_t channels) {
  const struct value *w = op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
  return w && w->rank > 1 && w->shape[0] == channels && w->shape[w->rank - 1] == 1;
}

int64_t plan_scratch(const struct graph *g, const struct node *n, const int64_t *bytes) {
  struct space s;
  struct err none = {0};
  if (!op_is(n->op, TRAIT_WINDOWS | TRAIT_WEIGHTS) || n->n_out != 1 || n->in[0].delay) return NONE;
  if (node_attr(n, ATTR_slice) || !space_of(g, n, &s, &none)) return NONE;
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  int last = y->rank - 1;
  bool alike = !x->init && x->per_frame == y->per_frame && x->rank == y->rank && last >= 0 &&
               !memcmp(x->shape, y->shape, (size_t)y->rank * sizeof *y->shape) &&
               bytes[n->in[0].value] == bytes[n->out[0]];
  if (!alike || s.out_axis[last] == NONE) return NONE;
  if (!follows_axis(&s, last, s.out_axis[last]) && !has_own_weights(g, n, y->shape[last]))
    return NONE;
  return bytes[n->out[0]] / y->shape[last];
}

uint32_t plan_base(const struct graph *g, uint32_t value) {
  for (;;) {
    int32_t n = g->values[value].node;
    if (n == NONE || !op_is(g->nodes[n].op, TRAIT_ALIAS) || g->nodes[n].in[0].delay) return value;
    value = g->nodes[n].in[0].value;
  }
}

int32_t plan_step(const struct graph *g, uint32_t value, int64_t step) {
  return g->values[value].init ? 0 : (int32_t)step;
}

double plan_length(const struct plan *p) {
  double length = 0;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].end > length) length = p->events[i].end;
  return length;
}

// What lies at one address counts once.
static bool lies_over(const struct plan *p, uint32_t *live, uint32_t count, uint32_t event) {
  const struct event *e = &p->events[event];
  for (uint32_t k = 0; k < count; k++)
    if (live[k] != event && e->address != NONE && p->events[live[k]].address == e->address)
      return true;
  return false;
}

// Takes the ALLOC of what e frees off the list, and returns it.
static uint32_t take_off(const struct plan *p, uint32_t *live, uint32_t *count,
                         const struct event *e) {
  uint32_t k = 0;
  while (k < *count && (p->events[live[k]].id != e->id || p->events[live[k]].step != e->step ||
                        !slice_same(&p->events[live[k]].slice, &e->slice)))
    k++;
  if (k == *count) return UINT32_MAX;
  uint32_t event = live[k];
  live[k] = live[--*count];
  return event;
}

// RUNs in a memory that hold scratch; what has ended by then is taken off.
struct running {
  uint32_t count, *events;
  int64_t bytes;
};

static void end_running(const struct plan *p, struct running *r, double at) {
  for (uint32_t k = 0; k < r->count;) {
    const struct event *e = &p->events[r->events[k]];
    if (e->end > at) {
      k++;
      continue;
    }
    r->bytes -= e->bytes;
    r->events[k] = r->events[--r->count];
  }
}

static bool works_in(const struct plan *p, const struct event *e, uint32_t memory) {
  return e->action == ACTION_RUN && e->bytes > 0 &&
         p->machine.resources[e->resource].memory == (int32_t)memory;
}

int64_t *plan_used(struct arena *a, const struct plan *p, uint32_t memory) {
  struct arena scratch = {0};
  int64_t *used = ARENA_NEW(a, int64_t, p->n_events), now = 0;
  uint32_t *live = ARENA_NEW(&scratch, uint32_t, p->n_events), count = 0;
  struct running r = {.events = ARENA_NEW(&scratch, uint32_t, p->n_events)};
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    end_running(p, &r, e->start);
    if (works_in(p, e, memory)) {
      r.events[r.count++] = i;
      r.bytes += e->bytes;
    } else if (e->resource == memory && e->action == ACTION_ALLOC) {
      if (!lies_over(p, live, count, i)) now += e->bytes;
      live[count++] = i;
    } else if (e->resource == memory && e->action == ACTION_FREE) {
      uint32_t taken = take_off(p, live, &count, e);
      if (taken != UINT32_MAX && !lies_over(p, live, count, taken)) now -= p->events[taken].bytes;
    }
    used[i] = now + r.bytes;
  }
  arena_free(&scratch);
  return used;
}

int64_t plan_peak(const struct plan *p, uint32_t memory) {
  struct arena scratch = {0};
  const int64_t *used = plan_used(&scratch, p, memory);
  int64_t peak = 0;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (used[i] > peak) peak = used[i];
  arena_free(&scratch);
  return peak;
}

const char *plan_event_text(struct arena *a, const struct plan *p, const struct event *e) {
  static const char *const names[] = {"ALLOC", "FREE", "RUN", "LOAD", "STORE", "SEND", "RECV"};
  const struct graph *g = p->graph;
  bool runs = e->action == ACTION_RUN;
  bool known = e->id < (runs ? g->n_nodes : g->n_values);
  const char *what = !known ? "?" : runs ? g->nodes[e->id].name : g->values[e->id].name;
  const char *where = e->resource < p->machine.count ? p->machine.resources[e->resource].name : "?";
  return arena_printf(a, "%s \"%s\" step %d on %s", names[e->action], what, e->step, where);
}
