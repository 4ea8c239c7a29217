// SPDX-License-Identifier: Apache-2.0
// The integers of all images, value after value: each node runs alone, once, on all of them.
#include "quant/calibrate_parts.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/exact.h"
#include "sw/graph/interval.h"

#include <string.h>

enum { BLOCK_ELEMENTS = 1 << 22 };

// ---- what inputs see

static uint32_t root_of(const struct calibrator *c, uint32_t value) {
  while (c->frames[value].same != NONE) value = (uint32_t)c->frames[value].same;
  return value;
}

static bool is_stream(const struct graph *g, const struct node *n, uint32_t k) {
  return n->in[k].delay || !node_in(g, n, k)->init;
}

bool calibrate_known(const struct quantizer *q, const struct node *n) {
  const struct calibrator *c = q->calibrator;
  bool known = true;
  for (uint32_t k = 0; k < n->n_in; k++) {
    if (!is_stream(c->graph, n, k)) continue;
    bool computed = c->frames[root_of(c, n->in[k].value)].codes != NULL;
    bool declared = n->in[k].delay && q->value[n->in[k].value] != NONE;
    known &= computed || (declared && c->floats);
  }
  return known;
}

// A frame of floats as codes of the type that the value has.
static const int32_t *encoded(const struct quantizer *q, const struct node *n, uint32_t k,
                              const float *floats, const struct tensor *tensor) {
  const struct type *t = &q->to->values[q->value[n->in[k].value]].type;
  int64_t elements = value_elements(node_in(q->from, n, k));
  int32_t *codes = ARENA_NEW(q->calibrator->arena, int32_t, elements);
  for (int64_t i = 0; i < elements; i++)
    codes[i] = (int32_t)type_encode(t, tensor ? tensor_real(tensor, i) : (double)floats[i]);
  return codes;
}

const int32_t *calibrate_codes(const struct quantizer *q, const struct node *n, uint32_t k,
                               int64_t frame) {
  const struct calibrator *c = q->calibrator;
  const struct use *u = &n->in[k];
  const struct frames *x = &c->frames[root_of(c, u->value)];
  int64_t at = frame - u->delay, elements = value_elements(node_in(q->from, n, k));
  if (at < 0) return encoded(q, n, k, NULL, q->from->values[u->initial].init);
  if (x->codes) return x->codes + at * elements;
  return encoded(q, n, k, c->floats[u->value] + at * elements, NULL);
}

void calibrate_reals(const struct quantizer *q, const struct node *n, uint32_t k, int64_t frame,
                     double *to) {
  const struct calibrator *c = q->calibrator;
  const struct use *u = &n->in[k];
  const struct frames *x = &c->frames[root_of(c, u->value)];
  int64_t at = frame - u->delay, elements = value_elements(node_in(q->from, n, k));
  const struct tensor *initial = at < 0 ? q->from->values[u->initial].init : NULL;
  const float *from = x->reals ? x->reals : initial ? NULL : c->floats[u->value];
  for (int64_t i = 0; i < elements; i++)
    to[i] = initial ? tensor_real(initial, i) : (double)from[at * elements + i];
}

void calibrate_values(const struct quantizer *q, const struct node *n, uint32_t k, int64_t frame,
                      bool scaled, double *to) {
  const struct type *t = quantize_type_in(q, n, k);
  const int32_t *codes = calibrate_codes(q, n, k, frame);
  int64_t elements = value_elements(node_in(q->from, n, k));
  for (int64_t i = 0; i < elements; i++) {
    int64_t channel = t->axis < 0 ? 0 : i % t->channels;
    to[i] = scaled ? type_value(t, channel, type_code(t, codes[i]))
                   : (double)type_integer(t, channel, type_code(t, codes[i]));
  }
}

// ---- one node as a graph

static void add_inputs(struct graph *to, uint32_t node, const struct graph *g, const struct node *n,
                       const struct chosen *own) {
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = node_in(g, n, k);
    const char *name = arena_printf(to->arena, "in%u", k);
    uint32_t id;
    if (is_stream(g, n, k)) {
      id = graph_add_value(to, name, v->rank, v->shape, v->type, true);
      graph_add_input(to, id, (struct source){0});
    } else {
      bool chosen = own && own->codes && k == 1;
      id =
          graph_add_tensor(to, name, chosen ? own->codes : v->init, chosen ? own->weight : v->type);
      to->values[id].mask = v->mask;
    }
    graph_add_use(to, node, (struct use){id, 0, NONE});
  }
}

