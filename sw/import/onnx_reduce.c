// SPDX-License-Identifier: Apache-2.0
// Sums, means and maxima over axes, softmax and classes.
#include "sw/import/onnx.h"
#include "sw/import/reduce.h"

#include <string.h>

// ---- sums over axes

// The axes, without the batch; `all` of them if none is named.
static bool axes_of(struct onnx *o, int rank, bool reduced[RANK_MAX]) {
  int64_t count;
  const int64_t *axes;
  if (!onnx_ints(o, "axes", 1, &count, &axes)) return false;
  memset(reduced, 0, RANK_MAX * sizeof *reduced);
  if (count == 0) return onnx_refuse(o, "name the axes", "it also reduces axis 0, the batch");
  for (int64_t i = 0; i < count; i++) {
    int axis;
    if (!onnx_axis(o, axes[i], rank, &axis)) return false;
    reduced[axis] = true;
  }
  return true;
}

static bool drop_axes(struct onnx *o, const bool *reduced, struct stream y) {
  if (!reduce_drop(&o->builder, reduced, &y)) return false;
  onnx_set_stream(o, 0, y);
  return true;
}

static bool is_spatial(const bool *reduced, int rank) {
  bool all = rank == 2 || rank == 3;
  for (int d = 0; d < rank; d++) all &= reduced[d] == (d > 0);
  return all;
}

bool onnx_reduce(struct onnx *o) {
  struct stream x = {0};
  bool reduced[RANK_MAX];
  bool sum = strcmp(o->node->op_type, "ReduceSum") == 0;
  bool most = strcmp(o->node->op_type, "ReduceMax") == 0;
  if (!onnx_stream(o, 0, &x) || !axes_of(o, x.layout.rank, reduced)) return false;
  if (is_spatial(reduced, x.layout.rank) && !sum) {
    if (!builder_image(&o->builder, &x) ||
        !onnx_whole_image(o, &x, most ? OP_max_pool : OP_avg_pool))
      return false;
    x = onnx_item(o, o->node->output[0])->stream;
  } else if (!reduce_axes(&o->builder,
                          sum    ? REDUCE_SUM
                          : most ? REDUCE_MAX
                                 : REDUCE_MEAN,
                          reduced, &x)) {
    return false;
  }
  if (!onnx_int(o, "keepdims", 1)) return drop_axes(o, reduced, x);
  onnx_set_stream(o, 0, x);
  return true;
}

// The same of a function of each element, under names of their own.
static bool reduce_of(struct onnx *o, enum function f, const char *reduce) {
  const Onnx__NodeProto *whole = o->node;
  Onnx__NodeProto first = *whole, second = *whole;
  char *name = arena_printf(o->arena, "%s.each", o->builder.node);
  char *two[2] = {whole->input[0], whole->input[0]};
  char **in = arena_copy(o->arena, whole->input, whole->n_input * sizeof *in);
  char *op = arena_strdup(o->arena, reduce);
  first.n_input = (size_t)function_operands(f);
  first.input = two;
  first.output = &name;
  in[0] = name;
  second.input = in;
  second.op_type = op;
  o->node = &first;
  bool ok = onnx_function(o, f);
  o->node = &second;
  ok = ok && onnx_reduce(o);
  o->node = whole;
  return ok;
}

bool onnx_reduce_l1(struct onnx *o) {
  return reduce_of(o, FUNCTION_ABS, "ReduceSum");
}

bool onnx_reduce_squares(struct onnx *o) {
  return reduce_of(o, FUNCTION_MUL, "ReduceSum");
}

// -max(-x)
bool onnx_reduce_min(struct onnx *o) {
  struct stream y = {0};
  if (!reduce_of(o, FUNCTION_NEG, "ReduceMax")) return false;
  y = onnx_item(o, o->node->output[0])->stream;
  struct item made = {.kind = ITEM_STREAM, .stream = y};
  return onnx_set_term(o, &made, term_of(o->arena, FUNCTION_NEG, term_x(o->arena), NULL, NULL));
}

// ---- classes

// An axis of the file comes last in our order.
static bool last(struct onnx *o, struct stream *x, int axis) {
  int axes[RANK_MAX];
  if (!builder_tidy(&o->builder, x, axes)) return false;
  layout_last(axes, x->layout.rank, axis);
  return builder_arrange(&o->builder, x, axes);
}

