// SPDX-License-Identifier: Apache-2.0
// Layers of Keras with weights or windows. Kernels change their order here: (KH, KW, IN, OUT) to
// (OUT, KH, KW, IN).
#include "sw/import/keras.h"
#include "sw/import/transposed.h"

#include <string.h>

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
  keras_moved(k, t, to, step);
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

// What the configuration says of the weights, if anything.
static bool agrees(struct keras *k, const char *key, int64_t n) {
  int64_t said = keras_int(k, key, n);
  return said == n || keras_refuse(k, "save the model again", "%s is %lld, its weights have %lld",
                                   key, (long long)said, (long long)n);
}

static bool kernel_agrees(struct keras *k, const struct tensor *t) {
  int64_t said[2];
  int axes = t->rank - 2;
  if (!keras_numbers(k, "kernel_size", axes, 0, said)) return false;
  for (int d = 0; d < axes; d++)
    if (said[d] && said[d] != t->shape[d])
      return keras_refuse(k, "save the model again", "kernel_size is %lld, its weights have %lld",
                          (long long)said[d], (long long)t->shape[d]);
  return true;
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
  return w && agrees(k, "units", w->shape[1]) &&
         weighted(k, OP_linear, "kernel_quantizer", outs_first(k, w), y, &node) &&
         add_bias(k, 1, w->shape[1], node) && keras_made(k, node, y) && keras_own_activation(k, y);
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
  struct builder *b = &k->builder;
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
  builder_ints(b, node, ATTR_stride, axes, stride, 1);
  if (op_takes(b->graph->nodes[node].op, ATTR_dilation))
    builder_ints(b, node, ATTR_dilation, axes, dilation, 1);
  builder_ints(b, node, ATTR_pad, 2 * axes, pad, 0);
  return true;
}

static const int64_t ones[2] = {1, 1};

static bool convolution(struct keras *k, int array, const char *quantizer, bool depthwise,
                        bool bias, struct stream *y) {
  uint32_t node;
  if (!keras_images(k, y)) return false;
  int rank = y->layout.rank;
  const struct tensor *t = keras_array(k, array, rank + 1);
  if (!t || !kernel_agrees(k, t) ||
      !agrees(k, depthwise ? "depth_multiplier" : "filters", t->shape[rank]))
    return false;
  struct tensor *w = depthwise ? depthwise_first(k, t) : outs_first(k, t);
  if (!weighted(k, rank == 3 ? OP_conv2d : OP_conv1d, quantizer, w, y, &node)) return false;
  if (bias && !add_bias(k, array + 1, w->shape[0], node)) return false;
  int64_t groups = depthwise ? t->shape[rank - 1] : keras_int(k, "groups", 1);
  if (!window(k, node, y, w->shape + 1, "strides", ones)) return false;
  builder_int(&k->builder, node, ATTR_groups, groups, 1);
  return keras_made(k, node, y);
}

bool keras_conv(struct keras *k, struct stream *y) {
  return convolution(k, 0, "kernel_quantizer", false, true, y) && keras_own_activation(k, y);
}

bool keras_depthwise(struct keras *k, struct stream *y) {
  return convolution(k, 0, "depthwise_quantizer", true, true, y) && keras_own_activation(k, y);
}

// Depthwise, then a kernel of one pixel; the bias and the activation belong to the second.
bool keras_separable(struct keras *k, struct stream *y) {
  const char *node = k->builder.node;
  k->builder.node = arena_printf(k->arena, "%s.depthwise", node);
  bool ok = convolution(k, 0, "depthwise_quantizer", true, false, y);
  k->builder.node = node;
  uint32_t second;
  const struct tensor *t = ok ? keras_array(k, 1, y->layout.rank + 1) : NULL;
  return t && agrees(k, "filters", t->shape[t->rank - 1]) &&
         weighted(k, y->layout.rank == 3 ? OP_conv2d : OP_conv1d, "pointwise_quantizer",
                  outs_first(k, t), y, &second) &&
         add_bias(k, 2, t->shape[t->rank - 1], second) && keras_made(k, second, y) &&
         keras_own_activation(k, y);
}

