// SPDX-License-Identifier: Apache-2.0
// softmax and log_softmax in floats, over the last axis, and their gradients.
#include "sw/base/elementary.h"
#include "sw/exec/job.h"

#include <math.h>

static void softmax_row(const float *x, int64_t count, bool logarithm, float *y) {
  double most = (double)x[0], sum = 0;
  for (int64_t i = 1; i < count; i++) most = fmax(most, (double)x[i]);
  for (int64_t i = 0; i < count; i++) sum += elementary_exp((double)x[i] - most);
  double log_sum = logarithm ? elementary_log(sum) : 0;
  for (int64_t i = 0; i < count; i++)
    y[i] = (float)(logarithm ? (double)x[i] - most - log_sum
                             : elementary_exp((double)x[i] - most) / sum);
}

void real_softmax(const struct job *j) {
  if (j->share) return;
  int64_t count = j->in[0].shape[j->in[0].rank - 1];
  int64_t size = job_frames(j, &j->in[0]) * j->in[0].elements;
  for (int64_t at = 0; at < size; at += count)
    softmax_row((const float *)j->in[0].data + at, count, j->node->op == OP_log_softmax,
                (float *)j->out[0].data + at);
}

// dy_i / dx_k = y_i ((i == k) - y_k), so dx_k = y_k (dy_k - sum_i dy_i y_i).
static void softmax_row_gradient(const float *y, const float *dy, int64_t count, float *dx) {
  double mean = 0;
  for (int64_t i = 0; i < count; i++) mean += (double)dy[i] * (double)y[i];
  for (int64_t i = 0; i < count; i++) dx[i] += (float)((double)y[i] * ((double)dy[i] - mean));
}

void real_softmax_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  int64_t count = j->in[0].shape[j->in[0].rank - 1];
  int64_t size = dx[0] ? job_frames(j, &j->in[0]) * j->in[0].elements : 0;
  for (int64_t at = 0; at < size; at += count)
    softmax_row_gradient((const float *)j->out[0].data + at, dy + at, count, dx[0] + at);
}

// dy_i / dx_k = (i == k) - exp(y_k), so dx_k = dy_k - exp(y_k) sum_i dy_i.
void real_log_softmax_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  int64_t count = j->in[0].shape[j->in[0].rank - 1];
  int64_t size = dx[0] ? job_frames(j, &j->in[0]) * j->in[0].elements : 0;
  const float *y = j->out[0].data;
  for (int64_t at = 0; at < size; at += count) {
    double sum = 0;
    for (int64_t i = at; i < at + count; i++) sum += (double)dy[i];
    for (int64_t i = at; i < at + count; i++)
      dx[0][i] += (float)((double)dy[i] - elementary_exp((double)y[i]) * sum);
  }
}
