// SPDX-License-Identifier: Apache-2.0
// acc[o] = sum_i (x[i] - w[o][i])^2 at the finer of both scales, then one requantisation.
#include "sw/exec/job.h"
#include "sw/graph/rbf.h"
#include "sw/graph/weights.h"

void golden_rbf(const struct job *j) {
  const struct type *x = &node_in(j->graph, j->node, 0)->type;
  const struct type *w = &node_in(j->graph, j->node, 1)->type;
  int64_t in = fan_in(j->in[1].rank, j->in[1].shape), out = j->in[1].shape[0];
  int64_t rows = j->in[0].elements / in;
  struct rbf r;
  if (!rbf_of(x, w, &r)) return; // refused by the verifier
  for (int64_t f = 0; f < j->frames; f++)
    for (int64_t row = 0; row < rows; row++)
      for (int64_t o = 0; o < out; o++) {
        const int64_t *xs = golden_frame(&j->in[0], f) + row * in;
        const int64_t *ws = golden_frame(&j->in[1], f) + o * in;
        fix_wide acc = 0;
        for (int64_t i = 0; i < in; i++)
          acc += rbf_square(&r, type_integer(x, 0, xs[i]), type_integer(w, 0, ws[i]));
        golden_frame(&j->out[0], f)[row * out + o] = golden_requant(j, &j->node->rq[0], acc, o);
      }
}
