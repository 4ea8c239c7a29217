// SPDX-License-Identifier: Apache-2.0
// Activations of Keras: by name, and as layers.
#include "sw/import/compose.h"
#include "sw/import/keras.h"

#include <math.h>
#include <string.h>

// ---- activations

static bool activation_named(struct keras *k, const char *name, struct stream *x) {
  static const struct {
    const char *name;
    enum op op;
  } plain[] = {{"relu", OP_relu},
               {"relu6", OP_relu6},
               {"sigmoid", OP_sigmoid},
               {"tanh", OP_tanh},
               {"softplus", OP_softplus},
               {"softsign", OP_softsign},
               {"selu", OP_selu},
               {"gelu", OP_gelu},
               {"swish", OP_silu},
               {"silu", OP_silu},
               {"mish", OP_mish},
               {"elu", OP_elu},
               {"celu", OP_elu}, // of 1, which is all that a name says
               {"hard_tanh", OP_hard_tanh},
               {"tanh_shrink", OP_tanhshrink},
               {"log_sigmoid", OP_logsigmoid},
               {"softmax", OP_softmax},
               {"log_softmax", OP_log_softmax}};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(plain[i].name, name) == 0)
      return keras_made(k, builder_node(&k->builder, plain[i].op, 1, &x->value), x);
  return keras_refuse(k, "use an activation of docs/numerics.md",
                      "activation \"%s\" has no counterpart", name);
}

static bool with_numbers(struct keras *k, enum op op, enum attr_name a, double va, enum attr_name b,
                         double vb, struct stream *x) {
  uint32_t node = builder_node(&k->builder, op, 1, &x->value);
  graph_add_real(k->builder.graph, node, a, va);
  if (a != b) graph_add_real(k->builder.graph, node, b, vb);
  return keras_made(k, node, x);
}

// Keras 2 cuts 0.2 x + 0.5, Keras 3 (x + 3) / 6.
static bool hard_sigmoid(struct keras *k, struct stream *x) {
  const char *version = safetensors_metadata(&k->file, "version");
  bool old = version && *version < '3';
  return with_numbers(k, OP_hard_sigmoid, ATTR_slope, old ? 0.2 : 1.0 / 6, ATTR_offset, 0.5, x);
}

static bool hard_silu(struct keras *k, struct stream *x) {
  struct stream gate = *x;
  if (!with_numbers(k, OP_hard_sigmoid, ATTR_slope, 1.0 / 6, ATTR_offset, 0.5, &gate)) return false;
  return keras_made(
      k, builder_node(&k->builder, OP_mul, 2, (const uint32_t[]){x->value, gate.value}), x);
}

// An activation that is given as a layer.
static bool as_layer(struct keras *k, bool (*import)(struct keras *, struct stream *),
                     const json_t *config, struct stream *x) {
  const json_t *outer = k->config;
  k->config = config;
  bool ok = import(k, x);
  k->config = outer;
  return ok;
}

static bool (*layer_named(const char *name))(struct keras *, struct stream *) {
  static const struct {
    const char *name;
    bool (*import)(struct keras *k, struct stream *y);
  } layers[] = {{"ReLU", keras_relu},
                {"LeakyReLU", keras_leaky_relu},
                {"ELU", keras_elu},
                {"Softmax", keras_softmax}};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    if (strcmp(layers[i].name, name) == 0) return layers[i].import;
  return NULL;
}

bool keras_activation(struct keras *k, const char *name, const json_t *config, struct stream *x) {
  const char *node = k->builder.node;
  bool ok;
  if (!*name || strcmp(name, "linear") == 0) return true;
  k->builder.node = arena_printf(k->arena, "%s.%.40s", node, name);
  if (json_is_object(config) && layer_named(name))
    ok = as_layer(k, layer_named(name), config, x);
  else if (strncmp(name, "quantized_", 10) == 0)
    ok = keras_quantize(k, name, config, x);
  else if (strcmp(name, "hard_sigmoid") == 0)
    ok = hard_sigmoid(k, x);
  else if (strcmp(name, "hard_silu") == 0 || strcmp(name, "hard_swish") == 0)
    ok = hard_silu(k, x);
  else if (strcmp(name, "leaky_relu") == 0)
    ok = with_numbers(k, OP_leaky_relu, ATTR_slope, 0.2, ATTR_slope, 0.2, x);
  else if (strcmp(name, "soft_shrink") == 0 || strcmp(name, "hard_shrink") == 0)
    ok = with_numbers(k, *name == 's' ? OP_softshrink : OP_hardshrink, ATTR_lambda, 0.5,
                      ATTR_lambda, 0.5, x);
  else
    ok = activation_named(k, name, x);
  k->builder.node = node;
  return ok;
}

