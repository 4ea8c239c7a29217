// SPDX-License-Identifier: Apache-2.0
// What the parts of `plan` of a training step share.
#ifndef NNGEN_CMD_PLAN_STEPS_H
#define NNGEN_CMD_PLAN_STEPS_H

#include "cmd/plan.h"
#include "sw/plan/remat_prune.h"

// The plan of a file with what the options say of it.
struct replay_plan plan_steps_asked(const struct options *o, const struct replay_plan *p);

// The figures of a plan as members of a JSON object, a comma in front of each.
void plan_steps_figures(struct text *t, const struct remat_plan *r);

// --sweep: plans for more and more memory.
int plan_steps_sweep(struct arena *a, const struct options *o, const struct replay_plan *p,
                     struct err *e);

// --deadline: the plan with the least fast memory of those that were made and take at most `ms`.
bool plan_steps_within(struct arena *a, const struct replay_plan *p, double ms,
                       struct remat_plan *r, struct err *e);

#endif
