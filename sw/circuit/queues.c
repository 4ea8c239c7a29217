// SPDX-License-Identifier: Apache-2.0
// Places: of queues in front of joins and behind linear layers, of what is remembered, and of
// windows' rings.
//
//   fit      what each holds while the source is as slow as the slowest cell and nothing is full
//   secure   more, until no stall on any side can stop the circuit for ever
//   shrink   the fewest places of each queue in front of a join that keep both; and of rings that
//            skip padding those that they need alone, if they do
#include "sw/circuit/builder.h"
#include "sw/circuit/timing.h"

enum { QUEUE_MOST = 1 << 14, ROUNDS_MOST = 14, VAIN_MOST = 3, FRAMES_MORE = 16, SPREADS_MOST = 4 };

// What the places must keep.
struct pace {
  uint32_t part;
  int64_t cycles; // of a frame
  int64_t frames; // after which it must be seen
};

// ---- places of a cell

// Places for beats that wait: any number is right.
static bool waits(const struct cell *c) {
  return c->timing.kind == TIMING_QUEUE || c->timing.kind == TIMING_STATE;
}

static bool has_places(const struct cell *c, uint32_t part) {
  return c->part == part &&
         (waits(c) || c->timing.kind == TIMING_LINEAR || c->timing.kind == TIMING_WINDOW);
}

static void resize(struct cell *c, int64_t places) {
  if (c->timing.kind == TIMING_LINEAR)
    circuit_linear_queue(c, places);
  else if (c->timing.kind == TIMING_WINDOW)
    circuit_window_resize(c, places);
  else
    c->memory_bits = (c->timing.queue = places) * (c->in[0]->lanes * c->in[0]->width + 1);
}

// Pixels of a window's ring come and go in whole rows if it hands out columns.
static int64_t window_unit(const struct circuit_window *w) {
  return w->taps > 1 ? w->used[COLUMNS] : 1;
}

// So many that it never waits for one; behind a pool as many as help.
static int64_t plenty(const struct cell *c) {
  if (c->timing.kind == TIMING_WINDOW) return circuit_window_plenty(c->facts);
  if (c->timing.kind == TIMING_QUEUE && c->timing.ib) return c->timing.ib;
  return c->timing.queue + QUEUE_MOST;
}

// The places for `needed` ones of a cell that has `least` ones or more: whole rows of a ring,
// behind a linear layer a power of two times the least. What is remembered of the last frame has
// its place though nobody reads it.
static int64_t places_for(const struct cell *c, int64_t least, int64_t needed) {
  if (c->timing.kind == TIMING_QUEUE) return needed > 1 ? needed : 1;
  if (needed <= least) return least;
  if (c->timing.kind == TIMING_STATE) return needed;
  if (c->timing.kind == TIMING_WINDOW) {
    int64_t unit = window_unit(c->facts);
    return (needed + unit - 1) / unit * unit;
  }
  int64_t places = least;
  while (places < needed) places *= 2;
  return places;
}

static int64_t least_of(const struct cell *c) {
  return c->timing.kind == TIMING_STATE ? c->timing.ib : c->timing.queue;
}

// More of them, if there aren't very many; a ring has another row, up to the image.
static bool grow(struct cell *c) {
  int64_t before = c->timing.queue;
  if (c->timing.kind == TIMING_WINDOW) {
    const struct circuit_window *w = c->facts;
    int64_t image = circuit_window_held(w) + w->used[ROWS] * w->used[COLUMNS];
    int64_t more = before + w->used[COLUMNS];
    if (before < image) resize(c, more < image ? more : image);
  } else if (c->timing.kind == TIMING_QUEUE && c->timing.ib) {
    resize(c, 2 * before < c->timing.ib ? 2 * before : c->timing.ib);
  } else if (before - (c->timing.kind == TIMING_STATE ? c->timing.ib : 0) < QUEUE_MOST) {
    resize(c, 2 * before);
  }
  return c->timing.queue > before;
}

// ---- fit

static int64_t slowest(const struct circuit *p, uint32_t part) {
  int64_t cycles = 1;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == part && p->cells[i].cycles > cycles) cycles = p->cells[i].cycles;
  return cycles;
}

