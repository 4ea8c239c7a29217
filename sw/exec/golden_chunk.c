// SPDX-License-Identifier: Apache-2.0
// A chunk of images through the whole graph: kernels and tables where golden_prepare.c found that
// they serve, the plain definition otherwise.
#include "sw/exec/golden_parts.h"
#include "sw/exec/reorder.h"
#include "sw/graph/softmax.h"

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

// Bytes of two streams, by the table of all their results.
static void run_joined(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const uint8_t *a = golden_array(c, n->in[0].value), *b = golden_array(c, n->in[1].value);
  uint8_t *y = golden_array(c, n->out[0]);
  int64_t count = c->frames * value_elements(node_out(c->m->graph, n, 0));
  if (p->clamp)
    c->m->kernels->clamp8(count, a, b, p->clamp->offset, p->clamp->lo, p->clamp->hi, y);
  else if (p->added)
    for (int64_t i = 0; i < count; i++) y[i] = p->added[a[i] + b[i]];
  else
    for (int64_t i = 0; i < count; i++) y[i] = p->joined[a[i] + 256 * b[i]];
}

// Sums of bytes of the taps inside the image, channel by channel; how many taps these are.
static int64_t sum_taps(const struct window *w, const uint8_t *image, int64_t pixel, int32_t *sum) {
  int64_t inside = 0;
  memset(sum, 0, (size_t)w->channels * sizeof *sum);
  for (int64_t ky = 0; ky < w->kernel[ROWS]; ky++) {
    int64_t y = window_at(w, ROWS, pixel / w->out[COLUMNS], ky);
    for (int64_t kx = 0; window_inside(w, ROWS, y) && kx < w->kernel[COLUMNS]; kx++) {
      int64_t x = window_at(w, COLUMNS, pixel % w->out[COLUMNS], kx);
      if (!window_inside(w, COLUMNS, x)) continue;
      const uint8_t *from = image + (y * w->in[COLUMNS] + x) * w->channels;
      for (int64_t c = 0; c < w->channels; c++) sum[c] += from[c];
      inside++;
    }
  }
  return inside;
}

static void run_mean(const struct chunk *c, const struct node *n, const struct pool_window *p) {
  const struct graph *g = c->m->graph;
  const struct window *w = &p->window;
  const struct type *type = &node_in(g, n, 0)->type;
  const uint8_t *x = golden_array(c, n->in[0].value);
  struct arena a = {0};
  int64_t pixels = window_pixels(w), in = w->in[ROWS] * w->in[COLUMNS] * w->channels, kinds;
  int64_t offset = type_integer(type, 0, type_lowest(type));
  int32_t *sum = ARENA_NEW(&a, int32_t, w->channels);
  const int64_t *counts = pool_counts(&a, p, &kinds);
  for (int64_t i = 0; i < c->frames * pixels; i++) {
    int64_t pixel = i % pixels, inside = sum_taps(w, x + i / pixels * in, pixel, sum);
    int64_t count = pool_count(p, pixel / w->out[COLUMNS], pixel % w->out[COLUMNS]);
    for (int64_t k = 0; k < w->channels; k++)
      golden_store(golden_array(c, n->out[0]), &c->m->places[n->out[0]], i * w->channels + k,
                   golden_average(g, n, sum[k] + inside * offset, count, counts));
  }
  arena_free(&a);
}

static void run_table(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct value *v = node_in(c->m->graph, n, 0);
  const void *x = golden_array(c, n->in[0].value);
  void *y = golden_array(c, n->out[0]);
  int64_t count = c->frames * value_elements(v), lowest = type_lowest(&v->type);
  if (p->clamp) {
    c->m->kernels->clamp8(count, x, NULL, p->clamp->offset, p->clamp->lo, p->clamp->hi, y);
    return;
  }
  if (p->table8) {
    c->m->kernels->lookup8(count, x, p->table8, y);
    return;
  }
  const struct place *from = &c->m->places[n->in[0].value], *to = &c->m->places[n->out[0]];
  for (int64_t i = 0; i < count; i++) golden_store(y, to, i, p->table[load(x, from, i) - lowest]);
}

// The codes of a row are no further apart than the table is long.
static void run_softmax(const struct chunk *c, const struct node *n, const struct softmax *s) {
  const struct value *v = node_in(c->m->graph, n, 0);
  const struct type *type = &node_out(c->m->graph, n, 0)->type;
  const struct place *from = &c->m->places[n->in[0].value], *to = &c->m->places[n->out[0]];
  const void *x = golden_array(c, n->in[0].value);
  void *y = golden_array(c, n->out[0]);
  int64_t count = v->shape[v->rank - 1], all = c->frames * value_elements(v);
  for (int64_t row = 0; row < all; row += count) {
    int64_t most = load(x, from, row), sum = 0;
    for (int64_t i = row + 1; i < row + count; i++) {
      int64_t code = load(x, from, i);
      most = code > most ? code : most;
    }
    for (int64_t i = row; i < row + count; i++) sum += s->exps[most - load(x, from, i)];
    for (int64_t i = row; i < row + count; i++)
      golden_store(y, to, i,
                   softmax_code(s->exps[most - load(x, from, i)], sum, type, s->fraction));
  }
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
      golden_rows(c, n, p);
    else if (p->joined)
      run_joined(c, n, p);
    else if (p->mean)
      run_mean(c, n, p->mean);
    else if (p->largest)
      run_largest(c, n, p->largest);
    else if (p->reorder)
      run_reorder(c, n, p);
    else if (p->table)
      run_table(c, n, p);
    else if (p->softmax)
      run_softmax(c, n, p->softmax);
    else
      run_plain(c, n);
  }
}
