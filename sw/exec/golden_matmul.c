// SPDX-License-Identifier: Apache-2.0
// Exact matrix products: sums over the inner dimension, and over the frames of a step.
#include "sw/exec/job.h"

void golden_matmul(const struct job *j) {
  const struct array *a = &j->in[0], *b = &j->in[1];
  bool ta = node_int(j->node, ATTR_transpose_a, 0) != 0;
  bool tb = node_int(j->node, ATTR_transpose_b, 0) != 0;
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  const struct type *a_type = &node_in(j->graph, j->node, 0)->type;
  const struct type *b_type = &node_in(j->graph, j->node, 1)->type;
  int64_t inner = a->shape[!ta], columns = b->shape[!tb];
  int64_t steps = j->out[0].per_frame ? j->frames : 1;
  for (int64_t f = 0; f < steps; f++)
    for (int64_t r = 0; r < j->out[0].elements; r++) {
      fix_wide acc = 0;
      for (int64_t s = frames ? 0 : f; s < (frames ? j->frames : f + 1); s++)
        for (int64_t k = 0; k < inner; k++)
          acc += (fix_wide)type_integer(a_type, 0,
                                        golden_frame(a, s)[job_element(a, ta, r / columns, k)]) *
                 type_integer(b_type, 0, golden_frame(b, s)[job_element(b, tb, k, r % columns)]);
      golden_frame(&j->out[0], f)[r] = golden_requant(j, &j->node->rq[0], acc, r % columns);
    }
}
