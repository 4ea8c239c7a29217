// SPDX-License-Identifier: Apache-2.0
// In which order the nodes of a graph run so that least lives at once. A node through which
// everything passes has its place in every order; what is between two such is ordered alone:
//
//   n0 -+- n1 - n2 -+- n5        n0 and n5 are where they are; of {n1 n2 n3 n4} each set that is
//       +- n3 - n4 -+            closed downwards is looked at once
#ifndef NNGEN_PLAN_ORDER_H
#define NNGEN_PLAN_ORDER_H

#include "sw/plan/memory.h"

// Nodes between two of one place whose orders are all considered; of more, some are.
enum { ORDER_EXACT_MAX = 20 };

struct order_result {
  uint32_t *order; // (n_nodes)
  int64_t peak;    // bytes that live at once
  bool exact;      // no order has less
  uint32_t widest; // nodes between two of one place, at most
};

// Not more than in graph_order's. `exact_max`: ORDER_EXACT_MAX, or less.
struct order_result order_best(struct arena *a, const struct graph *g,
                               const struct memory_needs *needs, uint32_t exact_max);

// Bytes that live at most in an order, with what lies over its inputs.
int64_t order_peak(const struct graph *g, const struct memory_needs *needs, const uint32_t *order);

// Whether output 0 of a node may lie over its input k if nobody reads that afterwards; a reshape's
// always does.
bool order_may_over(const struct graph *g, const struct memory_needs *needs, const struct node *n,
                    uint32_t k);

#endif
