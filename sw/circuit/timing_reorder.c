// SPDX-License-Identifier: Apache-2.0
// The rules of the cells that reorder; each names the module whose header states them.
#include "sw/circuit/wires.h"

// ---- axis_extent: goes on with a beat of the input where there is one, with room for it where one
// leaves, and begins with a frame

static void extent_at(const struct state *s, bool *in, bool *out) {
  circuit_extent_at(&((const struct circuit_reorder *)s->cell->facts)->extent, s->group, in, out);
}

static bool output_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->valid;
}

static bool extent_ready(const struct state *s, const struct wires *w, uint32_t k) {
  bool in, out;
  (void)k;
  extent_at(s, &in, &out);
  return in && (!out || !s->valid || leaves(s, w, 0));
}

static bool extent_step(struct state *s, bool offer, bool accept, bool leave) {
  bool in, out, room = !s->valid || leave;
  extent_at(s, &in, &out);
  bool step = in ? accept : (s->group || offer) && (!out || room);
  s->valid = (step && out) || !room;
  if (step) s->group = next_of(s->group, s->cell->cycles);
  return step;
}

static void extent_advance(struct state *s, const struct wires *w) {
  extent_step(s, offered(s, w, 0), accepts(s, w, 0), leaves(s, w, 0));
}

static void extent_idle(struct state *s, const struct wires *w, int64_t cycles) {
  while (cycles-- && extent_step(s, offered(s, w, 0), false, false)) {
  }
}

static int64_t extent_wake(const struct state *s, const struct wires *w) {
  struct state copy = *s;
  return extent_step(&copy, offered(s, w, 0), false, false) ? 1 : NEVER;
}

const struct timing_ops timing_extent = {output_valid, extent_ready, extent_advance,
                                         extent_idle,  extent_wake,  .passes_ready = true};

// ---- axis_reorder: a writer that is at most two blocks ahead, and a reader of the beats that are
// there, in the order of its walk

static bool blocks_ready(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->group < 2;
}

static bool blocks_step(struct state *s, bool accept, bool leave) {
  const struct circuit_reorder *f = s->cell->facts;
  bool there = s->group > 0 || circuit_blocks_at(&f->blocks, s->out_beat) < s->in_beat;
  bool reads, moves = read_on(s, there, leave, &reads);
  if (accept) s->in_beat = next_of(s->in_beat, f->blocks.in);
  if (reads) s->out_beat = next_of(s->out_beat, f->blocks.out);
  s->group += (accept && s->in_beat == 0) - (reads && s->out_beat == 0);
  return moves;
}

static void blocks_advance(struct state *s, const struct wires *w) {
  blocks_step(s, accepts(s, w, 0), leaves(s, w, 0));
}

static void blocks_idle(struct state *s, const struct wires *w, int64_t cycles) {
  (void)w;
  while (cycles-- && blocks_step(s, false, false)) {
  }
}

static int64_t blocks_wake(const struct state *s, const struct wires *w) {
  struct state copy = *s;
  (void)w;
  return blocks_step(&copy, false, false) ? 1 : NEVER;
}

const struct timing_ops timing_blocks = {.valid = output_valid,
                                         .ready = blocks_ready,
                                         .advance = blocks_advance,
                                         .idle = blocks_idle,
                                         .wake = blocks_wake};
