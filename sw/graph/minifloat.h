// SPDX-License-Identifier: Apache-2.0
// Numbers of few bits with an exponent, eXmY: docs/numerics.md, "Minifloat". A code is, from high
// to low, a sign, an exponent E of X bits and a mantissa M of Y bits, and stands for an integer:
//
//     E = 0:  M          else:  (2^Y + M) 2^(E-1)           e2m1:  0 1 2 3 4 6 8 12
//
// Without a mantissa (e3m0) they are 0 and the powers of two. There is no infinity and no NaN, and
// no code of -0.
#ifndef NNGEN_GRAPH_MINIFLOAT_H
#define NNGEN_GRAPH_MINIFLOAT_H

#include "sw/base/err.h"
#include "sw/graph/fix.h"

#include <stdbool.h>
#include <stdint.h>

// Which codes of the largest exponent are numbers: all; all but the last (OCP e4m3); none (OCP
// e5m2).
enum minifloat_top { MINIFLOAT_ALL, MINIFLOAT_FN, MINIFLOAT_IEEE };

struct minifloat {
  uint8_t exponent, mantissa; // bits
  enum minifloat_top top;
  bool is_signed;
};

enum { MINIFLOAT_WIDTH_MAX = 8, MINIFLOAT_TEXT = 16 };

int minifloat_width(const struct minifloat *m); // bits of a code
int minifloat_bias(const struct minifloat *m);  // 2^(X-1) - 1, where a text says no other
// Bits that hold every integer with this exponent and mantissa, two's complement if signed.
int minifloat_integer_width(const struct minifloat *m);
fix_wide minifloat_highest(const struct minifloat *m);

// Whether a code is within its bits and a number, and not -0.
bool minifloat_is_code(const struct minifloat *m, uint32_t code);
// Why it isn't one.
const char *minifloat_fault(const struct minifloat *m, uint32_t code);
// The integer of a code, and the code of an integer that has one.
fix_wide minifloat_integer(const struct minifloat *m, uint32_t code);
uint32_t minifloat_code(const struct minifloat *m, fix_wide integer);
bool minifloat_has(const struct minifloat *m, fix_wide integer);

// The nearest integer of the grid to v, which is finite: the significand is rounded half to even, a
// carry goes into the next exponent, what is beyond the highest saturates. `inside`, if not NULL:
// whether it did not.
fix_wide minifloat_round(const struct minifloat *m, double v, bool *inside);

// Reads "e4m3", "e5m2ieee", "e4m3fn", "ue4m4", or "log4" for e3m0, whatever follows it; NULL if the
// text isn't of that form. Sizes that aren't possible are read too: minifloat_check.
const char *minifloat_read(const char *text, struct minifloat *m);
void minifloat_text(const struct minifloat *m, char text[MINIFLOAT_TEXT]);

// Whether there is such a format, at most MINIFLOAT_WIDTH_MAX bits with integers of at most 62.
bool minifloat_check(const struct minifloat *m, struct err *e);

#endif