// ---- transposed

// Elements of the output, and those that it loses in front: TensorFlow's, of which the convolution
// with these numbers would have x as its output.
static bool transposed_sizes(struct keras *k, struct transposed *t, const int64_t *size,
                             int64_t *cut) {
  const char *word = keras_text(k, "padding", "valid");
  bool same = strcmp(word, "same") == 0;
  const json_t *given = json_object_get(k->config, "output_padding");
  bool sized = given && !json_is_null(given);
  int64_t more[TRANSPOSED_AXES], dilation[TRANSPOSED_AXES];
  if (!same && strcmp(word, "valid") != 0)
    return keras_refuse(k, "use valid or same", "padding \"%s\"", word);
  if (!keras_numbers(k, "strides", t->axes, 1, t->stride) ||
      !keras_numbers(k, "dilation_rate", t->axes, 1, dilation) ||
      (sized && !keras_numbers(k, "output_padding", t->axes, 0, more)))
    return false;
  for (int d = 0; d < t->axes; d++) {
    int64_t kernel = t->kernel[d], stride = t->stride[d], whole = (size[d] - 1) * stride + kernel;
    if (dilation[d] != 1)
      return keras_refuse(k, "use a kernel without dilation", "dilation_rate %lld",
                          (long long)dilation[d]);
    if (stride < 1 || stride > DIM_MAX)
      return keras_refuse(k, "check the file", "strides of %lld", (long long)stride);
    if (sized)
      t->out[d] = whole - (same ? kernel / 2 * 2 : 0) + more[d];
    else
      t->out[d] = same || kernel < stride ? size[d] * stride : whole;
    cut[d] = same && whole > t->out[d] ? (whole - t->out[d]) / 2 : 0;
  }
  return true;
}

// Arrays (K.., OUT, IN) and (OUT).
static uint32_t transposed_weights(struct keras *k, const struct transposed *t,
                                   const struct tensor *w) {
  int64_t shape[RANK_MAX];
  transposed_shape(t, shape);
  struct tensor *to = tensor_new(k->arena, DTYPE_F32, t->axes + 2, shape);
  for (int64_t n = 0; n < to->count; n++) {
    struct transposed_tap tap;
    if (!transposed_tap(t, n, &tap)) continue;
    int64_t at = (tap.element * t->outs + tap.out) * t->in + tap.in;
    ((float *)to->data)[n] = (float)tensor_real(w, at);
  }
  return builder_tensor(&k->builder, arena_printf(k->arena, "%s.weight", k->builder.node), to);
}

static bool transposed_bias(struct keras *k, const struct transposed *t, uint32_t node) {
  int64_t count = t->outs * t->phases;
  if (!keras_true(k, "use_bias", true)) return true;
  const struct tensor *b = keras_array(k, 1, 1);
  if (!b) return false;
  if (b->count != t->outs)
    return keras_refuse(k, "save the model again", "%lld biases for %lld outputs",
                        (long long)b->count, (long long)t->outs);
  struct tensor *to = tensor_new(k->arena, DTYPE_F32, 1, &count);
  for (int64_t i = 0; i < count; i++)
    ((float *)to->data)[i] = (float)tensor_real(b, transposed_out(t, i));
  const char *name = arena_printf(k->arena, "%s.bias", k->builder.node);
  graph_add_use(k->builder.graph, node,
                (struct use){builder_tensor(&k->builder, name, to), 0, NONE});
  return true;
}

