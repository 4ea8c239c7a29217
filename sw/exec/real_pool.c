// SPDX-License-Identifier: Apache-2.0
// Pools in floats. An average sums in the order of the window's taps, then divides. The gradient of
// the largest goes to the first that is it.
#include "sw/exec/odd.h"
#include "sw/exec/taps.h"
#include "sw/exec/whole.h"

#include <string.h>

// Frames and pixels of this call.
struct part {
  struct taps taps;
  struct pool_window pool;
  int64_t pixels, begin, end; // of a frame; of all frames
};

static bool part_of(const struct job *j, struct part *p) {
  if (!taps_of_pool(j, &p->taps, &p->pool)) return false;
  p->pixels = j->out[0].elements / p->taps.channels;
  p->begin = 0;
  p->end = p->pixels * job_frames(j, &j->out[0]);
  return true;
}

static float count_of(const struct part *p, int64_t pixel) {
  int64_t at[WINDOW_AXES];
  taps_pixel(&p->taps, pixel, at);
  return (float)pool_count(&p->pool, at[ROWS], at[COLUMNS]);
}

// The largest of each channel and where it is, or the sum.
static void look(const struct part *p, const float *image, int64_t pixel, bool sum, float *y,
                 int64_t *where) {
  const struct taps *t = &p->taps;
  int64_t at;
  bool first = true;
  for (int64_t k = 0; k < taps_count(t); k++) {
    if (!taps_at(t, pixel, k, &at)) continue;
    for (int64_t c = 0; c < t->channels; c++) {
      float x = image[at * t->channels + c];
      if (!first && sum) {
        y[c] += x;
      } else if (first || x > y[c]) {
        y[c] = x;
        if (where) where[c] = at * t->channels + c;
      }
    }
    first = false;
  }
}

static bool average(const struct job *j) {
  return j->node->op == OP_avg_pool;
}

static float quotient(const struct job *j, double sum, float count) {
  return j->node->odd ? round_odd(sum / (double)count) : (float)sum / count;
}

// The averages of a window whose sums floats may not hold.
static void average_odd(const struct job *j, const struct part *p, const float *image,
                        int64_t pixel, float *y) {
  const struct taps *t = &p->taps;
  int64_t at;
  for (int64_t c = 0; c < t->channels; c++) {
    double sum = 0;
    for (int64_t k = 0; k < taps_count(t); k++)
      if (taps_at(t, pixel, k, &at)) sum += (double)image[at * t->channels + c];
    y[c] = quotient(j, sum, count_of(p, pixel));
  }
}

// Pixels begin..end of all frames, tap by tap.
static void each_pixel(const struct job *j, const struct part *p, int64_t begin, int64_t end) {
  int64_t channels = p->taps.channels;
  for (int64_t i = begin; i < end; i++) {
    int64_t f = i / p->pixels, pixel = i % p->pixels;
    const float *image = real_frame(&j->in[0], f);
    float *y = real_frame(&j->out[0], f) + pixel * channels;
    if (average(j) && j->node->odd) {
      average_odd(j, p, image, pixel, y);
      continue;
    }
    look(p, image, pixel, average(j), y, NULL);
    for (int64_t c = 0; average(j) && c < channels; c++) y[c] /= count_of(p, pixel);
  }
}

// The same for windows that are all inside, of some pixels of one frame.
static void windows_forward(const struct job *j, const struct windows *s, const float *image,
                            float *y, float count) {
  if (!average(j)) {
    kernels_best()->max_real(s, image, y);
    return;
  }
  struct windows rest = *s; // a sum begins with the first tap, not with 0
  for (int64_t i = 0; i < s->pixels; i++)
    memcpy(y + i * s->channels, image + s->pixel[i], (size_t)s->channels * sizeof *y);
  rest.taps--;
  rest.tap++;
  kernels_best()->sum_real(&rest, image, y);
  if (j->node->odd)
    for (int64_t i = 0; i < s->pixels * s->channels; i++) y[i] = quotient(j, (double)y[i], count);
  else
    for (int64_t i = 0; i < s->pixels * s->channels; i++) y[i] /= count;
}

