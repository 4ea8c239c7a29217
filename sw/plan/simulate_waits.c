// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/simulate_parts.h"

#include "sw/plan/index.h"

#include <string.h>

// A value in a memory, or a part of it, as far as the list has come.
struct block {
  struct slice slice;
  uint32_t alloc; // NOBODY: freed
  uint32_t freed; // the last FREE
  bool given;     // its content came with the ALLOC
  uint32_t touches, room;
  uint32_t *touched; // by whom since it was allocated
  struct block *next;
};

// All of a value in a memory: one block, or several with parts of it.
struct place {
  struct block *blocks; // that are there, or were
  struct block **owner; // (cells) that is there, or NULL
  uint32_t *writers;    // (cells) who wrote it, or NOBODY
};

struct builder {
  struct arena *arena;
  const struct plan *plan;
  const struct grids *grids;
  struct waits *waits;
  struct index places;  // (memory, value, step)
  struct index streams; // (memory at the end, base of the value, step): the last SEND + 1
  uint32_t **slots;     // (resources, slots): who was the last there, or NOBODY
  uint32_t *last;       // (nodes, steps) the last RUN, or NOBODY
  uint32_t *earlier;    // (n_events) the RUN or stream of the same before it, or NOBODY
  struct err *err;
};

static void add_wait(struct builder *b, uint32_t *list, struct wait wait) {
  struct waits *w = b->waits;
  if (w->count == w->room) {
    w->room = w->room ? 2 * w->room : 64;
    struct wait *more = ARENA_NEW(b->arena, struct wait, w->room);
    if (w->count) memcpy(more, w->waits, w->count * sizeof *more);
    w->waits = more;
  }
  wait.next = *list;
  *list = w->count;
  w->waits[w->count++] = wait;
}

static void wait_for(struct builder *b, uint32_t who, uint32_t what, enum wait_kind kind,
                     double delay) {
  if (what == NOBODY || what == who) return;
  add_wait(b, &b->waits->first[what], (struct wait){kind, who, 0, delay});
  b->waits->open[who]++;
}

static void needs_alloc(struct builder *b, uint32_t who, uint32_t alloc) {
  add_wait(b, &b->waits->allocs[who], (struct wait){WAIT_ALLOC, alloc, 0, 0});
}

// ---- blocks

static void touch(struct builder *b, struct block *p, uint32_t who) {
  if (p->touches && p->touched[p->touches - 1] == who) return;
  if (p->touches == p->room) {
    p->room = p->room ? 2 * p->room : 4;
    uint32_t *more = ARENA_NEW(b->arena, uint32_t, p->room);
    if (p->touches) memcpy(more, p->touched, p->touches * sizeof *more);
    p->touched = more;
  }
  p->touched[p->touches++] = who;
  needs_alloc(b, who, p->alloc);
}

static struct place *place_of(struct builder *b, const struct event *e) {
  struct place *p = index_find(&b->places, e->resource, e->id, e->step);
  int64_t cells = b->grids->of_value[e->id]->cells;
  if (p) return p;
  p = ARENA_NEW(b->arena, struct place, 1);
  p->owner = ARENA_NEW(b->arena, struct block *, cells);
  p->writers = ARENA_NEW(b->arena, uint32_t, cells);
  index_set(&b->places, e->resource, e->id, e->step, p);
  return p;
}

// The block of a slice, which may be freed; NULL: it was never there.
static struct block *block_of(const struct place *p, const struct slice *s) {
  struct block *x = p->blocks;
  while (x && !slice_same(&x->slice, s)) x = x->next;
  return x;
}

static int axis_of(const struct builder *b, const struct event *e) {
  return e->slice.ranges ? b->grids->of_value[e->id]->axis_of[e->slice.axis] : NONE;
}

struct owning {
  struct place *place;
  struct block *block;
};

static void own_cells(void *context, int64_t begin, int64_t end) {
  struct owning *o = context;
  for (int64_t c = begin; c < end; c++) {
    o->place->owner[c] = o->block;
    o->place->writers[c] = NOBODY;
  }
}

// The cells of an event's slice are a block's, or nobody's.
static void own(struct builder *b, const struct event *e, struct place *p, struct block *to) {
  struct owning o = {p, to};
  grid_each(b->grids->of_value[e->id], axis_of(b, e), &e->slice, own_cells, &o);
}

