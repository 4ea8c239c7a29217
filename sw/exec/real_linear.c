// SPDX-License-Identifier: Apache-2.0
// Rows are padded with zeros to whole lanes; the sum itself is the kernel's, in its defined order.
#include "sw/exec/job.h"
#include "sw/exec/kernels.h"

#include <string.h>

static float *padded(struct arena *a, const float *x, int64_t rows, int64_t in, int64_t wide) {
  float *p = ARENA_NEW(a, float, rows *wide);
  for (int64_t r = 0; r < rows; r++) memcpy(p + r * wide, x + r * in, (size_t)in * sizeof *x);
  return p;
}

static void one_frame(struct arena *a, const struct job *j, int64_t f, int64_t rows) {
  int64_t out = j->in[1].shape[0], in = j->in[1].shape[1];
  int64_t wide = (in + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
  const float *x = padded(a, real_frame(&j->in[0], f), rows, in, wide);
  const float *w = padded(a, real_frame(&j->in[1], f), out, in, wide);
  const float *b = j->in[2].data ? real_frame(&j->in[2], f) : ARENA_NEW(a, float, out);
  kernels_best()->linear_real(rows, wide, out, x, w, b, real_frame(&j->out[0], f));
}

void real_linear(const struct job *j) {
  struct arena a = {0};
  int64_t rows = j->in[0].elements / j->in[1].shape[1];
  bool constant = !j->in[1].per_frame && !(j->in[2].data && j->in[2].per_frame);
  if (constant) {
    one_frame(&a, j, 0, rows * job_frames(j, &j->in[0]));
  } else {
    for (int64_t f = 0; f < j->frames; f++) {
      one_frame(&a, j, f, rows);
      arena_free(&a);
    }
  }
  arena_free(&a);
}
