// SPDX-License-Identifier: Apache-2.0
// Where each pixel of the copy comes from is made first, as two planes of rows and columns; then
// all are interpolated, in an image with a frame of background.
#include "sw/data/distort.h"

#include "sw/base/elementary.h"
#include "sw/base/rng.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define DEGREE 0x1.1df46a2529d39p-6 // pi / 180

// Of the numbers: apart from the streams of weights, dropout and orders, which count from 0.
#define STREAM ((uint64_t)1 << 32)

// What the numbers of an image are for, by their counters.
enum {
  DRAW_SHARE,
  DRAW_ROWS,
  DRAW_COLUMNS,
  DRAW_ROTATE,
  DRAW_SCALE,
  DRAW_SQUEEZE,
  DRAW_SHEAR,
  DRAW_FIELD = 16
};

struct distorter {
  struct distort d;
  int64_t height, width, channels;
  const float *background; // (channels)
  int64_t radius;          // of the Gaussian, pixels
  float *taps;             // (2 radius + 1), their sum 1
};

// The numbers of one image.
struct draw {
  uint64_t key, image;
};

bool distort_is_none(const struct distort *d) {
  return d->share == 0 || (d->shift == 0 && d->rotate == 0 && d->scale == 0 && d->squeeze == 0 &&
                           d->shear == 0 && d->alpha == 0);
}

// ---- the affine map

// Source = middle + M (pixel - middle - t); x counts columns, y rows.
struct affine {
  double xx, xy, yx, yy; // M
  double tx, ty;
};

// Uniform in -bound .. bound.
static double uniform(const struct draw *r, uint64_t what, double bound) {
  uint64_t u = rng_at(r->key, r->image, what);
  return ((double)(u >> 11) * 0x1p-52 - 1) * bound;
}

static struct affine draw_affine(const struct distort *d, const struct draw *r) {
  double angle = uniform(r, DRAW_ROTATE, d->rotate) * DEGREE;
  double c = elementary_cos(angle), s = elementary_sin(angle);
  double scale = 1 + uniform(r, DRAW_SCALE, d->scale);
  double squeeze = 1 + uniform(r, DRAW_SQUEEZE, d->squeeze);
  double shear = uniform(r, DRAW_SHEAR, d->shear);
  double wide = scale * squeeze, high = scale / squeeze;
  return (struct affine){.xx = (c + shear * s) / wide,
                         .xy = (s - shear * c) / wide,
                         .yx = -s / high,
                         .yy = c / high,
                         .tx = uniform(r, DRAW_COLUMNS, d->shift),
                         .ty = uniform(r, DRAW_ROWS, d->shift)};
}

// rows, columns (height, width): where the pixels come from.
static void place(const struct distorter *d, const struct affine *m, float *rows, float *columns) {
  double middle_x = (double)(d->width - 1) / 2, middle_y = (double)(d->height - 1) / 2;
  for (int64_t i = 0; i < d->height; i++) {
    double y = (double)i - middle_y - m->ty;
    double from_x = m->xy * y + middle_x, from_y = m->yy * y + middle_y;
    for (int64_t j = 0; j < d->width; j++) {
      double x = (double)j - middle_x - m->tx;
      *columns++ = (float)(m->xx * x + from_x);
      *rows++ = (float)(m->yx * x + from_y);
    }
  }
}

// ---- the elastic field

static void fill_taps(struct distorter *d, struct arena *a) {
  double sum = 0, sigma = d->d.sigma;
  int64_t count;
  d->radius = (int64_t)ceil(3 * sigma);
  count = 2 * d->radius + 1;
  d->taps = ARENA_NEW(a, float, count);
  double *w = ARENA_NEW(a, double, count);
  for (int64_t i = 0; i < count; i++) {
    double x = (double)(i - d->radius) / sigma;
    sum += w[i] = elementary_exp(-x * x / 2);
  }
  for (int64_t i = 0; i < count; i++) d->taps[i] = (float)(w[i] / sum);
}

// Two planes of numbers uniform in -1 .. 1, from the two halves of one random number each.
static void fill_noise(const struct draw *r, int64_t count, float *u, float *v) {
  for (int64_t i = 0; i < count; i++) {
    uint64_t x = rng_at(r->key, r->image, DRAW_FIELD + (uint64_t)i);
    u[i] = (float)(int32_t)(x >> 40) * 0x1p-23f - 1;
    v[i] = (float)(int32_t)(x >> 8 & 0xffffff) * 0x1p-23f - 1;
  }
}

static void add_times(float *restrict to, const float *restrict from, float w, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] += w * from[i];
}

// to += the plane moved by `by` rows, times w; beyond the image it is 0.
static void add_rows(const struct distorter *d, float *to, const float *from, int64_t by, float w) {
  int64_t n = d->height - (by < 0 ? -by : by);
  if (n <= 0) return;
  if (by < 0)
    add_times(to - by * d->width, from, w, n * d->width);
  else
    add_times(to, from + by * d->width, w, n * d->width);
}

