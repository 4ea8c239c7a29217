// SPDX-License-Identifier: Apache-2.0
// Carries out a plan on values, for as many periods as it is told: whatever its events touch must
// be where and when they say. Every memory has its own arrays; a run takes its inputs from the
// memory of its PE or the constants, a token on a link is a copy.
//
//   node 0   RUN fc1 step 3 [=======]                        its output: (node 0, fc1, step 3)
//   link     SEND fc1 step 3         [====]
//   node 1   RECV fc1 step 3               '                 a copy: (node 1, fc1, step 3)
//
// At one time what ends comes first, then FREE, ALLOC, RECV, and what begins. Variables are changed
// when their assign begins: no read is on its way then, of a graph without races.
#ifndef NNGEN_EXEC_PLAN_RUN_H
#define NNGEN_EXEC_PLAN_RUN_H

#include "sw/exec/steps.h"
#include "sw/plan/plan.h"

// What surrounds it. input: (frames, elements) of graph input i in a step. output: of graph output
// i, when it has been computed; may be NULL.
struct plan_caller {
  void *context;
  const void *(*input)(void *context, int64_t step, uint32_t i);
  void (*output)(void *context, int64_t step, uint32_t i, const void *data);
};

struct plan_run;

// Of a plan in which plan_check finds nothing, whose events are whole, of `frames` frames a step.
struct plan_run *plan_run_new(struct arena *a, const struct plan *p, int64_t frames,
                              const struct element_kind *kind);

// Its first `steps` steps, from the beginning. False with the event that finds something else than
// it should.
bool plan_run_steps(struct plan_run *r, int64_t steps, const struct plan_caller *caller,
                    struct err *e);

// The content of the variable that a reference names.
const void *plan_run_held(const struct plan_run *r, uint32_t ref);

#endif
