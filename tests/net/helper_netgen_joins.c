// SPDX-License-Identifier: Apache-2.0
// Parts of random graphs: joins, and what has no circuit: matrices, sums, variables, opaque nodes.
#include "tests/net/helper_netgen_parts.h"

#include <string.h>

static bool pairs(const struct netgen *n) {
  return n->kind == NETGEN_PAIRS || n->kind == NETGEN_WIDE_PAIRS;
}

struct type netgen_pair_type(struct netgen *n) {
  int width = n->kind == NETGEN_PAIRS ? 8 : 12;
  bool is_signed = netgen_chance(n, 60);
  int32_t zero = 0;
  if (netgen_chance(n, 50))
    zero = (int32_t)netgen_pick(n, fix_lowest(width, is_signed), fix_highest(width, is_signed));
  return type_fixed(n->arena, width, is_signed, 0.25, zero);
}

static uint32_t every_code(struct netgen *n) {
  struct type type = netgen_pair_type(n);
  int64_t count = type_highest(&type) - type_lowest(&type) + 1;
  struct tensor *t = tensor_new(n->arena, dtype_for(&type), 1, &count);
  for (int64_t i = 0; i < count; i++) tensor_set_int(t, i, type_lowest(&type) + i);
  return graph_add_tensor(n->g, netgen_name(n, "codes"), t, type);
}

// For pairs of codes outputs that neither all round to zero nor all saturate.
static void join_scale(struct netgen *n, int64_t *mul, int32_t shift) {
  if (pairs(n))
    *mul = netgen_pick(n, 1, (int64_t)2 << shift);
  else
    *mul = netgen_chance(n, 50) ? 1 << netgen_pick(n, 0, 8) : netgen_pick(n, 1, INT32_MAX);
}

// Frames as those at the chain's end.
static uint32_t another_input(struct netgen *n) {
  const struct value *v = netgen_end(n);
  struct type type = netgen_stream_type(n, false, 12);
  int rank = v->rank;
  int64_t shape[RANK_MAX];
  memcpy(shape, v->shape, sizeof shape);
  uint32_t x = graph_add_value(n->g, netgen_name(n, "input"), rank, shape, type, true);
  graph_add_input(n->g, x, (struct source){0});
  return x;
}

// What rounding tflite brings to a common scale has at most 12 bits without its zero point.
static bool is_small(const struct type *t) {
  int64_t zero = t->cls == TYPE_FIXED ? t->zero[0] : 0;
  return type_lowest(t) - zero >= -2048 && type_highest(t) - zero < 2048;
}

// Three requantisations of a sum, the first two of which halve at least; one of a product.
static void tflite_join(struct netgen *n, uint32_t node, const struct type *out, int bits) {
  bool sum = n->g->nodes[node].op != OP_mul;
  n->g->nodes[node].rounding = FIX_TFLITE;
  for (int i = 0; i < (sum ? 3 : 1); i++) {
    int64_t mul = netgen_chance(n, 20) ? 1 << 30 : netgen_pick(n, 1 << 30, INT32_MAX);
    bool addend = sum && i < 2;
    int32_t shift = 31 + (int32_t)(addend ? netgen_pick(n, 0, netgen_chance(n, 80) ? 2 : 34)
                                          : bits - type_width(out) + netgen_pick(n, -2, 1));
    if (shift < 31) shift = 31;
    graph_add_requant(n->g, node, 1, &mul, &shift);
  }
}

static bool takes_tflite(struct netgen *n, uint32_t x, uint32_t y, const struct type *out) {
  const struct type *a = &n->g->values[x].type, *b = &n->g->values[y].type;
  return out->cls == TYPE_FIXED && is_small(a) && is_small(b) && netgen_chance(n, 30);
}

