// SPDX-License-Identifier: Apache-2.0
#include "sw/train/qat.h"

#include "quant/scale.h"
#include "sw/exec/fake_quant.h"
#include "sw/graph/weights.h"
#include "sw/pass/copy.h"
#include "sw/pass/fold_norm.h"

#include <math.h>
#include <string.h>

enum {
  LEARNED_BITS_MAX = 4, // weights of more are covered: a scale that saturates gains them little
  ROOMY_BITS = 8,       // of a stream
  FINER = 4,            // by so many bits biases of few-bit weights are finer than their products
  BIAS_BITS = 32,
  WIDTH_MAX = 22 // a float of the sum that becomes such a code has two bits more (sw/exec/odd.h)
};

// log2 of a stream's scale.
struct exponent {
  bool known;
  int32_t value; // of the new model; NONE: it is
  double constant;
};

struct building {
  struct arena *arena;
  struct graph *from;        // the float model
  const struct graph *fixed; // what it becomes without training
  struct formats formats;
  struct graph_copy copy;
  struct exponent *exponent; // (values of from)
  struct qat *q;
  struct err *err;
};

// ---- parts

static uint32_t add_numbers(struct building *b, const char *name, int64_t count, const double *v,
                            bool fixed) {
  struct tensor *t = tensor_new(b->arena, DTYPE_F32, 1, &count);
  for (int64_t i = 0; i < count; i++) ((float *)t->data)[i] = (float)v[i];
  if (fixed) b->q->fixed[b->q->n_fixed++] = arena_strdup(b->arena, name);
  return graph_add_tensor(b->copy.to, name, t, type_real());
}

// fake_quant of value x, with scales or without; `out` gets its two outputs.
static void add_fake_quant(struct building *b, const char *name, uint32_t x, int32_t t,
                           struct type type, bool channels, uint32_t out[2]) {
  struct graph *g = b->copy.to;
  struct value v = g->values[x];
  uint32_t node = graph_add_node(g, OP_fake_quant, name);
  int64_t count = t != NONE ? value_elements(&g->values[t]) : channels ? v.shape[0] : 1;
  graph_add_use(g, node, (struct use){x, 0, NONE});
  if (t != NONE) graph_add_use(g, node, (struct use){(uint32_t)t, 0, NONE});
  graph_add_type(g, node, ATTR_type, type);
  if (t == NONE && channels) graph_add_int(g, node, ATTR_axis, 0);
  out[0] = graph_add_value(g, name, v.rank, v.shape, type_real(), v.per_frame);
  out[1] = graph_add_value(g, arena_printf(b->arena, "%s.exponent", name), 1, &count, type_real(),
                           false);
  graph_add_out(g, node, out[0]);
  graph_add_out(g, node, out[1]);
}

static bool is_power(double scale) {
  int exponent;
  return frexp(scale, &exponent) == 0.5;
}

// The types whose codes floats can be trained on.
static bool check_type(struct building *b, const struct type *t, const char *what) {
  if (type_width(t) > WIDTH_MAX)
    return err_set(
        b->err,
        "%s has type %s: codes of at most %d bits are trained on, which floats hold with "
        "what rounds to them",
        what, type_text(b->arena, t), WIDTH_MAX);
  bool whole = type_is_fixed(t) || type_is_bipolar(t) || t->cls == TYPE_TERNARY;
  for (int64_t c = 0; whole && c < t->channels; c++)
    whole = is_power(type_scale(t, c)) && type_zero(t, c) == 0;
  return whole ||
         err_set(b->err,
                 "%s has type %s: only W,F, uW,F, bipolar and ternary, of scales that are powers "
                 "of two, are trained on (quantize can give this type after training)",
                 what, type_text(b->arena, t));
}

// ---- weights