void real_pool(const struct job *j) {
  struct arena a = {0};
  struct windows s;
  struct part p;
  if (!part_of(j, &p)) return;
  job_share(j, p.end, &p.begin, &p.end);
  if (!taps_windows_inside(&a, &p.taps, &s)) {
    each_pixel(j, &p, p.begin, p.end);
    return;
  }
  float count = count_of(&p, 0);
  for (int64_t i = p.begin, done; i < p.end; i += done) {
    int64_t f = i / p.pixels, first = i % p.pixels;
    struct windows of_frame = taps_part(&s, first, p.end - i);
    const float *image = real_frame(&j->in[0], f);
    done = of_frame.pixels;
    if (average(j) && j->node->odd && !whole_sums(j->in[0].elements, image, s.taps))
      each_pixel(j, &p, i, i + done);
    else
      windows_forward(j, &of_frame, image, real_frame(&j->out[0], f) + first * s.channels, count);
  }
  arena_free(&a);
}

// ---- gradients: windows may overlap, so frames are shared

static void begin_gradient(const struct job *j, struct part *p, float *dx) {
  int64_t first, last;
  job_share(j, job_frames(j, &j->in[0]), &first, &last);
  for (int64_t f = first; j->fresh && f < last; f++)
    memset(real_like(&j->in[0], dx, f), 0, (size_t)j->in[0].elements * sizeof *dx);
  p->begin = first * p->pixels;
  p->end = last * p->pixels;
}

void real_max_pool_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct arena a = {0};
  struct windows s;
  struct part p;
  if (!dx[0] || !part_of(j, &p)) return;
  begin_gradient(j, &p, dx[0]);
  int64_t channels = p.taps.channels;
  bool quick = taps_windows_inside(&a, &p.taps, &s);
  for (int64_t i = p.begin; quick && i < p.end; i += p.pixels)
    kernels_best()->max_dx(&s, dy + i * channels, real_frame(&j->in[0], i / p.pixels),
                           real_like(&j->in[0], dx[0], i / p.pixels));
  float *y = ARENA_NEW(&a, float, channels);
  int64_t *where = ARENA_NEW(&a, int64_t, channels);
  for (int64_t i = p.begin; !quick && i < p.end; i++) {
    int64_t f = i / p.pixels;
    look(&p, real_frame(&j->in[0], f), i % p.pixels, false, y, where);
    for (int64_t c = 0; c < channels; c++)
      real_like(&j->in[0], dx[0], f)[where[c]] += dy[i * channels + c];
  }
  arena_free(&a);
}

// Pixels begin..end of all frames, tap by tap.
static void spread(const struct job *j, const struct part *p, const float *dy, float *dx) {
  const struct taps *t = &p->taps;
  int64_t at;
  for (int64_t i = p->begin; i < p->end; i++) {
    float *image = real_like(&j->in[0], dx, i / p->pixels), count = count_of(p, i % p->pixels);
    for (int64_t k = 0; k < taps_count(t); k++) {
      if (!taps_at(t, i % p->pixels, k, &at)) continue;
      for (int64_t c = 0; c < t->channels; c++)
        image[at * t->channels + c] += dy[i * t->channels + c] / count;
    }
  }
}

void real_avg_pool_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct arena a = {0};
  struct windows s;
  struct part p;
  if (!dx[0] || !part_of(j, &p)) return;
  begin_gradient(j, &p, dx[0]);
  if (!taps_windows_inside(&a, &p.taps, &s)) {
    spread(j, &p, dy, dx[0]);
    return;
  }
  int64_t floats = p.pixels * p.taps.channels;
  float *each = ARENA_NEW(&a, float, floats), count = count_of(&p, 0);
  for (int64_t i = p.begin; i < p.end; i += p.pixels) {
    for (int64_t k = 0; k < floats; k++) each[k] = dy[i * p.taps.channels + k] / count;
    kernels_best()->sum_dx(&s, each, real_like(&j->in[0], dx[0], i / p.pixels));
  }
  arena_free(&a);
}
