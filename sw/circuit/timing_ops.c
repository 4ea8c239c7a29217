// SPDX-License-Identifier: Apache-2.0
// The rules of each kind of cell; each names the module whose header states them.
#include "sw/circuit/wires.h"

#include <assert.h>

enum { QUEUE_BLOCK = 64, QUEUE_STAGES = 3 };

// ---- axis_trim: hands both through

static bool none_valid(const struct state *s, const struct wires *w, uint32_t k) {
  return offered(s, w, k);
}

static bool none_ready(const struct state *s, const struct wires *w, uint32_t k) {
  return leaves(s, w, k);
}

static void none_advance(struct state *s, const struct wires *w) {
  (void)s;
  (void)w;
}

// ---- axis_frame, axis_count: a register

static bool frame_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->valid;
}

static bool frame_ready(const struct state *s, const struct wires *w, uint32_t k) {
  (void)k;
  return !s->valid || leaves(s, w, 0);
}

static void frame_advance(struct state *s, const struct wires *w) {
  s->valid = accepts(s, w, 0) || (s->valid && !leaves(s, w, 0));
}

// ---- axis_register: two places

static bool register_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->held > 0;
}

static bool register_ready(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->held < 2;
}

static void register_advance(struct state *s, const struct wires *w) {
  s->held += accepts(s, w, 0) - leaves(s, w, 0);
}

// ---- axis_resize: elements

static bool resize_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->held >= s->cell->out[0]->lanes;
}

static bool resize_ready(const struct state *s, const struct wires *w, uint32_t k) {
  int64_t in = s->cell->in[0]->lanes, out = s->cell->out[0]->lanes;
  (void)k;
  return s->held - (leaves(s, w, 0) ? out : 0) <= (in <= out ? out : out - 1);
}

// A frame's last input beat counts as if it filled the last output beat.
static int64_t resize_gain(const struct state *s) {
  const struct cell *c = s->cell;
  if (s->in_beat != c->in[0]->beats - 1) return c->in[0]->lanes;
  return c->out[0]->beats * c->out[0]->lanes - (c->in[0]->beats - 1) * c->in[0]->lanes;
}

static void resize_advance(struct state *s, const struct wires *w) {
  bool accept = accepts(s, w, 0);
  s->held += (accept ? resize_gain(s) : 0) - (leaves(s, w, 0) ? s->cell->out[0]->lanes : 0);
  if (accept) s->in_beat = next_of(s->in_beat, s->cell->in[0]->beats);
}

// ---- axis_pipe: stages that stand still while a beat waits at the output. Of several inputs it
// takes a beat of each or of none; without any it makes beats itself.

static bool at_end(const struct state *s) {
  return s->pipe >> (s->cell->timing.latency - 1) & 1;
}

static bool pipe_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return at_end(s);
}

static bool pipe_ready(const struct state *s, const struct wires *w, uint32_t k) {
  bool all = true;
  for (uint32_t i = 0; i < s->cell->n_in; i++) all &= i == k || offered(s, w, i);
  return all && (!at_end(s) || leaves(s, w, 0));
}

static void shift(struct state *s, bool enters) {
  assert(s->cell->timing.latency <= PIPE_MOST);
  s->pipe = (s->pipe << 1 | enters) & (((uint64_t)2 << (s->cell->timing.latency - 1)) - 1);
}

static void pipe_advance(struct state *s, const struct wires *w) {
  if (!at_end(s) || leaves(s, w, 0)) shift(s, accepts(s, w, 0));
}

static void pipe_idle(struct state *s, const struct wires *w, int64_t cycles) {
  (void)w;
  for (; cycles && s->pipe && !at_end(s); cycles--) shift(s, false);
}

static int64_t pipe_wake(const struct state *s, const struct wires *w) {
  (void)w;
  if (!s->pipe || at_end(s)) return NEVER;
  return s->cell->timing.latency - (PIPE_MOST - __builtin_clzll(s->pipe));
}

static void constant_advance(struct state *s, const struct wires *w) {
  if (!at_end(s) || leaves(s, w, 0)) shift(s, true);
}

static void constant_idle(struct state *s, const struct wires *w, int64_t cycles) {
  (void)w;
  for (; cycles && !at_end(s); cycles--) shift(s, true);
}

static int64_t constant_wake(const struct state *s, const struct wires *w) {
  (void)w;
  if (at_end(s)) return NEVER;
  return s->cell->timing.latency - (s->pipe ? PIPE_MOST - __builtin_clzll(s->pipe) : 0);
}

