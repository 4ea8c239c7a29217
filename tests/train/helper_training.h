// SPDX-License-Identifier: Apache-2.0
// Small training graphs, and the content of their variables after some steps.
#ifndef NNGEN_TESTS_HELPER_TRAINING_H
#define NNGEN_TESTS_HELPER_TRAINING_H

#include "sw/exec/dataflow.h"
#include "sw/exec/real.h"
#include "sw/train/recipe.h"

struct lesson {
  struct arena arena;
  struct recipe recipe;
  struct optimizer optimizer;
  struct training *training;
  int64_t frames, elements, classes;
  const float *images, *targets; // (LESSON_STEPS, frames, elements or classes), random
};
enum { LESSON_STEPS = 6 };

// A recipe of JSON, one of the optimisers with decay, `frames` images per step. Free l->arena.
void lesson_new(struct lesson *l, const char *json, enum assign optimizer, int64_t frames,
                const struct training_part *parts, uint32_t n_parts);

// Elements of all variables of the parameters, and their contents, in order, into `to`.
int64_t lesson_size(const struct lesson *l);
void lesson_static(struct lesson *l, int threads, bool planned, int64_t steps, float *to);
void lesson_tokens(struct lesson *l, int64_t steps, uint32_t (*pick)(void *context, uint32_t ready),
                   void *context, float *to);

#endif
