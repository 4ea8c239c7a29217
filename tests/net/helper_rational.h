// SPDX-License-Identifier: Apache-2.0
// Requantisation in exact rationals, by the words of docs/numerics.md: the oracle of fix.h, from
// which it takes the names of the modes and nothing else.
#ifndef NNGEN_TESTS_HELPER_RATIONAL_H
#define NNGEN_TESTS_HELPER_RATIONAL_H

#include "sw/graph/fix.h"

// overflow(zero + round(acc * mul / 2^shift)).
int64_t rational_requant(fix_wide acc, int64_t mul, int shift, const struct fix_target *t);

// overflow(zero + round(acc / count / 2^shift)).
int64_t rational_quotient(fix_wide acc, int64_t count, int shift, const struct fix_target *t);

#endif