// A copy of the node between inputs and outputs of its own; with what was chosen of it.
static struct graph *alone(struct arena *a, const struct graph *g, const struct node *n,
                           const struct chosen *own, struct err *e) {
  struct graph *to = graph_new(a, n->name);
  uint32_t node = graph_add_node(to, n->op, n->name);
  add_inputs(to, node, g, n, own);
  for (uint32_t i = 0; i < n->n_attr; i++) *graph_add_attr(to, node, n->attr[i].name) = n->attr[i];
  for (uint32_t i = 0; i < n->n_rq; i++)
    graph_add_requant(to, node, n->rq[i].count, n->rq[i].mul, n->rq[i].shift);
  to->nodes[node].rounding = n->rounding;
  to->nodes[node].overflow = n->overflow;
  to->nodes[node].where = n->where;
  for (uint32_t i = 0; i < n->n_out; i++) {
    const struct value *v = node_out(g, n, i);
    uint32_t id =
        graph_add_value(to, arena_printf(a, "out%u", i), v->rank, v->shape, v->type, true);
    graph_add_out(to, node, id);
    graph_add_output(to, id);
  }
  if (!graph_verify(to, e)) return NULL;
  graph_ranges(to);
  return to;
}

static int64_t inputs_elements(const struct graph *g) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++) sum += value_elements(&g->values[g->inputs[i].value]);
  return sum;
}

// How many frames are computed at once.
static int64_t block_of(const struct graph *g, int64_t frames) {
  int64_t elements = inputs_elements(g);
  for (uint32_t i = 0; i < g->n_outputs; i++) elements += value_elements(&g->values[g->outputs[i]]);
  int64_t block = BLOCK_ELEMENTS / elements + 1;
  return block < frames ? block : frames;
}

// ---- in floats

bool calibrate_floats(struct quantizer *q, const struct node *n, const struct chosen *own,
                      bool real, void *to, calibrate_take take) {
  struct calibrator *c = q->calibrator;
  struct arena a = {0};
  struct graph *g = alone(&a, q->from, n, own, q->err);
  struct real *r = g ? real_new(&a, g, q->err) : NULL;
  if (!r) {
    arena_free(&a);
    return false;
  }
  real_threads(&a, r, c->how.threads);
  int64_t each = value_elements(&g->values[g->outputs[0]]), block = block_of(g, c->set->count);
  float *x = ARENA_NEW(&a, float, block *inputs_elements(g)),
        *y = ARENA_NEW(&a, float, block *each);
  double *numbers = ARENA_NEW(&a, double, inputs_elements(g));
  for (int64_t f = 0; f < c->set->count; f += block) {
    int64_t count = c->set->count - f < block ? c->set->count - f : block;
    float *at = x;
    for (int64_t i = f; i < f + count; i++)
      for (uint32_t k = 0; k < n->n_in; k++) {
        if (!is_stream(q->from, n, k)) continue;
        int64_t elements = value_elements(node_in(q->from, n, k));
        if (real)
          calibrate_reals(q, n, k, i, numbers);
        else
          calibrate_values(q, n, k, i, true, numbers);
        for (int64_t e = 0; e < elements; e++) *at++ = (float)numbers[e];
      }
    real_run(r, count, NULL, x, &(struct real_tap){g->outputs[0], y}, 1);
    take(to, count * each, y);
  }
  real_free(r);
  arena_free(&a);
  return true;
}

// ---- in integers

static bool room_for(struct quantizer *q, const struct value *v, int64_t count) {
  double bytes = 4.0 * (double)value_elements(v) * (double)count;
  return bytes <= CALIBRATE_BYTES_MOST ||
         err_set(q->err, "calibrate: output \"%s\" of %lld images takes %.0f MB: give fewer images",
                 v->name, (long long)count, bytes / 1e6);
}

static bool run_integers(struct quantizer *q, const struct node *n, const struct graph *g,
                         struct arena *a) {
  struct calibrator *c = q->calibrator;
  struct golden *m = golden_new(a, g, q->err);
  if (!m) return false;
  golden_threads(a, m, c->how.threads);
  int64_t in = inputs_elements(g), block = block_of(g, c->set->count);
  int32_t *x = ARENA_NEW(a, int32_t, block * in);
  struct golden_tap *taps = ARENA_NEW(a, struct golden_tap, n->n_out);
  for (int64_t f = 0; f < c->set->count; f += block) {
    int64_t count = c->set->count - f < block ? c->set->count - f : block;
    int32_t *at = x;
    for (int64_t i = f; i < f + count; i++)
      for (uint32_t k = 0; k < n->n_in; k++) {
        if (!is_stream(q->from, n, k)) continue;
        int64_t elements = value_elements(node_in(q->from, n, k));
        memcpy(at, calibrate_codes(q, n, k, i), (size_t)elements * sizeof *at);
        at += elements;
      }
    for (uint32_t i = 0; i < n->n_out; i++)
      taps[i] = (struct golden_tap){g->outputs[i], c->frames[n->out[i]].codes +
                                                       f * value_elements(node_out(q->from, n, i))};
    golden_run_codes(m, count, x, taps, n->n_out);
  }
  golden_free(m);
  return true;
}

