// SPDX-License-Identifier: Apache-2.0
// From a model that was trained for its quantisation to one that says its types: every fake_quant
// becomes codes, of weights, whole numbers, of biases, or a requant, of streams.
#include "sw/exec/fake_quant.h"
#include "sw/pass/copy.h"
#include "sw/train/qat.h"

#include <math.h>

struct finishing {
  struct arena *arena;
  const struct graph *from;
  struct graph_copy copy;
};

// Scale c of what a fake_quant gives, or of what an addition of such exponents does.
static int exponent_at(const struct finishing *f, uint32_t value, int64_t c) {
  const struct graph *g = f->from;
  const struct value *v = &g->values[value];
  int64_t i = value_elements(v) > 1 ? c : 0;
  if (v->init) return (int)ceil((double)((const float *)v->init->data)[i]);
  const struct node *n = &g->nodes[v->node];
  if (n->op == OP_add) return exponent_at(f, n->in[0].value, i) + exponent_at(f, n->in[1].value, i);
  if (n->n_in > 1) return exponent_at(f, n->in[1].value, i);
  const struct value *x = node_in(g, n, 0);
  int64_t run = x->init->count / value_elements(v);
  const float *from = (const float *)x->init->data + i * run;
  return fake_quant_exponent(&node_attr(n, ATTR_type)->type, NULL, from, run);
}

// The type with the scales that were found, axis 0 having several.
static struct type type_of(const struct finishing *f, const struct node *n) {
  const struct type *unit = &node_attr(n, ATTR_type)->type;
  int64_t count = value_elements(node_out(f->from, n, 1));
  int axis = count > 1 ? 0 : -1;
  double *scale = ARENA_NEW(f->arena, double, count);
  for (int64_t c = 0; c < count; c++)
    scale[c] = ldexp(type_scale(unit, 0), exponent_at(f, n->out[1], c));
  if (!type_is_fixed(unit)) return type_signs(f->arena, unit->cls, axis, count, scale);
  return type_channels(f->arena, type_width(unit), unit->is_signed, axis, count, scale,
                       ARENA_NEW(f->arena, int32_t, count));
}

static void put_codes(struct finishing *f, const struct node *n) {
  const struct value *x = node_in(f->from, n, 0);
  struct type type = type_of(f, n);
  struct tensor *t = tensor_new(f->arena, dtype_for(&type), x->rank, x->shape);
  int64_t run = t->count / type.channels;
  for (int64_t i = 0; i < t->count; i++)
    tensor_set_int(t, i, type_encode_channel(&type, i / run, value_real(x, i)));
  uint32_t id = graph_add_tensor(f->copy.to, x->name, t, type);
  f->copy.to->values[id].mask = x->mask;
  f->copy.value[n->out[0]] = (int32_t)id;
}

// Floats that are whole numbers of their units.
static void put_whole(struct finishing *f, const struct node *n) {
  const struct value *x = node_in(f->from, n, 0);
  struct type type = type_of(f, n);
  struct tensor *t = tensor_new(f->arena, DTYPE_F32, x->rank, x->shape);
  int64_t run = t->count / type.channels;
  for (int64_t i = 0; i < t->count; i++)
    ((float *)t->data)[i] =
        (float)type_value(&type, i / run, type_encode_channel(&type, i / run, value_real(x, i)));
  f->copy.value[n->out[0]] = (int32_t)graph_add_tensor(f->copy.to, x->name, t, type_real());
}

static void put_requant(struct finishing *f, const struct node *n) {
  struct graph *g = f->copy.to;
  const struct value *y = node_out(f->from, n, 0);
  uint32_t node = graph_add_node(g, OP_requant, n->name);
  graph_add_use(g, node, (struct use){(uint32_t)f->copy.value[n->in[0].value], 0, NONE});
  graph_add_type(g, node, ATTR_type, type_of(f, n));
  uint32_t out = graph_add_value(g, y->name, y->rank, y->shape, type_real(), y->per_frame);
  graph_add_out(g, node, out);
  f->copy.value[n->out[0]] = (int32_t)out;
}

static void put_fake_quant(struct finishing *f, const struct node *n) {
  const struct value *x = node_in(f->from, n, 0), *t = node_in(f->from, n, 1);
  if (!x->init)
    put_requant(f, n);
  else if (t && !t->init) // its scale is that of other values
    put_whole(f, n);
  else
    put_codes(f, n);
}

static void put_layer(struct finishing *f, const struct node *n) {
  uint32_t node = copy_node(&f->copy, n, n->name);
  f->copy.to->nodes[node].odd = false;
  copy_outputs(&f->copy, n, node);
}

struct graph *qat_finish(struct arena *a, const struct qat *q, struct err *e) {
  struct finishing f = {.arena = a, .from = q->model, .copy = copy_new(a, q->model)};
  const struct graph *g = q->model;
  copy_inputs(&f.copy);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (n->op == OP_fake_quant)
      put_fake_quant(&f, n);
    else if (node_out(g, n, 0)->per_frame)
      put_layer(&f, n);
  }
  copy_graph_outputs(&f.copy);
  return graph_verify(f.copy.to, e) ? f.copy.to : NULL;
}
