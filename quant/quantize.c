// SPDX-License-Identifier: Apache-2.0
#include "quant/quantize.h"

#include "quant/calibrate.h"
#include "quant/quantize_layer.h"
#include "quant/quantize_weights.h"
#include "sw/base/nearest_word.h"
#include "sw/graph/interval.h"

#include <math.h>
#include <string.h>

bool graph_is_real(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_values; i++)
    if (type_is_real(&g->values[i].type)) return true;
  return false;
}

// ---- nodes

const struct type *quantize_type_in(const struct quantizer *q, const struct node *n, uint32_t i) {
  if (i >= n->n_in || q->value[n->in[i].value] == NONE) return NULL;
  return &q->to->values[q->value[n->in[i].value]].type;
}

struct type quantize_type_kept(const struct quantizer *q, const struct node *n, uint32_t out,
                               const struct format *f) {
  const struct type *t = quantize_type_in(q, n, 0);
  (void)out;
  return t ? *t : f->stream;
}

const struct quant_column *quant_column_of(enum op op) {
  static const struct quant_column *const columns[] = {
#define YES(f) &f
#define NO(f) NULL
#define COLUMN(id, stem, golden, prepare, real, quant, ...) quant(quant_##stem),
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef NO
  };
  return columns[op_info(op)->column];
}

static void copy_facts(struct quantizer *q, const struct node *n, uint32_t node,
                       const struct format *f) {
  struct node *to = &q->to->nodes[node];
  bool free_choice = op_info(n->op)->curve == NONE;
  bool placed = f->where != NONE && op_is(n->op, TRAIT_HOST);
  to->where = placed ? (enum where)f->where : n->where;
  if (f->rounding != NONE && free_choice) to->rounding = (enum fix_rounding)f->rounding;
  if (f->overflow != NONE && free_choice) to->overflow = (enum fix_overflow)f->overflow;
  if (op_is(n->op, TRAIT_NARROWS)) {
    to->rounding = n->rounding;
    to->overflow = n->overflow;
  }
  for (uint32_t i = 0; i < n->n_origin; i++) graph_add_origin(q->to, node, n->origin[i]);
  for (uint32_t i = 0; i < n->n_attr; i++)
    if (attr_kind(n->attr[i].name) != ATTR_TYPE) // that is its output's
      *graph_add_attr(q->to, node, n->attr[i].name) = n->attr[i];
}

// ---- a requant of the float model: behind a layer it is that layer's requantisation

// A type that softmax has by itself (quantize_softmax.c).
static bool is_probability(const struct type *t) {
  int fraction;
  return type_is_fixed(t) && !t->is_signed && type_fraction(t, &fraction) && fraction == t->width;
}

// Whether a layer that requantises to any stream can requantise as `r` does.
static bool can_take(const struct node *n, const struct node *r) {
  const struct type *t = &node_attr(r, ATTR_type)->type;
  if (n->n_out != 1 || r->in[0].delay || t->axis >= 0 || node_attr(r, ATTR_slice)) return false;
  if (op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS | TRAIT_INDEX | TRAIT_SKIPPED | TRAIT_NARROWS))
    return false;
  bool as_tables = r->rounding == FIX_HALF_EVEN && r->overflow == FIX_SATURATE;
  if (n->op == OP_log_softmax) return as_tables && type_is_fixed(t);
  if (op_is(n->op, TRAIT_HOST)) return as_tables && is_probability(t);
  return op_info(n->op)->curve == NONE || (as_tables && type_is_fixed(t));
}

static void find_requants(struct quantizer *q) {
  const struct graph *g = q->from;
  int *readers = ARENA_NEW(q->arena, int, g->n_values);
  for (uint32_t i = 0; i < g->n_outputs; i++) readers[g->outputs[i]]++;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) readers[g->nodes[i].in[k].value]++;
  for (uint32_t i = 0; i < g->n_nodes; i++) q->behind[i] = NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *r = &g->nodes[i];
    if (!op_is(r->op, TRAIT_NARROWS)) continue;
    uint32_t x = r->in[0].value;
    int32_t from = g->values[x].node;
    if (from != NONE && readers[x] == 1 && can_take(&g->nodes[from], r))
      q->behind[from] = (int32_t)i;
  }
}

// Whether a layer's type isn't its own choice.
static bool has_own_type(const struct node *n) {
  return op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS | TRAIT_NARROWS | TRAIT_SKIPPED | TRAIT_INDEX);
}

// The formats of a layer, with what its own requant says.
static bool format_of(struct quantizer *q, const struct node *n, struct format *f) {
  int32_t behind = q->behind[n - q->from->nodes];
  if (!formats_of(q->formats, n, f, q->err)) return false;
  bool own_type = has_own_type(n) || behind != NONE;
  if (q->calibrator ? !calibrate_node(q, n, own_type, f) : f->stream_auto && !own_type)
    return q->calibrator ? false : quantize_no_calibration(q, &f->stream);
  if (behind == NONE) return f->has_stream || has_own_type(n) || quantize_exact(q, n, f);
  const struct node *r = &q->from->nodes[behind];
  for (uint32_t i = 0; i < q->formats->n_layers; i++)
    if (strcmp(q->formats->layers[i].name, n->name) == 0 && q->formats->layers[i].format.has_stream)
      return err_set(q->err, "formats: stream has no effect: \"%s\" behind it says the type",
                     r->name);
  f->stream = node_attr(r, ATTR_type)->type;
  f->has_stream = true;
  f->rounding = r->rounding;
  f->overflow = r->overflow;
  return true;
}

