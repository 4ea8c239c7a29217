// SPDX-License-Identifier: Apache-2.0
// Small training steps drawn at random, and a slow judge of what is decided about them: it follows
// each channel alone and finds what is still to be read by looking through all decisions behind.
#ifndef NNGEN_TESTS_HELPER_STEPS_H
#define NNGEN_TESTS_HELPER_STEPS_H

#include "sw/base/rng.h"
#include "sw/plan/replay.h"

// A chain, or a net with branches, of `count` operators with up to four channels, or `wide` up to
// 100; its decisions prune some of them. The limit is large.
struct replay_plan steps_random(struct arena *a, struct rng *r, uint32_t count, bool chain);
struct replay_plan steps_wide(struct arena *a, struct rng *r, uint32_t count, bool chain);

// The operators in another order, in which some stand before what they read.
void steps_shuffle(struct arena *a, struct rng *r, struct replay_plan *p);

// Decisions of version 2 at their times. False: some rule is broken.
struct steps_verdict {
  double total, peak;
};
bool steps_judge(const struct replay_plan *p, struct steps_verdict *v);

#endif
