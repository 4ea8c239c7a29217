// SPDX-License-Identifier: Apache-2.0
// Spaces whose every point has an exact value, from tables or formulas: functions to minimise, by
// which samplers are compared. The tables (spaces.safetensors) are the correct of 1,000 images of
// models/mnist-mlp.bin at all settings of a kind.
//
//   lab3        errors; 12 choices of widths and fractions               531,441 points
//   lab3cost    8 errors + widths
//   wa          errors + 8 log2 cycles + 8 log2 area; bits and lanes
//   wa_multi    errors; 8 log2 cycles + 8 log2 area
//   formats     errors + bits; kinds of formats, each with its own parameters
//   synth12     a sum of terms of one and of two neighbours of 12 parameters
#ifndef NNGEN_TESTS_HELPER_SPACES_H
#define NNGEN_TESTS_HELPER_SPACES_H

#include "search/sampler.h"

enum {
  EXACT_LAB3,
  EXACT_LAB3COST,
  EXACT_WA,
  EXACT_WA_MULTI,
  EXACT_FORMATS,
  EXACT_SYNTH12,
  EXACT_SPACES
};

struct exact;

// Reads the tables; ends the program without them.
const struct exact *exact_new(struct arena *a);

const struct search_space *exact_space(const struct exact *x, int which);
int exact_objectives(int which);

// The values of a point.
void exact_values(const struct exact *x, int which, const double *point, double *values);

// Runs a study of one sampler: the best value after each trial; of wa_multi the hypervolume up to
// (300, 320), relative to that of the exact front. best: (trials).
void exact_study(const struct exact *x, int which, enum sampler s, uint64_t seed, uint32_t trials,
                 double *best);

#endif