// What nobody will read any more is freed.
static void release(struct calibrator *c, const struct node *n) {
  for (uint32_t k = 0; k < n->n_in; k++) {
    struct frames *x = &c->frames[root_of(c, n->in[k].value)];
    if (x->readers && --x->readers == 0 && x->codes) {
      arena_free(&x->memory);
      x->codes = NULL;
      x->reals = NULL;
    }
  }
}

static bool is_read(const struct calibrator *c, const struct node *n) {
  bool read = false;
  for (uint32_t i = 0; i < n->n_out; i++) read |= c->frames[n->out[i]].readers > 0;
  return read;
}

// The integers have been cut off already, by their type; the floats haven't.
static void cut_reals(const struct calibrator *c, const struct node *n, struct frames *x) {
  struct exact_reals reals = exact_reals_of(n);
  int64_t count = value_elements(node_in(c->graph, n, 0)) * c->set->count;
  for (int64_t i = 0; i < count; i++)
    x->reals[i] = (float)exact_of(n->op)->real((double)x->reals[i], &reals);
}

void calibrate_same(struct quantizer *q, const struct node *n) {
  struct calibrator *c = q->calibrator;
  uint32_t root = root_of(c, n->in[0].value);
  if (c->frames[root].reals && calibrate_cuts_nothing(q, n)) cut_reals(c, n, &c->frames[root]);
  c->frames[n->out[0]].same = (int32_t)root;
  c->frames[root].readers += c->frames[n->out[0]].readers;
  release(c, n);
}

// Appends to the floats of a value.
struct floats {
  float *to;
};

static void append(void *to, int64_t count, const float *values) {
  struct floats *f = to;
  memcpy(f->to, values, (size_t)count * sizeof *values);
  f->to += count;
}

// What the float model has of the first output, if a layer with weights may ask.
static bool run_reals(struct quantizer *q, const struct node *n) {
  struct calibrator *c = q->calibrator;
  struct frames *y = &c->frames[n->out[0]];
  int64_t elements = value_elements(node_out(q->from, n, 0));
  if (c->how.method != CALIBRATE_GPTQ) return true;
  y->reals = ARENA_NEW(&y->memory, float, elements * c->set->count);
  return calibrate_floats(q, n, NULL, true, &(struct floats){y->reals}, append);
}

bool calibrate_ran(struct quantizer *q, const struct node *n, uint32_t node) {
  struct calibrator *c = q->calibrator;
  struct arena a = {0};
  bool ok = true;
  if (op_is(n->op, TRAIT_ALIAS) && !n->in[0].delay) {
    calibrate_same(q, n);
    return true;
  }
  if (is_read(c, n)) {
    for (uint32_t i = 0; ok && i < n->n_out; i++) {
      const struct value *v = node_out(q->from, n, i);
      struct frames *y = &c->frames[n->out[i]];
      ok = room_for(q, v, c->set->count);
      if (ok) y->codes = ARENA_NEW(&y->memory, int32_t, value_elements(v) * c->set->count);
    }
    struct graph *g = ok ? alone(&a, q->to, &q->to->nodes[node], NULL, q->err) : NULL;
    ok = g && run_integers(q, n, g, &a) && run_reals(q, n);
  }
  release(c, n);
  arena_free(&a);
  return ok;
}

void calibrate_inputs_done(struct quantizer *q) {
  struct calibrator *c = q->calibrator;
  struct arena a = {0};
  struct err unused = {0}; // the floats have been looked at
  float *frame = ARENA_NEW(&a, float, c->set->elements);
  for (uint32_t i = 0; i < q->from->n_inputs; i++) {
    struct frames *x = &c->frames[q->from->inputs[i].value];
    int64_t count = images_part(c->set, i)->elements * c->set->count;
    x->codes = ARENA_NEW(&x->memory, int32_t, count);
    x->reals = ARENA_NEW(&x->memory, float, count);
  }
  for (int64_t f = 0; f < c->set->count; f++) {
    const float *from = frame;
    images_floats(q->from, c->set, f, 1, frame, &unused);
    for (uint32_t i = 0; i < q->from->n_inputs; i++) {
      uint32_t value = q->from->inputs[i].value;
      const struct type *t = &q->to->values[q->value[value]].type;
      int64_t elements = images_part(c->set, i)->elements;
      for (int64_t k = f * elements; k < (f + 1) * elements; k++) {
        c->frames[value].reals[k] = *from++;
        c->frames[value].codes[k] = (int32_t)type_encode(t, (double)c->frames[value].reals[k]);
      }
    }
  }
  arena_free(&a);
}
