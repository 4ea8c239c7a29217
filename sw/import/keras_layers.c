// SPDX-License-Identifier: Apache-2.0
// The layers of Keras. Kernels change their order here: (KH, KW, IN, OUT) to (OUT, KH, KW, IN).
#include "sw/import/keras.h"

#include <math.h>
#include <string.h>

// The output of a node, whose axes are the file's.
static bool made(struct keras *k, uint32_t node, struct stream *y) {
  if (!builder_out(&k->builder, node, &y->value)) return false;
  const struct value *v = &k->builder.graph->values[y->value];
  y->layout = layout_new(v->rank, v->shape, NULL);
  return true;
}

static bool images(struct keras *k, const struct stream *x) {
  int rank = x->layout.rank;
  if (strcmp(keras_text(k, "data_format", "channels_last"), "channels_last") != 0)
    return keras_refuse(k, "use channels_last", "its channels come first");
  return rank == 2 || rank == 3 ||
         keras_refuse(k, "use images or sequences", "its input has %d axes beside the batch", rank);
}

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
               {"hard_tanh", OP_hard_tanh},
               {"tanh_shrink", OP_tanhshrink},
               {"log_sigmoid", OP_logsigmoid},
               {"softmax", OP_softmax}};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(plain[i].name, name) == 0)
      return made(k, builder_node(&k->builder, plain[i].op, 1, &x->value), x);
  return keras_refuse(k, "use an activation of docs/numerics.md",
                      "activation \"%s\" has no counterpart", name);
}

static bool with_numbers(struct keras *k, enum op op, enum attr_name a, double va, enum attr_name b,
                         double vb, struct stream *x) {
  uint32_t node = builder_node(&k->builder, op, 1, &x->value);
  graph_add_real(k->builder.graph, node, a, va);
  if (a != b) graph_add_real(k->builder.graph, node, b, vb);
  return made(k, node, x);
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
  return made(k, builder_node(&k->builder, OP_mul, 2, (const uint32_t[]){x->value, gate.value}), x);
}