// The exponent at which nothing of a run saturates, or of the four below it the one of the least
// squared error.
static double best_exponent(const struct type *unit, const float *x, int64_t count) {
  int covering = fake_quant_exponent(unit, NULL, x, count), best = covering;
  double least = INFINITY;
  for (int e = covering; e > covering - 4; e--) {
    double sum = 0, scale = ldexp(1, e);
    for (int64_t i = 0; i < count; i++) {
      double code = fmin(fmax(rint((double)x[i] / scale), (double)type_lowest(unit)),
                         (double)type_highest(unit));
      sum += pow((double)x[i] - code * scale, 2);
    }
    if (sum < least) best = e;
    least = fmin(least, sum);
  }
  return best;
}

// The same of signs: their scale is the mean of what they are of.
static double sign_exponent(const float *x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += fabs((double)x[i]);
  return sum > 0 ? rint(log2(sum / (double)count)) : 0;
}

// Half below the exponent that it rounds up to, the same way from both neighbours.
static double between(double exponent) {
  return exponent - 0.5;
}

// First scales of weights, (scales) logarithms.
static double *first_scales(struct building *b, const struct type *unit, const struct tensor *w,
                            int64_t scales) {
  double *t = ARENA_NEW(b->arena, double, scales);
  int64_t run = w->count / scales;
  float *x = ARENA_NEW(b->arena, float, w->count);
  for (int64_t i = 0; i < w->count; i++) x[i] = (float)tensor_real(w, i);
  for (int64_t c = 0; c < scales; c++)
    t[c] = between(type_is_bipolar(unit) ? sign_exponent(x + c * run, run)
                                         : best_exponent(unit, x + c * run, run));
  return t;
}

// The type of scale 1 that a layer's weights have.
static bool weight_unit(struct building *b, const struct node *n, const struct format *f,
                        struct type *unit) {
  const struct value *w = node_in(b->from, n, 1);
  int width = f->weight_width;
  enum type_class cls = f->weight_class;
  if (f->weight == WEIGHT_TYPE) {
    if (!check_type(b, &f->weight_type, w->name)) return false;
    cls = f->weight_type.cls;
    width = type_width(&f->weight_type);
  }
  if (cls == TYPE_MINIFLOAT || cls == TYPE_BLOCK || cls == TYPE_RESIDUAL)
    return err_set(
        b->err,
        "weights of minifloats, blocks and residuals aren't trained on: only W, W,F, bipolar and "
        "ternary (quantize can give them after training)");
  if (cls == TYPE_BIPOLAR && value_connections(w) < value_elements(w))
    return err_set(b->err,
                   "the mask of \"%s\" cuts connections, which bipolar has no 0 for: try ternary",
                   w->name);
  *unit = cls == TYPE_FIXED ? type_fixed(b->arena, width, true, 1, 0) : type_of_class(cls);
  return check_type(b, unit, w->name);
}

// Input 1 of a layer: its codes, and log2 of their scales.
static bool add_weights(struct building *b, const struct node *n, const struct format *f,
                        uint32_t out[2]) {
  const struct value *w = node_in(b->from, n, 1);
  const char *name = arena_printf(b->arena, "%s.codes", w->name),
             *t_name = arena_printf(b->arena, "%s.scale", w->name);
  struct format own = *f;
  struct type unit;
  if (type_is_integer(&w->type)) {
    own.weight = WEIGHT_TYPE;
    own.weight_type = w->type;
  }
  if (!weight_unit(b, n, &own, &unit)) return false;
  bool given = own.weight == WEIGHT_TYPE;
  bool learned = !given && (!type_is_fixed(&unit) || type_width(&unit) <= LEARNED_BITS_MAX);
  bool channels = given ? own.weight_type.axis == 0 : own.weight == WEIGHT_CHANNEL;
  int64_t scales = channels ? w->shape[0] : 1;
  int32_t t = NONE;
  if (given) {
    double *e = ARENA_NEW(b->arena, double, scales);
    for (int64_t c = 0; c < scales; c++) e[c] = log2(type_scale(&own.weight_type, c));
    t = (int32_t)add_numbers(b, t_name, scales, e, true);
  } else if (learned) {
    t = (int32_t)add_numbers(b, t_name, scales, first_scales(b, &unit, w->init, scales), false);
    b->q->learned++;
  }
  uint32_t x = copy_value(&b->copy, n->in[1].value);
  b->q->weights++;
  add_fake_quant(b, name, x, t, unit, channels, out);
  return true;
}

