// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/taps.h"

static void sizes(const struct job *j, const struct window *w, struct taps *t) {
  *t = (struct taps){.job = j, .window = *w};
  t->out_columns = j->out[0].shape[w->axes - 1];
  t->channels = j->in[0].shape[w->axes];
}

bool taps_of_conv(const struct job *j, struct taps *t) {
  const struct array *w = &j->in[1];
  struct conv c;
  struct err e = {0};
  if (!conv_of(j->graph, j->node, &c, &e)) return false;
  int axes = c.window.axes;
  sizes(j, &c.window, t);
  t->conv = c;
  t->rows = axes == WINDOW_AXES ? w->shape[1] : 1;
  t->columns = w->shape[axes];
  t->ins = w->shape[axes + 1];
  t->outs = w->shape[0];
  return true;
}

bool taps_of_pool(const struct job *j, struct taps *t, struct pool_window *p) {
  struct err e = {0};
  if (!pool_of(j->graph, j->node, p, &e)) return false;
  sizes(j, &p->window, t);
  t->rows = p->window.kernel[ROWS];
  t->columns = p->window.kernel[COLUMNS];
  return true;
}

bool taps_of_subsample(const struct job *j, struct taps *t) {
  struct err e = {0};
  struct window w;
  if (!subsample_of(j->graph, j->node, &w, &e)) return false;
  sizes(j, &w, t);
  t->rows = w.kernel[ROWS];
  t->columns = w.kernel[COLUMNS];
  return true;
}

// The axes of the space are those of the output, its channels, those of the kernel, the channels of
// the image.
static int64_t output_at(const struct taps *t, int axis, int64_t o) {
  int own = axis - (WINDOW_AXES - t->window.axes);
  return own < 0 ? o : job_index(t->job, own, o);
}

static bool along(const struct taps *t, int axis, int64_t o, int64_t k, int64_t *at) {
  const struct window *w = &t->window;
  int own = axis - (WINDOW_AXES - w->axes);
  if (own >= 0) k = job_index(t->job, w->axes + 1 + own, k);
  *at = window_at(w, axis, output_at(t, axis, o), k);
  return window_inside(w, axis, *at);
}

void taps_pixel(const struct taps *t, int64_t pixel, int64_t at[WINDOW_AXES]) {
  at[ROWS] = output_at(t, ROWS, pixel / t->out_columns);
  at[COLUMNS] = output_at(t, COLUMNS, pixel % t->out_columns);
}

bool taps_at(const struct taps *t, int64_t pixel, int64_t tap, int64_t *at) {
  int64_t row, column;
  bool inside = along(t, ROWS, pixel / t->out_columns, tap / t->columns, &row);
  inside &= along(t, COLUMNS, pixel % t->out_columns, tap % t->columns, &column);
  *at = row * t->window.in[COLUMNS] + column;
  return inside;
}

static int64_t output_of(const struct taps *t, int64_t o) {
  return job_index(t->job, t->window.axes, o);
}

int64_t taps_channel(const struct taps *t, int64_t o, int64_t i) {
  if (t->conv.groups == 1) return i; // the image is cut as the weights are
  return conv_first(&t->conv, output_of(t, o)) + job_index(t->job, 2 * t->window.axes + 1, i);
}

int64_t taps_run(const struct taps *t, int64_t o) {
  int64_t first = conv_first(&t->conv, output_of(t, o)), end = o + 1;
  while (end < t->outs && conv_first(&t->conv, output_of(t, end)) == first) end++;
  return end - o;
}

// ---- all windows

bool taps_windows(struct arena *a, const struct taps *t, int64_t row, struct windows *s) {
  const struct window *w = &t->window;
  int64_t pixels = window_pixels(w), count = taps_count(t);
  if (t->job->index) return false;
  int64_t *pixel = ARENA_NEW(a, int64_t, pixels), *tap = ARENA_NEW(a, int64_t, count);
  for (int64_t i = 0; i < pixels; i++)
    pixel[i] = i / w->out[COLUMNS] * w->stride[ROWS] * row +
               i % w->out[COLUMNS] * w->stride[COLUMNS] * t->channels;
  for (int64_t k = 0; k < count; k++)
    tap[k] = k / t->columns * w->dilation[ROWS] * row +
             k % t->columns * w->dilation[COLUMNS] * t->channels;
  *s = (struct windows){.pixels = pixels,
                        .taps = count,
                        .channels = t->channels,
                        .y_row = t->channels,
                        .pixel = pixel,
                        .tap = tap};
  return true;
}

bool taps_windows_inside(struct arena *a, const struct taps *t, struct windows *s) {
  const struct window *w = &t->window;
  for (int axis = 0; axis < WINDOW_AXES; axis++)
    if (window_pads(w, axis, 0) || window_pads(w, axis, w->kernel[axis] - 1)) return false;
  return taps_windows(a, t, w->in[COLUMNS] * t->channels, s);
}
