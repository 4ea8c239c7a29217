// SPDX-License-Identifier: Apache-2.0
// Element by element: the exact function, then one requantisation.
#include "sw/exec/job.h"
#include "sw/graph/pointwise.h"

void golden_pointwise(const struct job *j) {
  const struct value *x = node_in(j->graph, j->node, 0), *y = node_out(j->graph, j->node, 0);
  struct pointwise p = pointwise_of(j->graph, j->node);
  int64_t channels = y->rank ? j->out[0].shape[y->rank - 1] : 1;
  int64_t count = job_frames(j, &j->out[0]) * j->out[0].elements;
  const int64_t *x_codes = j->in[0].data;
  int64_t *y_codes = j->out[0].data;
  for (int64_t i = 0; i < count; i++) {
    int64_t c = i % channels, n = x_codes[i];
    if (p.table || !p.rq) {
      y_codes[i] = pointwise_code(&p, n);
      continue;
    }
    p.constants.zero = type_zero(&x->type, j->channel ? j->channel[c] : c);
    y_codes[i] = golden_requant(j, p.rq, pointwise_acc(&p, n), c);
  }
}
