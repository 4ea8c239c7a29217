// SPDX-License-Identifier: Apache-2.0
// Steps in exactly the bytes of a memory plan (sw/plan/memory.h): arrays lie in an arena between
// pages that nobody may touch, kernels read and write them there. What is allocated or freed is
// filled with rubbish, and of each element it is known whose it is: a plan that is wrong ends with
// the event and the value. Variables, and what later steps read, are apart.
#ifndef NNGEN_EXEC_ARENA_STEPS_H
#define NNGEN_EXEC_ARENA_STEPS_H

#include "sw/exec/steps.h"
#include "sw/plan/plan.h"

struct arena_steps;

// Steps of `frames` frames of the plan's graph, of whose values plan->bytes are those of so many
// elements of the kind; its alignment is a multiple of an element. NULL with the reason.
struct arena_steps *arena_steps_new(struct arena *a, const struct plan *p, int64_t frames,
                                    const struct element_kind *kind, struct err *e);

// inputs[i]: (frames, elements) of graph input i. False with what is wrong.
bool arena_steps_run(struct arena_steps *s, const void *const *inputs, struct err *e);

// The content of a variable now.
const void *arena_steps_held(const struct arena_steps *s, uint32_t ref);

// Gives the arena back.
void arena_steps_free(struct arena_steps *s);

#endif
