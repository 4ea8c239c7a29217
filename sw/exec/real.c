// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/real.h"

#include "sw/base/pool.h"

#include <assert.h>
#include <string.h>

enum { CHUNK_MOST = 64, CHUNK_BYTES = 128 << 20 };

static void load(void *to, int64_t at, const struct value *v, int64_t i) {
  ((float *)to)[at] = (float)value_real(v, i);
}

void real_fire(const struct job *j) {
  static void (*const kernels[])(const struct job *) = {
#define YES(f) f
#define MOVE(f) NULL
#define NO(f) NULL
#define COLUMN(id, stem, golden, prepare, real, ...) real(real_##stem),
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO
  };
  void (*kernel)(const struct job *) = kernels[op_info(j->node->op)->column];
  if (kernel) kernel(j);
}

const struct element_kind real_kind = {sizeof(float), load, real_fire, true};

struct steps *real_steps(struct arena *a, const struct graph *g, int64_t frames) {
  return steps_new(a, g, frames, &real_kind);
}

// ---- inference

struct real {
  const struct graph *graph;
  int64_t chunk;     // frames that are computed at once
  void *room;        // of the thread that calls
  struct pool *pool; // NULL: it is alone
};

// What is made of weights alone is the same for all frames, and so is a scale that is given.
static bool links_frames(const struct node *n, const struct graph *g) {
  bool frames = false;
  for (uint32_t k = 0; k < n->n_in; k++) frames |= node_in(g, n, k)->per_frame;
  bool given = op_is(n->op, TRAIT_STATISTICS) && !op_is(n->op, TRAIT_AVERAGES) && n->n_in > 1;
  return frames && !given;
}

static bool check(const struct graph *g, struct err *e) {
  if (!g->n_inputs) return err_set(e, "the graph has 0 inputs, expected 1 or more");
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (!(op_info(n->op)->executors & EXECUTOR_REAL))
      return err_set(e, "layer \"%s\": %s isn't executed in floats", n->name, op_info(n->op)->name);
    if (node_int(n, ATTR_frames, 0) || op_is(n->op, TRAIT_HOLDS | TRAIT_REFERS))
      return err_set(e, "layer \"%s\": %s links images", n->name, op_info(n->op)->name);
    for (uint32_t k = 0; k < n->n_in; k++)
      if (n->in[k].delay)
        return err_set(e, "layer \"%s\": input \"%s\" is delayed", n->name, node_in(g, n, k)->name);
    bool linked = links_frames(n, g);
    for (uint32_t k = 0; k < n->n_out; k++)
      if (linked && !node_out(g, n, k)->per_frame)
        return err_set(e, "layer \"%s\": its output has no frames", n->name);
  }
  return true;
}

// ---- parts of a call: chunks

struct call {
  int64_t images;
  const uint8_t *pixels; // one of the two
  const float *floats;
  const struct real_tap *taps;
  uint32_t n_taps;
};

struct chunk {
  struct steps *steps;
  float **x; // (n_inputs) of (chunk, elements of the input)
  int64_t frames;
};

void real_pixels(const struct input *in, int64_t elements, int64_t frames, const uint8_t *pixels,
                 float *x) {
  for (int64_t i = 0; i < frames * elements; i++)
    x[i] = (float)source_real(&in->source, i, pixels[i]);
}

static void *room_new(struct arena *a, const void *model) {
  const struct real *r = model;
  const struct graph *g = r->graph;
  struct chunk *c = ARENA_NEW(a, struct chunk, 1);
  c->steps = real_steps(a, g, r->chunk);
  c->x = ARENA_NEW(a, float *, g->n_inputs);
  for (uint32_t k = 0; k < g->n_inputs; k++)
    c->x[k] = ARENA_NEW(a, float, r->chunk *value_elements(&g->values[g->inputs[k].value]));
  return c;
}

static int64_t frame_elements(const struct graph *g) {
  int64_t n = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++) n += value_elements(&g->values[g->inputs[i].value]);
  return n;
}

// Takes frames of all inputs apart.
static void enter_floats(const struct graph *g, const struct chunk *c, const float *floats) {
  int64_t all = frame_elements(g);
  for (uint32_t k = 0; k < g->n_inputs; k++) {
    int64_t n = value_elements(&g->values[g->inputs[k].value]);
    for (int64_t f = 0; f < c->frames; f++)
      memcpy(c->x[k] + f * n, floats + f * all, (size_t)n * sizeof *floats);
    floats += n;
  }
}

static void enter(const void *model, const void *task, void *room, int64_t part) {
  const struct call *call = task;
  const struct real *r = model;
  const struct graph *g = r->graph;
  struct chunk *c = room;
  int64_t elements = frame_elements(g), first = part * r->chunk, left = call->images - first;
  c->frames = left < r->chunk ? left : r->chunk;
  if (call->floats)
    enter_floats(g, c, call->floats + first * elements);
  else
    real_pixels(&g->inputs[0], elements, c->frames, call->pixels + first * elements, c->x[0]);
}

static void compute(const void *model, void *room) {
  (void)model;
  const struct chunk *c = room;
  steps_run_frames(c->steps, c->frames, (const void *const *)c->x);
}

static void leave(const void *model, const void *task, void *room, int64_t part) {
  const struct real *r = model;
  const struct graph *g = r->graph;
  const struct call *call = task;
  const struct chunk *c = room;
  for (uint32_t t = 0; t < call->n_taps; t++) {
    const struct value *v = &g->values[call->taps[t].value];
    const float *from = steps_value(c->steps, call->taps[t].value);
    int64_t size = value_elements(v), rows = v->per_frame ? 1 : c->frames;
    int64_t row = v->per_frame ? size * c->frames : size; // the same for each frame
    float *to = call->taps[t].to + part * r->chunk * size;
    for (int64_t i = 0; i < rows; i++) memcpy(to + i * row, from, (size_t)row * sizeof *to);
  }
}

// So many frames that large networks fit into memory.
static int64_t chunk_of(const struct graph *g) {
  int64_t bytes = 1;
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].per_frame) bytes += value_elements(&g->values[i]) * (int64_t)sizeof(float);
  int64_t chunk = CHUNK_BYTES / bytes;
  return chunk < 1 ? 1 : chunk > CHUNK_MOST ? CHUNK_MOST : chunk;
}

struct real *real_new(struct arena *a, const struct graph *g, struct err *e) {
  if (!check(g, e)) return NULL;
  struct real *r = ARENA_NEW(a, struct real, 1);
  r->graph = g;
  r->chunk = chunk_of(g);
  r->room = room_new(a, r);
  return r;
}

static const struct pool_work chunks = {room_new, enter, compute, leave};

void real_threads(struct arena *a, struct real *r, int threads) {
  assert(!r->pool);
  r->pool = pool_new(a, threads, r, &chunks);
}

void real_free(struct real *r) {
  if (r) pool_free(r->pool);
}

void real_run(const struct real *r, int64_t images, const uint8_t *pixels, const float *floats,
              const struct real_tap *taps, uint32_t n_taps) {
  struct call call = {images, pixels, floats, taps, n_taps};
  pool_run(r->pool, r, &chunks, &call, (images + r->chunk - 1) / r->chunk, r->room);
}
