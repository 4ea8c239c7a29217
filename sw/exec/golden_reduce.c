// SPDX-License-Identifier: Apache-2.0
// Exact sums: over axes, and over the frames of a step.
#include "sw/exec/job.h"

void golden_reduce(const struct job *j) {
  const struct type *type = &node_in(j->graph, j->node, 0)->type;
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  int64_t steps = j->out[0].per_frame ? j->frames : 1;
  for (int64_t f = 0; f < steps; f++)
    for (int64_t r = 0; r < j->out[0].elements; r++) {
      fix_wide acc = 0;
      for (int64_t b = frames ? 0 : f; b < (frames ? j->frames : f + 1); b++)
        for (int64_t i = 0; i < j->in[0].elements; i++)
          if (job_result(j, i) == r) acc += type_integer(type, 0, golden_frame(&j->in[0], b)[i]);
      golden_frame(&j->out[0], f)[r] = golden_requant(j, &j->node->rq[0], acc, 0);
    }
}
