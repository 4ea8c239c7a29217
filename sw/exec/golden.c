// SPDX-License-Identifier: Apache-2.0
// The fast golden model: each thread takes chunks of images through the whole graph, so that a
// chunk's arrays stay in its cache.
//
//   pixels -> codes -> [linear: pack, multiply, requantise] -> [table look-up] -> ... -> taps
#include "sw/exec/golden.h"

#include "sw/exec/job.h"
#include "sw/exec/kernels.h"
#include "sw/graph/interval.h"
#include "sw/graph/pointwise.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64, TABLE_BITS_MAX = 16 };

// What is prepared for a node, once.
struct prepared {
  bool packed;     // linear: a kernel serves, otherwise the plain one
  bool bytes;      // linear: the kernel of 8 bits, where x is stored as code - lowest
  int64_t groups;  // linear: of 2 or 4 inputs that a kernel takes at a time
  int64_t outs;    // linear: outputs, padded
  void *weight;    // linear: (groups, outs, 2 or 4), minus their zero
  int32_t *bias;   // linear: (outs)
  bool shift_only; // linear: requant32 serves
  int32_t *table;  // pointwise: output code by input code - lowest
  int64_t lowest;
};

struct golden {
  const struct graph *graph;
  const struct kernels *kernels;
  uint32_t *order;
  struct prepared *nodes; // (n_nodes)
  int64_t *offset;        // (n_values) of a value's array in a workspace, in elements; -1: none
  int64_t workspace;      // int32 elements for one chunk
  int64_t scratch;        // bytes for packing, accumulators and the plain kernels
};

const char *golden_kernels(void) {
  return kernels_best()->name;
}

static bool is_alias(const struct node *n) {
  return op_info(n->op)->column == COLUMN_SHAPE;
}

// ---- preparing

static bool fits16(int64_t lo, int64_t hi) {
  return lo >= INT16_MIN && hi <= INT16_MAX;
}

// Every partial sum stays within 32 bits: sum |x w| + |bias| < 2^31.
static bool sums_fit32(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  int64_t zero = type_zero(&x->type, 0), in = w->shape[1];
  int64_t most =
      llabs(x->lo - zero) > llabs(x->hi - zero) ? llabs(x->lo - zero) : llabs(x->hi - zero);
  for (int64_t o = 0; o < w->shape[0]; o++) {
    int64_t sum = 0, wz = type_zero(&w->type, o);
    for (int64_t i = 0; i < in; i++) sum += llabs(tensor_int(w->init, o * in + i) - wz);
    fix_wide total = (fix_wide)sum * most + (b ? llabs(tensor_int(b->init, o)) : 0);
    if (total > INT32_MAX) return false;
  }
  return true;
}

// Inputs in groups of `group`, outputs padded: the kernels' order of weights.
static void pack_weights(struct arena *a, const struct value *w, int group, struct prepared *p) {
  int64_t in = w->shape[1], out = w->shape[0];
  p->groups = (in + group - 1) / group;
  p->outs = (out + KERNEL_OUTS - 1) / KERNEL_OUTS * KERNEL_OUTS;
  p->weight = arena_alloc(a, (size_t)(p->groups * p->outs), 4);
  for (int64_t o = 0; o < out; o++)
    for (int64_t i = 0; i < in; i++) {
      int64_t at = (i / group * p->outs + o) * group + i % group;
      int64_t v = tensor_int(w->init, o * in + i) - type_zero(&w->type, o);
      if (p->bytes)
        ((int8_t *)p->weight)[at] = (int8_t)v;
      else
        ((int16_t *)p->weight)[at] = (int16_t)v;
    }
}

// With x stored as code - lowest: sum (x + lowest - zero) w = sum x w + (lowest - zero) sum w.
static void pack_bias(struct arena *a, const struct value *x, const struct value *w,
                      const struct value *b, struct prepared *p) {
  p->bias = ARENA_NEW(a, int32_t, p->outs);
  for (int64_t o = 0; o < w->shape[0]; o++) {
    int64_t sum = 0, in = w->shape[1];
    for (int64_t i = 0; p->bytes && i < in; i++)
      sum += tensor_int(w->init, o * in + i) - type_zero(&w->type, o);
    int64_t offset = p->bytes ? type_lowest(&x->type) - type_zero(&x->type, 0) : 0;
    p->bias[o] = (int32_t)((b ? tensor_int(b->init, o) : 0) + offset * sum);
  }
}

