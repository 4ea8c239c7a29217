// SPDX-License-Identifier: Apache-2.0
// One firing of one node in the plain golden model; golden_<column>.c holds the kernels.
#ifndef NNGEN_EXEC_GOLDEN_JOB_H
#define NNGEN_EXEC_GOLDEN_JOB_H

#include "sw/graph/graph.h"

struct golden_array {
  int64_t *data; // (frames, elements) or (elements)
  int rank;
  int64_t shape[RANK_MAX];
  int64_t elements; // of one frame
  bool per_frame;
};

enum { JOB_INPUTS = 3, JOB_OUTPUTS = 2 };

struct golden_job {
  const struct graph *graph;
  const struct node *node;
  int64_t frames;
  struct golden_array in[JOB_INPUTS], out[JOB_OUTPUTS];
  const int64_t *channel; // sliced last output axis: its original index; NULL: all
  int64_t *held;          // assign: the variable's content
};

// Data of one frame; the same for every frame if the array has none.
static inline int64_t *golden_frame(const struct golden_array *x, int64_t frame) {
  return x->data + (x->per_frame ? frame * x->elements : 0);
}

void golden_ref_linear(const struct golden_job *j);
void golden_ref_shape(const struct golden_job *j);
void golden_ref_pointwise(const struct golden_job *j);
void golden_ref_classify(const struct golden_job *j);
void golden_ref_join(const struct golden_job *j);
void golden_ref_reduce(const struct golden_job *j);
void golden_ref_matmul(const struct golden_job *j);
void golden_ref_assign(const struct golden_job *j);

// y = requantisation of acc for output channel c (local index of the last axis).
int64_t golden_requant(const struct golden_job *j, const struct requant *rq, fix_wide acc,
                       int64_t c);

#endif
