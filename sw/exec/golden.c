// SPDX-License-Identifier: Apache-2.0
// The fast golden model: each thread takes chunks of images through the whole graph, so that a
// chunk's arrays stay in its cache. Integers that fit are kept in bytes.
//
//   pixels -> codes -> [linear: multiply, requantise] -> [table look-up] -> ... -> taps
#include "sw/exec/golden.h"

#include "sw/base/crew.h"
#include "sw/exec/golden_prepare.h"
#include "sw/exec/job.h"
#include "sw/graph/pointwise.h"

#include <stdatomic.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { CHUNK = 64 };

static int thread_count(void) {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

// Where a value's array is in a workspace.
struct place {
  int64_t offset; // bytes, times the frames of a chunk; -1: none
  bool narrow;    // uint8_t code - lowest, otherwise int32_t codes
  int32_t lowest; // 0 if not narrow
};

struct golden {
  const struct graph *graph;
  const struct kernels *kernels;
  uint32_t *order;
  struct prepared *nodes; // (n_nodes)
  struct place *places;   // (n_values)
  const uint8_t *pixels;  // (256) pixel -> byte, if the input is narrow and has one table
  int64_t workspace;      // bytes per frame
  int64_t scratch;        // bytes per frame: packed rows, accumulators, the plain kernels' copies
};

const char *golden_kernels(void) {
  return kernels_best()->name;
}

static bool is_alias(const struct node *n) {
  return op_info(n->op)->column == COLUMN_SHAPE;
}

// ---- preparing

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
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    struct place *p = &m->places[i];
    p->offset = -1;
    p->narrow = !v->init && value_is_narrow(v);
    p->lowest = p->narrow ? (int32_t)type_lowest(&v->type) : 0;
    if (v->init || (v->node != NONE && is_alias(&g->nodes[v->node]))) continue;
    p->offset = m->workspace;
    m->workspace += (value_elements(v) * (p->narrow ? 1 : 4) + 63) / 64 * 64;
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[m->order[i]];
    if (is_alias(n)) m->places[n->out[0]] = m->places[n->in[0].value];
  }
}

// Bytes per frame that a node needs: a kernel's packed rows and accumulators, or 64-bit copies of
// everything for the plain one.
static int64_t scratch_of(const struct golden *m, uint32_t id) {
  const struct node *n = &m->graph->nodes[id];
  const struct prepared *p = &m->nodes[id];
  if (p->table || is_alias(n)) return 0;
  if (p->packed) {
    const struct value *x = node_in(m->graph, n, 0);
    return value_elements(x) / x->shape[x->rank - 1] * (p->groups + p->outs) * 4 + 64;
  }
  int64_t elements = 0;
  for (uint32_t k = 0; k < n->n_in; k++) elements += value_elements(node_in(m->graph, n, k));
  for (uint32_t k = 0; k < n->n_out; k++) elements += value_elements(node_out(m->graph, n, k));
  return elements * (int64_t)sizeof(int64_t);
}

static void size_scratch(struct golden *m) {
  for (uint32_t i = 0; i < m->graph->n_nodes; i++) {
    int64_t bytes = scratch_of(m, i);
    m->scratch = bytes > m->scratch ? bytes : m->scratch;
  }
}

// The pixel table in bytes.
static void prepare_pixels(struct arena *a, struct golden *m) {
  const struct input *in = &m->graph->inputs[0];
  const struct place *p = &m->places[in->value];
  if (!p->narrow || in->source.tables != 1) return;
  uint8_t *pixels = ARENA_NEW(a, uint8_t, 256);
  for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)(in->source.table[i] - p->lowest);
  m->pixels = pixels;
}

struct golden *golden_new(struct arena *a, const struct graph *g, struct err *e) {
  if (!check(g, e)) return NULL;
  struct golden *m = ARENA_NEW(a, struct golden, 1);
  *m = (struct golden){.graph = g, .kernels = kernels_best()};
  m->order = ARENA_NEW(a, uint32_t, g->n_nodes);
  m->nodes = ARENA_NEW(a, struct prepared, g->n_nodes);
  m->places = ARENA_NEW(a, struct place, g->n_values);
  graph_order(g, m->order);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    int column = op_info(n->op)->column;
    if (column == COLUMN_LINEAR) golden_prepare_linear(a, m->kernels, g, n, &m->nodes[i]);
    if (column == COLUMN_POINTWISE) golden_prepare_pointwise(a, g, n, &m->nodes[i]);
  }
  lay_out(m);
  size_scratch(m);
  prepare_pixels(a, m);
  return m;
}

// ---- running a chunk