void netgen_join(struct netgen *n, enum op op) {
  uint32_t x = n->at, y = n->at;
  if (pairs(n)) {
    y = every_code(n);
  } else if (netgen_chance(n, 50)) {
    netgen_pointwise(n, OP_relu);
    y = n->at;
  } else if (n->kind == NETGEN_CIRCUIT && netgen_chance(n, 30)) {
    y = another_input(n);
  } else if (netgen_chance(n, 50)) {
    y = netgen_tensor(n, "c", 1, &netgen_end(n)->shape[netgen_end(n)->rank - 1],
                      type_fixed(n->arena, 5, true, 0.25, 1));
  }
  const struct value *v = &n->g->values[x];
  struct type out = netgen_sum_type(n, true, 16);
  uint32_t node = netgen_add_node(n, op, out, v->rank, v->shape, v->per_frame);
  netgen_use(n, node, x);
  netgen_use(n, node, y);
  if (takes_tflite(n, x, y, &out)) {
    int widths = type_width(&n->g->values[x].type) + type_width(&n->g->values[y].type);
    tflite_join(n, node, &out, op == OP_mul ? widths : widths / 2 + 20);
    netgen_finish(n, node);
    return;
  }
  int32_t shift =
      (int32_t)(pairs(n) ? netgen_pick(n, 1, op == OP_mul ? 12 : 6) : netgen_pick(n, 0, 34));
  for (int i = 0; i < (op == OP_mul ? 1 : 2); i++) {
    int64_t mul;
    join_scale(n, &mul, shift);
    graph_add_requant(n->g, node, 1, &mul, &shift);
  }
  netgen_finish(n, node);
}

// The chain's end, two to six times, or in turns with what a relu makes of it; as it is, or cast.
void netgen_concat(struct netgen *n) {
  if (n->kind == NETGEN_CIRCUIT && netgen_chance(n, 60)) netgen_reshape(n);
  uint32_t x = n->at, other = x;
  bool casts = netgen_chance(n, 60);
  if (casts && netgen_chance(n, 60)) {
    netgen_pointwise(n, OP_relu);
    other = n->at;
  }
  const struct value *v = &n->g->values[x];
  struct type type = casts ? netgen_sum_type(n, true, 16) : v->type;
  int64_t shape[RANK_MAX], parts = netgen_pick(n, 2, 6), axis = netgen_pick(n, 0, v->rank - 1);
  int rank = v->rank;
  bool frames = v->per_frame;
  memcpy(shape, v->shape, sizeof shape);
  shape[axis] *= parts;
  uint32_t node = netgen_add_node(n, OP_concat, type, rank, shape, frames);
  for (int64_t i = 0; i < parts; i++) {
    uint32_t part = i % 2 ? other : x;
    netgen_use(n, node, part);
    if (casts) netgen_requant(n, node, type_width(&n->g->values[part].type) + 1, &type, 1);
  }
  graph_add_int(n->g, node, ATTR_axis, axis);
  netgen_finish(n, node);
}

// Splits the chain's elements into a matrix (rows, columns).
void netgen_reshape(struct netgen *n) {
  int64_t elements = value_elements(netgen_end(n)), rows = 1;
  for (int64_t d = 2; d <= elements; d++)
    if (elements % d == 0 && netgen_chance(n, 50)) rows = d;
  int64_t shape[2] = {rows, elements / rows};
  uint32_t x = n->at, node = netgen_add_node(n, OP_reshape, netgen_end(n)->type, 2, shape,
                                             netgen_end(n)->per_frame);
  netgen_use(n, node, x);
  graph_add_ints(n->g, node, ATTR_shape, 2, (int64_t[]){rows, -1});
  netgen_finish(n, node);
}

