// SPDX-License-Identifier: Apache-2.0
// Steps of a graph: every node once per step, in order, over arrays of one element type. Variables
// keep their content from step to step; a use with delay d reads what its value was d steps ago,
// from a ring of d older arrays that its initial tensor fills before the first step.
#ifndef NNGEN_EXEC_STEPS_H
#define NNGEN_EXEC_STEPS_H

#include "sw/exec/job.h"

struct element_kind {
  size_t size; // bytes
  void (*load)(void *to, int64_t at, const struct tensor *t, int64_t i);
  void (*fire)(const struct job *j);
};

struct steps;

struct steps *steps_new(struct arena *a, const struct graph *g, int64_t frames,
                        const struct element_kind *kind);

// inputs[i]: (frames, elements) of graph input i.
void steps_run(struct steps *s, const void *const *inputs);

// What a value held in the last step; of a reference, the content of its variable now.
const void *steps_value(const struct steps *s, uint32_t value);

#endif
