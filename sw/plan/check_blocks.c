// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/check_parts.h"

#include <string.h>

// ---- bytes

static bool overlaps(const struct block *a, const struct block *b) {
  if (a->address == NONE || b->address == NONE) return false;
  return a->address < b->address + b->bytes && b->address < a->address + a->bytes;
}

// Element by element over one another.
static bool in_place(const struct checker *c, const struct block *a, const struct block *b) {
  return c->roots[a->value] == c->roots[b->value] && a->step == b->step &&
         a->address == b->address && a->address != NONE && a->bytes == b->bytes &&
         c->plan->bytes[a->value] == c->plan->bytes[b->value] && slice_same(&a->slice, &b->slice);
}

static bool shares(const struct checker *c, const struct memory_state *m, const struct block *b) {
  for (uint32_t k = 0; k < m->count; k++)
    if (m->live[k] != b && in_place(c, m->live[k], b)) return true;
  return false;
}

static void find_meetings(struct checker *c, const struct instance *i, struct memory_state *m,
                          struct block *b) {
  for (uint32_t k = 0; k < m->count; k++) {
    struct block *other = m->live[k];
    if (!overlaps(b, other)) continue;
    b->meets = other->meets = true;
    if (!in_place(c, b, other))
      check_fault(c, FAULT_OVERLAP, i, "bytes %lld.. belong to \"%s\" of step %d",
                  (long long)other->address, c->graph->values[other->value].name, other->step);
  }
}

static void find_place(struct checker *c, const struct instance *i, uint32_t memory) {
  const struct resource *r = &c->plan->machine.resources[memory];
  const struct event *e = i->event;
  if (e->address == NONE) return;
  if (e->address % r->align)
    check_fault(c, FAULT_PLACE, i, "address %lld is no multiple of %lld", (long long)e->address,
                (long long)r->align);
  if (r->bytes != NONE && e->address > r->bytes - e->bytes)
    check_fault(c, FAULT_PLACE, i, "%lld bytes at %lld end behind the memory's %lld",
                (long long)e->bytes, (long long)e->address, (long long)r->bytes);
}

static void fill(struct checker *c, const struct instance *i, uint32_t memory, int64_t bytes) {
  const struct resource *r = &c->plan->machine.resources[memory];
  struct memory_state *m = &c->memories[memory];
  m->used += bytes;
  if (r->bytes != NONE && m->used > r->bytes)
    check_fault(c, FAULT_CAPACITY, i, "%lld of %lld bytes in use", (long long)m->used,
                (long long)r->bytes);
}

// Bytes that the events of two blocks or RUNs both take.
static bool both_take(const struct event *a, const struct event *b) {
  return a->address != NONE && b->address != NONE && a->address < b->address + b->bytes &&
         b->address < a->address + a->bytes;
}

static void find_workers(struct checker *c, const struct instance *i,
                         const struct memory_state *m) {
  for (uint32_t k = 0; k < m->n_working; k++)
    if (both_take(i->event, m->working[k]->event))
      check_fault(c, FAULT_OVERLAP, i, "bytes %lld.. are scratch of \"%s\"",
                  (long long)m->working[k]->event->address,
                  c->graph->nodes[m->working[k]->event->id].name);
}

void check_take_scratch(struct checker *c, const struct instance *i, uint32_t memory) {
  const struct event *e = i->event;
  struct memory_state *m = &c->memories[memory];
  if (!e->bytes) return;
  find_place(c, i, memory);
  find_workers(c, i, m);
  for (uint32_t k = 0; k < m->count; k++) {
    const struct block *b = m->live[k];
    const struct event taken = {.address = b->address, .bytes = b->bytes};
    if (both_take(e, &taken))
      check_fault(c, FAULT_OVERLAP, i, "bytes %lld.. belong to \"%s\" of step %d",
                  (long long)b->address, c->graph->values[b->value].name, b->step);
  }
  fill(c, i, memory, e->bytes);
  if (m->n_working == m->room_working) {
    m->room_working = m->room_working ? 2 * m->room_working : 4;
    const struct instance **more = ARENA_NEW(&c->scratch, const struct instance *, m->room_working);
    if (m->n_working) memcpy(more, m->working, m->n_working * sizeof(*more));
    m->working = more;
  }
  m->working[m->n_working++] = i;
}

void check_give_scratch(struct checker *c, const struct instance *i, uint32_t memory) {
  struct memory_state *m = &c->memories[memory];
  for (uint32_t k = 0; k < m->n_working; k++)
    if (m->working[k] == i) {
      m->used -= i->event->bytes;
      m->working[k] = m->working[--m->n_working];
      return;
    }
}

// ---- content

