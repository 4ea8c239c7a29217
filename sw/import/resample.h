// SPDX-License-Identifier: Apache-2.0
// Images whose rows and columns become a whole number of times as many, with values between those
// that are there. Each new pixel lies at a place between old ones, and is their sum with weights of
// its distance from each; beyond the edge the pixels of the edge go on. As the places repeat with
// each old pixel, that is a transposed convolution of each channel, with the weights as its kernel.
#ifndef NNGEN_IMPORT_RESAMPLE_H
#define NNGEN_IMPORT_RESAMPLE_H

#include "sw/import/builder.h"

struct resample {
  int64_t factor[2]; // of rows and columns, or of a sequence
  bool corner;       // pixel i is at i / factor; else at (i + 1/2) / factor - 1/2
  bool cubic;        // weights of Keys' kernel, else 1 - distance
  double a;          // the slope of Keys' kernel at distance 1
};

// The stream, channels last, becomes that; false with the refusal if its weights would be too many.
bool resample_put(struct builder *b, const struct resample *r, struct stream *x);

#endif
