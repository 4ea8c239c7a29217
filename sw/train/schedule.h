// SPDX-License-Identifier: Apache-2.0
// Learning rates as tables, so that a training graph needs one kind of schedule only.
#ifndef NNGEN_TRAIN_SCHEDULE_H
#define NNGEN_TRAIN_SCHEDULE_H

#include "sw/train/training.h"

// Sets rates, n_rates and every of an optimiser from words:
//
//   constant           rate in every step
//   step:E:F           rate * F^floor(epoch / E), epochs counted from 0
//   cosine[:END]       from rate to rate * END (default 0) along half a cosine, step by step
//   R,R,..             these rates, one per epoch, then the last
//
// `steps` per epoch. False if the words say something else.
bool schedule_set(struct arena *a, const char *words, double rate, int64_t epochs, int64_t steps,
                  struct optimizer *o, struct err *e);

#endif
