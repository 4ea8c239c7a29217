// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/copy.h"

struct graph_copy copy_new(struct arena *a, const struct graph *from) {
  return copy_into(graph_new(a, from->name), from, NULL);
}

struct graph_copy copy_into(struct graph *to, const struct graph *from, const char *prefix) {
  struct graph_copy c = {from, to, ARENA_NEW(to->arena, int32_t, from->n_values),
                         ARENA_NEW(to->arena, int32_t, from->n_nodes), prefix};
  for (uint32_t i = 0; i < from->n_values; i++) c.value[i] = NONE;
  for (uint32_t i = 0; i < from->n_nodes; i++) c.node[i] = NONE;
  return c;
}

uint32_t copy_value(struct graph_copy *c, uint32_t value) {
  const struct value *v = &c->from->values[value];
  if (c->value[value] != NONE) return (uint32_t)c->value[value];
  const char *name = c->prefix ? arena_printf(c->to->arena, "%s%s", c->prefix, v->name) : v->name;
  uint32_t id = graph_add_value(c->to, name, v->rank, v->shape, v->type, v->per_frame);
  struct value *to = &c->to->values[id];
  to->init = v->init;
  to->mask = v->mask;
  c->value[value] = (int32_t)id;
  return id;
}

void copy_values(struct graph_copy *c, const char *without) {
  for (uint32_t i = 0; i < c->from->n_values; i++)
    if (!without || !without[i]) copy_value(c, i);
}

static void copy_attr(struct graph_copy *c, uint32_t node, const struct attr *a) {
  uint32_t value = a->value;
  if (attr_kind(a->name) == ATTR_VALUE) value = copy_value(c, value);
  if (attr_kind(a->name) == ATTR_NODE) value = (uint32_t)c->node[value];
  struct attr *to = graph_add_attr(c->to, node, a->name);
  *to = *a;
  to->value = value;
}

uint32_t copy_made(struct graph_copy *c, const struct node *n, const char *name) {
  uint32_t node = graph_add_node(c->to, n->op, name);
  for (uint32_t i = 0; i < n->n_in; i++) {
    struct use u = {copy_value(c, n->in[i].value), n->in[i].delay, NONE};
    if (n->in[i].initial != NONE) u.initial = (int32_t)copy_value(c, (uint32_t)n->in[i].initial);
    graph_add_use(c->to, node, u);
  }
  for (uint32_t i = 0; i < n->n_ref; i++) graph_add_ref(c->to, node, copy_value(c, n->ref[i]));
  for (uint32_t i = 0; i < n->n_attr; i++) copy_attr(c, node, &n->attr[i]);
  for (uint32_t i = 0; i < n->n_rq; i++)
    graph_add_requant(c->to, node, n->rq[i].count, n->rq[i].mul, n->rq[i].shift);
  for (uint32_t i = 0; i < n->n_origin; i++) graph_add_origin(c->to, node, n->origin[i]);
  struct node *to = &c->to->nodes[node];
  to->rounding = n->rounding;
  to->overflow = n->overflow;
  to->where = n->where;
  to->odd = n->odd;
  return node;
}

uint32_t copy_node(struct graph_copy *c, const struct node *n, const char *name) {
  uint32_t node = copy_made(c, n, name);
  c->node[n - c->from->nodes] = (int32_t)node;
  return node;
}

void copy_outputs(struct graph_copy *c, const struct node *n, uint32_t node) {
  for (uint32_t i = 0; i < n->n_out; i++) graph_add_out(c->to, node, copy_value(c, n->out[i]));
}

void copy_inputs(struct graph_copy *c) {
  for (uint32_t i = 0; i < c->from->n_inputs; i++)
    graph_add_input(c->to, copy_value(c, c->from->inputs[i].value), c->from->inputs[i].source);
}

void copy_graph_outputs(struct graph_copy *c) {
  for (uint32_t i = 0; i < c->from->n_outputs; i++)
    if (c->value[c->from->outputs[i]] != NONE)
      graph_add_output(c->to, (uint32_t)c->value[c->from->outputs[i]]);
}

void copy_controls(struct graph_copy *c) {
  for (uint32_t i = 0; i < c->from->n_nodes; i++) {
    const struct node *n = &c->from->nodes[i];
    for (uint32_t k = 0; c->node[i] != NONE && k < n->n_after; k++) {
      int32_t before = c->node[n->after[k].node];
      if (before == NONE) continue;
      graph_add_after(c->to, (uint32_t)c->node[i],
                      (struct after){(uint32_t)before, n->after[k].delay});
    }
  }
}

char *copy_named(struct arena *a, const struct graph *g) {
  char *named = ARENA_NEW(a, char, g->n_nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (n->n_after) named[i] = 1;
    for (uint32_t k = 0; k < n->n_after; k++) named[n->after[k].node] = 1;
    for (uint32_t k = 0; k < n->n_attr; k++)
      if (attr_kind(n->attr[k].name) == ATTR_NODE) named[n->attr[k].value] = 1;
  }
  return named;
}
