// SPDX-License-Identifier: Apache-2.0
// Layers with weights by the kernels: rows of inputs, which of a convolution are the patches of its
// output's pixels, become rows of accumulators and these codes.
#include "sw/exec/golden_parts.h"
#include "sw/graph/pointwise.h"

#include <string.h>

enum { BEYOND = 16 }; // bytes that a gather touches

// Rows of accumulators (rows, p->outs) as bytes (rows, out) by rounding tflite, saturated.
static void two_steps(const struct node *n, const struct prepared *p, const int32_t *acc,
                      int64_t rows, uint8_t *to, int64_t out, int32_t zero, int32_t lo,
                      int32_t hi) {
  const struct requant *rq = &n->rq[0];
  for (int64_t r = 0; r < rows; r++)
    for (int64_t o = 0; o < out; o++) {
      int64_t i = rq->count > 1 ? o : 0;
      int64_t q = fix_round_tflite(acc[r * p->outs + o], rq->mul[i], rq->shift[i]) + zero;
      to[r * out + o] = (uint8_t)((q < lo ? lo : q > hi ? hi : q) - lo);
    }
}

// Rows of accumulators, padded, become rows `first` on of a value.
static void requantise(const struct chunk *c, const struct node *n, const struct prepared *p,
                       const int32_t *acc, int64_t first, int64_t rows) {
  const struct kernels *k = c->m->kernels;
  const struct value *y = node_out(c->m->graph, n, 0);
  const struct place *place = &c->m->places[n->out[0]];
  const struct requant *rq = &n->rq[0];
  int64_t out = y->shape[y->rank - 1];
  int32_t zero = (int32_t)type_from_integer(&y->type, 0, 0), lo = (int32_t)type_lowest(&y->type),
          hi = (int32_t)type_highest(&y->type);
  void *to = golden_array(c, n->out[0]);
  if (p->shift_only && place->narrow) {
    k->requant8(rows, out, p->outs, acc, rq->shift[0], zero, lo, hi, (uint8_t *)to + first * out);
    return;
  }
  if (p->shift_only) {
    k->requant32(rows, out, p->outs, acc, rq->shift[0], zero, lo, hi, (int32_t *)to + first * out);
    return;
  }
  bool one_zero = type_is_fixed(&y->type) && y->type.axis < 0;
  if (n->rounding == FIX_TFLITE && n->overflow == FIX_SATURATE && place->narrow && one_zero) {
    two_steps(n, p, acc, rows, (uint8_t *)to + first * out, out, zero, lo, hi);
    return;
  }
  for (int64_t o = 0; o < out; o++) {
    struct fix_target t = target_of(n, y, o);
    int64_t i = rq->count > 1 ? o : 0;
    for (int64_t r = 0; r < rows; r++)
      golden_store(to, place, (first + r) * out + o,
                   fix_requant(acc[r * p->outs + o], rq->mul[i], rq->shift[i], &t));
  }
}

// Elements as the kernel takes them: bytes as they are stored, minus a base, 16 bits minus their
// zero.
static void put_operands(const struct chunk *c, const struct node *n, const struct prepared *p,
                         const void *from, int64_t count, void *to) {
  const struct place *place = &c->m->places[n->in[0].value];
  const struct value *x = node_in(c->m->graph, n, 0);
  int32_t zero = (int32_t)type_from_integer(&x->type, 0, 0);
  const int32_t *codes = from;
  int16_t *words = to;
  if (p->bytes && !p->base)
    memcpy(to, from, (size_t)count);
  else if (p->bytes)
    c->m->kernels->clamp8(count, from, NULL, -p->base, 0, 255, to);
  else if (place->narrow)
    c->m->kernels->widen8(count, from, place->lowest - zero, words);
  else
    for (int64_t i = 0; i < count; i++) words[i] = (int16_t)(codes[i] - zero);
}

static size_t operand_size(const struct prepared *p) {
  return p->bytes ? 1 : 2;
}

