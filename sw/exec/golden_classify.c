// SPDX-License-Identifier: Apache-2.0
// argmax and argmin (the lowest index wins a tie), and softmax, correctly rounded.
#include "sw/exec/job.h"
#include "sw/exec/softmax.h"

static void best_of_row(const int64_t *x, int64_t count, bool least, int64_t *index,
                        int64_t *value) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; i++)
    if (least ? x[i] < x[best] : x[i] > x[best]) best = i;
  *index = best;
  if (value) *value = x[best];
}

void golden_classify(const struct job *j) {
  const struct value *x = node_in(j->graph, j->node, 0), *y = node_out(j->graph, j->node, 0);
  int64_t count = x->shape[x->rank - 1], frames = j->in[0].per_frame ? j->frames : 1;
  for (int64_t r = 0; r < frames * j->in[0].elements / count; r++) {
    const int64_t *row = (int64_t *)j->in[0].data + r * count;
    int64_t *y0 = j->out[0].data, *y1 = j->out[1].data;
    if (j->node->op == OP_softmax)
      softmax_codes(row, count, type_scale(&x->type, 0), &y->type, y0 + r * count);
    else
      best_of_row(row, count, j->node->op == OP_argmin, y0 + r, y1 ? y1 + r : NULL);
  }
}
