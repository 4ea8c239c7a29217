// SPDX-License-Identifier: Apache-2.0
// Floats in other places; the gradient of an element goes to where it comes from.
#include "sw/exec/reorder.h"

#include <string.h>

void real_reorder(const struct job *j) {
  struct arena a = {0};
  struct reorder r;
  int64_t begin, end;
  const float constant = (float)node_real(j->node, ATTR_value, 0);
  if (!reorder_of(&a, j, &r)) return;
  job_share(j, job_frames(j, &j->out[0]), &begin, &end);
  for (int64_t f = begin; f < end; f++)
    reorder_frame(&r, sizeof(float), real_frame(&j->in[0], f), &constant,
                  real_frame(&j->out[0], f));
  arena_free(&a);
}

void real_reorder_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct arena a = {0};
  struct reorder r;
  int64_t begin, end;
  if (!dx[0] || !reorder_of(&a, j, &r)) return;
  job_share(j, job_frames(j, &j->in[0]), &begin, &end);
  for (int64_t f = begin; f < end; f++) {
    float *to = real_like(&j->in[0], dx[0], f);
    const float *from = dy + f * j->out[0].elements;
    if (j->fresh) memset(to, 0, (size_t)j->in[0].elements * sizeof *to);
    for (int64_t i = 0; i < j->out[0].elements; i++) {
      int64_t at = reorder_at(&r, i);
      if (at != NONE) to[at] += from[i];
    }
  }
  arena_free(&a);
}
