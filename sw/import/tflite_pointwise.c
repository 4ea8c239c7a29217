// SPDX-License-Identifier: Apache-2.0
// Operators whose output elements are each made of one or two elements: ADD, SUB, MUL, QUANTIZE,
// DEQUANTIZE, the activations, and SOFTMAX.
#include "sw/base/elementary.h"
#include "sw/import/tflite_parts.h"

#include <float.h>
#include <math.h>

enum { CODES = 256, ADD_BITS = 20 };

static bool no_multiplier(struct tflite *t, double r) {
  return tflite_refuse(t, "calibrate with data that reach the layer's range",
                       "the scales of inputs over output give %g", r);
}

static bool put_multiplier(struct tflite *t, uint32_t node, double r) {
  int64_t mul;
  int32_t shift;
  if (!tflite_multiplier(r, &mul, &shift)) return no_multiplier(t, r);
  tflite_requant(t, node, mul, shift);
  return true;
}

// ---- joins

// Shapes broadcast from behind, so that batch axes of 1 play no part.
static bool join(struct tflite *t, enum op kind, struct tflite_node *n) {
  enum { ACTIVATION };
  if (!tflite_streams(t)) return false;
  if (tflite_in(t, 0)->data.count && tflite_in(t, 1)->data.count)
    return tflite_refuse(t, "convert the model with its constants folded",
                         "both inputs are constants");
  uint32_t a = tflite_value(t, 0, tflite_frame(tflite_in(t, 0)));
  uint32_t b = tflite_value(t, 1, tflite_frame(tflite_in(t, 1)));
  int activation = (int)flat_int(t->op->options, ACTIVATION, FLAT_I8, 0);
  if (!tflite_begin(t, kind, activation, n)) return false;
  tflite_use(t, n->id, a);
  tflite_use(t, n->id, b);
  t->graph->nodes[n->id].rounding = FIX_TFLITE;
  return true;
}

// Both inputs at twice the coarser scale over 2^20, then their sum to the output's.
static bool sum(struct tflite *t, enum op kind) {
  struct tflite_node n;
  if (!join(t, kind, &n)) return false;
  double a = tflite_scale(tflite_in(t, 0), 0), b = tflite_scale(tflite_in(t, 1), 0);
  double y = tflite_scale(tflite_out(t, 0), 0), twice = 2 * (a > b ? a : b);
  if (!put_multiplier(t, n.id, a / twice) || !put_multiplier(t, n.id, b / twice) ||
      !put_multiplier(t, n.id, twice / ((1 << ADD_BITS) * y)))
    return false;
  tflite_end(t, &n, tflite_frame(tflite_out(t, 0)));
  return true;
}

bool tflite_add(struct tflite *t) {
  return sum(t, OP_add);
}

bool tflite_sub(struct tflite *t) {
  return sum(t, OP_sub);
}

// Product and quotient of the scales are floats.
bool tflite_mul(struct tflite *t) {
  struct tflite_node n;
  if (!join(t, OP_mul, &n)) return false;
  float a = (float)tflite_scale(tflite_in(t, 0), 0), b = (float)tflite_scale(tflite_in(t, 1), 0);
  float product = a * b, r = product / (float)tflite_scale(tflite_out(t, 0), 0);
  if (!put_multiplier(t, n.id, r)) return false;
  tflite_end(t, &n, tflite_frame(tflite_out(t, 0)));
  return true;
}

// ---- changes of type

// Input 0 in the type of output 0, and the clamp.
static bool cast(struct tflite *t, int activation) {
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  struct tflite_node n;
  uint32_t value = tflite_value(t, 0, tflite_frame(x));
  bool same = tflite_same(x, y);
  if (same && activation == TFLITE_NONE) {
    tflite_alias(t, 0, value);
    return true;
  }
  if (!tflite_begin(t, OP_quantize, activation, &n)) return false;
  tflite_use(t, n.id, value);
  t->graph->nodes[n.id].rounding = FIX_TFLITE;
  if (!put_multiplier(t, n.id, tflite_scale(x, 0) / tflite_scale(y, 0))) return false;
  tflite_end(t, &n, tflite_frame(y));
  return true;
}

// Of floats: only what the model's input or a DEQUANTIZE gives, in the type that it has already.
bool tflite_quantize(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  if (!tflite_is_stream(t, y, true)) return false;
  if (x->type != TFLITE_FLOAT32) return tflite_is_stream(t, x, true) && cast(t, TFLITE_NONE);
  int32_t value = t->value[t->op->in[0]];
  struct type type = tflite_type(t, y);
  if (value == NONE || !type_equal(&t->graph->values[value].type, &type))
    return tflite_refuse(t, "convert the model with full integer quantisation",
                         "it quantises floats in the midst of the model");
  tflite_alias(t, 0, (uint32_t)value);
  return true;
}

// What its output stands for is what the integers stand for.
bool tflite_dequantize(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0);
  if (!tflite_is_stream(t, x, true)) return false;
  tflite_alias(t, 0, tflite_value(t, 0, tflite_frame(x)));
  return true;
}

