// SPDX-License-Identifier: Apache-2.0
// How much a parameter matters to an objective: the share of the variance of the trials' values
// that the means of its values explain, by itself (a main effect, as of functional ANOVA: Hutter,
// Hoos, Leyton-Brown: An efficient approach for assessing hyperparameter importance, 2014), without
// what as many groups explain by chance (epsilon squared: Kelley, 1935). Trials that a sampler
// chose aren't drawn at random: shares tell what mattered where it looked.
#ifndef NNGEN_SEARCH_IMPORTANCE_H
#define NNGEN_SEARCH_IMPORTANCE_H

#include "search/journal.h"

enum { IMPORTANCE_PARAMS_MOST = 256 };

struct importance {
  const char *name;
  double share; // 0 .. 1
};

// Of complete trials with finite values, by falling share. At most IMPORTANCE_PARAMS_MOST.
uint32_t importance_of(struct arena *a, const struct journal *j, const struct journal_study *s,
                       int objective, struct importance *out);

#endif
