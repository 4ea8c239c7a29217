// SPDX-License-Identifier: Apache-2.0
// What an event needs when it starts, and what is there when it ends.
#include "sw/plan/check_parts.h"

static bool has(const struct checker *c, int32_t memory, uint32_t value, int32_t step, int axis,
                const struct slice *s) {
  return memory != NONE && check_has(c, (uint32_t)memory, value, step, axis, s);
}

// Whoever takes what is being made or streamed begins and ends with it or after it.
static void follows(struct checker *c, const struct instance *i, double start, double end) {
  if (i->start < start || i->end < end)
    check_fault(c, FAULT_EARLY, i, "begins or ends before what it takes, of %.17g..%.17g", start,
                end);
}

// What passes through a place at a step: made there, or streamed to there, be it in several ways.
// False if there is no such thing.
static bool follow(struct checker *c, const struct instance *i, uint32_t place, uint32_t value,
                   int32_t step) {
  int32_t maker = c->graph->values[value].node;
  if (!c->plan->machine.resources[place].passes) return false;
  const struct span *made =
      maker == NONE ? NULL : index_find(&c->runs, place, (uint32_t)maker, step);
  const struct instance *streams = index_find(&c->streams, place, plan_base(c->graph, value), step);
  if (made) follows(c, i, made->start, made->end);
  for (const struct instance *s = streams; !made && s; s = s->other)
    follows(c, i, s->start, s->end);
  return made || streams;
}

static void read_input(struct checker *c, struct instance *i, uint32_t k, const struct slice *s) {
  const struct resource *pe = check_resource(c, i);
  const struct use *u = &c->graph->nodes[i->event->id].in[k];
  int32_t step = plan_step(c->graph, u->value, (int64_t)i->step - u->delay);
  int axis;
  struct slice part;
  int32_t memory = pe->memory;
  if (!grids_read(&c->scratch, &c->grids, i->event->id, s, k, &axis, &part)) return;
  if (!has(c, memory, u->value, step, axis, &part)) {
    if (follow(c, i, (uint32_t)memory, u->value, step)) return;
    if (pe->constants != NONE && index_find(&c->blocks, (uint32_t)pe->constants, u->value, step))
      memory = pe->constants;
  }
  check_read(c, i, (uint32_t)memory, u->value, step, axis, &part);
}

static void count_run(struct checker *c, const struct instance *i) {
  const struct event *e = i->event;
  struct grid *grid = &c->grids.grids[e->id];
  uint8_t **done = &c->done[(size_t)e->id * (size_t)c->steps + (size_t)i->step];
  if (!*done) *done = ARENA_NEW(&c->scratch, uint8_t, grid->cells);
  if (!check_mark(grid, *done, e->slice.axis, &e->slice))
    check_fault(c, FAULT_TWICE, i, "it was run before, or a part of it");
}

static void keep_order(struct checker *c, const struct instance *i) {
  const struct node *n = &c->graph->nodes[i->event->id];
  for (uint32_t k = 0; k < n->n_after; k++) {
    int64_t step = (int64_t)i->step - n->after[k].delay;
    if (step >= 0 && *check_ended(c, n->after[k].node, (int32_t)step) > i->start)
      check_fault(c, FAULT_ORDER, i, "\"%s\" of step %lld must have ended",
                  c->graph->nodes[n->after[k].node].name, (long long)step);
  }
}

// The axis of an output that a RUN's slice restricts, or NONE.
static int axis_written(const struct checker *c, const struct event *e, uint32_t value) {
  return c->grids.of_value[value] == &c->grids.grids[e->id] ? e->slice.axis : NONE;
}

static void start_run(struct checker *c, struct instance *i) {
  const struct event *e = i->event;
  const struct node *n = &c->graph->nodes[e->id];
  const struct slice *s = e->slice.ranges ? &e->slice : &c->grids.own[e->id];
  uint32_t memory = (uint32_t)check_resource(c, i)->memory;
  count_run(c, i);
  keep_order(c, i);
  check_take_scratch(c, i, memory);
  for (uint32_t k = 0; k < n->n_in; k++) read_input(c, i, k, s);
  for (uint32_t k = 0; k < n->n_out; k++) {
    uint32_t v = n->out[k];
    if (type_is_ref(&c->graph->values[v].type)) continue;
    bool passes = c->plan->machine.resources[memory].passes;
    if (!passes || index_find(&c->blocks, memory, v, i->step))
      check_write(c, i, memory, v, axis_written(c, e, v));
  }
}

