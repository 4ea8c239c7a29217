// SPDX-License-Identifier: Apache-2.0
// Of a graph of integers the float graph that says the same: streams are floats, a requant behind
// each layer says which type its values have, weights stay integers.
//
//   x s8 --> [conv, M, S] --> y s8      is      x --> [requant s8] --> [conv] --> y --> [requant
//   s8]
#include "sw/export/real.h"

#include "sw/graph/exact.h"

struct to_real {
  const struct graph *from;
  struct graph *to;
  bool types;
  struct refusals *refusals;
  int32_t *value; // (values of from) what stands for it; NONE: nothing yet
};

static const char *fresh(const struct to_real *r, const char *name, const char *end) {
  name = arena_printf(r->to->arena, "%s.%s", name, end);
  while (graph_find_value(r->from, name) != NONE || graph_find_value(r->to, name) != NONE)
    name = arena_printf(r->to->arena, "%s_", name);
  return name;
}

static uint32_t add_requant(struct to_real *r, uint32_t x, const struct type *t,
                            enum fix_rounding rounding, enum fix_overflow overflow) {
  if (!r->types) return x;
  const char *name = fresh(r, r->to->values[x].name, "requant");
  uint32_t node = graph_add_node(r->to, OP_requant, name);
  graph_add_use(r->to, node, (struct use){x, 0, NONE});
  graph_add_type(r->to, node, ATTR_type, *t);
  r->to->nodes[node].rounding = rounding;
  r->to->nodes[node].overflow = overflow;
  const struct value *v = &r->to->values[x];
  uint32_t y = graph_add_value(r->to, name, v->rank, v->shape, type_real(), true);
  graph_add_out(r->to, node, y);
  return y;
}

// ---- inputs

// Bytes that a table takes to the codes of the first layer: the layer says the type.
static bool is_raw(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].value == value && op_is(g->nodes[i].op, TRAIT_CASTS) &&
          node_attr(&g->nodes[i], ATTR_table))
        return true;
  return false;
}

static void put_input(struct to_real *r, const struct input *in) {
  const struct value *v = &r->from->values[in->value];
  struct source source = in->source;
  source.tables = 0;
  source.table = NULL;
  uint32_t x = graph_add_value(r->to, v->name, v->rank, v->shape, type_real(), true);
  graph_add_input(r->to, x, source);
  if (!is_raw(r->from, in->value)) x = add_requant(r, x, &v->type, FIX_HALF_EVEN, FIX_SATURATE);
  r->value[in->value] = (int32_t)x;
}

// ---- nodes

// Whether the type of a node's output follows from that of its input.
static bool follows(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!x) return false;
  if (op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS | TRAIT_SKIPPED | TRAIT_INDEX)) return true;
  bool closed = op_is(n->op, TRAIT_MAPS) && op_info(n->op)->curve == NONE &&
                !op_info(n->op)->slopes && !op_is(n->op, TRAIT_CASTS) && exact_of(n->op)->monotone;
  bool picks = op_is(n->op, TRAIT_WINDOWS) && !op_takes(n->op, ATTR_count_pad);
  if (!closed && !picks && !op_is(n->op, TRAIT_PARTS)) return false;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!type_equal(&node_in(g, n, i)->type, &y->type)) return false;
  return true;
}

// What a constant of integers is: of a clip its bounds, of a shrink lambda.
static double constant_of(const struct to_real *r, const struct node *n, const struct attr *a) {
  const struct attr *codes = node_attr(n, ATTR_codes);
  const struct type *x = &node_in(r->from, n, 0)->type;
  if (codes && a->name == ATTR_lo) return type_value(x, 0, codes->ints[0]);
  if (codes && a->name == ATTR_hi) return type_value(x, 0, codes->ints[1]);
  if (codes && a->name == ATTR_lambda && codes->ints[0] > 0)
    return (double)codes->ints[0] * type_scale(x, 0);
  return a->real;
}