bool keras_conv_transpose(struct keras *k, struct stream *y) {
  int64_t cut[TRANSPOSED_AXES], rank = y->layout.rank;
  if (!keras_images(k, y) || !keras_plain(k, y)) return false;
  struct transposed t = {.axes = (int)rank - 1, .groups = 1};
  const struct tensor *w = keras_array(k, 0, (int)rank + 1);
  if (!w || !kernel_agrees(k, w) || !agrees(k, "filters", w->shape[rank - 1])) return false;
  t.outs = w->shape[rank - 1];
  t.in = w->shape[rank];
  if (t.in != y->layout.shape[rank - 1])
    return keras_refuse(k, "save the model again", "its weights are for %lld channels, not %lld",
                        (long long)t.in, (long long)y->layout.shape[rank - 1]);
  for (int d = 0; d < t.axes; d++) t.kernel[d] = w->shape[d];
  if (!transposed_sizes(k, &t, y->layout.shape, cut) ||
      !transposed_fit(&k->builder, &t, y->layout.shape, cut))
    return false;
  uint32_t in[2] = {y->value, transposed_weights(k, &t, w)};
  uint32_t node = builder_node(&k->builder, rank == 3 ? OP_conv2d : OP_conv1d, 2, in);
  if (!transposed_bias(k, &t, node) || !transposed_put(&k->builder, &t, node, y)) return false;
  static const int last[2][3] = {{1, 0}, {1, 2, 0}};
  layout_permute(&y->layout, last[t.axes - 1]);
  return keras_plain(k, y) && keras_own_activation(k, y);
}

// ---- pools

static bool pool(struct keras *k, enum op op, struct stream *y) {
  int64_t kernel[2];
  if (!keras_images(k, y) || !keras_numbers(k, "pool_size", y->layout.rank - 1, 2, kernel))
    return false;
  uint32_t node = builder_node(&k->builder, op, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_kernel, y->layout.rank - 1, kernel);
  return window(k, node, y, kernel, "strides", kernel) && keras_made(k, node, y);
}

bool keras_max_pool(struct keras *k, struct stream *y) {
  return pool(k, OP_max_pool, y);
}

bool keras_avg_pool(struct keras *k, struct stream *y) {
  return pool(k, OP_avg_pool, y);
}

static bool whole(struct keras *k, enum op op, struct stream *y) {
  if (!keras_images(k, y) || !keras_made(k, builder_node(&k->builder, op, 1, &y->value), y))
    return false;
  int64_t channels = layout_elements(&y->layout);
  return keras_true(k, "keepdims", false) ||
         (builder_reshape(&k->builder, y, 1, &channels) && builder_flat(&k->builder, y));
}

bool keras_global_max(struct keras *k, struct stream *y) {
  return whole(k, OP_max_pool, y);
}

bool keras_global_avg(struct keras *k, struct stream *y) {
  return whole(k, OP_avg_pool, y);
}

// Pools of as many windows as the output has elements, which are alike if it divides the input.
static bool adaptive(struct keras *k, enum op op, struct stream *y) {
  int64_t out[2], kernel[2];
  if (!keras_images(k, y) || !keras_plain(k, y) ||
      !keras_numbers(k, "output_size", y->layout.rank - 1, 0, out))
    return false;
  for (int d = 0; d < y->layout.rank - 1; d++) {
    int64_t in = y->layout.shape[d];
    if (out[d] < 1 || in % out[d])
      return keras_refuse(k, "use an output_size that divides the input's",
                          "output_size %lld of %lld elements: its windows have different sizes",
                          (long long)out[d], (long long)in);
    kernel[d] = in / out[d];
  }
  uint32_t node = builder_node(&k->builder, op, 1, &y->value);
  graph_add_ints(k->builder.graph, node, ATTR_kernel, y->layout.rank - 1, kernel);
  builder_ints(&k->builder, node, ATTR_stride, y->layout.rank - 1, kernel, 1);
  return keras_made(k, node, y);
}

bool keras_adaptive_max(struct keras *k, struct stream *y) {
  return adaptive(k, OP_max_pool, y);
}

bool keras_adaptive_avg(struct keras *k, struct stream *y) {
  return adaptive(k, OP_avg_pool, y);
}
