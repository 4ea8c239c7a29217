// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/alone.h"

#include "sw/graph/interval.h"

struct graph *alone_graph(struct arena *a, const struct graph *g, const struct node *n,
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
  graph_ranges(to);
  return to;
}

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
