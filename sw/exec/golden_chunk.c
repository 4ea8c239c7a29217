// SPDX-License-Identifier: Apache-2.0
// A chunk of images through the whole graph: kernels and tables where golden_prepare.c found that
// they serve, the plain definition otherwise.
#include "sw/exec/golden_parts.h"
#include "sw/exec/reorder.h"
#include "sw/graph/pointwise.h"

#include <string.h>

void *golden_array(const struct chunk *c, uint32_t value) {
  return c->work + c->m->places[value].offset * c->most;
}

// Element i of a value's array.
static int64_t load(const void *array, const struct place *p, int64_t i) {
  if (p->narrow) return ((const uint8_t *)array)[i] + p->lowest;
  return p->bits ? (int64_t)((const uint32_t *)array)[i] : ((const int32_t *)array)[i];
}

void golden_store(void *array, const struct place *p, int64_t i, int64_t code) {
  if (p->narrow)
    ((uint8_t *)array)[i] = (uint8_t)(code - p->lowest);
  else
    ((int32_t *)array)[i] = (int32_t)code;
}

// The codes of an array.
void golden_widen(const void *array, const struct place *p, int64_t count, int32_t *codes) {
  const uint8_t *bytes = array;
  if (!p->narrow)
    memcpy(codes, array, (size_t)count * sizeof *codes);
  else
    for (int64_t i = 0; i < count; i++) codes[i] = bytes[i] + p->lowest;
}

// The rows as the kernel of 16 bits takes them, minus their zero: (rows, groups * 2), padded.
static void pack_rows16(const void *from, const struct place *place, const struct prepared *p,
                        int64_t rows, int64_t in, int32_t zero, int16_t *packed) {
  int64_t wide = p->groups * 2;
  for (int64_t r = 0; r < rows; r++, packed += wide) {
    const uint8_t *bytes = (const uint8_t *)from + r * in;
    const int32_t *codes = (const int32_t *)from + r * in;
    if (place->narrow)
      for (int64_t i = 0; i < in; i++) packed[i] = (int16_t)(bytes[i] + place->lowest - zero);
    else
      for (int64_t i = 0; i < in; i++) packed[i] = (int16_t)(codes[i] - zero);
    memset(packed + in, 0, (size_t)(wide - in) * sizeof *packed);
  }
}

// The rows as the kernel of 8 bits takes them; as they are, if there is nothing to pad.
static const uint8_t *pack_rows8(const uint8_t *from, const struct prepared *p, int64_t rows,
                                 int64_t in, uint8_t *packed) {
  int64_t wide = p->groups * 4;
  if (wide == in) return from;
  for (int64_t r = 0; r < rows; r++) {
    memcpy(packed + r * wide, from + r * in, (size_t)in);
    memset(packed + r * wide + in, 0, (size_t)(wide - in));
  }
  return packed;
}

// A row of accumulators becomes row r of a value.
static void requantise(const struct chunk *c, const struct node *n, const struct prepared *p,
                       const int32_t *acc, int64_t r) {
  const struct kernels *k = c->m->kernels;
  const struct value *y = node_out(c->m->graph, n, 0);
  const struct place *place = &c->m->places[n->out[0]];
  const struct requant *rq = &n->rq[0];
  int64_t out = y->shape[y->rank - 1];
  int32_t zero = (int32_t)type_from_integer(&y->type, 0, 0), lo = (int32_t)type_lowest(&y->type),
          hi = (int32_t)type_highest(&y->type);
  void *to = golden_array(c, n->out[0]);
  if (p->shift_only && place->narrow) {
    k->requant8(out, acc, rq->shift[0], zero, lo, hi, (uint8_t *)to + r * out);
  } else if (p->shift_only) {
    k->requant32(out, acc, rq->shift[0], zero, lo, hi, (int32_t *)to + r * out);
  } else {
    for (int64_t o = 0; o < out; o++) {
      struct fix_target t = target_of(n, y, o);
      int64_t i = rq->count > 1 ? o : 0;
      golden_store(to, place, r * out + o, fix_requant(acc[o], rq->mul[i], rq->shift[i], &t));
    }
  }
}

// Rows of inputs become rows `first` on of the output; scratch has room for them packed and for
// accumulators.
static void run_rows(const struct chunk *c, const struct node *n, const struct prepared *p,
                     const void *from, int64_t in, int64_t rows, int64_t first, void *scratch) {
  const struct kernels *k = c->m->kernels;
  const struct value *x = node_in(c->m->graph, n, 0);
  int32_t *acc = (int32_t *)((uint8_t *)scratch + (rows * p->groups * 4 + 63) / 64 * 64);
  if (p->bytes) {
    const uint8_t *rows8 = pack_rows8(from, p, rows, in, scratch);
    k->linear8(rows, p->groups, p->outs, rows8, p->weight, p->bias, acc);
  } else {
    int16_t *rows16 = scratch;
    pack_rows16(from, &c->m->places[n->in[0].value], p, rows, in,
                (int32_t)type_from_integer(&x->type, 0, 0), rows16);
    k->linear16(rows, p->groups, p->outs, rows16, p->weight, p->bias, acc);
  }
  for (int64_t r = 0; r < rows; r++) requantise(c, n, p, acc + r * p->outs, first + r);
}

static void run_linear(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct value *x = node_in(c->m->graph, n, 0);
  int64_t in = x->shape[x->rank - 1], rows = c->frames * value_elements(x) / in;
  run_rows(c, n, p, golden_array(c, n->in[0].value), in, rows, 0, c->scratch);
}