// Input 2: whole numbers of units of the products, or of finer ones.
static uint32_t add_bias(struct building *b, const struct node *n, const uint32_t weights[2],
                         int bits) {
  struct graph *g = b->copy.to;
  const struct value *bias = node_in(b->from, n, 2);
  const char *name = arena_printf(b->arena, "%s.codes", bias->name);
  uint32_t x = copy_value(&b->copy, n->in[2].value), out[2];
  struct exponent input = b->exponent[n->in[0].value];
  if (!input.known) return x;
  if (input.value == NONE)
    input.value = (int32_t)add_numbers(b, arena_printf(b->arena, "%s.input", bias->name), 1,
                                       &input.constant, true);
  uint32_t node = graph_add_node(g, OP_add, arena_printf(b->arena, "%s.scale", bias->name));
  graph_add_use(g, node, (struct use){weights[1], 0, NONE});
  graph_add_use(g, node, (struct use){(uint32_t)input.value, 0, NONE});
  struct value e = g->values[weights[1]];
  uint32_t sum = graph_add_value(g, g->nodes[node].name, e.rank, e.shape, type_real(), false);
  graph_add_out(g, node, sum);
  int finer = bits <= LEARNED_BITS_MAX ? FINER : 0;
  struct type unit = type_fixed(b->arena, BIAS_BITS, true, ldexp(1, -finer), 0);
  add_fake_quant(b, name, x, (int32_t)sum, unit, false, out);
  return out[0];
}

// ---- streams

// What a value's type says of its scale.
static struct exponent constant_exponent(const struct type *t) {
  return (struct exponent){true, NONE, log2(type_scale(t, 0))};
}

// A requantisation of value x (of `from`, which is now called something else) behind node n.
static void add_requant(struct building *b, const char *name, uint32_t value, struct type type,
                        const struct node *modes) {
  struct graph *g = b->copy.to;
  uint32_t x = (uint32_t)b->copy.value[value];
  struct value v = g->values[x];
  uint32_t node = graph_add_node(g, OP_requant, name);
  graph_add_use(g, node, (struct use){x, 0, NONE});
  graph_add_type(g, node, ATTR_type, type);
  if (modes) {
    g->nodes[node].rounding = modes->rounding;
    g->nodes[node].overflow = modes->overflow;
  }
  uint32_t out = graph_add_value(g, name, v.rank, v.shape, type_real(), v.per_frame);
  graph_add_out(g, node, out);
  b->copy.value[value] = (int32_t)out;
  b->exponent[value] = constant_exponent(&type);
}

// Where there are bits to spare, half of them are room for what training makes larger.
static int room(const struct type *t) {
  return type_width(t) > ROOMY_BITS ? (type_width(t) - ROOMY_BITS) / 2 : 0;
}

// The same with a scale that is trained.
static void add_learned(struct building *b, const char *name, uint32_t value, struct type type) {
  double t = between(log2(type_scale(&type, 0)) + room(&type));
  uint32_t scale = add_numbers(b, arena_printf(b->arena, "%s.scale", name), 1, &t, false), out[2];
  struct type unit = type_fixed(b->arena, type_width(&type), type.is_signed, 1, 0);
  add_fake_quant(b, name, (uint32_t)b->copy.value[value], (int32_t)scale, unit, false, out);
  b->copy.value[value] = (int32_t)out[0];
  b->exponent[value] = (struct exponent){true, (int32_t)out[1], 0};
  b->q->learned++;
}

// The node of the model without training that gives the stream of this name, in front of reshapes
// (of a norm that became a convolution); NULL: none has it.
static const struct node *fixed_node(const struct building *b, const char *value) {
  const struct graph *g = b->fixed;
  int32_t v = graph_find_value(g, value), node = v == NONE ? NONE : g->values[v].node;
  while (node != NONE && op_is(g->nodes[node].op, TRAIT_ALIAS)) {
    int32_t before = g->values[g->nodes[node].in[0].value].node;
    if (before == NONE) break;
    node = before;
  }
  return node == NONE ? NULL : &g->nodes[node];
}

