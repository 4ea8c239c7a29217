// SPDX-License-Identifier: Apache-2.0
// The gradient of concat, which itself only moves its inputs.
#include "sw/exec/job.h"

void real_concat_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  const struct value *y = node_out(j->graph, j->node, 0);
  int axis = concat_axis(j->graph, j->node);
  int64_t inner = shape_elements(y->rank - axis - 1, y->shape + axis + 1);
  int64_t rows = shape_elements(axis, y->shape), outer = (y->per_frame ? j->frames : 1) * rows;
  int64_t whole = y->shape[axis] * inner;
  for (uint32_t k = 0; k < j->node->n_in; k++) {
    int64_t part = node_in(j->graph, j->node, k)->shape[axis] * inner;
    for (int64_t o = 0; dx[k] && o < outer; o++) {
      const float *from = dy + o * whole;
      float *to = dx[k] + job_part_row(j, k, rows, o) * part;
      for (int64_t i = 0; i < part; i++) to[i] += from[i];
    }
    dy += part;
  }
}