// The range of the weights minus their zeros.
static void weight_range(const struct value *w, int64_t *lo, int64_t *hi) {
  *lo = w->lo;
  *hi = w->hi;
  for (int64_t o = 0; o < w->shape[0]; o++) {
    int64_t zero = type_zero(&w->type, o);
    *lo = w->lo - zero < *lo ? w->lo - zero : *lo;
    *hi = w->hi - zero > *hi ? w->hi - zero : *hi;
  }
}

static void prepare_linear(struct arena *a, const struct golden *m, const struct node *n,
                           struct prepared *p) {
  const struct graph *g = m->graph;
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  const struct value *y = node_out(g, n, 0);
  int64_t zero = type_zero(&x->type, 0), lo, hi;
  if (!w->init || (b && !b->init)) return;
  weight_range(w, &lo, &hi);
  if (!fits16(x->lo - zero, x->hi - zero) || !fits16(lo, hi) || !sums_fit32(g, n)) return;
  p->packed = true;
  p->bytes = m->kernels->linear8 && x->type.cls == TYPE_FIXED && x->type.width <= 8 &&
             lo >= INT8_MIN && hi <= INT8_MAX;
  pack_weights(a, w, p->bytes ? 4 : 2, p);
  pack_bias(a, x, w, b, p);
  const struct requant *rq = &n->rq[0];
  p->shift_only = rq->count == 1 && rq->mul[0] == 1 && rq->shift[0] >= 1 && rq->shift[0] <= 30 &&
                  n->rounding == FIX_HALF_EVEN && n->overflow == FIX_SATURATE &&
                  y->type.cls == TYPE_FIXED && y->type.axis < 0 && y->type.width <= 24;
}

static void prepare_pointwise(struct arena *a, const struct graph *g, const struct node *n,
                              struct prepared *p) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (type_width(&x->type) > TABLE_BITS_MAX || x->type.axis >= 0 || y->type.axis >= 0) return;
  if (node_attr(n, ATTR_slice) || (n->n_rq && n->rq[n->n_rq - 1].count > 1)) return;
  struct pointwise f = pointwise_of(g, n);
  p->lowest = type_lowest(&x->type);
  int64_t count = type_highest(&x->type) - p->lowest + 1;
  p->table = ARENA_NEW(a, int32_t, count);
  for (int64_t i = 0; i < count; i++) p->table[i] = (int32_t)pointwise_code(&f, p->lowest + i);
}

static bool supported(const struct graph *g, const struct node *n, struct err *e) {
  if (!(op_info(n->op)->executors & EXECUTOR_GOLDEN))
    return err_set(e, "%s isn't executed", op_info(n->op)->name);
  if (op_info(n->op)->column == COLUMN_STATE) return err_set(e, "it holds state");
  if (node_int(n, ATTR_frames, 0)) return err_set(e, "it sums over frames");
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].delay) return err_set(e, "input \"%s\" is delayed", node_in(g, n, i)->name);
  for (uint32_t i = 0; i < n->n_out; i++)
    if (!node_out(g, n, i)->per_frame) return err_set(e, "its output has no frames");
  return true;
}

static bool check(const struct graph *g, struct err *e) {
  if (g->n_inputs != 1) return err_set(e, "the graph has %u inputs, expected 1", g->n_inputs);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!supported(g, &g->nodes[i], e)) return err_within(e, "layer \"%s\"", g->nodes[i].name);
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    if (!type_is_integer(&v->type)) return err_set(e, "value \"%s\" is real", v->name);
    if (!v->init && (v->lo < INT32_MIN || v->hi > INT32_MAX))
      return err_set(e, "value \"%s\" leaves 32 bits", v->name);
  }
  return true;
}

// Places: one array per value, a reshaped value shares its input's.
static void lay_out(struct golden *m) {
  const struct graph *g = m->graph;
  for (uint32_t i = 0; i < g->n_values; i++) m->offset[i] = -1;
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    if (v->init || (v->node != NONE && is_alias(&g->nodes[v->node]))) continue;
    m->offset[i] = m->workspace;
    m->workspace += (value_elements(v) + 15) / 16 * 16 * CHUNK;
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[m->order[i]];
    if (is_alias(n)) m->offset[n->out[0]] = m->offset[n->in[0].value];
  }
}

