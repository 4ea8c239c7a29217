// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/window.h"

#include "sw/base/bits.h"
#include "sw/circuit/facts.h"

int64_t circuit_divisor(int64_t channels, int64_t most) {
  int64_t lanes = most < channels ? most : channels;
  while (channels % lanes) lanes--;
  return lanes;
}

bool circuit_divides(int64_t channels, int64_t lanes, const char *which, struct err *e) {
  return channels % lanes == 0 ||
         err_set(e, "%lld lanes%s, which don't divide its %lld channels (%lld would)",
                 (long long)lanes, which, (long long)channels,
                 (long long)circuit_divisor(channels, lanes));
}

static int64_t clamp(int64_t v, int64_t most) {
  return v < 0 ? 0 : v > most ? most : v;
}

// Beats of a pixel of the output that one beat of channels takes.
static int64_t taps(const struct circuit_window *w) {
  return w->shape.kernel[ROWS] * w->shape.kernel[COLUMNS] / w->taps;
}

int64_t circuit_window_beats(const struct circuit_window *w) {
  return window_pixels(&w->shape) * taps(w) * w->beats;
}

int64_t circuit_window_pixel(const struct circuit_window *w, int64_t pixel) {
  const struct window *s = &w->shape;
  if (!w->skips) return taps(w) * w->beats;
  return window_taps(s, ROWS, pixel / s->out[COLUMNS]) *
         window_taps(s, COLUMNS, pixel % s->out[COLUMNS]) * w->beats;
}

int64_t circuit_window_sent(const struct circuit_window *w) {
  int64_t along[WINDOW_AXES] = {0, 0};
  if (!w->skips) return circuit_window_beats(w);
  for (int axis = 0; axis < WINDOW_AXES; axis++)
    for (int64_t o = 0; o < w->shape.out[axis]; o++) along[axis] += window_taps(&w->shape, axis, o);
  return along[ROWS] * along[COLUMNS] * w->beats;
}

int circuit_window_number(const struct circuit_window *w) {
  return w->skips ? bits_clog2(taps(w) * w->beats * w->steps) : 0;
}

int64_t circuit_window_reads(const struct circuit_window *w, int64_t i) {
  const struct window *s = &w->shape;
  int64_t n = taps(w), in_pixel = i % (n * w->beats), pixel = i / (n * w->beats);
  int64_t inner = w->beats / w->groups, tap = in_pixel / inner % n;
  int64_t beat = in_pixel / (inner * n) * inner + in_pixel % inner;
  bool whole_column = w->taps > 1;
  int64_t ky = whole_column ? s->kernel[ROWS] - 1 : tap / s->kernel[COLUMNS];
  int64_t row = window_at(s, ROWS, pixel / s->out[COLUMNS], ky);
  int64_t column = window_at(s, COLUMNS, pixel % s->out[COLUMNS], tap % s->kernel[COLUMNS]);
  if (whole_column && row >= w->used[ROWS]) row = w->used[ROWS] - 1;
  if (row < -w->kept || row >= s->in[ROWS] || !window_inside(s, COLUMNS, column)) return NONE;
  return ((row + w->kept) * s->in[COLUMNS] + column) * w->beats + beat;
}

const int32_t *circuit_window_table(struct arena *a, const struct circuit_window *w) {
  int64_t beats = circuit_window_beats(w);
  int32_t *reads = ARENA_NEW(a, int32_t, beats);
  for (int64_t i = 0; i < beats; i++) reads[i] = (int32_t)circuit_window_reads(w, i);
  return reads;
}

int64_t circuit_window_low(const struct circuit_window *w, int64_t pixel) {
  const struct window *s = &w->shape;
  int64_t row = pixel / s->out[COLUMNS], column = pixel % s->out[COLUMNS];
  int64_t rows = w->used[ROWS], columns = w->used[COLUMNS];
  if (row == s->out[ROWS]) return rows * columns;
  int64_t here = clamp(window_at(s, ROWS, row, 0) + w->kept, rows) * columns +
                 clamp(window_at(s, COLUMNS, column, 0), columns);
  int64_t below = clamp(window_at(s, ROWS, row + 1, 0) + w->kept, rows) * columns;
  if (row + 1 == s->out[ROWS]) below = rows * columns;
  return here < below ? here : below;
}

bool circuit_window_keeps(const struct circuit_window *w, int64_t beat) {
  int64_t pixel = beat / w->beats, columns = w->shape.in[COLUMNS];
  return pixel / columns < w->used[ROWS] && pixel % columns < w->used[COLUMNS];
}

int64_t circuit_window_above(const struct circuit_window *w) {
  return w->kept * w->shape.in[COLUMNS] * w->beats;
}

int64_t circuit_window_held(const struct circuit_window *w) {
  return w->kept * w->used[COLUMNS];
}

