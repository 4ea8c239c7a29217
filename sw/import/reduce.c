// SPDX-License-Identifier: Apache-2.0
#include "sw/import/reduce.h"

#include <string.h>

// The array as (reduced, kept), the reduced axes in front: a sequence.
static bool as_sequence(struct builder *b, struct stream *x, const bool *reduced,
                        struct stream *kept) {
  int axes[RANK_MAX], order[RANK_MAX], n = 0, place[RANK_MAX], m = 0, left[RANK_MAX];
  int64_t rows = 1, shape[RANK_MAX];
  if (!builder_tidy(b, x, axes)) return false;
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < x->layout.rank; k++)
      if (reduced[axes[k]] == !pass) order[n++] = axes[k];
  if (!builder_arrange(b, x, order)) return false;
  for (int d = 0; d < x->layout.rank; d++) {
    place[d] = m;
    if (reduced[d]) rows *= x->layout.shape[d];
    if (!reduced[d]) shape[m++] = x->layout.shape[d];
  }
  for (int k = 0; k < m; k++) left[k] = place[order[n - m + k]];
  kept->layout = layout_new(m, shape, left);
  int64_t sequence[2] = {rows, layout_elements(&kept->layout)};
  const char *name = b->node;
  b->node = arena_printf(b->arena, "%s.rows", name);
  uint32_t node = builder_node(b, OP_reshape, 1, &x->value);
  graph_add_ints(b->graph, node, ATTR_shape, 2, sequence);
  bool ok = builder_out(b, node, &kept->value);
  b->node = name;
  return ok;
}

// A sum over the rows of each channel: a convolution with ones.
static uint32_t ones(struct builder *b, uint32_t sequence) {
  const struct value *v = &b->graph->values[sequence];
  int64_t shape[3] = {v->shape[1], v->shape[0], 1};
  struct tensor *t = tensor_new(b->arena, DTYPE_F32, 3, shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = 1;
  uint32_t in[2] = {sequence, builder_tensor(b, arena_printf(b->arena, "%s.ones", b->node), t)};
  uint32_t node = builder_node(b, OP_conv1d, 2, in);
  builder_int(b, node, ATTR_groups, shape[0], 1);
  return node;
}

bool reduce_axes(struct builder *b, enum reduction r, const bool *reduced, struct stream *x) {
  struct stream y = {0};
  int rank = x->layout.rank;
  int64_t shape[RANK_MAX];
  for (int d = 0; d < rank; d++) shape[d] = reduced[d] ? 1 : x->layout.shape[d];
  if (!as_sequence(b, x, reduced, &y)) return false;
  bool sum = r == REDUCE_SUM;
  if (sum && !builder_takes(b, 2, b->graph->values[y.value].shape)) return false;
  enum op pool = r == REDUCE_MAX ? OP_max_pool : OP_avg_pool;
  uint32_t node = sum ? ones(b, y.value) : builder_node(b, pool, 1, &y.value);
  if (!builder_out(b, node, &y.value)) return false;
  *x = y;
  return layout_reshape(&x->layout, rank, shape);
}

bool reduce_drop(struct builder *b, const bool *reduced, struct stream *x) {
  int64_t shape[RANK_MAX];
  int n = 0;
  for (int d = 0; d < x->layout.rank; d++)
    if (!reduced[d]) shape[n++] = x->layout.shape[d];
  return builder_reshape(b, x, n, shape);
}
