// SPDX-License-Identifier: Apache-2.0
// Layers that compute with integers: QLinearConv and its like, which have a DequantizeLinear of
// each operand and a QuantizeLinear of what they give inside, and layers that only move integers.
#include "sw/import/onnx_grid.h"

#include <string.h>

static const struct qlinear {
  const char *op, *real;  // and the layer of numbers that it is
  size_t first, operands; // the first operand, scale and zero point behind each; 0: all that follow
  size_t scale;           // of what it gives, zero point behind it
  int axis;               // of the second operand's scales
  size_t bias;            // of int32; 0: it has none
} qlinears[] = {{"QLinearConv", "Conv", 0, 2, 6, 0, 8},
                {"QLinearMatMul", "MatMul", 0, 2, 6, 1, 0},
                {"QGemm", "Gemm", 0, 2, 7, 1, 6},
                {"QLinearAdd", "Add", 0, 2, 6, 0, 0},
                {"QLinearMul", "Mul", 0, 2, 6, 0, 0},
                {"QLinearSigmoid", "Sigmoid", 0, 1, 3, 0, 0},
                {"QLinearLeakyRelu", "LeakyRelu", 0, 1, 3, 0, 0},
                {"QLinearAveragePool", "AveragePool", 0, 1, 3, 0, 0},
                {"QLinearGlobalAveragePool", "GlobalAveragePool", 0, 1, 3, 0, 0},
                {"QLinearSoftmax", "Softmax", 0, 1, 3, 0, 0},
                {"QLinearConcat", "Concat", 2, 0, 0, 0, 0}};

static const struct qlinear *qlinear_of(const char *op) {
  for (size_t i = 0; i < sizeof qlinears / sizeof *qlinears; i++)
    if (strcmp(qlinears[i].op, op) == 0) return &qlinears[i];
  return NULL;
}

bool onnx_is_qlinear(const char *op) {
  return qlinear_of(op) != NULL;
}

// Operand i, with scale and zero point behind it, as values: under a name of its own.
static bool valued(struct onnx *o, size_t i, char *name, int64_t axis) {
  struct item *x = onnx_in(o, i), *scale = grid_constant(o, i + 1, "scale"),
              *zero = onnx_in(o, i + 2);
  if (!x || !scale || (zero && !grid_constant(o, i + 2, "zero point"))) return false;
  struct grid g = {.width = 8, .scale = scale->constant, .zero = zero ? zero->constant : NULL};
  const Onnx__NodeProto *whole = o->node;
  Onnx__NodeProto one = *whole;
  one.n_output = 1;
  one.output = &name;
  o->node = &one;
  bool ok = true;
  if (x->kind == ITEM_CONSTANT && !x->grid) {
    ok = grid_dequantize(o, x, &g, (int)axis);
  } else if (x->kind == ITEM_STREAM && x->grid) {
    struct item plain = *x;
    plain.grid = NULL;
    ok = grid_requantise(o, plain, x->grid);
  } else {
    ok = onnx_refuse(o, "quantise the input too", "it reads integers that no QuantizeLinear made");
  }
  o->node = whole;
  return ok;
}

// Of int32, at the scale of input times weight, times alpha of a QGemm.
static bool valued_bias(struct onnx *o, size_t i, char *name) {
  const struct tensor *b = onnx_constant(o, i), *w = onnx_constant(o, 4);
  double x, alpha = onnx_real(o, "alpha", 1);
  if (!grid_number(o, onnx_constant(o, 1), "scale", &x)) return false;
  if (!b || !w->count)
    return onnx_refuse(o, "export with a constant bias", "its bias is computed from data");
  struct tensor *value = tensor_new(o->arena, DTYPE_F64, 1, &b->count);
  for (int64_t c = 0; c < b->count; c++)
    ((double *)value->data)[c] =
        alpha * tensor_real(b, c) * (x * tensor_real(w, w->count > 1 && c < w->count ? c : 0));
  onnx_put(o, name, (struct item){.kind = ITEM_CONSTANT, .constant = value});
  return true;
}

