// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/patches.h"

#include <string.h>

// How far the last window reaches.
static int64_t reach(const struct window *w, int axis) {
  int64_t taps = (w->out[axis] - 1) * w->stride[axis] + (w->kernel[axis] - 1) * w->dilation[axis];
  int64_t end = w->before[axis] + w->in[axis];
  return taps + 1 > end ? taps + 1 : end;
}

// Runs that touch become one.
static void join(struct patches *p, int64_t size) {
  bool touch = true;
  for (int64_t m = 1; m < p->runs; m++) touch &= p->run[m] == p->run[0] + m * p->n;
  if (!touch) return;
  p->n = size;
  p->runs = 1;
}

static void find_runs(struct arena *a, const struct taps *t, struct patches *p) {
  int64_t count = taps_count(t);
  bool rows = t->conv.groups == 1 && t->window.dilation[COLUMNS] == 1;
  int64_t taps = rows ? t->columns : 1; // of a run
  p->runs = count / taps;
  p->n = taps * t->ins;
  p->run = ARENA_NEW(a, int64_t, p->runs);
  for (int64_t m = 0; m < p->runs; m++) p->run[m] = p->all.tap[m * taps];
  if (t->conv.groups == 1) join(p, count * t->ins);
}

// Whether the patches lie side by side in an image that isn't padded.
static bool adjacent(const struct patches *p, int64_t floats) {
  bool so = p->runs == 1 && p->all.pixels * p->n == floats;
  for (int64_t i = 0; i < p->all.pixels; i++) so &= p->all.pixel[i] == i * p->n;
  return so;
}

bool patches_of(struct arena *a, const struct taps *t, struct patches *p) {
  const struct window *w = &t->window;
  *p = (struct patches){.taps = t, .rows = reach(w, ROWS), .columns = reach(w, COLUMNS)};
  int64_t row = p->columns * t->channels;
  bool pads = p->rows > w->in[ROWS] || p->columns > w->in[COLUMNS];
  if (!taps_windows(a, t, row, &p->all)) return false;
  find_runs(a, t, p);
  p->adjacent = !pads && adjacent(p, p->rows * row);
  // short runs are read in blocks, beyond the image's end
  if (pads || (!p->adjacent && p->n < GATHER_BLOCK))
    p->padded = ARENA_NEW(a, float, p->rows *row + GATHER_BLOCK); // zeros
  return true;
}

// Row y of the image amid its padding.
static float *inside(const struct patches *p, int64_t y) {
  const struct window *w = &p->taps->window;
  int64_t pixel = (w->before[ROWS] + y) * p->columns + w->before[COLUMNS];
  return p->padded + pixel * p->taps->channels;
}

static int64_t row_of(const struct patches *p) {
  return p->taps->window.in[COLUMNS] * p->taps->channels;
}

const float *patches_image(struct patches *p, const float *image) {
  int64_t row = row_of(p);
  if (!p->padded) return image;
  for (int64_t y = 0; y < p->taps->window.in[ROWS]; y++)
    memcpy(inside(p, y), image + y * row, (size_t)row * sizeof *image);
  return p->padded;
}

void patches_gather(const struct patches *p, const float *image, int64_t first, int64_t pixels,
                    int64_t channel, float *to) {
  kernels_best()->gather_real(pixels, p->all.pixel + first, p->runs, p->run, p->n, image + channel,
                              to);
}

float *patches_begin(struct patches *p, float *image) {
  return p->padded ? (float *)patches_image(p, image) : image;
}

void patches_scatter(const struct patches *p, float *image, int64_t first, int64_t pixels,
                     int64_t channel, const float *from) {
  kernels_best()->scatter_real(pixels, p->all.pixel + first, p->runs, p->run, p->n, from,
                               image + channel);
}

void patches_end(const struct patches *p, float *image) {
  int64_t row = row_of(p);
  for (int64_t y = 0; p->padded && y < p->taps->window.in[ROWS]; y++)
    memcpy(image + y * row, inside(p, y), (size_t)row * sizeof *image);
}