static void add_columns(const struct distorter *d, float *to, const float *from, int64_t by,
                        float w) {
  int64_t n = d->width - (by < 0 ? -by : by);
  if (n <= 0) return;
  for (int64_t i = 0; i < d->height; i++, to += d->width, from += d->width) {
    if (by < 0)
      add_times(to - by, from, w, n);
    else
      add_times(to, from + by, w, n);
  }
}

// plane (height, width) -> alpha times its Gaussian, added to `at`; both planes are lost.
static void add_smooth(const struct distorter *d, float *plane, float *other, float *at) {
  size_t bytes = (size_t)(d->height * d->width) * sizeof *plane;
  memset(other, 0, bytes);
  for (int64_t k = -d->radius; k <= d->radius; k++)
    add_columns(d, other, plane, k, d->taps[k + d->radius]);
  memset(plane, 0, bytes);
  for (int64_t k = -d->radius; k <= d->radius; k++)
    add_rows(d, plane, other, k, d->taps[k + d->radius]);
  add_times(at, plane, (float)d->d.alpha, d->height * d->width);
}

// ---- the copy

// x -> framed (height + 2, width + 2, channels).
static void frame(const struct distorter *d, const float *x, float *framed) {
  int64_t c = d->channels, row = d->width * c;
  for (int64_t i = -1; i <= d->height; i++) {
    bool inside = i >= 0 && i < d->height;
    memcpy(framed, d->background, (size_t)c * sizeof *x);
    framed += c;
    if (inside) memcpy(framed, x + i * row, (size_t)row * sizeof *x);
    for (int64_t j = 0; !inside && j < row; j++) framed[j] = d->background[j % c];
    framed += row;
    memcpy(framed, d->background, (size_t)c * sizeof *x);
    framed += c;
  }
}

// A position in the framed image, as the pixel before it and the part beyond that. All of beyond is
// the frame.
static int64_t locate(float at, int64_t size, float *part) {
  float most = (float)(size + 1), v = at + 1;
  v = v < 0 ? 0 : v > most ? most : v;
  int64_t before = (int64_t)v;
  if (before > size) before = size;
  *part = v - (float)before;
  return before;
}

static void interpolate(const struct distorter *d, const float *framed, const float *rows,
                        const float *columns, float *y) {
  int64_t c = d->channels, down = (d->width + 2) * c;
  for (int64_t i = 0; i < d->height * d->width; i++) {
    float v, u;
    int64_t row = locate(rows[i], d->height, &v), column = locate(columns[i], d->width, &u);
    const float *p = framed + row * down + column * c;
    for (int64_t k = 0; k < c; k++, p++) {
      float top = p[0] + u * (p[c] - p[0]);
      float bottom = p[down] + u * (p[down + c] - p[down]);
      *y++ = top + v * (bottom - top);
    }
  }
}

static int64_t framed_elements(const struct distorter *d) {
  return (d->height + 2) * (d->width + 2) * d->channels;
}

int64_t distorter_work(const struct distorter *d) {
  return framed_elements(d) + 5 * d->height * d->width;
}

void distorter_image(const struct distorter *d, uint64_t seed, int64_t epoch, int64_t image,
                     const float *x, float *y, float *work) {
  int64_t plane = d->height * d->width;
  struct draw r = {rng_at(seed, STREAM, (uint64_t)epoch), (uint64_t)image};
  double u = (double)(rng_at(r.key, r.image, DRAW_SHARE) >> 11) * 0x1p-53;
  if (distort_is_none(&d->d) || u >= d->d.share) {
    memcpy(y, x, (size_t)(plane * d->channels) * sizeof *x);
    return;
  }
  float *rows = work, *columns = rows + plane, *noise = columns + plane,
        *framed = noise + 3 * plane;
  struct affine m = draw_affine(&d->d, &r);
  place(d, &m, rows, columns);
  if (d->d.alpha != 0) {
    fill_noise(&r, plane, noise, noise + plane);
    add_smooth(d, noise, noise + 2 * plane, rows);
    add_smooth(d, noise + plane, noise + 2 * plane, columns);
  }
  frame(d, x, framed);
  interpolate(d, framed, rows, columns, y);
}

struct distorter *distorter_new(struct arena *a, const struct distort *d, int64_t height,
                                int64_t width, int64_t channels, const float *background) {
  struct distorter *to = ARENA_NEW(a, struct distorter, 1);
  assert(height > 0 && width > 0 && channels > 0 && (d->alpha == 0 || d->sigma > 0));
  *to = (struct distorter){.d = *d, .height = height, .width = width, .channels = channels};
  to->background = arena_copy(a, background, (size_t)channels * sizeof *background);
  if (d->alpha != 0) fill_taps(to, a);
  return to;
}
