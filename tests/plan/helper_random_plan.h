// SPDX-License-Identifier: Apache-2.0
// Random small plans: a graph of at most seven nodes with delays, a machine of up to three memories
// with PEs, links and channels between them, and a list of events that carries it out.
#ifndef NNGEN_TESTS_HELPER_RANDOM_PLAN_H
#define NNGEN_TESTS_HELPER_RANDOM_PLAN_H

#include "sw/plan/plan.h"

enum random_plan_kind {
  RANDOM_IN_TURN, // one event after the other, with addresses, some in place
  RANDOM_LIST     // durations alone, without addresses: to be simulated
};

// One byte per element; times are whole numbers.
struct plan *random_plan(struct arena *a, uint64_t seed, enum random_plan_kind kind);

#endif