struct chunk {
  const struct golden *m;
  int64_t frames;         // in this chunk
  int64_t most;           // that there is room for
  unsigned char *work;    // the arrays of the values
  unsigned char *scratch; // reused by every node
  const void **parts;     // (inputs of the node that has most)
};

static void *array(const struct chunk *c, uint32_t value) {
  return c->work + c->m->places[value].offset * c->most;
}

// Element i of a value's array.
static int32_t load(const void *array, const struct place *p, int64_t i) {
  return p->narrow ? ((const uint8_t *)array)[i] + p->lowest : ((const int32_t *)array)[i];
}

static void store(void *array, const struct place *p, int64_t i, int64_t code) {
  if (p->narrow)
    ((uint8_t *)array)[i] = (uint8_t)(code - p->lowest);
  else
    ((int32_t *)array)[i] = (int32_t)code;
}

// The codes of an array.
static void widen(const void *array, const struct place *p, int64_t count, int32_t *codes) {
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
  int32_t zero = type_zero(&y->type, 0), lo = (int32_t)type_lowest(&y->type),
          hi = (int32_t)type_highest(&y->type);
  void *to = array(c, n->out[0]);
  if (p->shift_only && place->narrow) {
    k->requant8(out, acc, rq->shift[0], zero, lo, hi, (uint8_t *)to + r * out);
  } else if (p->shift_only) {
    k->requant32(out, acc, rq->shift[0], zero, lo, hi, (int32_t *)to + r * out);
  } else {
    for (int64_t o = 0; o < out; o++) {
      struct fix_target t = target_of(n, y, o);
      int64_t i = rq->count > 1 ? o : 0;
      store(to, place, r * out + o, fix_requant(acc[o], rq->mul[i], rq->shift[i], &t));
    }
  }
}

static void run_linear(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct kernels *k = c->m->kernels;
  const struct value *x = node_in(c->m->graph, n, 0);
  const void *from = array(c, n->in[0].value);
  int64_t in = x->shape[x->rank - 1], rows = c->frames * value_elements(x) / in;
  int32_t *acc = (int32_t *)(void *)(c->scratch + (rows * p->groups * 4 + 63) / 64 * 64);
  if (p->bytes) {
    const uint8_t *rows8 = pack_rows8(from, p, rows, in, c->scratch);
    k->linear8(rows, p->groups, p->outs, rows8, p->weight, p->bias, acc);
  } else {
    int16_t *rows16 = (int16_t *)(void *)c->scratch;
    pack_rows16(from, &c->m->places[n->in[0].value], p, rows, in, type_zero(&x->type, 0), rows16);
    k->linear16(rows, p->groups, p->outs, rows16, p->weight, p->bias, acc);
  }
  for (int64_t r = 0; r < rows; r++) requantise(c, n, p, acc + r * p->outs, r);
}

static void run_table(const struct chunk *c, const struct node *n, const struct prepared *p) {
  const struct value *v = node_in(c->m->graph, n, 0);
  const void *x = array(c, n->in[0].value);
  void *y = array(c, n->out[0]);
  int64_t count = c->frames * value_elements(v), lowest = type_lowest(&v->type);
  if (p->table8) {
    c->m->kernels->lookup8(count, x, p->table8, y);
    return;
  }
  const struct place *from = &c->m->places[n->in[0].value], *to = &c->m->places[n->out[0]];
  for (int64_t i = 0; i < count; i++) store(y, to, i, p->table[load(x, from, i) - lowest]);
}

// Widens the inputs, runs the plain kernel, narrows the outputs.
static void run_plain(const struct chunk *c, const struct node *n) {
  const struct graph *g = c->m->graph;
  const void **parts = c->parts;
  struct job j = {.graph = g, .node = n, .frames = c->frames, .parts = parts};
  int64_t *free_space = (int64_t *)(void *)c->scratch;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    const struct place *p = &c->m->places[n->in[i].value];
    int64_t count = value_elements(v) * (v->per_frame ? c->frames : 1);
    if (i < JOB_INPUTS) j.in[i] = array_of(v, free_space);
    parts[i] = free_space;
    for (int64_t k = 0; k < count; k++)
      free_space[k] = v->init ? tensor_int(v->init, k) : load(array(c, n->in[i].value), p, k);
    free_space += count;
  }
  for (uint32_t i = 0; i < n->n_out; i++) {
    j.out[i] = array_of(node_out(g, n, i), free_space);
    free_space += j.out[i].elements * c->frames;
  }
  if (!job_move(&j, sizeof(int64_t))) golden_fire(&j);
  for (uint32_t i = 0; i < n->n_out; i++)
    for (int64_t k = 0; k < j.out[i].elements * c->frames; k++)
      store(array(c, n->out[i]), &c->m->places[n->out[i]], k, ((int64_t *)j.out[i].data)[k]);
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

