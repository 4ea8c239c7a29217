// SPDX-License-Identifier: Apache-2.0
#include "quant/calibrate.h"

#include "quant/calibrate_parts.h"
#include "quant/scale.h"
#include "sw/exec/real.h"
#include "sw/graph/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_MOST = 1 << 20, INNER_WIDTH = 8 };

// ---- words

static const char *const methods[] = {[CALIBRATE_GPTQ] = "gptq",
                                      [CALIBRATE_MSE] = "mse",
                                      [CALIBRATE_MAX] = "max",
                                      [CALIBRATE_PERCENTILE] = "percentile",
                                      [CALIBRATE_ENTROPY] = "entropy"};

const char *calibrate_method_text(enum calibrate_method m) {
  return methods[m];
}

bool calibrate_method_parse(const char *text, struct calibrate_how *how) {
  const char *colon = strchr(text, ':');
  size_t length = colon ? (size_t)(colon - text) : strlen(text);
  how->percentile = 99.9;
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (strlen(methods[i]) != length || strncmp(text, methods[i], length) != 0) continue;
    how->method = (enum calibrate_method)i;
    if (!colon) return true;
    char *end;
    how->percentile = strtod(colon + 1, &end);
    return i == CALIBRATE_PERCENTILE && end != colon + 1 && !*end && how->percentile >= 50 &&
           how->percentile <= 100;
  }
  return false;
}

// ---- the values of a stream

int64_t calibrate_step(int64_t count, int64_t most, int64_t period) {
  int64_t step = (count + most - 1) / most;
  for (;; step++) {
    int64_t a = period, b = step;
    while (b) {
      int64_t rest = a % b;
      a = b;
      b = rest;
    }
    if (a == 1) return step;
  }
}

// Those that its scale is chosen by, and what is known of all.
struct values {
  struct arena *arena;
  float *kept; // (count) every step-th
  int64_t count, step, seen;
  double most, least;
  const struct node *cut; // what the only reader makes of them first; NULL: nothing
};

static struct values values_new(struct arena *a, int64_t frames, int64_t elements,
                                const struct node *cut) {
  int64_t total = frames * elements, step = calibrate_step(total, SAMPLE_MOST, elements);
  return (struct values){
      .arena = a, .kept = ARENA_NEW(a, float, total / step + 1), .step = step, .cut = cut};
}

static void values_add(struct values *v, int64_t count, const float *from) {
  struct exact_reals reals = {0};
  if (v->cut) reals = exact_reals_of(v->cut);
  for (int64_t i = 0; i < count; i++, v->seen++) {
    double x = from[i];
    if (v->cut) x = exact_of(v->cut->op)->real(x, &reals);
    v->most = fmax(v->most, fabs(x));
    v->least = fmin(v->least, x);
    if (v->seen % v->step == 0) v->kept[v->count++] = (float)x;
  }
}

// A type of so many bits for them: unsigned if none is negative.
static struct type type_of_values(struct arena *a, const struct calibrate_how *how,
                                  const struct values *v, int width) {
  bool is_signed = v->least < 0 && width > 1;
  struct sample s = {v->kept, v->count, v->most, fix_lowest(width, is_signed),
                     fix_highest(width, is_signed)};
  return type_fixed(a, width, is_signed, scale_of_sample(&s, how), 0);
}

// ---- what a kind does to the type of its stream

// Cuts values off and changes no other: relu and the like.
static bool is_cut(const struct node *n) {
  return op_is(n->op, TRAIT_MAPS) && !op_is(n->op, TRAIT_CASTS | TRAIT_NARROWS) &&
         op_info(n->op)->curve == NONE && exact_of(n->op)->monotone && !op_info(n->op)->slopes;
}

static bool is_largest(const struct node *n) {
  return op_is(n->op, TRAIT_WINDOWS) && !op_takes(n->op, ATTR_count_pad);
}

// The only node that reads a value, undelayed; NULL.
static const struct node *only_reader(const struct graph *g, uint32_t value) {
  const struct node *reader = NULL;
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == value) return NULL;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (g->nodes[i].in[k].value != value) continue;
      if (reader || g->nodes[i].in[k].delay) return NULL;
      reader = &g->nodes[i];
    }
  return reader;
}

// Whether a value is a result, or becomes one without being computed with.
static bool is_last(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == value) return true;
  bool read = false;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    for (uint32_t k = 0; k < n->n_in; k++) {
      if (n->in[k].value != value) continue;
      bool through = op_is(n->op, TRAIT_ALIAS) || is_cut(n) || is_largest(n);
      read = true;
      if (n->in[k].delay ||
          !(op_is(n->op, TRAIT_HOST | TRAIT_INDEX) || (through && is_last(g, n->out[0]))))
        return false;
    }
  }
  return read;
}

