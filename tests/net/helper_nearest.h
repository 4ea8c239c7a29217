// SPDX-License-Identifier: Apache-2.0
// Reals requantised by the words of docs/numerics.md, in double; shares nothing with
// sw/graph/fix.c.
#ifndef NNGEN_TESTS_HELPER_NEAREST_H
#define NNGEN_TESTS_HELPER_NEAREST_H

#include "sw/graph/graph.h"

// The value of type t that x becomes as a node rounds and overflows, channel c; `inside`: whether
// nothing overflowed, of bipolar whether x is between its two values.
double nearest_value(const struct node *n, const struct type *t, int64_t c, double x, bool *inside);

#endif
