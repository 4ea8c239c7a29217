// SPDX-License-Identifier: Apache-2.0
// add, sub and mul in floats; shapes broadcast as NumPy's.
#include "sw/exec/job.h"

void real_join(const struct job *j) {
  if (j->share) return;
  for (int64_t f = 0, frames = job_frames(j, &j->out[0]); f < frames; f++) {
    const float *a = real_frame(&j->in[0], f), *b = real_frame(&j->in[1], f);
    float *y = real_frame(&j->out[0], f);
    for (int64_t i = 0; i < j->out[0].elements; i++) {
      float l = a[job_broadcast(&j->in[0], &j->out[0], i)];
      float r = b[job_broadcast(&j->in[1], &j->out[0], i)];
      y[i] = j->node->op == OP_mul ? l * r : j->node->op == OP_sub ? l - r : l + r;
    }
  }
}

// An element that went into several results, of one frame or of all, takes the sum of their
// gradients.
void real_join_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  bool product = j->node->op == OP_mul;
  float sign = j->node->op == OP_sub ? -1 : 1;
  for (int64_t f = 0, frames = job_frames(j, &j->out[0]); f < frames; f++) {
    const float *a = real_frame(&j->in[0], f), *b = real_frame(&j->in[1], f);
    float *da = real_like(&j->in[0], dx[0], f), *db = real_like(&j->in[1], dx[1], f);
    const float *d = dy + f * j->out[0].elements;
    for (int64_t i = 0; i < j->out[0].elements; i++) {
      int64_t l = job_broadcast(&j->in[0], &j->out[0], i);
      int64_t r = job_broadcast(&j->in[1], &j->out[0], i);
      if (da) da[l] += product ? d[i] * b[r] : d[i];
      if (db) db[r] += product ? d[i] * a[l] : sign * d[i];
    }
  }
}
