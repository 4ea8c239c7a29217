// SPDX-License-Identifier: Apache-2.0
// What a pool is, for the files of its column.
#ifndef NNGEN_GRAPH_POOL_H
#define NNGEN_GRAPH_POOL_H

#include "sw/graph/window.h"

struct pool_window {
  struct window window;
  bool count_pad; // an average divides by the padding too
};

// Whole, without the node's slice. False with a message if image and attributes don't fit, or if a
// window has nothing of the image.
bool pool_of(const struct graph *g, const struct node *n, struct pool_window *p, struct err *e);

// What the sum of the window of output pixel (row, column) is divided by: the elements inside the
// image, or inside the padded image.
int64_t pool_count(const struct pool_window *p, int64_t row, int64_t column);

// The numbers that occur, rising: (*n) in the arena.
int64_t *pool_counts(struct arena *a, const struct pool_window *p, int64_t *n);

// Whether an average is that of the codes themselves, zero points and all, as rounding tflite has
// it with M = 1: y = half_away(sum of n / count).
bool pool_of_codes(const struct node *n);

// Of rounding tflite: M and S of a sum of `count` elements from those of one, M in 2^30 .. 2^31 -
// 1: the quotient of M, shifted to as many bits.
void pool_mean_scale(int64_t count, int64_t *mul, int32_t *shift);

// round(sum * 2^-shift / count), once.
fix_wide pool_average(fix_wide sum, int64_t count, int shift, enum fix_rounding mode);

#endif