static void allocate(struct builder *b, uint32_t who) {
  const struct event *e = &b->plan->events[who];
  struct place *p = place_of(b, e);
  struct block *x = block_of(p, &e->slice);
  if (!x) {
    x = ARENA_NEW(b->arena, struct block, 1);
    *x = (struct block){.slice = e->slice, .freed = NOBODY, .next = p->blocks};
    p->blocks = x;
  }
  x->alloc = who;
  x->touches = 0;
  x->given =
      b->plan->machine.resources[e->resource].home && plan_is_given(b->plan->graph, e->id, e->step);
  own(b, e, p, x);
  wait_for(b, who, x->freed, WAIT_END, 0);
}

// Something that takes time must have used it.
static bool release(struct builder *b, uint32_t who) {
  const struct event *e = &b->plan->events[who];
  struct place *p = place_of(b, e);
  struct block *x = block_of(p, &e->slice);
  bool used = false;
  for (uint32_t k = 0; x && x->alloc != NOBODY && k < x->touches; k++) {
    wait_for(b, who, x->touched[k], WAIT_END, 0);
    used |= plan_phase(b->plan->events[x->touched[k]].action) == 4;
  }
  if (!used)
    return err_set(b->err, "%s: nothing has used it", plan_event_text(b->arena, b->plan, e));
  own(b, e, p, NULL);
  x->alloc = NOBODY;
  x->freed = who;
  return true;
}

struct visit {
  struct builder *builder;
  struct place *place;
  uint32_t who, last;
  bool whole;
};

static void look_cells(void *context, int64_t begin, int64_t end) {
  struct visit *v = context;
  for (int64_t c = begin; c < end; c++) {
    const struct block *x = v->place->owner[c];
    v->whole &= x && (x->given || v->place->writers[c] != NOBODY);
  }
}

static void read_cells(void *context, int64_t begin, int64_t end) {
  struct visit *v = context;
  for (int64_t c = begin; c < end; c++) {
    uint32_t writer = v->place->writers[c];
    if (writer != NOBODY && writer != v->last) wait_for(v->builder, v->who, writer, WAIT_END, 0);
    touch(v->builder, v->place->owner[c], v->who);
    v->last = writer;
  }
}

static void write_cells(void *context, int64_t begin, int64_t end) {
  struct visit *v = context;
  for (int64_t c = begin; c < end; c++) {
    if (!v->place->owner[c]) continue;
    touch(v->builder, v->place->owner[c], v->who);
    v->place->writers[c] = v->who;
  }
}

static struct place *find(const struct builder *b, int32_t memory, uint32_t value, int32_t step) {
  return memory == NONE ? NULL : index_find(&b->places, (uint32_t)memory, value, step);
}

static bool read_place(struct builder *b, uint32_t who, struct place *p, uint32_t value, int axis,
                       const struct slice *s) {
  struct visit v = {b, p, who, NOBODY, true};
  if (!p) return false;
  grid_each(b->grids->of_value[value], axis, s, look_cells, &v);
  if (v.whole) grid_each(b->grids->of_value[value], axis, s, read_cells, &v);
  return v.whole;
}

static bool missing(struct builder *b, uint32_t who, uint32_t value, int32_t step) {
  return err_set(b->err, "%s: nothing before it puts \"%s\" of step %d there",
                 plan_event_text(b->arena, b->plan, &b->plan->events[who]),
                 b->plan->graph->values[value].name, step);
}

static void write_place(struct builder *b, uint32_t who, struct place *p, uint32_t value, int axis,
                        const struct slice *s) {
  struct visit v = {b, p, who, NOBODY, true};
  if (!p) return;
  grid_each(b->grids->of_value[value], axis, s, write_cells, &v);
}

// ---- events

// Streams are kept as numbers from 1.
static uint32_t last_stream(const struct builder *b, uint32_t place, uint32_t value, int32_t step) {
  uint32_t base = plan_base(b->plan->graph, value);
  uintptr_t number = (uintptr_t)index_find(&b->streams, place, base, step);
  return number ? (uint32_t)number - 1 : NOBODY;
}

static void note_stream(struct builder *b, uint32_t who, uint32_t place) {
  const struct event *e = &b->plan->events[who];
  uint32_t base = plan_base(b->plan->graph, e->id);
  b->earlier[who] = last_stream(b, place, e->id, e->step);
  index_set(&b->streams, place, base, e->step, (void *)((uintptr_t)who + 1));
}