// Elements of a row as the kernel takes it, padded.
static int64_t wide(const struct prepared *p) {
  return p->groups * (p->bytes ? 4 : 2);
}

// Rows of the parts' sums (parts, rows, p->outs), as requantise.
static void requantise_parts(const struct chunk *c, const struct node *n, const struct prepared *p,
                             const int32_t *sums, int64_t first, int64_t rows) {
  const struct value *y = node_out(c->m->graph, n, 0);
  const struct place *place = &c->m->places[n->out[0]];
  const struct requant *rq = &n->rq[0];
  int64_t out = y->shape[y->rank - 1];
  void *to = golden_array(c, n->out[0]);
  for (int64_t o = 0; o < out; o++) {
    struct fix_target t = target_of(n, y, o);
    int64_t i = rq->count > 1 ? o : 0;
    for (int64_t r = 0; r < rows; r++) {
      int64_t acc = 0;
      for (int at = p->parts; at-- > 0;)
        acc = acc * ((int64_t)1 << PREPARED_SPLIT) + sums[(at * rows + r) * p->outs + o];
      golden_store(to, place, (first + r) * out + o,
                   fix_requant(acc + p->wide_bias[o], rq->mul[i], rq->shift[i], &t));
    }
  }
}

// 32-bit sums of a row: of each part.
static int64_t sums(const struct prepared *p) {
  return p->outs * p->parts;
}

// Rows that are packed become rows `first` on of the output.
static void run_rows(const struct chunk *c, const struct node *n, const struct prepared *p,
                     const void *rows, int64_t count, int64_t first, int32_t *acc) {
  const struct kernels *k = c->m->kernels;
  if (p->parts > 1) {
    for (int at = 0; at < p->parts; at++)
      k->linear16(count, p->groups, p->outs, rows, at ? p->upper[at - 1] : p->weight, p->bias,
                  acc + at * count * p->outs);
    requantise_parts(c, n, p, acc, first, count);
    return;
  }
  if (p->bytes)
    (k->linear8 ? k->linear8 : k->linear7)(count, p->groups, p->outs, rows, p->weight, p->bias,
                                           acc);
  else
    k->linear16(count, p->groups, p->outs, rows, p->weight, p->bias, acc);
  requantise(c, n, p, acc, first, count);
}

