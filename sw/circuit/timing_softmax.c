// SPDX-License-Identifier: Apache-2.0
// The rules of hw/fixed_softmax.sv: a writer of rows, two at most, and a reader that goes through
// each twice, for the sum and for the dividers.
#include "sw/circuit/wires.h"

#include <string.h>

enum { READ = SOFTMAX_READ };

static bool softmax_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->valid;
}

static bool softmax_ready(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->credit > 0;
}

// Of the tree that finds the largest element: a row is there 1 cycle and these behind its last
// beat.
static int64_t levels(const struct timing *t) {
  return t->latency - t->ib - READ;
}

static bool write_row(struct state *s, bool accept) {
  const struct timing *t = &s->cell->timing;
  bool ends = accept && s->in_beat == t->ib - 1, arrives = levels(t) ? s->flight & 1 : ends;
  s->flight >>= 1;
  if (ends && levels(t)) s->flight |= (uint64_t)1 << (levels(t) - 1);
  if (accept) s->in_beat = next_of(s->in_beat, t->ib);
  s->credit -= ends;
  return arrives;
}

// Whether anything has changed.
static bool softmax_step(struct state *s, bool accept, bool leave) {
  const struct timing *t = &s->cell->timing;
  const struct state before = *s;
  bool room = !s->valid || leave, done = s->left == 1 && room, summed = s->group == t->latency;
  bool begins = summed && !s->settles && (!s->left || done), arrives = write_row(s, accept);
  if (room) s->valid = done;
  s->settles = begins ? READ : s->settles ? s->settles - 1 : 0;
  s->left = begins ? t->og : done ? 0 : s->left > 1 ? s->left - 1 : s->left;
  if (s->held && !summed) s->group++;
  if (begins) s->out_beat = next_of(s->out_beat, t->ib);
  if (begins && s->out_beat == 0) {
    s->group = 0;
    s->held--;
    s->credit++;
  }
  s->held += arrives;
  return memcmp(&before, s, sizeof before) != 0;
}

static void softmax_advance(struct state *s, const struct wires *w) {
  softmax_step(s, accepts(s, w, 0), leaves(s, w, 0));
}

static void softmax_idle(struct state *s, const struct wires *w, int64_t cycles) {
  (void)w;
  while (cycles-- && softmax_step(s, false, false)) {
  }
}

static int64_t softmax_wake(const struct state *s, const struct wires *w) {
  struct state copy = *s;
  (void)w;
  return softmax_step(&copy, false, false) ? 1 : NEVER;
}

const struct timing_ops timing_softmax = {.valid = softmax_valid,
                                          .ready = softmax_ready,
                                          .advance = softmax_advance,
                                          .idle = softmax_idle,
                                          .wake = softmax_wake};
