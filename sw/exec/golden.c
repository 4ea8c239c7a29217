// SPDX-License-Identifier: Apache-2.0
// The fast golden model: each thread takes chunks of images through the whole graph, so that a
// chunk's arrays stay in its cache. Integers that fit are kept in bytes.
//
//   pixels -> codes -> [linear: multiply, requantise] -> [table look-up] -> ... -> taps
#include "sw/exec/golden_parts.h"
#include "sw/exec/steps.h"
#include "sw/plan/memory.h"

#include <assert.h>
#include <string.h>

enum { CHUNK_MOST = 64, CHUNK_LEAST = 2, CHUNK_BYTES = 1 << 18, ALIGNMENT = 64, BEYOND = 64 };

const char *golden_kernels(void) {
  return kernels_best()->name;
}

// ---- preparing

static bool supported(const struct graph *g, const struct node *n, struct err *e) {
  if (!(op_info(n->op)->executors & EXECUTOR_GOLDEN))
    return err_set(e, "%s isn't executed", op_info(n->op)->name);
  if (op_is(n->op, TRAIT_HOLDS | TRAIT_REFERS)) return err_set(e, "it holds state");
  if (node_int(n, ATTR_frames, 0)) return err_set(e, "it sums over frames");
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  for (uint32_t i = 0; i < n->n_out; i++)
    if (!node_out(g, n, i)->per_frame) return err_set(e, "its output has no frames");
  return true;
}

static bool check(const struct graph *g, struct err *e) {
  if (!g->n_inputs) return err_set(e, "the graph has 0 inputs, expected 1 or more");
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!supported(g, &g->nodes[i], e)) return err_within(e, "layer \"%s\"", g->nodes[i].name);
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    if (!type_is_integer(&v->type)) return err_set(e, "value \"%s\" is real", v->name);
    if (!v->init && type_stream_width(&v->type) > STREAM_BITS_MAX)
      return err_set(e,
                     "value \"%s\" is an accumulator of %d bits that isn't fused with its requant",
                     v->name, type_stream_width(&v->type));
  }
  return true;
}

// How a value is stored; a reshaped one as what it is made of.
static struct place stored(const struct graph *g, uint32_t value) {
  const struct value *v = &g->values[value];
  while (v->node != NONE && golden_is_alias(&g->nodes[v->node]))
    v = node_in(g, &g->nodes[v->node], 0);
  bool narrow = !v->init && value_is_narrow(v);
  return (struct place){.narrow = narrow,
                        .lowest = narrow ? (int32_t)type_lowest(&v->type) : 0,
                        .bits = !v->init && type_highest(&v->type) > INT32_MAX};
}

// Order and addresses are the plan's, per frame.
static void lay_out(struct arena *a, struct golden *m) {
  const struct graph *g = m->graph;
  struct arena scratch = {0};
  int64_t *bytes = ARENA_NEW(&scratch, int64_t, g->n_values);
  for (uint32_t i = 0; i < g->n_values; i++) {
    m->places[i] = stored(g, i);
    bytes[i] = value_elements(&g->values[i]) * (m->places[i].narrow ? 1 : 4);
  }
  const struct memory_needs needs = {.bytes = bytes, .keep = m->keep, .align = ALIGNMENT};
  const struct plan *plan = memory_plan(&scratch, g, &needs);
  const int64_t *address = memory_addresses(&scratch, plan);
  m->order = memory_order(a, plan);
  m->workspace = plan->machine.resources[MEMORY_ARENA].bytes;
  for (uint32_t i = 0; i < g->n_values; i++) m->places[i].offset = address[i];
  arena_free(&scratch);
}

