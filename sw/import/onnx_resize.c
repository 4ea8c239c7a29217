// SPDX-License-Identifier: Apache-2.0
// Resize and Upsample: pixels that stand several times or are left out, and such that lie between.
#include "sw/import/onnx.h"
#include "sw/import/resample.h"

#include <math.h>
#include <string.h>

// ---- the nearest pixel

// Where pixel i of `out` lies among those of `in`, as the attributes of Resize say, in doubles and
// in floats of 32 bits, as runtimes compute it; NAN: not defined here.
static void place_of(const char *transform, double scale, int64_t in, int64_t out, int64_t i,
                     double at[2]) {
  float x = (float)i, s = (float)scale;
  bool pytorch = strcmp(transform, "pytorch_half_pixel") == 0;
  bool symmetric = strcmp(transform, "half_pixel_symmetric") == 0;
  at[0] = at[1] = pytorch ? 0 : NAN;
  if (symmetric || strcmp(transform, "half_pixel") == 0 || (pytorch && out > 1)) {
    at[0] = ((double)i + 0.5) / scale - 0.5;
    at[1] = (double)((x + 0.5F) / s - 0.5F);
  }
  if (symmetric) { // computed with an offset of about 0
    at[1] = at[0] + 1e-5;
    at[0] -= 1e-5;
  }
  if (strcmp(transform, "asymmetric") == 0) {
    at[0] = (double)i / scale;
    at[1] = (double)(x / s);
  }
  if (strcmp(transform, "align_corners") == 0) {
    at[0] = out > 1 ? (double)i * (double)(in - 1) / (double)(out - 1) : 0;
    at[1] = out > 1 ? (double)(x * (float)(in - 1) / (float)(out - 1)) : 0;
  }
}

