// SPDX-License-Identifier: Apache-2.0
// The two parts of each function of curve.def, for curve.c only.
#ifndef NNGEN_GRAPH_CURVE_PARTS_H
#define NNGEN_GRAPH_CURVE_PARTS_H

#include "sw/graph/curve.h"

#include <gmp.h>
#include <mpfr.h>

// The precision of a rest from a bound alone, where that is cheaper than the function.
enum { CURVE_CRUDE_BITS = 1 };

// An argument: the number as a fraction and, exactly as well, in binary.
struct curve_point {
  mpq_t q;
  mpfr_t x;
  double alpha;
  mpfr_prec_t bits; // the relative error of the rest must be below 2^-bits
};

enum curve_where { CURVE_NOWHERE, CURVE_NEGATIVE, CURVE_NONZERO, CURVE_EVERYWHERE };

struct curve_parts {
  const char *name;
  bool odd;
  void (*exact)(mpq_t y, const struct curve_point *p);
  // At the precision of e, which has room for the growth of errors in exp and erfc. No rest
  // cancels; overflow and underflow leave a zero with the rest's sign.
  void (*rest)(mpfr_t e, const struct curve_point *p);
  enum curve_where where; // the x that have a rest
};

extern const struct curve_parts curve_parts[CURVE_COUNT];

#endif