struct marks {
  uint8_t *cells;
  bool all, none; // marked before
};

static void marks_look(void *context, int64_t begin, int64_t end) {
  struct marks *s = context;
  if (memchr(s->cells + begin, 0, (size_t)(end - begin))) s->all = false;
  if (memchr(s->cells + begin, 1, (size_t)(end - begin))) s->none = false;
}

static void marks_set(void *context, int64_t begin, int64_t end) {
  struct marks *s = context;
  marks_look(context, begin, end);
  memset(s->cells + begin, 1, (size_t)(end - begin));
}

bool check_mark(const struct grid *g, uint8_t *cells, int axis, const struct slice *s) {
  struct marks marks = {cells, true, true};
  grid_each(g, axis, s, marks_set, &marks);
  return marks.none;
}

static uint32_t times_held(const struct instance *i, const struct block *b) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < i->n_held; k++) n += i->held[k] == b;
  return n;
}

// ---- the blocks of a value

static struct place *place_of(const struct checker *c, uint32_t memory, uint32_t value,
                              int32_t step) {
  return index_find(&c->blocks, memory, value, step);
}

// Its blocks in some cells, each once in a row.
struct walk {
  const struct place *place;
  void (*use)(void *context, struct block *b);
  void *context;
  struct block *last;
  bool all; // every cell has a block
};

static void walk_cells(void *context, int64_t begin, int64_t end) {
  struct walk *w = context;
  for (int64_t k = begin; k < end; k++) {
    struct block *b = w->place->part[k];
    w->all &= b != NULL;
    if (b && b != w->last && w->use) w->use(w->context, b);
    w->last = b;
  }
}

// False if there isn't a block everywhere.
static bool each_block(const struct place *p, int axis, const struct slice *s,
                       void (*use)(void *context, struct block *b), void *context) {
  struct walk w = {p, use, context, NULL, true};
  if (!p) return false;
  if (p->whole) {
    if (use) use(context, p->whole);
    return true;
  }
  if (!p->parts) return false;
  grid_each(p->grid, axis, s, walk_cells, &w);
  return w.all;
}

static bool is_there(const struct place *p, int axis, const struct slice *s) {
  struct marks marks = {p->valid, true, true};
  grid_each(p->grid, axis, s, marks_look, &marks);
  return marks.all;
}

static void marks_clear(void *context, int64_t begin, int64_t end) {
  struct marks *s = context;
  memset(s->cells + begin, 0, (size_t)(end - begin));
}

// The axis of its place's grid that a block is a part of, or NONE.
static int axis_of(const struct block *b) {
  return b->slice.ranges ? b->place->grid->axis_of[b->slice.axis] : NONE;
}

// A block has no content any more.
static void forget(const struct block *b) {
  struct marks marks = {b->place->valid, true, true};
  grid_each(b->place->grid, axis_of(b), &b->slice, marks_clear, &marks);
}

struct owner {
  struct block **part;
  struct block *block;
};

static void own_cells(void *context, int64_t begin, int64_t end) {
  struct owner *o = context;
  for (int64_t k = begin; k < end; k++) o->part[k] = o->block;
}

// Its cells are the block's, or nobody's.
static void give(struct checker *c, struct block *b, struct block *to) {
  struct place *p = b->place;
  if (!b->slice.ranges) {
    p->whole = to;
    return;
  }
  if (!p->part) p->part = ARENA_NEW(&c->scratch, struct block *, p->grid->cells);
  struct owner o = {p->part, to};
  grid_each(p->grid, axis_of(b), &b->slice, own_cells, &o);
  p->parts = to ? p->parts + 1 : p->parts - 1;
}

// Whether a RUN can write over a block that it reads: element by element, or a whole one channel by
// channel.
static bool may_write_over(const struct checker *c, const struct instance *i,
                           const struct block *b) {
  if (i->event->action != ACTION_RUN) return false;
  const struct node *n = &c->graph->nodes[i->event->id];
  for (uint32_t k = 0; k < n->n_in; k++) {
    if (n->in[k].value != b->value || n->in[k].delay) continue;
    bool channels = k == 0 && !b->slice.ranges && plan_scratch(c->graph, n, c->plan->bytes) != NONE;
    if (!plan_over(c->graph, n, k) && !channels) return false;
  }
  return true;
}

// Whatever else lies at the bytes of b has no content any more.
static void write_over(struct checker *c, const struct instance *i, const struct block *b) {
  const struct memory_state *m = &c->memories[b->memory];
  for (uint32_t k = 0; b->meets && k < m->count; k++) {
    struct block *other = m->live[k];
    if (other == b || !overlaps(b, other)) continue;
    uint32_t own = times_held(i, other);
    if (own && in_place(c, b, other) && !may_write_over(c, i, other))
      check_fault(c, FAULT_LOST, i, "writes over \"%s\" of step %d, which it reads",
                  c->graph->values[other->value].name, other->step);
    if (other->users > own)
      check_fault(c, FAULT_LOST, i, "writes over \"%s\" of step %d, which is in use",
                  c->graph->values[other->value].name, other->step);
    forget(other);
    other->lost = true;
  }
}