// Whether layers with weights multiply what a value holds: its width is what they cost.
static bool is_multiplied(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    bool through = op_is(n->op, TRAIT_ALIAS | TRAIT_SKIPPED | TRAIT_REORDERS | TRAIT_PARTS) ||
                   is_cut(n) || is_largest(n);
    bool multiplies = op_is(n->op, TRAIT_WEIGHTS) ||
                      !(op_is(n->op, TRAIT_MAPS | TRAIT_JOINS | TRAIT_WINDOWS) || through);
    for (uint32_t k = 0; k < n->n_in; k++)
      if (n->in[k].value == value && (multiplies || (through && is_multiplied(g, n->out[0]))))
        return true;
  }
  return false;
}

static bool is_average(const struct node *n) {
  return op_is(n->op, TRAIT_WINDOWS) && op_takes(n->op, ATTR_count_pad);
}

// Bits of a layer's stream: averages, and what only activations, additions and averages read, have
// a few more, which cost little there.
static int stream_width(const struct calibrator *c, const struct node *n, const struct format *f) {
  int width = type_width(&f->stream);
  if (f->stream_own || !n->n_out) return width;
  if (is_last(c->graph, n->out[0])) return c->how.output_width ? c->how.output_width : width;
  bool inner = is_average(n) || !is_multiplied(c->graph, n->out[0]);
  return inner && width < INNER_WIDTH ? INNER_WIDTH : width;
}

// The type that its inputs have, where that loses nothing; false: it has to be chosen.
static bool kept_type(struct quantizer *q, const struct node *n, struct type *t) {
  const struct type *x = quantize_type_in(q, n, 0);
  if (!x || !type_is_fixed(x) || x->axis >= 0) return false;
  *t = *x;
  if (is_largest(n)) return true;
  if (op_is(n->op, TRAIT_PARTS)) {
    for (uint32_t k = 1; k < n->n_in; k++) {
      const struct type *other = quantize_type_in(q, n, k);
      if (!other || !type_equal(x, other)) return false;
    }
    return true;
  }
  if (!is_cut(n)) return false;
  struct exact_reals reals = exact_reals_of(n);
  bool below = exact_of(n->op)->real(type_value(x, 0, type_lowest(x)), &reals) < 0;
  if (below || !x->is_signed) return true;
  if (type_zero(x, 0) != 0 || x->width < 2) return false;
  *t = type_fixed(q->arena, x->width - 1, false, type_scale(x, 0), 0);
  return true;
}

bool calibrate_cuts_nothing(const struct quantizer *q, const struct node *n) {
  struct format f;
  struct err unused = {0};
  if (!q->calibrator || !is_cut(n) || n->in[0].delay) return false;
  const struct type *x = quantize_type_in(q, n, 0);
  bool only = only_reader(q->from, n->in[0].value) == n && node_in(q->from, n, 0)->node != NONE;
  if (!x || !type_is_fixed(x) || x->axis >= 0 || !only || !formats_of(q->formats, n, &f, &unused) ||
      !f.stream_auto || f.stream_own)
    return false;
  struct exact_reals reals = exact_reals_of(n);
  double lo = type_value(x, 0, type_lowest(x)), hi = type_value(x, 0, type_highest(x));
  return exact_of(n->op)->real(lo, &reals) == lo && exact_of(n->op)->real(hi, &reals) == hi;
}

// ---- the whole model in floats, for streams that are read before they are computed

static bool run_floats(struct quantizer *q) {
  struct calibrator *c = q->calibrator;
  const struct graph *g = c->graph;
  double bytes = 0;
  if (c->floats) return true;
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].node != NONE) bytes += 4.0 * (double)value_elements(&g->values[i]);
  if (bytes * (double)c->set->count > CALIBRATE_BYTES_MOST)
    return err_set(q->err, "calibrate: all values of %lld frames take %.0f MB: give fewer",
                   (long long)c->set->count, bytes * (double)c->set->count / 1e6);
  c->floats = ARENA_NEW(c->arena, float *, g->n_values);
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].node != NONE)
      c->floats[i] = ARENA_NEW(c->arena, float, value_elements(&g->values[i]) * c->set->count);
  struct arena a = {0};
  struct steps *s = real_steps(&a, g, 1);
  const void **in = ARENA_NEW(&a, const void *, g->n_inputs);
  float *frame = ARENA_NEW(&a, float, c->set->elements);
  bool ok = true;
  for (int64_t f = 0; ok && f < c->set->count; f++) {
    ok = images_floats(g, c->set, f, 1, frame, q->err);
    for (uint32_t i = 0, at = 0; i < g->n_inputs; i++) {
      in[i] = frame + at;
      at += (uint32_t)images_part(c->set, i)->elements;
    }
    if (ok) steps_run(s, in);
    for (uint32_t i = 0; ok && i < g->n_values; i++) {
      int64_t n = value_elements(&g->values[i]);
      if (c->floats[i]) memcpy(c->floats[i] + f * n, steps_value(s, i), (size_t)n * sizeof(float));
    }
  }
  steps_free(s);
  arena_free(&a);
  return ok;
}

