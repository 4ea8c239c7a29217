// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/taps.h"

bool taps_of(const struct job *j, struct taps *t) {
  struct err e = {0};
  const struct array *x = &j->in[0], *w = &j->in[1], *y = &j->out[0];
  *t = (struct taps){.job = j};
  if (!conv_of(j->graph, j->node, &t->conv, &e)) return false;
  int axes = t->conv.window.axes;
  t->outs = w->shape[0];
  t->rows = axes == WINDOW_AXES ? w->shape[1] : 1;
  t->columns = w->shape[axes];
  t->ins = w->shape[axes + 1];
  t->out_columns = y->shape[axes - 1];
  t->channels = x->shape[axes];
  return true;
}

// The axes of the space are those of the output, its channels, those of the kernel, the channels of
// the image.
static bool along(const struct taps *t, int axis, int64_t o, int64_t k, int64_t *at) {
  const struct window *w = &t->conv.window;
  int own = axis - (WINDOW_AXES - w->axes);
  if (own >= 0) {
    o = job_index(t->job, own, o);
    k = job_index(t->job, w->axes + 1 + own, k);
  }
  *at = window_at(w, axis, o, k);
  return window_inside(w, axis, *at);
}

bool taps_at(const struct taps *t, int64_t pixel, int64_t tap, int64_t *at) {
  int64_t row, column;
  bool inside = along(t, ROWS, pixel / t->out_columns, tap / t->columns, &row);
  inside &= along(t, COLUMNS, pixel % t->out_columns, tap % t->columns, &column);
  *at = row * t->conv.window.in[COLUMNS] + column;
  return inside;
}

static int64_t output_of(const struct taps *t, int64_t o) {
  return job_index(t->job, t->conv.window.axes, o);
}

int64_t taps_channel(const struct taps *t, int64_t o, int64_t i) {
  if (t->conv.groups == 1) return i; // the image is cut as the weights are
  return conv_first(&t->conv, output_of(t, o)) + job_index(t->job, 2 * t->conv.window.axes + 1, i);
}

int64_t taps_run(const struct taps *t, int64_t o) {
  int64_t first = conv_first(&t->conv, output_of(t, o)), end = o + 1;
  while (end < t->outs && conv_first(&t->conv, output_of(t, end)) == first) end++;
  return end - o;
}
