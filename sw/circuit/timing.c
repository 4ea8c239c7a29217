// SPDX-License-Identifier: Apache-2.0
// The cycle model: the control state of every cell, one clock cycle at a time, with a source that
// always offers and a sink that always takes. It states II and latency before any simulator runs.
//
//     source --> [cell] --> [cell] --> ... --> sink
//
// In a cycle, valid is known from state, in the order of the data; ready is settled from the sink
// backwards, because it may pass through a cell; a stream moves a beat where both hold; then every
// state advances.
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
  const struct circuit *circuit;
  struct state *cells; // (n_cells)
  bool *valid, *moved; // (n_streams)
};

static bool out_valid(const struct state *s) {
  switch (s->cell->timing.kind) {
  case TIMING_FRAME:
    return s->valid;
  case TIMING_REGISTER:
    return s->held > 0;
  case TIMING_RESIZE:
    return s->held >= s->cell->out[0]->lanes;
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
    rest = s->held - (out_moved ? c->out[0]->lanes : 0);
    return rest <= (c->in[0]->lanes <= c->out[0]->lanes ? c->out[0]->lanes : c->out[0]->lanes - 1);
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
  if (s->in_beat != c->in[0]->beats - 1) return c->in[0]->lanes;
  return c->out[0]->beats * c->out[0]->lanes - (c->in[0]->beats - 1) * c->in[0]->lanes;
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
    s->held += (accept ? resize_gain(s) : 0) - (leave ? s->cell->out[0]->lanes : 0);
    if (accept) s->in_beat = s->in_beat + 1 == s->cell->in[0]->beats ? 0 : s->in_beat + 1;
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

// A cell without a state of its own hands both through.
static bool transparent(const struct cell *c) {
  return c->timing.kind == TIMING_NONE;
}

// valid goes with the data: no valid depends on a ready.
static void settle_valid(struct model *m) {
  const struct circuit *p = m->circuit;
  m->valid[0] = true;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    m->cells[i].offered = m->valid[c->in[0]->id];
    m->valid[c->out[0]->id] = transparent(c) ? m->cells[i].offered : out_valid(&m->cells[i]);
  }
}

// ready comes back, and with it what moves.
static void settle_ready(struct model *m) {
  const struct circuit *p = m->circuit;
  for (uint32_t i = 0; i < p->n_streams; i++)
    if (p->streams[i]->to == NONE) m->moved[i] = m->valid[i];
  for (uint32_t i = p->n_cells; i-- > 0;) {
    const struct cell *c = &p->cells[i];
    bool leaves = m->moved[c->out[0]->id];
    bool ready = transparent(c) ? leaves : in_ready(&m->cells[i], leaves);
    m->moved[c->in[0]->id] = m->cells[i].offered && ready;
  }
}

static void cycle(struct model *m) {
  const struct circuit *p = m->circuit;
  settle_valid(m);
  settle_ready(m);
  for (uint32_t i = 0; i < p->n_cells; i++)
    advance(&m->cells[i], m->moved[p->cells[i].in[0]->id], m->moved[p->cells[i].out[0]->id]);
}

static struct model model_new(struct arena *a, const struct circuit *p) {
  struct model m = {p, ARENA_NEW(a, struct state, p->n_cells), ARENA_NEW(a, bool, p->n_streams),
                    ARENA_NEW(a, bool, p->n_streams)};
  for (uint32_t i = 0; i < p->n_cells; i++)
    m.cells[i] = (struct state){.cell = &p->cells[i], .credit = p->cells[i].timing.queue};
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
  uint32_t last = p->cells[p->n_cells - 1].out[0]->id;
  p->latency = 0;
  for (int64_t t = 0; !p->latency || !steady(first, frames, bottleneck); t++) {
    cycle(&m);
    if (m.moved[0]) {
      if (in_beats % p->input.beats == 0 && frames < FRAMES_MOST) first[frames++] = t;
      in_beats++;
    }
    if (m.moved[last] && ++out_beats == p->output.beats) p->latency = t - first[0];
  }
  p->ii = first[frames - 1] - first[frames - 2];
  arena_free(&a);
}