static const struct type *fixed_type(const struct building *b, const char *value) {
  int32_t v = graph_find_value(b->fixed, value);
  return v == NONE ? NULL : &b->fixed->values[v].type;
}

// What is requantised by a layer of its own already.
static bool is_narrowed(const struct building *b, uint32_t value) {
  const struct graph *g = b->from;
  uint32_t readers = 0, narrows = 0;
  for (uint32_t i = 0; i < g->n_outputs; i++) readers += g->outputs[i] == value;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (g->nodes[i].in[k].value != value) continue;
      readers++;
      narrows += op_is(g->nodes[i].op, TRAIT_NARROWS);
    }
  return readers == 1 && narrows == 1;
}

// Its codes are those of its input, or there are none.
static bool keeps_codes(const struct building *b, const struct node *n) {
  const struct node *made = fixed_node(b, node_out(b->from, n, 0)->name);
  if (op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS | TRAIT_SKIPPED | TRAIT_INDEX | TRAIT_NARROWS))
    return true;
  bool host = op_is(n->op, TRAIT_HOST) && n->where == WHERE_HOST;
  if (made && op_is(made->op, TRAIT_MAPS) && type_is_bipolar(&node_out(b->fixed, made, 0)->type))
    return false; // a relu of signs gives 0, which they have no code for
  return host || !made ||
         (made->n_rq == 0 && !node_attr(made, ATTR_table) && !node_attr(made, ATTR_codes));
}

// Whether the layer in front does what this one does, in a type that has nothing else.
static bool is_absorbed(const struct building *b, const struct node *n) {
  const struct node *made = fixed_node(b, node_out(b->from, n, 0)->name);
  return made && op_is(n->op, TRAIT_MAPS) && !op_is(n->op, TRAIT_NARROWS) && made->op != n->op;
}

static bool requantise(struct building *b, const struct node *n, const char *name,
                       const struct format *f) {
  const struct value *y = node_out(b->from, n, 0);
  const struct type *t = fixed_type(b, y->name);
  const struct node *made = fixed_node(b, y->name);
  if (!check_type(b, t, y->name)) return false;
  if (t->axis >= 0) return err_set(b->err, "a stream of several scales isn't trained on");
  bool modes = made->rounding != FIX_HALF_EVEN || made->overflow != FIX_SATURATE;
  if (!f->stream_auto || !type_is_fixed(t))
    add_requant(b, name, n->out[0], *t, op_info(n->op)->curve == NONE ? made : NULL);
  else if (modes)
    return err_set(b->err, "its scale is trained with rounding half_even and saturation only: "
                           "give --precision W,F");
  else
    add_learned(b, name, n->out[0], *t);
  return true;
}

// ---- layers

// What is put around a frame has a code.
static void settle_padding(struct building *b, const struct node *n, uint32_t node) {
  const struct node *made = fixed_node(b, node_out(b->from, n, 0)->name);
  const struct attr *codes = made ? node_attr(made, ATTR_codes) : NULL;
  if (!op_is(n->op, TRAIT_REORDERS) || !codes) return;
  double value = type_value(&node_out(b->fixed, made, 0)->type, 0, codes->ints[0]);
  struct node *to = &b->copy.to->nodes[node];
  for (uint32_t i = 0; i < to->n_attr; i++)
    if (to->attr[i].name == ATTR_value) to->attr[i].real = value;
}

// A norm in between leaves nothing whole.
static bool is_normalised(const struct building *b, uint32_t value) {
  const struct graph *g = b->from;
  bool norm = false;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      norm |= g->nodes[i].in[k].value == value && op_is(g->nodes[i].op, TRAIT_AVERAGES);
  return norm;
}

