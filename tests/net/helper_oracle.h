// SPDX-License-Identifier: Apache-2.0
// Activations by the plain formulas of docs/numerics.md, in MPFR with many bits; beyond `tail`,
// where even these are not enough, the asymptote moved by a hair to the side on which the function
// lies. Shares nothing with sw/graph/curve.c but the names.
#ifndef NNGEN_TESTS_HELPER_ORACLE_H
#define NNGEN_TESTS_HELPER_ORACLE_H

#include "sw/graph/curve.h"

#include <mpfr.h>

enum { ORACLE_BITS = 400 };

void oracle_start(void);
void oracle_stop(void);

// y = f(x) by the formula of the book.
void oracle_value(mpfr_t y, enum curve f, double alpha, const mpfr_t x);

// The output code of input code n.
int64_t oracle_code(enum curve f, double alpha, const struct curve_domain *d, int64_t n);

#endif
