// SPDX-License-Identifier: Apache-2.0
// What the parts of the scheduler share: schedule_place.c chooses nodes, schedule_spread.c those of
// a period, schedule_route.c sends tokens, schedule.c does one after the other, layer by layer.
#ifndef NNGEN_PLAN_SCHEDULE_PARTS_H
#define NNGEN_PLAN_SCHEDULE_PARTS_H

#include "sw/plan/busy.h"
#include "sw/plan/schedule.h"

// Of a token at a node, instead of a time.
enum { TOKEN_ABSENT = -1, TOKEN_WANTED = -2 };

struct maker {
  struct arena *arena;
  struct schedule *schedule; // in the making
  const struct actors *actors;
  const struct node_machine *machine;
  struct routes **routes; // (nodes) NULL before they are asked for
  struct busy *pe;        // (nodes)
  struct busy *link;      // (links)
  int64_t *there;         // (tokens, nodes) the cycle from which all of it can be used
  int64_t *frames;        // (tokens)
  int64_t *cost;          // (actors)
  int64_t *ready;         // (nodes) when all that an actor needs would be there
  int64_t *ends;          // (nodes) of what has been placed of this layer
  int64_t *clock;         // (links) until when it would send to one node
  uint32_t *stamp;        // (links) for which question
  uint32_t question;
  bool stuck;     // something doesn't fit into the period
  int64_t period; // cycles; 0: none
};

static inline int64_t *token_there(const struct maker *m, uint32_t token, uint32_t node) {
  return &m->there[(size_t)token * m->machine->topology->nodes + node];
}

const struct routes *maker_routes(struct maker *m, uint32_t node);

// Spreads all actors over the nodes, and returns what the busiest node or link has to do.
int64_t spread_actors(struct maker *m);

// Chooses nodes for the actors of a layer, all that is before it being scheduled.
void place_layer(struct maker *m, uint32_t layer);

// Sends the tokens that are wanted of a stream, as they become ready.
void route_stream(struct maker *m, uint32_t stream);

#endif
