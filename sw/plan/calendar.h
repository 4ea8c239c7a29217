// SPDX-License-Identifier: Apache-2.0
// A schedule as what each node and each link is told: lists in the ticks of its own clock, and in
// which slot of a node's memory each token lies.
//
//   node 1   tick   17  take  link 0 > 1   slot 4     (pixel 0 comes in)
//            tick   18  send  slot 4   link 1 > 2     (and is sent on)
//            tick  801  run   fc1.2    784 ticks
//            tick 1585  keep  fc1.2    slot 9         (what it has computed)
//
// Clocks tick alike, but don't start together: the calendar begins in the cycle in which the last
// of them starts, and says to each node which tick of its own that is. What a link sends in one
// node's tick is taken in a tick of the other's.
#ifndef NNGEN_PLAN_CALENDAR_H
#define NNGEN_PLAN_CALENDAR_H

#include "sw/plan/schedule.h"

struct calendar_run {
  int64_t tick, ticks;
  uint32_t actor;
};

// Of tokens whose frames begin at a tick; turn k of a period uses slot + k % turns.
struct calendar_move {
  int64_t tick, frames;
  uint32_t token, slot, turns;
};

struct calendar_list {
  uint32_t count, room;
  struct calendar_move *moves; // by tick
};

struct node_calendar {
  int64_t start;  // the cycle in which its clock begins
  uint32_t slots; // of its memory
  uint32_t n_runs;
  struct calendar_run *runs;    // by tick
  struct calendar_list keeps;   // what is computed here, or comes in, into slots
  struct calendar_list fetches; // outputs, from slots of node 0
};

struct link_calendar {
  struct calendar_list sends; // in ticks of the node that sends, from its slots
  struct calendar_list takes; // in ticks of the other, into its slots; in the same order
};

struct calendar {
  const struct actors *actors;
  const struct node_machine *machine;
  struct node_calendar *nodes; // (nodes)
  struct link_calendar *links; // (links)
  int64_t length;              // ticks from the first to the last
  int64_t period;              // ticks until everything happens again; 0: as long as it is
};

// `starts`: (nodes) when clocks begin, 0 or more; NULL: all at 0. The least number of slots is
// taken in which no two tokens meet.
const struct calendar *calendar_of(struct arena *a, const struct schedule *s,
                                   const int64_t *starts);

// A token in a node's memory: from when its first frame comes until nobody there needs it any more.
struct calendar_stay {
  int64_t from, to; // cycles
  uint32_t token, node, slot, turns;
};

// All of them, by node and time.
const struct calendar_stay *calendar_stays(struct arena *a, const struct schedule *s,
                                           uint32_t *count);

// Whether no node needs more slots; otherwise which does, in which cycle, and for how many tokens.
bool calendar_fits(const struct schedule *s, int64_t slots, struct err *e);

// Entries of a node's own lists and those of its links, both ends.
int64_t calendar_entries(const struct calendar *c, uint32_t node);

#endif