static uint32_t *last_run(const struct builder *b, uint32_t node, int64_t step) {
  return &b->last[(size_t)node * (size_t)b->plan->steps + (size_t)step];
}

// What passes through a place: made there by a node or its parts, or streamed to there.
static bool follow(struct builder *b, uint32_t who, uint32_t place, uint32_t value, int32_t step) {
  const struct machine *m = &b->plan->machine;
  int32_t maker = b->plan->graph->values[value].node;
  bool made = false, streamed = false;
  if (!m->resources[place].passes) return false;
  uint32_t run = maker == NONE || step < 0 ? NOBODY : *last_run(b, (uint32_t)maker, step);
  for (; run != NOBODY; run = b->earlier[run])
    if ((uint32_t)m->resources[b->plan->events[run].resource].memory == place) {
      wait_for(b, who, run, WAIT_STREAM, 0);
      made = true;
    }
  uint32_t stream = made ? NOBODY : last_stream(b, place, value, step);
  for (; stream != NOBODY; stream = b->earlier[stream]) {
    wait_for(b, who, stream, WAIT_STREAM, 0);
    streamed = true;
  }
  return made || streamed;
}

static bool read_input(struct builder *b, uint32_t who, uint32_t k, const struct slice *s) {
  const struct event *e = &b->plan->events[who];
  const struct resource *pe = &b->plan->machine.resources[e->resource];
  const struct use *u = &b->plan->graph->nodes[e->id].in[k];
  int32_t step = plan_step(b->plan->graph, u->value, (int64_t)e->step - u->delay);
  int axis;
  struct slice part;
  if (!grids_read(b->arena, b->grids, e->id, s, k, &axis, &part)) return true;
  if (read_place(b, who, find(b, pe->memory, u->value, step), u->value, axis, &part)) return true;
  if (read_place(b, who, find(b, pe->constants, u->value, step), u->value, axis, &part))
    return true;
  return follow(b, who, (uint32_t)pe->memory, u->value, step) || missing(b, who, u->value, step);
}

static void wait_for_runs(struct builder *b, uint32_t who, uint32_t node, int64_t step) {
  for (uint32_t r = *last_run(b, node, step); r != NOBODY; r = b->earlier[r])
    wait_for(b, who, r, WAIT_END, 0);
}

static bool run(struct builder *b, uint32_t who) {
  const struct event *e = &b->plan->events[who];
  const struct node *n = &b->plan->graph->nodes[e->id];
  const struct slice *s = e->slice.ranges ? &e->slice : &b->grids->own[e->id];
  int32_t memory = b->plan->machine.resources[e->resource].memory;
  for (uint32_t k = 0; k < n->n_in; k++)
    if (!read_input(b, who, k, s)) return false;
  for (uint32_t k = 0; k < n->n_out; k++) {
    bool cut = b->grids->of_value[n->out[k]] == &b->grids->grids[e->id];
    write_place(b, who, find(b, memory, n->out[k], e->step), n->out[k], cut ? e->slice.axis : NONE,
                &e->slice);
  }
  for (uint32_t k = 0; k < n->n_after; k++)
    if (e->step >= (int64_t)n->after[k].delay)
      wait_for_runs(b, who, n->after[k].node, e->step - (int64_t)n->after[k].delay);
  b->earlier[who] = *last_run(b, e->id, e->step);
  *last_run(b, e->id, e->step) = who;
  return true;
}

static bool read_from(struct builder *b, uint32_t who, int32_t memory) {
  const struct event *e = &b->plan->events[who];
  struct place *p = find(b, memory, e->id, e->step);
  return read_place(b, who, p, e->id, axis_of(b, e), &e->slice);
}

static void write_to(struct builder *b, uint32_t who, int32_t memory) {
  const struct event *e = &b->plan->events[who];
  write_place(b, who, find(b, memory, e->id, e->step), e->id, axis_of(b, e), &e->slice);
}

static bool copy(struct builder *b, uint32_t who, const struct resource *r) {
  const struct event *e = &b->plan->events[who];
  if (!read_from(b, who, r->from)) return missing(b, who, e->id, e->step);
  write_to(b, who, r->to);
  return true;
}

static bool stream(struct builder *b, uint32_t who, const struct resource *r) {
  const struct event *e = &b->plan->events[who];
  if (!read_from(b, who, r->from) && !follow(b, who, (uint32_t)r->from, e->id, e->step))
    return missing(b, who, e->id, e->step);
  note_stream(b, who, (uint32_t)r->to);
  return true;
}

