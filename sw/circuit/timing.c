// SPDX-License-Identifier: Apache-2.0
// The cycle model by events: in a cycle only those cells are looked at whose state, or whose
// streams, aren't what they were in the cycle before; the others are brought up to date when they
// are asked, and cycles in which there is none are passed over. Equal to timing_ref.c in every
// state of every cycle, because each rule is the same function.
#include "sw/circuit/timing.h"

enum { WORD = 64, FRAMES_FILL = 32, FRAMES_FULL = 64, CYCLES_LONG = 1 << 21 };

// A stream as a cell sees it: its id, and the cell at the other end.
struct pin {
  uint32_t stream;
  int32_t other; // NONE: a port
};

struct pins {
  const struct pin *in, *out; // (n_in), (n_out)
  uint32_t n_in, n_out;
};

struct alarm {
  int64_t cycle;
  uint32_t cell;
};

struct events {
  const struct circuit *circuit;
  struct state *cells;           // (n_cells)
  const struct timing_ops **ops; // (n_cells)
  struct pins *pins;             // (n_cells)
  int64_t *at;                   // (n_cells) the cycle at whose begin the state is what it says
  int64_t *wake;                 // (n_cells) the cycle of its alarm that counts; others are stale
  struct wires wires;
  uint32_t *loops, n_loops; // cells with an input that may come from behind
  uint64_t *active, *next;  // (n_words) cells of this cycle, and of the one after it
  uint32_t n_words;
  struct alarm *alarms; // a heap, the earliest first
  uint32_t n_alarms, room;
  int64_t *most;       // (n_cells) places that were needed at once; NULL: nobody asks
  int64_t pace;        // cycles over which a source spreads a frame; 0: it never waits
  bool *mine;          // (n_inputs) inputs of the part
  int64_t *given;      // (n_inputs) beats that came
  bool *shut;          // (n_cells) offers nothing
  struct trace *trace; // NULL: nobody asks
  struct arena *arena;
};

// ---- alarms

static void alarm_add(struct events *v, int64_t cycle, uint32_t cell) {
  if (v->n_alarms == v->room) {
    uint32_t room = v->room ? 2 * v->room : 64;
    struct alarm *more = ARENA_NEW(v->arena, struct alarm, room);
    for (uint32_t i = 0; i < v->n_alarms; i++) more[i] = v->alarms[i];
    v->alarms = more;
    v->room = room;
  }
  uint32_t i = v->n_alarms++;
  for (; i && v->alarms[(i - 1) / 2].cycle > cycle; i = (i - 1) / 2)
    v->alarms[i] = v->alarms[(i - 1) / 2];
  v->alarms[i] = (struct alarm){cycle, cell};
}

static void alarm_drop(struct events *v) {
  struct alarm last = v->alarms[--v->n_alarms];
  uint32_t i = 0;
  for (uint32_t k; (k = 2 * i + 1) < v->n_alarms; i = k) {
    if (k + 1 < v->n_alarms && v->alarms[k + 1].cycle < v->alarms[k].cycle) k++;
    if (v->alarms[k].cycle >= last.cycle) break;
    v->alarms[i] = v->alarms[k];
  }
  v->alarms[i] = last;
}

// ---- one cycle

static void set(uint64_t *words, uint32_t cell) {
  words[cell / WORD] |= (uint64_t)1 << cell % WORD;
}

// Brings a cell to the begin of cycle t.
static void sync(struct events *v, uint32_t cell, int64_t t) {
  const struct timing_ops *ops = v->ops[cell];
  int64_t cycles = t - v->at[cell];
  if (cycles && ops->idle) ops->idle(&v->cells[cell], &v->wires, cycles);
  v->at[cell] = t;
}

// What an active cell offers; readers of an offer that is new or gone become active.
static void settle_valid(struct events *v, uint32_t cell, int64_t t) {
  const struct pins *pins = &v->pins[cell];
  struct wires *w = &v->wires;
  sync(v, cell, t);
  for (uint32_t k = 0; k < pins->n_out; k++) {
    struct pin pin = pins->out[k];
    bool valid = !v->shut[cell] && v->ops[cell]->valid(&v->cells[cell], w, k);
    if (pin.other == NONE) w->moved[pin.stream] = valid;
    if (valid == w->valid[pin.stream]) continue;
    if (pin.other != NONE) {
      sync(v, (uint32_t)pin.other, t);
      set(v->active, (uint32_t)pin.other);
    }
    w->valid[pin.stream] = valid;
  }
}

