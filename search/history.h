// SPDX-License-Identifier: Apache-2.0
// What a sampler sees of a study: the trials so far, in order of their numbers, every objective to
// be minimised.
#ifndef NNGEN_SEARCH_HISTORY_H
#define NNGEN_SEARCH_HISTORY_H

#include <stdint.h>

// As Optuna numbers them.
enum trial_state { TRIAL_RUNNING, TRIAL_COMPLETE, TRIAL_PRUNED, TRIAL_FAIL, TRIAL_WAITING };

struct seen {
  int64_t number;
  enum trial_state state;
  const double *x;      // (parameters) NAN: absent
  const double *values; // (objectives) COMPLETE; PRUNED: the last that was reported, or NULL
  int64_t step;         // PRUNED: of that report; -1: none
  double violation;     // of the limits, summed; 0: all are kept
};

struct history {
  uint32_t n;
  int objectives;
  const struct seen *list; // (n)
};

#endif
