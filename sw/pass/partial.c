// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/partial.h"

#include "sw/graph/interval.h"
#include "sw/graph/weights.h"
#include "sw/pass/copy.h"

#include <math.h>
#include <stdlib.h>

static const int64_t one = 1;
static const int32_t none = 0;

// Bits of an integer that holds all sums of some of an output's products, and its bias.
static int accumulator_bits(const struct graph *g, const struct node *n) {
  const struct value *x = node_in(g, n, 0);
  struct weights w = weights_of(node_in(g, n, 1));
  int64_t most = 0;
  int64_t lo = type_integer(&x->type, 0, x->lo), hi = type_integer(&x->type, 0, x->hi);
  int64_t largest = llabs(lo) > llabs(hi) ? llabs(lo) : llabs(hi);
  for (int64_t o = 0; o < w.outs; o++) {
    int64_t sum = 0;
    for (int64_t i = 0; i < w.taps; i++) sum += llabs(weight_of(&w, o, i)) * largest;
    if (n->n_in > 2) {
      const struct value *b = node_in(g, n, 2);
      sum += llabs(type_integer(&b->type, o, tensor_int(b->init, o)));
    }
    if (sum > most) most = sum;
  }
  return interval_bits((struct interval){-most, most});
}

static bool one_scale(const struct graph *g, const struct node *n) {
  double scale = interval_scale(g, n, 0);
  const struct value *y = node_out(g, n, 0);
  for (int64_t c = 0; c < y->shape[y->rank - 1]; c++)
    if (interval_scale(g, n, c) != scale) return false;
  return scale > 0 && isfinite(scale);
}

int64_t partial_inputs(const struct graph *g, const struct node *n) {
  if (n->op != OP_linear || n->n_rq != 1 || n->n_out != 1 || node_attr(n, ATTR_slice) ||
      n->in[0].delay || n->n_after || n->rounding == FIX_TFLITE)
    return 0;
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1);
  bool plain = type_is_integer(&x->type) && x->type.axis < 0 && x->rank == 1 && w->init &&
               type_is_integer(&w->type) && type_integer(&w->type, 0, 0) == 0 &&
               type_is_fixed(&w->type) && type_is_fixed(&node_out(g, n, 0)->type);
  if (!plain || weighted_finer(g, n) || !one_scale(g, n) ||
      (n->n_in > 2 && !node_in(g, n, 2)->init) || accumulator_bits(g, n) > STREAM_BITS_MAX)
    return 0;
  return w->shape[w->rank - 1];
}

// ---- parts

static uint32_t add_weights(struct graph *g, const struct value *w, const char *name, int64_t begin,
                            int64_t end) {
  int64_t in = w->shape[w->rank - 1], shape[RANK_MAX];
  struct tensor *t = tensor_new(g->arena, w->init->dtype, w->rank, w->shape);
  for (int d = 0; d < w->rank; d++) shape[d] = w->mask ? w->shape[d] : 1;
  shape[w->rank - 1] = in;
  struct tensor *mask = tensor_new(g->arena, DTYPE_U8, w->rank, shape);
  for (int64_t i = 0; i < t->count; i++) {
    bool there = i % in >= begin && i % in < end;
    if (there) tensor_set_int(t, i, tensor_int(w->init, i));
  }
  for (int64_t i = 0; i < mask->count; i++) {
    bool there = i % in >= begin && i % in < end;
    ((uint8_t *)mask->data)[i] = there && !(w->mask && value_is_cut(w, i));
  }
  uint32_t v = graph_add_tensor(g, name, t, w->type);
  g->values[v].mask = mask;
  return v;
}

static uint32_t add_value(struct graph *g, uint32_t node, const struct value *like,
                          struct type type) {
  uint32_t v =
      graph_add_value(g, g->nodes[node].name, like->rank, like->shape, type, like->per_frame);
  graph_add_out(g, node, v);
  return v;
}

