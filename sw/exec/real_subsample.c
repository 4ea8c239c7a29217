// SPDX-License-Identifier: Apache-2.0
// Sub-sampling in floats. Sums are in the order of the window's taps, then times the weight, then
// the bias; gradients add frame after frame and pixel after pixel.
#include "sw/exec/odd.h"
#include "sw/exec/taps.h"
#include "sw/exec/whole.h"

#include <string.h>

// The sum of a pixel's window, into sum (channels).
static void sum_window(const struct taps *t, const float *image, int64_t pixel, float *sum) {
  int64_t at;
  for (int64_t c = 0; c < t->channels; c++) sum[c] = 0;
  for (int64_t k = 0; k < taps_count(t); k++) {
    if (!taps_at(t, pixel, k, &at)) continue;
    for (int64_t c = 0; c < t->channels; c++) sum[c] += image[at * t->channels + c];
  }
}

static int64_t pixels_of(const struct taps *t) {
  return t->job->out[0].elements / t->channels;
}

// The sums of a pixel after the other of one frame; `s` NULL: tap by tap.
static void sum_windows(const struct taps *t, const struct windows *s, const float *image,
                        int64_t first, int64_t pixels, float *sum) {
  int64_t channels = t->channels;
  if (!s) {
    for (int64_t p = 0; p < pixels; p++) sum_window(t, image, first + p, sum + p * channels);
    return;
  }
  struct windows part = taps_part(s, first, pixels);
  memset(sum, 0, (size_t)(pixels * channels) * sizeof *sum);
  kernels_best()->sum_real(&part, image, sum);
}

// All of it in double, for what rounds the result.
static void pixel_odd(const struct taps *t, const float *image, int64_t pixel, const float *w,
                      const float *b, float *y) {
  int64_t at;
  for (int64_t c = 0; c < t->channels; c++) {
    double sum = 0;
    for (int64_t k = 0; k < taps_count(t); k++)
      if (taps_at(t, pixel, k, &at)) sum += (double)image[at * t->channels + c];
    y[c] = round_odd(sum * (double)w[c] + (b ? (double)b[c] : 0));
  }
}

// The same of sums that floats hold.
static void scale_odd(int64_t channels, const float *w, const float *b, float *y) {
  for (int64_t c = 0; c < channels; c++)
    y[c] = round_odd((double)y[c] * (double)w[c] + (b ? (double)b[c] : 0));
}

void real_subsample(const struct job *j) {
  struct arena a = {0};
  struct taps t;
  struct windows s;
  int64_t begin, end, count;
  if (!taps_of_subsample(j, &t)) return;
  bool quick = taps_windows_inside(&a, &t, &s);
  int64_t pixels = pixels_of(&t), channels = t.channels;
  job_share(j, pixels * job_frames(j, &j->out[0]), &begin, &end);
  for (int64_t i = begin; i < end; i += count) {
    int64_t f = i / pixels, pixel = i % pixels;
    const float *w = real_frame(&j->in[1], f), *b = real_frame(&j->in[2], f);
    float *y = real_frame(&j->out[0], f) + pixel * channels;
    const float *image = real_frame(&j->in[0], f);
    count = pixels - pixel < end - i ? pixels - pixel : end - i;
    if (j->node->odd && !whole_sums(j->in[0].elements, image, taps_count(&t))) {
      for (int64_t p = 0; p < count; p++) pixel_odd(&t, image, pixel + p, w, b, y + p * channels);
      continue;
    }
    sum_windows(&t, quick ? &s : NULL, image, pixel, count, y);
    for (int64_t p = 0; p < count; p++, y += channels) {
      if (j->node->odd) {
        scale_odd(channels, w, b, y);
        continue;
      }
      for (int64_t c = 0; c < channels; c++) y[c] *= w[c];
      for (int64_t c = 0; b && c < channels; c++) y[c] += b[c];
    }
  }
  arena_free(&a);
}

// ---- gradients

// Elements begin..end of each frame of a gradient that is begun anew.
static void clear(const struct job *j, uint32_t k, float *to, int64_t begin, int64_t end) {
  for (int64_t f = 0; to && j->fresh && f < job_frames(j, &j->in[k]); f++)
    memset(real_like(&j->in[k], to, f) + begin, 0, (size_t)(end - begin) * sizeof *to);
}

// Of frames begin..end.
static void backward_x(const struct taps *t, const float *dy, float *dx, int64_t begin,
                       int64_t end) {
  const struct job *j = t->job;
  struct arena a = {0};
  struct windows s;
  bool quick = taps_windows_inside(&a, t, &s);
  int64_t pixels = pixels_of(t), at;
  float *each = ARENA_NEW(&a, float, pixels * t->channels);
  for (int64_t f = begin; f < end; f++) {
    const float *w = real_frame(&j->in[1], f), *d = dy + f * pixels * t->channels;
    float *image = real_like(&j->in[0], dx, f);
    for (int64_t p = 0; p < pixels; p++)
      for (int64_t c = 0; c < t->channels; c++)
        each[p * t->channels + c] = d[p * t->channels + c] * w[c];
    if (quick) kernels_best()->sum_dx(&s, each, image);
    for (int64_t p = 0; !quick && p < pixels; p++)
      for (int64_t k = 0; k < taps_count(t); k++) {
        if (!taps_at(t, p, k, &at)) continue;
        for (int64_t c = 0; c < t->channels; c++)
          image[at * t->channels + c] += each[p * t->channels + c];
      }
  }
  arena_free(&a);
}

// Of channels begin..end; either may be NULL.
static void backward_channels(const struct taps *t, const float *dy, float *dw, float *db,
                              int64_t begin, int64_t end) {
  const struct job *j = t->job;
  struct arena a = {0};
  struct windows s;
  bool quick = taps_windows_inside(&a, t, &s);
  int64_t pixels = pixels_of(t);
  float *sums = ARENA_NEW(&a, float, pixels * t->channels);
  for (int64_t f = 0; f < job_frames(j, &j->out[0]); f++) {
    float *w = real_like(&j->in[1], dw, f), *b = real_like(&j->in[2], db, f);
    if (w) sum_windows(t, quick ? &s : NULL, real_frame(&j->in[0], f), 0, pixels, sums);
    for (int64_t p = 0; p < pixels; p++) {
      const float *d = dy + (f * pixels + p) * t->channels, *sum = sums + p * t->channels;
      for (int64_t c = begin; w && c < end; c++) w[c] += d[c] * sum[c];
      for (int64_t c = begin; b && c < end; c++) b[c] += d[c];
    }
  }
  arena_free(&a);
}

void real_subsample_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct taps t;
  int64_t begin, end, frames = job_frames(j, &j->out[0]);
  if (!taps_of_subsample(j, &t)) return;
  // by frames, if they have gradients of their own
  job_share(j, j->in[0].per_frame ? frames : 1, &begin, &end);
  if (dx[0] && begin < end) {
    for (int64_t f = begin; j->fresh && f < end; f++)
      memset(real_like(&j->in[0], dx[0], f), 0, (size_t)j->in[0].elements * sizeof **dx);
    backward_x(&t, dy, dx[0], begin, j->in[0].per_frame ? end : frames);
  }
  job_share(j, t.channels, &begin, &end);
  clear(j, 1, dx[1], begin, end);
  clear(j, 2, dx[2], begin, end);
  if (begin < end && (dx[1] || dx[2])) backward_channels(&t, dy, dx[1], dx[2], begin, end);
}
