// SPDX-License-Identifier: Apache-2.0
// Scales for numbers that are there: of a stream's values, of an output's weights.
#ifndef NNGEN_QUANT_SCALE_H
#define NNGEN_QUANT_SCALE_H

#include "quant/calibrate.h"

// Numbers to be held by integers lo .. hi times a scale.
struct sample {
  const float *values; // (count)
  int64_t count;
  double most; // the largest |value| of all there are, of which `values` may be some
  int64_t lo, hi;
};

// The scale by the method of `how`; 1 if all values are 0.
double scale_of_sample(const struct sample *s, const struct calibrate_how *how);

// The smallest power of two s with round(most / s) <= hi, within the exponents that types have.
double scale_covering(double most, int64_t hi);

// Candidates below `covering`, or around `nearest` with `any`, in falling order; how many there
// are. `nearest` is the scale that takes the largest number to the highest integer, `covering` the
// power of two at which nothing saturates.
enum { SCALES_MOST = 96 };
int scale_weight_candidates(double covering, double nearest, bool any, double to[SCALES_MOST]);

#endif
