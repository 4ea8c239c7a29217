// SPDX-License-Identifier: Apache-2.0
// argmax, argmin and top_k (the lowest index wins a tie), and softmax in floats, over the last
// axis.
#include "sw/base/elementary.h"
#include "sw/exec/job.h"

#include <math.h>

static void softmax_row(const float *x, int64_t count, float *y) {
  double most = (double)x[0], sum = 0;
  for (int64_t i = 1; i < count; i++) most = fmax(most, (double)x[i]);
  for (int64_t i = 0; i < count; i++) sum += elementary_exp((double)x[i] - most);
  for (int64_t i = 0; i < count; i++) y[i] = (float)(elementary_exp((double)x[i] - most) / sum);
}

// The indices of the best k elements, in order: each goes before those that it beats.
static void rank_row(const float *x, int64_t count, bool least, int64_t k, float *index) {
  for (int64_t i = 0; i < count; i++) {
    int64_t at = i < k ? i : k;
    for (; at > 0; at--) {
      float best = x[(int64_t)index[at - 1]];
      if (!(least ? x[i] < best : x[i] > best)) break;
      if (at < k) index[at] = index[at - 1];
    }
    if (at < k) index[at] = (float)i;
  }
}

void real_classify(const struct job *j) {
  if (j->share) return;
  int64_t count = j->in[0].shape[j->in[0].rank - 1];
  int64_t rows = job_frames(j, &j->in[0]) * j->in[0].elements / count;
  int64_t k = j->out[0].shape[j->out[0].rank - 1];
  float *y = j->out[0].data, *value = j->out[1].data;
  for (int64_t r = 0; r < rows; r++) {
    const float *x = (const float *)j->in[0].data + r * count;
    if (j->node->op == OP_softmax)
      softmax_row(x, count, y + r * count);
    else
      rank_row(x, count, j->node->op == OP_argmin, k, y + r * k);
    for (int64_t i = 0; value && i < k; i++) value[r * k + i] = x[(int64_t)y[r * k + i]];
  }
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
