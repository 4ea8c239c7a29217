// SPDX-License-Identifier: Apache-2.0
// Who proposes the next point. A proposal is a function of the seed, the trial's number and the
// trials that were seen, nothing else.
//
//   grid    every point once, in order
//   random  each parameter uniform by itself
//   tpe     likely among the good, unlikely among the rest (tpe.c)
//   nsga2   children of the best 20 (nsga2.c)
#ifndef NNGEN_SEARCH_SAMPLER_H
#define NNGEN_SEARCH_SAMPLER_H

#include "search/history.h"
#include "search/space.h"

enum sampler { SAMPLER_GRID, SAMPLER_RANDOM, SAMPLER_TPE, SAMPLER_NSGA2, SAMPLERS };

const char *sampler_text(enum sampler s);
bool sampler_find(const char *text, enum sampler *s);

// Whether the sampler can search the space; of grid every parameter has steps.
bool sampler_check(enum sampler s, const struct search_space *space, struct err *e);

// How many points there are, at most `most`; 0: a parameter is continuous.
int64_t sampler_points(const struct search_space *space, int64_t most);

// x (space->n) for trial `number`; false: grid has no more points.
bool sampler_propose(enum sampler s, const struct search_space *space, const struct history *h,
                     uint64_t seed, int64_t number, double *x);

// ---- the parts

void random_propose(const struct search_space *space, uint64_t seed, int64_t number, double *x);
// One parameter, uniform, from its own numbers.
double random_value(const struct search_space *space, uint32_t i, uint64_t seed, int64_t number);
void tpe_propose(const struct search_space *space, const struct history *h, uint64_t seed,
                 int64_t number, double *x);
// The first point of the grid that wasn't tried, of spaces with steps; false: all were.
bool sampler_untried(const struct search_space *space, const struct history *h, double *x);
bool nsga2_propose(const struct search_space *space, const struct history *h, uint64_t seed,
                   int64_t number, double *x);

// Whether a trial, of whatever end, was at this point.
bool history_has(const struct search_space *space, const struct history *h, const double *x);

#endif