// What it gives waits for a DequantizeLinear.
static void wait_on(struct onnx *o, const struct grid *g) {
  for (size_t i = 0; i < o->node->n_output; i++) {
    const struct item *made = *o->node->output[i] ? onnx_item(o, o->node->output[i]) : NULL;
    if (!made) continue;
    struct item y = *made;
    y.grid = arena_copy(o->arena, g, sizeof *g);
    onnx_set(o, i, y);
  }
}

static bool fits(struct onnx *o, const struct qlinear *q) {
  const Onnx__NodeProto *n = o->node;
  if (n->n_input < q->first + 3 * (q->operands ? q->operands : 1))
    return onnx_refuse(o, "check the file", "%zu inputs, expected %zu", n->n_input, q->scale + 1);
  if (onnx_int(o, "channels_last", 0))
    return onnx_refuse(o, "export with channels first", "its channels are last");
  return true;
}

// The layer of numbers between; of QGemm without a scale numbers come out.
bool onnx_qlinear(struct onnx *o) {
  const struct qlinear *q = qlinear_of(o->node->op_type);
  const Onnx__NodeProto *whole = o->node;
  if (!fits(o, q)) return false;
  size_t n = q->operands ? q->operands : (whole->n_input - q->first) / 3;
  bool bias = q->bias && onnx_in(o, q->bias), real = q->scale && !onnx_in(o, q->scale);
  char **in = ARENA_NEW(o->arena, char *, n + 1), *op = arena_strdup(o->arena, q->real);
  struct grid g = {.rounding = FIX_HALF_EVEN, .axis = 1};
  struct item *scale = real ? NULL : grid_constant(o, q->scale, "scale");
  struct item *zero = onnx_in(o, q->scale + 1);
  if (!real && (!scale || !grid_range(o, zero, &g))) return false;
  if (!real) g.scale = scale->constant;
  if (!real) g.zero = zero ? zero->constant : NULL;
  for (size_t i = 0; i < n; i++) {
    int axis = q->axis && onnx_int(o, "transB", 0) ? 0 : q->axis;
    in[i] = arena_printf(o->arena, "%s.in%zu", o->builder.node, i);
    if (!valued(o, q->first + 3 * i, in[i], i ? axis : 1)) return false;
  }
  in[n] = arena_printf(o->arena, "%s.bias", o->builder.node);
  if (bias && !valued_bias(o, q->bias, in[n])) return false;
  Onnx__NodeProto plain = *whole;
  plain.op_type = op;
  plain.input = in;
  plain.n_input = n + bias;
  o->node = &plain;
  bool is, ok = onnx_layer(o, &is);
  o->node = whole;
  if (ok && !real) wait_on(o, &g);
  return ok;
}

// ---- integers that are moved

bool onnx_moves_integers(struct onnx *o) {
  static const char *const ops[] = {
      "MaxPool", "Reshape",      "Flatten",      "Transpose", "Squeeze", "Unsqueeze", "Slice",
      "Gather",  "DepthToSpace", "SpaceToDepth", "Identity",  "Split",   "Expand"};
  const struct item *x = onnx_in(o, 0);
  bool moves = false;
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    moves |= strcmp(o->node->op_type, ops[i]) == 0;
  if (strcmp(o->node->op_type, "Resize") == 0)
    moves = strcmp(onnx_text(o, "mode", "nearest"), "nearest") == 0;
  return moves && x && x->grid && x->kind == ITEM_STREAM;
}

bool onnx_move_integers(struct onnx *o) {
  const Onnx__NodeProto *whole = o->node;
  struct item values = *onnx_in(o, 0);
  const struct grid *g = values.grid;
  char *name = arena_printf(o->arena, "%s.in", o->builder.node);
  char **in = arena_copy(o->arena, whole->input, whole->n_input * sizeof *in);
  if (!onnx_release(o, &values)) return false;
  onnx_put(o, name, values);
  in[0] = name;
  Onnx__NodeProto plain = *whole;
  plain.input = in;
  o->node = &plain;
  bool is, ok = onnx_layer(o, &is);
  o->node = whole;
  if (ok) wait_on(o, g);
  return ok;
}

bool onnx_takes_integers(struct onnx *o) {
  return strcmp(o->node->op_type, "DequantizeLinear") == 0 ||
         strcmp(o->node->op_type, "Clip") == 0 || onnx_is_qlinear(o->node->op_type) ||
         onnx_moves_integers(o);
}
