// SPDX-License-Identifier: Apache-2.0
// Points with several objectives, all minimised.
#ifndef NNGEN_SEARCH_PARETO_H
#define NNGEN_SEARCH_PARETO_H

#include "sw/base/arena.h"

#include <stdint.h>

// As good as q in every objective and better in one. `p`, `q`: (m).
bool pareto_dominates(int m, const double *p, const double *q);

// rank (n): 0 for the front of points (n) that none dominates, 1 for the front without those, ...;
// once `enough` points have one, the rest get UINT32_MAX.
void pareto_rank(struct arena *a, uint32_t n, int m, const double *const *points, uint32_t enough,
                 uint32_t *rank);

// distance (n) of each point of a front from its neighbours, summed over the objectives, each
// relative to its range (crowding distance: Deb, Pratap, Agarwal, Meyarivan: A fast and elitist
// multiobjective genetic algorithm: NSGA-II, 2002); the ends are INFINITY.
void pareto_crowding(struct arena *a, uint32_t n, int m, const double *const *points,
                     double *distance);

// The volume between points (n) and a reference (m); what isn't better than it counts nothing.
double pareto_volume(struct arena *a, uint32_t n, int m, const double *const *points,
                     const double *reference);

#endif