// ---- fixed_argmax: a beat leaves after the last of a frame

static void argmax_advance(struct state *s, const struct wires *w) {
  bool accept = accepts(s, w, 0);
  if (at_end(s) && !leaves(s, w, 0)) return;
  shift(s, accept && s->in_beat == s->cell->timing.ib - 1);
  if (accept) s->in_beat = next_of(s->in_beat, s->cell->timing.ib);
}

// ---- fixed_tiles: a beat leaves after the last of a window, which are many at once

static bool tile_ends(const struct state *s) {
  const struct circuit_pool *f = s->cell->facts;
  int64_t pixel = s->in_beat / f->beats, columns = f->shape.in[COLUMNS];
  int64_t at[WINDOW_AXES] = {pixel / columns, pixel % columns};
  bool ends = true;
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    int64_t stride = f->shape.stride[axis], last = at[axis] - (f->shape.kernel[axis] - 1);
    ends &= last >= 0 && last % stride == 0 && last / stride < f->shape.out[axis];
  }
  return ends;
}

static void tiles_advance(struct state *s, const struct wires *w) {
  bool accept = accepts(s, w, 0);
  if (at_end(s) && !leaves(s, w, 0)) return;
  shift(s, accept && tile_ends(s));
  if (accept) s->in_beat = next_of(s->in_beat, s->cell->timing.ib);
}

// ---- fixed_linear: a step a cycle, og steps for each of ib beats, or those of a schedule; those
// of the last beat give results, for which there must be a place

static bool linear_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->held > 0;
}

// Beats of the row that comes in.
static int64_t row_beats(const struct state *s) {
  const struct circuit_linear *l = s->cell->facts;
  return l->sent ? l->sent[s->out_beat] : s->cell->timing.ib;
}

// Steps of the beat that comes in.
static int64_t beat_steps(const struct state *s) {
  const struct circuit_linear *l = s->cell->facts;
  return l->sparse ? l->sparse->steps[s->in_beat] : s->cell->timing.og;
}

static bool last_beat(const struct state *s) {
  return s->in_beat == row_beats(s) - 1;
}

static bool steps(const struct state *s, const struct wires *w) {
  return offered(s, w, 0) && (!last_beat(s) || s->credit > 0);
}

static void row_end(struct state *s) {
  const struct circuit_linear *l = s->cell->facts;
  s->in_beat = 0;
  if (l->sent) s->out_beat = next_of(s->out_beat, l->rows);
}

static bool linear_ready(const struct state *s, const struct wires *w, uint32_t k) {
  (void)k;
  return steps(s, w) && s->group == beat_steps(s) - 1;
}

static void linear_step(struct state *s, bool step, bool leave) {
  const struct timing *t = &s->cell->timing;
  bool last = step && last_beat(s);
  assert(t->latency - 2 < PIPE_MOST);
  s->held += (int64_t)(s->flight & 1) - leave;
  s->flight >>= 1;
  if (last) s->flight |= (uint64_t)1 << (t->latency - 2);
  s->credit += leave - last;
  if (step && ++s->group == beat_steps(s)) {
    s->group = 0;
    s->in_beat++;
    if (last) row_end(s);
  }
}

static void linear_advance(struct state *s, const struct wires *w) {
  linear_step(s, steps(s, w), leaves(s, w, 0));
}

static void linear_idle(struct state *s, const struct wires *w, int64_t cycles) {
  bool last = last_beat(s);
  for (; cycles && (s->flight || (last && steps(s, w))); cycles--)
    linear_step(s, steps(s, w), false);
  if (steps(s, w)) s->group += cycles;
}

// A result that is on its way, or that the next step gives, and the last group of a beat.
static int64_t linear_wake(const struct state *s, const struct wires *w) {
  const struct timing *t = &s->cell->timing;
  int64_t wake = NEVER, left = beat_steps(s) - 1 - s->group;
  if (!s->held && s->flight) wake = 1 + __builtin_ctzll(s->flight);
  if (!steps(s, w)) return wake;
  if (!s->held && !s->flight && last_beat(s)) wake = t->latency;
  return left > 0 && left < wake ? left : wake;
}

// ---- axis_fifo: beats in memory, in a block RAM's output if it is deep, and at the output

static bool queue_ready(const struct state *s, const struct wires *w, uint32_t k) {
  (void)w;
  (void)k;
  return s->held + s->read + s->valid < s->cell->timing.queue;
}

