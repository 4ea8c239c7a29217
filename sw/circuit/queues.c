// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/builder.h"
#include "sw/circuit/timing.h"

enum { QUEUE_MOST = 1 << 14, ROUNDS_MOST = 14, WORTH = 256 };

static bool in_part(const struct cell *c, uint32_t part, enum timing_kind kind) {
  return c->part == part && c->timing.kind == kind;
}

static int64_t lower(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// Places for beats that wait: any number is right.
static bool waits(const struct cell *c, uint32_t part) {
  return in_part(c, part, TIMING_QUEUE) || in_part(c, part, TIMING_STATE);
}

// Twice the places, unless there are very many; those of what is remembered don't count.
static bool grow_queue(struct cell *c) {
  struct timing *t = &c->timing;
  if (t->queue - (t->kind == TIMING_STATE ? t->ib : 0) >= QUEUE_MOST) return false;
  t->queue *= 2;
  return true;
}

// Pixels of a window's ring come and go in whole rows if it hands out columns.
static int64_t window_unit(const struct circuit_window *w) {
  return w->taps > 1 ? w->used[COLUMNS] : 1;
}

// One more row, to no more than the image.
static bool grow_window(struct cell *c) {
  const struct circuit_window *w = c->facts;
  int64_t image = w->used[ROWS] * w->used[COLUMNS], before = w->capacity;
  if (before < image) circuit_window_resize(c, lower(before + w->used[COLUMNS], image));
  return w->capacity > before;
}

// Those that are too small cost cycles, or let a join wait for ever: all grow until the slowest
// cell sets the pace.
static void grow_queues(struct circuit *p, uint32_t part, int64_t bottleneck) {
  bool any = true;
  timing_pace(p, part, PACE_FRAMES, NULL);
  for (int round = 0; any && p->ii > bottleneck && round < ROUNDS_MOST; round++) {
    any = false;
    for (uint32_t i = 0; i < p->n_cells; i++) {
      struct cell *c = &p->cells[i];
      if (in_part(c, part, TIMING_WINDOW)) any |= grow_window(c);
      if (waits(c, part)) any |= grow_queue(c);
      if (!in_part(c, part, TIMING_LINEAR) || c->timing.queue >= QUEUE_MOST) continue;
      circuit_linear_queue(c, 2 * c->timing.queue);
      any = true;
    }
    if (any) timing_pace(p, part, PACE_FRAMES, NULL);
  }
}

// What queues hold when they have room for everything, and a place more so that a full one still
// takes a beat while one leaves: with that nothing comes later. The other cells stay as they are.
static void fit_queues(struct arena *a, struct circuit *p, uint32_t part) {
  int64_t *most = ARENA_NEW(a, int64_t, p->n_cells);
  bool any = false;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (!in_part(&p->cells[i], part, TIMING_QUEUE)) continue;
    p->cells[i].timing.queue = QUEUE_MOST;
    any = true;
  }
  if (!any) return;
  timing_pace(p, part, PACE_FRAMES, most);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (in_part(&p->cells[i], part, TIMING_QUEUE)) p->cells[i].timing.queue = most[i] + 1;
}

static bool stops_as_a_whole(const struct cell *c) {
  return c->timing.kind == TIMING_PIPE || c->timing.kind == TIMING_ARGMAX;
}

// Whether the circuit flows whatever its source and its sinks do. A pipe that stands still may hold
// a single beat, with bubbles behind it, so that no more of its stages count as places. With them
// what a frame's beats wait for is a network of processes and bounded queues, which stands still
// under every order of steps or under none: one run tells, and more places never hurt.
static bool flows_always(struct arena *a, struct circuit *p, uint32_t part) {
  int64_t *latency = ARENA_NEW(a, int64_t, p->n_cells);
  struct circuit before = *p;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    latency[i] = p->cells[i].timing.latency;
    if (stops_as_a_whole(&p->cells[i])) p->cells[i].timing.latency = 1;
  }
  timing_pace(p, part, PACE_FRAMES, NULL);
  bool flows = p->latency != 0;
  for (uint32_t i = 0; i < p->n_cells; i++) p->cells[i].timing.latency = latency[i];
  *p = before;
  return flows;
}

// Twice the places until no stall can stop the circuit for ever.
static void secure_queues(struct arena *a, struct circuit *p, uint32_t part) {
  bool any = true;
  while (any && p->latency && !flows_always(a, p, part)) {
    any = false;
    for (uint32_t i = 0; i < p->n_cells; i++)
      if (waits(&p->cells[i], part)) any |= grow_queue(&p->cells[i]);
    if (any) timing_pace(p, part, PACE_FRAMES, NULL);
  }
  if (p->latency && !flows_always(a, p, part)) p->latency = 0; // no depth is enough
}

// The fewest places of a queue in front of a join with which no stall stops the circuit for ever,
// and, unless `pace` is 0, the pace stays what it is in `frames` frames.
static int64_t fewest(struct arena *a, struct circuit *p, struct cell *c, int64_t pace,
                      int64_t frames) {
  struct timing *t = &c->timing;
  uint32_t part = c->part;
  // `least` are too few: what is remembered of the last frame has its place though nobody reads it
  int64_t before = t->queue, least = t->kind == TIMING_STATE ? t->ib - 1 : 0, enough = before;
  while (enough - least > 1) {
    t->queue = (least + enough) / 2;
    if (pace) timing_pace(p, part, frames, NULL);
    if ((!pace || p->ii == pace) && flows_always(a, p, part))
      enough = t->queue;
    else
      least = t->queue;
  }
  t->queue = before;
  return enough;
}

