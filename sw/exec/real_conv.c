// SPDX-License-Identifier: Apache-2.0
// Convolution as a product of matrices: the taps of output pixels, gathered, are rows of x of a
// linear layer (real_linear.c), padding 0.
//
//   patches (PIXELS, taps)     y = patches w^T + b    dpatches = dy w    dw += dy^T patches
//
// Pixels are taken BLOCK at a time. dx adds the taps of a block's pixels in their order; dw and db
// are one chain per block, block after block and frame after frame. Where patches lie side by side
// in the image, as those of 1 x 1, nothing is gathered, and the pixels of all frames are the rows
// of one product.
#include "sw/exec/depthwise.h"
#include "sw/exec/whole.h"

#include <string.h>

enum { BLOCK = 256 };

// A firing, and how its windows are seen: NULL tap by tap.
struct conv_job {
  const struct job *job;
  struct arena arena;
  struct taps taps;
  struct patches *windows, memory;
  int64_t pixels, width; // of a frame; of a patch
  linear_kernel *linear; // of forwards
};

static bool open(const struct job *j, struct conv_job *c) {
  *c = (struct conv_job){.job = j};
  if (!taps_of_conv(j, &c->taps)) return false;
  if (patches_of(&c->arena, &c->taps, &c->memory)) c->windows = &c->memory;
  c->pixels = j->out[0].elements / c->taps.outs;
  c->width = taps_count(&c->taps) * c->taps.ins;
  return true;
}

static bool depthwise(const struct conv_job *c) {
  return c->windows && depthwise_is(&c->taps);
}

// Whether the pixels of all frames are the rows of one product.
static bool one_product(const struct conv_job *c) {
  const struct job *j = c->job;
  return c->windows && c->windows->adjacent && j->in[0].per_frame && !j->in[1].per_frame &&
         !(j->in[2].data && j->in[2].per_frame);
}

// Outputs that see the same channels, and the pixels of a block.
struct run {
  const struct conv_job *of;
  int64_t frame, pixel, pixels, out, outs;
  bool opens, closes; // the first of a frame, the last
  float *image;       // of the frame as windows see it
  float *patches;     // (BLOCK, taps), and GATHER_BLOCK more
  float *y;           // (BLOCK, outs)
};

static float *weights(const struct run *r, const struct array *w, float *data) {
  return real_like(w, data, r->frame) + r->out * r->of->width;
}

typedef void visitor(float *patch, int64_t n, float *image); // image NULL: padding

