// SPDX-License-Identifier: Apache-2.0
// The token executor: a node fires once when every input edge and control edge holds a token, and
// puts one on every output edge. Firings are atomic; which of the ready nodes fires next is the
// caller's choice, and no choice changes a bit of a graph without races.
//
//   edge     a queue of tokens: arrays that nobody writes again; delay d starts with d of them
//   control  a count of go signals; delay d starts with d
//   source   a graph input, or a read that nothing orders: ready until it has fired in every step
//   state    a variable's content; read copies it into a token, assign changes it
#ifndef NNGEN_EXEC_DATAFLOW_H
#define NNGEN_EXEC_DATAFLOW_H

#include "sw/exec/job.h"
#include "sw/exec/steps.h"

struct dataflow;

// Tokens of `frames` frames. Refuses graphs with races (races_none) unless `racy`.
struct dataflow *dataflow_new(struct arena *a, const struct graph *g, int64_t frames,
                              const struct element_kind *kind, bool racy, struct err *e);

// Everything as it was made: variables, delays, nothing fired.
void dataflow_reset(struct dataflow *d);
void dataflow_free(struct dataflow *d); // tokens and queues; the rest is the arena's

// What surrounds a run. pick: which of `ready` actors (1 or more) fires; NULL: the one that became
// ready last. input: (frames, elements) of graph input i in a step. output: a token of graph output
// i; may be NULL.
struct dataflow_caller {
  void *context;
  uint32_t (*pick)(void *context, uint32_t ready);
  const void *(*input)(void *context, int64_t step, uint32_t i);
  void (*output)(void *context, int64_t step, uint32_t i, const void *data);
};

// Fires until every node has fired `steps` times more.
void dataflow_run(struct dataflow *d, int64_t steps, const struct dataflow_caller *caller);

// The content of the variable that a reference names.
void *dataflow_held(const struct dataflow *d, uint32_t ref);
int64_t dataflow_firings(const struct dataflow *d);

// ---- places

// On which device each node is: PER_NODE, uint32_t. False if a read or assign isn't where its
// variable is: references don't travel.
bool dataflow_place(struct dataflow *d, const struct side_table *place, struct err *e);

// What went from one device to another: a message per token, its bytes; a control token is a
// message without bytes.
struct dataflow_traffic {
  int64_t messages, bytes;
};
struct dataflow_traffic dataflow_traffic(const struct dataflow *d);

// ---- every order

// Runs `steps` steps in every possible order of firings, from the beginning each time, and calls
// `visit` after each. Returns the number of orders, or -1 if there are more than `most`.
int64_t dataflow_explore(struct dataflow *d, int64_t steps, const struct dataflow_caller *caller,
                         int64_t most, void (*visit)(void *context, struct dataflow *d));

#endif