int64_t circuit_window_plenty(const struct circuit_window *w) {
  return (w->kept + 3 * w->used[ROWS]) * w->used[COLUMNS];
}

// ---- the ring

// Window and cell behind by recurrences over beats instead of cycle by cycle, for a source that
// never waits: when each pixel comes, when each beat is read, moves and is taken.
struct flow {
  const struct circuit_window *w;
  int64_t capacity;
  int64_t kept, came;     // pixels that have come and were kept; beats of the frame, all pixels
  int64_t frame;          // of the writer
  int64_t write;          // cycle of the last beat that came
  int64_t *at, *freed_at; // (frames * used pixels) cycle of its last beat; of its being freed
  int64_t freed;          // pixels
  int64_t *ends;          // (frames) cycle in which the reader's frame ended
};

enum { FRAMES = 8 };
#define BEATS_MAX ((int64_t)1 << 24)

static int64_t later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

// Of the beat before: when it was read, moved to the output, and was done with.
struct reader {
  int64_t read, moved, taken;
};

// Cycles for beat i of a pixel.
static int64_t steps_of(const struct circuit_window *w, int64_t i) {
  return w->each ? w->each[i] : w->steps;
}

static int64_t pixel_steps(const struct circuit_window *w) {
  int64_t all = 0;
  for (int64_t i = 0; i < taps(w) * w->beats; i++) all += steps_of(w, i);
  return all;
}

// The next one, beat i of its pixel, which is there from cycle `when` on. One that isn't sent takes
// a cycle of the walk.
static void reads(const struct circuit_window *w, struct reader *r, int64_t i, bool padding,
                  int64_t when) {
  if (w->skips && padding) {
    r->read++;
    return;
  }
  r->read = later(later(r->read + 1, r->moved), when);
  r->moved = later(r->read + 1, r->taken);
  r->taken = later(r->moved, r->taken) + steps_of(w, i);
}

// The writer takes one more pixel; false if it would wait for a place that isn't free yet.
static bool take_pixel(struct flow *f) {
  const struct circuit_window *w = f->w;
  int64_t pixels = w->shape.in[ROWS] * w->shape.in[COLUMNS];
  bool keeps = circuit_window_keeps(w, f->came * w->beats);
  if (keeps && f->kept >= f->capacity) {
    if (f->kept - f->capacity >= f->freed) return false;
    f->write = later(f->write, f->freed_at[f->kept - f->capacity]);
  }
  if (f->came == 0 && f->frame >= 2) f->write = later(f->write, f->ends[f->frame - 2]);
  f->write += w->beats;
  if (keeps) f->at[f->kept++] = f->write;
  if (++f->came == pixels) {
    f->came = 0;
    f->frame++;
  }
  return true;
}

// The place of a beat of the image among the pixels that are kept.
static int64_t place(const struct circuit_window *w, int64_t beat) {
  int64_t pixel = beat / w->beats, columns = w->shape.in[COLUMNS];
  return pixel / columns * w->used[COLUMNS] + pixel % columns;
}

// Cycles of a frame once the flow is steady; 0: it stands still.
static int64_t run(struct flow *f) {
  const struct circuit_window *w = f->w;
  int64_t per = w->used[ROWS] * w->used[COLUMNS], beats = circuit_window_beats(w);
  int64_t in_pixel = taps(w) * w->beats;
  struct reader r = {-1, 0, -1};
  f->write = -1;
  for (f->kept = 0; f->kept < circuit_window_held(w); f->kept++) f->at[f->kept] = -1;
  for (int64_t frame = 0; frame < FRAMES; frame++) {
    for (int64_t i = 0; i < beats; i++) {
      int64_t beat = w->reads[i], when = 0;
      if (beat != NONE) {
        int64_t wanted = frame * per + place(w, beat);
        while (f->kept <= wanted)
          if (!take_pixel(f)) return 0;
        when = f->at[wanted] - (w->beats - 1 - beat % w->beats) + 1;
      }
      reads(w, &r, i % in_pixel, beat == NONE, when);
      if ((i + 1) % in_pixel) continue;
      int64_t low = frame * per + circuit_window_low(w, (i + 1) / in_pixel);
      while (f->freed < low) f->freed_at[f->freed++] = r.read;
    }
    f->ends[frame] = r.read;
    while (f->frame <= frame) take_pixel(f); // what no tap reads
  }
  return (f->ends[FRAMES - 1] - f->ends[FRAMES / 2 - 1] + FRAMES / 2 - 1) / (FRAMES / 2);
}