void netgen_matmul(struct netgen *n, bool frames) {
  netgen_reshape(n);
  uint32_t x = n->at;
  bool ta = netgen_chance(n, 50), tb = netgen_chance(n, 50);
  int64_t inner = netgen_end(n)->shape[!ta], columns = netgen_size(n);
  int64_t b_shape[2] = {tb ? columns : inner, tb ? inner : columns};
  int64_t shape[2] = {netgen_end(n)->shape[ta], columns};
  struct type out = netgen_sum_type(n, true, 12);
  uint32_t node = netgen_add_node(n, OP_matmul, out, 2, shape, netgen_end(n)->per_frame && !frames);
  netgen_use(n, node, x);
  netgen_use(n, node, netgen_tensor(n, "m", 2, b_shape, type_fixed(n->arena, 6, true, 0.125, 2)));
  graph_add_int(n->g, node, ATTR_transpose_a, ta);
  graph_add_int(n->g, node, ATTR_transpose_b, tb);
  if (frames) graph_add_int(n->g, node, ATTR_frames, 1);
  netgen_requant(n, node, (int)netgen_pick(n, 10, 20), &out, 1);
  netgen_finish(n, node);
}

void netgen_sum(struct netgen *n, bool frames) {
  netgen_reshape(n);
  uint32_t x = n->at;
  int64_t axis = netgen_pick(n, 0, 1), shape[1] = {netgen_end(n)->shape[!axis]};
  struct type out = netgen_sum_type(n, true, 12);
  uint32_t node = netgen_add_node(n, OP_sum, out, 1, shape, netgen_end(n)->per_frame && !frames);
  netgen_use(n, node, x);
  graph_add_ints(n->g, node, ATTR_axes, 1, &axis);
  if (frames) graph_add_int(n->g, node, ATTR_frames, 1);
  netgen_requant(n, node, (int)netgen_pick(n, 6, 14), &out, 1);
  netgen_finish(n, node);
}

// variable -> read -> multiplied into the chain; what is summed over the frames is added to it.
void netgen_state(struct netgen *n) {
  netgen_flatten(n);
  struct type held = type_fixed(n->arena, 7, true, 0.25, 0);
  int64_t shape[1] = {netgen_end(n)->shape[0]};
  uint32_t x = n->at, init = netgen_tensor(n, "init", 1, shape, held);
  uint32_t variable = netgen_add_node(n, OP_variable, type_ref(), 1, shape, false);
  graph_add_attr(n->g, variable, ATTR_init)->value = init;
  uint32_t ref = n->g->nodes[variable].out[0];
  uint32_t read = netgen_add_node(n, OP_read, held, 1, shape, false);
  graph_add_ref(n->g, read, ref);
  struct type out = netgen_stream_type(n, false, 12);
  uint32_t mul = netgen_add_node(n, OP_mul, out, 1, shape, true);
  netgen_use(n, mul, x);
  netgen_use(n, mul, n->g->nodes[read].out[0]);
  netgen_requant(n, mul, 14, &out, 1);
  uint32_t total = netgen_add_node(n, OP_sum, held, 1, shape, false);
  netgen_use(n, total, n->g->nodes[mul].out[0]);
  graph_add_int(n->g, total, ATTR_frames, 1);
  netgen_requant(n, total, 14, &held, 1);
  static const char *const functions[] = {"write", "add", "sub", "min", "max"};
  uint32_t assign = graph_add_node(n->g, OP_assign, netgen_name(n, "assign"));
  graph_add_attr(n->g, assign, ATTR_function)->text = functions[netgen_pick(n, 0, 4)];
  graph_add_ref(n->g, assign, ref);
  netgen_use(n, assign, n->g->nodes[total].out[0]);
  graph_add_after(n->g, assign, (struct after){read, 0});
  graph_add_after(n->g, read, (struct after){assign, 1});
  netgen_finish(n, mul);
}

void netgen_opaque(struct netgen *n) {
  uint32_t x = n->at, node = netgen_add_node(n, OP_opaque, netgen_end(n)->type, netgen_end(n)->rank,
                                             netgen_end(n)->shape, true);
  netgen_use(n, node, x);
  graph_add_int(n->g, node, ATTR_macs, netgen_pick(n, 0, 1000000));
  graph_add_real(n->g, node, ATTR_time, 0.001);
  netgen_finish(n, node);
}
