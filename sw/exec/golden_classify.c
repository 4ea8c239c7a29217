// SPDX-License-Identifier: Apache-2.0
// argmax, argmin and top_k; the lowest index wins a tie.
#include "sw/exec/job.h"

// The indices of the best k elements, in order: each goes before those that it beats.
static void rank_row(const int64_t *x, int64_t count, bool least, int64_t k, int64_t *index) {
  for (int64_t i = 0; i < count; i++) {
    int64_t at = i < k ? i : k;
    for (; at > 0 && (least ? x[i] < x[index[at - 1]] : x[i] > x[index[at - 1]]); at--)
      if (at < k) index[at] = index[at - 1];
    if (at < k) index[at] = i;
  }
}

void golden_classify(const struct job *j) {
  const struct value *x = node_in(j->graph, j->node, 0), *y = node_out(j->graph, j->node, 0);
  int64_t count = x->shape[x->rank - 1], frames = j->in[0].per_frame ? j->frames : 1;
  int64_t k = y->shape[y->rank - 1];
  for (int64_t r = 0; r < frames * j->in[0].elements / count; r++) {
    const int64_t *row = (int64_t *)j->in[0].data + r * count;
    int64_t *y0 = j->out[0].data, *y1 = j->out[1].data;
    rank_row(row, count, j->node->op == OP_argmin, k, y0 + r * k);
    for (int64_t i = r * k; y1 && i < (r + 1) * k; i++) y1[i] = row[y0[i]];
  }
}
