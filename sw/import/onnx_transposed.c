// SPDX-License-Identifier: Apache-2.0
// ConvTranspose: each pixel of what comes out is of one of stride x stride phases, and each phase
// is a convolution with every stride-th tap of the kernel. So it is a convolution with a channel
// for each phase, whose channels become pixels; what the padding cuts is sliced off.
//
//   y[q s + r] = sum over t of x[q - t] w[t s + r]        r < s, t < T = ceil(kernel / s)
//
// q runs from `skip` on, and of what that gives elements `first` .. `first + out` stay.
#include "sw/import/onnx.h"

#include <string.h>

enum { AXES = 2 };

struct transposed {
  int axes;
  int64_t in, outs, groups; // channels; outs: of a group
  int64_t kernel[AXES], stride[AXES], taps[AXES];
  int64_t pad[2 * AXES]; // of the convolution
  int64_t first[AXES], out[AXES];
  int64_t phases; // product of the strides
};

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
    if (t->out[d] < 1 || t->out[d] > DIM_MAX)
      return onnx_refuse(o, "check the file", "nothing is left of axis %d", d + 2);
  }
  return true;
}

static bool numbers_of(struct onnx *o, struct transposed *t, const struct stream *x,
                       const struct tensor *w) {
  int64_t kernel[AXES], dilation[AXES], cut[2 * AXES];
  if (!onnx_numbers(o, "kernel_shape", t->axes, 0, kernel) ||
      !onnx_numbers(o, "strides", t->axes, 1, t->stride) ||
      !onnx_numbers(o, "dilations", t->axes, 1, dilation))
    return false;
  t->groups = onnx_int(o, "group", 1);
  t->in = w->shape[0];
  t->outs = w->shape[1];
  t->phases = 1;
  if (t->groups < 1 || t->in % t->groups || t->in != x->layout.shape[0])
    return onnx_refuse(o, "check the file", "%lld groups of %lld channels, its input has %lld",
                       (long long)t->groups, (long long)t->in, (long long)x->layout.shape[0]);
  for (int d = 0; d < t->axes; d++) {
    t->kernel[d] = w->shape[d + 2];
    if (kernel[d] && kernel[d] != t->kernel[d])
      return onnx_refuse(o, "check the file", "kernel_shape %lld, its weights have %lld",
                         (long long)kernel[d], (long long)t->kernel[d]);
    if (t->stride[d] < 1 || t->stride[d] > t->kernel[d] + DIM_MAX / x->layout.shape[d + 1])
      return onnx_refuse(o, "check the file", "strides of %lld", (long long)t->stride[d]);
    if (dilation[d] != 1)
      return onnx_refuse(o, "use a kernel without dilation", "dilations of %lld",
                         (long long)dilation[d]);
    t->taps[d] = (t->kernel[d] + t->stride[d] - 1) / t->stride[d];
    t->phases *= t->stride[d];
  }
  if (t->phases > DIM_MAX / (t->groups * t->outs))
    return onnx_refuse(o, "use smaller strides", "strides of %lld", (long long)t->stride[0]);
  if (!cuts_of(o, t, x, cut)) return false;
  for (int d = 0; d < t->axes; d++) {
    int64_t skip = cut[d] / t->stride[d], last = t->taps[d] - 1;
    skip = skip > last ? last : skip;
    t->first[d] = cut[d] - skip * t->stride[d];
    int64_t rows = (t->first[d] + t->out[d] + t->stride[d] - 1) / t->stride[d];
    int64_t behind = rows - x->layout.shape[d + 1] + skip;
    t->pad[d] = last - skip;
    t->pad[t->axes + d] = behind > 0 ? behind : 0;
  }
  return true;
}

// ---- weights: (IN, OUT, K..) to (GROUP OUT PHASE, T.., IN)

// Which element of the kernel tap j of phase r is; NONE: there is none.
static int64_t element_of(const struct transposed *t, int64_t j, int64_t r) {
  int64_t at = 0, step = 1;
  for (int d = t->axes - 1; d >= 0; d--) {
    int64_t k = (t->taps[d] - 1 - j % t->taps[d]) * t->stride[d] + r % t->stride[d];
    if (k >= t->kernel[d]) return NONE;
    at += k * step;
    step *= t->kernel[d];
    j /= t->taps[d];
    r /= t->stride[d];
  }
  return at;
}

