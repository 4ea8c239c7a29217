// SPDX-License-Identifier: Apache-2.0
// Exact sums: over axes, over the inner dimension of two matrices, and over the frames of a step.
#include "sw/exec/golden_job.h"
#include "sw/graph/slice.h"

static bool summed(const struct node *n, int axis) {
  const struct attr *axes = node_attr(n, ATTR_axes);
  for (int64_t i = 0; axes && i < axes->count; i++)
    if (axes->ints[i] == axis) return true;
  return false;
}

// Index of the result that element `at` of the input belongs to.
static int64_t result_of(const struct golden_job *j, int64_t at) {
  int64_t index = 0, stride = 1;
  for (int d = j->in[0].rank - 1; d >= 0; d--) {
    int64_t k = at % j->in[0].shape[d];
    at /= j->in[0].shape[d];
    if (summed(j->node, d)) continue;
    index += k * stride;
    stride *= j->in[0].shape[d];
  }
  return index;
}

void golden_ref_reduce(const struct golden_job *j) {
  int64_t zero = type_zero(&node_in(j->graph, j->node, 0)->type, 0);
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  int64_t steps = j->out[0].per_frame ? j->frames : 1;
  for (int64_t f = 0; f < steps; f++)
    for (int64_t r = 0; r < j->out[0].elements; r++) {
      fix_wide acc = 0;
      for (int64_t b = frames ? 0 : f; b < (frames ? j->frames : f + 1); b++)
        for (int64_t i = 0; i < j->in[0].elements; i++)
          if (result_of(j, i) == r) acc += golden_frame(&j->in[0], b)[i] - zero;
      golden_frame(&j->out[0], f)[r] = golden_requant(j, &j->node->rq[0], acc, 0);
    }
}

static int64_t element(const struct golden_array *x, int64_t frame, bool transposed, int64_t row,
                       int64_t column) {
  return golden_frame(x, frame)[transposed ? column * x->shape[1] + row
                                           : row * x->shape[1] + column];
}

void golden_ref_matmul(const struct golden_job *j) {
  const struct golden_array *a = &j->in[0], *b = &j->in[1];
  bool ta = node_int(j->node, ATTR_transpose_a, 0) != 0;
  bool tb = node_int(j->node, ATTR_transpose_b, 0) != 0;
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  int64_t za = type_zero(&node_in(j->graph, j->node, 0)->type, 0);
  int64_t zb = type_zero(&node_in(j->graph, j->node, 1)->type, 0);
  int64_t inner = a->shape[!ta], columns = b->shape[!tb];
  int64_t steps = j->out[0].per_frame ? j->frames : 1;
  for (int64_t f = 0; f < steps; f++)
    for (int64_t r = 0; r < j->out[0].elements; r++) {
      fix_wide acc = 0;
      for (int64_t s = frames ? 0 : f; s < (frames ? j->frames : f + 1); s++)
        for (int64_t k = 0; k < inner; k++)
          acc += (fix_wide)(element(a, s, ta, r / columns, k) - za) *
                 (element(b, s, tb, k, r % columns) - zb);
      golden_frame(&j->out[0], f)[r] = golden_requant(j, &j->node->rq[0], acc, r % columns);
    }
}
