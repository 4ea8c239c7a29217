// SPDX-License-Identifier: Apache-2.0
// Distorted copies of training images: random planar affine maps, and the elastic ones of P. Y.
// Simard, D. Steinkraus and J. C. Platt, "Best practices for convolutional neural networks applied
// to visual document analysis" (2003). A copy is a function of (distortions, seed, epoch, image)
// alone: no order, no thread and no machine changes a bit of it.
//
// Pixel p of the copy, relative to the middle of the image, takes the value at
//
//   F^-1 (p - t) + alpha G d(p)      F = R(rotate) [1 shear; 0 1] diag(scale squeeze, scale /
//   squeeze)
//
// interpolated between four pixels. Each number is drawn anew for each image, uniform: rows and
// columns of t in +-shift, the angle in +-rotate, the factors in 1 +- scale and 1 +- squeeze, the
// shear in +-shear; d is uniform in -1..1 for each pixel and direction, 0 beyond the image, G a
// Gaussian of sigma.
#ifndef NNGEN_DATA_DISTORT_H
#define NNGEN_DATA_DISTORT_H

#include "sw/base/arena.h"
#include "sw/base/err.h"
#include "sw/base/text.h"

#include <stdbool.h>
#include <stdint.h>

// All 0: no distortion.
struct distort {
  double shift;        // pixels
  double rotate;       // degrees
  double scale;        // part, 0 .. less than 1
  double squeeze;      // part, 0 .. less than 1
  double shear;        // columns per row
  double alpha, sigma; // pixels
  double share;        // which part of the images is distorted, 0 .. 1
  double background;   // what stands beyond an image, a byte or number of the data set
};

// Words with commas between: NAME or NAME:VALUE (shift rotate scale squeeze shear share
// background), elastic[:ALPHA[:SIGMA]], or none alone. False with the word that is wrong and the
// one that is near it.
bool distort_parse(const char *words, struct distort *out, struct err *e);

// The words that say it, all with their values.
void distort_put(struct text *t, const struct distort *d);

// Does nothing to any image.
bool distort_is_none(const struct distort *d);

// Distortions of images of one shape.
struct distorter;

// Images are (height, width, channels), as the network takes them; background (channels): what
// stands beyond them, as they are.
struct distorter *distorter_new(struct arena *a, const struct distort *d, int64_t height,
                                int64_t width, int64_t channels, const float *background);

// Floats that distorter_image works in, of its own for each thread.
int64_t distorter_work(const struct distorter *d);

// x -> y, (height, width, channels) each, which don't overlap. An image that isn't distorted keeps
// its bits.
void distorter_image(const struct distorter *d, uint64_t seed, int64_t epoch, int64_t image,
                     const float *x, float *y, float *work);

#endif
