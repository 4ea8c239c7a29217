// SPDX-License-Identifier: Apache-2.0
// What quantisation costs, layer by layer: the integers of the C model beside the floats of the
// float model, on the same images.
#include "cmd/run.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"

enum { BLOCK = 2048, COMPARED_MAX = 1 << 14 }; // images per call; that losses are taken from

// ---- one element

static struct histogram *histogram_new(struct arena *a, const struct value *v) {
  struct histogram *h = ARENA_NEW(a, struct histogram, 1);
  h->lowest = v->lo;
  h->step = (v->hi - v->lo) / LOSS_BINS + 1;
  h->bins = (int)((v->hi - v->lo) / h->step) + 1;
  h->least = v->hi;
  h->most = v->lo;
  return h;
}

static void count_code(struct layer_loss *l, int64_t code) {
  struct histogram *h = l->histogram;
  if (!h) return;
  h->count[(code - h->lowest) / h->step]++;
  if (code < h->least) h->least = code;
  if (code > h->most) h->most = code;
}

// ---- the input

// The stream that carries an input's values: behind the table, where bytes enter the circuit.
static const struct value *input_stream(const struct run *r, uint32_t input) {
  const struct value *x = &r->graph->values[r->graph->inputs[input].value];
  const char *name = arena_printf(r->arena, "%s.codes", x->name);
  int32_t inner = graph_find_value(r->graph, name);
  bool added = inner != NONE && (!r->real || graph_find_value(r->real, name) == NONE);
  return added ? &r->graph->values[inner] : x;
}

// `behind`: the codes behind the table, (count, elements), or NULL: those of the input itself.
static void add_input(struct run *r, uint32_t input, int64_t first, int64_t count,
                      const int32_t *codes, const int32_t *behind) {
  const struct value *x = input_stream(r, input);
  const struct images *part = images_part(&r->set, input);
  const struct source *source = r->real ? &r->real->inputs[input].source : NULL;
  int64_t before = 0;
  for (uint32_t i = 0; i < input; i++) before += images_part(&r->set, i)->elements;
  for (int64_t f = 0; f < count; f++)
    for (int64_t i = 0; i < part->elements; i++) {
      int64_t at = (first + f) * part->elements + i;
      int32_t code =
          behind ? behind[f * part->elements + i] : codes[f * r->set.elements + before + i];
      count_code(&r->losses[input], type_code(&x->type, code));
      if (!source) continue;
      double real = part->pixels ? source_real(source, i, part->pixels[at]) : images_real(part, at);
      stream_loss_add(&r->losses[input].of, &x->type, type_code(&x->type, code), real);
    }
}

// ---- layers

static void set_loss(struct run *r, uint32_t i, const char *name, uint32_t value) {
  r->losses[i] = (struct layer_loss){.name = name, .value = value};
  if (r->histograms) r->losses[i].histogram = histogram_new(r->arena, &r->graph->values[value]);
}

// The stream of the float model that a layer's is measured against: as it was before a requant that
// has given it its name.
static int32_t twin_of(const struct run *r, const struct node *n) {
  const struct value *y = node_out(r->graph, n, 0);
  int32_t twin = y && r->real ? graph_find_value(r->real, y->name) : NONE;
  int32_t maker = twin == NONE ? NONE : r->real->values[twin].node;
  bool narrowed = maker != NONE && op_is(r->real->nodes[maker].op, TRAIT_NARROWS);
  if (!narrowed || op_is(n->op, TRAIT_NARROWS | TRAIT_CASTS)) return twin;
  return (int32_t)r->real->nodes[maker].in[0].value;
}

// Whether the file says the type of what a layer gives: that it cuts is meant, as relu's part.
static bool is_told(const struct run *r, uint32_t twin) {
  for (uint32_t i = 0; i < r->real->n_nodes; i++) {
    const struct node *n = &r->real->nodes[i];
    if (op_is(n->op, TRAIT_NARROWS) && n->in[0].value == twin) return true;
  }
  return false;
}

static bool is_layer(const struct run *r, const struct node *n, int32_t twin) {
  const struct value *y = node_out(r->graph, n, 0);
  bool paired = !r->real || (twin != NONE && type_is_real(&r->real->values[twin].type));
  return y && paired && type_is_integer(&y->type) && y->type.axis < 0 && !op_is(n->op, TRAIT_ALIAS);
}

// Images per call: no more than there are, for what the arrays take.
static int64_t block_of(const struct run *r) {
  return r->set.count < BLOCK ? r->set.count : BLOCK;
}

