// SPDX-License-Identifier: Apache-2.0
// The memory planner: every node once, one after the other, in one memory. A value lives from its
// producer to its last reader; what is kept lives always. Reshaped values share their input's
// array, and an activation writes over its input if nobody reads that afterwards.
//
//   order    n0   n1   n2   n3
//   a        [=========]              a and c can have the same place
//   b             [=========]
//   c                       [====]
//
// It gives a plan: node i of the order runs from time i + 1 to i + 2 on one PE, between the ALLOC
// and FREE events of what it writes and reads, with addresses.
#ifndef NNGEN_PLAN_MEMORY_H
#define NNGEN_PLAN_MEMORY_H

#include "sw/plan/plan.h"

// The resources of such a plan. Tensors and initial tokens are in a memory of their own.
enum { MEMORY_ARENA, MEMORY_MODEL, MEMORY_PE };

enum memory_over {
  MEMORY_OVER_MAPS,     // an activation over its input
  MEMORY_OVER_JOINS,    // and a sum, difference or product over one of its inputs
  MEMORY_OVER_CHANNELS, // and a window over each channel alone over its input, through scratch
  MEMORY_OVER_NONE      // nothing but other names of an array
};

struct memory_needs {
  const int64_t *bytes; // (n_values) of each value's array, >= 0
  const bool *keep;     // (n_values) what is looked at afterwards besides graph outputs; NULL: all
  int64_t align;        // of addresses, bytes
  enum memory_over over;
  const uint32_t *order; // (n_nodes) in which the nodes run; NULL: graph_order's
  bool tight; // tries more orders of placing than the largest first, until the arena is the peak
};

// The capacity of the arena is what it needs. `bytes` must outlive the plan.
struct plan *memory_plan(struct arena *a, const struct graph *g, const struct memory_needs *needs);

// A plan with these resources, an arena of `bytes`, and what lies in the model's memory: tensors
// and initial tokens. `sizes` are those of plan_new.
struct plan *memory_plan_new(struct arena *a, const struct graph *g, const int64_t *sizes,
                             int64_t align, int64_t bytes);

// Gives addresses in a memory to what is allocated in it by the times of a plan, whose events are
// sorted; nothing is shared in place. Bytes of the whole, which may be more than the memory has.
int64_t memory_place(struct plan *p, uint32_t memory);

// Where values are in the arena: (n_values) bytes; NONE: a tensor, or what has no array.
int64_t *memory_addresses(struct arena *a, const struct plan *p);

// The nodes in the order in which they run: (n_nodes).
uint32_t *memory_order(struct arena *a, const struct plan *p);

#endif