static void end_run(struct checker *c, const struct instance *i) {
  const struct node *n = &c->graph->nodes[i->event->id];
  uint32_t memory = (uint32_t)check_resource(c, i)->memory;
  for (uint32_t k = 0; k < n->n_out; k++)
    check_written(c, i, memory, n->out[k], axis_written(c, i->event, n->out[k]));
}

static int axis_of(const struct checker *c, const struct event *e) {
  return e->slice.ranges ? c->grids.of_value[e->id]->axis_of[e->slice.axis] : NONE;
}

static void start_copy(struct checker *c, struct instance *i) {
  const struct resource *r = check_resource(c, i);
  const struct event *e = i->event;
  check_read(c, i, (uint32_t)r->from, e->id, i->step, axis_of(c, e), &e->slice);
  check_write(c, i, (uint32_t)r->to, e->id, axis_of(c, e));
}

static struct instance **slot_of(const struct checker *c, const struct instance *i) {
  return &c->slots[i->event->resource][i->event->address];
}

static void start_send(struct checker *c, struct instance *i) {
  const struct resource *r = check_resource(c, i);
  const struct event *e = i->event;
  bool streams = r->kind == RESOURCE_STREAM;
  if (streams && !has(c, r->from, e->id, i->step, NONE, &e->slice) &&
      follow(c, i, (uint32_t)r->from, e->id, i->step))
    return;
  check_read(c, i, (uint32_t)r->from, e->id, i->step, axis_of(c, e), &e->slice);
  if (streams) return;
  if (*slot_of(c, i)) check_fault(c, FAULT_SLOT, i, "slot %lld isn't empty", (long long)e->address);
  *slot_of(c, i) = i;
}

static void receive(struct checker *c, struct instance *i) {
  const struct resource *r = check_resource(c, i);
  const struct event *e = i->event;
  const struct instance *sent = *slot_of(c, i);
  bool same = sent && sent->event->id == e->id && sent->step == i->step &&
              slice_same(&sent->event->slice, &e->slice);
  if (!same)
    check_fault(c, FAULT_SLOT, i, "slot %lld doesn't hold it", (long long)e->address);
  else if (sent->end + r->latency > i->start)
    check_fault(c, FAULT_SLOT, i, "it arrives at %.17g", sent->end + r->latency);
  *slot_of(c, i) = NULL;
  check_write(c, i, (uint32_t)r->to, e->id, axis_of(c, e));
  check_written(c, i, (uint32_t)r->to, e->id, axis_of(c, e));
  check_release(i);
}

static void occupy(struct checker *c, const struct instance *i) {
  double *busy = &c->busy[i->event->resource];
  if (i->start < *busy) check_fault(c, FAULT_BUSY, i, "it is at work until %.17g", *busy);
  if (i->end > *busy) *busy = i->end;
}

// What it is after, of the same period; what has no meaning never ends.
static void come_after(struct checker *c, const struct instance *i) {
  double shift = i->start - i->event->start;
  for (uint32_t k = 0; k < i->event->n_after; k++) {
    const struct event *e = &c->plan->events[i->event->after[k]];
    if (e->end + shift <= i->start) continue;
    check_fault(c, FAULT_ORDER, i, "it is after %s, which ends at %.17g",
                plan_event_text(&c->scratch, c->plan, e), e->end + shift);
  }
}

void check_start(struct checker *c, struct instance *i) {
  if (i->end > i->start) occupy(c, i);
  come_after(c, i);
  switch (i->event->action) {
  case ACTION_ALLOC:
    check_alloc(c, i);
    break;
  case ACTION_FREE:
    check_free(c, i);
    break;
  case ACTION_RUN:
    start_run(c, i);
    break;
  case ACTION_LOAD:
  case ACTION_STORE:
    start_copy(c, i);
    break;
  case ACTION_SEND:
    start_send(c, i);
    break;
  case ACTION_RECV:
    receive(c, i);
    break;
  }
}

void check_end(struct checker *c, const struct instance *i) {
  const struct event *e = i->event;
  if (e->action == ACTION_RUN) end_run(c, i);
  if (e->action == ACTION_RUN) check_give_scratch(c, i, (uint32_t)check_resource(c, i)->memory);
  if (e->action == ACTION_LOAD || e->action == ACTION_STORE)
    check_written(c, i, (uint32_t)check_resource(c, i)->to, e->id, axis_of(c, e));
  check_release(i);
}