// Bytes that a node needs: a kernel's, or 64-bit copies of everything for the plain one.
static int64_t scratch_of(const struct golden *m, uint32_t id) {
  const struct node *n = &m->graph->nodes[id];
  const struct prepared *p = &m->nodes[id];
  if (p->table || p->largest || p->reorder || p->joined || p->mean || golden_is_alias(n)) return 0;
  if (p->packed) return golden_rows_scratch(m->graph, n, p, m->chunk);
  int64_t elements = 0;
  for (uint32_t k = 0; k < n->n_in; k++) elements += value_elements(node_in(m->graph, n, k));
  for (uint32_t k = 0; k < n->n_out; k++) elements += value_elements(node_out(m->graph, n, k));
  return m->chunk * elements * (int64_t)sizeof(int64_t);
}

// Many frames make long matrices, few stay in a cache.
static void size_chunk(struct golden *m) {
  m->chunk = CHUNK_BYTES / (m->workspace + 1);
  if (m->chunk > CHUNK_MOST) m->chunk = CHUNK_MOST;
  if (m->chunk < CHUNK_LEAST) m->chunk = CHUNK_LEAST;
}

static void size_scratch(struct golden *m) {
  for (uint32_t i = 0; i < m->graph->n_nodes; i++) {
    int64_t bytes = scratch_of(m, i);
    m->scratch = bytes > m->scratch ? bytes : m->scratch;
  }
}

// The pixel table in bytes.
static void prepare_pixels(struct arena *a, struct golden *m) {
  if (!m->graph->n_inputs) return;
  const struct input *in = &m->graph->inputs[0];
  const struct place *p = &m->places[in->value];
  if (!p->narrow || in->source.tables != 1) return;
  uint8_t *pixels = ARENA_NEW(a, uint8_t, 256);
  for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)(in->source.table[i] - p->lowest);
  m->pixels = pixels;
}

struct golden *golden_planned(struct arena *a, const struct graph *g, const bool *keep,
                              struct err *e) {
  if (!check(g, e)) return NULL;
  struct golden *m = ARENA_NEW(a, struct golden, 1);
  *m = (struct golden){.graph = g, .kernels = kernels_best(), .keep = keep};
  m->nodes = ARENA_NEW(a, struct prepared, g->n_nodes);
  m->places = ARENA_NEW(a, struct place, g->n_values);
  if (golden_is_sequence(g)) {
    m->steps = steps_new(a, g, 1, &golden_kind);
    return m;
  }
  for (uint32_t i = 0; i < g->n_nodes; i++)
    golden_prepare(a, m->kernels, g, &g->nodes[i], &m->nodes[i]);
  lay_out(a, m);
  size_chunk(m);
  size_scratch(m);
  prepare_pixels(a, m);
  return m;
}

struct golden *golden_new(struct arena *a, const struct graph *g, struct err *e) {
  return golden_planned(a, g, NULL, e);
}

int64_t golden_bytes(const struct golden *m) {
  return m->steps ? (int64_t)steps_bytes(m->steps) : m->workspace;
}

// ---- running

static void enter_pixels(const struct chunk *c, const uint8_t *pixels) {
  const struct input *in = &c->m->graph->inputs[0];
  int64_t count = c->frames * value_elements(&c->m->graph->values[in->value]);
  void *x = golden_array(c, in->value);
  if (c->m->pixels) {
    c->m->kernels->lookup8(count, pixels, c->m->pixels, x);
    return;
  }
  for (int64_t i = 0; i < count; i++)
    golden_store(x, &c->m->places[in->value], i, source_code(&in->source, i, pixels[i]));
}

// Elements of a frame, of all inputs.
static int64_t frame_elements(const struct graph *g) {
  int64_t n = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++) n += value_elements(&g->values[g->inputs[i].value]);
  return n;
}

static void enter_codes(const struct chunk *c, const int32_t *codes) {
  const struct graph *g = c->m->graph;
  int64_t all = frame_elements(g);
  for (uint32_t k = 0; k < g->n_inputs; k++) {
    uint32_t value = g->inputs[k].value;
    int64_t n = value_elements(&g->values[value]);
    for (int64_t f = 0; f < c->frames; f++)
      for (int64_t i = 0; i < n; i++)
        golden_store(golden_array(c, value), &c->m->places[value], f * n + i, codes[f * all + i]);
    codes += n;
  }
}

