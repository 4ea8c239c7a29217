// SPDX-License-Identifier: Apache-2.0
// The memory planner by rows: layers that follow each other form groups, in which each computes a
// row when the next one needs it, so that of what is between them a few rows live at a time and
// nothing is computed twice.
//
//   image   0 1 2 3 4 5 ..      conv 3 x 3, then a pool 2 x 2: to make row 0 of the pool are
//   conv    0 1 | 2 3 ..        needed rows 0 and 1 of conv, and of the image rows 0 to 2
//   pool    0   | 1   ..
//
// Between groups whole values live, whose rows are freed one by one as the group behind reads them.
// Where groups end is found for the least bytes that live at once; no other ends have less, in this
// order of the layers. Rows are slices of a value's first dimension.
#ifndef NNGEN_PLAN_ROWS_H
#define NNGEN_PLAN_ROWS_H

#include "sw/plan/memory.h"

struct rows_result {
  struct plan *plan;
  uint32_t groups;
  uint32_t *order; // (n_nodes) in which they follow each other, those of a group amid each other
  uint32_t *group; // (n_nodes) in which a node runs, from 0
  int64_t peak;    // bytes that live at once
};

// As memory_plan, with `over` but for MEMORY_OVER_CHANNELS. `inputs_come`: whoever has the inputs
// puts in each of their rows as the first layer to read it needs it, not all before it begins.
struct rows_result rows_plan(struct arena *a, const struct graph *g,
                             const struct memory_needs *needs, bool inputs_come);

#endif