// Bytes that a node needs for a chunk: a kernel's packed rows and accumulators, or 64-bit copies
// of everything for the plain one.
static int64_t scratch_of(const struct golden *m, uint32_t id) {
  const struct node *n = &m->graph->nodes[id];
  const struct prepared *p = &m->nodes[id];
  if (p->table || is_alias(n)) return 0;
  if (p->packed) {
    const struct value *x = node_in(m->graph, n, 0);
    int64_t rows = value_elements(x) / x->shape[x->rank - 1] * CHUNK;
    return rows * (p->groups + p->outs) * 4 + 128;
  }
  int64_t elements = 0;
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = node_in(m->graph, n, k);
    elements += value_elements(v) * (v->per_frame ? CHUNK : 1);
  }
  for (uint32_t k = 0; k < n->n_out; k++)
    elements += value_elements(node_out(m->graph, n, k)) * CHUNK;
  return elements * (int64_t)sizeof(int64_t);
}

static void size_scratch(struct golden *m) {
  for (uint32_t i = 0; i < m->graph->n_nodes; i++) {
    int64_t bytes = scratch_of(m, i);
    m->scratch = bytes > m->scratch ? bytes : m->scratch;
  }
}

struct golden *golden_new(struct arena *a, const struct graph *g, struct err *e) {
  if (!check(g, e)) return NULL;
  struct golden *m = ARENA_NEW(a, struct golden, 1);
  *m = (struct golden){.graph = g, .kernels = kernels_best()};
  m->order = ARENA_NEW(a, uint32_t, g->n_nodes);
  m->nodes = ARENA_NEW(a, struct prepared, g->n_nodes);
  m->offset = ARENA_NEW(a, int64_t, g->n_values);
  graph_order(g, m->order);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (op_info(n->op)->column == COLUMN_LINEAR) prepare_linear(a, m, n, &m->nodes[i]);
    if (op_info(n->op)->column == COLUMN_POINTWISE) prepare_pointwise(a, g, n, &m->nodes[i]);
  }
  lay_out(m);
  size_scratch(m);
  return m;
}

// ---- running a chunk

struct chunk {
  const struct golden *m;
  int64_t frames;
  int32_t *work;          // the arrays of the values
  unsigned char *scratch; // reused by every node
};

static int32_t *array(const struct chunk *c, uint32_t value) {
  return c->work + c->m->offset[value];
}

// The rows of a chunk as a kernel takes them, (rows, groups * group), padded with zeros.
static void pack_rows(const struct prepared *p, const int32_t *from, int64_t rows, int64_t in,
                      int64_t offset, void *packed) {
  int64_t wide = p->groups * (p->bytes ? 4 : 2);
  int32_t by = (int32_t)offset;
  for (int64_t r = 0; r < rows; r++, from += in) {
    if (p->bytes) {
      uint8_t *row = (uint8_t *)packed + r * wide;
      for (int64_t i = 0; i < in; i++) row[i] = (uint8_t)(from[i] - by);
      memset(row + in, 0, (size_t)(wide - in));
    } else {
      int16_t *row = (int16_t *)packed + r * wide;
      for (int64_t i = 0; i < in; i++) row[i] = (int16_t)(from[i] - by);
      memset(row + in, 0, (size_t)(wide - in) * sizeof *row);
    }
  }
}

static void requantise(const struct node *n, const struct value *y, const struct prepared *p,
                       const struct kernels *k, const int32_t *acc, int32_t *codes) {
  const struct requant *rq = &n->rq[0];
  int64_t out = y->shape[y->rank - 1];
  if (p->shift_only) {
    k->requant32(out, acc, rq->shift[0], type_zero(&y->type, 0), (int32_t)type_lowest(&y->type),
                 (int32_t)type_highest(&y->type), codes);
    return;
  }
  for (int64_t o = 0; o < out; o++) {
    struct fix_target t = target_of(n, y, o);
    int64_t c = rq->count > 1 ? o : 0;
    codes[o] = (int32_t)fix_requant(acc[o], rq->mul[c], rq->shift[c], &t);
  }
}