static bool queue_step(struct state *s, bool accept, bool leave) {
  bool deep = s->cell->timing.queue > QUEUE_BLOCK, load = !s->valid || leave;
  bool fetch = s->held > 0 && (deep ? !s->read || load : load);
  bool changes = fetch || (deep && load && s->read);
  if (load) s->valid = deep ? s->read : fetch;
  if (deep) s->read = fetch || (s->read && !load);
  s->held += accept - fetch;
  return changes;
}

static void queue_advance(struct state *s, const struct wires *w) {
  queue_step(s, accepts(s, w, 0), leaves(s, w, 0));
}

static void queue_idle(struct state *s, const struct wires *w, int64_t cycles) {
  (void)w;
  for (int64_t i = 0; i < cycles && i < QUEUE_STAGES; i++) queue_step(s, false, false);
}

static int64_t queue_wake(const struct state *s, const struct wires *w) {
  struct state copy = *s;
  (void)w;
  return queue_step(&copy, false, false) ? 1 : NEVER;
}

// ---- axis_state: initial beats, then a queue's

static bool initial(const struct state *s) {
  return s->in_beat < s->cell->timing.ib;
}

static bool state_valid(const struct state *s, const struct wires *w, uint32_t k) {
  (void)k;
  return initial(s) ? offered(s, w, 0) : s->valid;
}

static bool state_ready(const struct state *s, const struct wires *w, uint32_t k) {
  return k == 0 ? initial(s) && leaves(s, w, 0) : queue_ready(s, w, k);
}

static void state_advance(struct state *s, const struct wires *w) {
  bool first = initial(s), leave = leaves(s, w, 0);
  queue_step(s, accepts(s, w, 1), leave && !first);
  if (first && leave) s->in_beat++;
}

// ---- axis_fork: done with a beat when every reader has it

static bool fork_valid(const struct state *s, const struct wires *w, uint32_t k) {
  return offered(s, w, 0) && !(s->taken >> k & 1);
}

static bool fork_ready(const struct state *s, const struct wires *w, uint32_t k) {
  bool all = true;
  (void)k;
  for (uint32_t i = 0; i < s->cell->n_out; i++) all &= (s->taken >> i & 1) || leaves(s, w, i);
  return all;
}

static void fork_advance(struct state *s, const struct wires *w) {
  for (uint32_t i = 0; i < s->cell->n_out; i++)
    if (leaves(s, w, i)) s->taken |= (uint64_t)1 << i;
  if (accepts(s, w, 0)) s->taken = 0;
}

// ---- axis_concat: a group of each input in turn, packed

static int64_t concat_beats(const struct circuit_concat *f, uint32_t input) {
  return (f->elements[input] + f->lanes - 1) / f->lanes;
}

// Elements of the output beat that is next, and how many beats an output group has.
static int64_t concat_need(const struct state *s, int64_t *beats) {
  const struct circuit_concat *f = s->cell->facts;
  *beats = (f->out_elements + f->lanes - 1) / f->lanes;
  return s->out_beat == *beats - 1 ? f->out_elements - (*beats - 1) * f->lanes : f->lanes;
}

static bool concat_valid(const struct state *s, const struct wires *w, uint32_t k) {
  int64_t beats;
  (void)w;
  (void)k;
  return s->held >= concat_need(s, &beats);
}

static bool concat_ready(const struct state *s, const struct wires *w, uint32_t k) {
  const struct circuit_concat *f = s->cell->facts;
  int64_t beats, need = concat_need(s, &beats);
  return s->group == k && s->held - (leaves(s, w, 0) ? need : 0) <= f->lanes;
}

static void concat_accept(struct state *s) {
  const struct circuit_concat *f = s->cell->facts;
  int64_t beats = concat_beats(f, (uint32_t)s->group), e = f->elements[s->group];
  bool last = s->in_beat == beats - 1;
  s->held += last ? e - (beats - 1) * f->lanes : f->lanes;
  s->in_beat = next_of(s->in_beat, beats);
  if (last) s->group = next_of(s->group, s->cell->n_in);
}

static void concat_advance(struct state *s, const struct wires *w) {
  int64_t beats, need = concat_need(s, &beats);
  if (leaves(s, w, 0)) {
    s->held -= need;
    s->out_beat = next_of(s->out_beat, beats);
  }
  if (accepts(s, w, (uint32_t)s->group)) concat_accept(s);
}

// ---- axis_window: a writer, and a reader that moves through two registers