// The layers that both graphs have: same node name, an integer output that isn't an index. Changes
// of shape repeat what they are made of.
static void pair_layers(struct run *r, struct golden_tap *taps, struct real_tap *real_taps) {
  const struct graph *g = r->graph;
  r->n_losses = g->n_inputs;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    const struct value *x = input_stream(r, i);
    taps[i].value = (uint32_t)graph_find_value(g, x->name);
    set_loss(r, i, g->values[g->inputs[i].value].name, taps[i].value);
    if (x->node != NONE) taps[i].to = ARENA_NEW(r->arena, int32_t, value_elements(x) * block_of(r));
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *node = &g->nodes[i];
    const struct value *y = node_out(g, node, 0);
    int32_t twin = twin_of(r, node);
    if (!is_layer(r, node, twin)) continue;
    uint32_t n = r->n_losses++;
    taps[n].value = node->out[0];
    taps[n].to = ARENA_NEW(r->arena, int32_t, value_elements(y) * block_of(r));
    if (r->real)
      real_taps[n] = (struct real_tap){(uint32_t)twin,
                                       ARENA_NEW(r->arena, float, value_elements(y) * block_of(r))};
    set_loss(r, n, node->name, node->out[0]);
  }
}

static void run_golden(struct run *r, const struct golden *m, int64_t first, int64_t count,
                       const struct golden_tap *taps, uint32_t n_taps) {
  struct arena a = {0};
  if (r->set.pixels)
    golden_run_pixels(m, count, r->set.pixels + first * r->set.elements, taps, n_taps);
  else
    golden_run_codes(m, count, images_codes(&a, r->graph, &r->set, first, count), taps, n_taps);
  arena_free(&a);
}

static bool run_real(struct run *r, const struct real *m, int64_t first, int64_t count,
                     const struct real_tap *taps, uint32_t n_taps, struct err *e) {
  struct arena a = {0};
  const uint8_t *pixels = r->set.pixels ? r->set.pixels + first * r->set.elements : NULL;
  float *floats = r->set.pixels ? NULL : ARENA_NEW(&a, float, count * r->set.elements);
  bool ok = !floats || images_floats(r->real, &r->set, first, count, floats, e);
  if (ok) real_run(m, count, pixels, floats, taps, n_taps);
  arena_free(&a);
  return ok;
}

// `floats`: of the float model, or NULL.
static void add_layer(struct layer_loss *l, const struct value *v, int64_t count,
                      const int32_t *codes, const float *floats) {
  for (int64_t i = 0; i < count * value_elements(v); i++) {
    int64_t code = type_code(&v->type, codes[i]);
    count_code(l, code);
    if (floats) stream_loss_add(&l->of, &v->type, code, (double)floats[i]);
  }
}

static bool add_losses(struct run *r, const struct golden *m, const struct real *real,
                       struct err *e) {
  int64_t images = r->set.count < COMPARED_MAX ? r->set.count : COMPARED_MAX;
  struct golden_tap *taps =
      ARENA_NEW(r->arena, struct golden_tap, r->graph->n_nodes + r->graph->n_inputs);
  struct real_tap *real_taps =
      ARENA_NEW(r->arena, struct real_tap, r->graph->n_nodes + r->graph->n_inputs);
  r->losses = ARENA_NEW(r->arena, struct layer_loss, r->graph->n_nodes + r->graph->n_inputs);
  pair_layers(r, taps, real_taps);
  uint32_t inputs = r->graph->n_inputs;
  struct golden_tap *wanted = ARENA_NEW(r->arena, struct golden_tap, r->n_losses);
  uint32_t n_wanted = 0;
  for (uint32_t k = 0; k < r->n_losses; k++)
    if (taps[k].to) wanted[n_wanted++] = taps[k]; // an input itself isn't computed
  for (int64_t i = 0; i < images; i += BLOCK) {
    int64_t count = images - i < BLOCK ? images - i : BLOCK;
    run_golden(r, m, i, count, wanted, n_wanted);
    if (real && !run_real(r, real, i, count, real_taps + inputs, r->n_losses - inputs, e))
      return false;
    struct arena a = {0};
    const int32_t *codes = images_codes(&a, r->graph, &r->set, i, count);
    for (uint32_t k = 0; k < inputs; k++) add_input(r, k, i, count, codes, taps[k].to);
    arena_free(&a);
    for (uint32_t k = inputs; k < r->n_losses; k++)
      add_layer(&r->losses[k], &r->graph->values[taps[k].value], count, taps[k].to,
                real ? real_taps[k].to : NULL);
  }
  for (uint32_t k = inputs; real && k < r->n_losses; k++)
    if (!is_told(r, real_taps[k].value))
      warnings_stream(r->arena, r->warnings, r->losses[k].name,
                      &r->graph->values[taps[k].value].type, &r->losses[k].of, false);
  return true;
}

bool run_losses(struct run *r, const struct golden *m, int threads, struct err *e) {
  struct real *real = r->real ? real_new(r->arena, r->real, e) : NULL;
  if (r->real && !real) return false;
  if (real) real_threads(r->arena, real, threads);
  bool ok = add_losses(r, m, real, e);
  if (real) real_free(real);
  return ok;
}
