// SPDX-License-Identifier: Apache-2.0
// axis_window, alone and in front of pools and convolutions with groups, against the definition in
// docs/numerics.md.
#include <stddef.h>

#include "tests/rtl/cells_shape.h"

enum { KEEP_FRAMES = 24 };

struct alone {
  struct shape shape;
  int width, groups, pad;
  int rows;  // of the ring, if a beat has a column of taps; 0: it has one
  bool keep; // above a frame are the rows of those before, back to the reset
};

// The code at a tap of a window.
static uint64_t code_at(const struct cell *c, int frame, int pixel, int tap, int channel) {
  const struct alone *a = c->with;
  struct shape s = a->shape;
  int since = frame % c->frames, rows = s.in[ROW];
  if (a->keep) s.in[ROW] += s.pad[ROW]; // of the rows that are kept and the frame's own
  s.pad[ROW] = a->keep ? 0 : s.pad[ROW];
  int at = window_seen(&s, pixel, tap, channel), row = s.in[COLUMN] * window_channels(&s);
  if (at < 0) return cell_code(a->pad, a->width);
  for (int above = a->keep ? a->shape.pad[ROW] * row : 0; at < above; at += rows * row) {
    frame--;
    if (since-- == 0) return cell_code(a->pad, a->width);
  }
  return c->input(c, frame, at - (a->keep ? a->shape.pad[ROW] * row : 0));
}

static uint64_t tap_of(const struct cell *c, int frame, int element) {
  const struct alone *a = c->with;
  const struct shape *s = &a->shape;
  int n = window_taps(s), inner = s->beats / a->groups, lane = element % s->lanes;
  int beat = element / s->lanes, pixel = beat / (n * s->beats), in_pixel = beat % (n * s->beats);
  int tap = in_pixel / inner % n, group = in_pixel / (inner * n);
  return code_at(c, frame, pixel, tap, (group * inner + in_pixel % inner) * s->lanes + lane);
}

// Group, kernel column, beat; in a beat kernel row, lane.
static uint64_t column_of(const struct cell *c, int frame, int element) {
  const struct alone *a = c->with;
  const struct shape *s = &a->shape;
  int lanes = s->kernel[ROW] * s->lanes, lane = element % lanes, beat = element / lanes;
  int per_pixel = s->kernel[COLUMN] * s->beats, in_pixel = beat % per_pixel;
  int inner = s->beats / a->groups, group = in_pixel / (inner * s->kernel[COLUMN]);
  int tap = lane / s->lanes * s->kernel[COLUMN] + in_pixel / inner % s->kernel[COLUMN];
  int channel = (group * inner + in_pixel % inner) * s->lanes + lane % s->lanes;
  return code_at(c, frame, beat / per_pixel, tap, channel);
}

static void add_alone(struct suite *suite, const struct alone *a) {
  const struct shape *s = &a->shape;
  struct cell *c = window_cell(suite, s, a->width, a->pad, "taps", a->groups, a->rows);
  c->out_width = a->width;
  c->out_elements *= window_taps(s);
  c->expected = a->rows ? column_of : tap_of;
  c->with = a;
  c->mutable = c->in_elements <= 24 && c->out_elements < 50;
  cell_integer(c, "OUT_WIDTH", a->width);
  if (a->rows) {
    c->out_lanes = s->kernel[ROW] * s->lanes;
    cell_integer(c, "COLUMN", s->kernel[ROW]);
  }
  if (a->keep) {
    c->frames = KEEP_FRAMES;
    cell_integer(c, "KEEP", 1);
  }
  int in = c->in_elements / s->lanes, out = c->out_elements / c->out_lanes;
  bool single = a->keep && !a->rows && s->in[ROW] * s->in[COLUMN] == 1; // no more room is needed
  if (single || s->room > 2 * s->in[COLUMN]) c->ii = in > out ? in : out;
}

