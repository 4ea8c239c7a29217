// SPDX-License-Identifier: Apache-2.0
// Lanes for a pace: of each layer the cheapest with which a frame takes no more cycles.
//
// A layer with weights has a staircase of lanes, each step with fewer cycles and more multipliers
// than the one before:
//
//   cycles |_                       A pace takes from each the lowest step that is fast enough.
//          | |_                     Among lanes with as many multipliers the narrowest streams
//          |   |____                win, where what stands in front has other lanes with those of
//          |________|_____          the axis_resize between.
//              multipliers
//
// The others take the lanes of what they read, and more where these are too slow.
#ifndef NNGEN_CIRCUIT_PLANNER_H
#define NNGEN_CIRCUIT_PLANNER_H

#include "sw/circuit/circuit.h"
#include "sw/circuit/family.h"

// What a layer got.
struct choice {
  int64_t in, out;       // lanes; 0: it isn't a layer of the circuit
  int64_t cycles;        // of a frame
  int64_t multipliers;   // without those of casts in front
  int64_t weight_bits;   // of its memories
  int64_t fewer, slower; // the next step down: its multipliers and cycles; 0: there is none
};

struct lane_plan {
  struct folding folding;
  int64_t cycles;               // of the slowest layer
  int64_t multipliers;          // of all layers
  int64_t weight_bits;          // of all layers
  int64_t dsp, lut;             // that the weights' products take, LUTs: at least
  const struct choice *choices; // (n_nodes)
};

struct planner;

// What all plans of a planner have in common.
struct plan_for {
  enum ram_style ram_style; // of all weights
  bool pack;                // two products in a DSP block where it has room
  enum family family;       // whose DSP blocks
};

// NULL if the graph has a layer that no lanes make a circuit of.
struct planner *planner_new(struct arena *a, const struct graph *g, const struct plan_for *what,
                            struct err *e);

// The plan for at most `cycles` cycles. False if a layer can't be as fast, with its name, its best,
// and the nearest pace of all.
bool planner_pace(struct arena *a, const struct planner *p, int64_t cycles, struct lane_plan *out,
                  struct err *e);

// Cycles of the fastest plan, and of the slowest.
int64_t planner_fastest(const struct planner *p);
int64_t planner_slowest(const struct planner *p);

// The plans that none is both faster and cheaper than, from the slowest on.
struct lane_plan *planner_sweep(struct arena *a, const struct planner *p, uint32_t *count);

#endif
