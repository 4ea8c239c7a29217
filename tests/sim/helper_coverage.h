// SPDX-License-Identifier: Apache-2.0
// What has occurred in many circuits, so that a campaign that misses something fails.
#ifndef NNGEN_TESTS_HELPER_COVERAGE_H
#define NNGEN_TESTS_HELPER_COVERAGE_H

#include "sw/circuit/circuit.h"

enum { COVERAGE_WIDTHS = 17 };

struct coverage {
  int64_t kinds[OP_COUNT], widths[COVERAGE_WIDTHS], roundings[FIX_ROUNDINGS],
      overflows[FIX_OVERFLOWS];
  int64_t remainder[2], exact_scale[2], classes[4];
};

// Counts the layers of a circuit.
void coverage_add(struct coverage *c, const struct circuit *p);

// Prints the counts; how many are 0.
int coverage_print(const struct coverage *c);

#endif
