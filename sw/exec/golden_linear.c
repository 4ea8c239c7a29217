// SPDX-License-Identifier: Apache-2.0
// acc[o] = 2^f * sum_i (x[i] - x_zero) * (w[o][i] - w_zero[o]) + bias[o], then one requantisation.
#include "sw/exec/job.h"
#include "sw/graph/pointwise.h"
#include "sw/graph/weights.h"

int64_t golden_requant(const struct job *j, const struct requant *rq, fix_wide acc, int64_t c) {
  struct fix_target t = target_of(j->node, node_out(j->graph, j->node, 0), c);
  int64_t k = rq->count > 1 ? c : 0;
  return fix_requant(acc, rq->mul[k], rq->shift[k], &t);
}

void golden_linear(const struct job *j) {
  const struct value *x = node_in(j->graph, j->node, 0), *w = node_in(j->graph, j->node, 1);
  int64_t in = fan_in(j->in[1].rank, j->in[1].shape), out = j->in[1].shape[0];
  int64_t rows = j->in[0].elements / in, x_zero = type_zero(&x->type, 0);
  fix_wide finer = (fix_wide)1 << weighted_finer(j->graph, j->node);
  for (int64_t f = 0; f < j->frames; f++)
    for (int64_t r = 0; r < rows; r++)
      for (int64_t o = 0; o < out; o++) {
        const int64_t *xs = golden_frame(&j->in[0], f) + r * in;
        const int64_t *ws = golden_frame(&j->in[1], f) + o * in;
        int64_t w_zero = type_zero(&w->type, j->channel ? j->channel[o] : o);
        fix_wide acc = 0;
        for (int64_t i = 0; i < in; i++) acc += (fix_wide)(xs[i] - x_zero) * (ws[i] - w_zero);
        acc = acc * finer + (j->in[2].data ? golden_frame(&j->in[2], f)[o] : 0);
        golden_frame(&j->out[0], f)[r * out + o] = golden_requant(j, &j->node->rq[0], acc, o);
      }
}
