// SPDX-License-Identifier: Apache-2.0
// What the parts of the arena's executor share: arena_bytes.c holds the bytes and whose they are,
// arena_layer.c computes layers, arena_rows.c rows of them, arena_run.c plays the events.
#ifndef NNGEN_EXEC_ARENA_PARTS_H
#define NNGEN_EXEC_ARENA_PARTS_H

#include "sw/exec/arena_run.h"
#include "sw/exec/golden.h"
#include "sw/exec/steps.h"
#include "sw/plan/memory.h"

enum { NOBODY = 0 }; // owners are blocks of base values, from 1 on, and whoever works on a channel
#define SCRATCH UINT32_MAX

// A layer as a network of its own, for the fast kernels.
struct single {
  struct golden *golden;  // NULL: none of them does it
  int32_t *in, *out;      // (elements)
  uint32_t golden_y;      // its output there
  struct graph *channels; // one node after another per channel, behind the whole; NULL: not needed
};

struct row_layer;

struct arena_run {
  struct arena *arena;
  const struct plan *plan;
  const struct graph *graph;
  unsigned char *map, *bytes; // with its guards; of the arena
  size_t mapped;
  int64_t size;
  uint32_t *owner;             // (size)
  uint32_t *base;              // (n_values) the value that it is another name of
  int64_t *address;            // (n_values) NONE: it isn't there as a whole
  int64_t **row;               // (n_values) addresses of its rows; NULL: the plan doesn't cut it
  int64_t *rows_put;           // (n_values) so many of them in this frame
  int64_t *width;              // (n_values) bytes of an integer
  bool *delayed;               // (n_values) a later frame reads it
  uint32_t *names;             // (n_values) of a base: how many of its names are there
  int64_t **integers;          // (n_values) of tensors; of others room for a copy
  int64_t **held;              // (n_values) contents of variables, by the id of their reference
  uint32_t *first_use;         // (n_nodes) of a node, among all uses
  int64_t **past;              // (uses) rings: (delay, elements)
  struct single *single;       // (n_nodes)
  struct row_layer *row_layer; // (n_nodes) of those that run by rows
  int64_t frame;
  const int64_t *const *inputs;
  arena_look *look;
  void *context;
  struct err *err;
};

// Puts the words behind the event's; false.
bool arena_fault(struct arena_run *r, const struct event *e, const char *what);

// ---- bytes

// False if there is no memory for them.
bool arena_map(struct arena_run *r);

// Poisons those of `count` bytes from `from` on that belong to `owner`.
void arena_forget(struct arena_run *r, int64_t from, int64_t count, uint32_t owner);

const char *arena_owner(const struct arena_run *r, uint32_t owner);

// Every `step`-th integer of a value from `first` on, for an event; NULL: they aren't all there.
int64_t *arena_take_some(struct arena_run *r, const struct event *e, uint32_t v, int64_t first,
                         int64_t step);
static inline int64_t *arena_take(struct arena_run *r, const struct event *e, uint32_t v) {
  return arena_take_some(r, e, v, 0, 1);
}

// `width` bytes at an address, which are the owner's now.
void arena_store(struct arena_run *r, int64_t at, int64_t width, int64_t integer, uint32_t owner);

// The same for integers side by side.
void arena_store_all(struct arena_run *r, int64_t at, int64_t width, const int64_t *integers,
                     int64_t count, uint32_t owner);

// The integers of a value into its place; false: it has none.
bool arena_put(struct arena_run *r, const struct event *e, uint32_t v);

// ---- layers

// What fast kernels and channels need of each node.
void arena_prepare_layers(struct arena_run *r);

// By the fast kernels, r->single of the node having one.
void arena_fire_single(struct arena_run *r, const struct node *n, const struct single *s);

// Whether the output of a node shares bytes with its input k, which it reads until the end.
bool arena_lies_over(const struct arena_run *r, const struct node *n, uint32_t k);

// A node over its input, a channel at a time, through the scratch of its RUN.
bool arena_fire_channels(struct arena_run *r, const struct event *e);

// ---- rows

// The owner of a row of a value that is cut.
static inline uint32_t arena_row_owner(const struct arena_run *r, uint32_t v, int64_t row) {
  return (uint32_t)(1 + v + (uint64_t)row * r->graph->n_values);
}
static inline int64_t arena_row_bytes(const struct arena_run *r, uint32_t v) {
  const struct value *x = &r->graph->values[v];
  return value_elements(x) / x->shape[0] * r->width[v];
}

// Which values the plan cuts, into rows alone; false with the event that cuts otherwise.
bool arena_prepare_rows(struct arena_run *r, struct err *e);

// Rows of a value are there from now on, or no more.
bool arena_take_rows(struct arena_run *r, const struct event *e);
bool arena_give_rows(struct arena_run *r, const struct event *e);

// Their integers, in r->integers; NULL: they aren't all there.
int64_t *arena_read_rows(struct arena_run *r, const struct event *e, uint32_t v, int64_t first,
                         int64_t last);

// A node for the rows of its RUN's slice.
bool arena_fire_rows(struct arena_run *r, const struct event *e);
void arena_free_rows(struct arena_run *r);

#endif