bool golden_keeps(const struct golden *m, uint32_t value) {
  bool kept = !m->keep || m->keep[value];
  for (uint32_t i = 0; i < m->graph->n_outputs; i++) kept |= m->graph->outputs[i] == value;
  return kept;
}

static void leave_taps(const struct chunk *c, int64_t first, const struct golden_tap *taps,
                       uint32_t n_taps) {
  for (uint32_t t = 0; t < n_taps; t++) {
    int64_t size = value_elements(&c->m->graph->values[taps[t].value]);
    assert(golden_keeps(c->m, taps[t].value));
    golden_widen(golden_array(c, taps[t].value), &c->m->places[taps[t].value], size * c->frames,
                 taps[t].to + first * size);
  }
}

// ---- parts of a call: chunks

static struct chunk *chunk_new(struct arena *a, const struct golden *m, int64_t most) {
  struct chunk *c = ARENA_NEW(a, struct chunk, 1);
  uint32_t inputs = 1;
  for (uint32_t i = 0; i < m->graph->n_nodes; i++)
    if (m->graph->nodes[i].n_in > inputs) inputs = m->graph->nodes[i].n_in;
  *c = (struct chunk){.m = m,
                      .most = most,
                      .work = arena_alloc(a, 1, (size_t)(most * m->workspace) + BEYOND),
                      .scratch = arena_alloc(a, 1, (size_t)m->scratch + BEYOND),
                      .parts = ARENA_NEW(a, const void *, inputs)};
  return c;
}

static void *room_new(struct arena *a, const void *model) {
  const struct golden *m = model;
  return chunk_new(a, m, m->chunk);
}

static void enter(const void *model, const void *task, void *room, int64_t part) {
  const struct golden *m = model;
  const struct golden_call *call = task;
  struct chunk *c = room;
  int64_t first = part * m->chunk, left = call->images - first;
  int64_t from = first * frame_elements(m->graph);
  c->frames = left < m->chunk ? left : m->chunk;
  if (call->codes)
    enter_codes(c, call->codes + from);
  else
    enter_pixels(c, call->pixels + from);
}

static void compute(const void *model, void *room) {
  (void)model;
  golden_chunk(room);
}

static void leave(const void *model, const void *task, void *room, int64_t part) {
  const struct golden *m = model;
  const struct golden_call *call = task;
  leave_taps(room, part * m->chunk, call->taps, call->n_taps);
}

static const struct pool_work chunks = {room_new, enter, compute, leave};

void golden_threads(struct arena *a, struct golden *m, int threads) {
  assert(!m->pool);
  if (m->steps) return; // a frame waits for the one before
  m->pool = pool_new(a, threads, m, &chunks);
}

void golden_free(struct golden *m) {
  if (m) pool_free(m->pool);
  if (m && m->steps) steps_free(m->steps);
}

static void run(const struct golden *m, const struct golden_call *call) {
  struct arena a = {0};
  if (!call->images) return;
  if (m->steps) {
    golden_sequence(m, call);
    return;
  }
  struct chunk *room = chunk_new(&a, m, call->images < m->chunk ? call->images : m->chunk);
  pool_run(m->pool, m, &chunks, call, (call->images + m->chunk - 1) / m->chunk, room);
  arena_free(&a);
}

void golden_run_pixels(const struct golden *m, int64_t images, const uint8_t *pixels,
                       const struct golden_tap *taps, uint32_t n_taps) {
  run(m, &(struct golden_call){images, pixels, NULL, taps, n_taps});
}

void golden_run_codes(const struct golden *m, int64_t images, const int32_t *codes,
                      const struct golden_tap *taps, uint32_t n_taps) {
  run(m, &(struct golden_call){images, NULL, codes, taps, n_taps});
}
