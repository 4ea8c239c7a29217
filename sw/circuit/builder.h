// SPDX-License-Identifier: Apache-2.0
// A circuit while it is made. needed.c finds what it is made of, build.c walks over the graph,
// edges.c puts cells where an edge goes through them, parts.c finds what is linked, queues.c the
// depths.
#ifndef NNGEN_CIRCUIT_BUILDER_H
#define NNGEN_CIRCUIT_BUILDER_H

#include "sw/base/text.h"
#include "sw/circuit/facts.h"

// Where a reader of a value gets it.
struct edge {
  struct stream *stream;
  int combinational; // cells in a row whose ready passes through
  // A pool gives the beats of a row of windows, so many, and none while rows come in that end no
  // window: what takes several cycles for a beat would run out of them. 0: beats come evenly.
  int64_t burst;
};

struct readers {
  uint32_t count, taken; // those that there are, and that have their edge
  struct edge *edges;    // (count); NULL: the value isn't in the circuit
};

// A cell whose second input is linked once all layers are there: what it remembers.
struct loop {
  uint32_t cell, value;
};

struct builder {
  struct arena *arena;
  const struct graph *graph;
  const struct folding *folding;
  struct circuit *circuit;
  uint32_t cell_room, stream_room;
  bool *needed;            // (n_nodes)
  int32_t *lines;          // (n_nodes) circuit_lines
  struct readers *readers; // (n_values)
  struct loop *loops;      // (loop_room)
  uint32_t n_loops, loop_room;
  struct edge last; // behind the layer that was added last
  struct text problems;
};

// The values at top's outputs, the nodes that they are made of, and the readers of each value.
void needed_find(struct builder *b);

// Whether a node of the circuit has a part in what leaves it, and isn't kept inside a line buffer.
bool needed_built(const struct builder *b, uint32_t node);

// The inputs of a node that its layer gets as streams, from the first on: all but weights.
uint32_t needed_streams(const struct node *n);

// A stream of `value`, of frames of `elements` in `groups`; lanes beyond a packed frame are left
// away.
struct stream *edge_stream(struct builder *b, uint32_t value, int64_t elements, int64_t groups,
                           int64_t lanes, const char *signal);

// Adds a copy of a cell whose streams are known, and tells them.
struct cell *edge_cell(struct builder *b, const struct cell *like);

// One that an edge goes through, to a stream of as many lanes or others.
struct cell *edge_through(struct builder *b, struct edge *e, enum cell_kind kind, const char *name,
                          int64_t lanes, struct timing timing);

// A cell that cuts the ready path in front of one that passes ready on, if one stands there.
void edge_cut_ready(struct builder *b, struct edge *e, const char *where, enum timing_kind next);

// A linear layer takes a beat with its last step. A resize or a pool that gathers one from several
// keeps it until then, and would only begin the next: a register takes it over, or a queue where
// beats come in bursts.
void edge_hold_beat(struct builder *b, struct edge *e, const struct cell *layer);

// To other lanes, and to groups that begin with a beat. `name`: of the layer's input, "l3" or
// "l3_1".
void edge_resize(struct builder *b, struct edge *e, int index, const char *name, int64_t lanes);
void edge_group(struct builder *b, struct edge *e, int index, const char *name, int64_t groups);

// The taps of each pixel that a layer computes: one at a time, columns, or all.
void edge_window(struct builder *b, struct edge *e, int index, const char *name,
                 const struct circuit_window *w);

// Casts an edge to the type of a node's output.
bool edge_cast(struct builder *b, struct edge *e, int index, const char *name, const struct node *n,
               const struct requant *rq, struct err *why);

// A tensor as a stream of frames as `shape` has them, over which it is spread.
struct edge edge_constant(struct builder *b, uint32_t value, const struct value *shape, int index,
                          const char *name, int64_t lanes);

// A value as it was `delay` frames ago, `initial` in the first ones; edge_close_loop tells where
// it comes from.
struct edge edge_state(struct builder *b, const struct use *u, int index, uint32_t side,
                       int64_t lanes);
void edge_close_loop(struct builder *b, struct loop loop, struct edge e);

// Places for beats, whose number queues_size finds. Its ready is a register's.
void edge_queue(struct builder *b, struct edge *e, int index, const char *name);

// The same for beats that come in bursts.
void edge_even(struct builder *b, struct edge *e, int index, const char *name);

enum { READERS_MOST = 64 };

// Hands a value to its readers; false if they are too many.
bool edge_hand_out(struct builder *b, uint32_t value, struct edge e);

// Of each layer, how far it runs ahead; false if an output of the circuit would.
bool ahead_find(struct builder *b, struct err *e);

// The part of each cell.
void parts_find(struct circuit *p);

// Depths of all queues: the least with which the slowest cell sets the pace.
void queues_size(struct arena *a, struct circuit *p);

#endif
