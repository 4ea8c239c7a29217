// SPDX-License-Identifier: Apache-2.0
#include "sw/import/compose.h"

#include "sw/import/term.h"

static bool reshaped(struct builder *b, const char *suffix, int rank, const int64_t *shape,
                     uint32_t *value) {
  const char *name = b->node;
  b->node = arena_printf(b->arena, "%s.%s", name, suffix);
  uint32_t node = builder_node(b, OP_reshape, 1, value);
  graph_add_ints(b->graph, node, ATTR_shape, rank, shape);
  bool ok = builder_out(b, node, value);
  b->node = name;
  return ok;
}

//   x  (H, W, C) -> (1, H W, C)
//                                -> concat (n, H W, C) -> max_pool [n, 1] (1, H W, C) -> (H, W, C)
//   y  (H, W, C) -> (1, H W, C)
bool compose_max(struct builder *b, uint32_t n, const uint32_t *in, uint32_t *out) {
  const struct value v = b->graph->values[in[0]];
  int64_t channels = v.rank ? v.shape[v.rank - 1] : 1;
  int64_t row[3] = {1, value_elements(&v) / channels, channels}, kernel[2] = {n, 1};
  uint32_t *rows = ARENA_NEW(b->arena, uint32_t, n);
  const char *name = b->node;
  for (uint32_t i = 0; i < n; i++) {
    rows[i] = in[i];
    if (!reshaped(b, arena_printf(b->arena, "row%u", i), 3, row, &rows[i])) return false;
  }
  b->node = arena_printf(b->arena, "%s.rows", name);
  uint32_t node = builder_node(b, OP_concat, n, rows);
  graph_add_int(b->graph, node, ATTR_axis, 0);
  bool ok = builder_out(b, node, out);
  b->node = name;
  if (!ok) return false;
  node = builder_node(b, OP_max_pool, 1, out);
  graph_add_ints(b->graph, node, ATTR_kernel, 2, kernel);
  return builder_out(b, node, out) && reshaped(b, "shape", v.rank, v.shape, out);
}

static bool negated(struct builder *b, const char *suffix, uint32_t *value) {
  const char *name = b->node;
  struct tensor *zero = tensor_new(b->arena, DTYPE_F32, 1, (const int64_t[]){1});
  b->node = arena_printf(b->arena, "%s.%s", name, suffix);
  uint32_t in[2] = {builder_tensor(b, arena_printf(b->arena, "%s.zero", b->node), zero), *value};
  bool ok = builder_out(b, builder_node(b, OP_sub, 2, in), value);
  b->node = name;
  return ok;
}

bool compose_min(struct builder *b, uint32_t n, const uint32_t *in, uint32_t *out) {
  uint32_t *less = ARENA_NEW(b->arena, uint32_t, n);
  for (uint32_t i = 0; i < n; i++) {
    less[i] = in[i];
    if (!negated(b, arena_printf(b->arena, "minus%u", i), &less[i])) return false;
  }
  return compose_max(b, n, less, out) && negated(b, "minus", out);
}

// ---- as large as another

static uint32_t ones(struct builder *b, uint32_t x, int rank, int64_t channels) {
  int64_t shape[4] = {channels, 1, 1, 1};
  struct tensor *t = tensor_new(b->arena, DTYPE_F32, rank + 1, shape);
  for (int64_t i = 0; i < channels; i++) ((float *)t->data)[i] = 1;
  uint32_t in[2] = {x, builder_tensor(b, arena_printf(b->arena, "%s.ones", b->node), t)};
  return builder_node(b, rank == 3 ? OP_conv2d : rank == 2 ? OP_conv1d : OP_linear, 2, in);
}

bool compose_spread(struct builder *b, uint32_t *value, const int64_t *shape) {
  const struct value v = b->graph->values[*value];
  const char *name = b->node;
  int64_t factors[2] = {1, 1};
  bool ok = true, pixels = false;
  if (v.rank < 1 || v.rank > 3) return true;
  for (int d = 0; d < v.rank - 1; d++) {
    if (v.shape[d] == 1) factors[d] = shape[d];
    pixels |= factors[d] > 1;
  }
  if (v.shape[v.rank - 1] == 1 && shape[v.rank - 1] > 1) {
    b->node = arena_printf(b->arena, "%s.channels", name);
    ok = builder_takes(b, 1, &shape[v.rank - 1]) &&
         builder_out(b, ones(b, *value, v.rank, shape[v.rank - 1]), value);
  }
  b->node = arena_printf(b->arena, "%s.pixels", name);
  if (ok && pixels) {
    uint32_t node = builder_node(b, OP_upsample, 1, value);
    graph_add_ints(b->graph, node, ATTR_factors, v.rank - 1, factors);
    ok = builder_out(b, node, value);
  }
  b->node = name;
  return ok;
}

// ---- PReLU

static bool layer(struct builder *b, const char *suffix, enum op op, uint32_t x, uint32_t y,
                  uint32_t *out) {
  const char *name = b->node;
  if (suffix) b->node = arena_printf(b->arena, "%s.%s", name, suffix);
  bool ok = builder_out(b, builder_node(b, op, y == x ? 1 : 2, (const uint32_t[]){x, y}), out);
  b->node = name;
  return ok;
}

// The axis of the file's array along which alone the slopes differ; NONE if there are more.
static int differs_along(const struct stream *x, const struct tensor *slope) {
  int found = NONE;
  for (int d = 0; d < slope->rank; d++) {
    if (slope->shape[d] == 1) continue;
    if (found != NONE) return NONE;
    found = d + x->layout.rank - slope->rank;
  }
  return found;
}

static bool scaled(struct builder *b, struct stream *x, const struct tensor *slope, bool channels) {
  const char *name = b->node;
  const struct value *v = &b->graph->values[x->value];
  if (!channels && !builder_takes(b, v->rank, v->shape)) return false;
  if (!channels) {
    uint32_t c = builder_constant_like(b, x, slope, arena_printf(b->arena, "%s.slope", name));
    return layer(b, "below", OP_mul, x->value, c, &x->value);
  }
  double *scale = ARENA_NEW(b->arena, double, slope->count),
         *shift = ARENA_NEW(b->arena, double, slope->count);
  for (int64_t i = 0; i < slope->count; i++) scale[i] = tensor_real(slope, i);
  b->node = arena_printf(b->arena, "%s.below", name);
  bool ok = term_affine(b, x, slope->count, scale, shift);
  b->node = name;
  return ok;
}

bool compose_prelu(struct builder *b, struct stream *x, const struct tensor *slope) {
  int axis = differs_along(x, slope), axes[RANK_MAX];
  if (!builder_tidy(b, x, axes)) return false;
  bool last = axis != NONE && axes[x->layout.rank - 1] == axis;
  if (axis != NONE && !last) {
    layout_last(axes, x->layout.rank, axis);
    if (!builder_arrange(b, x, axes)) return false;
    last = true;
  }
  struct stream above = *x, below = *x;
  return layer(b, "above", OP_relu, x->value, x->value, &above.value) &&
         layer(b, "rest", OP_sub, x->value, above.value, &below.value) &&
         scaled(b, &below, slope, last) &&
         layer(b, NULL, OP_add, above.value, below.value, &x->value);
}