// What moves at an input; who offers it becomes active if that is news.
static void settle_input(struct events *v, uint32_t cell, uint32_t k, int64_t t) {
  struct pin pin = v->pins[cell].in[k];
  struct wires *w = &v->wires;
  bool moved = w->valid[pin.stream] && v->ops[cell]->ready(&v->cells[cell], w, k);
  if (moved == w->moved[pin.stream]) return;
  if (pin.other != NONE) {
    sync(v, (uint32_t)pin.other, t);
    set(v->active, (uint32_t)pin.other);
  }
  w->moved[pin.stream] = moved;
}

static void settle_ready(struct events *v, uint32_t cell, int64_t t) {
  for (uint32_t k = 0; k < v->pins[cell].n_in; k++) settle_input(v, cell, k, t);
}

// What may come from a cell behind is settled before the walk comes there.
static void settle_loops(struct events *v, int64_t t) {
  for (uint32_t i = 0; i < v->n_loops; i++) {
    uint32_t cell = v->loops[i];
    if (v->active[cell / WORD] >> cell % WORD & 1) settle_input(v, cell, v->pins[cell].n_in - 1, t);
  }
}

static bool moves(const struct events *v, const struct pins *pins) {
  bool any = false;
  for (uint32_t k = 0; k < pins->n_in; k++) any |= v->wires.moved[pins->in[k].stream];
  for (uint32_t k = 0; k < pins->n_out; k++) any |= v->wires.moved[pins->out[k].stream];
  return any;
}

// Places of a cell that are in use: those that it hasn't given back, or beats inside.
static int64_t in_use(const struct state *s) {
  const struct timing *t = &s->cell->timing;
  bool credits = t->kind == TIMING_LINEAR || t->kind == TIMING_WINDOW;
  return credits ? t->queue - s->credit : s->held + s->valid + s->read;
}

// A place is needed for what comes in a cycle in which others are given back.
static void note_use(struct events *v, uint32_t cell, const struct state *before) {
  const struct state *s = &v->cells[cell];
  int64_t after = in_use(s), use = in_use(before) + (s->credit < before->credit);
  if (use < after) use = after;
  if (use > v->most[cell]) v->most[cell] = use;
}

static void advance(struct events *v, uint32_t cell, int64_t t) {
  const struct timing_ops *ops = v->ops[cell];
  struct state *s = &v->cells[cell];
  v->wake[cell] = NEVER;
  if (moves(v, &v->pins[cell])) {
    if (v->trace) trace_add(v->trace, cell, &v->wires, t);
    const struct state before = *s;
    ops->advance(s, &v->wires);
    if (v->most) note_use(v, cell, &before);
    v->at[cell] = t + 1;
    set(v->next, cell);
    return;
  }
  int64_t after = ops->wake ? ops->wake(s, &v->wires) : NEVER;
  if (after == NEVER) return;
  v->wake[cell] = t + after;
  alarm_add(v, t + after, cell);
}

// The cycle in which a source has its next beat.
static int64_t due(const struct events *v, uint32_t input) {
  int64_t beats = v->circuit->inputs[input].beats, given = v->given[input];
  return given / beats * v->pace + given % beats * v->pace / beats;
}

// What sources with a pace offer in this cycle.
static void offer(struct events *v, int64_t t) {
  for (uint32_t i = 0; v->pace && i < v->circuit->n_inputs; i++) {
    const struct stream *in = &v->circuit->inputs[i];
    bool valid = t >= due(v, i);
    if (!v->mine[i] || valid == v->wires.valid[in->id]) continue;
    uint32_t reader = (uint32_t)v->circuit->streams[in->id]->to;
    sync(v, reader, t);
    set(v->active, reader);
    v->wires.valid[in->id] = valid;
  }
}

static void count_given(struct events *v) {
  for (uint32_t i = 0; v->pace && i < v->circuit->n_inputs; i++)
    v->given[i] += v->wires.moved[v->circuit->inputs[i].id];
}