// Tap by tap.
static void each_tap(const struct run *r, visitor *visit, float *image) {
  const struct taps *t = &r->of->taps;
  int64_t at, ins = t->ins;
  float *patch = r->patches;
  for (int64_t p = 0; p < r->pixels; p++)
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

static void gather(float *patch, int64_t n, float *image) {
  if (image)
    memcpy(patch, image, (size_t)n * sizeof *patch);
  else
    memset(patch, 0, (size_t)n * sizeof *patch);
}

static void scatter(float *patch, int64_t n, float *image) {
  for (int64_t i = 0; image && i < n; i++) image[i] += patch[i];
}

// The patches of a run.
static const float *gathered(struct run *r) {
  struct patches *w = r->of->windows;
  float *image = real_frame(&r->of->job->in[0], r->frame);
  if (w && w->adjacent) return image + r->pixel * w->n;
  if (r->opens && w) r->image = (float *)patches_image(w, image);
  if (w)
    patches_gather(w, r->image, r->pixel, r->pixels, taps_channel(&r->of->taps, r->out, 0),
                   r->patches);
  else
    each_tap(r, gather, image);
  return r->patches;
}

// Adds them to the frame of a gradient.
static void scattered(struct run *r, float *image) {
  struct patches *w = r->of->windows;
  if (!w) {
    each_tap(r, scatter, image);
    return;
  }
  if (r->opens) r->image = patches_begin(w, image);
  patches_scatter(w, r->image, r->pixel, r->pixels, taps_channel(&r->of->taps, r->out, 0),
                  r->patches);
  if (r->closes) patches_end(w, image);
}

// Where output `out` of a block's first pixel is in y and in dy.
static int64_t begin_of(const struct run *r) {
  const struct array *y = &r->of->job->out[0];
  return (y->per_frame ? r->frame * y->elements : 0) + r->pixel * r->of->taps.outs + r->out;
}

// Calls `work` for each run of outputs in `outs` and each block of pixels from `begin` to `end` of
// all frames'.
static void each_run(const struct conv_job *c, int64_t begin, int64_t end, int64_t first,
                     int64_t outs, void (*work)(struct run *r, void *context), void *context) {
  struct arena a = {0};
  struct run r = {.of = c,
                  .patches = ARENA_NEW(&a, float, BLOCK * c->width + GATHER_BLOCK),
                  .y = ARENA_NEW(&a, float, BLOCK * c->taps.outs)};
  for (int64_t p = begin; p < end; p += r.pixels) {
    r.frame = p / c->pixels;
    r.pixel = p % c->pixels;
    r.pixels = BLOCK - r.pixel % BLOCK;
    if (r.pixels > c->pixels - r.pixel) r.pixels = c->pixels - r.pixel;
    if (r.pixels > end - p) r.pixels = end - p;
    for (r.out = first; r.out < first + outs; r.out += r.outs) {
      r.outs = taps_run(&c->taps, r.out);
      if (r.outs > first + outs - r.out) r.outs = first + outs - r.out;
      r.opens = r.out == first && (p == begin || r.pixel == 0);
      r.closes = r.out + r.outs == first + outs &&
                 (p + r.pixels == end || r.pixel + r.pixels == c->pixels);
      work(&r, context);
    }
  }
  arena_free(&a);
}

// ---- forwards

static void forward(struct run *r, void *context) {
  const struct job *j = r->of->job;
  const float *b = j->in[2].data ? real_frame(&j->in[2], r->frame) + r->out : NULL;
  float *y = (float *)j->out[0].data + begin_of(r);
  int64_t all = r->of->taps.outs;
  bool whole = r->outs == all;
  (void)context;
  r->of->linear(r->pixels, r->of->width, r->outs, gathered(r), weights(r, &j->in[1], j->in[1].data),
                b, whole ? y : r->y);
  for (int64_t p = 0; !whole && p < r->pixels; p++)
    memcpy(y + p * all, r->y + p * r->outs, (size_t)r->outs * sizeof *y);
}

// Pixels begin..end of all frames'.
static void forward_rows(const struct conv_job *c, int64_t begin, int64_t end) {
  const struct job *j = c->job;
  int64_t outs = c->taps.outs;
  c->linear(end - begin, c->width, outs, (const float *)j->in[0].data + begin * c->width,
            j->in[1].data, j->in[2].data, (float *)j->out[0].data + begin * outs);
}

// The kernel for the frames of pixels begin..end. Weights of a frame's own are looked at by nobody.
static linear_kernel *kernel_of(const struct conv_job *c, int64_t begin, int64_t end) {
  const struct job *j = c->job;
  const struct array *x = &j->in[0];
  int64_t first = begin / c->pixels, frames = (end - 1) / c->pixels + 1 - first;
  if (j->node->odd && (j->in[1].per_frame || j->in[2].per_frame)) return kernels_best()->linear_odd;
  return whole_linear(j->node, (x->per_frame ? frames : 1) * x->elements, real_frame(x, first),
                      c->width, c->taps.outs, j->in[1].data, j->in[2].data);
}

void real_conv(const struct job *j) {
  struct conv_job c;
  int64_t begin, end;
  if (!open(j, &c)) return;
  job_share(j, job_frames(j, &j->out[0]) * c.pixels, &begin, &end);
  c.linear = kernel_of(&c, begin, end);
  if (depthwise(&c) && c.linear == kernels_best()->linear_real)
    depthwise_forward(c.windows, begin, end);
  else if (one_product(&c))
    forward_rows(&c, begin, end);
  else
    each_run(&c, begin, end, 0, c.taps.outs, forward, NULL);
  arena_free(&c.arena);
}

// ---- gradients

struct backward {
  const float *dy;
  float *const *dx;
};

// c = dy w of `rows` pixels for outputs `out` on.
static void times_weights(const struct conv_job *c, int64_t rows, int64_t outs, bool add,
                          const float *dy, const float *w, float *to) {
  struct product p = {.rows = rows,
                      .columns = c->width,
                      .a_row = c->taps.outs,
                      .a_k = 1,
                      .b_k = c->width,
                      .c_row = c->width,
                      .shards = 1,
                      .cuts = {0, outs},
                      .add = add};
  kernels_best()->product_real(&p, dy, w, to);
}

static void backward_x(struct run *r, void *context) {
  const struct backward *b = context;
  const struct job *j = r->of->job;
  times_weights(r->of, r->pixels, r->outs, false, b->dy + begin_of(r),
                weights(r, &j->in[1], j->in[1].data), r->patches);
  scattered(r, real_like(&j->in[0], b->dx[0], r->frame));
}

// Of frames begin..end; all of dy's, if the image has none.
static void backward_image(const struct conv_job *c, struct backward *b, int64_t begin,
                           int64_t end) {
  const struct job *j = c->job;
  int64_t outs = c->taps.outs;
  if (depthwise(c))
    depthwise_image(c->windows, b->dy, b->dx[0], begin, end);
  else if (one_product(c))
    times_weights(c, (end - begin) * c->pixels, outs, true, b->dy + begin * c->pixels * outs,
                  j->in[1].data, b->dx[0] + begin * j->in[0].elements);
  else
    each_run(c, begin * c->pixels, end * c->pixels, 0, outs, backward_x, b);
}

static void backward_w(struct run *r, void *context) {
  const struct backward *b = context;
  const struct job *j = r->of->job;
  struct product p = {.rows = r->outs,
                      .columns = r->of->width,
                      .a_row = 1,
                      .a_k = r->of->taps.outs,
                      .b_k = r->of->width,
                      .c_row = r->of->width,
                      .shards = 1,
                      .cuts = {0, r->pixels},
                      .add = true};
  kernels_best()->product_real(&p, b->dy + begin_of(r), gathered(r),
                               weights(r, &j->in[1], b->dx[1]));
}

// A row of ones times dy.
static void backward_b(struct run *r, void *context) {
  const struct backward *b = context;
  const float one = 1;
  int64_t outs = r->of->taps.outs;
  struct product p = {.rows = 1,
                      .columns = r->outs,
                      .b_k = outs,
                      .c_row = r->outs,
                      .shards = 1,
                      .cuts = {0, r->pixels},
                      .add = true};
  float *db = real_like(&r->of->job->in[2], b->dx[2], r->frame) + r->out;
  kernels_best()->product_real(&p, &one, b->dy + begin_of(r), db);
}

// Elements begin..end of each frame of a gradient that is begun anew.
static void clear(const struct job *j, const struct array *x, float *to, int64_t begin,
                  int64_t end) {
  for (int64_t f = 0; to && j->fresh && f < job_frames(j, x); f++)
    memset(real_like(x, to, f) + begin, 0, (size_t)(end - begin) * sizeof *to);
}

// The borders of a padded copy that gradients were added to are no zeros any more.
static void gradient_of_image(const struct job *j, struct backward *b) {
  struct conv_job c;
  int64_t begin, end, frames = job_frames(j, &j->out[0]);
  if (!open(j, &c)) return;
  // by frames, if they have gradients of their own
  job_share(j, j->in[0].per_frame ? frames : 1, &begin, &end);
  if (begin < end) {
    if (!j->in[0].per_frame) clear(j, &j->in[0], b->dx[0], 0, j->in[0].elements);
    for (int64_t f = begin; j->in[0].per_frame && j->fresh && f < end; f++)
      memset(real_like(&j->in[0], b->dx[0], f), 0, (size_t)j->in[0].elements * sizeof(float));
    backward_image(&c, b, begin, j->in[0].per_frame ? end : frames);
  }
  arena_free(&c.arena);
}

void real_conv_gradient(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  struct conv_job c;
  int64_t begin, end;
  struct backward b = {dy, dx};
  if (dx[0]) gradient_of_image(j, &b);
  if (!open(j, &c)) return;
  int64_t pixels = job_frames(j, &j->out[0]) * c.pixels;
  job_share(j, c.taps.outs, &begin, &end);
  clear(j, &j->in[1], dx[1], begin * c.width, end * c.width);
  if (dx[1] && depthwise(&c))
    depthwise_weights(c.windows, dy, dx[1], begin, end, BLOCK);
  else if (dx[1])
    each_run(&c, 0, pixels, begin, end - begin, backward_w, &b);
  clear(j, &j->in[2], dx[2], begin, end);
  if (dx[2]) each_run(&c, 0, pixels, begin, end - begin, backward_b, &b);
  arena_free(&c.arena);
}
