// SPDX-License-Identifier: Apache-2.0
// Padding, pixels that stand several times, and channels that become pixels.
#include "sw/import/onnx.h"
#include "sw/import/resample.h"

#include <math.h>
#include <string.h>

// ---- padding

// Pads of the file's axes, the batch left out: in front of each, then behind each.
static bool pads_of(struct onnx *o, int rank, int64_t pad[2 * RANK_MAX]) {
  int64_t count, axes;
  const int64_t *list, *of;
  if (!onnx_ints(o, o->opset < 2 ? "paddings" : "pads", 1, &count, &list) ||
      !onnx_ints(o, "axes", 3, &axes, &of))
    return false;
  int64_t n = axes ? axes : rank + 1;
  if (count != 2 * n)
    return onnx_refuse(o, "check the file", "%lld pads for %lld axes", (long long)count,
                       (long long)n);
  memset(pad, 0, 2 * RANK_MAX * sizeof *pad);
  for (int64_t i = 0; i < n; i++) {
    int axis;
    if (list[i] == 0 && list[n + i] == 0) continue;
    if (!onnx_axis(o, axes ? of[i] : i, rank, &axis)) return false;
    pad[axis] = list[i];
    pad[rank + axis] = list[n + i];
    if (list[i] > DIM_MAX || list[n + i] > DIM_MAX)
      return onnx_refuse(o, "check the file", "pads of more than %lld elements",
                         (long long)DIM_MAX);
  }
  return true;
}

// Which element of `size` stands at i, which may lie beyond the ends: of the ends (edge), mirrored
// at them, or from the other one (wrap).
static int64_t element_at(const char *mode, int64_t i, int64_t size) {
  if (strcmp(mode, "edge") == 0) return i < 0 ? 0 : i > size - 1 ? size - 1 : i;
  if (strcmp(mode, "wrap") == 0) return ((i % size) + size) % size;
  i = i < 0 ? -i : i;
  return i > size - 1 ? 2 * (size - 1) - i : i;
}

enum { EDGES_MOST = 64 };

static bool pad_with_own(struct onnx *o, struct stream *x, const char *mode, const int64_t *pad) {
  int rank = x->layout.rank;
  for (int d = 0; d < rank; d++) {
    int64_t front = pad[d], behind = pad[rank + d], size = x->layout.shape[d];
    int64_t most = strcmp(mode, "edge") == 0 ? EDGES_MOST : size;
    if (strcmp(mode, "reflect") == 0) most = size - 1;
    if (!front && !behind) continue;
    if (front < 0 || behind < 0) return onnx_refuse(o, "use Slice", "pads below 0 cut the array");
    if (front > most || behind > most)
      return onnx_refuse(o, "pad by fewer", "pads of %lld and %lld elements, mode \"%s\", of %lld",
                         (long long)front, (long long)behind, mode, (long long)size);
    int64_t n = front + size + behind;
    struct tensor *list = tensor_new(o->arena, DTYPE_I64, 1, &n);
    for (int64_t i = 0; i < n; i++) tensor_set_int(list, i, element_at(mode, i - front, size));
    if (!onnx_take(o, x, d, list)) return false;
  }
  onnx_set_stream(o, 0, *x);
  return true;
}

bool onnx_pad(struct onnx *o) {
  struct stream x = {0};
  int axes[RANK_MAX];
  int64_t pad[2 * RANK_MAX], ours[2 * RANK_MAX], shape[RANK_MAX];
  const struct tensor *value = onnx_constant(o, 2);
  const char *mode = onnx_text(o, "mode", "constant");
  if (!onnx_stream(o, 0, &x)) return false;
  int rank = x.layout.rank;
  bool own = strcmp(mode, "edge") == 0 || strcmp(mode, "reflect") == 0 || strcmp(mode, "wrap") == 0;
  if (own) return pads_of(o, rank, pad) && pad_with_own(o, &x, mode, pad);
  if (strcmp(mode, "constant") != 0)
    return onnx_refuse(o, "use constant, edge, reflect or wrap", "mode \"%s\"", mode);
  if (onnx_in(o, 2) && !(value && value->count == 1))
    return onnx_refuse(o, "pad with a constant", "its value is computed from data");
  if (!pads_of(o, rank, pad) || !builder_tidy(&o->builder, &x, axes)) return false;
  for (int k = 0; k < rank; k++) {
    ours[k] = pad[axes[k]];
    ours[rank + k] = pad[rank + axes[k]];
    if (ours[k] < 0 || ours[rank + k] < 0)
      return onnx_refuse(o, "use Slice", "pads below 0 cut the array");
    if (ours[k] > DIM_MAX || ours[rank + k] > DIM_MAX)
      return onnx_refuse(o, "check the file", "pads of %lld and %lld elements", (long long)ours[k],
                         (long long)ours[rank + k]);
    shape[axes[k]] = ours[k] + x.layout.shape[axes[k]] + ours[rank + k];
  }
  if (!builder_with_zero(&o->builder, &x)) return false;
  uint32_t node = builder_node(&o->builder, OP_pad, 1, &x.value);
  graph_add_ints(o->builder.graph, node, ATTR_pad, 2 * rank, ours);
  graph_add_real(o->builder.graph, node, ATTR_value,
                 value ? tensor_real(value, 0) : onnx_real(o, "value", 0));
  if (!builder_out(&o->builder, node, &x.value)) return false;
  x.layout = layout_new(rank, shape, axes);
  onnx_set_stream(o, 0, x);
  return true;
}