// That of the layer, behind it.
bool keras_own_activation(struct keras *k, struct stream *y) {
  const json_t *config;
  const char *name = keras_object(k, "activation", &config);
  return keras_activation(k, name, config, y);
}

bool keras_activation_as(struct keras *k, const char *name, const json_t *config,
                         struct stream *y) {
  uint32_t before = k->builder.graph->n_nodes;
  if (!keras_activation(k, name, config, y)) return false;
  if (k->builder.graph->n_nodes == before + 1)
    k->builder.graph->nodes[before].name = arena_strdup(k->arena, k->builder.node);
  return true;
}

bool keras_activate(struct keras *k, struct stream *y) {
  const json_t *config;
  const char *name = keras_object(k, "activation", &config);
  return keras_activation_as(k, name, config, y);
}

// x above a threshold, 0 elsewhere.
static bool above(struct keras *k, const char *key, double theta, struct stream *y) {
  const char *node = k->builder.node;
  if (theta < 0) return keras_refuse(k, "use one of at least 0", "%s %g", key, theta);
  if (theta > 0) k->builder.node = arena_printf(k->arena, "%s.above", node);
  if (!activation_named(k, "relu", y)) return false;
  k->builder.node = node;
  return theta == 0 || with_numbers(k, OP_hardshrink, ATTR_lambda, theta, ATTR_lambda, theta, y);
}

// x above the threshold and below max_value; a slope below the threshold.
bool keras_relu(struct keras *k, struct stream *y) {
  double most = keras_real(k, "max_value", INFINITY), slope = keras_real(k, "negative_slope", 0);
  double threshold = keras_real(k, "threshold", 0);
  if (threshold != 0 && (slope != 0 || isfinite(most)))
    return keras_refuse(k, "use threshold 0", "threshold %g beside a slope or a maximum",
                        threshold);
  if (threshold != 0) return above(k, "threshold", threshold, y);
  if (slope != 0 && isfinite(most))
    return keras_refuse(k, "use ReLU or LeakyReLU", "it has a slope and a maximum");
  if (slope != 0) return with_numbers(k, OP_leaky_relu, ATTR_slope, slope, ATTR_slope, slope, y);
  if (!isfinite(most)) return activation_named(k, "relu", y);
  if (most == 6) return activation_named(k, "relu6", y);
  return with_numbers(k, OP_clip, ATTR_lo, 0, ATTR_hi, most, y);
}

bool keras_leaky_relu(struct keras *k, struct stream *y) {
  double slope = keras_real(k, "negative_slope", keras_real(k, "alpha", 0.3));
  return with_numbers(k, OP_leaky_relu, ATTR_slope, slope, ATTR_slope, slope, y);
}

bool keras_prelu(struct keras *k, struct stream *y) {
  const struct tensor *t = keras_array(k, 0, y->layout.rank);
  if (!t) return false;
  double slope = t->count ? tensor_real(t, 0) : 0;
  bool one = true;
  if (!t->count || !layout_stretches(&y->layout, t))
    return keras_refuse(k, "check the file", "its slopes don't stretch to its input");
  for (int64_t i = 1; i < t->count; i++) one &= tensor_real(t, i) == slope;
  if (!one) return compose_prelu(&k->builder, y, t);
  return with_numbers(k, OP_leaky_relu, ATTR_slope, slope, ATTR_slope, slope, y);
}

// What is above theta, else 0: of max(x, 0) that is hardshrink.
bool keras_thresholded_relu(struct keras *k, struct stream *y) {
  return above(k, "theta", keras_real(k, "theta", 1), y);
}

bool keras_elu(struct keras *k, struct stream *y) {
  double alpha = keras_real(k, "alpha", 1);
  return with_numbers(k, OP_elu, ATTR_alpha, alpha, ATTR_alpha, alpha, y);
}

bool keras_softmax(struct keras *k, struct stream *y) {
  int64_t axis = keras_int(k, "axis", -1);
  if (axis != -1 && axis != y->layout.rank)
    return keras_refuse(k, "take the last axis", "axis %lld", (long long)axis);
  return activation_named(k, "softmax", y);
}