// Whether the layer before a node has requantised as it does.
static bool is_done(const struct quantizer *q, const struct node *n) {
  int32_t from = op_is(n->op, TRAIT_NARROWS) ? node_in(q->from, n, 0)->node : NONE;
  return from != NONE && q->behind[from] == n - q->from->nodes;
}

const char *quantize_tensor_name(struct quantizer *q, const struct node *n, const char *name) {
  return graph_find_value(q->to, name) == NONE ? name
                                               : arena_printf(q->arena, "%s.%s", n->name, name);
}

// A tensor in the place of a stream: signed, as many bits as the layer's stream (a bipolar one: 8)
// or its weights would have, and the scale that its largest number asks for.
static bool add_constant(struct quantizer *q, const struct node *n, uint32_t node, uint32_t i,
                         const struct format *f) {
  const struct value *v = node_in(q->from, n, i);
  struct format own = *f;
  struct type type;
  own.weight = WEIGHT_AUTO;
  own.weight_class = TYPE_FIXED;
  int width = type_is_fixed(&f->stream) && f->stream.width > 1 ? f->stream.width : 8;
  own.weight_width = width > f->weight_width ? width : f->weight_width;
  struct tensor *codes = v->init;
  if (type_is_integer(&v->type))
    type = v->type;
  else
    codes = quantize_weights(q, v->init, &own, &type);
  if (!codes) return false;
  uint32_t id = graph_add_tensor(q->to, quantize_tensor_name(q, n, v->name), codes, type);
  graph_add_use(q->to, node, (struct use){id, 0, NONE});
  return true;
}

// ---- values

// A requant of what has its type already.
static bool changes_nothing(const struct quantizer *q, const struct node *n) {
  if (!op_is(n->op, TRAIT_NARROWS) || n->in[0].delay || n->overflow == FIX_SYMMETRIC) return false;
  const struct type *x = quantize_type_in(q, n, 0);
  return x && type_equal(x, &node_attr(n, ATTR_type)->type);
}

// What does nothing once a network is trained has no layer.
static bool leaves_no_layer(const struct quantizer *q, const struct node *n) {
  return (op_is(n->op, TRAIT_SKIPPED) && !n->in[0].delay) || is_done(q, n) ||
         changes_nothing(q, n) || calibrate_cuts_nothing(q, n);
}

// The layer in front of such a node gives its output, under that name.
static bool leave_out(struct quantizer *q, const struct node *n) {
  struct format unused;
  int32_t id = q->value[n->out[0]] = q->value[n->in[0].value];
  if (calibrate_cuts_nothing(q, n)) {
    struct value *v = &q->to->values[id];
    v->name = node_out(q->from, n, 0)->name;
    for (uint32_t i = 0; i < n->n_origin; i++)
      graph_add_origin(q->to, (uint32_t)v->node, n->origin[i]);
  }
  if (q->calibrator) calibrate_same(q, n);
  return formats_of(q->formats, n, &unused, q->err);
}

// Gives a stream its place in `to`, before its layer has one if a layer in front reads it delayed.
// Its type is the layer's, or follows from what that reads.
static bool declare(struct quantizer *q, uint32_t value) {
  const struct value *v = &q->from->values[value];
  if (q->value[value] != NONE || v->init) return true;
  if (v->node == NONE || q->declaring[v->node]) return true;
  const struct node *n = &q->from->nodes[v->node];
  const struct quant_column *column = quant_column_of(n->op);
  struct format f;
  q->declaring[v->node] = true;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!declare(q, n->in[i].value)) return false;
  q->declaring[v->node] = false;
  if (leaves_no_layer(q, n)) {
    q->value[value] = q->value[n->in[0].value];
    return true;
  }
  if (!column) return true; // said when it is quantised
  if (!format_of(q, n, &f)) return false;
  uint32_t out = 0;
  while (n->out[out] != value) out++;
  struct type t = column->type_out ? column->type_out(q, n, out, &f) : f.stream;
  q->value[value] = (int32_t)graph_add_value(q->to, v->name, v->rank, v->shape, t, v->per_frame);
  return true;
}

// What a delayed input sees at first, in the type of its value.
static bool add_initial(struct quantizer *q, const struct node *n, uint32_t i, int32_t *initial) {
  const struct value *v = &q->from->values[n->in[i].initial];
  const struct type *t = &q->to->values[q->value[n->in[i].value]].type;
  if (t->axis >= 0)
    return err_set(q->err, "input \"%s\" is delayed: its type has channels",
                   node_in(q->from, n, i)->name);
  struct tensor *codes = tensor_new(q->arena, dtype_for(t), v->rank, v->shape);
  for (int64_t k = 0; k < shape_elements(v->rank, v->shape); k++)
    tensor_set_int(codes, k, type_code(t, (int32_t)type_encode(t, tensor_real(v->init, k))));
  *initial = (int32_t)graph_add_tensor(q->to, quantize_tensor_name(q, n, v->name), codes, *t);
  return true;
}

