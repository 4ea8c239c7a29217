// SPDX-License-Identifier: Apache-2.0
// Rounding to odd: a double that no float is becomes the one of its two neighbours whose last bit
// is 1. What rounds it once more to at least two bits less, in whatever way, gives what it would
// give of the double itself: Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums:
// proved algorithms using rounding to odd" (2008).
#ifndef NNGEN_EXEC_ODD_H
#define NNGEN_EXEC_ODD_H

#include <stdint.h>
#include <string.h>

// Of the numbers that floats hold without a loss of bits, 2^-126 to 2^128, and 0.
static inline float round_odd(double v) {
  const uint64_t rest = ((uint64_t)1 << 29) - 1; // the bits that a float hasn't
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  bits |= ((bits & rest) + rest) & ~rest;
  bits &= ~rest;
  memcpy(&v, &bits, sizeof v);
  return (float)v;
}

#endif