// With as many places as are held at once when there are plenty, each step is possible when it was
// taken then, and what begins earlier ends no later: so a source that never waits is no slower. The
// pace is `cycles`, or that of a loop.
static struct pace fit(struct arena *a, struct circuit *p, uint32_t part, int64_t cycles) {
  struct pace pace = {.part = part, .cycles = cycles, .frames = INT64_MAX};
  int64_t *least = ARENA_NEW(a, int64_t, p->n_cells), *most = NULL;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (!has_places(c, part)) continue;
    least[i] = least_of(c);
    resize(c, plenty(c));
  }
  for (int round = 0; round == 0 || (round < SPREADS_MOST && p->ii > pace.cycles); round++) {
    if (round) pace.cycles = p->ii;
    most = ARENA_NEW(a, int64_t, p->n_cells);
    timing_spread(p, part, pace.cycles, pace.frames, most);
    if (!p->latency) break;
  }
  if (p->latency && p->ii > pace.cycles) pace.cycles = p->ii;
  pace.frames = p->steady < INT32_MAX ? 2 * p->steady + FRAMES_MORE : INT32_MAX;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (has_places(&p->cells[i], part))
      resize(&p->cells[i], places_for(&p->cells[i], least[i], most[i]));
  return pace;
}

// ---- secure

static bool stops_as_a_whole(const struct cell *c) {
  enum timing_kind kind = c->timing.kind;
  return kind == TIMING_PIPE || kind == TIMING_ARGMAX || kind == TIMING_TILES;
}

// Whether the circuit flows whatever its source and its sinks do. A pipe that stands still may hold
// a single beat, with bubbles behind it, so that no more of its stages count as places. With them
// what a frame's beats wait for is a network of processes and bounded queues, which stands still
// under every order of steps or under none: one run tells, and more places never hurt.
static bool flows_always(struct arena *a, struct circuit *p, const struct pace *pace) {
  int64_t *latency = ARENA_NEW(a, int64_t, p->n_cells);
  struct circuit before = *p;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    latency[i] = p->cells[i].timing.latency;
    if (stops_as_a_whole(&p->cells[i])) p->cells[i].timing.latency = 1;
  }
  timing_spread(p, pace->part, pace->cycles, pace->frames, NULL);
  bool flows = p->latency != 0;
  for (uint32_t i = 0; i < p->n_cells; i++) p->cells[i].timing.latency = latency[i];
  *p = before;
  return flows;
}

static bool any_waits(const struct circuit *p, uint32_t part) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == part && waits(&p->cells[i])) return true;
  return false;
}

// Whether there are enough places for any stall once those of all queues have grown.
static bool secure(struct arena *a, struct circuit *p, const struct pace *pace) {
  bool any = any_waits(p, pace->part), flows = !any;
  while (any && !(flows = flows_always(a, p, pace))) {
    any = false;
    for (uint32_t i = 0; i < p->n_cells; i++)
      if (p->cells[i].part == pace->part && waits(&p->cells[i])) any |= grow(&p->cells[i]);
  }
  return flows;
}

// ---- shrink

static bool keeps(struct arena *a, struct circuit *p, const struct pace *pace) {
  (void)a;
  timing_spread(p, pace->part, pace->cycles, pace->frames, NULL);
  return p->latency && p->steady < INT32_MAX && p->ii <= pace->cycles;
}

// The fewest places of a queue, more than `few`, with which a condition holds that holds with those
// that it has; they are what it has then.
static void fewest(struct arena *a, struct circuit *p, struct cell *c, const struct pace *pace,
                   int64_t few,
                   bool (*holds)(struct arena *a, struct circuit *p, const struct pace *pace)) {
  int64_t many = c->timing.queue;
  while (many - few > 1) {
    c->timing.queue = (few + many) / 2;
    *(holds(a, p, pace) ? &many : &few) = c->timing.queue;
  }
  c->timing.queue = many;
}

// What is remembered of the last frame has its place though nobody reads it.
static int64_t too_few(const struct cell *c) {
  return c->timing.kind == TIMING_STATE ? c->timing.ib - 1 : 0;
}