// ---- blocks

static void remember(struct checker *c, struct memory_state *m, struct block *b) {
  if (m->count == m->room) {
    m->room = m->room ? 2 * m->room : 16;
    struct block **more = ARENA_NEW(&c->scratch, struct block *, m->room);
    if (m->count) memcpy(more, m->live, m->count * sizeof *more);
    m->live = more;
  }
  m->live[m->count++] = b;
}

static struct place *place_new(struct checker *c, const struct instance *i) {
  const struct event *e = i->event;
  struct place *p = ARENA_NEW(&c->scratch, struct place, 1);
  const struct grid *grid = c->grids.of_value[e->id];
  *p = (struct place){.grid = grid, .valid = ARENA_NEW(&c->scratch, uint8_t, grid->cells)};
  index_set(&c->blocks, e->resource, e->id, i->step, p);
  return p;
}

static struct block *block_new(struct checker *c, const struct instance *i, struct place *p) {
  const struct event *e = i->event;
  struct block *b = ARENA_NEW(&c->scratch, struct block, 1);
  *b = (struct block){.memory = e->resource,
                      .value = e->id,
                      .step = i->step,
                      .slice = e->slice,
                      .address = e->address,
                      .bytes = e->bytes,
                      .place = p};
  return b;
}

// Bytes of the part of a value that a block is for.
static int64_t bytes_needed(const struct checker *c, const struct block *b) {
  return plan_slice_bytes(c->plan, b->value, &b->slice);
}

static void meet(void *context, struct block *b) {
  (void)b;
  *(bool *)context = true;
}

void check_alloc(struct checker *c, const struct instance *i) {
  const struct event *e = i->event;
  const struct resource *r = &c->plan->machine.resources[e->resource];
  struct memory_state *m = &c->memories[e->resource];
  struct place *p = place_of(c, e->resource, e->id, i->step);
  if (!p) p = place_new(c, i);
  struct block *b = block_new(c, i, p);
  bool there = !b->slice.ranges && p->parts;
  each_block(p, axis_of(b), &b->slice, meet, &there);
  if (there) {
    check_fault(c, FAULT_DOUBLE, i, "it is there");
    return;
  }
  find_place(c, i, e->resource);
  find_meetings(c, i, m, b);
  find_workers(c, i, m);
  if (b->bytes < bytes_needed(c, b))
    check_fault(c, FAULT_SIZE, i, "%lld bytes, %lld needed", (long long)b->bytes,
                (long long)bytes_needed(c, b));
  fill(c, i, e->resource, shares(c, m, b) ? 0 : b->bytes);
  remember(c, m, b);
  give(c, b, b);
  forget(b);
  if (!r->home || !plan_is_given(c->graph, e->id, i->step)) return;
  write_over(c, i, b);
  check_mark(p->grid, p->valid, axis_of(b), &b->slice);
}

// What is wrong where a value has no block in a memory.
static void lacks(struct checker *c, const struct instance *i, uint32_t memory, uint32_t value,
                  int32_t step) {
  const struct place *p = place_of(c, memory, value, step);
  bool was = p && p->was;
  const char *some = p && p->parts ? "a part of " : "";
  check_fault(c, was ? FAULT_FREED : FAULT_ABSENT, i, "%s\"%s\" of step %d %s %s", some,
              c->graph->values[value].name, step, was ? "was freed in" : "is not in",
              c->plan->machine.resources[memory].name);
}

static void take_first(void *context, struct block *b) {
  struct block **first = context;
  if (!*first) *first = b;
}

// The block that an event allocated, if it lives.
static struct block *find(const struct place *p, const struct slice *s) {
  struct block *b = NULL;
  int axis = p && s->ranges ? p->grid->axis_of[s->axis] : NONE;
  each_block(p, axis, s, take_first, &b);
  return b && slice_same(&b->slice, s) ? b : NULL;
}