// A queue behind a linear layer, or a window's ring, which has grown beyond `least`.
struct elastic {
  struct cell *cell;
  int64_t least, before;
};

// Nearer to the least: half of a power of two, or of what a window has beyond it.
static int64_t half_way(const struct elastic *e) {
  int64_t places = e->cell->timing.queue;
  if (e->cell->timing.kind == TIMING_LINEAR) return places > e->least ? places / 2 : places;
  int64_t unit = window_unit(e->cell->facts);
  return e->least + (places - e->least) / 2 / unit * unit;
}

static void resize(struct cell *c, int64_t places) {
  if (c->timing.kind == TIMING_LINEAR)
    circuit_linear_queue(c, places);
  else
    circuit_window_resize(c, places);
}

// What going half way would save of them, in bits.
static int64_t saving(const struct elastic *e, size_t n) {
  int64_t bits = 0;
  for (size_t i = 0; i < n; i++) {
    const struct cell *c = e[i].cell;
    const struct stream *s = c->timing.kind == TIMING_LINEAR ? c->out[0] : c->in[0];
    int64_t pixel = 1;
    if (c->timing.kind == TIMING_WINDOW) pixel = ((const struct circuit_window *)c->facts)->beats;
    bits += (c->timing.queue - half_way(&e[i])) * pixel * s->lanes * s->width;
  }
  return bits;
}

static int64_t memory(const struct circuit *p) {
  int64_t bits = 0;
  for (uint32_t i = 0; i < p->n_cells; i++) bits += p->cells[i].memory_bits;
  return bits;
}

// The fewest places of n of them with which the pace stays what it is, or not many more: all at
// once, and where that is too much in halves, as long as it is worth a run.
static void shrink_elastics(struct circuit *p, struct elastic *e, size_t n, int64_t pace,
                            int64_t frames) {
  while (saving(e, n) > memory(p) / WORTH) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
      e[i].before = e[i].cell->timing.queue;
      int64_t places = half_way(&e[i]);
      if (places == e[i].before) continue;
      any = true;
      resize(e[i].cell, places);
    }
    if (!any) return;
    timing_pace(p, e->cell->part, frames, NULL);
    if (p->ii == pace) continue;
    for (size_t i = 0; i < n; i++)
      if (e[i].cell->timing.queue != e[i].before) resize(e[i].cell, e[i].before);
    if (n == 1) return;
    shrink_elastics(p, e, n / 2, pace, frames);
    shrink_elastics(p, e + n / 2, n - n / 2, pace, frames);
    return;
  }
}

static int64_t slowest(const struct circuit *p, uint32_t part) {
  int64_t cycles = 1;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == part && p->cells[i].cycles > cycles) cycles = p->cells[i].cycles;
  return cycles;
}

// Queues first: deep ones would make up for rings that have become too small.
static void shrink(struct arena *a, struct circuit *p, uint32_t part, const int64_t *least,
                   int64_t frames) {
  struct elastic *e = ARENA_NEW(a, struct elastic, p->n_cells);
  int64_t pace = p->ii;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (!waits(c, part)) continue;
    c->timing.queue = fewest(a, p, c, pace, frames);
    c->memory_bits = c->timing.queue * (c->in[0]->lanes * c->in[0]->width + 1);
  }
  size_t n = 0;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (in_part(&p->cells[i], part, TIMING_LINEAR) || in_part(&p->cells[i], part, TIMING_WINDOW))
      e[n++] = (struct elastic){&p->cells[i], least[i], 0};
  if (n) shrink_elastics(p, e, n, pace, frames);
}

static void set_places(struct circuit *p, uint32_t part, const int64_t *places) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (waits(c, part))
      c->timing.queue = places[i];
    else if (in_part(c, part, TIMING_LINEAR) || in_part(c, part, TIMING_WINDOW))
      resize(c, places[i]);
  }
}

static int64_t *places_of(struct arena *a, const struct circuit *p) {
  int64_t *places = ARENA_NEW(a, int64_t, p->n_cells);
  for (uint32_t i = 0; i < p->n_cells; i++) places[i] = p->cells[i].timing.queue;
  return places;
}

// Cells that are exactly as slow as each other may keep the pace for many frames before it is seen
// that they don't: then more are looked at.
static void size_part(struct arena *a, struct circuit *p, uint32_t part) {
  const int64_t *least = places_of(a, p);
  fit_queues(a, p, part);
  grow_queues(p, part, slowest(p, part));
  secure_queues(a, p, part);
  if (!p->latency) return;
  const int64_t pace = p->ii, *most = places_of(a, p);
  for (int64_t frames = PACE_FRAMES; frames <= FRAMES_MOST; frames *= 4) {
    set_places(p, part, most);
    p->ii = pace;
    shrink(a, p, part, least, frames);
    timing_run_part(p, part);
    if (p->ii <= pace) break;
  }
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == part) p->cells[i].ii = p->ii;
}

void queues_size(struct arena *a, struct circuit *p) {
  passage_each(a, p, size_part);
}

void queues_least(struct circuit *p, int64_t *least) {
  struct arena a = {0};
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    least[i] = waits(c, c->part) ? fewest(&a, p, c, 0, PACE_FRAMES) : 0;
  }
  arena_free(&a);
}
