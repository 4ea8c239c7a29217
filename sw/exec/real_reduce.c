// SPDX-License-Identifier: Apache-2.0
// Sums and matrix products in floats, over the frames of a step too; sums run in index order.
#include "sw/exec/job.h"

#include <math.h>
#include <string.h>

void real_reduce(const struct job *j) {
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  float *y = j->out[0].data;
  memset(y, 0, (size_t)(job_frames(j, &j->out[0]) * j->out[0].elements) * sizeof *y);
  for (int64_t f = 0; f < job_frames(j, &j->in[0]); f++)
    for (int64_t i = 0; i < j->in[0].elements; i++)
      real_frame(&j->out[0], frames ? 0 : f)[job_result(j, i)] += real_frame(&j->in[0], f)[i];
}

void real_reduce_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  for (int64_t f = 0; dx[0] && f < job_frames(j, &j->in[0]); f++)
    for (int64_t i = 0; i < j->in[0].elements; i++)
      real_like(&j->in[0], dx[0], f)[i] +=
          dy[(frames ? 0 : f) * j->out[0].elements + job_result(j, i)];
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

void real_matmul(const struct job *j) {
  const struct array *a = &j->in[0], *b = &j->in[1];
  struct matmul m = matmul_of(j);
  for (int64_t f = 0; f < job_frames(j, &j->out[0]); f++)
    for (int64_t r = 0; r < j->out[0].elements; r++) {
      float acc = 0;
      for (int64_t s = m.frames ? 0 : f; s < (m.frames ? j->frames : f + 1); s++)
        for (int64_t k = 0; k < m.inner; k++)
          acc = fmaf(real_frame(a, s)[job_element(a, m.ta, r / m.columns, k)],
                     real_frame(b, s)[job_element(b, m.tb, k, r % m.columns)], acc);
      real_frame(&j->out[0], f)[r] = acc;
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
