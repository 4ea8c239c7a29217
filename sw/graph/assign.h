// SPDX-License-Identifier: Apache-2.0
// The functions of assign: x = F(x, t), in place, by the one node that owns the variables.
//
//   write  t         scale  x t (one t)         axpy  x + a t
//   add    x + t     min    min(x, t)           sgd, momentum, nesterov, adam, adamw: an
//   optimiser's sub    x - t     max    max(x, t)           step (docs/training.md gives the
//   formulas)
#ifndef NNGEN_GRAPH_ASSIGN_H
#define NNGEN_GRAPH_ASSIGN_H

#include "sw/graph/slice.h"

enum assign {
#define ASSIGN(name, ...) ASSIGN_##name,
#include "sw/graph/assign.def"
#undef ASSIGN
  ASSIGN_COUNT
};

enum { ASSIGN_REFS_MAX = 3 };

struct assign_info {
  const char *name;
  uint32_t refs, inputs;
  attr_set required; // attributes, a bit per attr_name
  int group;         // functions of one group commute; 0: with none
  unsigned executors;
};

const struct assign_info *assign_info(enum assign f);
int assign_find(const char *name); // NONE if unknown

// Of a verified assign node.
enum assign assign_of(const struct node *n);

// The initial content of reference i of a read or assign node: its type and shape.
const struct value *assign_held(const struct graph *g, const struct node *n, uint32_t i);

// References, inputs, attributes, shapes and types of an assign node.
bool assign_verify(const struct graph *g, const struct node *n, struct err *e);

// The part of the variable that an assign updates, runs of `length` elements that are `stride`
// apart; without a slice one run of everything.
struct assign_runs {
  struct slice slice;
  int64_t outer, inner, size; // around the sliced dimension, and its size
};
struct assign_runs assign_runs(const struct graph *g, const struct node *n);

// Run r: elements from..from + length of the variable. False behind the last.
bool assign_run(const struct assign_runs *runs, int64_t r, int64_t *from, int64_t *length);

#endif
