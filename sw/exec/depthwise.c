// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/depthwise.h"

bool depthwise_is(const struct taps *t) {
  return t->conv.groups > 1 && t->conv.ins == 1 && t->conv.outs == t->channels;
}

// The weights (channels, taps) of a frame as the kernels read them: (taps, channels).
static const float *turned(const struct patches *p, int64_t frame, float *to) {
  const float *w = real_frame(&p->taps->job->in[1], frame);
  for (int64_t c = 0; c < p->all.channels; c++)
    for (int64_t k = 0; k < p->all.taps; k++) to[k * p->all.channels + c] = *w++;
  return to;
}

void depthwise_forward(struct patches *p, int64_t begin, int64_t end) {
  const struct job *j = p->taps->job;
  struct arena a = {0};
  int64_t pixels = p->all.pixels, channels = p->all.channels, count;
  float *w = ARENA_NEW(&a, float, p->all.taps *channels);
  for (int64_t i = begin; i < end; i += count) {
    int64_t f = i / pixels, first = i % pixels;
    struct windows s = taps_part(&p->all, first, end - i);
    count = s.pixels;
    if (i == begin || j->in[1].per_frame) turned(p, f, w);
    kernels_best()->depthwise_real(&s, patches_image(p, real_frame(&j->in[0], f)), w,
                                   real_frame(&j->in[2], f),
                                   real_frame(&j->out[0], f) + first * channels);
  }
  arena_free(&a);
}

void depthwise_image(struct patches *p, const float *dy, float *dx, int64_t begin, int64_t end) {
  const struct job *j = p->taps->job;
  struct arena a = {0};
  float *w = ARENA_NEW(&a, float, p->all.taps * p->all.channels);
  for (int64_t f = begin; f < end; f++) {
    float *image = real_like(&j->in[0], dx, f), *seen = patches_begin(p, image);
    if (f == begin || j->in[1].per_frame) turned(p, f, w);
    kernels_best()->depthwise_dx(&p->all, real_like(&j->out[0], (float *)dy, f), w, seen);
    patches_end(p, image);
  }
  arena_free(&a);
}

void depthwise_weights(struct patches *p, const float *dy, float *dw, int64_t begin, int64_t end,
                       int64_t block) {
  const struct job *j = p->taps->job;
  struct arena a = {0};
  int64_t pixels = p->all.pixels, channels = end - begin, taps = p->all.taps;
  float *sum = ARENA_NEW(&a, float, taps *channels);
  for (int64_t f = 0; f < job_frames(j, &j->out[0]); f++) {
    const float *image = patches_image(p, real_frame(&j->in[0], f)) + begin;
    for (int64_t first = 0; first < pixels; first += block) {
      struct windows s = taps_part(&p->all, first, block);
      float *to = real_like(&j->in[1], dw, f) + begin * taps;
      const float *d = dy + (j->out[0].per_frame ? f * j->out[0].elements : 0);
      s.channels = channels;
      kernels_best()->depthwise_dw(&s, d + first * s.y_row + begin, image, sum);
      for (int64_t c = 0; c < channels; c++)
        for (int64_t k = 0; k < taps; k++) *to++ += sum[k * channels + c];
    }
  }
  arena_free(&a);
}
