// SPDX-License-Identifier: Apache-2.0
// Values and iteration spaces in cells: every axis is cut where a slice of the plan begins or ends,
// so that each slice is a set of whole cells. Without slices there is one cell.
//
//   fc1, run as 0..64 and 64..128 of its output axis, once by inputs:   cell 0 | cell 1
//   a partial sum, run as 0..392 and 392..784 of a reduced axis:        two cells of each output
#ifndef NNGEN_PLAN_GRID_H
#define NNGEN_PLAN_GRID_H

#include "sw/plan/plan.h"

struct grid {
  int axes;
  int64_t size[AXES_MAX];
  int64_t parts[AXES_MAX];
  const int64_t *cut[AXES_MAX]; // (parts + 1): 0, .., size
  int8_t axis_of[RANK_MAX];     // of each dimension of the value; NONE: it isn't cut
  int64_t cells;                // product of the parts
};

enum { CELLS_MAX = 1 << 24 };

struct grids {
  const struct graph *graph;
  const struct space **spaces;  // (n_nodes) of those that something slices; NULL
  struct slice *own;            // (n_nodes) the slices of the graph
  struct grid *grids;           // (n_nodes + n_values)
  const struct grid **of_value; // (n_values) that of the node, if its space is the value's
};

// The grids of the slices in a plan's events for which `use` is true.
struct grids grids_new(struct arena *a, const struct plan *p, const bool *use);

// Whether a slice of some ranges lies in the space of its node or value.
bool grids_slice_fits(const struct graph *g, const struct event *e);

// Calls `use` for the intervals of cells that a slice of an axis consists of; all cells if it is
// everything or the axis NONE.
void grid_each(const struct grid *g, int axis, const struct slice *s,
               void (*use)(void *context, int64_t begin, int64_t end), void *context);

// What a RUN of a slice reads of input k of its node: ranges of an axis of that value's grid, or
// all of it, axis NONE. False: nothing, as when a window lies in the padding. Ranges may lie in the
// arena.
bool grids_read(struct arena *a, const struct grids *g, uint32_t node, const struct slice *s,
                uint32_t k, int *axis, struct slice *part);

#endif
