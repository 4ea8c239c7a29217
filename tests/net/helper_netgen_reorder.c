// SPDX-License-Identifier: Apache-2.0
// Kinds that put elements elsewhere.
#include "tests/net/helper_netgen_parts.h"

// Some of each dimension, or all of it.
static void slice(struct netgen *n, uint32_t node, const struct value *x) {
  int64_t begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
  bool steps = netgen_chance(n, 40), ends = netgen_chance(n, 80);
  for (int d = 0; d < x->rank; d++) {
    bool whole = netgen_chance(n, 40);
    begin[d] = whole ? 0 : netgen_pick(n, 0, x->shape[d] - 1);
    end[d] = whole ? x->shape[d] : netgen_pick(n, begin[d] + 1, x->shape[d]);
    step[d] = netgen_pick(n, 1, 3);
  }
  if (netgen_chance(n, 80)) graph_add_ints(n->g, node, ATTR_begin, x->rank, begin);
  if (ends) graph_add_ints(n->g, node, ATTR_end, x->rank, end);
  if (steps) graph_add_ints(n->g, node, ATTR_step, x->rank, step);
}

// Around some dimensions, with any code or that of zero.
static void pad(struct netgen *n, uint32_t node, const struct value *x) {
  int64_t sizes[2 * RANK_MAX], code = type_from_integer(&x->type, 0, 0);
  for (int d = 0; d < 2 * x->rank; d++) sizes[d] = netgen_chance(n, 50) ? 0 : netgen_pick(n, 1, 3);
  if (netgen_chance(n, 60)) code = netgen_pick(n, type_lowest(&x->type), type_highest(&x->type));
  if (x->type.cls == TYPE_BIPOLAR) code = netgen_chance(n, 50) ? 1 : -1;
  graph_add_ints(n->g, node, ATTR_pad, 2 * x->rank, sizes);
  graph_add_ints(n->g, node, ATTR_codes, 1, &code);
}

// Mostly of both axes.
static void upsample(struct netgen *n, uint32_t node, const struct value *x) {
  int64_t factors[2];
  for (int d = 0; d < x->rank - 1; d++)
    factors[d] = netgen_chance(n, 25) ? 1 : netgen_pick(n, 2, 3);
  graph_add_ints(n->g, node, ATTR_factors, x->rank - 1, factors);
}

// Any order; of four axes often one that moves nothing but the last two.
static void permute(struct netgen *n, uint32_t node, const struct value *x) {
  int64_t axes[RANK_MAX];
  for (int d = 0; d < x->rank; d++) axes[d] = d;
  int from = x->rank == 4 && netgen_chance(n, 60) ? 2 : 0;
  for (int d = from; d < x->rank - 1; d++) {
    int with = (int)netgen_pick(n, d, x->rank - 1);
    int64_t axis = axes[d];
    axes[d] = axes[with];
    axes[with] = axis;
  }
  graph_add_ints(n->g, node, ATTR_axes, x->rank, axes);
}

static void add_lists(struct netgen *n, enum op op, uint32_t node, const struct value *x) {
  if (op == OP_pad)
    pad(n, node, x);
  else if (op == OP_upsample)
    upsample(n, node, x);
  else if (op == OP_permute)
    permute(n, node, x);
  else
    slice(n, node, x);
}

void netgen_reorder(struct netgen *n, enum op op) {
  if (op == OP_upsample || netgen_chance(n, 80)) netgen_image(n, netgen_chance(n, 40) ? 1 : 2);
  if (op == OP_permute && netgen_end(n)->rank == 3 && netgen_chance(n, 50)) netgen_image(n, 3);
  uint32_t x = n->at;
  struct value in = *netgen_end(n);
  uint32_t node = netgen_add_node(n, op, in.type, in.rank, in.shape, in.per_frame);
  netgen_use(n, node, x);
  add_lists(n, op, node, &in);
  struct value *y = &n->g->values[n->g->nodes[node].out[0]];
  struct err e = {0};
  graph_shape(n->g, &n->g->nodes[node], 0, &y->rank, y->shape, &e);
  netgen_finish(n, node);
}