// A window that skips padding is quicker at the image's edge than inside, so that its ring has held
// more of what a source gives at an even pace than it needs.
static void shrink_rings(struct arena *a, struct circuit *p, const struct pace *pace) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (c->part != pace->part || c->timing.kind != TIMING_WINDOW) continue;
    const struct circuit_window *w = c->facts;
    int64_t before = w->capacity;
    if (!w->skips || before == w->alone) continue;
    resize(c, w->alone);
    if (!keeps(a, p, pace)) resize(c, before);
  }
}

// The pace first: what keeps it mostly flows.
static void shrink(struct arena *a, struct circuit *p, const struct pace *pace) {
  shrink_rings(a, p, pace);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    if (c->part != pace->part || !waits(c)) continue;
    int64_t before = c->timing.queue;
    fewest(a, p, c, pace, too_few(c), keeps);
    int64_t at_pace = c->timing.queue;
    if (!flows_always(a, p, pace)) {
      c->timing.queue = before;
      fewest(a, p, c, pace, at_pace, flows_always);
    }
    resize(c, c->timing.queue);
  }
}

// ---- the whole

// The places of the part's cells; and back to them.
static void note(const struct circuit *p, uint32_t part, int64_t *places) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (has_places(&p->cells[i], part)) places[i] = p->cells[i].timing.queue;
}

static void restore(struct circuit *p, uint32_t part, const int64_t *places) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (has_places(&p->cells[i], part)) resize(&p->cells[i], places[i]);
}

static bool grow_all(struct circuit *p, uint32_t part) {
  bool any = false;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (has_places(&p->cells[i], part)) any |= grow(&p->cells[i]);
  return any;
}

// A pipe that stops as a whole may hold less of what comes earlier: then all grow. What doesn't
// help is taken back.
static void keep_pace(struct arena *a, struct circuit *p, const struct pace *pace) {
  int64_t *best = ARENA_NEW(a, int64_t, p->n_cells), ii = INT64_MAX;
  int vain = 0;
  for (int round = 0; round <= ROUNDS_MOST; round++) {
    timing_run_part(p, pace->part);
    vain = p->latency && p->ii < ii ? 0 : vain + 1;
    if (!vain) {
      ii = p->ii;
      note(p, pace->part, best);
    }
    if (ii <= pace->cycles || vain == VAIN_MOST || !grow_all(p, pace->part)) break;
  }
  restore(p, pace->part, best);
  if (vain) timing_run_part(p, pace->part);
}

// What can't keep the pace of its slowest cell holds more and more of what comes at that, and never
// settles: its own pace needs less.
static struct pace fit_own(struct arena *a, struct circuit *p, uint32_t part) {
  int64_t *least = ARENA_NEW(a, int64_t, p->n_cells);
  note(p, part, least);
  struct pace pace = fit(a, p, part, slowest(p, part));
  if (!p->latency || pace.frames < INT32_MAX) return pace;
  timing_run_part(p, part);
  int64_t own = p->ii;
  if (!p->latency || own <= pace.cycles) return pace;
  restore(p, part, least);
  return fit(a, p, part, own);
}

static void size_part(struct arena *a, struct circuit *p, uint32_t part) {
  struct pace pace = fit_own(a, p, part);
  if (!p->latency) return;
  if (!secure(a, p, &pace)) {
    p->latency = 0;
    return;
  }
  shrink(a, p, &pace);
  keep_pace(a, p, &pace);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].part == part) p->cells[i].ii = p->ii;
}

void queues_size(struct arena *a, struct circuit *p) {
  passage_each(a, p, size_part);
}

void queues_least(struct circuit *p, int64_t *least) {
  struct arena a = {0};
  struct circuit copy = *p;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    struct cell *c = &p->cells[i];
    int64_t before = c->timing.queue;
    struct pace pace = {.part = c->part, .cycles = c->ii, .frames = FRAMES_MORE};
    if (waits(c)) fewest(&a, &copy, c, &pace, too_few(c), flows_always);
    least[i] = waits(c) ? c->timing.queue : 0;
    c->timing.queue = before;
  }
  arena_free(&a);
}
