// SPDX-License-Identifier: Apache-2.0
// The circuit for what is wanted: the cheapest of a pace, the fastest of a budget.
#ifndef NNGEN_CIRCUIT_MEET_H
#define NNGEN_CIRCUIT_MEET_H

#include "sw/circuit/device.h"
#include "sw/circuit/planner.h"

// What is wanted of a circuit; 0: anything.
struct target {
  int64_t cycles; // of a frame, at most
  int64_t multipliers, memory_bits;
  const struct device *device; // NULL: any
  struct plan_for what;        // the family is the device's
};

// A pace is met by the cheapest lanes of each layer, a budget alone by the fastest plan that keeps
// it; both are true of the circuit that was built, not of an estimate. NULL if there is none, with
// what stands in the way and the nearest. `plan`: what was chosen, and why.
struct circuit *circuit_meet(struct arena *a, const struct graph *g, const char *top,
                             const struct target *t, struct lane_plan *plan, struct err *e);

#endif
