// SPDX-License-Identifier: Apache-2.0
// Sums and means in floats, over the frames of a step too; sums run in index order, over frames in
// shards (job.h).
#include "sw/exec/job.h"

#include <string.h>

// The sums over frames first..last, into y.
static void sum_frames(const struct job *j, int64_t first, int64_t last, float *y) {
  memset(y, 0, (size_t)j->out[0].elements * sizeof *y);
  for (int64_t f = first; f < last; f++)
    for (int64_t i = 0; i < j->in[0].elements; i++)
      y[job_result(j, i)] += real_frame(&j->in[0], f)[i];
}

static void sum_shards(const struct job *j, int64_t frames) {
  struct arena a = {0};
  float *y = j->out[0].data, *shard = ARENA_NEW(&a, float, j->out[0].elements);
  sum_frames(j, 0, job_shard(frames, 1), y);
  for (int s = 1; s < SHARDS; s++) {
    sum_frames(j, job_shard(frames, s), job_shard(frames, s + 1), shard);
    for (int64_t i = 0; i < j->out[0].elements; i++) y[i] += shard[i];
  }
  arena_free(&a);
}

// How many terms a sum has.
static float terms(const struct job *j) {
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  return (float)(j->in[0].elements / j->out[0].elements * (frames ? j->frames : 1));
}

void real_reduce(const struct job *j) {
  if (j->share) return;
  float *y = j->out[0].data;
  if (node_int(j->node, ATTR_frames, 0))
    sum_shards(j, job_frames(j, &j->in[0]));
  else
    for (int64_t f = 0; f < job_frames(j, &j->in[0]); f++)
      sum_frames(j, f, f + 1, real_frame(&j->out[0], f));
  int64_t count = j->node->op == OP_mean ? job_frames(j, &j->out[0]) * j->out[0].elements : 0;
  for (int64_t i = 0; i < count; i++) y[i] /= terms(j);
}

void real_reduce_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  float count = j->node->op == OP_mean ? terms(j) : 1;
  for (int64_t f = 0; dx[0] && f < job_frames(j, &j->in[0]); f++)
    for (int64_t i = 0; i < j->in[0].elements; i++)
      real_like(&j->in[0], dx[0], f)[i] +=
          dy[(frames ? 0 : f) * j->out[0].elements + job_result(j, i)] / count;
}
