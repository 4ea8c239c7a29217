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
  const char *labels_name;      // the file of the labels, or NULL
  const char *note;             // one line the user should see, or NULL
  int64_t count;                // images, >= 1
  int64_t found;                // those that there are, of which the first `count` are kept
  int rank;                     // of one image
  int64_t shape[DATA_MAX_RANK]; // of one image; a picture without channels is (H, W, 1)
  int64_t elements;             // of one image: the product of shape
  uint8_t *pixels;              // (count, elements), or NULL if numbers
  const struct array *numbers;  // (count, elements) as the file has them, all finite; or NULL
  const struct array *array;    // what the file holds; NULL: none, the images were drawn
  bool codes;                   // the numbers are codes of the input's type
  bool has_labels;
  int32_t *labels;             // (count), or NULL if the answers aren't one whole number per image
  const struct array *answers; // what a file of labels holds, (count, ..), all finite; or NULL
  // Of a model with several inputs a set for each: `elements` is their sum, the labels are those of
  // the first, and there are no pixels and no numbers here.
  uint32_t n_parts;
  const struct images *parts; // (n_parts)
};

struct array;
struct graph;

// Opens a data set and keeps at most `limit` images of it (0: all); there may be fewer.
//
//   mnist                    the 10,000 test images; the first 1,000 come with the program
//   mnist-train              the 60,000 training images
//   synthetic[:N[:SEED]]     digits drawn by code
//   FILE[,LABELS]            IDX (gzip or plain), .npy or .npz, told apart by their
//   content;
//                            FILE.npz:NAME is one of several arrays
//
// MNIST is looked for in $NNGEN_DATA/mnist, ~/.cache/nngen/mnist, ../shared/data/mnist beside the
// project, and last in the project's own excerpt. False with a message in `e`.
bool data_open(struct arena *a, const char *spec, int64_t limit, struct images *out, struct err *e);

// The files of `spec` that are opened by their names: the images', the labels'; NULL: none.
void data_files(struct arena *a, const char *spec, const char *files[2]);

// One set for a model with several inputs, which have a set each; false if they aren't as many
// images each.
bool images_join(struct arena *a, uint32_t n, const struct images *of, struct images *out,
                 struct err *e);

// The images of one input.
const struct images *images_part(const struct images *set, uint32_t input);

// Element `at` of all images exactly (of integers beyond 2^53 the nearest double); of numbers.
double images_real(const struct images *set, int64_t at);

// Images first .. as floats (count, elements), each rounded once: numbers as they are, pixels as
// the float model sees them. False if a number is beyond what a float holds.
bool images_floats(const struct graph *g, const struct images *set, int64_t first, int64_t count,
                   float *to, struct err *e);

// Bytes and integers of the user's own file are codes of the input's type, not pixels and values.
// False if they aren't integers.
bool images_as_codes(struct images *set, struct err *e);

// Brings arrays whose axes are those of the file that the model came from into the model's order.
void images_arrange(struct arena *a, struct images *set, const struct graph *g);

// Are these images what the inputs of a graph take? If their axes stand in another order than an
// input's, the message has the transposition.
bool images_fit(const struct images *set, const struct graph *g, struct err *e);

// The codes (count, elements) that images first .. become: pixels through the model's table,
// numbers at the input's scale, rounded half to even. Those of the first input are in front.
int32_t *images_codes(struct arena *a, const struct graph *g, const struct images *set,
                      int64_t first, int64_t count);

#endif
