// SPDX-License-Identifier: Apache-2.0
// Squared distances of rows from the rows of the weights, each one chain of sums in double:
//
//   y[o] = sum_i (x[i] - w[o][i])^2    dx[i] = 2 sum_o dy[o] (x[i] - w[o][i])
//                                      dw[o][i] = 2 sum over rows of dy[o] (w[o][i] - x[i])
#include "sw/exec/job.h"
#include "sw/exec/odd.h"
#include "sw/graph/weights.h"

struct shape {
  int64_t rows, in, out; // rows of one frame
};

static struct shape shape_of(const struct job *j) {
  int64_t in = fan_in(j->in[1].rank, j->in[1].shape);
  return (struct shape){j->in[0].elements / in, in, j->in[1].shape[0]};
}

static double distance(const float *x, const float *w, int64_t in) {
  double sum = 0;
  for (int64_t i = 0; i < in; i++) {
    double d = (double)x[i] - (double)w[i];
    sum += d * d;
  }
  return sum;
}

void real_rbf(const struct job *j) {
  struct shape s = shape_of(j);
  int64_t begin, end;
  job_share(j, job_frames(j, &j->out[0]) * s.rows, &begin, &end);
  for (int64_t r = begin; r < end; r++) {
    const float *x = real_frame(&j->in[0], r / s.rows) + r % s.rows * s.in;
    const float *w = real_frame(&j->in[1], r / s.rows);
    float *y = real_frame(&j->out[0], r / s.rows) + r % s.rows * s.out;
    for (int64_t o = 0; o < s.out; o++) {
      double d = distance(x, w + o * s.in, s.in);
      y[o] = j->node->odd ? round_odd(d) : (float)d;
    }
  }
}

// ---- gradients, of the rows of frame f

static void gradient_x(const struct job *j, const struct shape *s, const float *dy, int64_t f,
                       float *dx) {
  const float *w = real_frame(&j->in[1], f);
  for (int64_t r = 0; r < s->rows; r++) {
    const float *x = real_frame(&j->in[0], f) + r * s->in;
    for (int64_t i = 0; i < s->in; i++) {
      double sum = 0;
      for (int64_t o = 0; o < s->out; o++)
        sum += (double)dy[r * s->out + o] * ((double)x[i] - (double)w[o * s->in + i]);
      dx[r * s->in + i] += (float)(2 * sum);
    }
  }
}

// Adds to the sums, (OUT, IN).
static void sum_w(const struct job *j, const struct shape *s, const float *dy, int64_t f,
                  double *sum) {
  const float *w = real_frame(&j->in[1], f);
  for (int64_t r = 0; r < s->rows; r++) {
    const float *x = real_frame(&j->in[0], f) + r * s->in;
    for (int64_t o = 0; o < s->out; o++)
      for (int64_t i = 0; i < s->in; i++)
        sum[o * s->in + i] +=
            (double)dy[r * s->out + o] * ((double)w[o * s->in + i] - (double)x[i]);
  }
}

static void gradient_w(const struct job *j, const struct shape *s, const float *dy, float *dw) {
  struct arena a = {0};
  int64_t frames = job_frames(j, &j->out[0]), each = j->in[1].per_frame ? 1 : frames;
  for (int64_t first = 0; first < frames; first += each) {
    double *sum = ARENA_NEW(&a, double, s->out * s->in);
    float *to = real_like(&j->in[1], dw, first);
    for (int64_t f = first; f < first + each; f++) sum_w(j, s, dy + f * s->rows * s->out, f, sum);
    for (int64_t i = 0; i < s->out * s->in; i++) to[i] += (float)(2 * sum[i]);
  }
  arena_free(&a);
}

void real_rbf_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct shape s = shape_of(j);
  int64_t frames = job_frames(j, &j->out[0]);
  for (int64_t f = 0; dx[0] && f < frames; f++)
    gradient_x(j, &s, dy + f * s.rows * s.out, f, real_like(&j->in[0], dx[0], f));
  if (dx[1]) gradient_w(j, &s, dy, dx[1]);
}
