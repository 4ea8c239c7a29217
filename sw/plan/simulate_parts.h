// SPDX-License-Identifier: Apache-2.0
// What an event of a list waits for: simulate_waits.c finds it, simulate.c lets time pass.
#ifndef NNGEN_PLAN_SIMULATE_PARTS_H
#define NNGEN_PLAN_SIMULATE_PARTS_H

#include "sw/plan/grid.h"
#include "sw/plan/simulate.h"

enum wait_kind {
  WAIT_END,    // for the end of the other event, and `delay` more
  WAIT_STREAM, // to begin and end no earlier than it
  WAIT_ALLOC   // the block must be allocated by then: an ALLOC of the reader's or writer's
};

struct wait {
  enum wait_kind kind;
  uint32_t who; // of an event, the one that waits; of WAIT_ALLOC, the ALLOC
  uint32_t next;
  double delay;
};

// No event, or no more waits.
#define NOBODY UINT32_MAX

struct waits {
  uint32_t count, room;
  struct wait *waits;
  uint32_t *first;  // (n_events) of those that wait for an event
  uint32_t *allocs; // (n_events) of the ALLOCs that an event needs
  uint32_t *open;   // (n_events) how many events it still waits for
};

// False with the first event that reads what nothing before it puts there.
bool waits_find(struct arena *a, const struct plan *p, const struct grids *g, struct waits *w,
                struct err *e);

#endif