// Which pixel that is; false: there is none, or rounding decides. Of whole factors, by which no
// place is that near to another pixel, images may be so large that floats don't count their pixels.
static bool source_of(const char *transform, const char *nearest, double scale, int64_t in,
                      int64_t out, int64_t i, bool whole, int64_t *source) {
  double at[2];
  place_of(transform, scale, in, out, i, at);
  if (whole && out > 1 << 20) at[1] = at[0];
  for (int k = 0; k < 2; k++) {
    if (strcmp(nearest, "floor") == 0) at[k] = floor(at[k]);
    if (strcmp(nearest, "ceil") == 0) at[k] = ceil(at[k]);
    if (strcmp(nearest, "round_prefer_floor") == 0) at[k] = ceil(at[k] - 0.5);
    if (strcmp(nearest, "round_prefer_ceil") == 0) at[k] = floor(at[k] + 0.5);
    at[k] = at[k] < 0 ? 0 : at[k] > (double)(in - 1) ? (double)(in - 1) : at[k];
  }
  bool defined = at[0] == at[1] && at[0] == rint(at[0]);
  *source = defined ? (int64_t)at[0] : 0;
  return defined;
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

static const char *nearest_of(struct onnx *o) {
  return onnx_text(o, "nearest_mode", o->opset < 11 ? "floor" : "round_prefer_floor");
}

// Whether each pixel stands equally often.
static bool repeats(struct onnx *o, double scale, int64_t in, int64_t *factor) {
  bool whole = is_whole(scale, in, factor);
  int64_t out = in * *factor, source;
  for (int64_t i = 0; whole && i < out; i += i == ENDS && out > 2 * ENDS ? out - 2 * ENDS : 1)
    whole = source_of(transform_of(o), nearest_of(o), scale, in, out, i, true, &source) &&
            source == i / *factor;
  return whole;
}

// As many as `scale` makes of `in`, which sizes may have given.
static int64_t scaled_size(double scale, int64_t in) {
  double n = scale * (double)in, near = rint(n);
  n = fabs(n - near) < 1e-6 ? near : floor(n);
  return n >= 1 && n <= (double)DIM_MAX ? (int64_t)n : 0;
}

// half_pixel_symmetric moves an image that is cut short; it is half_pixel where none is.
static bool is_centred(const char *transform, double scale, int64_t in) {
  double n = scale * (double)in;
  return strcmp(transform, "half_pixel_symmetric") != 0 || fabs(n - rint(n)) < 1e-6;
}

static bool cut_short(struct onnx *o, double scale, int64_t in) {
  return onnx_refuse(o, "use half_pixel",
                     "%lld pixels times %g are no whole number (half_pixel_symmetric)",
                     (long long)in, scale);
}

// Pixels in another way: slices, one behind the other.
static bool choose(struct onnx *o, struct stream *x, int axis, double scale) {
  const char *transform = transform_of(o), *nearest = nearest_of(o);
  int64_t in = x->layout.shape[axis], out = scaled_size(scale, in), source = 0;
  if (!out) return onnx_refuse(o, "check the file", "a scale of %g", scale);
  if (!is_centred(transform, scale, in)) return cut_short(o, scale, in);
  struct tensor *list = tensor_new(o->arena, DTYPE_I64, 1, &out);
  for (int64_t i = 0; i < out; i++) {
    if (!source_of(transform, nearest, scale, in, out, i, false, &source))
      return onnx_refuse(o, "use nearest neighbours by whole factors",
                         "scale %g (%s, %s): which pixel is nearest isn't defined, or changes with "
                         "how it is rounded",
                         scale, transform, nearest);
    tensor_set_int(list, i, source);
  }
  int64_t runs = onnx_runs(list, in);
  if (runs > ONNX_RUNS_MOST)
    return onnx_refuse(o, "use nearest neighbours by whole factors",
                       "scale %g (%s, %s) doesn't repeat each pixel equally often: %lld slices, at "
                       "most %d are put together",
                       scale, transform, nearest, (long long)runs, ONNX_RUNS_MOST);
  return onnx_take(o, x, axis, list);
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

static bool nearest_pixels(struct onnx *o, double *scale, struct stream *x) {
  int64_t factors[2], shape[3] = {x->layout.shape[0]}, one = 1;
  int rank = x->layout.rank;
  for (int d = 1; d < rank; d++) {
    bool whole = repeats(o, scale[d], x->layout.shape[d], &factors[d - 1]);
    if (!whole && !choose(o, x, d, scale[d])) return false;
    if (!whole) factors[d - 1] = one;
    shape[d] = x->layout.shape[d] * factors[d - 1];
  }
  bool larger = false;
  for (int d = 1; d < rank; d++) larger |= factors[d - 1] > 1;
  if (!larger) return true;
  if (!builder_image(&o->builder, x)) return false;
  uint32_t node = builder_node(&o->builder, OP_upsample, 1, &x->value);
  graph_add_ints(o->builder.graph, node, ATTR_factors, rank - 1, factors);
  if (!builder_out(&o->builder, node, &x->value)) return false;
  x->layout = layout_new(rank, shape, rank == 3 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  return true;
}

// ---- between pixels

// Linear by 1/f: pixel f i + (f - 1) / 2, which is one of them, or the middle of two.
static bool fewer(struct onnx *o, const double *scale, bool corner, struct stream *x) {
  int rank = x->layout.rank;
  const char *transform = transform_of(o);
  for (int d = 1; d < rank; d++) {
    int64_t size = x->layout.shape[d];
    if (!is_centred(transform, scale[d], size)) return cut_short(o, scale[d], size);
    if (strcmp(transform, "pytorch_half_pixel") == 0 && scale[d] < 1 &&
        scaled_size(scale[d], size) == 1)
      return onnx_refuse(o, "use half_pixel", "one pixel of %lld (pytorch_half_pixel)",
                         (long long)size);
  }
  int64_t begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX], kernel[2] = {1, 1}, stride[2] = {1, 1};
  bool means = false;
  for (int d = 0; d < rank; d++) {
    int64_t size = x->layout.shape[d], f = d ? (int64_t)rint(1 / scale[d]) : 1;
    int64_t out = scaled_size(scale[d], size), two = !corner && f % 2 == 0;
    begin[d] = corner ? 0 : (f - 1) / 2;
    end[d] = begin[d] + (out - 1) * f + 1 + two;
    step[d] = two ? 1 : f;
    if (two) kernel[d - 1] = 2;
    if (two) stride[d - 1] = f;
    means |= two;
  }
  if (!builder_part(&o->builder, x, begin, end, step)) return false;
  if (!means) return true;
  if (!builder_image(&o->builder, x)) return false;
  uint32_t node = builder_node(&o->builder, OP_avg_pool, 1, &x->value);
  graph_add_ints(o->builder.graph, node, ATTR_kernel, rank - 1, kernel);
  builder_ints(&o->builder, node, ATTR_stride, rank - 1, stride, 1);
  if (!builder_out(&o->builder, node, &x->value)) return false;
  const struct value *v = &o->builder.graph->values[x->value];
  int64_t shape[3] = {v->shape[rank - 1], v->shape[0], rank == 3 ? v->shape[1] : 1};
  x->layout = layout_new(rank, shape, rank == 3 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  return true;
}

// Whether every axis becomes a whole number of times as short.
static bool divides(const double *scale, const struct stream *x) {
  bool less = false;
  for (int d = 1; d < x->layout.rank; d++) {
    double f = 1 / scale[d];
    if (!(f >= 1 && f <= (double)x->layout.shape[d] && fabs(f - rint(f)) < 1e-6)) return false;
    less |= rint(f) > 1;
  }
  return less;
}

static bool scale_below_one(const double *scale, int rank) {
  bool below = false;
  for (int d = 1; d < rank; d++) below |= scale[d] < 1;
  return below;
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
  if (onnx_int(o, "antialias", 0) && scale_below_one(scale, x->layout.rank))
    return onnx_refuse(o, "use a pool, or antialias False",
                       "antialias: its weights are as wide as "
                       "the scale");
  if ((!half && !r.corner) || onnx_int(o, "exclude_outside", 0))
    return onnx_refuse(o, "use half_pixel (align_corners=False) without exclude_outside",
                       "mode \"%s\" with \"%s\": each pixel has weights of its own", mode,
                       transform);
  if (!r.cubic && divides(scale, x)) return fewer(o, scale, r.corner, x);
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
  if (!(nearest ? nearest_pixels(o, scale, &x) : between(o, mode, scale, &x))) return false;
  onnx_set_stream(o, 0, x);
  return true;
}