static bool add_weighted(struct building *b, const struct node *n, const struct format *f) {
  struct node made = *n;
  uint32_t weights[2], bias = 0;
  if (!node_in(b->from, n, 1)->init || n->in[1].delay)
    return err_set(b->err, "its weights are computed, only constant ones are quantised");
  if (!add_weights(b, n, f, weights)) return false;
  const struct type *unit =
      &node_attr(&b->copy.to->nodes[b->copy.to->values[weights[0]].node], ATTR_type)->type;
  if (n->n_in > 2)
    bias = !is_normalised(b, n->out[0])
               ? add_bias(b, n, weights, type_is_fixed(unit) ? type_width(unit) : 1)
               : copy_value(&b->copy, n->in[2].value);
  made.n_in = 1;
  uint32_t node = copy_made(&b->copy, &made, n->name);
  b->copy.node[n - b->from->nodes] = (int32_t)node;
  graph_add_use(b->copy.to, node, (struct use){weights[0], 0, NONE});
  if (n->n_in > 2) graph_add_use(b->copy.to, node, (struct use){bias, 0, NONE});
  copy_outputs(&b->copy, n, node);
  return true;
}

static bool add_layer(struct building *b, const struct node *n) {
  struct format f;
  struct err ignored = {0};
  if (!formats_of(&b->formats, n, &f, &ignored)) f = b->formats.defaults;
  if (n->n_in) b->exponent[n->out[0]] = b->exponent[n->in[0].value];
  if (is_absorbed(b, n)) {
    b->copy.value[n->out[0]] = b->copy.value[n->in[0].value];
    return requantise(b, n, n->name, &f);
  }
  if (op_is(n->op, TRAIT_WEIGHTS)) {
    if (!add_weighted(b, n, &f)) return false;
  } else {
    uint32_t node = copy_node(&b->copy, n, n->name);
    copy_outputs(&b->copy, n, node);
    settle_padding(b, n, node);
  }
  if (op_is(n->op, TRAIT_NARROWS)) {
    const struct type *t = &node_attr(n, ATTR_type)->type;
    if (!check_type(b, t, n->name)) return false;
    b->exponent[n->out[0]] = constant_exponent(t);
  }
  bool narrowed = is_narrowed(b, n->out[0]);
  if (keeps_codes(b, n) && !narrowed) return true;
  b->copy.to->nodes[b->copy.node[n - b->from->nodes]].odd = true; // it is rounded once more
  if (narrowed) return true;
  return requantise(b, n, arena_printf(b->arena, "%s.requant", n->name), &f);
}

static bool add_input(struct building *b, const struct input *in) {
  const struct value *v = &b->from->values[in->value];
  const struct type *t = fixed_type(b, v->name);
  if (!check_type(b, t, v->name)) return false;
  if (is_narrowed(b, in->value)) return true;
  add_requant(b, arena_printf(b->arena, "%s.requant", v->name), in->value, *t, NULL);
  return true;
}

static bool build(struct building *b) {
  const struct graph *g = b->from;
  copy_inputs(&b->copy);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (!add_input(b, &g->inputs[i]))
      return err_within(b->err, "input \"%s\"", g->values[g->inputs[i].value].name);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!add_layer(b, &g->nodes[i])) return err_within(b->err, "layer \"%s\"", g->nodes[i].name);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    graph_add_output_as(b->copy.to, (uint32_t)b->copy.value[g->outputs[i]],
                        g->values[g->outputs[i]].name);
  return graph_verify(b->copy.to, b->err);
}

struct qat *qat_new(struct arena *a, struct graph *model, const struct load *l, struct err *e) {
  struct model m;
  struct building b = {.arena = a, .from = model, .copy = copy_new(a, model), .err = e};
  b.q = ARENA_NEW(a, struct qat, 1);
  if (!load_formats(a, l, &b.formats, e) || !load_graph(a, model, l, NULL, &m, e)) return NULL;
  if (!m.fixed) {
    err_put(e, "which types? --precision W,F, as in --precision 8,3, or W alone, or --formats");
    return NULL;
  }
  b.fixed = m.fixed;
  b.exponent = ARENA_NEW(a, struct exponent, model->n_values);
  b.q->fixed = ARENA_NEW(a, const char *, 2 * (int64_t)model->n_values + model->n_nodes + 1);
  b.q->model = b.copy.to;
  return build(&b) ? b.q : NULL;
}
