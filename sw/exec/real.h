// SPDX-License-Identifier: Apache-2.0
// The float executor: the reference of accuracy. Sums have the defined order of kernels.h, so that
// every machine gives the same bits.
#ifndef NNGEN_EXEC_REAL_H
#define NNGEN_EXEC_REAL_H

#include "sw/exec/steps.h"

extern const struct element_kind real_kind;

struct real;

// Steps over floats; variables, delays and sums over frames included.
struct steps *real_steps(struct arena *a, const struct graph *g, int64_t frames);

// Where a value's floats go: (images, elements).
struct real_tap {
  uint32_t value;
  float *to;
};

// An executor for inference, which holds copies of the weights. NULL if the graph can't be executed
// in floats, with the reason.
struct real *real_new(struct arena *a, const struct graph *g, struct err *e);

// Lets calls of more than a few images use so many threads (sw/base/pool.h); real_free ends them.
void real_threads(struct arena *a, struct real *r, int threads);
void real_free(struct real *r);

// What the float model sees of pixels (frames, elements), by mean and std of the input.
void real_pixels(const struct input *in, int64_t elements, int64_t frames, const uint8_t *pixels,
                 float *x);

// Images, given as pixels of the only input (through mean and std), or as floats (images, elements
// of all inputs), those of the first input in front. One call at a time.
void real_run(const struct real *r, int64_t images, const uint8_t *pixels, const float *floats,
              const struct real_tap *taps, uint32_t n_taps);

#endif
