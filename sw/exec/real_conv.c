// SPDX-License-Identifier: Apache-2.0
// Convolution as a product of matrices: the taps of output pixels, gathered, are rows of x of a
// linear layer (real_linear.c), padding 0.
//
//   patches (PIXELS, taps)     y = patches w^T + b    dpatches = dy w    dw += dy^T patches
//
// Pixels are taken BLOCK at a time. dx adds the taps of a block's pixels in their order; dw and db
// are one chain per block, block after block and frame after frame.
#include "sw/exec/kernels.h"
#include "sw/exec/taps.h"

#include <string.h>

enum { BLOCK = 256 };

// Outputs that see the same channels, and the pixels of a block.
struct run {
  const struct taps *taps;
  int64_t frame, pixel, pixels, out, outs;
  float *patches; // (BLOCK, taps)
  float *y;       // (BLOCK, outs)
};

static int64_t width(const struct run *r) {
  return taps_count(r->taps) * r->taps->ins;
}

static float *weights(const struct run *r, const struct array *w, float *data) {
  return real_like(w, data, r->frame) + r->out * width(r);
}

typedef void visitor(float *patch, int64_t n, float *image); // image NULL: padding

// Tap by tap.
static void each_tap(const struct run *r, int64_t p, visitor *visit, float *image) {
  const struct taps *t = r->taps;
  int64_t at, ins = t->ins;
  float *patch = r->patches + p * width(r);
  for (int64_t k = 0; k < taps_count(t); k++, patch += ins) {
    bool inside = taps_at(t, r->pixel + p, k, &at);
    if (t->conv.groups == 1 || !inside) {
      visit(patch, ins, inside ? image + at * t->channels : NULL);
      continue;
    }
    for (int64_t i = 0; i < ins; i++)
      visit(patch + i, 1, image + at * t->channels + taps_channel(t, r->out, i));
  }
}

// Taps side by side in the image are side by side in a patch.
static bool in_rows(const struct taps *t) {
  return t->conv.groups == 1 && t->window.dilation[COLUMNS] == 1 && !t->job->index;
}

static void each_row(const struct run *r, int64_t p, visitor *visit, float *image) {
  const struct taps *t = r->taps;
  const struct window *w = &t->window;
  int64_t pixel = r->pixel + p, row = t->columns * t->ins;
  int64_t first = window_at(w, COLUMNS, pixel % t->out_columns, 0), end = first + t->columns;
  int64_t left = first < 0 ? -first : 0, right = end > w->in[COLUMNS] ? end - w->in[COLUMNS] : 0;
  float *patch = r->patches + p * width(r);
  if (left + right > t->columns) left = t->columns - right; // wholly beside the image
  for (int64_t k = 0; k < t->rows; k++, patch += row) {
    int64_t y = window_at(w, ROWS, pixel / t->out_columns, k), n = t->columns - left - right;
    if (!window_inside(w, ROWS, y) || n <= 0) {
      visit(patch, row, NULL);
      continue;
    }
    visit(patch, left * t->ins, NULL);
    visit(patch + left * t->ins, n * t->ins,
          image + (y * w->in[COLUMNS] + first + left) * t->channels);
    visit(patch + (left + n) * t->ins, right * t->ins, NULL);
  }
}

static void each_element(const struct run *r, visitor *visit, float *image) {
  void (*each)(const struct run *, int64_t, visitor *, float *) =
      in_rows(r->taps) ? each_row : each_tap;
  for (int64_t p = 0; p < r->pixels; p++) each(r, p, visit, image);
}

static void gather(float *patch, int64_t n, float *image) {
  if (image)
    memcpy(patch, image, (size_t)n * sizeof *patch);
  else
    memset(patch, 0, (size_t)n * sizeof *patch);
}

static void scatter(float *patch, int64_t n, float *image) {
  for (int64_t i = 0; image && i < n; i++) image[i] += patch[i];
}

static void gather_block(const struct run *r) {
  each_element(r, gather, real_frame(&r->taps->job->in[0], r->frame));
}

// Where output `out` of a block's first pixel is in y and in dy.
static int64_t begin_of(const struct run *r) {
  const struct array *y = &r->taps->job->out[0];
  return (y->per_frame ? r->frame * y->elements : 0) + r->pixel * r->taps->outs + r->out;
}

// Calls `work` for each run of outputs in `outs` and each block of pixels from `begin` to `end` of
// all frames'.
static void each_run(const struct taps *t, int64_t begin, int64_t end, int64_t first, int64_t outs,
                     void (*work)(const struct run *r, void *context), void *context) {
  struct arena a = {0};
  const struct array *y = &t->job->out[0];
  int64_t pixels = y->elements / t->outs;
  struct run r = {.taps = t,
                  .patches = ARENA_NEW(&a, float, BLOCK *taps_count(t) * t->ins),
                  .y = ARENA_NEW(&a, float, BLOCK * t->outs)};
  for (int64_t p = begin; p < end; p += r.pixels) {
    r.frame = p / pixels;
    r.pixel = p % pixels;
    r.pixels = BLOCK - r.pixel % BLOCK;
    if (r.pixels > pixels - r.pixel) r.pixels = pixels - r.pixel;
    if (r.pixels > end - p) r.pixels = end - p;
    for (r.out = first; r.out < first + outs; r.out += r.outs) {
      r.outs = taps_run(t, r.out);
      if (r.outs > first + outs - r.out) r.outs = first + outs - r.out;
      work(&r, context);
    }
  }
  arena_free(&a);
}

