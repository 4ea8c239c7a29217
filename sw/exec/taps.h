// SPDX-License-Identifier: Apache-2.0
// Where the taps of a convolution's firing are, which may be one of a slice: kernels of both
// element types number outputs, taps and channels as their arrays do.
#ifndef NNGEN_EXEC_TAPS_H
#define NNGEN_EXEC_TAPS_H

#include "sw/exec/job.h"
#include "sw/graph/conv.h"

struct taps {
  const struct job *job;
  struct conv conv;
  int64_t outs, rows, columns, ins; // of the weights (outs, rows, columns, ins)
  int64_t out_columns;              // pixels of a row of the output
  int64_t channels;                 // of a pixel of the image
};

// Of a job of the column; false if the node isn't valid.
bool taps_of(const struct job *j, struct taps *t);

// The pixel of the image that tap `tap` of output pixel `pixel` reads; false: it is padding.
bool taps_at(const struct taps *t, int64_t pixel, int64_t tap, int64_t *at);

// Channel i of a tap for output o, in the image.
int64_t taps_channel(const struct taps *t, int64_t o, int64_t i);

// The outputs from o on that see the same channels.
int64_t taps_run(const struct taps *t, int64_t o);

static inline int64_t taps_count(const struct taps *t) {
  return t->rows * t->columns;
}

#endif
