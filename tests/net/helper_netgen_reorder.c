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

// Around some dimensions, with any code or that of zero; not every number is one.
static void pad(struct netgen *n, uint32_t node, const struct value *x) {
  int64_t sizes[2 * RANK_MAX], code = type_from_integer(&x->type, 0, 0);
  for (int d = 0; d < 2 * x->rank; d++) sizes[d] = netgen_chance(n, 50) ? 0 : netgen_pick(n, 1, 3);
  if (netgen_chance(n, 60)) code = netgen_pick(n, type_lowest(&x->type), type_highest(&x->type));
  if (x->type.cls == TYPE_BIPOLAR) code = netgen_chance(n, 50) ? 1 : -1;
  if (!type_is_code(&x->type, code)) code = type_from_integer(&x->type, 0, 0);
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

// Frames whose axes have something to move, which few random sizes have.
static void frame_to_permute(struct netgen *n) {
  static const int64_t shapes[][4] = {{3, 4},    {4, 6},       {2, 3, 4},    {5, 2, 3},
                                      {2, 2, 4}, {2, 2, 2, 3}, {2, 3, 1, 4}, {1, 3, 2, 4}};
  const int64_t *shape = shapes[netgen_pick(n, 0, sizeof shapes / sizeof *shapes - 1)];
  int rank = 2;
  while (rank < 4 && shape[rank]) rank++;
  netgen_flatten(n);
  netgen_rows_of(n, shape_elements(rank, shape));
  uint32_t x = n->at;
  uint32_t node =
      netgen_add_node(n, OP_reshape, netgen_end(n)->type, rank, shape, netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  graph_add_ints(n->g, node, ATTR_shape, rank, shape);
  netgen_finish(n, node);
}

static void swap(int64_t *a, int64_t *b) {
  int64_t before = *a;
  *a = *b;
  *b = before;
}

// Any order but the one that is there; of four axes often one that moves the last two only.
static void permute(struct netgen *n, uint32_t node, const struct value *x) {
  int64_t axes[RANK_MAX];
  int last = x->rank - 1, from = x->rank == 4 && netgen_chance(n, 50) ? 2 : 0;
  bool same = true;
  for (int d = 0; d <= last; d++) axes[d] = d;
  for (int d = from; d < last; d++) swap(&axes[d], &axes[netgen_pick(n, d, last)]);
  for (int d = 0; d <= last; d++) same &= axes[d] == d;
  if (same) swap(&axes[last - 1], &axes[last]);
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
  if (op == OP_permute)
    frame_to_permute(n);
  else if (op == OP_upsample || netgen_chance(n, 80))
    netgen_image(n, netgen_chance(n, 40) ? 1 : 2);
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