static void run_conv(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct place *place = &c->m->places[n->in[0].value];
  const struct value *x = node_in(c->m->graph, n, 0);
  int64_t pixels = window_pixels(&p->conv->window), in = golden_patch(p->conv);
  int32_t zero = (int32_t)type_from_integer(&x->type, 0, 0);
  size_t size = place->narrow ? 1 : 4;
  int64_t bytes = (GOLDEN_BLOCK * (in + 1) * (int64_t)size + 63) / 64 * 64;
  for (int64_t f = 0; f < c->frames; f++) {
    const uint8_t *image = golden_array(c, n->in[0].value);
    image += (size_t)(f * value_elements(x)) * size;
    for (int64_t at = 0; at < pixels; at += GOLDEN_BLOCK) {
      int64_t rows = pixels - at < GOLDEN_BLOCK ? pixels - at : GOLDEN_BLOCK;
      golden_patches(p->conv, at, rows, image, size, place->narrow ? zero - place->lowest : zero,
                     c->scratch);
      run_rows(c, n, p, c->scratch, in, rows, f * pixels + at, c->scratch + bytes);
    }
  }
}

// Bytes that are code - lowest are ordered as the codes are.
static void largest_of(const struct window *w, const uint8_t *image, int64_t pixel, uint8_t *to) {
  memset(to, 0, (size_t)w->channels);
  for (int64_t ky = 0; ky < w->kernel[ROWS]; ky++) {
    int64_t y = window_at(w, ROWS, pixel / w->out[COLUMNS], ky);
    for (int64_t kx = 0; window_inside(w, ROWS, y) && kx < w->kernel[COLUMNS]; kx++) {
      int64_t x = window_at(w, COLUMNS, pixel % w->out[COLUMNS], kx);
      if (!window_inside(w, COLUMNS, x)) continue;
      const uint8_t *from = image + (y * w->in[COLUMNS] + x) * w->channels;
      for (int64_t c = 0; c < w->channels; c++) to[c] = from[c] > to[c] ? from[c] : to[c];
    }
  }
}

static void run_largest(const struct chunk *c, const struct node *n, const struct window *w) {
  const uint8_t *x = golden_array(c, n->in[0].value);
  uint8_t *y = golden_array(c, n->out[0]);
  int64_t pixels = window_pixels(w), in = w->in[ROWS] * w->in[COLUMNS] * w->channels;
  for (int64_t f = 0; f < c->frames; f++)
    for (int64_t p = 0; p < pixels; p++)
      largest_of(w, x + f * in, p, y + (f * pixels + p) * w->channels);
}

// Codes as they are stored.
static void run_reorder(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct graph *g = c->m->graph;
  const struct place *place = &c->m->places[n->out[0]];
  size_t element = place->narrow ? 1 : 4;
  int64_t in = value_elements(node_in(g, n, 0)), out = value_elements(node_out(g, n, 0));
  const uint8_t *x = golden_array(c, n->in[0].value);
  uint8_t *y = golden_array(c, n->out[0]);
  int32_t constant;
  golden_store(&constant, place, 0, node_int(n, ATTR_codes, 0));
  for (int64_t f = 0; f < c->frames; f++)
    reorder_frame(p->reorder, element, x + (size_t)(f * in) * element, &constant,
                  y + (size_t)(f * out) * element);
}

static void run_table(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct value *v = node_in(c->m->graph, n, 0);
  const void *x = golden_array(c, n->in[0].value);
  void *y = golden_array(c, n->out[0]);
  int64_t count = c->frames * value_elements(v), lowest = type_lowest(&v->type);
  if (p->table8) {
    c->m->kernels->lookup8(count, x, p->table8, y);
    return;
  }
  const struct place *from = &c->m->places[n->in[0].value], *to = &c->m->places[n->out[0]];
  for (int64_t i = 0; i < count; i++) golden_store(y, to, i, p->table[load(x, from, i) - lowest]);
}

// Widens the inputs, runs the plain kernel, narrows the outputs.
static void run_plain(const struct chunk *c, const struct node *n) {
  const struct graph *g = c->m->graph;
  struct job j = {.graph = g, .node = n, .frames = c->frames, .parts = c->parts};
  int64_t *free_space = (int64_t *)(void *)c->scratch;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    const struct place *p = &c->m->places[n->in[i].value];
    int64_t count = value_elements(v) * (v->per_frame ? c->frames : 1);
    if (i < JOB_INPUTS) j.in[i] = array_of(v, free_space);
    c->parts[i] = free_space;
    for (int64_t k = 0; k < count; k++)
      free_space[k] =
          v->init ? tensor_int(v->init, k) : load(golden_array(c, n->in[i].value), p, k);
    free_space += count;
  }
  for (uint32_t i = 0; i < n->n_out; i++) {
    j.out[i] = array_of(node_out(g, n, i), free_space);
    free_space += j.out[i].elements * c->frames;
  }
  if (!job_move(&j, sizeof(int64_t))) golden_fire(&j);
  for (uint32_t i = 0; i < n->n_out; i++)
    for (int64_t k = 0; k < j.out[i].elements * c->frames; k++)
      golden_store(golden_array(c, n->out[i]), &c->m->places[n->out[i]], k,
                   ((int64_t *)j.out[i].data)[k]);
}

void golden_chunk(const struct chunk *c) {
  for (uint32_t i = 0; i < c->m->graph->n_nodes; i++) {
    uint32_t id = c->m->order[i];
    const struct node *n = &c->m->graph->nodes[id];
    const struct prepared *p = &c->m->nodes[id];
    if (golden_is_alias(n)) continue;
    if (p->packed)
      (p->conv ? run_conv : run_linear)(c, n, p);
    else if (p->largest)
      run_largest(c, n, p->largest);
    else if (p->reorder)
      run_reorder(c, n, p);
    else if (p->table)
      run_table(c, n, p);
    else
      run_plain(c, n);
  }
}
