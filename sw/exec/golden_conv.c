// SPDX-License-Identifier: Apache-2.0
// acc[oy][ox][o] = 2^f * sum over the taps inside the image of (x - x_zero) * (w - w_zero[o]) +
// bias[o], then one requantisation. A tap in the padding counts as x_zero.
#include "sw/exec/taps.h"

static fix_wide products(const struct taps *t, int64_t frame, int64_t pixel, int64_t o) {
  const struct job *j = t->job;
  const struct value *x = node_in(j->graph, j->node, 0), *w = node_in(j->graph, j->node, 1);
  int64_t channel = j->channel ? j->channel[o] : o, at;
  const int64_t *image = golden_frame(&j->in[0], frame);
  const int64_t *kernel = golden_frame(&j->in[1], frame) + o * taps_count(t) * t->ins;
  fix_wide acc = 0;
  for (int64_t k = 0; k < taps_count(t); k++) {
    if (!taps_at(t, pixel, k, &at)) continue;
    for (int64_t i = 0; i < t->ins; i++)
      acc += (fix_wide)type_integer(&x->type, 0, image[at * t->channels + taps_channel(t, o, i)]) *
             type_integer(&w->type, channel, kernel[k * t->ins + i]);
  }
  return acc;
}

void golden_conv(const struct job *j) {
  const struct array *y = &j->out[0];
  struct taps t;
  if (!taps_of_conv(j, &t)) return;
  fix_wide finer = (fix_wide)1 << weighted_finer(j->graph, j->node);
  for (int64_t f = 0; f < job_frames(j, y); f++)
    for (int64_t i = 0; i < y->elements; i++) {
      int64_t o = i % t.outs;
      fix_wide acc = j->in[2].data ? golden_frame(&j->in[2], f)[o] : 0;
      acc += products(&t, f, i / t.outs, o) * finer;
      golden_frame(y, f)[i] = golden_requant(j, &j->node->rq[0], acc, o);
    }
}
