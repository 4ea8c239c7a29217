// SPDX-License-Identifier: Apache-2.0
// Element by element; flatten and reshape only rename.
#include "sw/exec/golden_job.h"
#include "sw/graph/pointwise.h"

#include <string.h>

static int64_t frames_of(const struct golden_job *j, const struct golden_array *x) {
  return x->per_frame ? j->frames : 1;
}

void golden_ref_shape(const struct golden_job *j) {
  int64_t count = frames_of(j, &j->out[0]) * j->out[0].elements;
  memcpy(j->out[0].data, j->in[0].data, (size_t)count * sizeof *j->out[0].data);
}

void golden_ref_pointwise(const struct golden_job *j) {
  const struct value *x = node_in(j->graph, j->node, 0), *y = node_out(j->graph, j->node, 0);
  struct pointwise p = pointwise_of(j->graph, j->node);
  int64_t channels = y->rank ? j->out[0].shape[y->rank - 1] : 1;
  int64_t count = frames_of(j, &j->out[0]) * j->out[0].elements;
  for (int64_t i = 0; i < count; i++) {
    int64_t c = i % channels, n = j->in[0].data[i];
    if (p.table || !p.rq) {
      j->out[0].data[i] = pointwise_code(&p, n);
      continue;
    }
    p.zero = type_zero(&x->type, j->channel ? j->channel[c] : c);
    j->out[0].data[i] = golden_requant(j, p.rq, pointwise_acc(&p, n), c);
  }
}
