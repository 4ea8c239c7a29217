// SPDX-License-Identifier: Apache-2.0
// Whether a plan can be carried out as it stands, whoever made it. It is played in the order of
// time, with the content of every block of memory followed cell by cell (grid.h), and every fault
// is reported, not the first alone.
#ifndef NNGEN_PLAN_CHECK_H
#define NNGEN_PLAN_CHECK_H

#include "sw/plan/plan.h"

enum fault_kind {
  FAULT_FORM,     // what isn't there, or has no meaning: the event is left out
  FAULT_BUSY,     // a resource does two things at a time
  FAULT_PLACE,    // an address that is not aligned, or bytes outside of the memory
  FAULT_OVERLAP,  // bytes of two values that live at the same time
  FAULT_CAPACITY, // more than the memory holds
  FAULT_SIZE,     // a block smaller than its value, or given back as another size
  FAULT_DOUBLE,   // allocated although it is there
  FAULT_ABSENT,   // read, written or freed where it never was
  FAULT_FREED,    // the same after it was freed
  FAULT_HELD,     // freed while it is read or written
  FAULT_EARLY,    // read before it was produced or has arrived
  FAULT_LOST,     // read after something else was written over it, or while that happens
  FAULT_SLOT,     // received from a slot that doesn't hold it, or sent into one that isn't empty
  FAULT_ORDER,    // a control edge of the graph, or what an event is after, isn't kept
  FAULT_TWICE,    // a point of a node is run again, or a value streamed again
  FAULT_MISSING   // a point of a node is never run
};
enum { FAULT_KINDS = FAULT_MISSING + 1 };

struct fault {
  enum fault_kind kind;
  int64_t event; // its place in the plan, or NONE
  const char *text;
};

struct faults {
  uint32_t count, room;
  struct fault *faults; // in order of time
};

// In place is allowed: two values may lie at one address if one is made of the other by nodes that
// compute element by element (plan_over), or channel by channel, if the RUN has scratch for one
// (plan_scratch). With the first element what was there before is lost,
// so that such a node runs as a whole.
struct faults plan_check(struct arena *a, const struct plan *p);

#endif
