// SPDX-License-Identifier: Apache-2.0
// argmax, argmin and top_k in floats, over the last axis; the lowest index wins a tie.
#include "sw/exec/job.h"

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
    rank_row(x, count, j->node->op == OP_argmin, k, y + r * k);
    for (int64_t i = 0; value && i < k; i++) value[r * k + i] = x[(int64_t)y[r * k + i]];
  }
}
