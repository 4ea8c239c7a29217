// SPDX-License-Identifier: Apache-2.0
// Sums, means and matrix products in floats, over the frames of a step too; sums run in index
// order, over frames in shards (job.h).
#include "sw/exec/job.h"

#include <math.h>
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

// How a matmul node reads its matrices: as stored or transposed, frame by frame or all at once.
struct matmul {
  bool ta, tb, frames;
  int64_t inner, columns;
};

static struct matmul matmul_of(const struct job *j) {
  struct matmul m = {.ta = node_int(j->node, ATTR_transpose_a, 0) != 0,
                     .tb = node_int(j->node, ATTR_transpose_b, 0) != 0,
                     .frames = node_int(j->node, ATTR_frames, 0) != 0};
  m.inner = j->in[0].shape[!m.ta];
  m.columns = j->in[1].shape[!m.tb];
  return m;
}

// Element r, summed over frames first..last.
static float chain(const struct job *j, const struct matmul *m, int64_t first, int64_t last,
                   int64_t r) {
  const struct array *a = &j->in[0], *b = &j->in[1];
  float acc = 0;
  for (int64_t s = first; s < last; s++)
    for (int64_t k = 0; k < m->inner; k++)
      acc = fmaf(real_frame(a, s)[job_element(a, m->ta, r / m->columns, k)],
                 real_frame(b, s)[job_element(b, m->tb, k, r % m->columns)], acc);
  return acc;
}

void real_matmul(const struct job *j) {
  struct matmul m = matmul_of(j);
  for (int64_t f = 0; f < job_frames(j, &j->out[0]); f++)
    for (int64_t r = 0; r < j->out[0].elements; r++) {
      float total = 0;
      if (!m.frames) total = chain(j, &m, f, f + 1, r);
      for (int s = 0; m.frames && s < SHARDS; s++) {
        float shard = chain(j, &m, job_shard(j->frames, s), job_shard(j->frames, s + 1), r);
        total = s ? total + shard : shard;
      }
      real_frame(&j->out[0], f)[r] = total;
    }
}

// Frame s of the inputs, with the gradient of the product it went into.
static void matmul_frame(const struct job *j, const struct matmul *m, const float *dy, int64_t s,
                         float *const dx[JOB_INPUTS]) {
  const struct array *a = &j->in[0], *b = &j->in[1];
  const float *as = real_frame(a, s), *bs = real_frame(b, s);
  float *da = real_like(a, dx[0], s), *db = real_like(b, dx[1], s);
  for (int64_t r = 0; r < j->out[0].elements; r++)
    for (int64_t k = 0; k < m->inner; k++) {
      int64_t l = job_element(a, m->ta, r / m->columns, k);
      int64_t c = job_element(b, m->tb, k, r % m->columns);
      if (da) da[l] = fmaf(dy[r], bs[c], da[l]);
      if (db) db[c] = fmaf(dy[r], as[l], db[c]);
    }
}

void real_matmul_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct matmul m = matmul_of(j);
  int64_t frames = m.frames ? j->frames : job_frames(j, &j->out[0]);
  for (int64_t s = 0; s < frames; s++)
    matmul_frame(j, &m, dy + (m.frames ? 0 : s * j->out[0].elements), s, dx);
}