// ---- running

static void enter_pixels(const struct chunk *c, const uint8_t *pixels) {
  const struct input *in = &c->m->graph->inputs[0];
  int64_t count = c->frames * value_elements(&c->m->graph->values[in->value]);
  void *x = array(c, in->value);
  if (c->m->pixels) {
    c->m->kernels->lookup8(count, pixels, c->m->pixels, x);
    return;
  }
  for (int64_t i = 0; i < count; i++)
    store(x, &c->m->places[in->value], i,
          in->source.table[i % in->source.tables * 256 + pixels[i]]);
}

static void enter_codes(const struct chunk *c, const int32_t *codes) {
  uint32_t value = c->m->graph->inputs[0].value;
  int64_t count = c->frames * value_elements(&c->m->graph->values[value]);
  for (int64_t i = 0; i < count; i++) store(array(c, value), &c->m->places[value], i, codes[i]);
}

static void leave(const struct chunk *c, int64_t first, const struct golden_tap *taps,
                  uint32_t n_taps) {
  for (uint32_t t = 0; t < n_taps; t++) {
    int64_t size = value_elements(&c->m->graph->values[taps[t].value]);
    widen(array(c, taps[t].value), &c->m->places[taps[t].value], size * c->frames,
          taps[t].to + first * size);
  }
}

// Workspace for each thread, all of it taken by the thread that calls: only it can be rescued.
static struct chunk *chunks_new(struct arena *a, const struct golden *m, int64_t most,
                                int threads) {
  struct chunk *chunks = ARENA_NEW(a, struct chunk, threads);
  uint32_t parts = 0;
  for (uint32_t i = 0; i < m->graph->n_nodes; i++)
    if (m->graph->nodes[i].n_in > parts) parts = m->graph->nodes[i].n_in;
  for (int i = 0; i < threads; i++)
    chunks[i] = (struct chunk){.m = m,
                               .most = most,
                               .work = arena_alloc(a, (size_t)most, (size_t)m->workspace),
                               .scratch = arena_alloc(a, (size_t)most, (size_t)m->scratch + 64),
                               .parts = ARENA_NEW(a, const void *, parts + 1)};
  return chunks;
}

// What all threads of a run share: each takes the next chunk until there is none.
struct shares {
  struct chunk *chunks; // (threads)
  int64_t images, elements;
  const uint8_t *pixels;
  const int32_t *codes;
  const struct golden_tap *taps;
  uint32_t n_taps;
  atomic_llong next; // image
};

static void run_share(void *context, int share) {
  struct shares *s = context;
  struct chunk *c = &s->chunks[share];
  for (int64_t first; (first = atomic_fetch_add(&s->next, CHUNK)) < s->images;) {
    c->frames = s->images - first < CHUNK ? s->images - first : CHUNK;
    if (s->codes)
      enter_codes(c, s->codes + first * s->elements);
    else
      enter_pixels(c, s->pixels + first * s->elements);
    run_chunk(c);
    leave(c, first, s->taps, s->n_taps);
  }
}

// OpenMP keeps its threads from one run to the next, but ends the process if it can't have them:
// not where a caller is to be spared that.
static void run_shares(struct shares *s, struct arena *a, int threads) {
  if (threads == 1) {
    run_share(s, 0);
  } else if (arena_is_rescued()) {
    struct crew *crew = crew_new(a, threads);
    crew_run(crew, run_share, s);
    crew_free(crew);
  } else {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++) run_share(s, i);
  }
}

static void run(const struct golden *m, int64_t images, const uint8_t *pixels, const int32_t *codes,
                const struct golden_tap *taps, uint32_t n_taps) {
  struct arena a = {0};
  int64_t chunks = (images + CHUNK - 1) / CHUNK;
  int threads = chunks < thread_count() ? (int)chunks : thread_count();
  struct shares s = {.images = images,
                     .elements = value_elements(&m->graph->values[m->graph->inputs[0].value]),
                     .pixels = pixels,
                     .codes = codes,
                     .taps = taps,
                     .n_taps = n_taps};
  if (threads < 1) return;
  s.chunks = chunks_new(&a, m, images < CHUNK ? images : CHUNK, threads);
  run_shares(&s, &a, threads);
  arena_free(&a);
}

void golden_run_pixels(const struct golden *m, int64_t images, const uint8_t *pixels,
                       const struct golden_tap *taps, uint32_t n_taps) {
  run(m, images, pixels, NULL, taps, n_taps);
}

void golden_run_codes(const struct golden *m, int64_t images, const int32_t *codes,
                      const struct golden_tap *taps, uint32_t n_taps) {
  run(m, images, NULL, codes, taps, n_taps);
}
