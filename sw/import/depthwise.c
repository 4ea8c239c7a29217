// SPDX-License-Identifier: Apache-2.0
#include "sw/import/depthwise.h"

static bool reshaped(struct builder *b, const char *suffix, int rank, const int64_t *shape,
                     uint32_t *value) {
  const char *name = b->node;
  b->node = arena_printf(b->arena, "%s.%s", name, suffix);
  uint32_t node = builder_node(b, rank == 1 ? OP_flatten : OP_reshape, 1, value);
  if (rank > 1) graph_add_ints(b->graph, node, ATTR_shape, rank, shape);
  b->node = name;
  return builder_out(b, node, value);
}

bool depthwise_put(struct builder *b, const char *suffix, int64_t outs, int64_t groups,
                   struct type type, const int64_t *weights, struct tensor *bias, uint32_t *value) {
  const char *name = b->node;
  if (suffix) b->node = arena_printf(b->arena, "%s.%s", name, suffix);
  const struct value *v = &b->graph->values[*value];
  int rank = v->rank;
  int64_t channels = v->shape[rank - 1], sequence[2] = {1, channels};
  bool ok = rank > 1 || reshaped(b, "sequence", 2, sequence, value);
  int axes = rank > 1 ? rank - 1 : 1;
  int64_t shape[4] = {outs, 1, 1, 1}, each = channels / groups;
  shape[axes + 1] = each;
  struct tensor *w = tensor_new(b->arena, dtype_for(&type), axes + 2, shape);
  for (int64_t i = 0; i < w->count; i++) tensor_set_int(w, i, weights[i / each]);
  uint32_t in[3] = {*value,
                    builder_typed(b, arena_printf(b->arena, "%s.weights", b->node), w, type)};
  if (bias) in[2] = builder_tensor(b, arena_printf(b->arena, "%s.bias", b->node), bias);
  uint32_t node = builder_node(b, axes == 2 ? OP_conv2d : OP_conv1d, bias ? 3 : 2, in);
  builder_int(b, node, ATTR_groups, groups, 1);
  ok = ok && builder_out(b, node, value) && (rank > 1 || reshaped(b, "flat", 1, NULL, value));
  b->node = name;
  return ok;
}