// ---- pixels that stand several times

// Which pixel of `in` pixel i of `out` is, as the attributes of Resize say; NAN: not defined here.
static double source_of(const char *transform, const char *nearest, double scale, int64_t in,
                        int64_t out, int64_t i) {
  double x = (double)i, at = NAN;
  if (strcmp(transform, "half_pixel") == 0 || strcmp(transform, "half_pixel_symmetric") == 0)
    at = (x + 0.5) / scale - 0.5;
  if (strcmp(transform, "pytorch_half_pixel") == 0) at = out > 1 ? (x + 0.5) / scale - 0.5 : 0;
  if (strcmp(transform, "asymmetric") == 0) at = x / scale;
  if (strcmp(transform, "align_corners") == 0)
    at = out > 1 ? x * (double)(in - 1) / (double)(out - 1) : 0;
  if (strcmp(nearest, "floor") == 0) at = floor(at);
  if (strcmp(nearest, "ceil") == 0) at = ceil(at);
  if (strcmp(nearest, "round_prefer_floor") == 0) at = ceil(at - 0.5);
  if (strcmp(nearest, "round_prefer_ceil") == 0) at = floor(at + 0.5);
  return at < 0 ? 0 : at > (double)(in - 1) ? (double)(in - 1) : at;
}

enum { ENDS = 1 << 14 }; // pixels that are looked at on either side

static const char *transform_of(struct onnx *o) {
  return onnx_text(o, "coordinate_transformation_mode",
                   o->opset < 11 ? "asymmetric" : "half_pixel");
}

static bool is_whole(double scale, int64_t in, int64_t *factor) {
  bool sane = scale >= 1 && scale <= (double)(DIM_MAX / in);
  *factor = sane ? (int64_t)rint(scale) : 1;
  return sane && fabs(scale - (double)*factor) < 1e-6;
}

static bool factor_of(struct onnx *o, double scale, int64_t in, int64_t *factor) {
  const char *transform = transform_of(o);
  const char *nearest =
      onnx_text(o, "nearest_mode", o->opset < 11 ? "floor" : "round_prefer_floor");
  bool whole = is_whole(scale, in, factor);
  int64_t out = in * *factor;
  for (int64_t i = 0; whole && i < out; i += i == ENDS && out > 2 * ENDS ? out - 2 * ENDS : 1)
    whole = source_of(transform, nearest, scale, in, out, i) == (double)(i / *factor);
  return whole || onnx_refuse(o, "use nearest neighbours by whole factors",
                              "scale %g (%s, %s) doesn't repeat each pixel equally often", scale,
                              transform, nearest);
}

// Scales of all axes: an input, or an attribute of old files; or the sizes that come out.
bool onnx_scales(struct onnx *o, const struct stream *x, double *scale) {
  bool old = strcmp(o->node->op_type, "Upsample") == 0 || o->opset < 11;
  const struct tensor *t = onnx_constant(o, old ? 1 : 2), *sizes = onnx_constant(o, 3);
  const Onnx__AttributeProto *a = onnx_attr(o, "scales");
  int64_t n = x->layout.rank + 1, axes;
  const int64_t *of;
  if (!onnx_ints(o, "axes", SIZE_MAX, &axes, &of)) return false;
  for (int d = 0; d < x->layout.rank; d++) scale[d] = 1;
  int64_t given = t && t->count ? t->count : sizes ? sizes->count : a ? (int64_t)a->n_floats : 0;
  if (given != (axes ? axes : n))
    return onnx_refuse(o, "export with constant scales", "%lld scales or sizes for %lld axes",
                       (long long)given, (long long)(axes ? axes : n));
  for (int64_t i = 0; i < given; i++) {
    int axis;
    int64_t which = axes ? of[i] : i;
    if (which == 0) continue;
    if (!onnx_axis(o, which, x->layout.rank, &axis)) return false;
    scale[axis] = t && t->count ? tensor_real(t, i)
                  : sizes       ? tensor_real(sizes, i) / (double)x->layout.shape[axis]
                                : (double)a->floats[i];
  }
  return true;
}