// ---- streams

static bool collect(struct quantizer *q, const struct node *n, bool known, struct values *v) {
  struct calibrator *c = q->calibrator;
  if (known) {
    const struct chosen *own = &c->chosen[n - c->graph->nodes];
    return calibrate_floats(q, n, own->codes ? own : NULL, false, v, (calibrate_take)values_add);
  }
  if (!run_floats(q)) return false;
  values_add(v, value_elements(node_out(c->graph, n, 0)) * c->set->count, c->floats[n->out[0]]);
  return true;
}

static bool choose_stream(struct quantizer *q, const struct node *n, bool known, int width,
                          struct type *t) {
  struct calibrator *c = q->calibrator;
  struct arena a = {0};
  const struct node *reader = only_reader(c->graph, n->out[0]);
  struct values v = values_new(&a, c->set->count, value_elements(node_out(c->graph, n, 0)),
                               reader && is_cut(reader) ? reader : NULL);
  bool ok = collect(q, n, known, &v);
  if (ok && v.most == 0) c->constant[c->n_constant++] = n->name;
  if (ok) *t = type_of_values(q->arena, &c->how, &v, width);
  arena_free(&a);
  return ok;
}

// What is read before it is computed is taken from the whole model in floats.
static bool needs_floats(const struct quantizer *q, const struct node *n) {
  const struct calibrator *c = q->calibrator;
  bool needs = false;
  for (uint32_t k = 0; k < n->n_in; k++)
    needs |= n->in[k].delay && q->value[n->in[k].value] != NONE && !calibrate_known(q, n);
  return needs && !c->floats;
}

bool calibrate_node(struct quantizer *q, const struct node *n, bool own_type, struct format *f) {
  struct calibrator *c = q->calibrator;
  struct chosen *own = &c->chosen[n - c->graph->nodes];
  if (needs_floats(q, n) && !run_floats(q)) return false;
  bool known = calibrate_known(q, n);
  if (known && op_is(n->op, TRAIT_WEIGHTS) && !own->weighed && !calibrate_weights(q, n, f, own))
    return false;
  if (own_type || !f->stream_auto || op_is(n->op, TRAIT_INDEX)) return true;
  bool free = f->stream_own || (n->n_out && is_last(c->graph, n->out[0]));
  if (!own->streamed && (free || !kept_type(q, n, &own->stream)) &&
      !choose_stream(q, n, known, stream_width(c, n, f), &own->stream))
    return false;
  own->streamed = true;
  f->stream = own->stream;
  return true;
}

bool calibrate_input(struct quantizer *q, uint32_t input, int width, struct type *t) {
  struct calibrator *c = q->calibrator;
  const struct images *part = images_part(c->set, input);
  const struct source *source = &c->graph->inputs[input].source;
  struct arena a = {0};
  struct values v = values_new(&a, c->set->count, part->elements, NULL);
  float *frame = ARENA_NEW(&a, float, c->set->elements);
  int64_t before = 0;
  bool ok = true;
  for (uint32_t i = 0; i < input; i++) before += images_part(c->set, i)->elements;
  for (int64_t f = 0; ok && f < c->set->count; f++) {
    ok = images_floats(c->graph, c->set, f, 1, frame, q->err);
    if (ok) values_add(&v, part->elements, frame + before);
  }
  for (int64_t i = 0; i < source->channels && part->pixels; i++) // whether there is a black one
    v.least = fmin(v.least, source_real(source, i, 0));
  if (ok) *t = type_of_values(q->arena, &c->how, &v, width);
  arena_free(&a);
  return ok;
}

// ---- the whole

struct calibrator *calibrator_new(struct arena *a, const struct graph *g, const struct images *set,
                                  const struct calibrate_how *how, struct err *e) {
  if (set->count < CALIBRATE_IMAGES_MIN) {
    err_put(e, "calibrate: %s has %lld images, at least %d say something", set->name,
            (long long)set->count, CALIBRATE_IMAGES_MIN);
    return NULL;
  }
  struct calibrator *c = ARENA_NEW(a, struct calibrator, 1);
  *c = (struct calibrator){.arena = a,
                           .graph = g,
                           .set = set,
                           .how = *how,
                           .frames = ARENA_NEW(a, struct frames, g->n_values),
                           .chosen = ARENA_NEW(a, struct chosen, g->n_nodes),
                           .constant = ARENA_NEW(a, const char *, g->n_nodes)};
  for (uint32_t i = 0; i < g->n_values; i++) c->frames[i].same = NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) c->frames[g->nodes[i].in[k].value].readers++;
  return c;
}

void calibrator_free(struct calibrator *c) {
  for (uint32_t i = 0; c && i < c->graph->n_values; i++) arena_free(&c->frames[i].memory);
}

uint32_t calibrate_constant(const struct calibrator *c, const char *const **names) {
  *names = c->constant;
  return c->n_constant;
}