static bool window_ready(const struct state *s, const struct wires *w, uint32_t k) {
  const struct circuit_window *f = s->cell->facts;
  (void)w;
  (void)k;
  return s->group < 2 &&
         (s->credit > 0 || s->in_beat % f->beats || !circuit_window_keeps(f, s->in_beat));
}

// Whether the beat that is read next is in the ring, or padding.
static bool window_there(const struct state *s) {
  const struct circuit_window *f = s->cell->facts;
  int32_t beat = f->reads[s->out_beat];
  if (s->group > 0 || beat == NONE) return true;
  return s->group == 0 && beat < s->in_beat + circuit_window_above(f);
}

static void window_take(struct state *s) {
  const struct circuit_window *f = s->cell->facts;
  s->credit -= s->in_beat % f->beats == 0 && circuit_window_keeps(f, s->in_beat);
  s->in_beat = next_of(s->in_beat, s->cell->in[0]->beats);
  s->group += s->in_beat == 0;
}

static void window_read(struct state *s) {
  const struct circuit_window *f = s->cell->facts;
  int64_t per_pixel = s->cell->timing.ib, pixel = s->out_beat / per_pixel;
  if (s->out_beat % per_pixel == per_pixel - 1)
    s->credit += circuit_window_low(f, pixel + 1) - circuit_window_low(f, pixel);
  s->out_beat = next_of(s->out_beat, per_pixel * window_pixels(&f->shape));
  s->group -= s->out_beat == 0;
}

// Whether the next beat isn't sent: the walk goes over it.
static bool window_skips(const struct state *s) {
  const struct circuit_window *f = s->cell->facts;
  return f->skips && f->reads[s->out_beat] == NONE;
}

static bool window_step(struct state *s, bool accept, bool leave) {
  bool skips = window_skips(s), reads;
  bool moves = read_on(s, window_there(s) && !skips, leave, &reads);
  if (accept) window_take(s);
  if (reads || skips) window_read(s);
  return moves || skips;
}

static void window_advance(struct state *s, const struct wires *w) {
  window_step(s, accepts(s, w, 0), leaves(s, w, 0));
}

static void window_idle(struct state *s, const struct wires *w, int64_t cycles) {
  (void)w;
  while (cycles-- && window_step(s, false, false)) {
  }
}

static int64_t window_wake(const struct state *s, const struct wires *w) {
  struct state copy = *s;
  (void)w;
  return window_step(&copy, false, false) ? 1 : NEVER;
}

const struct timing_ops *timing_ops(enum timing_kind kind) {
  static const struct timing_ops ops[] = {
      [TIMING_NONE] = {none_valid, none_ready, none_advance, .passes_ready = false},
      [TIMING_FRAME] = {frame_valid, frame_ready, frame_advance, .passes_ready = true},
      [TIMING_RESIZE] = {resize_valid, resize_ready, resize_advance, .passes_ready = true},
      [TIMING_REGISTER] = {register_valid, register_ready, register_advance},
      [TIMING_LINEAR] = {linear_valid, linear_ready, linear_advance, linear_idle, linear_wake},
      [TIMING_PIPE] = {pipe_valid, pipe_ready, pipe_advance, pipe_idle, pipe_wake, true},
      [TIMING_ARGMAX] = {pipe_valid, pipe_ready, argmax_advance, pipe_idle, pipe_wake, true},
      [TIMING_TILES] = {pipe_valid, pipe_ready, tiles_advance, pipe_idle, pipe_wake, true},
      [TIMING_FORK] = {fork_valid, fork_ready, fork_advance, .passes_ready = true},
      [TIMING_QUEUE] = {frame_valid, queue_ready, queue_advance, queue_idle, queue_wake},
      [TIMING_CONCAT] = {concat_valid, concat_ready, concat_advance, .passes_ready = true},
      [TIMING_WINDOW] = {frame_valid, window_ready, window_advance, window_idle, window_wake},
      [TIMING_STATE] = {state_valid, state_ready, state_advance, queue_idle, queue_wake,
                        .loops = true},
      [TIMING_CONSTANT] = {pipe_valid, NULL, constant_advance, constant_idle, constant_wake},
  };
  if (kind == TIMING_BLOCKS) return &timing_blocks;
  if (kind == TIMING_SLIDE) return &timing_slide;
  if (kind == TIMING_SOFTMAX) return &timing_softmax;
  return kind == TIMING_EXTENT ? &timing_extent : &ops[kind];
}