static bool repeat(struct onnx *o, const double *scale, struct stream *x) {
  int64_t factors[2], shape[3] = {x->layout.shape[0]};
  int rank = x->layout.rank;
  for (int d = 1; d < rank; d++) {
    if (!factor_of(o, scale[d], x->layout.shape[d], &factors[d - 1])) return false;
    shape[d] = x->layout.shape[d] * factors[d - 1];
  }
  uint32_t node = builder_node(&o->builder, OP_upsample, 1, &x->value);
  graph_add_ints(o->builder.graph, node, ATTR_factors, rank - 1, factors);
  if (!builder_out(&o->builder, node, &x->value)) return false;
  x->layout = layout_new(rank, shape, rank == 3 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  return true;
}

// Linear or cubic, by factors that leave each new pixel at one of few places between old ones.
static bool between(struct onnx *o, const char *mode, const double *scale, struct stream *x) {
  struct resample r = {.cubic = strcmp(mode, "cubic") == 0,
                       .a = onnx_real(o, "cubic_coeff_a", -0.75)};
  const char *transform = transform_of(o);
  bool half = strcmp(transform, "half_pixel") == 0 ||
              strcmp(transform, "half_pixel_symmetric") == 0 ||
              strcmp(transform, "pytorch_half_pixel") == 0;
  r.corner = strcmp(transform, "asymmetric") == 0;
  if ((!half && !r.corner) || onnx_int(o, "exclude_outside", 0))
    return onnx_refuse(o, "use half_pixel (align_corners=False) without exclude_outside",
                       "mode \"%s\" with \"%s\": each pixel has weights of its own", mode,
                       transform);
  for (int d = 1; d < x->layout.rank; d++)
    if (!is_whole(scale[d], x->layout.shape[d], &r.factor[d - 1]))
      return onnx_refuse(o, "scale by whole numbers", "mode \"%s\" by a factor of %g", mode,
                         scale[d]);
  return resample_put(&o->builder, &r, x);
}

bool onnx_resize(struct onnx *o) {
  struct stream x = {0};
  double scale[RANK_MAX];
  const char *mode = onnx_text(o, "mode", "nearest");
  bool nearest = strcmp(mode, "nearest") == 0;
  if (!onnx_stream(o, 0, &x)) return false;
  int rank = x.layout.rank;
  if (rank != 2 && rank != 3)
    return onnx_refuse(o, "use images (N, C, H, W)", "its input has %d axes beside the batch",
                       rank);
  if (!nearest && strcmp(mode, "linear") != 0 && strcmp(mode, "cubic") != 0)
    return onnx_refuse(o, "use mode nearest or linear", "mode \"%s\"", mode);
  const char *aspect = onnx_text(o, "keep_aspect_ratio_policy", "stretch");
  if (strcmp(aspect, "stretch") != 0)
    return onnx_refuse(o, "use stretch", "keep_aspect_ratio_policy \"%s\"", aspect);
  if (!onnx_scales(o, &x, scale) || !builder_image(&o->builder, &x)) return false;
  if (scale[0] != 1) return onnx_refuse(o, "resize rows and columns", "it resizes the channels");
  if (!(nearest ? repeat(o, scale, &x) : between(o, mode, scale, &x))) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

// ---- channels to pixels and back

static bool blocks(struct onnx *o, struct stream *x, int64_t *size) {
  *size = onnx_int(o, "blocksize", 0);
  if (*size < 1 || *size > DIM_MAX)
    return onnx_refuse(o, "check the file", "blocksize %lld", (long long)*size);
  return onnx_stream(o, 0, x) &&
         (x->layout.rank == 3 ||
          onnx_refuse(o, "use images (N, C, H, W)", "its input has %d axes beside the batch",
                      x->layout.rank));
}

static bool regrouped(struct onnx *o, struct stream *x, const int64_t cut[5], const int axes[5],
                      const int64_t shape[3]) {
  if (!builder_reshape(&o->builder, x, 5, cut)) return false;
  layout_permute(&x->layout, axes);
  return onnx_set_reshaped(o, *x, 3, shape);
}

bool onnx_depth_to_space(struct onnx *o) {
  struct stream x = {0};
  int64_t b;
  if (!blocks(o, &x, &b)) return false;
  int64_t c = x.layout.shape[0], h = x.layout.shape[1], w = x.layout.shape[2];
  if (c % (b * b)) return onnx_refuse(o, "check the file", "%lld channels", (long long)c);
  int64_t shape[3] = {c / (b * b), h * b, w * b};
  if (strcmp(onnx_text(o, "mode", "DCR"), "DCR") == 0)
    return regrouped(o, &x, (int64_t[]){b, b, shape[0], h, w}, (const int[]){2, 3, 0, 4, 1}, shape);
  return regrouped(o, &x, (int64_t[]){shape[0], b, b, h, w}, (const int[]){0, 3, 1, 4, 2}, shape);
}

bool onnx_space_to_depth(struct onnx *o) {
  struct stream x = {0};
  int64_t b;
  if (!blocks(o, &x, &b)) return false;
  const int *order = strcmp(onnx_text(o, "mode", "DCR"), "DCR") == 0 ? (const int[]){2, 4, 0, 1, 3}
                                                                     : (const int[]){0, 2, 4, 1, 3};
  int64_t c = x.layout.shape[0], h = x.layout.shape[1], w = x.layout.shape[2];
  if (h % b || w % b)
    return onnx_refuse(o, "check the file", "%lld rows, %lld columns", (long long)h, (long long)w);
  int64_t shape[3] = {c * b * b, h / b, w / b};
  return regrouped(o, &x, (int64_t[]){c, h / b, b, w / b, b}, order, shape);
}