bool keras_activation(struct keras *k, const char *name, const json_t *config, struct stream *x) {
  const char *node = k->builder.node;
  bool ok;
  if (!*name || strcmp(name, "linear") == 0) return true;
  k->builder.node = arena_printf(k->arena, "%s.%.40s", node, name);
  if (strncmp(name, "quantized_", 10) == 0)
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
static bool own_activation(struct keras *k, struct stream *y) {
  const json_t *config;
  const char *name = keras_object(k, "activation", &config);
  return keras_activation(k, name, config, y);
}

bool keras_activate(struct keras *k, struct stream *y) {
  const char *node = k->builder.node;
  const json_t *config;
  const char *name = keras_object(k, "activation", &config);
  uint32_t before = k->builder.graph->n_nodes;
  if (!keras_activation(k, name, config, y)) return false;
  if (k->builder.graph->n_nodes == before + 1)
    k->builder.graph->nodes[before].name = arena_strdup(k->arena, node);
  return true;
}

// max(x, threshold) below max_value; a slope below the threshold.
bool keras_relu(struct keras *k, struct stream *y) {
  double most = keras_real(k, "max_value", INFINITY), slope = keras_real(k, "negative_slope", 0);
  if (keras_real(k, "threshold", 0) != 0)
    return keras_refuse(k, "use threshold 0", "threshold %g", keras_real(k, "threshold", 0));
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

// ---- weights

static struct tensor *moved(struct keras *k, const struct tensor *t, int rank, const int64_t *shape,
                            const int64_t *step) {
  struct tensor *to = tensor_new(k->arena, DTYPE_F32, rank, shape);
  int64_t at[RANK_MAX] = {0}, from = 0;
  for (int64_t i = 0; i < to->count; i++) {
    ((float *)to->data)[i] = (float)tensor_real(t, from);
    for (int d = rank - 1; d >= 0; d--) {
      from += step[d];
      if (++at[d] < shape[d]) break;
      from -= step[d] * shape[d];
      at[d] = 0;
    }
  }
  return to;
}

// (.., IN, OUT) to (OUT, .., IN).
static struct tensor *outs_first(struct keras *k, const struct tensor *t) {
  int64_t shape[RANK_MAX], step[RANK_MAX], stride = t->shape[t->rank - 1];
  shape[0] = stride;
  step[0] = 1;
  for (int d = t->rank - 1; d >= 1; d--) {
    shape[d] = t->shape[d - 1];
    step[d] = stride;
    stride *= shape[d];
  }
  return moved(k, t, t->rank, shape, step);
}

// (K.., IN, MULT) to (IN * MULT, K.., 1).
static struct tensor *depthwise_first(struct keras *k, const struct tensor *t) {
  int64_t shape[RANK_MAX], step[RANK_MAX], outs = t->shape[t->rank - 2] * t->shape[t->rank - 1];
  int64_t stride = outs;
  shape[0] = outs;
  step[0] = 1;
  for (int d = t->rank - 2; d >= 1; d--) {
    shape[d] = t->shape[d - 1];
    step[d] = stride;
    stride *= shape[d];
  }
  shape[t->rank - 1] = 1;
  step[t->rank - 1] = 0;
  return moved(k, t, t->rank, shape, step);
}

static bool add_bias(struct keras *k, int i, int64_t outs, uint32_t node) {
  uint32_t value;
  if (!keras_true(k, "use_bias", true)) return true;
  const struct tensor *b = keras_array(k, i, 1);
  if (!b) return false;
  if (b->count != outs)
    return keras_refuse(k, "save the model again", "%lld biases for %lld outputs",
                        (long long)b->count, (long long)outs);
  if (!keras_weights(k, "bias_quantizer", b, arena_printf(k->arena, "%s.bias", k->builder.node),
                     &value))
    return false;
  graph_add_use(k->builder.graph, node, (struct use){value, 0, NONE});
  return true;
}

static bool weighted(struct keras *k, enum op op, const char *quantizer, const struct tensor *t,
                     const struct stream *x, uint32_t *node) {
  uint32_t in[2] = {x->value, 0};
  const char *name = arena_printf(k->arena, "%s.weight", k->builder.node);
  if (!keras_weights(k, quantizer, t, name, &in[1])) return false;
  *node = builder_node(&k->builder, op, 2, in);
  return true;
}

bool keras_dense(struct keras *k, struct stream *y) {
  const struct tensor *w = keras_array(k, 0, 2);
  uint32_t node;
  return w && weighted(k, OP_linear, "kernel_quantizer", outs_first(k, w), y, &node) &&
         add_bias(k, 1, w->shape[1], node) && made(k, node, y) && own_activation(k, y);
}

// ---- windows

// "same" as TensorFlow has it: the odd element behind. "causal": all in front.
static bool padding(struct keras *k, int axes, const int64_t *in, const int64_t *kernel,
                    const int64_t *stride, const int64_t *dilation, int64_t *pad) {
  const char *word = keras_text(k, "padding", "valid");
  bool same = strcmp(word, "same") == 0, causal = strcmp(word, "causal") == 0;
  if (!same && !causal && strcmp(word, "valid") != 0)
    return keras_refuse(k, "use valid or same", "padding \"%s\"", word);
  for (int d = 0; d < axes; d++) {
    int64_t out = (in[d] + stride[d] - 1) / stride[d], extent = (kernel[d] - 1) * dilation[d] + 1;
    int64_t all = causal ? extent - 1 : (out - 1) * stride[d] + extent - in[d];
    all = (same || causal) && all > 0 ? all : 0;
    pad[d] = causal ? all : all / 2;
    pad[axes + d] = all - pad[d];
  }
  return true;
}

static bool window(struct keras *k, uint32_t node, const struct stream *x, const int64_t *kernel,
                   const char *strides, const int64_t *otherwise) {
  struct graph *g = k->builder.graph;
  int axes = x->layout.rank - 1;
  int64_t stride[2], dilation[2], pad[4];
  bool given =
      json_object_get(k->config, strides) && !json_is_null(json_object_get(k->config, strides));
  if (!keras_numbers(k, strides, axes, 1, stride) ||
      !keras_numbers(k, "dilation_rate", axes, 1, dilation))
    return false;
  for (int d = 0; d < axes && !given; d++) stride[d] = otherwise[d];
  for (int d = 0; d < axes; d++)
    if (stride[d] < 1 || dilation[d] < 1)
      return keras_refuse(k, "check the file", "a stride or dilation of 0");
  if (!padding(k, axes, x->layout.shape, kernel, stride, dilation, pad)) return false;
  graph_add_ints(g, node, ATTR_stride, axes, stride);
  if (op_takes(g->nodes[node].op, ATTR_dilation))
    graph_add_ints(g, node, ATTR_dilation, axes, dilation);
  graph_add_ints(g, node, ATTR_pad, 2 * axes, pad);
  return true;
}

static const int64_t ones[2] = {1, 1};

static bool convolution(struct keras *k, int array, const char *quantizer, bool depthwise,
                        bool bias, struct stream *y) {
  uint32_t node;
  if (!images(k, y)) return false;
  int rank = y->layout.rank;
  const struct tensor *t = keras_array(k, array, rank + 1);
  if (!t) return false;
  struct tensor *w = depthwise ? depthwise_first(k, t) : outs_first(k, t);
  if (!weighted(k, rank == 3 ? OP_conv2d : OP_conv1d, quantizer, w, y, &node)) return false;
  if (bias && !add_bias(k, array + 1, w->shape[0], node)) return false;
  int64_t groups = depthwise ? t->shape[rank - 1] : keras_int(k, "groups", 1);
  graph_add_int(k->builder.graph, node, ATTR_groups, groups);
  return window(k, node, y, w->shape + 1, "strides", ones) && made(k, node, y);
}

bool keras_conv(struct keras *k, struct stream *y) {
  return convolution(k, 0, "kernel_quantizer", false, true, y) && own_activation(k, y);
}

bool keras_depthwise(struct keras *k, struct stream *y) {
  return convolution(k, 0, "depthwise_quantizer", true, true, y) && own_activation(k, y);
}

// Depthwise, then a kernel of one pixel; the bias and the activation belong to the second.
bool keras_separable(struct keras *k, struct stream *y) {
  const char *node = k->builder.node;
  k->builder.node = arena_printf(k->arena, "%s.depthwise", node);
  bool ok = convolution(k, 0, "depthwise_quantizer", true, false, y);
  k->builder.node = node;
  uint32_t second;
  const struct tensor *t = ok ? keras_array(k, 1, y->layout.rank + 1) : NULL;
  return t &&
         weighted(k, y->layout.rank == 3 ? OP_conv2d : OP_conv1d, "pointwise_quantizer",
                  outs_first(k, t), y, &second) &&
         add_bias(k, 2, t->shape[t->rank - 1], second) && made(k, second, y) &&
         own_activation(k, y);
}

static bool pool(struct keras *k, enum op op, struct stream *y) {
  int64_t kernel[2];
  if (!images(k, y) || !keras_numbers(k, "pool_size", y->layout.rank - 1, 2, kernel)) return false;
  uint32_t node = builder_node(&k->builder, op, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_kernel, y->layout.rank - 1, kernel);
  return window(k, node, y, kernel, "strides", kernel) && made(k, node, y);
}

bool keras_max_pool(struct keras *k, struct stream *y) {
  return pool(k, OP_max_pool, y);
}

bool keras_avg_pool(struct keras *k, struct stream *y) {
  return pool(k, OP_avg_pool, y);
}

static bool whole(struct keras *k, enum op op, struct stream *y) {
  if (!images(k, y) || !made(k, builder_node(&k->builder, op, 1, &y->value), y)) return false;
  int64_t channels = layout_elements(&y->layout);
  return keras_true(k, "keepdims", false) || builder_reshape(&k->builder, y, 1, &channels);
}

bool keras_global_max(struct keras *k, struct stream *y) {
  return whole(k, OP_max_pool, y);
}

bool keras_global_avg(struct keras *k, struct stream *y) {
  return whole(k, OP_avg_pool, y);
}

// ---- norms and scales

// The axes as they are, one of ours for each.
static bool plain(struct keras *k, struct stream *x) {
  static const int axes[RANK_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
  return builder_arrange(&k->builder, x, axes);
}

// Arrays gamma, beta, mean, variance, of which the first two may be absent.
bool keras_norm(struct keras *k, struct stream *y) {
  static const char *const names[] = {"gamma", "beta", "mean", "variance"};
  const json_t *axis = json_object_get(k->config, "axis");
  int64_t last =
      json_is_array(axis) ? json_integer_value(json_array_get(axis, 0)) : keras_int(k, "axis", -1);
  bool is[4] = {keras_true(k, "scale", true), keras_true(k, "center", true), true, true};
  if (!plain(k, y)) return false;
  int64_t channels = y->layout.rank ? y->layout.shape[y->layout.rank - 1] : 0;
  if (last != -1 && last != y->layout.rank)
    return keras_refuse(k, "normalise the last axis", "axis %lld", (long long)last);
  uint32_t in[5] = {y->value};
  for (int i = 0, array = 0; i < 4; i++) {
    const struct tensor *t = is[i] ? keras_array(k, array++, 1) : NULL;
    if (is[i] && !t) return false;
    if (t && t->count != channels)
      return keras_refuse(k, "save the model again", "%lld numbers for %lld channels",
                          (long long)t->count, (long long)channels);
    struct tensor *to = tensor_new(k->arena, DTYPE_F32, 1, &channels);
    for (int64_t c = 0; c < channels; c++)
      ((float *)to->data)[c] = t ? (float)tensor_real(t, c) : (float)(i == 0);
    in[1 + i] =
        builder_tensor(&k->builder, arena_printf(k->arena, "%s.%s", k->builder.node, names[i]), to);
  }
  uint32_t node = builder_node(&k->builder, OP_batch_norm, 5, in);
  graph_add_real(k->builder.graph, node, ATTR_epsilon, keras_real(k, "epsilon", 1e-3));
  return made(k, node, y);
}

bool keras_rescale(struct keras *k, struct stream *y) {
  double scale = keras_real(k, "scale", 1), shift = keras_real(k, "offset", 0);
  if (json_is_array(json_object_get(k->config, "scale")) ||
      json_is_array(json_object_get(k->config, "offset")))
    return keras_refuse(k, "use BatchNormalization", "it has a scale for each channel");
  return plain(k, y) && term_affine(&k->builder, y, 1, &scale, &shift);
}

// ---- joins

static bool join(struct keras *k, enum op op, struct stream *y) {
  if (!plain(k, y)) return false;
  for (uint32_t i = 1; i < k->n_in; i++) {
    if (!plain(k, &k->in[i])) return false;
    uint32_t node = builder_node(&k->builder, op, 2, (const uint32_t[]){y->value, k->in[i].value});
    if (!made(k, node, y)) return false;
  }
  return true;
}

bool keras_add(struct keras *k, struct stream *y) {
  return join(k, OP_add, y);
}

bool keras_subtract(struct keras *k, struct stream *y) {
  return join(k, OP_sub, y);
}

bool keras_multiply(struct keras *k, struct stream *y) {
  return join(k, OP_mul, y);
}

bool keras_average(struct keras *k, struct stream *y) {
  double scale = 1.0 / (k->n_in ? k->n_in : 1), shift = 0;
  return join(k, OP_add, y) && term_affine(&k->builder, y, 1, &scale, &shift);
}

bool keras_concat(struct keras *k, struct stream *y) {
  uint32_t in[64];
  int64_t axis = keras_int(k, "axis", -1);
  if (axis < 0) axis += y->layout.rank + 1;
  if (axis < 1 || axis > y->layout.rank)
    return keras_refuse(k, "keep the images of a batch apart", "axis %lld",
                        (long long)keras_int(k, "axis", -1));
  for (uint32_t i = 0; i < k->n_in; i++) {
    if (!plain(k, &k->in[i])) return false;
    in[i] = k->in[i].value;
  }
  uint32_t node = builder_node(&k->builder, OP_concat, k->n_in, in);
  graph_add_int(k->builder.graph, node, ATTR_axis, axis - 1);
  return made(k, node, y);
}

// ---- elements in other places

bool keras_same(struct keras *k, struct stream *y) {
  (void)k;
  (void)y;
  return true;
}

bool keras_flatten(struct keras *k, struct stream *y) {
  int64_t n = layout_elements(&y->layout);
  return builder_reshape(&k->builder, y, 1, &n) && builder_flat(&k->builder, y);
}

bool keras_reshape(struct keras *k, struct stream *y) {
  const json_t *list = json_object_get(k->config, "target_shape");
  int64_t shape[RANK_MAX], n = layout_elements(&y->layout), known = 1;
  size_t rank = json_array_size(list), open = RANK_MAX;
  if (rank < 1 || rank > RANK_MAX)
    return keras_refuse(k, "check the file", "a shape of %zu axes", rank);
  for (size_t d = 0; d < rank; d++) {
    shape[d] = json_integer_value(json_array_get(list, d));
    if (shape[d] == -1 && open == RANK_MAX)
      open = d;
    else if (shape[d] < 1 || shape[d] > n || (known *= shape[d]) > n)
      return keras_refuse(k, "check the file", "its shape doesn't have %lld elements",
                          (long long)n);
  }
  if (open < rank) shape[open] = n / known;
  if (shape_elements((int)rank, shape) != n)
    return keras_refuse(k, "check the file", "its shape doesn't have %lld elements", (long long)n);
  return builder_reshape(&k->builder, y, (int)rank, shape) && plain(k, y);
}

bool keras_permute(struct keras *k, struct stream *y) {
  const json_t *list = json_object_get(k->config, "dims");
  int axes[RANK_MAX];
  unsigned taken = 0;
  if (json_array_size(list) != (size_t)y->layout.rank)
    return keras_refuse(k, "check the file", "dims");
  for (int d = 0; d < y->layout.rank; d++) {
    axes[d] = (int)json_integer_value(json_array_get(list, (size_t)d)) - 1;
    if (axes[d] < 0 || axes[d] >= y->layout.rank || taken >> axes[d] & 1)
      return keras_refuse(k, "check the file", "dims is no permutation");
    taken |= 1U << axes[d];
  }
  layout_permute(&y->layout, axes);
  return plain(k, y);
}

// padding, cropping: a number, one for each axis, or a pair for each.
static bool pairs(struct keras *k, const char *key, int axes, int64_t *before, int64_t *after) {
  const json_t *v = json_object_get(k->config, key);
  for (int d = 0; d < axes; d++) {
    const json_t *one = json_is_array(v) ? json_array_get(v, (size_t)d) : v;
    bool pair = json_is_array(one), flat = axes == 1 && json_array_size(v) == 2 && !pair;
    before[d] = json_integer_value(flat   ? json_array_get(v, 0)
                                   : pair ? json_array_get(one, 0)
                                          : one);
    after[d] = json_integer_value(flat   ? json_array_get(v, 1)
                                  : pair ? json_array_get(one, 1)
                                         : one);
    if (before[d] < 0 || after[d] < 0 || before[d] > DIM_MAX || after[d] > DIM_MAX)
      return keras_refuse(k, "check the file", "%s", key);
  }
  return true;
}

bool keras_pad(struct keras *k, struct stream *y) {
  int64_t before[2], after[2], pad[6] = {0};
  if (!images(k, y) || !plain(k, y) || !pairs(k, "padding", y->layout.rank - 1, before, after))
    return false;
  int rank = y->layout.rank;
  for (int d = 0; d < rank - 1; d++) {
    pad[d] = before[d];
    pad[rank + d] = after[d];
  }
  uint32_t node = builder_node(&k->builder, OP_pad, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_pad, 2 * rank, pad);
  return made(k, node, y);
}

bool keras_crop(struct keras *k, struct stream *y) {
  int64_t before[2], after[2], begin[3] = {0}, end[3];
  if (!images(k, y) || !plain(k, y) || !pairs(k, "cropping", y->layout.rank - 1, before, after))
    return false;
  int rank = y->layout.rank;
  for (int d = 0; d < rank; d++) {
    begin[d] = d < rank - 1 ? before[d] : 0;
    end[d] = y->layout.shape[d] - (d < rank - 1 ? after[d] : 0);
  }
  uint32_t node = builder_node(&k->builder, OP_slice, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_begin, rank, begin);
  graph_add_ints(k->builder.graph, node, ATTR_end, rank, end);
  return made(k, node, y);
}

bool keras_upsample(struct keras *k, struct stream *y) {
  int64_t factors[2];
  const char *mode = keras_text(k, "interpolation", "nearest");
  if (strcmp(mode, "nearest") != 0)
    return keras_refuse(k, "use nearest", "interpolation \"%s\"", mode);
  if (!images(k, y) || !plain(k, y) || !keras_numbers(k, "size", y->layout.rank - 1, 2, factors))
    return false;
  uint32_t node = builder_node(&k->builder, OP_upsample, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_factors, y->layout.rank - 1, factors);
  return made(k, node, y);
}
