// SPDX-License-Identifier: Apache-2.0
// Building a graph and looking things up in it. Lists grow by doubling inside the arena.
#include "sw/graph/graph.h"

#include <assert.h>
#include <string.h>

// Room for one more row: doubles the list when the count is a power of two (or 0).
static void *grow(struct arena *a, void *list, uint32_t count, size_t row) {
  if (count & (count - 1)) return list;
  void *wider = arena_alloc(a, count ? (size_t)count * 2 : 1, row);
  if (count) memcpy(wider, list, count * row);
  return wider;
}
#define GROW(g, list, count) ((list) = grow((g)->arena, (list), (count), sizeof *(list)))

struct graph *graph_new(struct arena *a, const char *name) {
  struct graph *g = ARENA_NEW(a, struct graph, 1);
  g->arena = a;
  g->name = arena_strdup(a, name);
  return g;
}

uint32_t graph_add_value(struct graph *g, const char *name, int rank, const int64_t *shape,
                         struct type type, bool per_frame) {
  assert(rank >= 0 && rank <= RANK_MAX);
  GROW(g, g->values, g->n_values);
  struct value *v = &g->values[g->n_values];
  *v = (struct value){.name = arena_strdup(g->arena, name),
                      .rank = rank,
                      .type = type,
                      .per_frame = per_frame,
                      .lo = type_lowest(&type),
                      .hi = type_highest(&type),
                      .node = NONE};
  if (rank) memcpy(v->shape, shape, (size_t)rank * sizeof *shape);
  return g->n_values++;
}

uint32_t graph_add_tensor(struct graph *g, const char *name, struct tensor *t, struct type type) {
  uint32_t id = graph_add_value(g, name, t->rank, t->shape, type, false);
  g->values[id].init = t;
  return id;
}

double source_real(const struct source *s, int64_t i, uint8_t pixel) {
  int64_t c = s->channels > 1 ? i % s->channels : 0;
  return (pixel / 255.0 - s->mean[c]) / s->std[c];
}

int32_t source_code(const struct source *s, int64_t i, uint8_t pixel) {
  return s->table[(s->tables > 1 ? i % s->tables : 0) * 256 + pixel];
}

uint32_t graph_add_input(struct graph *g, uint32_t value, struct source source) {
  GROW(g, g->inputs, g->n_inputs);
  g->inputs[g->n_inputs] = (struct input){value, source};
  return g->n_inputs++;
}

const char *where_text(enum where where) {
  return where == WHERE_HOST ? "host" : "circuit";
}

int where_find(const char *name) {
  for (int where = WHERE_CIRCUIT; where <= WHERE_HOST; where++)
    if (strcmp(name, where_text((enum where)where)) == 0) return where;
  return NONE;
}

uint32_t graph_add_node(struct graph *g, enum op op, const char *name) {
  GROW(g, g->nodes, g->n_nodes);
  g->nodes[g->n_nodes] = (struct node){.op = op,
                                       .name = arena_strdup(g->arena, name),
                                       .rounding = FIX_HALF_EVEN,
                                       .where = op_is(op, TRAIT_HOST) ? WHERE_HOST : WHERE_CIRCUIT};
  return g->n_nodes++;
}

void graph_add_use(struct graph *g, uint32_t node, struct use use) {
  struct node *n = &g->nodes[node];
  GROW(g, n->in, n->n_in);
  n->in[n->n_in++] = use;
}

void graph_add_out(struct graph *g, uint32_t node, uint32_t value) {
  struct node *n = &g->nodes[node];
  GROW(g, n->out, n->n_out);
  g->values[value].node = (int32_t)node;
  g->values[value].out = (int32_t)n->n_out;
  n->out[n->n_out++] = value;
}

void graph_add_ref(struct graph *g, uint32_t node, uint32_t value) {
  struct node *n = &g->nodes[node];
  GROW(g, n->ref, n->n_ref);
  n->ref[n->n_ref++] = value;
}

void graph_add_after(struct graph *g, uint32_t node, struct after after) {
  struct node *n = &g->nodes[node];
  GROW(g, n->after, n->n_after);
  n->after[n->n_after++] = after;
}

struct attr *graph_add_attr(struct graph *g, uint32_t node, enum attr_name name) {
  struct node *n = &g->nodes[node];
  GROW(g, n->attr, n->n_attr);
  n->attr[n->n_attr] = (struct attr){.name = name};
  return &n->attr[n->n_attr++];
}

void graph_add_ints(struct graph *g, uint32_t node, enum attr_name name, int64_t count,
                    const int64_t *values) {
  struct attr *a = graph_add_attr(g, node, name);
  a->count = count;
  a->ints = arena_copy(g->arena, values, (size_t)count * sizeof *values);
}

void graph_add_int(struct graph *g, uint32_t node, enum attr_name name, int64_t value) {
  graph_add_ints(g, node, name, 1, &value);
}

void graph_add_real(struct graph *g, uint32_t node, enum attr_name name, double value) {
  graph_add_attr(g, node, name)->real = value;
}

void graph_add_text(struct graph *g, uint32_t node, enum attr_name name, const char *text) {
  graph_add_attr(g, node, name)->text = arena_strdup(g->arena, text);
}

void graph_add_type(struct graph *g, uint32_t node, enum attr_name name, struct type type) {
  graph_add_attr(g, node, name)->type = type;
}

