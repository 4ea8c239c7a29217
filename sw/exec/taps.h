// SPDX-License-Identifier: Apache-2.0
// Where the taps of a window are in the firing of a convolution or a pool (or what is like it),
// which may be that of a slice: kernels of both element types number outputs, taps and channels as
// their arrays do.
#ifndef NNGEN_EXEC_TAPS_H
#define NNGEN_EXEC_TAPS_H

#include "sw/exec/job.h"
#include "sw/exec/kernels.h"
#include "sw/graph/conv.h"
#include "sw/graph/pool.h"
#include "sw/graph/subsample.h"

struct taps {
  const struct job *job;
  struct window window;
  int64_t rows, columns; // of the kernel
  int64_t out_columns;   // pixels of a row of the output
  int64_t channels;      // of a pixel of the image
  // of a convolution
  struct conv conv;
  int64_t outs, ins; // of the weights (outs, rows, columns, ins)
};

// Of a job of each column; false if the node isn't valid.
bool taps_of_conv(const struct job *j, struct taps *t);
bool taps_of_pool(const struct job *j, struct taps *t, struct pool_window *p);
bool taps_of_subsample(const struct job *j, struct taps *t);

// The row and the column of the whole output that a pixel of the output is.
void taps_pixel(const struct taps *t, int64_t pixel, int64_t at[WINDOW_AXES]);

// The pixel of the image that tap `tap` of output pixel `pixel` reads; false: it is padding.
bool taps_at(const struct taps *t, int64_t pixel, int64_t tap, int64_t *at);

// All windows over a frame whose first element is the first tap of the first window, its rows `row`
// floats long; the arena holds them. False if the firing is that of a slice.
bool taps_windows(struct arena *a, const struct taps *t, int64_t row, struct windows *s);

// The same over frames as they are; false, too, if a window reaches beyond the image.
bool taps_windows_inside(struct arena *a, const struct taps *t, struct windows *s);

// Those of `pixels` pixels from `first` on, or of what is there.
static inline struct windows taps_part(const struct windows *s, int64_t first, int64_t pixels) {
  struct windows part = *s;
  part.pixel += first;
  part.pixels = pixels < s->pixels - first ? pixels : s->pixels - first;
  return part;
}

static inline int64_t taps_count(const struct taps *t) {
  return t->rows * t->columns;
}

// ---- of a convolution

// Channel i of a tap for output o, in the image.
int64_t taps_channel(const struct taps *t, int64_t o, int64_t i);

// How many outputs from o on see the same channels.
int64_t taps_run(const struct taps *t, int64_t o);

#endif
