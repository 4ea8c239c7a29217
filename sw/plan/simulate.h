// SPDX-License-Identifier: Apache-2.0
// From an order to times. The events of a plan are taken as a list, each with its duration
// (end - start); everything starts as early as it can:
//
// - PEs, channels, links and streams do what is theirs in the order of the list;
// - what an event is `after` has ended; a block that it is after is allocated by then;
// - what is read has been written by what stands before it in the list, or is there from the start;
// - a block is allocated when the first event that touches it starts, and freed when the last that
//   stands before its FREE has ended; a memory with a limit grants in the order of the list, so
//   that what fits when done one event after the other never gets stuck;
// - the scratch of a RUN is granted as blocks are, and given back when it ends;
// - a slot of a link is taken again when it has been received;
// - a stream begins and ends no earlier than what feeds it.
//
// Addresses are not looked at; memory_place gives them afterwards.
#ifndef NNGEN_PLAN_SIMULATE_H
#define NNGEN_PLAN_SIMULATE_H

#include "sw/plan/plan.h"

// Sets start and end of every event, which stay in their order; false with the first event that
// can't start, and why.
bool plan_simulate(struct plan *p, struct err *e);

// Says of every event after which others it is, as the graph and the memories have it: what it
// reads has been written, its slot is empty, its block's former one was freed, whoever uses what it
// frees has ended. What streams as it is made is after nobody. False as above.
bool plan_find_after(struct plan *p, struct err *e);

#endif