void graph_add_requant(struct graph *g, uint32_t node, int64_t count, const int64_t *mul,
                       const int32_t *shift) {
  struct node *n = &g->nodes[node];
  GROW(g, n->rq, n->n_rq);
  n->rq[n->n_rq++] =
      (struct requant){.count = count,
                       .mul = arena_copy(g->arena, mul, (size_t)count * sizeof *mul),
                       .shift = arena_copy(g->arena, shift, (size_t)count * sizeof *shift)};
}

void graph_add_origin(struct graph *g, uint32_t node, const char *name) {
  struct node *n = &g->nodes[node];
  GROW(g, n->origin, n->n_origin);
  n->origin[n->n_origin++] = arena_strdup(g->arena, name);
}

void graph_add_output(struct graph *g, uint32_t value) {
  GROW(g, g->outputs, g->n_outputs);
  g->outputs[g->n_outputs++] = value;
}

static bool is_outer(const struct graph *g, uint32_t value) {
  bool outer = g->values[value].node == NONE && !g->values[value].init;
  for (uint32_t i = 0; i < g->n_outputs; i++) outer |= g->outputs[i] == value;
  return outer;
}

void graph_add_output_as(struct graph *g, uint32_t value, const char *name) {
  int32_t other = graph_find_value(g, name);
  bool own = is_outer(g, value) || g->values[value].init || other == (int32_t)value;
  if (!own && (other == NONE || !is_outer(g, (uint32_t)other))) {
    const char *inner = arena_printf(g->arena, "%s.1", name);
    for (int i = 2; graph_find_value(g, inner) != NONE; i++)
      inner = arena_printf(g->arena, "%s.%d", name, i);
    if (other != NONE) g->values[other].name = inner;
    g->values[value].name = arena_strdup(g->arena, name);
  }
  graph_add_output(g, value);
}

int32_t graph_find_value(const struct graph *g, const char *name) {
  for (uint32_t i = 0; i < g->n_values; i++)
    if (strcmp(g->values[i].name, name) == 0) return (int32_t)i;
  return NONE;
}

const struct value *node_in(const struct graph *g, const struct node *n, uint32_t i) {
  return i < n->n_in ? &g->values[n->in[i].value] : NULL;
}

const struct value *node_out(const struct graph *g, const struct node *n, uint32_t i) {
  return i < n->n_out ? &g->values[n->out[i]] : NULL;
}

const struct attr *node_attr(const struct node *n, enum attr_name name) {
  for (uint32_t i = 0; i < n->n_attr; i++)
    if (n->attr[i].name == name) return &n->attr[i];
  return NULL;
}

int64_t node_int(const struct node *n, enum attr_name name, int64_t otherwise) {
  const struct attr *a = node_attr(n, name);
  return a ? a->ints[0] : otherwise;
}

double node_real(const struct node *n, enum attr_name name, double otherwise) {
  const struct attr *a = node_attr(n, name);
  return a ? a->real : otherwise;
}

bool node_list(const struct node *n, enum attr_name name, int64_t count, int64_t least, int64_t *to,
               struct err *e) {
  const struct attr *a = node_attr(n, name);
  if (!a) return true;
  if (a->count != count)
    return err_set(e, "%s: %lld numbers, expected %lld", attr_text(name), (long long)a->count,
                   (long long)count);
  for (int64_t i = 0; i < count; i++) {
    if (a->ints[i] < least || a->ints[i] > DIM_MAX)
      return err_set(e, "%s: %lld, expected %lld to %lld", attr_text(name), (long long)a->ints[i],
                     (long long)least, (long long)DIM_MAX);
    to[i] = a->ints[i];
  }
  return true;
}

const int64_t *node_codes(const struct node *n) {
  return node_attr(n, ATTR_codes)->ints;
}

int64_t shape_elements(int rank, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  return n;
}

int64_t value_elements(const struct value *v) {
  return shape_elements(v->rank, v->shape);
}

double value_real(const struct value *v, int64_t i) {
  const struct type *t = &v->type;
  if (!type_is_integer(t)) return tensor_real(v->init, i);
  int64_t step = 1, channel = 0;
  for (int d = v->rank - 1; d > t->axis; d--) step *= v->shape[d];
  if (t->axis >= 0) channel = i / step % v->shape[t->axis];
  return type_value(t, channel, tensor_int(v->init, i));
}

bool value_is_cut(const struct value *v, int64_t i) {
  const struct tensor *m = v->mask;
  if (!m) return false;
  if (m->count == value_elements(v)) return !tensor_int(m, i);
  int64_t at = 0, step = 1;
  for (int d = v->rank - 1; d >= 0; i /= v->shape[d--]) {
    if (m->shape[d] > 1) at += i % v->shape[d] * step;
    step *= m->shape[d];
  }
  return !tensor_int(m, at);
}

int64_t value_connections(const struct value *v) {
  int64_t there = 0, repeated = v->mask ? value_elements(v) / v->mask->count : 0;
  if (!v->mask) return value_elements(v);
  for (int64_t i = 0; i < v->mask->count; i++) there += tensor_int(v->mask, i) != 0;
  return there * repeated;
}

int64_t graph_parameters(const struct graph *g) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init) sum += value_connections(&g->values[i]);
  return sum;
}

struct side_table side_table_new(const struct graph *g, struct arena *a, enum table_key key,
                                 size_t stride) {
  uint32_t rows = key == PER_NODE ? g->n_nodes : g->n_values;
  return (struct side_table){key, stride, arena_alloc(a, rows, stride)};
}

void *side_table_at(const struct side_table *t, uint32_t id) {
  return (unsigned char *)t->data + t->stride * id;
}
