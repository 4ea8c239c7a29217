// SPDX-License-Identifier: Apache-2.0
// The cycle model: the control state of every cell, one clock cycle at a time, with a source that
// always offers and a sink that always takes. It states II and latency before any simulator runs.
//
//     source --> [cell 0] --> [cell 1] --> ... --> sink
//             link 0      link 1       link n
//
// In a cycle, valid is known from state; ready is settled from the sink backwards, because it may
// pass through a cell; a link moves a beat where both hold; then every state advances.
#include "sw/circuit/facts.h"

#include <string.h>

enum { FRAMES_LEAST = 4, FRAMES_MOST = 64 };

struct state {
  const struct cell *cell;
  bool valid;                // FRAME
  int64_t held;              // REGISTER: beats; RESIZE: elements; LINEAR: beats in the queue
  int64_t in_beat, out_beat; // index within the frame
  uint64_t pipe;             // PIPE, ARGMAX: bit i: stage i holds a beat
  bool offered;              // LINEAR: a beat waits at the input, in this cycle
  int64_t group, credit;     // LINEAR
  uint64_t flight;           // LINEAR: bit i: a result that arrives in i + 1 cycles
};

struct model {
  struct state *cells;
  uint32_t n;
  bool *moved; // (n + 1) links
};

static bool out_valid(const struct state *s) {
  switch (s->cell->timing.kind) {
  case TIMING_FRAME:
    return s->valid;
  case TIMING_REGISTER:
    return s->held > 0;
  case TIMING_RESIZE:
    return s->held >= s->cell->out.lanes;
  case TIMING_PIPE:
  case TIMING_ARGMAX:
    return s->pipe >> (s->cell->timing.latency - 1) & 1;
  case TIMING_LINEAR:
    return s->held > 0;
  case TIMING_NONE:
    break;
  }
  return false;
}

static bool steps(const struct state *s) {
  const struct timing *t = &s->cell->timing;
  return s->offered && (s->in_beat != t->ib - 1 || s->credit > 0);
}

static bool in_ready(const struct state *s, bool out_moved) {
  const struct cell *c = s->cell;
  int64_t rest;
  switch (c->timing.kind) {
  case TIMING_FRAME:
    return !s->valid || out_moved;
  case TIMING_REGISTER:
    return s->held < 2;
  case TIMING_RESIZE:
    rest = s->held - (out_moved ? c->out.lanes : 0);
    return rest <= (c->in.lanes <= c->out.lanes ? c->out.lanes : c->out.lanes - 1);
  case TIMING_PIPE:
  case TIMING_ARGMAX:
    return !out_valid(s) || out_moved;
  case TIMING_LINEAR:
    return steps(s) && s->group == c->timing.og - 1;
  case TIMING_NONE:
    break;
  }
  return true;
}

// A frame's last input beat counts as if it filled the last output beat.
static int64_t resize_gain(const struct state *s) {
  const struct cell *c = s->cell;
  if (s->in_beat != c->in.beats - 1) return c->in.lanes;
  return c->out.beats * c->out.lanes - (c->in.beats - 1) * c->in.lanes;
}

static void advance_linear(struct state *s, bool leave) {
  const struct timing *t = &s->cell->timing;
  bool step = steps(s), last = step && s->in_beat == t->ib - 1;
  s->held += (int64_t)(s->flight & 1) - leave;
  s->flight >>= 1;
  if (last) s->flight |= (uint64_t)1 << (t->latency - 2);
  s->credit += leave - last;
  if (step && ++s->group == t->og) {
    s->group = 0;
    s->in_beat = s->in_beat + 1 == t->ib ? 0 : s->in_beat + 1;
  }
}

static void advance_pipe(struct state *s, bool accept, bool leave) {
  const struct timing *t = &s->cell->timing;
  bool enters = accept;
  if (out_valid(s) && !leave) return;
  if (t->kind == TIMING_ARGMAX) {
    enters = accept && s->in_beat == t->ib - 1;
    if (accept) s->in_beat = s->in_beat + 1 == t->ib ? 0 : s->in_beat + 1;
  }
  s->pipe = (s->pipe << 1 | enters) & (((uint64_t)2 << (t->latency - 1)) - 1);
}

static void advance(struct state *s, bool accept, bool leave) {
  switch (s->cell->timing.kind) {
  case TIMING_FRAME:
    s->valid = accept || (s->valid && !leave);
    return;
  case TIMING_REGISTER:
    s->held += accept - leave;
    return;
  case TIMING_RESIZE:
    s->held += (accept ? resize_gain(s) : 0) - (leave ? s->cell->out.lanes : 0);
    if (accept) s->in_beat = s->in_beat + 1 == s->cell->in.beats ? 0 : s->in_beat + 1;
    return;
  case TIMING_PIPE:
  case TIMING_ARGMAX:
    advance_pipe(s, accept, leave);
    return;
  case TIMING_LINEAR:
    advance_linear(s, leave);
    return;
  case TIMING_NONE:
    return;
  }
}

static void cycle(struct model *m) {
  m->moved[m->n] = out_valid(&m->cells[m->n - 1]);
  for (uint32_t i = m->n; i-- > 0;) {
    m->cells[i].offered = i == 0 || out_valid(&m->cells[i - 1]);
    m->moved[i] = m->cells[i].offered && in_ready(&m->cells[i], m->moved[i + 1]);
  }
  for (uint32_t i = 0; i < m->n; i++) advance(&m->cells[i], m->moved[i], m->moved[i + 1]);
}

static struct model model_new(struct arena *a, const struct circuit *p) {
  struct model m = {ARENA_NEW(a, struct state, p->n_cells), 0, ARENA_NEW(a, bool, p->n_cells + 1)};
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (p->cells[i].timing.kind == TIMING_NONE) continue;
    m.cells[m.n++] = (struct state){.cell = &p->cells[i], .credit = p->cells[i].timing.queue};
  }
  return m;
}

// Steady: the last three distances between frames are equal and no cell could be slower.
static bool steady(const int64_t *first, int64_t frames, int64_t bottleneck) {
  if (frames < FRAMES_LEAST) return false;
  int64_t ii = first[frames - 1] - first[frames - 2];
  if (frames == FRAMES_MOST) return true;
  return ii >= bottleneck && ii == first[frames - 2] - first[frames - 3] &&
         ii == first[frames - 3] - first[frames - 4];
}

void timing_run(struct circuit *p) {
  struct arena a = {0};
  struct model m = model_new(&a, p);
  int64_t first[FRAMES_MOST] = {0}, frames = 0, in_beats = 0, out_beats = 0, bottleneck = 1;
  for (uint32_t i = 0; i < p->n_cells; i++)
    bottleneck = p->cells[i].cycles > bottleneck ? p->cells[i].cycles : bottleneck;
  p->latency = 0;
  for (int64_t t = 0; !p->latency || !steady(first, frames, bottleneck); t++) {
    cycle(&m);
    if (m.moved[0]) {
      if (in_beats % p->input.beats == 0 && frames < FRAMES_MOST) first[frames++] = t;
      in_beats++;
    }
    if (m.moved[m.n] && ++out_beats == p->output.beats) p->latency = t - first[0];
  }
  p->ii = first[frames - 1] - first[frames - 2];
  arena_free(&a);
}
