// SPDX-License-Identifier: Apache-2.0
// What quantisation costs, layer by layer: the integers of the C model beside the floats of the
// float model, on the same images.
#include "cmd/run.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"

enum { BLOCK = 2048, COMPARED_MAX = 1 << 14 }; // images per call; that losses are taken from

// ---- the input

// What the float model sees at element `at` of all images.
static double input_real(const struct run *r, int64_t at) {
  const struct source *s = &r->real->inputs[0].source;
  if (!r->set.pixels) return images_real(&r->set, at);
  int64_t c = s->channels > 1 ? at % s->channels : 0;
  return (r->set.pixels[at] / 255.0 - s->mean[c]) / s->std[c];
}

// The stream that carries the input's values: behind the table, where bytes enter the circuit.
static const struct value *input_stream(const struct run *r) {
  const struct value *x = &r->graph->values[r->graph->inputs[0].value];
  const char *name = arena_printf(r->arena, "%s.codes", x->name);
  int32_t inner = graph_find_value(r->graph, name);
  bool added = inner != NONE && graph_find_value(r->real, name) == NONE;
  return added ? &r->graph->values[inner] : x;
}

static void add_input(struct run *r, int64_t first, int64_t count, const int32_t *codes) {
  const struct value *x = input_stream(r);
  struct arena a = {0};
  if (!codes) codes = images_codes(&a, r->graph, &r->set, first, count);
  for (int64_t i = 0; i < count * r->set.elements; i++)
    stream_loss_add(&r->losses[0].of, &x->type, type_code(&x->type, codes[i]),
                    input_real(r, first * r->set.elements + i));
  arena_free(&a);
}

// ---- layers

// The layers that both graphs have: same node name, an integer output that isn't an index. Changes
// of shape repeat what they are made of.
static void pair_layers(struct run *r, struct golden_tap *taps, struct real_tap *real_taps) {
  const struct graph *g = r->graph;
  const struct value *x = input_stream(r);
  r->losses[0].name = g->values[g->inputs[0].value].name;
  r->n_losses = 1;
  if (x->node != NONE)
    taps[0] = (struct golden_tap){(uint32_t)graph_find_value(g, x->name),
                                  ARENA_NEW(r->arena, int32_t, value_elements(x) * BLOCK)};
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *node = &g->nodes[i];
    const struct value *y = node_out(g, node, 0);
    int32_t twin = y ? graph_find_value(r->real, y->name) : NONE;
    if (twin == NONE || !type_is_real(&r->real->values[twin].type) || y->type.axis >= 0 ||
        op_is(node->op, TRAIT_ALIAS))
      continue;
    uint32_t n = r->n_losses++;
    taps[n].value = node->out[0];
    taps[n].to = ARENA_NEW(r->arena, int32_t, value_elements(y) * BLOCK);
    real_taps[n].value = (uint32_t)twin;
    real_taps[n].to = ARENA_NEW(r->arena, float, value_elements(y) * BLOCK);
    r->losses[n].name = node->name;
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
  bool ok = !floats || images_floats(&r->set, first, count, floats, e);
  if (ok) real_run(m, count, pixels, floats, taps, n_taps);
  arena_free(&a);
  return ok;
}

static bool add_losses(struct run *r, const struct golden *m, const struct real *real,
                       struct err *e) {
  int64_t images = r->set.count < COMPARED_MAX ? r->set.count : COMPARED_MAX;
  struct golden_tap *taps = ARENA_NEW(r->arena, struct golden_tap, r->graph->n_nodes + 1);
  struct real_tap *real_taps = ARENA_NEW(r->arena, struct real_tap, r->graph->n_nodes + 1);
  r->losses = ARENA_NEW(r->arena, struct loss, r->graph->n_nodes + 1);
  pair_layers(r, taps, real_taps);
  uint32_t skip = taps[0].to ? 0 : 1; // the input itself isn't computed
  for (int64_t i = 0; i < images; i += BLOCK) {
    int64_t count = images - i < BLOCK ? images - i : BLOCK;
    run_golden(r, m, i, count, taps + skip, r->n_losses - skip);
    if (!run_real(r, real, i, count, real_taps + 1, r->n_losses - 1, e)) return false;
    add_input(r, i, count, taps[0].to);
    for (uint32_t k = 1; k < r->n_losses; k++) {
      const struct value *v = &r->graph->values[taps[k].value];
      for (int64_t n = 0; n < count * value_elements(v); n++)
        stream_loss_add(&r->losses[k].of, &v->type, type_code(&v->type, taps[k].to[n]),
                        (double)real_taps[k].to[n]);
    }
  }
  for (uint32_t k = 1; k < r->n_losses; k++)
    warnings_stream(r->arena, r->warnings, r->losses[k].name, &r->graph->values[taps[k].value].type,
                    &r->losses[k].of, false);
  return true;
}

bool run_losses(struct run *r, const struct golden *m, int threads, struct err *e) {
  struct real *real = real_new(r->arena, r->real, e);
  if (!real) return false;
  real_threads(r->arena, real, threads);
  bool ok = add_losses(r, m, real, e);
  real_free(real);
  return ok;
}
