// SPDX-License-Identifier: Apache-2.0
// acc[c] = 2^f * (w[c] - w_zero[c]) * sum over the taps inside the image of (x - x_zero) + bias[c],
// then one requantisation. A tap beside the image counts as x_zero.
#include "sw/exec/taps.h"

static fix_wide sum_of(const struct taps *t, const int64_t *image, int64_t pixel, int64_t channel) {
  const struct type *type = &node_in(t->job->graph, t->job->node, 0)->type;
  fix_wide sum = 0;
  int64_t at;
  for (int64_t k = 0; k < taps_count(t); k++)
    if (taps_at(t, pixel, k, &at)) sum += type_integer(type, 0, image[at * t->channels + channel]);
  return sum;
}

void golden_subsample(const struct job *j) {
  const struct array *y = &j->out[0];
  const struct type *type = &node_in(j->graph, j->node, 1)->type;
  struct taps t;
  if (!taps_of_subsample(j, &t)) return;
  fix_wide finer = (fix_wide)1 << weighted_finer(j->graph, j->node);
  for (int64_t f = 0; f < job_frames(j, y); f++)
    for (int64_t i = 0; i < y->elements; i++) {
      int64_t c = i % t.channels, weight = golden_frame(&j->in[1], f)[c];
      fix_wide acc = finer * sum_of(&t, golden_frame(&j->in[0], f), i / t.channels, c) *
                     type_integer(type, j->channel ? j->channel[c] : c, weight);
      if (j->in[2].data) acc += golden_frame(&j->in[2], f)[c];
      golden_frame(y, f)[i] = golden_requant(j, &j->node->rq[0], acc, c);
    }
}