// Constants that are integers here are floats there; a pad has its own.
static void put_attrs(struct to_real *r, const struct node *n, uint32_t node) {
  const struct attr *codes = node_attr(n, ATTR_codes);
  for (uint32_t i = 0; i < n->n_attr; i++)
    if (n->attr[i].name != ATTR_codes && n->attr[i].name != ATTR_table &&
        !(op_takes(n->op, ATTR_value) && n->attr[i].name == ATTR_value)) {
      struct attr *a = graph_add_attr(r->to, node, n->attr[i].name);
      *a = n->attr[i];
      if (attr_kind(a->name) == ATTR_REAL) a->real = constant_of(r, n, &n->attr[i]);
    }
  if (op_takes(n->op, ATTR_value) && codes)
    graph_add_real(r->to, node, ATTR_value,
                   type_value(&node_in(r->from, n, 0)->type, 0, codes->ints[0]));
  else if (op_takes(n->op, ATTR_value))
    graph_add_real(r->to, node, ATTR_value, node_real(n, ATTR_value, 0));
}

static uint32_t use_of(struct to_real *r, uint32_t value) {
  const struct value *v = &r->from->values[value];
  if (r->value[value] == NONE && v->init) {
    r->value[value] = (int32_t)graph_add_tensor(r->to, v->name, v->init, v->type);
    r->to->values[r->value[value]].mask = v->mask;
  }
  return (uint32_t)r->value[value];
}

static void put_outputs(struct to_real *r, const struct node *n, uint32_t node) {
  for (uint32_t i = 0; i < n->n_out; i++) {
    const struct value *v = node_out(r->from, n, i);
    bool index = op_is(n->op, TRAIT_INDEX) && i == 0;
    uint32_t y =
        graph_add_value(r->to, v->name, v->rank, v->shape, index ? v->type : type_real(), true);
    graph_add_out(r->to, node, y);
    bool typed = !follows(r->from, n) && v->type.axis < 0;
    bool own = op_info(n->op)->curve != NONE || op_is(n->op, TRAIT_HOST); // rounding
    if (typed)
      y = add_requant(r, y, &v->type, own ? FIX_HALF_EVEN : n->rounding,
                      own ? FIX_SATURATE : n->overflow);
    r->value[n->out[i]] = (int32_t)y;
  }
}

static bool check_node(struct to_real *r, const struct node *n) {
  struct arena *a = r->to->arena;
  const char *kind = op_info(n->op)->name;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].delay)
      return refuse(a, r->refusals, n->name, kind, "export the layers without it",
                    "it reads what frames before gave: ONNX keeps nothing");
  if (node_attr(n, ATTR_slice))
    return refuse(a, r->refusals, n->name, kind, "export the model before it was split",
                  "it is a part of a layer");
  return !r->types || n->rounding != FIX_TFLITE ||
         refuse(a, r->refusals, n->name, kind, "--form float",
                "rounding tflite, which ONNX doesn't have");
}

static void put_node(struct to_real *r, const struct node *n) {
  if (op_is(n->op, TRAIT_CASTS)) { // its type is all that it is
    const struct value *y = node_out(r->from, n, 0);
    r->value[n->out[0]] =
        (int32_t)add_requant(r, use_of(r, n->in[0].value), &y->type, n->rounding, n->overflow);
    return;
  }
  uint32_t node = graph_add_node(r->to, n->op, n->name);
  for (uint32_t i = 0; i < n->n_in; i++)
    graph_add_use(r->to, node, (struct use){use_of(r, n->in[i].value), 0, NONE});
  for (uint32_t i = 0; i < n->n_origin; i++) graph_add_origin(r->to, node, n->origin[i]);
  r->to->nodes[node].where = n->where;
  put_attrs(r, n, node);
  put_outputs(r, n, node);
}

struct graph *export_real(struct arena *a, const struct graph *g, bool types,
                          struct refusals *refusals, struct err *e) {
  struct to_real r = {g, graph_new(a, g->name), types, refusals,
                      ARENA_NEW(a, int32_t, g->n_values + 1)};
  bool all = true;
  uint32_t *order = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_values; i++) r.value[i] = NONE;
  for (uint32_t i = 0; i < g->n_inputs; i++) put_input(&r, &g->inputs[i]);
  for (uint32_t i = 0; i < g->n_nodes; i++) all &= check_node(&r, &g->nodes[i]);
  if (!all || !graph_order(g, order)) {
    (void)(all ? err_set(e, "its layers read each other") : refusals_err(refusals, "export", e));
    return NULL;
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) put_node(&r, &g->nodes[order[i]]);
  for (uint32_t i = 0; i < g->n_outputs; i++)
    graph_add_output_as(r.to, (uint32_t)r.value[g->outputs[i]], g->values[g->outputs[i]].name);
  return graph_verify(r.to, e) ? r.to : NULL;
}
