// SPDX-License-Identifier: Apache-2.0
// Random networks on random nodes.
#ifndef NNGEN_TESTS_HELPER_SCHEDULE_H
#define NNGEN_TESTS_HELPER_SCHEDULE_H

#include "sw/plan/schedule.h"

struct nodes_case {
  struct arena arena;
  struct graph *graph;
  const struct actors *actors;
  struct node_machine machine;
};

// False for a network that isn't scheduled: floats, state, or kinds without channels at a finer
// grain. The same seed makes the same. Free c->arena.
bool nodes_case_new(struct nodes_case *c, uint64_t seed);

// 784-128-10 at a grain.
void nodes_case_mlp(struct nodes_case *c, int64_t grain, enum topology_kind kind, uint32_t nodes);

// Whether a schedule can be carried out, cycle by cycle and frame by frame.
bool slow_check(const struct schedule *s);

#endif