static int64_t cycles(const struct circuit_window *w, int64_t capacity) {
  struct arena a = {0};
  int64_t pixels = (w->kept + (FRAMES + 2) * w->used[ROWS]) * w->used[COLUMNS];
  int64_t ends[FRAMES] = {0};
  struct flow f = {.w = w,
                   .capacity = capacity,
                   .at = ARENA_NEW(&a, int64_t, pixels),
                   .freed_at = ARENA_NEW(&a, int64_t, pixels),
                   .ends = ends};
  int64_t ii = run(&f);
  arena_free(&a);
  return ii;
}

static int64_t used(const struct window *s, int axis) {
  int64_t most = 1;
  for (int64_t o = 0; o < s->out[axis]; o++) {
    int64_t taps = window_between(s, axis, o, INT64_MIN / 2, s->in[axis]);
    int64_t at = window_at(s, axis, o, taps - 1);
    if (taps && at >= most) most = at + 1;
  }
  return most;
}

// From the first pixel that an output pixel or a later one reads to the last that it reads itself:
// with fewer it would wait for ever.
static int64_t least_span(const struct circuit_window *w) {
  int64_t beats = circuit_window_beats(w), in_pixel = taps(w) * w->beats, most = 1;
  for (int64_t i = 0; i < beats; i++) {
    if (w->reads[i] == NONE) continue;
    int64_t span = place(w, w->reads[i]) - circuit_window_low(w, i / in_pixel) + 1;
    most = later(most, span);
  }
  return most;
}

// The fewest pixels with which a frame takes no longer than with any: in steps that double, then in
// halves.
static int64_t least_capacity(const struct circuit_window *w) {
  // of a column of taps the ring has whole rows
  int64_t unit = w->taps > 1 ? w->used[COLUMNS] : 1, plenty = circuit_window_plenty(w);
  int64_t least = (least_span(w) + unit - 1) / unit - 1, enough = least + 1;
  int64_t best = cycles(w, plenty);
  for (int64_t step = 1; enough * unit < plenty; step *= 2) {
    int64_t ii = cycles(w, enough * unit);
    if (ii && ii <= best) break;
    least = enough;
    enough += step;
  }
  while (enough - least > 1) {
    int64_t middle = (least + enough) / 2, ii = cycles(w, middle * unit);
    if (ii && ii <= best)
      enough = middle;
    else
      least = middle;
  }
  return enough * unit;
}

// ---- whole windows

enum { SLIDE_ROWS = 4, WALK_FRAMES = 3 }; // after which one is as the next

static int64_t first_place(const struct circuit_slide *s) {
  return (s->kernel - 1) * s->dilation - s->before;
}

int64_t circuit_slide_last(const struct circuit_slide *s) {
  return first_place(s) + (s->out - 1) * s->stride;
}

bool circuit_slide_gives(const struct circuit_slide *s, int64_t place) {
  int64_t from = place - first_place(s);
  return from >= 0 && from % s->stride == 0 && from / s->stride < s->out;
}

static struct circuit_slide slide_of(const struct window *s) {
  return (struct circuit_slide){.in = used(s, COLUMNS),
                                .out = s->out[COLUMNS],
                                .kernel = s->kernel[COLUMNS],
                                .stride = s->stride[COLUMNS],
                                .dilation = s->dilation[COLUMNS],
                                .before = s->before[COLUMNS]};
}

int64_t circuit_slide_cycles(const struct circuit_slide *s, int64_t steps) {
  int64_t read = -1, moved = 0, taken = -1, before = 0;
  for (int row = 0; row < SLIDE_ROWS; row++) {
    before = read;
    for (int64_t i = 0; i < s->in * s->beats; i++) {
      int64_t place = i / s->beats;
      read = later(read + 1, moved);
      if (!circuit_slide_gives(s, place) && !circuit_slide_gives(s, s->in + place)) continue;
      moved = later(read + 1, taken);
      taken = later(moved, taken) + steps;
    }
  }
  return read - before;
}

bool circuit_window_slides(const struct window *s) {
  struct circuit_slide slide = slide_of(s);
  int64_t beyond = circuit_slide_last(&slide) - (slide.in - 1);
  return (slide.out - 1) * slide.stride < slide.in && beyond <= slide.in;
}

static int64_t mean_steps(const struct circuit_window *w) {
  int64_t beats = taps(w) * w->beats;
  return (pixel_steps(w) + beats - 1) / beats;
}

// A window of one column, at each that is used.
static void take_columns(struct circuit_window *w) {
  struct window *s = &w->shape;
  w->slide = slide_of(s);
  w->taps = s->kernel[ROWS];
  w->slide.lanes = w->taps * w->lanes;
  w->slide.beats = w->beats;
  w->slide.groups = w->groups;
  w->slide.pad = w->pad;
  w->groups = 1;
  w->steps = (mean_steps(w) * w->slide.out + w->slide.in - 1) / w->slide.in;
  w->each = NULL;
  s->out[COLUMNS] = w->slide.in;
  s->kernel[COLUMNS] = s->stride[COLUMNS] = s->dilation[COLUMNS] = 1;
  s->before[COLUMNS] = s->after[COLUMNS] = 0;
}