static int64_t all_pixels(const struct taps *t) {
  return job_frames(t->job, &t->job->out[0]) * (t->job->out[0].elements / t->outs);
}

// ---- forwards

static void forward(const struct run *r, void *context) {
  const struct job *j = r->taps->job;
  const float *b = j->in[2].data ? real_frame(&j->in[2], r->frame) + r->out : NULL;
  float *y = (float *)j->out[0].data + begin_of(r);
  bool whole = r->outs == r->taps->outs;
  (void)context;
  gather_block(r);
  kernels_best()->linear_real(r->pixels, width(r), r->outs, r->patches,
                              weights(r, &j->in[1], j->in[1].data), b, whole ? y : r->y);
  for (int64_t p = 0; !whole && p < r->pixels; p++)
    memcpy(y + p * r->taps->outs, r->y + p * r->outs, (size_t)r->outs * sizeof *y);
}

void real_conv(const struct job *j) {
  struct taps t;
  int64_t begin, end;
  if (!taps_of_conv(j, &t)) return;
  job_share(j, all_pixels(&t), &begin, &end);
  each_run(&t, begin, end, 0, t.outs, forward, NULL);
}

// ---- gradients

struct backward {
  const float *dy;
  float *const *dx;
};

static void backward_x(const struct run *r, void *context) {
  const struct backward *b = context;
  const struct job *j = r->taps->job;
  struct product p = {.rows = r->pixels,
                      .columns = width(r),
                      .a_row = r->taps->outs,
                      .a_k = 1,
                      .b_k = width(r),
                      .c_row = width(r),
                      .shards = 1,
                      .cuts = {0, r->outs}};
  float *dx = real_like(&j->in[0], b->dx[0], r->frame);
  kernels_best()->product_real(&p, b->dy + begin_of(r), weights(r, &j->in[1], j->in[1].data),
                               r->patches);
  each_element(r, scatter, dx);
}

static void backward_w(const struct run *r, void *context) {
  const struct backward *b = context;
  const struct job *j = r->taps->job;
  struct product p = {.rows = r->outs,
                      .columns = width(r),
                      .a_row = 1,
                      .a_k = r->taps->outs,
                      .b_k = width(r),
                      .c_row = width(r),
                      .shards = 1,
                      .cuts = {0, r->pixels},
                      .add = true};
  gather_block(r);
  kernels_best()->product_real(&p, b->dy + begin_of(r), r->patches,
                               weights(r, &j->in[1], b->dx[1]));
}

// A row of ones times dy.
static void backward_b(const struct run *r, void *context) {
  const struct backward *b = context;
  const float one = 1;
  struct product p = {.rows = 1,
                      .columns = r->outs,
                      .b_k = r->taps->outs,
                      .c_row = r->outs,
                      .shards = 1,
                      .cuts = {0, r->pixels},
                      .add = true};
  float *db = real_like(&r->taps->job->in[2], b->dx[2], r->frame) + r->out;
  kernels_best()->product_real(&p, &one, b->dy + begin_of(r), db);
}

// Elements begin..end of each frame of a gradient that is begun anew.
static void clear(const struct job *j, const struct array *x, float *to, int64_t begin,
                  int64_t end) {
  for (int64_t f = 0; to && j->fresh && f < job_frames(j, x); f++)
    memset(real_like(x, to, f) + begin, 0, (size_t)(end - begin) * sizeof *to);
}

void real_conv_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct taps t;
  int64_t begin, end, frames = job_frames(j, &j->out[0]);
  struct backward b = {dy, dx};
  if (!taps_of_conv(j, &t)) return;
  int64_t pixels = all_pixels(&t) / frames, taps = taps_count(&t) * t.ins;
  // by frames, if they have gradients of their own
  job_share(j, j->in[0].per_frame ? frames : 1, &begin, &end);
  if (!j->in[0].per_frame) end = begin < end ? frames : begin;
  if (dx[0]) {
    if (j->in[0].per_frame)
      for (int64_t f = begin; j->fresh && f < end; f++)
        memset(real_like(&j->in[0], dx[0], f), 0, (size_t)j->in[0].elements * sizeof **dx);
    else if (begin < end)
      clear(j, &j->in[0], dx[0], 0, j->in[0].elements);
    each_run(&t, begin * pixels, end * pixels, 0, t.outs, backward_x, &b);
  }
  job_share(j, t.outs, &begin, &end);
  clear(j, &j->in[1], dx[1], begin * taps, end * taps);
  if (dx[1]) each_run(&t, 0, frames * pixels, begin, end - begin, backward_w, &b);
  clear(j, &j->in[2], dx[2], begin, end);
  if (dx[2]) each_run(&t, 0, frames * pixels, begin, end - begin, backward_b, &b);
}
