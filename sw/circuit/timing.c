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

enum { FRAMES_MOST = 512, QUEUE_BLOCK = 64, PATIENCE = 1000 };

struct state {
  const struct cell *cell;
  bool valid;                // FRAME
  int64_t held;              // REGISTER: beats; RESIZE: elements; LINEAR: beats in the queue
  int64_t in_beat, out_beat; // index within the frame
  uint64_t pipe;             // PIPE, ARGMAX: bit i: stage i holds a beat
  bool offered;              // LINEAR: a beat waits at the input, in this cycle
  int64_t group, credit;     // LINEAR
  uint64_t flight;           // LINEAR: bit i: a result that arrives in i + 1 cycles
  uint64_t taken;            // FORK: bit i: reader i has the beat
  bool read;                 // QUEUE: a block RAM's output holds a beat; `valid` is behind it
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
  case TIMING_QUEUE:
    return s->valid;
  case TIMING_FORK:
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
  case TIMING_QUEUE:
    return s->held + s->read + s->valid < c->timing.queue;
  case TIMING_FORK:
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

// hw/axis_fifo.sv: beats in memory, in a block RAM's output if it is deep, and at the output.
static void advance_queue(struct state *s, bool accept, bool leave) {
  bool deep = s->cell->timing.queue > QUEUE_BLOCK, load = !s->valid || leave;
  bool fetch = s->held > 0 && (deep ? !s->read || load : load);
  if (load) s->valid = deep ? s->read : fetch;
  if (deep) s->read = fetch || (s->read && !load);
  s->held += accept - fetch;
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
  case TIMING_QUEUE:
    advance_queue(s, accept, leave);
    return;
  case TIMING_FORK:
  case TIMING_NONE:
    return;
  }
}

// A cell without a state of its own hands both through.
static bool transparent(const struct cell *c) {
  return c->timing.kind == TIMING_NONE;
}

static bool offered(const struct model *m, const struct cell *c) {
  bool all = true;
  for (uint32_t i = 0; i < c->n_in; i++) all &= m->valid[c->in[i]->id];
  return all;
}

// valid goes with the data: no valid depends on a ready.
static void settle_valid(struct model *m) {
  const struct circuit *p = m->circuit;
  m->valid[0] = true;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    struct state *s = &m->cells[i];
    s->offered = offered(m, c);
    for (uint32_t k = 0; k < c->n_out; k++)
      m->valid[c->out[k]->id] = c->timing.kind == TIMING_FORK ? s->offered && !(s->taken >> k & 1)
                                : transparent(c)              ? s->offered
                                                              : out_valid(s);
  }
}

// A fork is done with a beat when every reader has it.
static bool all_take(const struct model *m, const struct cell *c, const struct state *s) {
  bool all = true;
  for (uint32_t k = 0; k < c->n_out; k++) all &= s->taken >> k & 1 || m->moved[c->out[k]->id];
  return all;
}

// ready comes back, and with it what moves: a join takes of all its streams or of none.
static void settle_ready(struct model *m) {
  const struct circuit *p = m->circuit;
  for (uint32_t i = 0; i < p->n_streams; i++)
    if (p->streams[i]->to == NONE) m->moved[i] = m->valid[i];
  for (uint32_t i = p->n_cells; i-- > 0;) {
    const struct cell *c = &p->cells[i];
    const struct state *s = &m->cells[i];
    bool leaves = m->moved[c->out[0]->id];
    bool ready = c->timing.kind == TIMING_FORK ? all_take(m, c, s)
                 : transparent(c)              ? leaves
                                               : in_ready(s, leaves);
    for (uint32_t k = 0; k < c->n_in; k++) m->moved[c->in[k]->id] = s->offered && ready;
  }
}

static void advance_fork(const struct model *m, const struct cell *c, struct state *s) {
  for (uint32_t k = 0; k < c->n_out; k++)
    if (m->moved[c->out[k]->id]) s->taken |= (uint64_t)1 << k;
  if (m->moved[c->in[0]->id]) s->taken = 0;
}

// One clock cycle; false if nothing moved.
static bool cycle(struct model *m) {
  const struct circuit *p = m->circuit;
  bool moved = false;
  settle_valid(m);
  settle_ready(m);
  for (uint32_t i = 0; i < p->n_streams; i++) moved |= m->moved[i];
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->timing.kind == TIMING_FORK)
      advance_fork(m, c, &m->cells[i]);
    else
      advance(&m->cells[i], m->moved[c->in[0]->id], m->moved[c->out[0]->id]);
  }
  return moved;
}

static struct model model_new(struct arena *a, const struct circuit *p) {
  struct model m = {p, ARENA_NEW(a, struct state, p->n_cells), ARENA_NEW(a, bool, p->n_streams),
                    ARENA_NEW(a, bool, p->n_streams)};
  for (uint32_t i = 0; i < p->n_cells; i++)
    m.cells[i] = (struct state){.cell = &p->cells[i], .credit = p->cells[i].timing.queue};
  return m;
}

// What a run has seen: the states of all cells when frames entered, and their distances. The flow
// repeats itself once a state comes back: the last one, or the one at the last power of two.
struct passage {
  int64_t entered, since;      // frames; cycle of the last
  int64_t ii, slowest;         // cycles: the last distance; the longest one since `marked`
  struct state *last, *marked; // (n_cells)
  bool steady, repeats;        // all distances are equal from here on; in turn
};

static bool known(const struct passage *f) {
  return f->steady || f->repeats || f->entered == FRAMES_MOST;
}

static void enter(struct passage *f, const struct model *m, int64_t t) {
  size_t size = m->circuit->n_cells * sizeof *m->cells;
  f->ii = f->entered ? t - f->since : 0;
  if (f->ii > f->slowest) f->slowest = f->ii;
  f->steady = f->entered && memcmp(f->last, m->cells, size) == 0;
  f->repeats = f->entered && memcmp(f->marked, m->cells, size) == 0;
  f->since = t;
  f->entered++;
  memcpy(f->last, m->cells, size);
  if (known(f) || (f->entered & (f->entered - 1)) != 0) return;
  memcpy(f->marked, m->cells, size);
  f->slowest = 0;
}

void timing_run(struct circuit *p) {
  struct arena a = {0};
  struct model m = model_new(&a, p);
  struct passage f = {.last = ARENA_NEW(&a, struct state, p->n_cells),
                      .marked = ARENA_NEW(&a, struct state, p->n_cells)};
  int64_t in_beats = 0, out_beats = 0, first = 0, bottleneck = 1;
  for (uint32_t i = 0; i < p->n_cells; i++)
    bottleneck = p->cells[i].cycles > bottleneck ? p->cells[i].cycles : bottleneck;
  uint32_t last = p->cells[p->n_cells - 1].out[0]->id;
  p->latency = 0;
  for (int64_t t = 0, still = 0; !p->latency || !known(&f); t++) {
    still = cycle(&m) ? 0 : still + 1;
    if (still > bottleneck + PATIENCE) break; // branches that wait for each other
    if (m.moved[0] && in_beats++ % p->input.beats == 0) {
      if (!f.entered) first = t;
      enter(&f, &m, t);
    }
    if (m.moved[last] && ++out_beats == p->output.beats) p->latency = t - first;
  }
  bool goes = p->latency && known(&f);
  if (!goes) p->latency = 0;
  p->ii = !goes ? INT64_MAX : f.steady ? f.ii : f.slowest;
  p->steady = f.steady ? f.entered : INT32_MAX;
  arena_free(&a);
}