// The cycle in which a source that waits has its next beat; NEVER: none waits.
static int64_t next_due(const struct events *v) {
  int64_t next = NEVER;
  for (uint32_t i = 0; v->pace && i < v->circuit->n_inputs; i++)
    if (v->mine[i] && !v->wires.valid[v->circuit->inputs[i].id] && due(v, i) < next)
      next = due(v, i);
  return next;
}

// Cells that become active on the way come behind in the order of the walk.
static void cycle(struct events *v, int64_t t) {
  offer(v, t);
  for (uint32_t i = 0; i < v->n_words; i++)
    for (uint64_t done = 0, left; (left = v->active[i] & ~done) != 0;) {
      uint32_t bit = (uint32_t)__builtin_ctzll(left);
      settle_valid(v, WORD * i + bit, t);
      done |= ((uint64_t)2 << bit) - 1;
    }
  settle_loops(v, t);
  for (uint32_t i = v->n_words; i-- > 0;)
    for (uint64_t done = 0, left; (left = v->active[i] & ~done) != 0;) {
      uint32_t bit = WORD - 1 - (uint32_t)__builtin_clzll(left);
      settle_ready(v, WORD * i + bit, t);
      done |= ~(((uint64_t)1 << bit) - 1);
    }
  for (uint32_t i = 0; i < v->n_words; i++)
    for (uint64_t left = v->active[i]; left; left &= left - 1)
      advance(v, WORD * i + (uint32_t)__builtin_ctzll(left), t);
  count_given(v);
}

// To the next cycle with an active cell: t + 1, or that of the first alarm that counts, or of a
// source that waits. False: there is none, nothing will ever move.
static bool next_cycle(struct events *v, int64_t *t) {
  uint64_t any = 0;
  int64_t source = next_due(v);
  for (uint32_t i = 0; i < v->n_words; i++) {
    any |= v->active[i] = v->next[i];
    v->next[i] = 0;
  }
  while (v->n_alarms && v->wake[v->alarms[0].cell] != v->alarms[0].cycle) alarm_drop(v);
  if (!any && !v->n_alarms && source == NEVER) return false;
  int64_t alarm = v->n_alarms ? v->alarms[0].cycle : NEVER;
  *t = any ? *t + 1 : alarm < source ? alarm : source;
  for (; v->n_alarms && v->alarms[0].cycle <= *t; alarm_drop(v))
    if (v->wake[v->alarms[0].cell] == *t) set(v->active, v->alarms[0].cell);
  return true;
}

static struct pins pins_of(struct arena *a, const struct cell *c) {
  struct pin *in = ARENA_NEW(a, struct pin, c->n_in), *out = ARENA_NEW(a, struct pin, c->n_out);
  for (uint32_t k = 0; k < c->n_in; k++) in[k] = (struct pin){c->in[k]->id, c->in[k]->from};
  for (uint32_t k = 0; k < c->n_out; k++) out[k] = (struct pin){c->out[k]->id, c->out[k]->to};
  return (struct pins){in, out, c->n_in, c->n_out};
}

static struct events events_new(struct arena *a, const struct circuit *p, uint32_t part) {
  uint32_t words = p->n_cells / WORD + 1;
  struct events v = {.circuit = p,
                     .cells = timing_states(a, p),
                     .ops = ARENA_NEW(a, const struct timing_ops *, p->n_cells),
                     .pins = ARENA_NEW(a, struct pins, p->n_cells),
                     .shut = ARENA_NEW(a, bool, p->n_cells),
                     .mine = ARENA_NEW(a, bool, p->n_inputs),
                     .given = ARENA_NEW(a, int64_t, p->n_inputs),
                     .loops = ARENA_NEW(a, uint32_t, p->n_cells),
                     .at = ARENA_NEW(a, int64_t, p->n_cells),
                     .wake = ARENA_NEW(a, int64_t, p->n_cells),
                     .wires = {ARENA_NEW(a, bool, p->n_streams), ARENA_NEW(a, bool, p->n_streams)},
                     .active = ARENA_NEW(a, uint64_t, words),
                     .next = ARENA_NEW(a, uint64_t, words),
                     .n_words = words,
                     .arena = a};
  for (uint32_t i = 0; i < p->n_inputs; i++)
    v.wires.valid[p->inputs[i].id] = v.mine[i] = part_of_input(p, i) == part;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    v.ops[i] = timing_ops(p->cells[i].timing.kind);
    v.pins[i] = pins_of(a, &p->cells[i]);
    if (p->cells[i].part != part) continue;
    set(v.active, i);
    if (v.ops[i]->loops) v.loops[v.n_loops++] = i;
  }
  return v;
}

