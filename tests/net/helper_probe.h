// SPDX-License-Identifier: Apache-2.0
// One node of random shape in a verified graph, fired by the float executor, and the same node in
// double by formulas that share nothing with sw/exec (activations: those of helper_oracle.c).
// Inputs are odd multiples of 1/16 and kinks are multiples of 1/8: none lies within a small step.
#ifndef NNGEN_TESTS_HELPER_PROBE_H
#define NNGEN_TESTS_HELPER_PROBE_H

#include "sw/base/rng.h"
#include "sw/exec/real.h"

enum { PROBE_CASES = 32 }; // per kind

struct probe {
  struct arena arena;
  struct rng rng;
  uint32_t bits; // the case: its bits choose frames, transposes, axes, bias
  struct graph *g;
  uint32_t node;
  struct job job;
  const void *inputs[JOB_INPUTS]; // of the graph
  double *x[JOB_INPUTS], *y;      // (frames, elements) or (elements), as their arrays in the job
  float *dy;                      // like y, random in -2..2
  bool through;                   // requant is the function whose gradient is defined as its own
};

// Case `bits` of a kind, fired; a kind that can't be made is a failure. Free p->arena.
void probe_new(struct probe *p, enum op op, uint32_t bits);

// Its parts: a graph with the node alone, its constants, its inputs with their attributes; false if
// no way is known to make the kind.
void probe_begin(struct probe *p, enum op op, uint32_t bits);
void probe_constants(struct probe *p, enum op op);
bool probe_make(struct probe *p, enum op op);

// Elements of an array of the job, over all its frames.
int64_t probe_total(const struct probe *p, const struct array *x);

// y from x, in double; oracle_start must have been called.
void probe_evaluate(struct probe *p);

#endif