static bool quantize_node(struct quantizer *q, const struct node *n) {
  struct format f;
  if (leaves_no_layer(q, n)) return leave_out(q, n);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].delay && !declare(q, n->in[i].value)) return false;
  if (!format_of(q, n, &f)) return false;
  const struct quant_column *column = quant_column_of(n->op);
  if (op_is(n->op, TRAIT_HOLDS))
    return err_set(q->err, "no frame assigns it, so that it has its first content for ever: let an "
                           "assign write it, or a tensor stand in its place");
  if (!column) return err_set(q->err, "%s can't be quantised", op_info(n->op)->name);
  uint32_t node = graph_add_node(q->to, n->op, n->name);
  copy_facts(q, n, node, &f);
  uint32_t streams = op_is(n->op, TRAIT_WEIGHTS) ? 1 : n->n_in;
  for (uint32_t i = 0; i < streams; i++) {
    bool tensor = node_in(q->from, n, i)->init && !n->in[i].delay;
    if (tensor && column->constants) {
      if (!add_constant(q, n, node, i, &f)) return false;
      continue;
    }
    struct use use = {.delay = n->in[i].delay, .initial = NONE};
    if (q->value[n->in[i].value] == NONE)
      return err_set(q->err, "input \"%s\" is a constant: only streams are quantised here",
                     node_in(q->from, n, i)->name);
    use.value = (uint32_t)q->value[n->in[i].value];
    if (use.delay && !add_initial(q, n, i, &use.initial)) return false;
    graph_add_use(q->to, node, use);
  }
  struct type first = type_real();
  for (uint32_t i = 0; i < n->n_out; i++) {
    const struct value *v = node_out(q->from, n, i);
    if (q->value[n->out[i]] == NONE) {
      struct type t = column->type_out ? column->type_out(q, n, i, &f) : f.stream;
      q->value[n->out[i]] =
          (int32_t)graph_add_value(q->to, v->name, v->rank, v->shape, t, v->per_frame);
    }
    if (i == 0) first = q->to->values[q->value[n->out[i]]].type;
    graph_add_out(q->to, node, (uint32_t)q->value[n->out[i]]);
  }
  return (!column->quantize || column->quantize(q, n, node, &f, &first)) &&
         (!q->calibrator || calibrate_ran(q, n, node));
}

static bool check_formats(const struct quantizer *q) {
  const struct formats *f = q->formats;
  const struct graph *g = q->from;
  const char **words = ARENA_NEW(q->arena, const char *, g->n_nodes + 1), *near;
  for (uint32_t i = 0; i < g->n_nodes; i++) words[i] = g->nodes[i].name;
  for (uint32_t i = 0; i < f->n_layers; i++)
    if (!f->layers[i].used) {
      near = nearest_word(f->layers[i].name, g->n_nodes, words);
      return err_set(q->err, "formats: there is no layer \"%s\" in the model%s%s%s",
                     f->layers[i].name, near ? ", did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "");
    }
  return true;
}

static bool quantize_all(struct quantizer *q) {
  const struct graph *g = q->from;
  find_requants(q);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (!quantize_input(q, &g->inputs[i]))
      return err_within(q->err, "input \"%s\"", g->values[g->inputs[i].value].name);
  if (q->calibrator) calibrate_inputs_done(q);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!quantize_node(q, &g->nodes[i]))
      return err_within(q->err, "layer \"%s\"", g->nodes[i].name);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    graph_add_output_as(q->to, (uint32_t)q->value[g->outputs[i]], g->values[g->outputs[i]].name);
  return check_formats(q);
}

struct graph *quantize(struct arena *a, const struct graph *g, struct formats *f, struct err *e) {
  return quantize_calibrated(a, g, f, NULL, e);
}

struct graph *quantize_calibrated(struct arena *a, const struct graph *g, struct formats *f,
                                  struct calibrator *c, struct err *e) {
  bool says = false;
  for (uint32_t i = 0; i < g->n_nodes; i++) says |= op_is(g->nodes[i].op, TRAIT_NARROWS);
  if (!f->defaults.has_stream && !says) {
    err_put(e, "the model is float: give --precision W,F, as in --precision 8,3");
    return NULL;
  }
  struct quantizer q = {a,
                        g,
                        graph_new(a, g->name),
                        f,
                        ARENA_NEW(a, int32_t, g->n_values),
                        ARENA_NEW(a, int32_t, g->n_nodes),
                        ARENA_NEW(a, bool, g->n_nodes),
                        e,
                        c};
  for (uint32_t i = 0; i < g->n_values; i++) q.value[i] = NONE;
  if (!quantize_all(&q) || !graph_verify(q.to, e)) return NULL;
  graph_ranges(q.to);
  return q.to;
}
