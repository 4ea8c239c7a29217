// SPDX-License-Identifier: Apache-2.0
// The same actors on the same nodes without a schedule, as packets find their way through routers:
//
//   core --> [ waits ] --> router --> [ D places ] --link--> router --> [ D places ] --> core
//            one a cycle                                                 one in S cycles
//
// An actor fires when all that it needs has come, and then sends a packet to each node that needs
// its token. A packet goes on when the next queue on its way has a place; one that has waited for P
// cycles is dropped, and who needs it starves. Tokens of the image lie on the nodes, one after
// another, and are all sent at the beginning.
#ifndef NNGEN_PLAN_UNSCHEDULED_H
#define NNGEN_PLAN_UNSCHEDULED_H

#include "sw/plan/schedule.h"

struct routers {
  int64_t queues;   // places of each queue; 0: as many as it takes
  int64_t patience; // cycles
  int64_t service;  // cycles in which a core takes a packet
};

struct unscheduled {
  int64_t packets;  // that were sent
  int64_t lost;     // of them
  uint32_t starved; // actors that never fire
  uint32_t actors;  // of all that compute
  int64_t missing;  // outputs that never come to node 0
  int64_t cycles;   // until nothing happens any more
  int64_t fullest;  // the most places that are taken in a queue at a time
};

// The nodes are those of the schedule's firings; nothing else of it is looked at.
struct unscheduled unscheduled_run(const struct schedule *s, const struct routers *r);

#endif