// lanes, beats, in, kernel, stride, dilation, pad, after, room
static const struct alone alone[] = {
    {{1, 1, {4, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0}, 3, 1, 0},
    {{1, 2, {3, 3}, {2, 2}, {2, 1}, {1, 1}, {1, 1}, {0, 1}, 1}, 2, 2, 1},
    {{1, 1, {6, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 40}, 8, 1, 5},
    {{2, 3, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 1}, 0}, 4, 1, -3},
    {{2, 3, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 1}, 0}, 4, 3, -3},
    {{3, 1, {9, 8}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, 30}, 8, 1, 0},
    {{1, 2, {9, 10}, {3, 3}, {2, 3}, {2, 2}, {3, 1}, {2, 3}, 60}, 5, 1, 7},
    {{4, 2, {1, 20}, {1, 5}, {1, 1}, {1, 2}, {0, 4}, {0, 4}, 50}, 8, 1, 0},
    {{1, 1, {7, 7}, {1, 1}, {3, 2}, {1, 1}, {0, 0}, {0, 0}, 0}, 8, 1, 0},
    {{1, 3, {4, 4}, {4, 4}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 20}, 6, 3, 0},
    {{2, 1, {8, 5}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 12}, 8, 1, 0},
    {{1, 1, {5, 11}, {5, 3}, {3, 4}, {1, 2}, {4, 4}, {4, 4}, 70}, 8, 1, 1},
    {{1, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0}, 3, 1, 0, 2},
    {{1, 2, {4, 3}, {3, 2}, {1, 1}, {1, 1}, {1, 0}, {1, 1}, 0}, 2, 1, 1, 3},
    {{1, 1, {9, 7}, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, 40}, 8, 1, 3, 9},
    {{2, 2, {8, 6}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, 40}, 8, 1, -1, 7},
    {{2, 1, {9, 9}, {2, 3}, {3, 1}, {2, 2}, {1, 2}, {2, 1}, 0}, 5, 1, 2, 4},
    {{3, 1, {7, 8}, {4, 1}, {1, 3}, {1, 1}, {3, 0}, {3, 0}, 0}, 8, 1, 7, 5},
    {{1, 4, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 0}, 2, 2, 1},
    {{2, 6, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 1}, 20}, 4, 3, -3},
    {{1, 6, {9, 10}, {3, 3}, {2, 3}, {2, 2}, {3, 1}, {2, 3}, 60}, 5, 2, 7},
    {{1, 4, {4, 3}, {3, 2}, {1, 1}, {1, 1}, {1, 0}, {1, 1}, 0}, 2, 4, 1, 3},
    {{2, 6, {8, 6}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, 40}, 8, 2, -1, 7},
    // kept: single pixels; rows that a frame leaves to the next, with columns that nobody reads
    {{4, 8, {1, 1}, {9, 1}, {1, 1}, {1, 1}, {8, 0}, {0, 0}, 0}, 8, 1, 0, 0, true},
    {{2, 2, {3, 1}, {5, 1}, {3, 1}, {1, 1}, {2, 0}, {0, 0}, 0}, 5, 2, -7, 0, true},
    {{1, 1, {2, 3}, {4, 2}, {1, 1}, {2, 1}, {6, 1}, {0, 0}, 0}, 8, 1, 9, 0, true},
    {{1, 1, {2, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {0, 1}, 0}, 8, 1, 0, 0, true},
    {{1, 2, {3, 3}, {3, 2}, {3, 2}, {1, 1}, {2, 0}, {0, 0}, 0}, 6, 1, 1, 0, true},
    {{2, 4, {1, 2}, {5, 2}, {1, 1}, {1, 1}, {4, 1}, {0, 0}, 20}, 4, 2, 3, 0, true},
    {{1, 1, {5, 3}, {3, 3}, {1, 1}, {1, 1}, {2, 1}, {0, 1}, 20}, 4, 1, 0, 0, true},
    {{1, 2, {2, 3}, {5, 1}, {1, 1}, {1, 1}, {4, 0}, {0, 0}, 0}, 8, 1, 7, 5, true},
    {{2, 1, {3, 2}, {4, 2}, {3, 1}, {2, 1}, {4, 1}, {0, 1}, 0}, 5, 1, 3, 9, true},
    {{1, 3, {1, 1}, {9, 1}, {1, 1}, {1, 1}, {8, 0}, {0, 0}, 0}, 7, 1, 2, 11, true},
};

// Beat of channels; in a beat kernel column, kernel row, lane.
static uint64_t whole_of(const struct cell *c, int frame, int element) {
  const struct alone *a = c->with;
  const struct shape *s = &a->shape;
  int rows = s->kernel[ROW], lane = element % c->out_lanes, beat = element / c->out_lanes;
  int tap = lane / s->lanes % rows * s->kernel[COLUMN] + lane / (rows * s->lanes);
  int channel = beat % s->beats * s->lanes + lane % s->lanes;
  int at = window_seen(s, beat / s->beats, tap, channel);
  return at < 0 ? cell_code(a->pad, a->width) : c->input(c, frame, at);
}

static void add_whole(struct suite *suite, const struct alone *a) {
  const struct shape *s = &a->shape;
  struct cell *c = window_cell(suite, s, a->width, a->pad, "whole", a->groups, a->rows);
  c->out_width = a->width;
  c->out_lanes = window_taps(s) * s->lanes;
  c->out_elements *= window_taps(s);
  c->expected = whole_of;
  c->with = a;
  c->mutable = c->in_elements <= 24 && c->out_elements < 50;
  int in = c->in_elements / s->lanes;
  int columns = window_outs(s, ROW) * window_used(s, COLUMN) * s->beats;
  if (a->rows > 2 * (s->kernel[ROW] - 1) * s->dilation[ROW] + s->stride[ROW])
    c->ii = in > columns ? in : columns;
}