static uint32_t *slot_of(const struct builder *b, const struct event *e) {
  return &b->slots[e->resource][e->address];
}

static bool send(struct builder *b, uint32_t who, const struct resource *r) {
  const struct event *e = &b->plan->events[who];
  if (r->kind == RESOURCE_STREAM) return stream(b, who, r);
  if (!read_from(b, who, r->from)) return missing(b, who, e->id, e->step);
  wait_for(b, who, *slot_of(b, e), WAIT_END, 0);
  *slot_of(b, e) = who;
  return true;
}

static bool receive(struct builder *b, uint32_t who, const struct resource *r) {
  const struct event *e = &b->plan->events[who];
  uint32_t sent = *slot_of(b, e);
  if (sent == NOBODY || b->plan->events[sent].action != ACTION_SEND)
    return missing(b, who, e->id, e->step);
  wait_for(b, who, sent, WAIT_END, r->latency);
  *slot_of(b, e) = who;
  write_to(b, who, r->to);
  return true;
}

static bool wait_for_after(struct builder *b, uint32_t who) {
  const struct event *e = &b->plan->events[who];
  for (uint32_t k = 0; k < e->n_after; k++) {
    if (e->after[k] >= who)
      return err_set(b->err, "%s: event %u comes after event %u, which doesn't stand before it",
                     plan_event_text(b->arena, b->plan, e), who, e->after[k]);
    bool alloc = b->plan->events[e->after[k]].action == ACTION_ALLOC;
    if (alloc && e->action == ACTION_ALLOC)
      return err_set(b->err,
                     "%s: event %u comes after event %u, another ALLOC: they are granted when "
                     "something touches them",
                     plan_event_text(b->arena, b->plan, e), who, e->after[k]);
    if (alloc) // it begins with the first who needs it
      needs_alloc(b, who, e->after[k]);
    else
      wait_for(b, who, e->after[k], WAIT_END, 0);
  }
  return true;
}

static bool add_event(struct builder *b, uint32_t who) {
  const struct event *e = &b->plan->events[who];
  const struct resource *r = &b->plan->machine.resources[e->resource];
  switch (e->action) {
  case ACTION_ALLOC:
    allocate(b, who);
    return true;
  case ACTION_FREE:
    return release(b, who);
  case ACTION_RUN:
    return run(b, who);
  case ACTION_LOAD:
  case ACTION_STORE:
    return copy(b, who, r);
  case ACTION_SEND:
    return send(b, who, r);
  case ACTION_RECV:
    return receive(b, who, r);
  }
  return false;
}

static uint32_t *nobody(struct arena *a, size_t count) {
  uint32_t *list = ARENA_NEW(a, uint32_t, count);
  memset(list, 0xff, count * sizeof *list);
  return list;
}

static size_t count_of(const struct plan *p, enum action action) {
  size_t count = 0;
  for (uint32_t i = 0; i < p->n_events; i++) count += p->events[i].action == action;
  return count;
}

bool waits_find(struct arena *a, const struct plan *p, const struct grids *g, struct waits *w,
                struct err *e) {
  const struct machine *m = &p->machine;
  *w = (struct waits){.room = 2 * p->n_events,
                      .waits = ARENA_NEW(a, struct wait, 2 * (size_t)p->n_events),
                      .first = nobody(a, p->n_events),
                      .allocs = nobody(a, p->n_events)};
  w->open = ARENA_NEW(a, uint32_t, p->n_events);
  struct builder b = {.arena = a, .plan = p, .grids = g, .waits = w, .err = e};
  b.places = index_new(a, count_of(p, ACTION_ALLOC));
  b.streams = index_new(a, count_of(p, ACTION_SEND));
  b.earlier = nobody(a, p->n_events);
  b.last = nobody(a, (size_t)p->graph->n_nodes * (size_t)p->steps);
  b.slots = ARENA_NEW(a, uint32_t *, m->count);
  for (uint32_t i = 0; i < m->count; i++)
    if (m->resources[i].kind == RESOURCE_LINK)
      b.slots[i] = nobody(a, (size_t)m->resources[i].slots);
  for (uint32_t i = 0; i < p->n_events; i++)
    if (!add_event(&b, i) || !wait_for_after(&b, i)) return false;
  return true;
}
