// SPDX-License-Identifier: Apache-2.0
// Data sets: images and labels from MNIST, the user's files, or drawn by code.
#ifndef NNGEN_DATA_DATA_H
#define NNGEN_DATA_DATA_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdbool.h>
#include <stdint.h>

// Limits of any file of images or labels, checked before memory is asked for.
#define DATA_MAX_DIM ((int64_t)1 << 24)
#define DATA_MAX_ELEMENTS ((int64_t)1 << 28)

enum { DATA_MAX_RANK = 8 };

struct images {
  const char *name;             // what was opened, for reports
  const char *note;             // one line the user should see, or NULL
  int64_t count;                // images, >= 1
  int rank;                     // of one image
  int64_t shape[DATA_MAX_RANK]; // of one image; a picture without channels is (H, W, 1)
  int64_t elements;             // of one image: the product of shape
  uint8_t *pixels;              // (count, elements), or NULL if floats
  float *floats;                // (count, elements), all finite, or NULL if pixels
  bool has_labels;
  int32_t *labels; // (count), or NULL
};

// Opens a data set and keeps at most `limit` images of it (0: all).
//
//   mnist                    the 10,000 test images; the first 1,000 come with the program
//   mnist-train              the 60,000 training images
//   synthetic[:N[:SEED]]     digits drawn by code
//   FILE[,LABELS]            IDX of bytes (gzip or plain) or .npy, told apart by their content
//
// MNIST is looked for in $NNGEN_DATA/mnist, ~/.cache/nngen/mnist, ../shared/data/mnist beside the
// project, and last in the project's own excerpt. False with a message in `e`.
bool data_open(struct arena *a, const char *spec, int64_t limit, struct images *out, struct err *e);

#endif