// The first part has the bias.
static uint32_t add_part(struct graph_copy *c, const struct node *n, struct type acc, int64_t begin,
                         int64_t end) {
  struct graph *g = c->to;
  const char *range = arena_printf(g->arena, " of %lld:%lld", (long long)begin, (long long)end);
  uint32_t node = graph_add_node(g, n->op, arena_printf(g->arena, "%s%s", n->name, range));
  const struct value *w = node_in(c->from, n, 1);
  graph_add_use(g, node, (struct use){copy_value(c, n->in[0].value), 0, NONE});
  uint32_t weights = add_weights(g, w, arena_printf(g->arena, "%s%s", w->name, range), begin, end);
  graph_add_use(g, node, (struct use){weights, 0, NONE});
  if (n->n_in > 2 && !begin)
    graph_add_use(g, node, (struct use){copy_value(c, n->in[2].value), 0, NONE});
  graph_add_requant(g, node, 1, &one, &none);
  g->nodes[node].rounding = FIX_HALF_EVEN;
  g->nodes[node].overflow = FIX_SATURATE;
  return add_value(g, node, node_out(c->from, n, 0), acc);
}

static uint32_t add_sum(struct graph_copy *c, const struct node *n, struct type acc, uint32_t x,
                        uint32_t y, int64_t which) {
  struct graph *g = c->to;
  uint32_t node =
      graph_add_node(g, OP_add, arena_printf(g->arena, "%s sum %lld", n->name, (long long)which));
  graph_add_use(g, node, (struct use){x, 0, NONE});
  graph_add_use(g, node, (struct use){y, 0, NONE});
  for (int k = 0; k < 2; k++) graph_add_requant(g, node, 1, &one, &none);
  g->nodes[node].rounding = FIX_HALF_EVEN;
  g->nodes[node].overflow = FIX_SATURATE;
  return add_value(g, node, node_out(c->from, n, 0), acc);
}

static void cut(struct graph_copy *c, const struct node *n, const struct partial_cuts *cuts,
                uint32_t *of) {
  struct graph *g = c->to;
  const double scale = interval_scale(c->from, n, 0);
  struct type acc = type_channels(g->arena, accumulator_bits(c->from, n), true, -1, 1, &scale,
                                  ARENA_NEW(g->arena, int32_t, 1));
  uint32_t *parts = ARENA_NEW(g->arena, uint32_t, cuts->parts);
  int64_t groups = cuts->groups > 1 ? cuts->groups : 1, which = 0;
  for (int64_t k = 0; k < cuts->parts; k++) {
    if (groups > 1) of[g->n_nodes] = 1 + (uint32_t)(k % groups);
    parts[k] = add_part(c, n, acc, cuts->at[k], cuts->at[k + 1]);
  }
  for (int64_t k = groups; k < cuts->parts; k++)
    parts[k % groups] = add_sum(c, n, acc, parts[k % groups], parts[k], ++which);
  for (int64_t k = 1; k < groups && k < cuts->parts; k++)
    parts[0] = add_sum(c, n, acc, parts[0], parts[k], ++which);
  uint32_t node = graph_add_node(g, OP_requant, n->name);
  graph_add_use(g, node, (struct use){parts[0], 0, NONE});
  graph_add_requant(g, node, n->rq->count, n->rq->mul, n->rq->shift);
  g->nodes[node].rounding = n->rounding;
  g->nodes[node].overflow = n->overflow;
  g->nodes[node].where = n->where;
  copy_outputs(c, n, node);
}

struct graph *partial(struct arena *a, const struct graph *g, const struct partial_cuts *cuts,
                      const uint32_t **of) {
  struct graph_copy c = copy_new(a, g);
  int64_t most = g->n_nodes; // a part, and its sum or what requantises all
  for (uint32_t i = 0; i < g->n_nodes; i++) most += cuts[i].parts > 1 ? 2 * cuts[i].parts : 0;
  uint32_t *groups = ARENA_NEW(a, uint32_t, most + 1);
  copy_inputs(&c);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (cuts[i].parts > 1)
      cut(&c, n, &cuts[i], groups);
    else
      copy_outputs(&c, n, copy_node(&c, n, n->name));
  }
  copy_graph_outputs(&c);
  copy_controls(&c);
  graph_ranges(c.to);
  if (of) *of = groups;
  return c.to;
}