void check_free(struct checker *c, const struct instance *i) {
  const struct event *e = i->event;
  struct memory_state *m = &c->memories[e->resource];
  struct place *p = place_of(c, e->resource, e->id, i->step);
  struct block *b = find(p, &e->slice);
  if (!b) {
    lacks(c, i, e->resource, e->id, i->step);
    return;
  }
  if (b->users) check_fault(c, FAULT_HELD, i, "it is in use");
  if (b->bytes != e->bytes)
    check_fault(c, FAULT_SIZE, i, "gives back %lld bytes of %lld", (long long)e->bytes,
                (long long)b->bytes);
  forget(b);
  give(c, b, NULL);
  p->was = true;
  uint32_t k = 0;
  while (m->live[k] != b) k++;
  m->live[k] = m->live[--m->count];
  if (!shares(c, m, b)) m->used -= b->bytes;
}

// ---- readers and writers

struct use_of {
  struct checker *checker;
  struct instance *instance;
  bool lost;
};

static void hold(struct checker *c, struct instance *i, struct block *b) {
  if (i->n_held == i->room_held) {
    i->room_held = 2 * i->room_held + 4;
    struct block **more = ARENA_NEW(&c->scratch, struct block *, i->room_held);
    if (i->n_held) memcpy(more, i->held, i->n_held * sizeof *more);
    i->held = more;
  }
  i->held[i->n_held++] = b;
  b->users++;
}

void check_release(const struct instance *i) {
  for (uint32_t k = 0; k < i->n_held; k++) i->held[k]->users--;
}

bool check_has(const struct checker *c, uint32_t memory, uint32_t value, int32_t step, int axis,
               const struct slice *s) {
  const struct place *p = place_of(c, memory, value, step);
  return p && (p->whole || p->parts) && is_there(p, axis, s);
}

static void read_block(void *context, struct block *b) {
  struct use_of *u = context;
  u->lost |= b->lost;
  hold(u->checker, u->instance, b);
}

void check_read(struct checker *c, struct instance *i, uint32_t memory, uint32_t value,
                int32_t step, int axis, const struct slice *s) {
  struct use_of u = {c, i, false};
  const struct place *p = place_of(c, memory, value, step);
  if (!each_block(p, axis, s, read_block, &u)) {
    lacks(c, i, memory, value, step);
    return;
  }
  if (!is_there(p, axis, s))
    check_fault(c, u.lost ? FAULT_LOST : FAULT_EARLY, i, "\"%s\" of step %d %s",
                c->graph->values[value].name, step,
                u.lost ? "was written over" : "isn't there yet");
}

static struct block *whole_of(const struct checker *c, uint32_t memory, uint32_t value,
                              int32_t step) {
  const struct place *p = place_of(c, memory, value, step);
  return p ? p->whole : NULL;
}

// A reshaped array that stays where it is, is written by nobody.
static bool stays(const struct checker *c, const struct instance *i, const struct block *b) {
  if (i->event->action != ACTION_RUN) return false;
  const struct node *n = &c->graph->nodes[i->event->id];
  if (!op_is(n->op, TRAIT_ALIAS) || n->in[0].delay) return false;
  const struct block *from = whole_of(c, b->memory, n->in[0].value, b->step);
  return from && in_place(c, from, b);
}

// A window over each channel that lies over its input needs room for one of them.
static void find_scratch(struct checker *c, const struct instance *i, const struct block *b) {
  const struct event *e = i->event;
  if (e->action != ACTION_RUN) return;
  const struct node *n = &c->graph->nodes[e->id];
  int64_t needed = plan_scratch(c->graph, n, c->plan->bytes);
  if (needed == NONE) return;
  const struct block *from = whole_of(c, b->memory, n->in[0].value, b->step);
  if (from && in_place(c, from, b) && e->bytes < needed)
    check_fault(c, FAULT_SIZE, i, "%lld bytes of scratch, %lld needed over its input",
                (long long)e->bytes, (long long)needed);
}

static void write_block(void *context, struct block *b) {
  struct use_of *u = context;
  find_scratch(u->checker, u->instance, b);
  if (!stays(u->checker, u->instance, b)) write_over(u->checker, u->instance, b);
  hold(u->checker, u->instance, b);
}

void check_write(struct checker *c, struct instance *i, uint32_t memory, uint32_t value, int axis) {
  struct use_of u = {c, i, false};
  const struct place *p = place_of(c, memory, value, i->step);
  if (!each_block(p, axis, &i->event->slice, write_block, &u)) lacks(c, i, memory, value, i->step);
}

static void mark_block(void *context, int64_t begin, int64_t end) {
  const struct place *p = context;
  for (int64_t k = begin; k < end; k++)
    if (p->part[k]) p->valid[k] = 1;
}

void check_written(struct checker *c, const struct instance *i, uint32_t memory, uint32_t value,
                   int axis) {
  struct place *p = place_of(c, memory, value, i->step);
  if (p && p->whole) check_mark(p->grid, p->valid, axis, &i->event->slice);
  if (p && p->parts) grid_each(p->grid, axis, &i->event->slice, mark_block, p);
}
