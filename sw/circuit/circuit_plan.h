// SPDX-License-Identifier: Apache-2.0
// A circuit as a plan (sw/plan/plan.h): PEs are the layers, each at a place of its own with its
// ROM; streams are streams; the period is the II. Times are cycles and sizes are bits.
//
//   source --s_axis--> frame --> l0_linear --l0--> l1_relu --> ... --> sink
//
// Times are the cycle model's (timing_trace), of a frame that finds all of it empty. A stream
// carries from its first beat until behind its last; a layer ends behind its last result, and
// begins its cycles before, or with its first result. Whatever takes a stream begins and ends with
// it, or later. What would take more than a period, as queues take its first beats early, begins a
// period before its end. What the host computes follows at the sink, a cycle for each node.
#ifndef NNGEN_CIRCUIT_CIRCUIT_PLAN_H
#define NNGEN_CIRCUIT_CIRCUIT_PLAN_H

#include "sw/circuit/circuit.h"
#include "sw/plan/plan.h"

// The events are in the order of time; a layer is a place and a PE, in the order of the cells. NULL
// with a message of a circuit that reads what earlier frames left, or stands still.
struct plan *circuit_plan(struct arena *a, const struct circuit *c, struct err *e);

#endif
