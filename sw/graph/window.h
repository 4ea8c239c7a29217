// SPDX-License-Identifier: Apache-2.0
// How the window of a convolution or a pool slides over an image, pixel by pixel of the output:
//
//   pad 1     row  -1  0  1  2  3       output 0 reads rows -1, 0, 1; output 1 rows 1, 2, 3;
//   stride 2       |--0--|              row -1 is padding
//   kernel 3             |--1--|
//
// An image is (H, W, C), or (L, C), which has one row.
#ifndef NNGEN_GRAPH_WINDOW_H
#define NNGEN_GRAPH_WINDOW_H

#include "sw/graph/graph.h"

enum { ROWS, COLUMNS, WINDOW_AXES };

struct window {
  int axes;         // of the image, without channels: 2, or 1, which is COLUMNS
  int64_t channels; // of the image
  int64_t in[WINDOW_AXES], out[WINDOW_AXES], kernel[WINDOW_AXES];
  int64_t stride[WINDOW_AXES], dilation[WINDOW_AXES];
  int64_t before[WINDOW_AXES], after[WINDOW_AXES]; // padding
};

// That of a node with the attributes stride, dilation, pad and ceil whose first input is an image;
// `kernel` has its axes. False if they don't fit, with the field, what was found and expected.
bool window_of(const struct graph *g, const struct node *n, const int64_t *kernel, struct window *w,
               struct err *e);

// The same for kinds whose kernel is an attribute, or without it the image.
bool window_of_image(const struct graph *g, const struct node *n, struct window *w, struct err *e);

// Which index tap k of output o reads; outside of 0..in - 1 it is padding.
static inline int64_t window_at(const struct window *w, int axis, int64_t o, int64_t k) {
  return o * w->stride[axis] + k * w->dilation[axis] - w->before[axis];
}

static inline bool window_inside(const struct window *w, int axis, int64_t at) {
  return at >= 0 && at < w->in[axis];
}

// Whether tap k is padding for one of the outputs.
bool window_pads(const struct window *w, int axis, int64_t k);

// Taps of output o that read an index of from..to - 1; and those inside the image.
int64_t window_between(const struct window *w, int axis, int64_t o, int64_t from, int64_t to);
int64_t window_taps(const struct window *w, int axis, int64_t o);

static inline int64_t window_pixels(const struct window *w) {
  return w->out[ROWS] * w->out[COLUMNS];
}

#endif