// The bytes of what lies first in the scratch memory, up to a whole line of the cache.
static int64_t line(int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

static void run_linear(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct value *x = node_in(c->m->graph, n, 0);
  int64_t in = p->taps, rows = c->frames * value_elements(x) / in, row = wide(p);
  size_t size = operand_size(p);
  uint8_t *own = c->scratch;
  int64_t packed = line(rows * row * (int64_t)size);
  int32_t *acc = (int32_t *)(void *)(own + packed);
  int16_t *words = (int16_t *)(void *)(own + packed + line(rows * sums(p) * 4));
  const uint8_t *from = golden_array(c, n->in[0].value);
  if (!p->bytes || p->base) {
    put_operands(c, n, p, from, rows * in, words);
    from = (const uint8_t *)words;
  }
  for (int64_t r = 0; r < rows && row != in; r++) {
    memcpy(own + (size_t)(r * row) * size, from + (size_t)(r * in) * size, (size_t)in * size);
    memset(own + (size_t)(r * row + in) * size, 0, (size_t)(row - in) * size);
  }
  run_rows(c, n, p, row == in ? from : own, rows, 0, acc);
}

// An image with its padding, which is x_zero: whatever a window sees lies within it.
//
//   offset -> (top, left)  +-----------------+
//                          |  +-----------+  |
//                          |  |   image   |  | rows
//                          |  +-----------+  |
//                          +-----------------+
//                                columns
struct framed {
  int64_t top, left, rows, columns, channels; // channels: of a pixel, padded
};

static int64_t before(const struct window *w, int axis) {
  int64_t first = window_at(w, axis, 0, 0);
  return first < 0 ? -first : 0;
}

static int64_t extent(const struct window *w, int axis) {
  int64_t last = window_at(w, axis, w->out[axis] - 1, w->kernel[axis] - 1) + 1;
  return before(w, axis) + (last > w->in[axis] ? last : w->in[axis]);
}

static struct framed framed_of(const struct prepared *p) {
  const struct window *w = &p->conv->window;
  return (struct framed){before(w, ROWS), before(w, COLUMNS), extent(w, ROWS), extent(w, COLUMNS),
                         p->depthwise ? p->outs : w->channels};
}

static int64_t framed_bytes(const struct prepared *p) {
  struct framed f = framed_of(p);
  return f.rows * f.columns * f.channels * (int64_t)operand_size(p);
}

static void put_frame(const struct chunk *c, const struct node *n, const struct prepared *p,
                      const uint8_t *image, uint8_t *to) {
  const struct window *w = &p->conv->window;
  const struct place *place = &c->m->places[n->in[0].value];
  const struct type *type = &node_in(c->m->graph, n, 0)->type;
  struct framed f = framed_of(p);
  size_t size = operand_size(p), pixel = (size_t)w->channels * (place->narrow ? 1 : 4);
  int64_t zero = p->bytes ? type_from_integer(type, 0, 0) - place->lowest - p->base : 0;
  bool apart = f.channels != w->channels;
  int64_t pieces = apart ? w->in[COLUMNS] : 1, length = w->in[COLUMNS] / pieces;
  memset(to, (int)zero, (size_t)framed_bytes(p));
  for (int64_t y = 0; y < w->in[ROWS]; y++)
    for (int64_t x = 0; x < pieces; x++) {
      int64_t at = (y + f.top) * f.columns + f.left + x;
      put_operands(c, n, p, image + (size_t)(y * w->in[COLUMNS] + x) * pixel, length * w->channels,
                   to + (size_t)(at * f.channels) * size);
    }
}

// A patch whose taps lie apart.
static void put_apart(const struct chunk *c, const struct prepared *p, const uint8_t *from,
                      int64_t pixel, int64_t line_step, uint8_t *to) {
  const struct window *w = &p->conv->window;
  int64_t run = w->kernel[COLUMNS] * pixel, apart = w->dilation[COLUMNS] * pixel;
  int64_t row = wide(p) * (int64_t)operand_size(p);
  for (int64_t k = 0; k < w->kernel[ROWS]; k++)
    c->m->kernels->gather(1, w->kernel[COLUMNS], pixel, from + k * line_step, 0, apart,
                          to + k * run, k + 1 < w->kernel[ROWS] ? run : row - k * run);
}

// The patches of output pixels first..first + pixels - 1, each a row of the kernel's form.
static void put_patches(const struct chunk *c, const struct prepared *p, const uint8_t *framed,
                        int64_t first, int64_t pixels, uint8_t *to) {
  const struct window *w = &p->conv->window;
  struct framed f = framed_of(p);
  int64_t pixel = f.channels * (int64_t)operand_size(p), row = wide(p) * (int64_t)operand_size(p);
  int64_t line_step = w->dilation[ROWS] * f.columns * pixel, run = w->kernel[COLUMNS] * pixel;
  int64_t from_step = w->stride[COLUMNS] * pixel;
  int64_t y = first / w->out[COLUMNS], x = first % w->out[COLUMNS];
  for (int64_t count; pixels > 0; y++, x = 0, pixels -= count, to += count * row) {
    int64_t top = window_at(w, ROWS, y, 0) + f.top, left = window_at(w, COLUMNS, x, 0) + f.left;
    const uint8_t *from = framed + (top * f.columns + left) * pixel;
    count = w->out[COLUMNS] - x < pixels ? w->out[COLUMNS] - x : pixels;
    if (w->dilation[COLUMNS] == 1)
      c->m->kernels->gather(count, w->kernel[ROWS], run, from, from_step, line_step, to, row);
    for (int64_t i = 0; i < count && w->dilation[COLUMNS] != 1; i++)
      put_apart(c, p, from + i * from_step, pixel, line_step, to + i * row);
  }
}

static void run_patches(const struct chunk *c, const struct node *n, const struct prepared *p,
                        const uint8_t *framed, int64_t frame, uint8_t *scratch) {
  int64_t pixels = window_pixels(&p->conv->window);
  int64_t packed = line(GOLDEN_BLOCK * wide(p) * (int64_t)operand_size(p) + BEYOND);
  int32_t *acc = (int32_t *)(void *)(scratch + packed);
  for (int64_t at = 0; at < pixels; at += GOLDEN_BLOCK) {
    int64_t rows = pixels - at < GOLDEN_BLOCK ? pixels - at : GOLDEN_BLOCK;
    put_patches(c, p, framed, at, rows, scratch);
    run_rows(c, n, p, scratch, rows, frame * pixels + at, acc);
  }
}

// The pixels that the taps of an output pixel see.
static void find_taps(const struct window *w, const struct framed *f, const int16_t *framed,
                      int64_t pixel, const int16_t **at) {
  int64_t y = window_at(w, ROWS, pixel / w->out[COLUMNS], 0) + f->top;
  int64_t x = window_at(w, COLUMNS, pixel % w->out[COLUMNS], 0) + f->left;
  for (int64_t ky = 0; ky < w->kernel[ROWS]; ky++)
    for (int64_t kx = 0; kx < w->kernel[COLUMNS]; kx++)
      *at++ = framed + ((y + ky * w->dilation[ROWS]) * f->columns + x + kx * w->dilation[COLUMNS]) *
                           f->channels;
}

static void run_depthwise(const struct chunk *c, const struct node *n, const struct prepared *p,
                          const uint8_t *framed, int64_t frame, uint8_t *scratch) {
  const struct window *w = &p->conv->window;
  struct framed f = framed_of(p);
  int64_t pixels = window_pixels(w);
  const int16_t **at = (const int16_t **)(void *)scratch;
  int32_t *acc = (int32_t *)(void *)(scratch + line(p->taps * (int64_t)sizeof *at));
  for (int64_t first = 0; first < pixels; first += GOLDEN_BLOCK) {
    int64_t rows = pixels - first < GOLDEN_BLOCK ? pixels - first : GOLDEN_BLOCK;
    for (int64_t r = 0; r < rows; r++) {
      find_taps(w, &f, (const int16_t *)(const void *)framed, first + r, at);
      c->m->kernels->depthwise16(p->taps, p->outs, at, p->weight, p->bias, acc + r * p->outs);
    }
    requantise(c, n, p, acc, frame * pixels + first, rows);
  }
}

static void run_conv(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct value *x = node_in(c->m->graph, n, 0);
  int64_t size = value_elements(x) * (c->m->places[n->in[0].value].narrow ? 1 : 4);
  const uint8_t *images = golden_array(c, n->in[0].value);
  uint8_t *framed = c->scratch, *rest = framed + line(framed_bytes(p) + BEYOND);
  for (int64_t f = 0; f < c->frames; f++) {
    put_frame(c, n, p, images + f * size, framed);
    if (p->depthwise)
      run_depthwise(c, n, p, framed, f, rest);
    else
      run_patches(c, n, p, framed, f, rest);
  }
}

void golden_rows(const struct chunk *c, const struct node *n, const struct prepared *p) {
  if (p->conv)
    run_conv(c, n, p);
  else
    run_linear(c, n, p);
}

int64_t golden_rows_scratch(const struct graph *g, const struct node *n, const struct prepared *p,
                            int64_t frames) {
  int64_t acc = sums(p) * 4;
  if (!p->conv) {
    int64_t elements = frames * value_elements(node_in(g, n, 0)), rows = elements / p->taps;
    return line(rows * wide(p) * 2) + line(rows * acc) + line(elements * 2);
  }
  int64_t room = p->depthwise ? line(p->taps * (int64_t)sizeof(void *))
                              : line(GOLDEN_BLOCK * wide(p) * 2 + BEYOND);
  return line(framed_bytes(p) + BEYOND) + room + GOLDEN_BLOCK * acc;
}
