// SPDX-License-Identifier: Apache-2.0
// The windows of a convolution in floats over an image that has its padding around it. Taps that
// follow one another in the image are one run of a patch. Made once per firing, for all frames.
#ifndef NNGEN_EXEC_PATCHES_H
#define NNGEN_EXEC_PATCHES_H

#include "sw/exec/taps.h"

struct patches {
  const struct taps *taps;
  struct windows all;    // of a frame, rows of y as a depthwise convolution has them
  int64_t *run, runs, n; // of a patch: `runs` of n floats
  int64_t rows, columns; // of the padded image
  float *padded;         // NULL: the image as it is
  bool adjacent;         // patches lie side by side in the image, from frame to frame too
};

// The arena holds them. False for a slice of the kernel or of channels, whose taps are no runs.
bool patches_of(struct arena *a, const struct taps *t, struct patches *p);

// The frame that windows see: the image itself or a padded copy.
const float *patches_image(struct patches *p, const float *image);

// Patches (pixels, taps, ins) of `pixels` pixels from `first` on, of channels from `channel` on.
void patches_gather(const struct patches *p, const float *image, int64_t first, int64_t pixels,
                    int64_t channel, float *to);

// The reverse, for gradients: begin with what a frame holds, add patches pixel by pixel, end.
float *patches_begin(struct patches *p, float *image);
void patches_scatter(const struct patches *p, float *image, int64_t first, int64_t pixels,
                     int64_t channel, const float *from);
void patches_end(const struct patches *p, float *image);

#endif