bool tflite_relu(struct tflite *t) {
  return tflite_streams(t) && cast(t, TFLITE_RELU);
}

bool tflite_relu6(struct tflite *t) {
  return tflite_streams(t) && cast(t, TFLITE_RELU6);
}

bool tflite_relu_n1_to_1(struct tflite *t) {
  return tflite_streams(t) && cast(t, TFLITE_RELU_N1_TO_1);
}

// ---- tables: the output's code by the input's, the lowest first

static struct tensor *add_table(struct tflite *t, enum op kind) {
  struct tflite_node n;
  uint32_t value = tflite_value(t, 0, tflite_frame(tflite_in(t, 0)));
  if (!tflite_begin(t, kind, TFLITE_NONE, &n)) return NULL;
  tflite_use(t, n.id, value);
  struct tensor *table = tensor_new(t->arena, DTYPE_I32, 1, (int64_t[]){CODES});
  graph_add_attr(t->graph, n.id, ATTR_table)->tensor = table;
  tflite_end(t, &n, tflite_frame(tflite_out(t, 0)));
  return table;
}

static int64_t clamp8(int64_t v) {
  return v < INT8_MIN ? INT8_MIN : v > INT8_MAX ? INT8_MAX : v;
}

// A double as the nearest float, infinite beyond all.
static float narrow(double v) {
  return v > FLT_MAX ? INFINITY : (float)v;
}

static float logistic(float v) {
  return 1 / (1 + narrow(elementary_exp(-(double)v)));
}

static float tangent(float v) {
  return narrow(elementary_tanh(v));
}

// In floats, each step rounded, as the kernels fill their tables.
static bool curve(struct tflite *t, enum op kind, float (*f)(float)) {
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  if (!tflite_streams(t)) return false;
  struct tensor *table = add_table(t, kind);
  float scale = (float)tflite_scale(x, 0), inverse = 1 / (float)tflite_scale(y, 0);
  for (int i = 0; table && i < CODES; i++) {
    float v = scale * (float)(INT8_MIN + i - tflite_zero(x, 0));
    float rounded = roundf(f(v) * inverse);
    rounded = fminf(fmaxf(rounded, -2 * CODES), 2 * CODES);
    tensor_set_int(table, i, clamp8(tflite_zero(y, 0) + (int64_t)rounded));
  }
  return table != NULL;
}

bool tflite_logistic(struct tflite *t) {
  return curve(t, OP_sigmoid, logistic);
}

bool tflite_tanh(struct tflite *t) {
  return curve(t, OP_tanh, tangent);
}

// Two multipliers, on both sides of the zero point; of a slope 0 nothing is left.
bool tflite_leaky_relu(struct tflite *t) {
  enum { ALPHA };
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  double alpha = flat_real(t->op->options, ALPHA, 0);
  if (!tflite_streams(t)) return false;
  double r = tflite_scale(x, 0) / tflite_scale(y, 0);
  int64_t mul[2] = {0};
  int32_t shift[2] = {31, 31};
  if (!(alpha >= 0)) return tflite_refuse(t, "use a slope of 0 or more", "the slope is %g", alpha);
  if (!tflite_multiplier(r, &mul[0], &shift[0]) || shift[0] < 23) return no_multiplier(t, r);
  if (alpha > 0 && (!tflite_multiplier(r * alpha, &mul[1], &shift[1]) || shift[1] < 23))
    return no_multiplier(t, r * alpha);
  struct tensor *table = add_table(t, OP_quantize);
  for (int i = 0; table && i < CODES; i++) {
    int64_t v = INT8_MIN + i - tflite_zero(x, 0);
    int side = v < 0;
    tensor_set_int(
        table, i, clamp8(tflite_zero(y, 0) + (int64_t)fix_round_tflite(v, mul[side], shift[side])));
  }
  return table != NULL;
}

// ---- softmax

// Its one requantisation brings distances from the largest code, times beta, to units of 2^-26.
bool tflite_softmax(struct tflite *t) {
  enum { BETA };
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  struct tflite_node n;
  double beta = flat_real(t->op->options, BETA, 0);
  if (!tflite_streams(t)) return false;
  if (tflite_scale(y, 0) != 1 / 256.0 || tflite_zero(y, 0) != INT8_MIN)
    return tflite_refuse(t, "convert the model anew",
                         "its output has scale %g and zero point %lld, expected 1/256 and -128",
                         tflite_scale(y, 0), (long long)tflite_zero(y, 0));
  double r = fmin(beta * tflite_scale(x, 0) * 0x1p26, 0x1p31 - 1);
  uint32_t value = tflite_value(t, 0, tflite_frame(x));
  if (!tflite_begin(t, OP_softmax, TFLITE_NONE, &n)) return false;
  tflite_use(t, n.id, value);
  t->graph->nodes[n.id].rounding = FIX_TFLITE;
  if (!put_multiplier(t, n.id, r)) return false;
  tflite_end(t, &n, tflite_frame(y));
  return true;
}
