// SPDX-License-Identifier: Apache-2.0
// The blocks of a memory plan, and their picture: address against time.
#ifndef NNGEN_CMD_PLAN_ARENA_H
#define NNGEN_CMD_PLAN_ARENA_H

#include "cmd/options.h"
#include "sw/base/text.h"
#include "sw/plan/blocks.h"

// An SVG with a rectangle for each block, the curve of what is in use above it, and the limit.
void arena_picture(struct text *t, const char *title, const struct plan *p, int64_t limit);

// A plan that is carried out on frames of random codes.
struct plan_trial {
  const struct graph *graph;
  struct golden_ref *ref;
  int64_t frames, values, elements, wrong;
  double seconds;
  const char *first; // of the values that differ
};

// As many frames as the options say; false: a value differs from the C model's, or the plan is
// wrong.
bool plan_trial(struct arena *a, const struct options *o, const struct plan *p,
                struct plan_trial *t, struct err *e);

#endif
