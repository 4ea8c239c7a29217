// SPDX-License-Identifier: Apache-2.0
// ConvTranspose.
#include "sw/import/onnx.h"
#include "sw/import/transposed.h"

#include <string.h>

enum { AXES = TRANSPOSED_AXES };

// What ONNX calls pads: cut off in front and behind.
static bool cuts_of(struct onnx *o, struct transposed *t, const struct stream *x,
                    int64_t cut[2 * AXES]) {
  int64_t more[AXES], out[AXES];
  const char *automatic = onnx_text(o, "auto_pad", "NOTSET");
  bool same = strncmp(automatic, "SAME", 4) == 0, sized = onnx_attr(o, "output_shape");
  bool lower = strcmp(automatic, "SAME_UPPER") != 0;
  if (!onnx_numbers(o, "output_padding", t->axes, 0, more) ||
      !onnx_numbers(o, "pads", 2 * t->axes, 0, cut) ||
      !onnx_numbers(o, "output_shape", t->axes, 0, out))
    return false;
  for (int d = 0; d < t->axes; d++) {
    int64_t size = x->layout.shape[d + 1],
            whole = (size - 1) * t->stride[d] + t->kernel[d] + more[d];
    int64_t all = whole - (sized ? out[d] : size * t->stride[d]);
    if (sized || same) {
      cut[d] = all < 0 ? 0 : lower ? all - all / 2 : all / 2;
      cut[t->axes + d] = all - cut[d];
    }
    t->out[d] = whole - cut[d] - cut[t->axes + d];
  }
  return true;
}

static bool numbers_of(struct onnx *o, struct transposed *t, const struct stream *x,
                       const struct tensor *w, const int64_t *dilation) {
  int64_t kernel[AXES], cut[2 * AXES];
  if (!onnx_numbers(o, "kernel_shape", t->axes, 0, kernel) ||
      !onnx_numbers(o, "strides", t->axes, 1, t->stride))
    return false;
  t->groups = onnx_int(o, "group", 1);
  t->in = w->shape[0];
  t->outs = w->shape[1];
  if (t->groups < 1 || t->in % t->groups || t->in != x->layout.shape[0])
    return onnx_refuse(o, "check the file", "%lld groups of %lld channels, its input has %lld",
                       (long long)t->groups, (long long)t->in, (long long)x->layout.shape[0]);
  for (int d = 0; d < t->axes; d++) {
    t->kernel[d] = (w->shape[d + 2] - 1) * dilation[d] + 1;
    if (kernel[d] && kernel[d] != w->shape[d + 2])
      return onnx_refuse(o, "check the file", "kernel_shape %lld, its weights have %lld",
                         (long long)kernel[d], (long long)w->shape[d + 2]);
  }
  return cuts_of(o, t, x, cut) && transposed_fit(&o->builder, t, x->layout.shape + 1, cut);
}

// ---- weights: (IN, OUT, K..) to (GROUP OUT PHASE, T.., IN)

// The element of the file's kernel that one of the dilated kernel is; NONE: it lies between them.
static int64_t undilated(const struct transposed *t, const struct tensor *w,
                         const int64_t *dilation, int64_t element) {
  int64_t at = 0, step = 1;
  for (int d = t->axes - 1; d >= 0; d--) {
    int64_t k = element % t->kernel[d];
    if (k % dilation[d]) return NONE;
    at += k / dilation[d] * step;
    step *= w->shape[d + 2];
    element /= t->kernel[d];
  }
  return at;
}

static struct item weights_of_phases(struct onnx *o, const struct transposed *t,
                                     const struct item *w, const int64_t *dilation) {
  int64_t kernel = 1, shape[AXES + 2];
  transposed_shape(t, shape);
  for (int d = 0; d < t->axes; d++) kernel *= w->constant->shape[d + 2];
  int64_t count = shape_elements(t->axes + 2, shape), *index = ARENA_NEW(o->arena, int64_t, count);
  bool *hole = ARENA_NEW(o->arena, bool, count);
  for (int64_t n = 0; n < count; n++) {
    struct transposed_tap tap;
    hole[n] = !transposed_tap(t, n, &tap);
    if (!hole[n]) tap.element = undilated(t, w->constant, dilation, tap.element);
    hole[n] |= tap.element == NONE;
    index[n] = (tap.in * t->outs + tap.out) * kernel + (hole[n] ? 0 : tap.element);
  }
  struct item y = onnx_picked(o, w, t->axes + 2, shape, index);
  for (int64_t i = 0; i < count; i++) {
    if (!hole[i]) continue;
    memset((char *)y.constant->data + (size_t)i * dtype_size(y.constant->dtype), 0,
           dtype_size(y.constant->dtype));
    if (y.integers) tensor_set_int(y.integers->codes, i, 0);
  }
  return y;
}

// A bias for each phase of a channel.
static bool add_bias(struct onnx *o, const struct transposed *t, uint32_t node) {
  const struct item *b = onnx_in(o, 2);
  int64_t outs = t->groups * t->outs, count = outs * t->phases;
  if (!b) return true;
  if (b->kind != ITEM_CONSTANT || b->constant->count != outs)
    return onnx_refuse(o, "export with a constant bias", "its bias isn't one constant per output");
  int64_t *index = ARENA_NEW(o->arena, int64_t, count);
  for (int64_t i = 0; i < count; i++) index[i] = transposed_out(t, i);
  struct item all = onnx_picked(o, b, 1, &count, index);
  uint32_t id = onnx_weights(o, &all, onnx_tensor_name(o, 2));
  graph_add_use(o->builder.graph, node, (struct use){id, 0, NONE});
  return true;
}

// ---- the layer

bool onnx_conv_transpose(struct onnx *o) {
  struct stream x = {0}, y = {0};
  if (!onnx_image(o, 0, &x)) return false;
  struct transposed t = {.axes = x.layout.rank - 1};
  int64_t dilation[AXES];
  const struct item *w = onnx_weights_in(o, 1, x.layout.rank + 1);
  if (!w || !onnx_numbers(o, "dilations", t.axes, 1, dilation)) return false;
  for (int d = 0; d < t.axes; d++)
    if (dilation[d] < 1 || dilation[d] > DIM_MAX / w->constant->shape[d + 2])
      return onnx_refuse(o, "check the file", "dilations of %lld", (long long)dilation[d]);
  if (!numbers_of(o, &t, &x, w->constant, dilation)) return false;
  struct item phases = weights_of_phases(o, &t, w, dilation);
  uint32_t in[2] = {x.value, onnx_weights(o, &phases, onnx_tensor_name(o, 1))};
  uint32_t node = builder_node(&o->builder, t.axes == 2 ? OP_conv2d : OP_conv1d, 2, in);
  if (!add_bias(o, &t, node)) return false;
  if (!transposed_put(&o->builder, &t, node, &y)) return false;
  onnx_set_stream(o, 0, y);
  return true;
}
