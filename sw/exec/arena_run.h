// SPDX-License-Identifier: Apache-2.0
// Carries out a memory plan (sw/plan/memory.h): integers lie in an arena of exactly the planned
// bytes, each as wide as its type, and every firing takes its inputs from there and puts its
// outputs there, in the order of the plan's events.
//
//   guard | value | poison | value .. | guard        bytes of the arena
//           owner   nobody   owner                   whose each of them is
//
// What is allocated or freed is poisoned. A byte that belongs to somebody else than the value that
// is read, or that lies outside of the arena, is a fault of the plan, and is told.
#ifndef NNGEN_EXEC_ARENA_RUN_H
#define NNGEN_EXEC_ARENA_RUN_H

#include "sw/plan/plan.h"

// Bytes of an integer of a type in an arena: 1, 2, 4 or 8. Integers that no type narrows have 8.
int64_t arena_run_width(const struct type *t);

// Bytes of each value: (n_values); 0 of references.
int64_t *arena_run_bytes(struct arena *a, const struct graph *g);

struct arena_run;

// An executor of a plan that memory_plan has made for an integer graph, or of one like it. NULL if
// it has no address for something.
struct arena_run *arena_run_new(struct arena *a, const struct plan *p, struct err *e);

// Called for a value when it is there, and before its bytes are anybody else's: (elements)
// integers.
typedef void arena_look(void *context, uint32_t value, const int64_t *integers);

// One frame; inputs[i]: (elements) integers of graph input i. Variables and delays go on from frame
// to frame. False with the event, the value and the byte where the plan is wrong.
bool arena_run_frame(struct arena_run *r, const int64_t *const *inputs, arena_look *look,
                     void *context, struct err *e);

// Gives the arena back.
void arena_run_free(struct arena_run *r);

#endif
