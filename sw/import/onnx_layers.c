// SPDX-License-Identifier: Apache-2.0
// Layers with weights, windows, sums over axes, classes. Weights change from ONNX's order to ours
// here: (OUT, IN/groups, KH, KW) to (OUT, KH, KW, IN/groups).
#include "sw/graph/norm.h"
#include "sw/import/onnx.h"

#include <math.h>
#include <string.h>

// ---- weights

uint32_t onnx_weights(struct onnx *o, const struct item *x, const char *name) {
  if (x->integers) return onnx_integer_weights(o, x, name);
  struct tensor *t = tensor_new(o->arena, DTYPE_F32, x->constant->rank, x->constant->shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = (float)tensor_real(x->constant, i);
  return builder_tensor(&o->builder, name, t);
}

const char *onnx_tensor_name(struct onnx *o, size_t i) {
  return i < o->node->n_input && *o->node->input[i] ? o->node->input[i] : o->builder.node;
}

const struct item *onnx_weights_in(struct onnx *o, size_t i, int rank) {
  const struct item *w = onnx_in(o, i);
  if (w && w->kind == ITEM_CONSTANT && w->constant->rank == rank && w->constant->count) {
    if (!w->integers && json_integer_value(json_object_get(o->reads, o->node->input[i])) > 1)
      builder_note(&o->builder,
                   "shares its weights with another layer: here each has its own, which training "
                   "makes different",
                   true);
    return w;
  }
  if (w && w->kind == ITEM_CONSTANT)
    onnx_refuse(o, "check the file", "weights \"%s\" of %d axes, expected %d", o->node->input[i],
                w->constant->rank, rank);
  else
    onnx_refuse(o, "export with constant weights", "its weights are computed from data");
  return NULL;
}

// A bias (OUT), which may be a scalar, times `times`; absent: no input is added.
static bool add_bias(struct onnx *o, size_t i, int64_t outs, double times, uint32_t node) {
  const struct item *b = onnx_in(o, i);
  if (!b) return true;
  if (b->kind != ITEM_CONSTANT || (b->constant->count != outs && b->constant->count != 1))
    return onnx_refuse(o, "export with a constant bias", "its bias isn't one constant per output");
  uint32_t id;
  if (b->integers && !b->integers->minifloat && b->constant->count == outs && times == 1) {
    struct item flat = onnx_picked(o, b, 1, &outs, NULL);
    id = onnx_weights(o, &flat, onnx_tensor_name(o, i));
  } else {
    struct tensor *t = tensor_new(o->arena, DTYPE_F32, 1, &outs);
    for (int64_t c = 0; c < outs; c++)
      ((float *)t->data)[c] =
          (float)(times * tensor_real(b->constant, b->constant->count == 1 ? 0 : c));
    id = builder_tensor(&o->builder, onnx_tensor_name(o, i), t);
  }
  graph_add_use(o->builder.graph, node, (struct use){id, 0, NONE});
  return true;
}

// ---- windows

bool onnx_numbers(struct onnx *o, const char *name, int axes, int64_t otherwise, int64_t *to) {
  int64_t count;
  const int64_t *list;
  for (int d = 0; d < axes; d++) to[d] = otherwise;
  if (!onnx_ints(o, name, SIZE_MAX, &count, &list)) return false;
  if (count && count != axes)
    return onnx_refuse(o, "check the file", "%s: %lld numbers, expected %d", name, (long long)count,
                       axes);
  for (int d = 0; d < count; d++) {
    to[d] = list[d];
    if (list[d] < 0 || list[d] > DIM_MAX)
      return onnx_refuse(o, "check the file", "%s: %lld", name, (long long)list[d]);
  }
  return true;
}

// auto_pad SAME: as many windows as the stride asks for; an odd element goes behind, or in front.
static void pad_same(bool lower, int axes, const int64_t *in, const int64_t *kernel,
                     const int64_t *stride, const int64_t *dilation, int64_t *pad) {
  for (int d = 0; d < axes; d++) {
    int64_t out = (in[d] + stride[d] - 1) / stride[d];
    int64_t all = (out - 1) * stride[d] + (kernel[d] - 1) * dilation[d] + 1 - in[d];
    all = all > 0 ? all : 0;
    pad[d] = lower ? all - all / 2 : all / 2;
    pad[axes + d] = all - pad[d];
  }
}

struct numbers {
  int64_t stride[2], dilation[2], pad[4];
};

// Of a window over an image, whose kernel is known.
static bool numbers_of(struct onnx *o, const struct stream *x, const int64_t *kernel,
                       struct numbers *n) {
  int axes = x->layout.rank - 1;
  const char *automatic = onnx_text(o, "auto_pad", "NOTSET");
  if (!onnx_numbers(o, "strides", axes, 1, n->stride) ||
      !onnx_numbers(o, "dilations", axes, 1, n->dilation) ||
      !onnx_numbers(o, "pads", 2 * axes, 0, n->pad))
    return false;
  for (int d = 0; d < axes; d++)
    if (n->stride[d] < 1 || n->dilation[d] < 1)
      return onnx_refuse(o, "check the file", "strides of %lld, dilations of %lld",
                         (long long)n->stride[d], (long long)n->dilation[d]);
  if (strncmp(automatic, "SAME", 4) == 0)
    pad_same(strcmp(automatic, "SAME_LOWER") == 0, axes, x->layout.shape + 1, kernel, n->stride,
             n->dilation, n->pad);
  return true;
}

static void put_numbers(struct onnx *o, uint32_t node, int axes, const struct numbers *n) {
  builder_ints(&o->builder, node, ATTR_stride, axes, n->stride, 1);
  builder_ints(&o->builder, node, ATTR_dilation, axes, n->dilation, 1);
  builder_ints(&o->builder, node, ATTR_pad, 2 * axes, n->pad, 0);
}

// Zeros around the image are the layer's own, unless whole windows would lie in them: then they are
// a layer in front of it, as a circuit can't let pixels out before the image comes in.
static bool pad_in_front(struct onnx *o, struct stream *x, const int64_t *kernel,
                         struct numbers *n) {
  int axes = x->layout.rank - 1;
  bool any = false, wide = false;
  for (int d = 0; d < axes; d++) {
    int64_t span = (kernel[d] - 1) * n->dilation[d];
    any |= n->pad[d] || n->pad[axes + d];
    wide |= n->pad[d] > span || n->pad[axes + d] > span;
  }
  if (any && !builder_with_zero(&o->builder, x)) return false;
  if (wide && !builder_pad(&o->builder, x, n->pad)) return false;
  if (wide) memset(n->pad, 0, sizeof n->pad);
  return true;
}

bool onnx_image(struct onnx *o, size_t i, struct stream *x) {
  if (!onnx_stream(o, i, x)) return false;
  if (x->layout.rank != 2 && x->layout.rank != 3)
    return onnx_refuse(o, "use images (N, C, H, W) or sequences (N, C, L)",
                       "its input has %d axes beside the batch", x->layout.rank);
  return builder_image(&o->builder, x);
}

// The output of a node on an image, as the file's (C, H, W).
static bool image_out(struct onnx *o, uint32_t node, int rank) {
  struct stream y = {0};
  if (!builder_out(&o->builder, node, &y.value)) return false;
  const struct value *v = &o->builder.graph->values[y.value];
  int64_t shape[3] = {v->shape[rank - 1], v->shape[0], rank == 3 ? v->shape[1] : 1};
  y.layout = layout_new(rank, shape, rank == 3 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  onnx_set_stream(o, 0, y);
  return true;
}

// (OUT, I, K..) to (OUT, K.., I)
static struct item channels_last(struct onnx *o, const struct item *w) {
  const struct tensor *t = w->constant;
  int rank = t->rank;
  int64_t shape[RANK_MAX], taps = 1, n = 0, *index = ARENA_NEW(o->arena, int64_t, t->count);
  for (int d = 0; d < rank; d++) shape[d] = t->shape[d == 0 ? 0 : d == rank - 1 ? 1 : d + 1];
  for (int d = 2; d < rank; d++) taps *= t->shape[d];
  for (int64_t out = 0; out < t->shape[0]; out++)
    for (int64_t k = 0; k < taps; k++)
      for (int64_t i = 0; i < t->shape[1]; i++) index[n++] = (out * t->shape[1] + i) * taps + k;
  return onnx_picked(o, w, rank, shape, index);
}

bool onnx_conv(struct onnx *o) {
  struct stream x = {0};
  if (!onnx_image(o, 0, &x)) return false;
  const struct item *w = onnx_weights_in(o, 1, x.layout.rank + 1);
  if (!w) return false;
  int64_t kernel[2];
  if (!onnx_numbers(o, "kernel_shape", x.layout.rank - 1, 0, kernel)) return false;
  for (int d = 0; d < x.layout.rank - 1; d++)
    if (kernel[d] && kernel[d] != w->constant->shape[d + 2])
      return onnx_refuse(o, "check the file", "kernel_shape %lld, its weights have %lld",
                         (long long)kernel[d], (long long)w->constant->shape[d + 2]);
  struct numbers numbers;
  const int64_t *taps = w->constant->shape + 2;
  if (!numbers_of(o, &x, taps, &numbers) || !pad_in_front(o, &x, taps, &numbers)) return false;
  struct item ours = channels_last(o, w);
  uint32_t in[2] = {x.value, onnx_weights(o, &ours, onnx_tensor_name(o, 1))};
  uint32_t node = builder_node(&o->builder, x.layout.rank == 3 ? OP_conv2d : OP_conv1d, 2, in);
  if (!add_bias(o, 2, w->constant->shape[0], 1, node)) return false;
  put_numbers(o, node, x.layout.rank - 1, &numbers);
  builder_int(&o->builder, node, ATTR_groups, onnx_int(o, "group", 1), 1);
  return image_out(o, node, x.layout.rank);
}

bool onnx_pool(struct onnx *o) {
  struct stream x = {0};
  if (!onnx_attr(o, "kernel_shape")) return onnx_refuse(o, "check the file", "no kernel_shape");
  int64_t kernel[2];
  bool average = strcmp(o->node->op_type, "AveragePool") == 0;
  if (!onnx_image(o, 0, &x) || !onnx_numbers(o, "kernel_shape", x.layout.rank - 1, 1, kernel))
    return false;
  if (onnx_is_read(o, 1))
    return onnx_refuse(o, "drop the indices", "it also gives the places of its maxima");
  struct numbers numbers;
  if (!numbers_of(o, &x, kernel, &numbers)) return false;
  uint32_t node = builder_node(&o->builder, average ? OP_avg_pool : OP_max_pool, 1, &x.value);
  graph_add_ints(o->builder.graph, node, ATTR_kernel, x.layout.rank - 1, kernel);
  put_numbers(o, node, x.layout.rank - 1, &numbers);
  builder_int(&o->builder, node, ATTR_ceil, onnx_int(o, "ceil_mode", 0), 0);
  if (average)
    builder_int(&o->builder, node, ATTR_count_pad, onnx_int(o, "count_include_pad", 0), 0);
  return image_out(o, node, x.layout.rank);
}

bool onnx_whole_image(struct onnx *o, struct stream *x, enum op op) {
  uint32_t node = builder_node(&o->builder, op, 1, &x->value);
  return image_out(o, node, x->layout.rank);
}

bool onnx_global_pool(struct onnx *o) {
  struct stream x = {0};
  bool average = strcmp(o->node->op_type, "GlobalAveragePool") == 0;
  return onnx_image(o, 0, &x) && onnx_whole_image(o, &x, average ? OP_avg_pool : OP_max_pool);
}

// ---- matrices

// The features of a matrix product: the last axis of the file. Of a flat stream they stay in our
// order, which the columns of the weights take.
static bool features(struct onnx *o, struct stream *x, int64_t **order) {
  static const int plain[RANK_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
  *order = NULL;
  if (x->layout.rank < 1)
    return onnx_refuse(o, "check the file", "its input has no axis beside the batch");
  if (x->layout.rank > 1) return builder_arrange(&o->builder, x, plain);
  *order = layout_indices(o->arena, &x->layout);
  return builder_flat(&o->builder, x);
}

static struct tensor *scaled(struct onnx *o, const struct tensor *t, double factor) {
  struct tensor *to = tensor_new(o->arena, DTYPE_F32, t->rank, t->shape);
  for (int64_t i = 0; i < to->count; i++)
    ((float *)to->data)[i] = (float)(factor * tensor_real(t, i));
  return to;
}

// A constant times a number: integers of another scale, if that is one.
static struct item times(struct onnx *o, const struct item *x, double factor) {
  struct item y = {.kind = ITEM_CONSTANT, .constant = scaled(o, x->constant, factor)};
  if (!x->integers || !(factor > 0)) return y;
  struct integers *n = arena_copy(o->arena, x->integers, sizeof *n);
  n->scale = scaled(o, n->scale, factor);
  y.integers = n;
  return y;
}

// y = x w^T: weights (OUT, IN), or (IN, OUT) if they aren't `rows`.
static bool product(struct onnx *o, const struct item *w, bool rows, double alpha, double beta) {
  struct stream x = {0};
  int64_t *order, n = 0;
  if (!onnx_stream(o, 0, &x) || !features(o, &x, &order)) return false;
  const struct tensor *t = w->constant;
  int64_t outs = t->shape[!rows], ins = t->shape[rows], shape[2] = {outs, ins};
  int64_t *index = ARENA_NEW(o->arena, int64_t, t->count);
  if (ins != x.layout.shape[x.layout.rank - 1])
    return onnx_refuse(o, "check the file", "its input has %lld features, the weights take %lld",
                       (long long)x.layout.shape[x.layout.rank - 1], (long long)ins);
  for (int64_t out = 0; out < outs; out++)
    for (int64_t i = 0; i < ins; i++) {
      int64_t from = order ? order[i] : i;
      index[n++] = rows ? out * ins + from : from * outs + out;
    }
  struct item ours = onnx_picked(o, w, 2, shape, index);
  if (alpha != 1) ours = times(o, &ours, alpha);
  uint32_t in[2] = {x.value, onnx_weights(o, &ours, onnx_tensor_name(o, 1))};
  uint32_t node = builder_node(&o->builder, OP_linear, 2, in);
  if (!add_bias(o, 2, outs, beta, node) || !builder_out(&o->builder, node, &x.value)) return false;
  int64_t file[RANK_MAX];
  memcpy(file, x.layout.shape, sizeof file);
  file[x.layout.rank - 1] = outs;
  x.layout = layout_new(x.layout.rank, file, NULL);
  onnx_set_stream(o, 0, x);
  return true;
}

bool onnx_gemm(struct onnx *o) {
  const struct item *w = onnx_weights_in(o, 1, 2);
  if (!w) return false;
  if (onnx_int(o, "transA", 0))
    return onnx_refuse(o, "transpose the input before it", "transA makes columns of the batch");
  return product(o, w, onnx_int(o, "transB", 0) != 0, onnx_real(o, "alpha", 1),
                 onnx_real(o, "beta", 1));
}

bool onnx_matmul(struct onnx *o) {
  const struct item *x = onnx_in(o, 0), *w = onnx_in(o, 1);
  if (x && w && x->kind == ITEM_STREAM && w->kind == ITEM_STREAM)
    return onnx_refuse(o, "use layers with constant weights",
                       "it multiplies two streams as matrices, as attention does");
  w = onnx_weights_in(o, 1, 2);
  return w && product(o, w, false, 1, 1);
}

// ---- batch norm

bool onnx_norm(struct onnx *o) {
  const struct tensor *in[5] = {NULL};
  const struct item *x = onnx_in(o, 0);
  double epsilon = onnx_real(o, "epsilon", NORM_EPSILON);
  if (onnx_int(o, "training_mode", 0) || (onnx_is_read(o, 1) && o->opset >= 14))
    return onnx_refuse(o, "export in evaluation mode", "it is in training mode");
  if (!x || x->kind != ITEM_STREAM || x->stream.layout.rank < 1)
    return onnx_refuse(o, "check the file", "its input is no stream with channels");
  int64_t channels = x->stream.layout.shape[0];
  double *scale = ARENA_NEW(o->arena, double, channels),
         *shift = ARENA_NEW(o->arena, double, channels);
  for (size_t i = 1; i < 5; i++) {
    in[i] = onnx_constant(o, i);
    if (!in[i] || in[i]->count != channels)
      return onnx_refuse(o, "export with its statistics as constants",
                         "input %zu isn't a constant for each of %lld channels", i,
                         (long long)channels);
  }
  for (int64_t c = 0; c < channels; c++) {
    double variance = tensor_real(in[4], c) + epsilon;
    if (!(variance > 0) || !isfinite(variance))
      return onnx_refuse(o, "train it again", "its variance %g of channel %lld is none", variance,
                         (long long)c);
    scale[c] = tensor_real(in[1], c) / sqrt(variance);
    shift[c] = tensor_real(in[2], c) - tensor_real(in[3], c) * scale[c];
  }
  bool alone = !x->channels;
  if (!onnx_scaled(o, *x, 0, channels, scale, shift)) return false;
  struct moments *m = ARENA_NEW(o->arena, struct moments, 1);
  m->epsilon = epsilon;
  for (size_t i = 0; i < 4; i++) {
    m->array[i] = in[i + 1];
    m->name[i] = o->node->input[i + 1];
  }
  if (alone) onnx_item(o, o->node->output[0])->moments = m;
  return true;
}
