// SPDX-License-Identifier: Apache-2.0
// What the parts of the search for an order share: order.c counts bytes, order_search.c searches.
#ifndef NNGEN_PLAN_ORDER_PARTS_H
#define NNGEN_PLAN_ORDER_PARTS_H

#include "sw/plan/order.h"

// Arrays bear the number of the value that they begin with.
struct order_node {
  uint32_t n_reads, *reads; // (n_reads) arrays, each once
  uint32_t n_over, n_free,
      *over;             // (n_over) arrays over which it may lie: the first n_free without scratch
  int64_t adds, scratch; // bytes
};

struct order_net {
  struct arena *arena;
  const struct graph *graph;
  const struct memory_needs *needs;
  int64_t align;
  uint32_t *given;   // (n_nodes) graph_order's
  uint32_t *array;   // (n_values)
  uint32_t *readers; // (n_values) nodes that read an array
  bool *forever;     // (n_values) an array lives to the end
  int64_t *bytes;    // (n_values)
  int64_t start;     // bytes of graph inputs
  struct order_node *nodes;
};

struct order_state {
  uint32_t *left;     // (n_values) readers of an array that are to come
  int64_t live, peak; // bytes behind the last step, at most so far
};

struct order_net order_net_new(struct arena *a, const struct graph *g,
                               const struct memory_needs *needs);
void order_begin(const struct order_net *n, struct order_state *s);

// Runs a node; bytes that live while it does. Undoing gives its readers back alone.
int64_t order_step(const struct order_net *n, struct order_state *s, uint32_t node);
void order_undo(const struct order_net *n, struct order_state *s, uint32_t node);

// The peak of an order of all nodes.
int64_t order_of(const struct order_net *n, struct order_state *s, const uint32_t *order);

#endif