// ---- the walk of a window that skips, if pixels never wait

static void walk_pixel(const struct circuit_window *w, struct reader *r, int64_t row,
                       int64_t column) {
  const struct window *s = &w->shape;
  for (int64_t ky = 0; ky < s->kernel[ROWS]; ky++)
    for (int64_t kx = 0; kx < s->kernel[COLUMNS]; kx++) {
      bool inside = window_inside(s, ROWS, window_at(s, ROWS, row, ky)) &&
                    window_inside(s, COLUMNS, window_at(s, COLUMNS, column, kx));
      for (int64_t beat = 0; beat < w->beats; beat++) reads(w, r, 0, !inside, 0);
    }
}

static bool alike(const struct reader *a, const struct reader *b) {
  return a->moved - a->read == b->moved - b->read && a->taken - a->read == b->taken - b->read;
}

// Goes on by `times` the cycles since `before`.
static void again(struct reader *r, const struct reader *before, int64_t times) {
  int64_t cycles = (r->read - before->read) * times;
  r->read += cycles;
  r->moved += cycles;
  r->taken += cycles;
}

// Outputs from `o` on that have all taps inside.
static int64_t whole(const struct window *s, int axis, int64_t o) {
  int64_t at = o;
  while (at < s->out[axis] && window_taps(s, axis, at) == s->kernel[axis]) at++;
  return at - o;
}

// Pixels and rows with all taps inside go like the first of them, once that leaves the reader as it
// was.
static void walk_row(const struct circuit_window *w, struct reader *r, int64_t row) {
  for (int64_t o = 0; o < w->shape.out[COLUMNS]; o++) {
    int64_t more = whole(&w->shape, COLUMNS, o);
    struct reader before = *r;
    walk_pixel(w, r, row, o);
    if (more < 2 || !alike(r, &before)) continue;
    again(r, &before, more - 1);
    o += more - 1;
  }
}

static int64_t walk_cycles(const struct circuit_window *w) {
  struct reader r = {-1, 0, -1};
  int64_t since = 0;
  for (int frame = 0; frame < WALK_FRAMES; frame++) {
    since = r.read;
    for (int64_t o = 0; o < w->shape.out[ROWS]; o++) {
      int64_t more = whole(&w->shape, ROWS, o);
      struct reader before = r;
      walk_row(w, &r, o);
      if (more < 2 || !alike(&r, &before)) continue;
      again(&r, &before, more - 1);
      o += more - 1;
    }
  }
  return r.read - since;
}

int64_t circuit_window_bound(const struct circuit_window *w) {
  int64_t in = w->shape.in[ROWS] * w->shape.in[COLUMNS] * w->beats;
  int64_t out = w->skips ? walk_cycles(w) : window_pixels(&w->shape) * pixel_steps(w);
  if (w->taps > w->shape.kernel[ROWS]) {
    struct circuit_slide slide = slide_of(&w->shape);
    slide.beats = w->beats;
    out = later(out, w->shape.out[ROWS] * circuit_slide_cycles(&slide, mean_steps(w)));
  }
  return later(in, out);
}

bool circuit_window_size(struct circuit_window *w, struct err *e) {
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    const struct window *s = &w->shape;
    int64_t span = (s->kernel[axis] - 1) * s->dilation[axis];
    if (s->before[axis] > span || window_at(s, axis, s->out[axis] - 1, 0) >= s->in[axis])
      return err_set(e, "its padding is as wide as its kernel: pad in a layer of its own in "
                        "front of it (pad)");
    // such a pixel would leave before its frame comes in
    for (int64_t o = 0; o < s->out[axis]; o++)
      if (!window_taps(s, axis, o))
        return err_set(e, "one of its windows lies in the padding: pad in a layer "
                          "of its own in front of it (pad)");
    w->used[axis] = axis == ROWS && w->kept ? s->in[axis] : used(s, axis);
  }
  if (w->taps > w->shape.kernel[ROWS]) take_columns(w);
  int64_t in = w->shape.in[ROWS] * w->shape.in[COLUMNS] * w->beats, out = circuit_window_beats(w);
  if (in > BEATS_MAX || out > BEATS_MAX)
    return err_set(e,
                   "its windows take %lld beats a frame and give %lld, at most %lld: more lanes in",
                   (long long)in, (long long)out, (long long)BEATS_MAX);
  struct arena a = {0};
  w->reads = circuit_window_table(&a, w);
  w->capacity = w->alone = least_capacity(w);
  w->reads = NULL;
  arena_free(&a);
  return true;
}
