// SPDX-License-Identifier: Apache-2.0
// What only training graphs hold: the loss, dropout, the schedule of the learning rate.
#include "sw/base/elementary.h"
#include "sw/base/rng.h"
#include "sw/exec/job.h"

#include <math.h>
#include <string.h>

// ---- cross entropy: -sum_i t_i log softmax(z)_i over the last axis, in which one z more may
// stand in the sum that has no t

// log sum exp z, less the largest z.
static double log_sum(const struct node *n, const float *z, int64_t count, double *most) {
  double sum = 0, rubbish = node_real(n, ATTR_rubbish, -INFINITY);
  *most = fmax((double)z[0], rubbish);
  for (int64_t i = 1; i < count; i++) *most = fmax(*most, (double)z[i]);
  for (int64_t i = 0; i < count; i++) sum += elementary_exp((double)z[i] - *most);
  return elementary_log(sum + elementary_exp(rubbish - *most));
}

static int64_t classes(const struct job *j) {
  return j->in[0].shape[j->in[0].rank - 1];
}

static void rows_of(const struct job *j, int64_t *begin, int64_t *end) {
  job_share(j, job_frames(j, &j->in[0]) * j->in[0].elements / classes(j), begin, end);
}

static void cross_entropy(const struct job *j) {
  int64_t count = classes(j), begin, end;
  rows_of(j, &begin, &end);
  for (int64_t r = begin; r < end; r++) {
    const float *z = (const float *)j->in[0].data + r * count;
    const float *t = (const float *)j->in[1].data + r * count;
    double most, sum = 0, log_total = log_sum(j->node, z, count, &most);
    for (int64_t i = 0; i < count; i++) sum += (double)t[i] * (log_total - ((double)z[i] - most));
    ((float *)j->out[0].data)[r] = (float)sum;
  }
}

static void put(float *to, float value, bool fresh) {
  *to = fresh ? value : *to + value;
}

void real_cross_entropy_gradient(const struct job *j, const float *dy,
                                 float *const dx[JOB_INPUTS]) {
  int64_t count = classes(j), begin, end;
  rows_of(j, &begin, &end);
  for (int64_t r = begin; r < end; r++) {
    const float *z = (const float *)j->in[0].data + r * count;
    const float *t = dx[0] ? (const float *)j->in[1].data + r * count : NULL;
    double most, weight = 0, log_total = log_sum(j->node, z, count, &most);
    for (int64_t i = 0; t && i < count; i++) weight += (double)t[i];
    for (int64_t i = 0; i < count; i++) {
      double log_p = (double)z[i] - most - log_total, d = (double)dy[r];
      if (t)
        put(&dx[0][r * count + i], (float)(d * (elementary_exp(log_p) * weight - (double)t[i])),
            j->fresh);
      if (dx[1]) put(&dx[1][r * count + i], (float)(-d * log_p), j->fresh);
    }
  }
}

// ---- dropout

// The factor of element i in this step: 0, or 1 / (1 - rate). Without a step nothing is dropped.
struct dropping {
  double rate;
  float kept;
  uint64_t seed, step;
};

static struct dropping dropping_of(const struct job *j) {
  const float *step = j->in[1].data;
  double rate = step ? node_real(j->node, ATTR_rate, 0) : 0;
  return (struct dropping){.rate = rate,
                           .kept = (float)(1 / (1 - rate)),
                           .seed = (uint64_t)node_int(j->node, ATTR_seed, 0),
                           .step = step ? job_step(step[0]) : 0};
}

static float factor(const struct dropping *d, int64_t i) {
  if (d->rate == 0) return 1;
  double u = (double)(rng_at(d->seed, d->step, (uint64_t)i) >> 11) * 0x1p-53;
  return u < d->rate ? 0 : d->kept;
}

static void dropout(const struct job *j) {
  struct dropping d = dropping_of(j);
  const float *x = j->in[0].data;
  float *y = j->out[0].data;
  int64_t begin, end;
  job_share(j, job_frames(j, &j->out[0]) * j->out[0].elements, &begin, &end);
  for (int64_t i = begin; i < end; i++) y[i] = x[i] * factor(&d, i);
}

void real_dropout_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct dropping d = dropping_of(j);
  int64_t begin, end;
  job_share(j, dx[0] ? job_frames(j, &j->out[0]) * j->out[0].elements : 0, &begin, &end);
  for (int64_t i = begin; i < end; i++) put(&dx[0][i], dy[i] * factor(&d, i), j->fresh);
}

// ---- schedule: a table of one number per period of steps; the last holds on

static void schedule(const struct job *j) {
  const struct tensor *t = node_attr(j->node, ATTR_table)->tensor;
  double at =
      floor((double)((const float *)j->in[0].data)[0] / (double)node_int(j->node, ATTR_every, 1));
  int64_t i = at < 0 ? 0 : at < (double)t->count ? (int64_t)at : t->count - 1;
  ((float *)j->out[0].data)[0] = (float)tensor_real(t, i);
}

void real_training(const struct job *j) {
  if (j->node->op == OP_cross_entropy) cross_entropy(j);
  if (j->node->op == OP_dropout) dropout(j);
  if (j->node->op == OP_schedule && !j->share) schedule(j);
}
