// SPDX-License-Identifier: Apache-2.0
// The pass that adds the gradients of a loss to a graph, by the chain rule, backwards:
//
//   x --> [fc] --> y --> [relu] --> z --> ... --> loss
//          w'|                                     |
//   [gradient of fc, 1] <-- y.grad <-- [gradient of relu] <-- z.grad ... <-- 1
//
// What nothing wanted needs is not built.
#ifndef NNGEN_TRAIN_AUTODIFF_H
#define NNGEN_TRAIN_AUTODIFF_H

#include "sw/graph/slice.h"

// A value whose gradient is wanted, or a slice of one of its dimensions.
struct wanted {
  uint32_t value;
  struct slice slice; // axis: a dimension of the value; ranges 0: everything
  int32_t gradient;   // out: the value that holds it; NONE if the loss doesn't depend on it
};

// Adds gradient nodes to g, whose nodes are in order. `loss` is one number per step. False if the
// loss depends on something wanted through a kind without a gradient, a delay, or a slice that a
// kind doesn't have; g is of no use then.
bool autodiff(struct graph *g, uint32_t loss, struct wanted *wanted, uint32_t count, struct err *e);

// A name that no value and no node of g has: `name`, or with a number behind it.
const char *autodiff_name(const struct graph *g, const char *name);

#endif
