// SPDX-License-Identifier: Apache-2.0
// Rows are padded with zeros to whole lanes; the sum itself is the kernel's, in its defined order.
// The gradients are two more products of the same kernel, of transposed matrices:
//
//   y (ROWS, OUT) = x (ROWS, IN) w (OUT, IN)^T + b      dx = dy w      dw = dy^T x      db = 1^T dy
//
// where the rows of weights without frames are those of every frame.
#include "sw/exec/job.h"
#include "sw/exec/kernels.h"

#include <string.h>

static int64_t whole_lanes(int64_t in) {
  return (in + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

static float *padded(struct arena *a, const float *x, int64_t rows, int64_t in) {
  int64_t wide = whole_lanes(in);
  float *p = ARENA_NEW(a, float, rows *wide);
  for (int64_t r = 0; r < rows; r++) memcpy(p + r * wide, x + r * in, (size_t)in * sizeof *x);
  return p;
}

// x (rows, in) transposed: (in, rows padded to whole lanes)
static float *transposed(struct arena *a, const float *x, int64_t rows, int64_t in) {
  int64_t wide = whole_lanes(rows);
  float *p = ARENA_NEW(a, float, in *wide);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t k = 0; k < in; k++) p[k * wide + r] = x[r * in + k];
  return p;
}

static void one_frame(struct arena *a, const struct job *j, int64_t f, int64_t rows) {
  int64_t out = j->in[1].shape[0], in = j->in[1].shape[1];
  const float *x = padded(a, real_frame(&j->in[0], f), rows, in);
  const float *w = padded(a, real_frame(&j->in[1], f), out, in);
  const float *b = j->in[2].data ? real_frame(&j->in[2], f) : ARENA_NEW(a, float, out);
  kernels_best()->linear_real(rows, whole_lanes(in), out, x, w, b, real_frame(&j->out[0], f));
}

// Weights and bias without frames: all frames are rows of one product.
static bool constant(const struct job *j) {
  return !j->in[1].per_frame && !(j->in[2].data && j->in[2].per_frame);
}

void real_linear(const struct job *j) {
  struct arena a = {0};
  int64_t rows = j->in[0].elements / j->in[1].shape[1];
  if (constant(j)) {
    one_frame(&a, j, 0, rows * job_frames(j, &j->in[0]));
  } else {
    for (int64_t f = 0; f < j->frames; f++) {
      one_frame(&a, j, f, rows);
      arena_free(&a);
    }
  }
  arena_free(&a);
}

// to (rows, out) += x (rows, in) w (out, in)^T; x and w are padded.
static void add_product(struct arena *a, int64_t rows, int64_t in, int64_t out, const float *x,
                        const float *w, float *to) {
  float *y = ARENA_NEW(a, float, rows *out);
  const float *no_bias = ARENA_NEW(a, float, out);
  kernels_best()->linear_real(rows, whole_lanes(in), out, x, w, no_bias, y);
  for (int64_t i = 0; i < rows * out; i++) to[i] += y[i];
}

static void gradient_frame(struct arena *a, const struct job *j, const float *dy,
                           float *const dx[JOB_INPUTS], int64_t f, int64_t rows) {
  int64_t out = j->in[1].shape[0], in = j->in[1].shape[1];
  const float *x = real_frame(&j->in[0], f), *w = real_frame(&j->in[1], f);
  float *to_x = real_like(&j->in[0], dx[0], f), *to_w = real_like(&j->in[1], dx[1], f);
  float *to_b = real_like(&j->in[2], dx[2], f);
  if (to_x)
    add_product(a, rows, out, in, padded(a, dy, rows, out), transposed(a, w, out, in), to_x);
  if (to_w)
    add_product(a, out, rows, in, transposed(a, dy, rows, out), transposed(a, x, rows, in), to_w);
  for (int64_t i = 0; to_b && i < rows * out; i++) to_b[i % out] += dy[i];
}

void real_linear_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct arena a = {0};
  int64_t rows = j->in[0].elements / j->in[1].shape[1];
  if (constant(j)) {
    gradient_frame(&a, j, dy, dx, 0, rows * job_frames(j, &j->in[0]));
  } else {
    for (int64_t f = 0; f < j->frames; f++) {
      gradient_frame(&a, j, dy + f * j->out[0].elements, dx, f, rows);
      arena_free(&a);
    }
  }
  arena_free(&a);
}
