// SPDX-License-Identifier: Apache-2.0
// Layers with weights by the kernels: rows of inputs, which of a convolution are the patches of its
// output's pixels, become rows of accumulators and these codes.
#include "sw/exec/golden_parts.h"
#include "sw/graph/pointwise.h"

#include <string.h>

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
static const void *operands(const struct chunk *c, const struct node *n, const struct prepared *p,
                            const void *from, int64_t count, int16_t *words) {
  const struct place *place = &c->m->places[n->in[0].value];
  const struct value *x = node_in(c->m->graph, n, 0);
  int32_t zero = (int32_t)type_from_integer(&x->type, 0, 0);
  const uint8_t *bytes = from;
  const int32_t *codes = from;
  if (p->bytes && !p->base) return from;
  if (p->bytes) {
    c->m->kernels->clamp8(count, bytes, NULL, -p->base, 0, 255, (uint8_t *)words);
    return words;
  }
  if (place->narrow)
    c->m->kernels->widen8(count, bytes, place->lowest - zero, words);
  else
    for (int64_t i = 0; i < count; i++) words[i] = (int16_t)(codes[i] - zero);
  return words;
}

static size_t operand_size(const struct prepared *p) {
  return p->bytes ? 1 : 2;
}

// Elements of a row as the kernel takes it, padded.
static int64_t wide(const struct prepared *p) {
  return p->groups * (p->bytes ? 4 : 2);
}

// Rows that are packed become rows `first` on of the output.
static void run_rows(const struct chunk *c, const struct node *n, const struct prepared *p,
                     const void *rows, int64_t count, int64_t first, int32_t *acc) {
  const struct kernels *k = c->m->kernels;
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
  int16_t *words = (int16_t *)(void *)(own + packed + line(rows * p->outs * 4));
  const uint8_t *from = operands(c, n, p, golden_array(c, n->in[0].value), rows * in, words);
  for (int64_t r = 0; r < rows && row != in; r++) {
    memcpy(own + (size_t)(r * row) * size, from + (size_t)(r * in) * size, (size_t)in * size);
    memset(own + (size_t)(r * row + in) * size, 0, (size_t)(row - in) * size);
  }
  run_rows(c, n, p, row == in ? from : own, rows, 0, acc);
}

// An image's padding is x_zero: in bytes as it is stored.
static int32_t padding(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct type *type = &node_in(c->m->graph, n, 0)->type;
  if (!p->bytes) return 0;
  return (int32_t)type_from_integer(type, 0, 0) - c->m->places[n->in[0].value].lowest - p->base;
}

static void conv_frame(const struct chunk *c, const struct node *n, const struct prepared *p,
                       const void *image, int64_t frame, uint8_t *scratch) {
  int64_t pixels = window_pixels(&p->conv->window);
  size_t size = operand_size(p);
  int32_t *acc = (int32_t *)(void *)(scratch + line(GOLDEN_BLOCK * wide(p) * (int64_t)size));
  for (int64_t at = 0; at < pixels; at += GOLDEN_BLOCK) {
    int64_t rows = pixels - at < GOLDEN_BLOCK ? pixels - at : GOLDEN_BLOCK;
    golden_patches(c->m->kernels, p->conv, at, rows, image, size, padding(c, n, p), wide(p),
                   scratch);
    run_rows(c, n, p, scratch, rows, frame * pixels + at, acc);
  }
}

// The pixels that the taps of an output pixel see; `zeros` beside the image.
static void find_taps(const struct window *w, const int16_t *image, int64_t pixel, int64_t outs,
                      const int16_t *zeros, const int16_t **at) {
  for (int64_t ky = 0; ky < w->kernel[ROWS]; ky++) {
    int64_t y = window_at(w, ROWS, pixel / w->out[COLUMNS], ky);
    for (int64_t kx = 0; kx < w->kernel[COLUMNS]; kx++) {
      int64_t x = window_at(w, COLUMNS, pixel % w->out[COLUMNS], kx);
      bool inside = window_inside(w, ROWS, y) && window_inside(w, COLUMNS, x);
      *at++ = inside ? image + (y * w->in[COLUMNS] + x) * outs : zeros;
    }
  }
}

// Pixels with their channels padded.
static const int16_t *spread(const int16_t *words, int64_t pixels, int64_t channels, int64_t outs,
                             int16_t *to) {
  for (int64_t i = 0; i < pixels; i++) {
    memcpy(to + i * outs, words + i * channels, (size_t)channels * sizeof *to);
    memset(to + i * outs + channels, 0, (size_t)(outs - channels) * sizeof *to);
  }
  return to;
}

static void depthwise_frame(const struct chunk *c, const struct node *n, const struct prepared *p,
                            const int16_t *image, int64_t frame, uint8_t *scratch) {
  const struct window *w = &p->conv->window;
  int64_t pixels = window_pixels(w), ins = w->in[ROWS] * w->in[COLUMNS];
  const int16_t **at = (const int16_t **)(void *)scratch;
  int16_t *zeros = (int16_t *)(void *)(scratch + line(p->taps * (int64_t)sizeof *at));
  int32_t *acc = (int32_t *)(void *)(zeros + p->outs * 2);
  int16_t *padded = (int16_t *)(void *)(acc + GOLDEN_BLOCK * p->outs);
  memset(zeros, 0, (size_t)p->outs * sizeof *zeros);
  if (p->outs != w->channels) image = spread(image, ins, w->channels, p->outs, padded);
  for (int64_t first = 0; first < pixels; first += GOLDEN_BLOCK) {
    int64_t rows = pixels - first < GOLDEN_BLOCK ? pixels - first : GOLDEN_BLOCK;
    for (int64_t r = 0; r < rows; r++) {
      find_taps(w, image, first + r, p->outs, zeros, at);
      c->m->kernels->depthwise16(p->taps, p->outs, at, p->weight, p->bias, acc + r * p->outs);
    }
    requantise(c, n, p, acc, frame * pixels + first, rows);
  }
}

static void run_conv(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct value *x = node_in(c->m->graph, n, 0);
  int64_t elements = value_elements(x), size = c->m->places[n->in[0].value].narrow ? 1 : 4;
  const uint8_t *images = golden_array(c, n->in[0].value);
  int16_t *words = (int16_t *)(void *)c->scratch;
  uint8_t *rest = c->scratch + line(elements * 2);
  for (int64_t f = 0; f < c->frames; f++) {
    const void *image = operands(c, n, p, images + f * elements * size, elements, words);
    if (p->depthwise)
      depthwise_frame(c, n, p, image, f, rest);
    else
      conv_frame(c, n, p, image, f, rest);
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
  const struct value *x = node_in(g, n, 0);
  int64_t elements = value_elements(x), words = line(elements * 2), acc = p->outs * 4;
  if (!p->conv) {
    int64_t rows = frames * elements / p->taps;
    return line(rows * wide(p) * 2) + line(rows * acc) + frames * words;
  }
  if (!p->depthwise) return words + line(GOLDEN_BLOCK * wide(p) * 2) + GOLDEN_BLOCK * acc + 64;
  const struct window *w = &p->conv->window;
  int64_t spread = w->in[ROWS] * w->in[COLUMNS] * p->outs * 2;
  return words + line(p->taps * (int64_t)sizeof(void *)) + acc + GOLDEN_BLOCK * acc + spread;
}
