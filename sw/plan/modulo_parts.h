// SPDX-License-Identifier: Apache-2.0
// What the parts of the modulo scheduler share: modulo_bounds.c knows the edges, modulo.c finds
// times for a placing, modulo_place.c places.
#ifndef NNGEN_PLAN_MODULO_PARTS_H
#define NNGEN_PLAN_MODULO_PARTS_H

#include "sw/plan/busy.h"
#include "sw/plan/modulo.h"

// `to` needs what `from` did `delay` steps before, a value, or its end alone (NONE).
struct dependence {
  uint32_t from, to;
  int64_t delay;
  int32_t value;
};

struct dependences {
  uint32_t count;
  struct dependence *list; // by `to`
  uint32_t *first;         // (n_nodes + 1) where those of a node begin
};

struct dependences dependences_of(struct arena *a, const struct graph *g);

// (n_nodes) the least of the nodes that must be at one place with it.
const uint32_t *modulo_groups(struct arena *a, const struct graph *g);

// The least period of a cycle of dependences.
int64_t modulo_cycle(const struct graph *g, const struct dependences *d, const int64_t *cost);

struct begin {
  int64_t at;
  uint32_t place;
};

struct moduler {
  struct arena *arena;
  struct modulo *m; // in the making: place, cost; start and hops of the last period that was found
  struct dependences needs;
  const uint32_t *group;  // (n_nodes)
  uint32_t *in_turn;      // (n_nodes) in the graph's order
  struct routes **routes; // (nodes) NULL before they are asked for
  int64_t *frames;        // (n_values)
  uint32_t *users_first;  // (n_values + 1) in `users`: who reads a value
  uint32_t *users;
  // of a trial
  int64_t *way;           // (needs) cycles on links
  int64_t *start, *least; // (n_nodes) when; not before
  uint32_t *order;        // (n_nodes) the earliest first
  struct begin *begins;   // (n_nodes)
  int64_t *there;         // (n_values, nodes) from when it can be used; NONE
  struct busy *pe, *link; // (nodes), (links)
  bool *wanted;           // (nodes) where a token goes
  int64_t fired;          // firings of all trials
  uint32_t n_hops, room;
  struct modulo_hop *hops;
};

// What nodes and links have to do for a step, as they are placed now.
struct modulo_loads {
  int64_t most;   // cycles of the busiest
  double squares; // the sum of theirs
};
struct modulo_loads modulo_load(struct moduler *m);

// Whether there are times for everything in a period, as they are placed now: then they are kept.
bool modulo_fits(struct moduler *m, int64_t period);

// Places all, and finds the times of the shortest period that it can.
void modulo_place(struct moduler *m);

#endif
