// SPDX-License-Identifier: Apache-2.0
// A training step in less memory: what the forward half made and the backward half reads is made
// again where it is needed, by copies of the nodes that made it, instead of being kept.
//
//   forward    x -> [conv1] -> a -> [relu1] -> b -> [conv2] -> c ..      b is kept
//   backward          b -> [conv2] -> c' -> [gradient of relu2] ..      c isn't
//
// A copy reads kept values and other copies; each value is made again once at most, before the
// first node that reads it. The arithmetic is the same, so are all bits.
#ifndef NNGEN_PASS_RECOMPUTE_H
#define NNGEN_PASS_RECOMPUTE_H

#include "sw/plan/memory.h"

struct recompute {
  const struct graph *graph; // nodes in an order that they can run in
  const uint32_t *order;     // (n_nodes)
  uint32_t half;             // the place in it from which on nodes run backward
  const int64_t *bytes;      // (n_values)
  const bool *can;           // (n_values) what can be made again, and is read backward
};

// `bytes` must outlive it. Nodes that look at variables, count steps, average or have several
// outputs aren't run again.
struct recompute recompute_of(struct arena *a, const struct graph *g, const int64_t *bytes);

struct recomputed {
  struct graph *graph; // values and nodes of the given one keep their ids, copies are behind them
  uint32_t *order;     // (n_nodes)
  int64_t *bytes;      // (n_values)
};

// `again`: (n_values) those that are made again.
struct recomputed recompute(struct arena *a, const struct recompute *r, const bool *again);

struct recompute_choice {
  struct recomputed made;
  bool *again;       // (n_values of the given graph)
  struct plan *plan; // of `made`, in an arena
  int64_t macs;      // that are done again, or elements of what doesn't multiply
};

// The choice that does least again of those that were tried whose arena has at most `limit` bytes:
// values are taken that remove most bytes above the limit, over the steps of the plan, for what
// making them again costs; then those are kept again that needn't be. False if nothing fits; the
// choice is the smallest that was found. `keep`, `align` as memory_needs has them.
bool recompute_within(struct arena *a, const struct recompute *r, const bool *keep, int64_t align,
                      int64_t limit, struct recompute_choice *choice);

#endif