static void enter(struct events *v, struct passage *f, int64_t t) {
  const struct circuit *p = v->circuit;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == f->part) sync(v, i, t + 1);
  passage_enter(f, v->cells, t);
}

// The last of the slowest cells of a part.
static uint32_t slowest(const struct circuit *p, uint32_t part) {
  uint32_t at = 0;
  int64_t most = -1;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (p->cells[i].part != part || p->cells[i].cycles < most) continue;
    most = p->cells[i].cycles;
    at = i;
  }
  return at;
}

// Until nothing moves, as the last of the slowest cells hands nothing on, or for long; then it
// does.
static void fill(struct events *v, struct passage *f, int64_t *t) {
  uint32_t cell = slowest(v->circuit, f->part);
  int64_t most = FRAMES_FILL * v->circuit->cells[cell].cycles;
  bool more = true;
  v->shut[cell] = true;
  while (more && *t < most && *t < CYCLES_LONG) {
    cycle(v, *t);
    passage_enters(f, &v->wires);
    more = next_cycle(v, t);
  }
  v->shut[cell] = false;
  set(v->active, cell);
  if (!more) ++*t;
}

// False: it was not waited for until the flow settles.
static bool run_part(struct circuit *p, uint32_t part, bool filled, int64_t frames,
                     int64_t cycles) {
  struct arena a = {0};
  struct events v = events_new(&a, p, part);
  struct passage f = passage_new(&a, p, part, frames, cycles);
  int64_t t = 0;
  if (filled) fill(&v, &f, &t);
  do {
    cycle(&v, t);
    if (passage_enters(&f, &v.wires)) enter(&v, &f, t);
    passage_leave(&f, &v.wires, t);
  } while (!passage_known(&f) && next_cycle(&v, &t));
  passage_end(&f, p);
  arena_free(&a);
  return f.steady || f.repeats;
}

void timing_spread(struct circuit *p, uint32_t part, int64_t pace, int64_t frames, int64_t *most) {
  struct arena a = {0};
  struct events v = events_new(&a, p, part);
  struct passage f =
      passage_new(&a, p, part, frames < FRAMES_MOST ? frames : FRAMES_MOST, CYCLES_LONG);
  int64_t t = 0;
  v.most = most;
  v.pace = pace;
  do {
    cycle(&v, t);
    if (passage_enters(&f, &v.wires)) enter(&v, &f, t);
    passage_leave(&f, &v.wires, t);
  } while (!passage_known(&f) && next_cycle(&v, &t));
  passage_end(&f, p);
  arena_free(&a);
}

// From reset, and where that takes too long full from the start: no quicker than either.
void timing_run_part(struct circuit *p, uint32_t part) {
  if (run_part(p, part, false, FRAMES_MOST, CYCLES_MOST)) return;
  struct circuit filled = *p;
  run_part(&filled, part, true, FRAMES_FULL, CYCLES_LONG);
  if (filled.ii > p->ii) p->ii = filled.ii;
}

static void run(struct arena *a, struct circuit *p, uint32_t part) {
  (void)a;
  timing_run_part(p, part);
}

void timing_run(struct circuit *p) {
  passage_each(NULL, p, run);
}

static bool trace_part(const struct circuit *p, uint32_t part, struct span *spans) {
  struct arena a = {0};
  struct events v = events_new(&a, p, part);
  struct trace r = trace_new(&a, p, part, spans);
  int64_t t = 0;
  v.trace = &r;
  do cycle(&v, t);
  while (r.open && next_cycle(&v, &t));
  arena_free(&a);
  return !r.open;
}

bool timing_trace(const struct circuit *p, struct span *spans) {
  bool goes = true;
  for (uint32_t i = 0; i < p->n_inputs; i++)
    if (part_of_input(p, i) == i) goes &= trace_part(p, i, spans);
  return goes;
}
