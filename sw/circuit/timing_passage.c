// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/timing.h"

#include <string.h>

struct state *timing_states(struct arena *a, const struct circuit *p) {
  struct state *cells = ARENA_NEW(a, struct state, p->n_cells);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct timing *t = &p->cells[i].timing;
    // a constant comes one cycle before the others are awake
    bool window = t->kind == TIMING_WINDOW;
    cells[i] =
        (struct state){.cell = &p->cells[i],
                       .credit = t->queue - (window ? circuit_window_held(p->cells[i].facts) : 0),
                       .pipe = t->kind == TIMING_CONSTANT};
  }
  return cells;
}

struct passage passage_new(struct arena *a, const struct circuit *p, uint32_t part,
                           int64_t patience, int64_t cycles) {
  return (struct passage){.circuit = p,
                          .part = part,
                          .patience = patience,
                          .cycles = cycles,
                          .last = ARENA_NEW(a, struct state, p->n_cells),
                          .marked = ARENA_NEW(a, struct state, p->n_cells),
                          .out_beats = ARENA_NEW(a, int64_t, p->n_outputs)};
}

static bool settled(const struct passage *f) {
  return f->steady || f->repeats || f->late;
}

bool passage_known(const struct passage *f) {
  return f->latency && settled(f);
}

bool passage_enters(struct passage *f, const struct wires *w) {
  const struct stream *in = &f->circuit->inputs[f->part];
  return w->moved[in->id] && f->in_beats++ % in->beats == 0 && !settled(f);
}

void passage_enter(struct passage *f, const struct state *cells, int64_t cycle) {
  size_t size = f->circuit->n_cells * sizeof *cells;
  if (!f->entered) f->first = cycle;
  f->ii = f->entered ? cycle - f->since : 0;
  if (f->ii > f->slowest) f->slowest = f->ii;
  f->steady = f->entered && memcmp(f->last, cells, size) == 0;
  f->repeats = f->entered && memcmp(f->marked, cells, size) == 0;
  f->since = cycle;
  f->entered++;
  f->late = f->entered == f->patience || (f->entered > 2 && cycle - f->first >= f->cycles);
  memcpy(f->last, cells, size);
  if (settled(f) || (f->entered & (f->entered - 1)) != 0) return;
  memcpy(f->marked, cells, size);
  f->slowest = 0;
}

// The first frame is through with the last beat of the last of its outputs.
void passage_leave(struct passage *f, const struct wires *w, int64_t cycle) {
  bool through = true, moved = false;
  if (f->latency) return;
  for (uint32_t i = 0; i < f->circuit->n_outputs; i++) {
    const struct stream *out = &f->circuit->outputs[i];
    if (part_of_output(f->circuit, i) != f->part) continue;
    moved |= w->moved[out->id];
    if (w->moved[out->id]) f->out_beats[i]++;
    through &= f->out_beats[i] >= out->beats;
  }
  if (through && moved) f->latency = cycle - f->first;
}

void passage_end(const struct passage *f, struct circuit *p) {
  bool goes = f->latency && settled(f);
  p->latency = goes ? f->latency : 0;
  p->ii = !goes ? INT64_MAX : f->steady ? f->ii : f->slowest;
  // queues that don't fill in all these frames hide how slow a cell is
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (!f->steady && p->cells[i].part == f->part && p->cells[i].cycles > p->ii)
      p->ii = p->cells[i].cycles;
  p->steady = f->steady ? f->entered : INT32_MAX;
}

void passage_each(struct arena *a, struct circuit *p,
                  void (*run)(struct arena *a, struct circuit *p, uint32_t part)) {
  int64_t latest = 0;
  bool goes = true;
  for (uint32_t i = p->n_inputs; i-- > 0;) {
    if (part_of_input(p, i) != i) continue;
    run(a, p, i);
    goes &= p->latency != 0;
    if (p->latency > latest) latest = p->latency;
  }
  p->latency = goes ? latest : 0;
}

struct trace trace_new(struct arena *a, const struct circuit *p, uint32_t part,
                       struct span *spans) {
  struct trace r = {.circuit = p, .spans = spans, .beats = ARENA_NEW(a, int64_t, p->n_streams)};
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->part != part) continue;
    spans[i] = (struct span){.taken = c->n_in ? NONE : 0, .first = NONE, .last = NONE};
    r.open += c->n_out;
  }
  return r;
}

void trace_add(struct trace *r, uint32_t cell, const struct wires *w, int64_t cycle) {
  const struct cell *c = &r->circuit->cells[cell];
  struct span *s = &r->spans[cell];
  for (uint32_t k = 0; k < c->n_in; k++)
    if (s->taken == NONE && w->moved[c->in[k]->id]) s->taken = cycle;
  for (uint32_t k = 0; k < c->n_out; k++) {
    const struct stream *out = c->out[k];
    if (!w->moved[out->id] || r->beats[out->id] == out->beats) continue;
    if (s->first == NONE) s->first = cycle;
    if (++r->beats[out->id] < out->beats) continue;
    s->last = cycle;
    r->open--;
  }
}
