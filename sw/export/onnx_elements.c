// SPDX-License-Identifier: Apache-2.0
// Functions of each element, sums and products of two streams.
#include "sw/export/onnx_writer.h"
#include "sw/graph/exact.h"

// ---- functions of each element

// The input of the node, whose order, whatever it is, the output has too.
const char *writer_element(struct onnx_writer *w, const char **out) {
  uint32_t x = w->node->in[0].value;
  enum order order = writer_order(w, x);
  *out = writer_made(w, 0, order);
  w->values[w->node->out[0]].element = w->values[x].element;
  return writer_read(w, x, order);
}

static Onnx__NodeProto *element(struct onnx_writer *w) {
  const char *out, *in = writer_element(w, &out);
  return writer_node(w, w->op, 1, &in, out);
}

bool onnx_put_element(struct onnx_writer *w) {
  element(w);
  return true;
}

static bool with_alpha(struct onnx_writer *w, double alpha) {
  onnx_file_attr_real(w->file, element(w), "alpha", alpha);
  return true;
}

bool onnx_put_leaky_relu(struct onnx_writer *w) {
  return with_alpha(w, node_real(w->node, ATTR_slope, 0));
}

bool onnx_put_elu(struct onnx_writer *w) {
  return with_alpha(w, node_real(w->node, ATTR_alpha, 1));
}

bool onnx_put_hard_sigmoid(struct onnx_writer *w) {
  Onnx__NodeProto *n = element(w);
  onnx_file_attr_real(w->file, n, "alpha", node_real(w->node, ATTR_slope, 0));
  onnx_file_attr_real(w->file, n, "beta", node_real(w->node, ATTR_offset, 0));
  return true;
}

static bool put_shrink(struct onnx_writer *w, double lambda, double bias) {
  Onnx__NodeProto *n = element(w);
  onnx_file_attr_real(w->file, n, "lambd", lambda);
  onnx_file_attr_real(w->file, n, "bias", bias);
  return true;
}

bool onnx_put_softshrink(struct onnx_writer *w) {
  double lambda = node_real(w->node, ATTR_lambda, 0);
  return put_shrink(w, lambda, lambda);
}

bool onnx_put_hardshrink(struct onnx_writer *w) {
  return put_shrink(w, node_real(w->node, ATTR_lambda, 0), 0);
}

bool onnx_put_gelu(struct onnx_writer *w) {
  const struct attr *how = node_attr(w->node, ATTR_approximate);
  onnx_file_attr_text(w->file, element(w), "approximate", how ? how->text : "none");
  return true;
}

bool onnx_put_clip(struct onnx_writer *w) {
  struct exact_reals r = exact_reals_of(w->node);
  const char *out, *in[3] = {writer_element(w, &out)};
  in[1] = onnx_file_real(w->file, arena_printf(w->arena, "%s.lo", w->node->name), r.lo);
  in[2] = onnx_file_real(w->file, arena_printf(w->arena, "%s.hi", w->node->name), r.hi);
  writer_node(w, w->op, 3, in, out);
  return true;
}

// Those that are composed: the last operator has the layer's name.

// x - tanh(x), x * sigmoid(x)
static bool with_itself(struct onnx_writer *w, const char *function, const char *suffix) {
  const char *out, *in = writer_element(w, &out);
  const char *both[] = {in, writer_before(w, function, suffix, 1, &in)};
  writer_node(w, w->op, 2, both, out);
  return true;
}

bool onnx_put_tanhshrink(struct onnx_writer *w) {
  return with_itself(w, "Tanh", "tanh");
}

bool onnx_put_silu(struct onnx_writer *w) {
  return with_itself(w, "Sigmoid", "sigmoid");
}

// -softplus(-x)
bool onnx_put_logsigmoid(struct onnx_writer *w) {
  const char *out, *in = writer_element(w, &out);
  const char *negative = writer_before(w, "Neg", "negative", 1, &in);
  const char *plus = writer_before(w, "Softplus", "softplus", 1, &negative);
  writer_node(w, w->op, 1, &plus, out);
  return true;
}

// 1.7159 tanh(2 x / 3)
bool onnx_put_scaled_tanh(struct onnx_writer *w) {
  const char *out, *in[2] = {writer_element(w, &out)};
  in[1] = onnx_file_real(w->file, arena_printf(w->arena, "%s.inside", w->node->name), 2 / 3.0);
  const char *inside = writer_before(w, "Mul", "scaled", 2, in);
  in[0] = writer_before(w, "Tanh", "tanh", 1, &inside);
  in[1] = onnx_file_real(w->file, arena_printf(w->arena, "%s.outside", w->node->name), 1.7159);
  writer_node(w, w->op, 2, in, out);
  return true;
}

// ---- two streams

bool onnx_put_join(struct onnx_writer *w) {
  const char *in[2];
  enum order order = ORDER_CHANNELS;
  for (uint32_t i = 0; i < 2; i++)
    if (writer_order(w, w->node->in[i].value) == ORDER_PLAIN) order = ORDER_PLAIN;
  for (uint32_t i = 0; i < 2; i++) in[i] = writer_read(w, w->node->in[i].value, order);
  writer_node(w, w->op, 2, in, writer_made(w, 0, order));
  return true;
}