static struct item weights_of_phases(struct onnx *o, const struct transposed *t,
                                     const struct item *w) {
  int64_t taps = 1, kernel = 1, inner = t->in / t->groups, n = 0;
  int64_t shape[AXES + 2] = {t->groups * t->outs * t->phases};
  for (int d = 0; d < t->axes; d++) {
    taps *= shape[d + 1] = t->taps[d];
    kernel *= t->kernel[d];
  }
  shape[t->axes + 1] = inner;
  int64_t count = shape[0] * taps * inner, *index = ARENA_NEW(o->arena, int64_t, count);
  bool *hole = ARENA_NEW(o->arena, bool, count);
  for (int64_t out = 0; out < shape[0]; out++)
    for (int64_t j = 0; j < taps; j++)
      for (int64_t i = 0; i < inner; i++, n++) {
        int64_t c = out / t->phases, k = element_of(t, j, out % t->phases);
        int64_t channel = (c / t->outs * inner + i) * t->outs + c % t->outs;
        hole[n] = k == NONE;
        index[n] = channel * kernel + (k == NONE ? 0 : k);
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
  for (int64_t i = 0; i < count; i++) index[i] = i / t->phases;
  struct item all = onnx_picked(o, b, 1, &count, index);
  uint32_t id = onnx_weights(o, &all, onnx_tensor_name(o, 2));
  graph_add_use(o->builder.graph, node, (struct use){id, 0, NONE});
  return true;
}

// ---- the layer

// (OUT PHASE, H, W), phases to pixels: (OUT, H stride, W stride).
static bool spread(struct onnx *o, const struct transposed *t, struct stream *y) {
  static const int rows[] = {0, 2, 1}, pixels[] = {0, 3, 1, 4, 2};
  int64_t cut[2 * AXES + 1] = {t->groups * t->outs}, shape[AXES + 1] = {t->groups * t->outs};
  for (int d = 0; d < t->axes; d++) {
    cut[1 + d] = t->stride[d];
    cut[1 + t->axes + d] = y->layout.shape[d + 1];
    shape[1 + d] = t->stride[d] * y->layout.shape[d + 1];
  }
  if (t->phases == 1) return true;
  if (!builder_reshape(&o->builder, y, 2 * t->axes + 1, cut)) return false;
  layout_permute(&y->layout, t->axes == 1 ? rows : pixels);
  return builder_reshape(&o->builder, y, t->axes + 1, shape);
}

static bool keep(struct onnx *o, const struct transposed *t, struct stream *y) {
  int64_t begin[AXES + 1] = {0}, end[AXES + 1] = {y->layout.shape[0]}, step[AXES + 1] = {1, 1, 1};
  for (int d = 0; d < t->axes; d++) {
    begin[d + 1] = t->first[d];
    end[d + 1] = t->first[d] + t->out[d];
  }
  return onnx_part(o, y, begin, end, step);
}

bool onnx_conv_transpose(struct onnx *o) {
  struct stream x = {0}, y = {0};
  if (!onnx_image(o, 0, &x)) return false;
  struct transposed t = {.axes = x.layout.rank - 1};
  const struct item *w = onnx_weights_in(o, 1, x.layout.rank + 1);
  if (!w || !numbers_of(o, &t, &x, w->constant)) return false;
  int64_t made[] = {t.groups * t.outs, t.phases, t.in / t.groups, t.taps[0],
                    t.axes == 2 ? t.taps[1] : 1};
  if (!builder_takes(&o->builder, 5, made)) return false;
  struct item phases = weights_of_phases(o, &t, w);
  uint32_t in[2] = {x.value, onnx_weights(o, &phases, onnx_tensor_name(o, 1))};
  uint32_t node = builder_node(&o->builder, t.axes == 2 ? OP_conv2d : OP_conv1d, 2, in);
  if (!add_bias(o, &t, node)) return false;
  builder_ints(&o->builder, node, ATTR_pad, 2 * t.axes, t.pad, 0);
  builder_int(&o->builder, node, ATTR_groups, t.groups, 1);
  if (!builder_out(&o->builder, node, &y.value)) return false;
  const struct value *v = &o->builder.graph->values[y.value];
  int64_t shape[AXES + 1] = {v->shape[t.axes], v->shape[0], t.axes == 2 ? v->shape[1] : 1};
  y.layout =
      layout_new(t.axes + 1, shape, t.axes == 2 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  if (!spread(o, &t, &y) || !keep(o, &t, &y)) return false;
  onnx_set_stream(o, 0, y);
  return true;
}
