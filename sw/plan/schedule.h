// SPDX-License-Identifier: Apache-2.0
// A network on K nodes, cycle by cycle: which actor runs where and when, and in which cycles each
// link sends what. The image comes in at node 0, and the outputs are wanted there.
//
//   node 0     run   [== fc1.0 ==][== fc1.1 ==]  ...            [fc2.0]
//   link 0>1   send  [pixel 0][pixel 1][pixel 2] ...
//   node 1     run                     [== fc1.2 ==]            |
//   link 1>0   send                                 [fc1.2]-----'
//
// Weights lie where their actors are. A token goes once to each node that needs it, along the
// source's tree of shortest paths, sent on by the nodes between; its frames follow each other, and
// are sent on as they come.
#ifndef NNGEN_PLAN_SCHEDULE_H
#define NNGEN_PLAN_SCHEDULE_H

#include "sw/plan/actors.h"
#include "sw/plan/topology.h"

enum { HOST_NODE = 0 };

struct node_machine {
  const struct topology *topology;
  int64_t macs;      // that a node does in a cycle
  int64_t link_bits; // of a frame; a link sends one in a cycle
  int64_t latency;   // cycles, 1 or more: from when a frame is sent until it can be used or sent on
};

struct firing {
  uint32_t node;
  int64_t start, end; // cycles; those of inputs are there at 0
};

struct hop {
  uint32_t token, link;
  int64_t start; // of its first frame
};

struct schedule {
  const struct actors *actors;
  const struct node_machine *machine;
  struct firing *firings; // (n_actors)
  uint32_t n_hops, room;
  struct hop *hops; // in no order
  int64_t length;   // cycles from the image until all outputs are at node 0
  int64_t period;   // everything happens again for the next image after so many; 0: it doesn't
};

// Cycles of an actor, 0 of an input's; frames of a token.
int64_t schedule_cost(const struct schedule *s, uint32_t actor);
int64_t schedule_frames(const struct schedule *s, uint32_t token);

// Each actor where it is done first, with what the links have to carry already; then those that
// end last are tried elsewhere. NULL if tokens times nodes are too many.
struct schedule *schedule_make(struct arena *a, const struct actors *v,
                               const struct node_machine *m, struct err *e);

// The same for images that follow each other: a period as short as the busiest node or link lets it
// be, in which all that is needed for an image happens once, though for several images. Actors are
// spread so that the busiest has least to do, the largest first, and then exchanged.
struct schedule *schedule_make_period(struct arena *a, const struct actors *v,
                                      const struct node_machine *m, struct err *e);

// No schedule of these actors on this machine is shorter, with these ways between nodes.
struct schedule_bounds {
  int64_t work;     // of all, on all nodes
  int64_t critical; // one actor after another
  int64_t link;     // the image over the links of node 0, and one actor after it
  int64_t packing;  // a layer's actors on nodes that the image reaches one after another
  int64_t most;     // the largest
};

// The same of periods: critical is the costliest actor, link what the image takes on one.
struct schedule_bounds schedule_period_bounds(const struct actors *v, const struct node_machine *m);

struct schedule_bounds schedule_bounds(const struct actors *v, const struct node_machine *m);

#endif
