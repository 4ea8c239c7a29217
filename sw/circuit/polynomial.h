// SPDX-License-Identifier: Apache-2.0
// A long table as a piecewise quadratic with integer coefficients and a stored correction, which
// gives every entry exactly:
//
//   index i of an entry:   | k = i >> segment_bits | d = low segment_bits of i |
//
//   entry = ((c0[k] + c1[k] * d + c2[k] * d * d) >> shift) + correction[i]
//
// with an arithmetic shift and corrections of -1, 0, +1. Tails and sign are those of the table.
#ifndef NNGEN_CIRCUIT_POLYNOMIAL_H
#define NNGEN_CIRCUIT_POLYNOMIAL_H

#include "sw/circuit/table_fold.h"

struct polynomial {
  struct table_rom tails;           // first, depth, odd and tails; its entries are what is replaced
  int segment_bits, shift;          // bits
  int c0_width, c1_width, c2_width; // bits, two's complement
  int64_t segments;                 // ceil(depth / 2^segment_bits)
  const int64_t *c0, *c1, *c2;      // (segments)
  const int8_t *correction;         // (depth), 2 bits each in the circuit
};

// The longest segments, then the smallest shift, with every correction in range; every entry is
// checked. False if the polynomial needs no fewer bits than the table.
bool polynomial_fit(struct arena *a, const struct table_rom *rom, struct polynomial *out);

// The bits that are stored: coefficients and corrections.
int64_t polynomial_bits(const struct polynomial *p);

// What the circuit computes for code n.
int64_t polynomial_eval(const struct polynomial *p, int64_t n, int64_t out_lo, int64_t out_hi);

#endif