// Before opset 13 over all axes from `axis` on, since then over one.
bool onnx_softmax(struct onnx *o) {
  struct stream x = {0};
  int axis;
  if (!onnx_stream(o, 0, &x)) return false;
  int rank = x.layout.rank;
  if (!onnx_axis(o, onnx_int(o, "axis", o->opset < 13 ? 1 : -1), rank, &axis)) return false;
  struct layout whole = x.layout;
  if (o->opset < 13 && axis < rank - 1) {
    int64_t shape[RANK_MAX], tail = 1;
    for (int d = 0; d < rank; d++) {
      if (d < axis) shape[d] = whole.shape[d];
      if (d >= axis) tail *= whole.shape[d];
    }
    shape[axis] = tail;
    static const int plain[RANK_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
    if (!builder_arrange(&o->builder, &x, plain) ||
        !builder_reshape(&o->builder, &x, axis + 1, shape))
      return false;
  }
  if (!last(o, &x, axis)) return false;
  enum op op = strcmp(o->node->op_type, "Softmax") == 0 ? OP_softmax : OP_log_softmax;
  uint32_t node = builder_node(&o->builder, op, 1, &x.value);
  if (!builder_out(&o->builder, node, &x.value)) return false;
  if (x.layout.rank != rank && !builder_reshape(&o->builder, &x, rank, whole.shape)) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

// The second output of a node, of the shape of its first: the elements beside their indices.
static uint32_t add_elements(struct onnx *o, uint32_t node, uint32_t index) {
  struct graph *g = o->builder.graph;
  uint32_t value;
  const struct value *v = &g->values[index];
  const char *name = builder_name(&o->builder, arena_printf(o->arena, "%s.value", v->name));
  value = graph_add_value(g, name, v->rank, v->shape, type_real(), true);
  graph_add_out(g, node, value);
  return value;
}

// Elements and their indices, largest first; of the smallest, one.
bool onnx_top_k(struct onnx *o) {
  struct stream x = {0};
  int axis, axes[RANK_MAX];
  int64_t count, shape[RANK_MAX];
  const int64_t *k;
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "k", 1, &count, &k)) return false;
  if (!onnx_axis(o, onnx_int(o, "axis", -1), x.layout.rank, &axis)) return false;
  bool largest = onnx_int(o, "largest", 1) != 0;
  if (count != 1 || *k < 1 || *k > x.layout.shape[axis])
    return onnx_refuse(o, "check the file", "k isn't a number from 1 to %lld",
                       (long long)x.layout.shape[axis]);
  if (!largest && *k > 1)
    return onnx_refuse(o, "negate its input", "it takes the %lld smallest", (long long)*k);
  if (!last(o, &x, axis)) return false;
  enum op op = *k > 1 ? OP_top_k : largest ? OP_argmax : OP_argmin;
  uint32_t node = builder_node(&o->builder, op, 1, &x.value);
  if (*k > 1) graph_add_int(o->builder.graph, node, ATTR_k, *k);
  if (!builder_out(&o->builder, node, &x.value)) return false;
  layout_axes(&x.layout, axes);
  memcpy(shape, x.layout.shape, sizeof shape);
  shape[axis] = *k;
  x.layout = layout_new(x.layout.rank, shape, axes);
  onnx_set_stream(o, 1, x);
  if (!onnx_is_read(o, 0)) return true;
  x.value = add_elements(o, node, x.value);
  onnx_set_stream(o, 0, x);
  return true;
}

bool onnx_classify(struct onnx *o) {
  struct stream x = {0};
  int axis;
  bool reduced[RANK_MAX] = {false};
  if (!onnx_stream(o, 0, &x)) return false;
  if (!onnx_axis(o, onnx_int(o, "axis", 0), x.layout.rank, &axis)) return false;
  if (onnx_int(o, "select_last_index", 0))
    return onnx_refuse(o, "take the first index", "it takes the last index of a tie");
  if (!last(o, &x, axis)) return false;
  enum op op = strcmp(o->node->op_type, "ArgMax") == 0 ? OP_argmax : OP_argmin;
  uint32_t node = builder_node(&o->builder, op, 1, &x.value);
  if (!builder_out(&o->builder, node, &x.value)) return false;
  int axes[RANK_MAX];
  int64_t shape[RANK_MAX];
  layout_axes(&x.layout, axes);
  memcpy(shape, x.layout.shape, sizeof shape);
  shape[axis] = 1;
  x.layout = layout_new(x.layout.rank, shape, axes);
  reduced[axis] = true;
  if (!onnx_int(o, "keepdims", 1)) return drop_axes(o, reduced, x);
  onnx_set_stream(o, 0, x);
  return true;
}
