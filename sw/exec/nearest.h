// SPDX-License-Identifier: Apache-2.0
// Rounding to the nearest integer in floats, in operations that become vectors on every machine.
#ifndef NNGEN_EXEC_NEAREST_H
#define NNGEN_EXEC_NEAREST_H

#include "sw/graph/type.h"

#include <math.h>

// Between these the sum below rounds half to even: a float from 2^23 to 2^24 is whole.
#define NEAREST_MOST 0x1p22f

static inline float nearest(float v) {
  const float whole = 0x1.8p23f;
  return (v + whole) - whole;
}

static inline float nearest_bounded(float v, float lo, float hi) {
  v = v < lo ? lo : v;
  return v > hi ? hi : v;
}

// Whether the codes of a fixed type of zero 0 whose scale is a power of two lie between these.
static inline bool nearest_serves(const struct type *t) {
  int fraction;
  return type_is_fixed(t) && type_fraction(t, &fraction) &&
         -(double)type_lowest(t) < (double)NEAREST_MOST &&
         (double)type_highest(t) < (double)NEAREST_MOST;
}

#endif
