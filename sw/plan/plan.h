// SPDX-License-Identifier: Apache-2.0
// A plan: timed events on a machine, that together run a graph. A folded circuit, nodes that send
// each other values, and an arena of bytes on the host are three machines under one checker
// (check.h) and one simulator (simulate.h).
//
//   memory   ALLOC a [0..64) |---------- a ----------| FREE
//   pe                  RUN  [== node 0 ==][== node 1 ==]
//   link                                   [SEND a] RECV
//
// Times are in the machine's unit (cycles, ms, places in an order). What ends at a time is over
// before anything else happens then; then bytes are freed, then taken, then received, and then the
// rest begins.
#ifndef NNGEN_PLAN_PLAN_H
#define NNGEN_PLAN_PLAN_H

#include "sw/graph/slice.h"

enum resource_kind {
  RESOURCE_PE,      // runs nodes
  RESOURCE_CHANNEL, // copies from memory to memory
  RESOURCE_LINK,    // carries values into slots at its end, from which they are received
  RESOURCE_STREAM,  // hands a value on, element by element, between places that pass values
  RESOURCE_MEMORY
};
enum { RESOURCE_KINDS = RESOURCE_MEMORY + 1 };

struct resource {
  enum resource_kind kind;
  const char *name;
  int32_t memory;    // PE: where it reads and writes
  int32_t constants; // PE: another memory that it reads; NONE
  int32_t from, to;  // CHANNEL, LINK, STREAM: memories
  int64_t slots;     // LINK: values that can wait at its end
  double latency;    // LINK: from the end of sending until the slot is written
  int64_t bytes;     // MEMORY: capacity, in units of the machine; NONE: no limit
  int64_t align;     // MEMORY: addresses are multiples of it
  // MEMORY: what nobody computes (graph inputs, tensors, initial tokens) is there when it is
  // allocated; in other memories it must be brought.
  bool home;
  // MEMORY: a place in a circuit. Who runs there hands on its values as they are made, to others
  // there and to streams, without a block; under whatever name a reshape gives them.
  bool passes;
};

struct machine {
  uint32_t count, room;
  struct resource *resources;
};

enum action {
  ACTION_ALLOC, // of a value in a memory: `bytes` from `address`
  ACTION_FREE,
  ACTION_RUN,   // of a node on a PE
  ACTION_LOAD,  // over a channel, from slow memory to fast
  ACTION_STORE, // over a channel, back; the value stays where it was
  ACTION_SEND,  // over a link, into slot `address`, or over a stream
  ACTION_RECV,  // from slot `address` of a link into its memory; takes no time
};
enum { ACTIONS = ACTION_RECV + 1 };

struct event {
  double start, end;
  uint32_t resource;
  enum action action;
  uint32_t id;        // RUN: of a node; otherwise of a value
  int32_t step;       // which firing; a negative one of a value: an initial token
  struct slice slice; // RUN: of the node's space; otherwise `axis` is a dimension of the value
  int64_t bytes;      // ALLOC, FREE: units of the memory; RUN: of scratch, while it runs
  int64_t address;    // ALLOC, RUN: NONE before it is placed; SEND, RECV: of a slot
  // Places in the plan of events that must have ended, each before its own, whether anything of the
  // graph or of a memory says so or not. Of a plan with a period those of the same one.
  uint32_t n_after;
  const uint32_t *after; // (n_after)
};

struct plan {
  struct arena *arena;
  const struct graph *graph;
  struct machine machine;
  uint32_t n_events, room;
  struct event *events;
  const int64_t *bytes; // (n_values) of the whole value, in units of its memory
  int32_t steps;        // firings of each node, 0 .. steps - 1
  double period;        // the events of step 0 come again after it, for ever; 0: they don't
};

// An empty plan of one step; `bytes` is kept, not copied.
struct plan *plan_new(struct arena *a, const struct graph *g, const int64_t *bytes);

// Returns its place in the machine. Memories come before what refers to them.
uint32_t plan_resource(struct plan *p, struct resource r);

void plan_add(struct plan *p, struct event e);

// By start; at one time FREE, ALLOC, RECV, the rest, and then as they were. Where events are
// `after` others follows them.
void plan_sort(struct plan *p);

// The phase of an event's start at its time: 1 FREE, 2 ALLOC, 3 RECV, 4 the rest. Ends are 0.
int plan_phase(enum action a);

// Of a part of a value, in units of its memory.
int64_t plan_slice_bytes(const struct plan *p, uint32_t value, const struct slice *s);

// What nobody computes at this step: inputs, tensors, what is there before the first step.
bool plan_is_given(const struct graph *g, uint32_t value, int32_t step);

// Whether a node can write its first output over its first input, element by element.
bool plan_in_place(const struct graph *g, const struct node *n);

// The same over input k, of joins too: where each element is read before it is written.
bool plan_over(const struct graph *g, const struct node *n, uint32_t k);

// What a node that computes each channel of its output from that channel of its first input alone
// needs besides to write over it: a channel. NONE: it isn't such a node.
int64_t plan_scratch(const struct graph *g, const struct node *n, const int64_t *bytes);

// The value that a reshaped one is another name of; its own, if it is none.
uint32_t plan_base(const struct graph *g, uint32_t value);

// What an event reads of a value that is one and the same at all steps is its step 0.
int32_t plan_step(const struct graph *g, uint32_t value, int64_t step);

// What is taken in a memory, with scratch, when each event of sorted ones has begun: (n_events).
// Blocks at one address count once.
int64_t *plan_used(struct arena *a, const struct plan *p, uint32_t memory);

// The latest end, and the most that is taken in a memory at one time, of sorted events.
double plan_length(const struct plan *p);
int64_t plan_peak(const struct plan *p, uint32_t memory);

// "RUN "fc1" step 0 on pe0", for messages.
const char *plan_event_text(struct arena *a, const struct plan *p, const struct event *e);

#endif
