// SPDX-License-Identifier: Apache-2.0
// A graph whose steps follow each other, on K nodes: a modulo schedule. In every period each node
// of the graph fires once, of whichever step is due there; an edge with delay d crosses d periods.
//
//   step 0   read w |-- fc --|-- loss --|-- gradient --| assign w
//   step 1                         read w |-- fc --|-- loss -- ...       one period later
//
// What reads and assigns a variable is at one node, as references don't travel. Everything else
// goes where the period becomes short; a token goes once to each node that needs it, whole from
// node to node along a tree of shortest paths. Constants are everywhere, graph inputs come in at
// node 0, and graph outputs are wanted there.
#ifndef NNGEN_PLAN_MODULO_H
#define NNGEN_PLAN_MODULO_H

#include "sw/plan/schedule.h"

struct modulo_hop {
  uint32_t value, link;
  int64_t start, frames; // cycles, of step 0; all of it can be used `latency` after its last frame
};

struct modulo {
  const struct graph *graph;
  const struct node_machine *machine;
  int64_t frames;  // images of a step
  uint32_t *place; // (n_nodes) node of the machine
  int64_t *cost;   // (n_nodes) cycles
  int64_t *start;  // (n_nodes) of step 0
  uint32_t n_hops;
  struct modulo_hop *hops;
  int64_t period;
  int64_t length; // cycles from the inputs of a step until all that it does is done
};

// No period is shorter than
struct modulo_bounds {
  int64_t work;    // what all nodes do, by K
  int64_t largest; // the most that stays together: a firing, or those of a variable
  // the largest mean of a cycle of edges: the cycles of its firings, by its delays
  int64_t cycle;
  int64_t most; // the largest of these
};

// Of a verified graph without races, whose values are `frames` images each. NULL if it is too large
// for so many nodes.
const struct modulo *modulo_make(struct arena *a, const struct graph *g, int64_t frames,
                                 const struct node_machine *m, struct err *e);
struct modulo_bounds modulo_bounds(const struct graph *g, int64_t frames,
                                   const struct node_machine *m);

// Cycles of a firing: a multiply-accumulate each, or an element that is read where nothing
// multiplies; of a gradient those of the firing that it is of. 1 or more.
int64_t modulo_cost(const struct graph *g, const struct node *n, int64_t frames, int64_t macs);

// Frames of a token on a link, of 32 bits for each number.
int64_t modulo_frames(const struct graph *g, uint32_t value, int64_t frames, int64_t link_bits);

// The same as a plan of timed events, whose sizes are bytes: each node has a memory and a PE, and
// all of them one with what is constant and with the tokens that are there before the first step.
// The resources are the memories of the nodes, that one, the PEs, the links.
struct plan *modulo_plan(struct arena *a, const struct modulo *m);

#endif
