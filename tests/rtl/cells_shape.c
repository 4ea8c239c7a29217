// SPDX-License-Identifier: Apache-2.0
#include "tests/rtl/cells_shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WALK_FRAMES = 4 };

int window_outs(const struct shape *s, int axis) {
  int extent = (s->kernel[axis] - 1) * s->dilation[axis] + 1;
  return (s->in[axis] + s->pad[axis] + s->after[axis] - extent) / s->stride[axis] + 1;
}

int window_channels(const struct shape *s) {
  return s->lanes * s->beats;
}

int window_used(const struct shape *s, int axis) {
  int most = 1;
  for (int o = 0; o < window_outs(s, axis); o++)
    for (int k = 0; k < s->kernel[axis]; k++) {
      int at = o * s->stride[axis] + k * s->dilation[axis] - s->pad[axis];
      if (at < s->in[axis] && at >= most) most = at + 1;
    }
  return most;
}

int window_span(const struct shape *s) {
  int rows = (s->kernel[ROW] - 1) * s->dilation[ROW];
  int columns = (s->kernel[COLUMN] - 1) * s->dilation[COLUMN] + 1;
  return rows * window_used(s, COLUMN) + columns;
}

int window_seen(const struct shape *s, int pixel, int tap, int channel) {
  int o[2] = {pixel / window_outs(s, COLUMN), pixel % window_outs(s, COLUMN)}, at[2];
  int k[2] = {tap / s->kernel[COLUMN], tap % s->kernel[COLUMN]};
  for (int axis = 0; axis < 2; axis++) {
    at[axis] = o[axis] * s->stride[axis] + k[axis] * s->dilation[axis] - s->pad[axis];
    if (at[axis] < 0 || at[axis] >= s->in[axis]) return -1;
  }
  return (at[ROW] * s->in[COLUMN] + at[COLUMN]) * window_channels(s) + channel;
}

int window_taps(const struct shape *s) {
  return s->kernel[ROW] * s->kernel[COLUMN];
}

int window_walk(const struct shape *s, int steps) {
  int beats = window_outs(s, ROW) * window_outs(s, COLUMN) * window_taps(s) * s->beats;
  int read = 0, moved = 0, done = 0, since = 0;
  for (int i = 0; i < WALK_FRAMES * beats; i++) {
    int beat = i % beats, pixel = beat / (window_taps(s) * s->beats);
    if (beat == 0) since = read;
    read++;
    if (window_seen(s, pixel, beat / s->beats % window_taps(s), 0) < 0) continue;
    if (read < moved) read = moved; // the read register is full
    moved = read + 1 > done ? read + 1 : done;
    done = moved + steps;
  }
  return read - since;
}

int window_sent(const struct shape *s) {
  int pixels = window_outs(s, ROW) * window_outs(s, COLUMN), sent = 0;
  for (int i = 0; i < pixels * window_taps(s); i++)
    sent += window_seen(s, i / window_taps(s), i % window_taps(s), 0) < 0 ? 0 : s->beats;
  return sent;
}

bool window_tiles(const struct shape *s) {
  bool apart = true;
  for (int axis = 0; axis < 2; axis++)
    apart &= s->stride[axis] >= s->kernel[axis] && s->dilation[axis] == 1 && s->pad[axis] == 0 &&
             s->after[axis] == 0;
  return apart;
}

struct cell *window_cell(struct suite *suite, const struct shape *s, int width, int64_t pad,
                         const char *kind, int groups, int rows) {
  static const char *const names[2][6] = {
      {"IN_H", "OUT_H", "KERNEL_H", "STRIDE_H", "DILATION_H", "PAD_TOP"},
      {"IN_W", "OUT_W", "KERNEL_W", "STRIDE_W", "DILATION_W", "PAD_LEFT"}};
  bool tiles = strncmp(kind, "tiles", 5) == 0;
  const char *module = tiles                   ? "tiles_stream"
                       : strcmp(kind, "whole") ? "window_stream"
                                               : "slide_stream";
  struct cell *c = suite_add(suite, module);
  c->in_width = width;
  c->in_lanes = c->out_lanes = s->lanes;
  c->in_elements = s->in[ROW] * s->in[COLUMN] * window_channels(s);
  c->out_elements = window_outs(s, ROW) * window_outs(s, COLUMN) * window_channels(s);
  c->frames = 6;
  cell_text(c, "KIND", kind);
  cell_integer(c, "LANES", s->lanes);
  cell_integer(c, "BEATS", s->beats);
  for (int axis = 0; axis < 2; axis++) {
    int values[6] = {s->in[axis],     window_outs(s, axis), s->kernel[axis],
                     s->stride[axis], s->dilation[axis],    s->pad[axis]};
    for (int i = 0; i < 6; i++)
      if (!tiles || i < 4) cell_integer(c, names[axis][i], values[i]);
  }
  cell_integer(c, "IN_WIDTH", width);
  if (tiles) return c;
  char word[32];
  snprintf(word, sizeof word, "32'd%" PRIu64, cell_code(pad, width));
  cell_raw(c, "PAD", word);
  cell_integer(c, "CAPACITY", rows ? rows * window_used(s, COLUMN) : window_span(s) + s->room);
  cell_integer(c, "GROUPS", groups);
  return c;
}