static void run_linear(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct graph *g = c->m->graph;
  const struct kernels *k = c->m->kernels;
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  int64_t in = x->shape[x->rank - 1], out = y->shape[y->rank - 1];
  int64_t rows = c->frames * value_elements(x) / in;
  int64_t offset = p->bytes ? type_lowest(&x->type) : type_zero(&x->type, 0);
  void *packed = c->scratch;
  int32_t *acc = (int32_t *)(void *)(c->scratch + (rows * p->groups * 4 + 63) / 64 * 64);
  pack_rows(p, array(c, n->in[0].value), rows, in, offset, packed);
  if (p->bytes)
    k->linear8(rows, p->groups, p->outs, packed, p->weight, p->bias, acc);
  else
    k->linear16(rows, p->groups, p->outs, packed, p->weight, p->bias, acc);
  for (int64_t r = 0; r < rows; r++)
    requantise(n, y, p, k, acc + r * p->outs, array(c, n->out[0]) + r * out);
}

static void run_table(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const int32_t *x = array(c, n->in[0].value), *table = p->table - p->lowest;
  int32_t *y = array(c, n->out[0]);
  int64_t count = c->frames * value_elements(node_in(c->m->graph, n, 0));
  for (int64_t i = 0; i < count; i++) y[i] = table[x[i]];
}

// Widens the inputs, runs the plain kernel, narrows the outputs.
static void run_plain(const struct chunk *c, const struct node *n) {
  const struct graph *g = c->m->graph;
  struct job j = {.graph = g, .node = n, .frames = c->frames};
  int64_t *free_space = (int64_t *)(void *)c->scratch;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    int64_t count = value_elements(v) * (v->per_frame ? c->frames : 1);
    j.in[i] = array_of(v, free_space);
    for (int64_t k = 0; k < count; k++)
      free_space[k] = v->init ? tensor_int(v->init, k) : array(c, n->in[i].value)[k];
    free_space += count;
  }
  for (uint32_t i = 0; i < n->n_out; i++) {
    j.out[i] = array_of(node_out(g, n, i), free_space);
    free_space += j.out[i].elements * c->frames;
  }
  golden_fire(&j);
  for (uint32_t i = 0; i < n->n_out; i++)
    for (int64_t k = 0; k < j.out[i].elements * c->frames; k++)
      array(c, n->out[i])[k] = (int32_t)((int64_t *)j.out[i].data)[k];
}

static void run_chunk(const struct chunk *c) {
  for (uint32_t i = 0; i < c->m->graph->n_nodes; i++) {
    uint32_t id = c->m->order[i];
    const struct node *n = &c->m->graph->nodes[id];
    const struct prepared *p = &c->m->nodes[id];
    if (is_alias(n)) continue;
    if (p->packed)
      run_linear(c, n, p);
    else if (p->table)
      run_table(c, n, p);
    else
      run_plain(c, n);
  }
}

static void run(const struct golden *m, int64_t images, const uint8_t *pixels, const int32_t *codes,
                const struct golden_tap *taps, uint32_t n_taps) {
  const struct input *in = &m->graph->inputs[0];
  const struct value *v = &m->graph->values[in->value];
  int64_t elements = value_elements(v), tables = in->source.tables;
#pragma omp parallel if (images > CHUNK)
  {
    struct arena a = {0};
    struct chunk c = {m, 0, ARENA_NEW(&a, int32_t, m->workspace),
                      arena_alloc(&a, (size_t)m->scratch, 1)};
#pragma omp for schedule(dynamic, 1)
    for (int64_t first = 0; first < images; first += CHUNK) {
      c.frames = images - first < CHUNK ? images - first : CHUNK;
      int32_t *x = array(&c, in->value);
      int64_t count = c.frames * elements;
      if (codes)
        memcpy(x, codes + first * elements, (size_t)count * sizeof *x);
      else if (tables == 1)
        m->kernels->lookup(count, pixels + first * elements, in->source.table, x);
      else
        for (int64_t i = 0; i < count; i++)
          x[i] = in->source.table[i % tables * 256 + pixels[first * elements + i]];
      run_chunk(&c);
      for (uint32_t t = 0; t < n_taps; t++) {
        int64_t size = value_elements(&m->graph->values[taps[t].value]);
        memcpy(taps[t].to + first * size, array(&c, taps[t].value),
               (size_t)(size * c.frames) * sizeof(int32_t));
      }
    }
    arena_free(&a);
  }
}

void golden_run_pixels(const struct golden *m, int64_t images, const uint8_t *pixels,
                       const struct golden_tap *taps, uint32_t n_taps) {
  run(m, images, pixels, NULL, taps, n_taps);
}

void golden_run_codes(const struct golden *m, int64_t images, const int32_t *codes,
                      const struct golden_tap *taps, uint32_t n_taps) {
  run(m, images, NULL, codes, taps, n_taps);
}
