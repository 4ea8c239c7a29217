// SPDX-License-Identifier: Apache-2.0
// Which channels are pruned: those that the plan gains most by for the accuracy that goes with
// them. A channel that is pruned doesn't go backward: no time, no gradient, no new parameters for
// it.
#ifndef NNGEN_PLAN_REMAT_PRUNE_H
#define NNGEN_PLAN_REMAT_PRUNE_H

#include "sw/plan/remat.h"

enum remat_goal { REMAT_TIME, REMAT_MEMORY };

// Up to so many channels all sets of them are planned: 2^n.
enum { REMAT_EXACT_MAX = 10 };

struct remat_pruned {
  struct remat_plan plan;
  bool exact;        // all sets were planned
  uint32_t channels; // that are pruned, of `of`
  uint32_t of;
  int64_t sets; // that were planned
  double own;   // ms, or bytes, with what `p` prunes; NAN: that isn't accurate enough, or fits not
};

// Chooses what is pruned so that at least the target's accuracy is left, for the least time under
// the limit of `p`, or for the least memory, in which the plan then is; and plans it. Not worse
// than with what `p` prunes. `exact_max`: REMAT_EXACT_MAX, or less. False with a message if no
// choice is accurate enough, or fits.
bool remat_prune(struct arena *a, const struct replay_plan *p, enum remat_goal goal,
                 uint32_t exact_max, struct remat_pruned *r, struct err *e);

#endif
