// SPDX-License-Identifier: Apache-2.0
// What the token executor is made of: tokens, edges, and the list of actors that are ready.
#ifndef NNGEN_EXEC_DATAFLOW_PARTS_H
#define NNGEN_EXEC_DATAFLOW_PARTS_H

#include "sw/exec/dataflow.h"

#include <stdlib.h>

// An array and how many edges hold it.
struct token {
  int64_t holders;
  uint32_t home;      // the value whose free list it belongs to
  struct token *next; // of the free ones
  void *data;
};

// A ring of tokens.
struct edge {
  uint32_t actor; // that it leads to
  uint32_t size, head, count;
  struct token **ring;
};

struct control {
  uint32_t actor;
  int64_t count;
};

// A node, or a graph input: those come behind the nodes.
struct actor {
  uint32_t first_edge, n_edges, first_control, n_controls; // what it waits for
  uint32_t missing;                                        // edges and controls without a token
  int32_t at;                                              // in the list of ready ones; NONE
  int64_t fired;
  bool hands_on; // the token of its input is its output's
};

// Lists of the edges behind each value, of the controls behind each node.
struct lists {
  uint32_t *first, *to;
};

struct dataflow {
  struct arena *arena;
  const struct graph *g;
  const struct element_kind *kind;
  int64_t frames, steps, firings;
  uint32_t n_actors, n_edges, n_controls, n_ready;
  struct actor *actors;     // (n_nodes + n_inputs)
  struct edge *edges;       // (uses)
  struct control *controls; // (after edges)
  struct lists readers, waiters;
  uint32_t *ready;      // (n_actors)
  struct token **free;  // (n_values) of each value's size
  struct token **fixed; // (n_values) of tensors: never freed
  void **held;          // (n_values) contents, by reference
  void **in;            // a firing's inputs
  struct token **taken, **out;
  const struct dataflow_caller *caller;
  uint32_t *place; // (n_nodes) devices, or NULL
  struct dataflow_traffic traffic;
};

static inline size_t bytes_of(const struct dataflow *d, uint32_t value) {
  const struct value *v = &d->g->values[value];
  return (size_t)(value_elements(v) * (v->per_frame ? d->frames : 1)) * d->kind->size;
}

// ---- tokens

static inline void *checked(void *p) {
  if (!p) arena_out_of_memory();
  return p;
}

static inline struct token *token_new(struct dataflow *d, uint32_t value) {
  struct token *t = d->free[value];
  if (t) {
    d->free[value] = t->next;
  } else {
    t = checked(malloc(sizeof *t));
    t->data = checked(calloc(1, bytes_of(d, value) + 1));
    t->home = value;
  }
  t->holders = 0;
  return t;
}

static inline void token_drop(struct dataflow *d, struct token *t) {
  if (--t->holders > 0) return;
  t->next = d->free[t->home];
  d->free[t->home] = t;
}

// ---- ready actors

static inline void make_ready(struct dataflow *d, uint32_t actor) {
  struct actor *x = &d->actors[actor];
  if (x->missing || x->at != NONE || x->fired >= d->steps) return;
  x->at = (int32_t)d->n_ready;
  d->ready[d->n_ready++] = actor;
}

static inline void take_ready(struct dataflow *d, uint32_t at) {
  uint32_t last = d->ready[--d->n_ready];
  d->actors[d->ready[at]].at = NONE;
  if (at == d->n_ready) return;
  d->ready[at] = last;
  d->actors[last].at = (int32_t)at;
}

// A variable doesn't fire: it is there.
static inline bool is_variable(const struct dataflow *d, uint32_t actor) {
  return actor < d->g->n_nodes && op_is(d->g->nodes[actor].op, TRAIT_HOLDS);
}

static inline void arrived(struct dataflow *d, uint32_t actor, bool was_empty) {
  if (!was_empty) return;
  if (--d->actors[actor].missing == 0) make_ready(d, actor);
}

static inline void push(struct dataflow *d, struct edge *e, struct token *t) {
  if (e->count == e->size) {
    uint32_t size = e->size ? e->size * 2 : 2;
    struct token **ring = checked(malloc(size * sizeof *ring));
    for (uint32_t i = 0; i < e->count; i++) ring[i] = e->ring[(e->head + i) & (e->size - 1)];
    free(e->ring);
    e->ring = ring;
    e->size = size;
    e->head = 0;
  }
  e->ring[(e->head + e->count++) & (e->size - 1)] = t;
  t->holders++;
  arrived(d, e->actor, e->count == 1);
}

static inline struct token *pop(struct dataflow *d, struct edge *e) {
  struct token *t = e->ring[e->head];
  e->head = (e->head + 1) & (e->size - 1);
  if (--e->count == 0) d->actors[e->actor].missing++;
  return t;
}

#endif
