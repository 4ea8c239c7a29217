// SPDX-License-Identifier: Apache-2.0
// The static executor: every node once per step, in one order, over arrays of one element type.
// Variables keep their content from step to step; a use with delay d reads what its value was d
// steps ago, from a ring of d older arrays that its initial tensor fills before the first step.
//
// Arrays are planned (sw/plan/memory.h): those whose lifetimes don't meet share memory. Nodes are
// cut into shares for the threads of a step; no bit depends on how many.
#ifndef NNGEN_EXEC_STEPS_H
#define NNGEN_EXEC_STEPS_H

#include "sw/exec/job.h"

struct element_kind {
  size_t size; // bytes
  // element `at` of an array becomes element i of a tensor
  void (*load)(void *to, int64_t at, const struct value *v, int64_t i);
  void (*fire)(const struct job *j);
  bool shares; // fire takes shares
};

struct crew;
struct steps;

// Steps of at most `frames` frames, in which every value can be looked at.
struct steps *steps_new(struct arena *a, const struct graph *g, int64_t frames,
                        const struct element_kind *kind);

// The same with as little memory as the plan needs: only graph inputs, graph outputs and variables
// can be looked at. `threads` work on one step.
struct steps *steps_planned(struct arena *a, const struct graph *g, int64_t frames, int threads,
                            const struct element_kind *kind);

// inputs[i]: (frames, elements) of graph input i; NULL: it is already there (steps_input).
void steps_run(struct steps *s, const void *const *inputs);

// A step of fewer frames.
void steps_run_frames(struct steps *s, int64_t frames, const void *const *inputs);

// As before the first step: variables and delays hold their initial content.
void steps_reset(struct steps *s);

// Where graph input i is read from, to be filled in place: (frames, elements).
void *steps_input(const struct steps *s, uint32_t i);

// What a value held in the last step; of a reference, the content of its variable now.
const void *steps_value(const struct steps *s, uint32_t value);

// The content of a variable, to be set.
void *steps_held(struct steps *s, uint32_t ref);

// The threads of a step, for what is to be done between steps.
struct crew *steps_crew(const struct steps *s);

// Ends the threads; the memory is the arena's.
void steps_free(struct steps *s);

// Bytes of all arrays: of the plan, of variables and rings.
size_t steps_bytes(const struct steps *s);

#endif
