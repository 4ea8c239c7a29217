// SPDX-License-Identifier: Apache-2.0
// Three products in the kernels' defined orders, where the rows of weights without frames are those
// of every frame:
//
//   y (ROWS, OUT) = x (ROWS, IN) w (OUT, IN)^T + b      dx = dy w      dw = dy^T x      db = 1^T dy
//
// dx sums over the outputs in one chain; dw and db over the rows in shards of frames.
#include "sw/exec/job.h"
#include "sw/exec/whole.h"
#include "sw/graph/weights.h"

#include <string.h>

struct shape {
  int64_t rows, in, out; // rows of one frame
  int64_t frames;        // whose rows share one matrix of weights
};

static struct shape shape_of(const struct job *j) {
  const struct array *w = &j->in[1];
  bool constant = !w->per_frame && !(j->node->n_in > 2 && j->in[2].per_frame);
  int64_t in = fan_in(w->rank, w->shape);
  return (struct shape){.rows = j->in[0].elements / in,
                        .in = in,
                        .out = w->shape[0],
                        .frames = constant ? job_frames(j, &j->in[0]) : 1};
}

static void one_product(const struct job *j, const struct shape *s, int64_t f) {
  int64_t begin, end;
  job_share(j, s->rows * s->frames, &begin, &end);
  const float *x = real_frame(&j->in[0], f) + begin * s->in, *w = real_frame(&j->in[1], f);
  const float *b = j->in[2].data ? real_frame(&j->in[2], f) : NULL;
  whole_linear(j->node, (end - begin) * s->in, x, s->in, s->out, w,
               b)(end - begin, s->in, s->out, x, w, b, real_frame(&j->out[0], f) + begin * s->out);
}

void real_linear(const struct job *j) {
  struct shape s = shape_of(j);
  int64_t products = job_frames(j, &j->out[0]) / s.frames;
  for (int64_t f = 0; f < products; f++) one_product(j, &s, f);
}

// ---- gradients

static void gradient_x(const struct job *j, const struct shape *s, const float *dy, const float *w,
                       float *dx) {
  int64_t begin, end;
  job_share(j, s->rows * s->frames, &begin, &end);
  struct product p = {.rows = end - begin,
                      .columns = s->in,
                      .a_row = s->out,
                      .a_k = 1,
                      .b_k = s->in,
                      .c_row = s->in,
                      .shards = 1,
                      .cuts = {0, s->out},
                      .add = !j->fresh};
  kernels_best()->product_real(&p, dy + begin * s->out, w, dx + begin * s->in);
}

static struct product over_rows(const struct job *j, const struct shape *s, int64_t columns) {
  struct product p = {
      .columns = columns, .b_k = columns, .c_row = columns, .shards = SHARDS, .add = !j->fresh};
  for (int i = 0; i <= SHARDS; i++) p.cuts[i] = job_shard(s->frames, i) * s->rows;
  return p;
}

static void gradient_w(const struct job *j, const struct shape *s, const float *dy, const float *x,
                       float *dw) {
  int64_t begin, end;
  struct product p = over_rows(j, s, s->in);
  job_share(j, s->out, &begin, &end);
  p.rows = end - begin;
  p.a_row = 1;
  p.a_k = s->out;
  kernels_best()->product_real(&p, dy + begin, x, dw + begin * s->in);
}

// A row of ones times dy: fma(1, y, sum) is sum + y.
static void gradient_b(const struct job *j, const struct shape *s, const float *dy, float *db) {
  const float one = 1;
  struct product p = over_rows(j, s, s->out);
  p.rows = j->share == 0;
  kernels_best()->product_real(&p, &one, dy, db);
}

// Weights per frame: their gradients aren't summed, so that frame f starts anew only the first
// time that its array is written.
static void gradient_frame(const struct job *j, const struct shape *s, const float *dy, int64_t f,
                           float *const dx[JOB_INPUTS]) {
  float *to_x = real_like(&j->in[0], dx[0], f), *to_w = real_like(&j->in[1], dx[1], f);
  float *to_b = real_like(&j->in[2], dx[2], f);
  struct job at = *j;
  at.fresh = j->fresh && (f == 0 || j->in[0].per_frame);
  if (to_x) gradient_x(&at, s, dy, real_frame(&j->in[1], f), to_x);
  at.fresh = j->fresh && (f == 0 || j->in[1].per_frame);
  if (to_w) gradient_w(&at, s, dy, real_frame(&j->in[0], f), to_w);
  at.fresh = j->fresh && (f == 0 || j->in[2].per_frame);
  if (to_b) gradient_b(&at, s, dy, to_b);
}

void real_linear_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct shape s = shape_of(j);
  int64_t products = job_frames(j, &j->out[0]) / s.frames;
  for (int64_t f = 0; f < products; f++) gradient_frame(j, &s, dy + f * j->out[0].elements, f, dx);
}
