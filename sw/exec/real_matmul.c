// SPDX-License-Identifier: Apache-2.0
// Matrix products in floats, over the frames of a step too: sums run in index order, over frames in
// shards (job.h).
#include "sw/exec/job.h"

#include <math.h>

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
  if (j->share) return;
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
