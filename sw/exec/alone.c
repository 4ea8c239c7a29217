// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/alone.h"

#include "sw/graph/interval.h"

static struct graph *copy(struct arena *a, const struct graph *g, const struct node *n,
                          uint32_t *out) {
  struct graph *to = graph_new(a, n->name);
  uint32_t id = graph_add_node(to, n->op, n->name);
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = node_in(g, n, k);
    uint32_t x = v->init ? graph_add_tensor(to, v->name, v->init, v->type)
                         : graph_add_value(to, v->name, v->rank, v->shape, v->type, v->per_frame);
    if (!v->init) graph_add_input(to, x, (struct source){0});
    to->values[x].mask = v->mask;
    graph_add_use(to, id, (struct use){x, 0, NONE});
  }
  for (uint32_t i = 0; i < n->n_attr; i++) *graph_add_attr(to, id, n->attr[i].name) = n->attr[i];
  for (uint32_t i = 0; i < n->n_rq; i++)
    graph_add_requant(to, id, n->rq[i].count, n->rq[i].mul, n->rq[i].shift);
  to->nodes[id].rounding = n->rounding;
  to->nodes[id].overflow = n->overflow;
  to->nodes[id].where = n->where;
  for (uint32_t k = 0; k < n->n_out; k++) {
    const struct value *y = node_out(g, n, k);
    uint32_t v = graph_add_value(to, y->name, y->rank, y->shape, y->type, y->per_frame);
    if (!k) *out = v;
    graph_add_out(to, id, v);
    graph_add_output(to, v);
  }
  return to;
}

struct graph *alone_graph(struct arena *a, const struct graph *g, const struct node *n,
                          uint32_t *out) {
  struct graph *to = copy(a, g, n, out);
  graph_ranges(to);
  return to;
}

// ---- rows

// The padding of a window whose image is cut.
static void pad_rows(struct graph *own, const struct alone_rows *in) {
  struct node *n = &own->nodes[0];
  int axes = own->values[n->in[0].value].rank - 1;
  int64_t *pad = ARENA_NEW(own->arena, int64_t, 2 * axes);
  const struct attr *given = node_attr(n, ATTR_pad);
  for (int i = 0; given && i < 2 * axes; i++) pad[i] = given->ints[i];
  pad[0] = in->before;
  pad[axes] = in->after;
  for (uint32_t i = 0; i < n->n_attr; i++)
    if (n->attr[i].name == ATTR_pad) {
      n->attr[i].ints = pad;
      return;
    }
  graph_add_ints(own, 0, ATTR_pad, 2 * axes, pad);
}

// Whether a kind does the same in each row, but for what a window has of those beside it.
static bool has_strips(const struct node *n) {
  return op_takes(n->op, ATTR_stride) || op_is(n->op, TRAIT_MAPS | TRAIT_JOINS | TRAIT_WEIGHTS);
}

struct graph *alone_strip(struct arena *a, const struct graph *g, const struct node *n,
                          const struct alone_rows *in, int64_t rows, uint32_t *out) {
  struct err none = {0};
  if (!has_strips(n)) return NULL;
  for (uint32_t k = 0; k < n->n_in; k++) // of tensors nothing is cut
    if (node_in(g, n, k)->init && in[k].last - in[k].first < node_in(g, n, k)->shape[0])
      return NULL;
  struct graph *own = copy(a, g, n, out);
  for (uint32_t k = 0; k < n->n_in; k++)
    if (!node_in(g, n, k)->init)
      own->values[own->nodes[0].in[k].value].shape[0] = in[k].last - in[k].first;
  own->values[*out].shape[0] = rows;
  if (op_takes(n->op, ATTR_stride)) pad_rows(own, in);
  if (!graph_verify(own, &none)) return NULL;
  graph_ranges(own);
  return own;
}

uint32_t alone_row(struct graph *own, int axis, int64_t begin, int64_t end) {
  int64_t *range = ARENA_NEW(own->arena, int64_t, 2);
  range[0] = begin;
  range[1] = end;
  const struct slice slice = {axis, 1, range};
  const char *name = arena_printf(own->arena, "row%lld", (long long)begin);
  uint32_t part = slice_node(own, 0, &slice, name, node_out(own, &own->nodes[0], 0)->type);
  const struct node whole = own->nodes[0];
  for (uint32_t k = 0; k < whole.n_rq; k++)
    graph_add_requant(own, part, whole.rq[k].count, whole.rq[k].mul, whole.rq[k].shift);
  return part;
}

// ---- channels

int alone_axis(const struct graph *own) {
  struct space s;
  struct err none = {0};
  const struct node *n = &own->nodes[0];
  if (!op_has_space(n->op) || !space_of(own, n, &s, &none) || !s.out_rank) return NONE;
  return s.out_axis[s.out_rank - 1];
}

// The type of some channels: scales and zero points of their own, if they have any.
static struct type part_of(struct type t, int64_t channels, int64_t begin, int64_t end) {
  if (t.channels != channels || channels == 1) return t;
  t.channels = end - begin;
  t.scale += begin;
  if (t.zero) t.zero += begin;
  return t;
}

uint32_t alone_part(struct graph *own, int axis, int64_t begin, int64_t end) {
  const struct value *y = node_out(own, &own->nodes[0], 0);
  int64_t *range = ARENA_NEW(own->arena, int64_t, 2), channels = y->shape[y->rank - 1];
  range[0] = begin;
  range[1] = end;
  const struct slice slice = {axis, 1, range};
  const char *name = arena_printf(own->arena, "channels%lld", (long long)begin);
  uint32_t part = slice_node(own, 0, &slice, name, part_of(y->type, channels, begin, end));
  const struct node whole = own->nodes[0];
  for (uint32_t k = 0; k < whole.n_rq; k++) {
    const struct requant *rq = &whole.rq[k];
    bool each = rq->count > 1 && rq->count == channels;
    graph_add_requant(own, part, each ? end - begin : rq->count, rq->mul + (each ? begin : 0),
                      rq->shift + (each ? begin : 0));
  }
  return part;
}