// Rows whose last windows reach beyond them not at all, by less than a row, by one; windows that
// move by several columns; columns that no window has.
static const struct alone whole[] = {
    {{1, 1, {4, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, 0}, 3, 1, 0, 3},
    {{1, 1, {5, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0}, 8, 1, 5, 7},
    {{1, 2, {4, 3}, {2, 3}, {1, 1}, {1, 1}, {1, 1}, {0, 1}, 0}, 2, 2, 1, 4},
    {{1, 1, {9, 7}, {5, 5}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, 0}, 8, 1, 3, 11},
    {{2, 3, {8, 6}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 0}, 8, 1, -1, 7},
    {{2, 1, {7, 9}, {2, 3}, {3, 1}, {2, 2}, {1, 2}, {2, 2}, 0}, 5, 1, 2, 8},
    {{1, 1, {3, 8}, {2, 1}, {1, 3}, {1, 1}, {0, 0}, {1, 0}, 0}, 8, 1, 0, 4},
    {{1, 4, {3, 5}, {1, 3}, {1, 1}, {1, 2}, {0, 4}, {0, 0}, 0}, 8, 2, 1, 2},
    {{3, 1, {1, 12}, {1, 5}, {1, 2}, {1, 1}, {0, 2}, {0, 2}, 0}, 4, 1, -2, 2},
    {{1, 6, {4, 2}, {3, 5}, {1, 1}, {1, 1}, {1, 2}, {1, 2}, 0}, 3, 3, 1, 6},
    {{1, 1, {3, 1}, {2, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0}, 3, 1, 2, 4},
};

// ---- padded taps that are left out

struct skipping {
  struct shape shape;
  int width, skip;
};

static const struct skipping skipping[] = {
    // small: these have mutants
    {{1, 1, {2, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, 0}, 2, 2},
    {{1, 2, {2, 2}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0}, 2, 3},
    {{1, 1, {6, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 40}, 8, 6},
    {{2, 3, {5, 6}, {3, 2}, {1, 2}, {1, 1}, {2, 0}, {1, 1}, 20}, 4, 2},
    {{1, 2, {9, 10}, {3, 3}, {2, 3}, {2, 2}, {3, 1}, {2, 3}, 60}, 5, 5},
    {{4, 2, {1, 20}, {1, 5}, {1, 1}, {1, 2}, {0, 4}, {0, 4}, 50}, 8, 4},
    {{1, 1, {5, 11}, {5, 3}, {3, 4}, {1, 2}, {4, 4}, {4, 4}, 70}, 8, 3},
    {{3, 1, {3, 3}, {3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}, 20}, 8, 7},
    {{1, 1, {5, 2}, {3, 4}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, 20}, 6, 2},
};

// The beat of a frame that is sent as number `at`, all counted.
static int beat_sent(const struct shape *s, int at) {
  int n = window_taps(s), beat = 0;
  for (;; beat++) {
    bool seen = window_seen(s, beat / (n * s->beats), beat / s->beats % n, 0) >= 0;
    if (seen && at-- == 0) return beat;
  }
}

// TLAST, SKIP times the beat's number in its pixel, elements.
static uint64_t sent(const struct cell *c, int frame, int element) {
  const struct skipping *k = c->with;
  const struct shape *s = &k->shape;
  int per_pixel = window_taps(s) * s->beats, beat = beat_sent(s, element), bits = 0;
  int pixel = beat / per_pixel, number = beat % per_pixel;
  bool last = element + 1 == c->out_elements || beat_sent(s, element + 1) / per_pixel != pixel;
  while (1 << bits < per_pixel * k->skip) bits++;
  uint64_t code = (uint64_t)last << bits | (uint64_t)(number * k->skip);
  for (int lane = s->lanes; lane-- > 0;) {
    int at = window_seen(s, pixel, number / s->beats, number % s->beats * s->lanes + lane);
    code = code << k->width | c->input(c, frame, at);
  }
  return code;
}

static void add_skipping(struct suite *suite, const struct skipping *k) {
  const struct shape *s = &k->shape;
  struct cell *c = window_cell(suite, s, k->width, 0, "taps", 1, 0);
  int in = c->in_elements / s->lanes, walk = window_walk(s, 1);
  c->out_width = s->lanes * k->width + 1;
  while (1 << (c->out_width - s->lanes * k->width - 1) < window_taps(s) * s->beats * k->skip)
    c->out_width++;
  c->out_lanes = 1;
  c->out_elements = window_sent(s);
  c->expected = sent;
  c->with = k;
  c->mutable = k < skipping + 2;
  cell_integer(c, "OUT_LANES", 1);
  cell_integer(c, "OUT_WIDTH", c->out_width);
  cell_integer(c, "SKIP", k->skip);
  cell_integer(c, "SENT", c->out_elements);
  if (s->room > 2 * s->in[COLUMN]) c->ii = in > walk ? in : walk;
}

void cells_window(struct suite *s) {
  for (size_t i = 0; i < sizeof skipping / sizeof *skipping; i++) add_skipping(s, &skipping[i]);
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) add_whole(s, &whole[i]);
  for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) add_alone(s, &alone[i]);
  cells_reduced(s);
  cells_grouped(s);
  cells_columns(s);
  cells_tiles(s);
}
