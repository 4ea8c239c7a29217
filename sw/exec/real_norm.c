// SPDX-License-Identifier: Apache-2.0
// batch_norm in floats: Ioffe and Szegedy, "Batch normalization" (2015). With
//
//   m, v   mean and variance of a channel's values: of this step's, or those that are given
//   r = 1 / sqrt(v + epsilon),  u = (x - m) r,  y = gamma u + beta
//
// the gradients are  dgamma = sum dy u,  dbeta = sum dy,  and with one count N of values
//
//   step's:  dx = gamma r (dy - (dbeta + u dgamma) / N)
//   given:   dx = gamma r dy,  dm = -gamma r sum dy,  dv = -gamma r^2 dgamma / 2
//
// Sums run in double over the rows, channel by channel: the same bits for any number of threads.
#include "sw/exec/job.h"
#include "sw/graph/norm.h"

#include <math.h>

// What a call works on: channels begin..end of rows of `channels` values.
struct norm {
  int64_t rows, channels, begin, end;
  bool given; // mean and variance are inputs
  const float *x;
  double *mean, *variance, *r; // (channels)
};

static void sum_rows(const struct norm *s, const double *mean, int power, double *sum) {
  for (int64_t row = 0; row < s->rows; row++) {
    const float *x = s->x + row * s->channels;
    for (int64_t c = s->begin; c < s->end; c++) {
      double d = (double)x[c] - (mean ? mean[c] : 0);
      sum[c] += power == 2 ? d * d : d;
    }
  }
}

static struct norm norm_of(struct arena *a, const struct job *j) {
  const struct array *x = &j->in[0];
  struct norm s = {
      .channels = x->shape[x->rank - 1], .given = j->node->n_in <= NORM_STEP, .x = x->data};
  s.rows = job_frames(j, x) * x->elements / s.channels;
  s.mean = ARENA_NEW(a, double, s.channels);
  s.variance = ARENA_NEW(a, double, s.channels);
  s.r = ARENA_NEW(a, double, s.channels);
  job_share(j, s.channels, &s.begin, &s.end);
  if (!s.given) {
    sum_rows(&s, NULL, 1, s.mean);
    for (int64_t c = s.begin; c < s.end; c++) s.mean[c] /= (double)s.rows;
    sum_rows(&s, s.mean, 2, s.variance);
    for (int64_t c = s.begin; c < s.end; c++) s.variance[c] /= (double)s.rows;
  }
  for (int64_t c = s.begin; s.given && c < s.end; c++) {
    s.mean[c] = (double)((const float *)j->in[NORM_MEAN].data)[c];
    s.variance[c] = (double)((const float *)j->in[NORM_VARIANCE].data)[c];
  }
  double epsilon = node_real(j->node, ATTR_epsilon, NORM_EPSILON);
  for (int64_t c = s.begin; c < s.end; c++) s.r[c] = 1 / sqrt(s.variance[c] + epsilon);
  return s;
}

// y = (x - m) g + beta, rounded once: where g is large the difference is small.
static void normalise(const struct norm *s, const double *g, const float *beta, float *y) {
  for (int64_t row = 0; row < s->rows; row++)
    for (int64_t c = s->begin; c < s->end; c++) {
      int64_t i = row * s->channels + c;
      y[i] = (float)(((double)s->x[i] - s->mean[c]) * g[c] + (double)beta[c]);
    }
}

// The running variance is that of the population, of which the step's values are a sample.
static void give_away(const struct norm *s, float *mean, float *variance) {
  double sample = s->rows > 1 ? (double)s->rows / (double)(s->rows - 1) : 1;
  for (int64_t c = s->begin; c < s->end; c++) {
    mean[c] = (float)s->mean[c];
    variance[c] = (float)(s->variance[c] * sample);
  }
}

void real_norm(const struct job *j) {
  struct arena a = {0};
  struct norm s = norm_of(&a, j);
  double *g = ARENA_NEW(&a, double, s.channels);
  const float *gamma = j->in[NORM_GAMMA].data;
  for (int64_t c = s.begin; c < s.end; c++) g[c] = (double)gamma[c] * s.r[c];
  normalise(&s, g, j->in[NORM_BETA].data, j->out[0].data);
  if (!s.given && j->node->n_out > 2) give_away(&s, j->out[1].data, j->out[2].data);
  arena_free(&a);
}

// ---- backwards

// dbeta = sum dy, dgamma = sum dy u.
static void sums(const struct norm *s, const float *dy, double *dbeta, double *dgamma) {
  for (int64_t row = 0; row < s->rows; row++)
    for (int64_t c = s->begin; c < s->end; c++) {
      int64_t i = row * s->channels + c;
      dbeta[c] += (double)dy[i];
      dgamma[c] += (double)dy[i] * ((double)s->x[i] - s->mean[c]);
    }
  for (int64_t c = s->begin; c < s->end; c++) dgamma[c] *= s->r[c];
}

static void put(float *to, double value, bool fresh) {
  *to = fresh ? (float)value : *to + (float)value;
}

static void inputs(const struct job *j, const struct norm *s, const float *dy, const double *dbeta,
                   const double *dgamma, float *dx) {
  const float *gamma = j->in[NORM_GAMMA].data;
  double rows = (double)s->rows;
  for (int64_t row = 0; dx && row < s->rows; row++)
    for (int64_t c = s->begin; c < s->end; c++) {
      int64_t i = row * s->channels + c;
      double r = s->r[c], u = ((double)s->x[i] - s->mean[c]) * r, d = (double)dy[i];
      if (!s->given) d -= (dbeta[c] + u * dgamma[c]) / rows;
      put(&dx[i], (double)gamma[c] * r * d, j->fresh);
    }
}

void real_norm_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct arena a = {0};
  struct norm s = norm_of(&a, j);
  double *dbeta = ARENA_NEW(&a, double, s.channels), *dgamma = ARENA_NEW(&a, double, s.channels);
  const float *gamma = j->in[NORM_GAMMA].data;
  sums(&s, dy, dbeta, dgamma);
  inputs(j, &s, dy, dbeta, dgamma, dx[0]);
  for (int64_t c = s.begin; c < s.end; c++) {
    double r = s.r[c], f = s.given ? (double)gamma[c] * r : 0;
    if (dx[NORM_GAMMA]) put(&dx[NORM_GAMMA][c], dgamma[c], j->fresh);
    if (dx[NORM_BETA]) put(&dx[NORM_BETA][c], dbeta[c], j->fresh);
    if (dx[NORM_MEAN]) put(&dx[NORM_MEAN][c], -f * dbeta[c], j->fresh);
    if (dx[NORM_VARIANCE]) put(&dx[NORM_VARIANCE][c], -f * r * dgamma[c] / 2, j->fresh);
  }
  if (dx[NORM_STEP] && j->share == 0) put(dx[NORM_STEP], 0, j->fresh);
  arena_free(&a);
}
