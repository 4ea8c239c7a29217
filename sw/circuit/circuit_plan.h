// SPDX-License-Identifier: Apache-2.0
// A circuit as a plan (sw/plan/plan.h): PEs are the layers, each at a place of its own with its
// ROM; streams are streams; the period is the II. Times are cycles and sizes are bits.
//
//   source --s_axis--> frame --> l0_linear --l0--> l1_relu --> ... --> sink
//
// A layer runs for the cycles that it takes when nothing stalls, and a stream for its beats, as
// early as what they take allows: a frame is never faster, and the registers on its way add to it.
// What the host computes follows at the sink.
#ifndef NNGEN_CIRCUIT_CIRCUIT_PLAN_H
#define NNGEN_CIRCUIT_CIRCUIT_PLAN_H

#include "sw/circuit/circuit.h"
#include "sw/plan/plan.h"

// NULL with a message of a circuit that reads what earlier frames left.
struct plan *circuit_plan(struct arena *a, const struct circuit *c, struct err *e);

#endif
