// SPDX-License-Identifier: Apache-2.0
// The rules of hw/axis_slide.sv.
#include "sw/circuit/wires.h"

static const struct circuit_slide *slide_of(const struct state *s) {
  return s->cell->facts;
}

static bool slide_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->valid;
}

// Whether windows of the last row leave, and no column of the next one has begun to come.
static bool alone(const struct state *s) {
  return s->group >= slide_of(s)->in && s->in_beat == 0;
}

// Between two beats of a column that is made up.
static bool making(const struct state *s) {
  return alone(s) && s->out_beat > 0;
}

static bool slide_ready(const struct state *s, const struct wires *w, uint32_t k) {
  (void)k;
  return !making(s) && (!s->read || !s->valid || leaves(s, w, 0));
}

static void column_end(struct state *s) {
  const struct circuit_slide *f = slide_of(s);
  int64_t columns = s->in_beat / f->beats;
  bool last = s->group == circuit_slide_last(f), tail = s->group >= f->in;
  s->group = !last ? s->group + 1 : tail ? columns : 0;
  if (last || !tail) s->in_beat = 0;
}

// Returns whether anything moves.
static bool slide_step(struct state *s, bool offer, bool accept, bool leave) {
  const struct circuit_slide *f = slide_of(s);
  bool load = !s->valid || leave, room = !s->read || load, moves = load && s->read;
  bool make = room && alone(s) && !accept && (making(s) || !offer);
  if (load) s->valid = s->read;
  if (room) s->read = (accept || make) && circuit_slide_gives(f, s->group);
  if (!accept && !make) return moves;
  s->in_beat += accept;
  s->out_beat = next_of(s->out_beat, f->beats);
  if (s->out_beat == 0) column_end(s);
  return true;
}

static void slide_advance(struct state *s, const struct wires *w) {
  slide_step(s, offered(s, w, 0), accepts(s, w, 0), leaves(s, w, 0));
}

static void slide_idle(struct state *s, const struct wires *w, int64_t cycles) {
  while (cycles-- && slide_step(s, offered(s, w, 0), false, false)) {
  }
}

static int64_t slide_wake(const struct state *s, const struct wires *w) {
  struct state copy = *s;
  return slide_step(&copy, offered(s, w, 0), false, false) ? 1 : NEVER;
}

const struct timing_ops timing_slide = {.valid = slide_valid,
                                        .ready = slide_ready,
                                        .advance = slide_advance,
                                        .idle = slide_idle,
                                        .wake = slide_wake,
                                        .passes_ready = true};
