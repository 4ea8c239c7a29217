// SPDX-License-Identifier: Apache-2.0
// The data of a training run: are they what the network takes, image by image as its inputs and its
// targets, and what its outputs are worth.
#ifndef NNGEN_TRAIN_FIT_DATA_H
#define NNGEN_TRAIN_FIT_DATA_H

#include "sw/data/verdict.h"
#include "sw/train/fit.h"

enum { FIT_CHANNELS_MAX = 4 };

struct fit_data {
  struct arena *arena;
  const struct graph *model;
  const struct images *set;
  const struct fit_options *o;
  int64_t trained;           // images that aren't watched; those behind them are
  int64_t entries;           // of an epoch: these images, or the list that is trained on
  int64_t elements, classes; // of an image, of an output
  struct verdict verdict;
  struct answers answers;
  double *reals;                       // (classes) an image's outputs
  float table[256 * FIT_CHANNELS_MAX]; // (channels, 256) pixel to float
  int64_t channels;
  struct distorter *distorter; // NULL: images enter as they are
  int64_t work;                // floats that fit_data_enter works in, of its own for each thread
};

// `output` is the name of the model's value that the loss sees.
struct fit_data fit_data_new(struct arena *a, const struct graph *model, const char *output,
                             const struct images *set, const struct fit_options *o);

// False if the data don't fit: labels, shapes, fewer images than a batch, no images to distort.
bool fit_data_check(struct fit_data *f, struct err *e);

// Entry i of an epoch.
struct fit_pick fit_data_pick(const struct fit_data *f, int64_t epoch, int64_t i);

// Of one image, (height, width, channels): the set's shape, or the network's if the set has none;
// NULL if neither has.
const int64_t *fit_data_shape(const struct fit_data *f);

// What an image enters as in an epoch (from 0): x (elements), t (classes).
void fit_data_enter(const struct fit_data *f, int64_t epoch, int64_t image, float *x, float *t,
                    float *work);

// Adds the verdict on an image's outputs y (classes); their loss.
void fit_data_judge(const struct fit_data *f, int64_t image, const float *y, struct score *score);
double fit_data_loss(const struct fit_data *f, const float *y, int64_t image);

#endif
