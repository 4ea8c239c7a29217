// SPDX-License-Identifier: Apache-2.0
// A mixture over some parameters together, by Parzen's estimator: of each observation one
// component, a product of one kernel per parameter, and one component that is the prior, uniform or
// as wide as the range (Bergstra, Bardenet, Bengio, Kegl: Algorithms for hyper-parameter
// optimization, 2011).
//
//   number   a normal around the observation, cut at the ends of the range (in the logarithm of a
//            parameter with log); of one with steps its integral over the step. Its deviation is
//            the larger gap to its neighbours, within 1/min(100, n + 2) of the range and all of it.
//   choice   1 + 1/(n + 1) for the one that was seen, 1/(n + 1) for the others, normalised
#ifndef NNGEN_SEARCH_PARZEN_H
#define NNGEN_SEARCH_PARZEN_H

#include "search/draw.h"
#include "search/space.h"

struct parzen;

// Of n observations x[i] (space->n), with weight[i]; params (n_params) are those that all of them
// have. The prior's weight is 1.
struct parzen *parzen_new(struct arena *a, const struct search_space *space, uint32_t n_params,
                          const uint32_t *params, uint32_t n, const double *const *x,
                          const double *weight);

// Fills the parameters of `count` points x[c] (space->n): candidates for trial `number`.
void parzen_sample(const struct parzen *p, uint64_t seed, int64_t number, uint32_t count,
                   double *const *x);

// log_density (count): the logarithm of the mixture's probability, of continuous parameters
// density.
void parzen_score(struct arena *a, const struct parzen *p, uint32_t count, double *const *x,
                  double *log_density);
// The same, in logarithms throughout.
void parzen_score_ref(struct arena *a, const struct parzen *p, uint32_t count, double *const *x,
                      double *log_density);

#endif
