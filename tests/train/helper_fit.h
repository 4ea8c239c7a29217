// SPDX-License-Identifier: Apache-2.0
// A small training run that can be written as a checkpoint.
#ifndef NNGEN_TESTS_HELPER_FIT_H
#define NNGEN_TESTS_HELPER_FIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sw/data/array.h"
#include "sw/train/checkpoint.h"
#include "sw/train/recipe.h"

enum { FIT_IMAGES = 6, FIT_INPUTS = 4 };

struct fit_sample {
  float x[FIT_IMAGES * FIT_INPUTS];
  struct array numbers; // x
  int32_t labels[FIT_IMAGES];
  float rates[2];
  struct optimizer optimizer;
  struct images set;
  struct fit_options options;
  struct recipe recipe;
  struct training *training;
  struct fit *fit;
  struct checkpoint_run run;
};

// 4 -> linear -> 3 by Adam: two steps per epoch of two images, two more are for validation, three
// epochs. `steps` of them are done. Free s->fit and the arena.
void fit_sample_new(struct fit_sample *s, struct arena *a, int steps);

#endif
