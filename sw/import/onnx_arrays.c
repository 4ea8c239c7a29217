// SPDX-License-Identifier: Apache-2.0
// Nodes that move elements: reshapes and transposes change the layout and move nothing; parts,
// padding and repeated pixels are layers.
#include "sw/import/onnx.h"

#include <math.h>
#include <string.h>

static bool set_reshaped(struct onnx *o, struct stream x, int rank, const int64_t *shape) {
  if (rank > RANK_MAX)
    return onnx_refuse(o, "use fewer axes", "%d axes, at most %d", rank, RANK_MAX);
  if (!builder_reshape(&o->builder, &x, rank, shape)) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

// ---- shapes

static bool mixes(struct onnx *o) {
  return onnx_refuse(o, "keep the images of a batch apart", "it reshapes the batch, axis 0");
}

bool onnx_flatten(struct onnx *o) {
  struct stream x;
  if (!onnx_stream(o, 0, &x)) return false;
  int64_t axis = onnx_int(o, "axis", 1), n = layout_elements(&x.layout);
  if (axis < 0) axis += x.layout.rank + 1;
  for (int d = 1; d < axis; d++)
    if (x.layout.shape[d - 1] != 1) return mixes(o);
  return axis >= 1 ? set_reshaped(o, x, 1, &n) : mixes(o);
}

// The batch stays in front: -1, 0, its size, or 1 where it is open.
static bool keeps_batch(const struct onnx *o, int64_t to) {
  return to == -1 || to == 0 || to == (o->batch == BATCH_FREE ? 1 : o->batch);
}

bool onnx_reshape(struct onnx *o) {
  struct stream x;
  int64_t count, shape[RANK_MAX], known = 1;
  const int64_t *to;
  int open = NONE;
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "shape", 1, &count, &to)) return false;
  if (count < 1 || count > RANK_MAX || !keeps_batch(o, to[0])) return mixes(o);
  int64_t elements = layout_elements(&x.layout);
  for (int d = 1; d < count; d++) {
    bool copies = to[d] == 0 && d <= x.layout.rank;
    shape[d - 1] = copies ? x.layout.shape[d - 1] : to[d];
    if (shape[d - 1] == -1 && open == NONE)
      open = d - 1;
    else if (shape[d - 1] < 1 || shape[d - 1] > elements)
      return mixes(o);
    else
      known *= shape[d - 1];
    if (known > elements) return mixes(o);
  }
  if (open != NONE) shape[open] = elements / known;
  if (shape_elements((int)count - 1, shape) != elements) return mixes(o);
  return set_reshaped(o, x, (int)count - 1, shape);
}

bool onnx_squeeze(struct onnx *o) {
  struct stream x;
  int64_t count, shape[RANK_MAX];
  const int64_t *axes;
  int n = 0;
  bool gone[RANK_MAX] = {false};
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "axes", 1, &count, &axes)) return false;
  for (int64_t i = 0; i < count; i++) {
    int axis;
    if (!onnx_axis(o, axes[i], x.layout.rank, &axis)) return false;
    gone[axis] = true;
  }
  for (int d = 0; d < x.layout.rank; d++)
    if (x.layout.shape[d] != 1 || (count && !gone[d])) shape[n++] = x.layout.shape[d];
  return set_reshaped(o, x, n, shape);
}

bool onnx_unsqueeze(struct onnx *o) {
  struct stream x;
  int64_t count, shape[RANK_MAX];
  const int64_t *axes;
  bool added[RANK_MAX] = {false};
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "axes", 1, &count, &axes)) return false;
  int rank = x.layout.rank + (int)count, from = 0;
  if (rank > RANK_MAX) return set_reshaped(o, x, rank, NULL);
  for (int64_t i = 0; i < count; i++) {
    int axis;
    if (!onnx_axis(o, axes[i], rank, &axis)) return false;
    added[axis] = true;
  }
  for (int d = 0; d < rank; d++) shape[d] = added[d] ? 1 : x.layout.shape[from++];
  return set_reshaped(o, x, rank, shape);
}

bool onnx_transpose(struct onnx *o) {
  struct stream x;
  int64_t count;
  const int64_t *perm;
  int axes[RANK_MAX];
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "perm", SIZE_MAX, &count, &perm)) return false;
  if (count != x.layout.rank + 1 || perm[0] != 0)
    return onnx_refuse(o, "keep the images of a batch apart", "it moves axis 0, the batch");
  for (int d = 0; d < x.layout.rank; d++) {
    axes[d] = (int)perm[d + 1] - 1;
    for (int k = 0; k < d; k++)
      if (axes[k] == axes[d]) axes[d] = NONE;
    if (axes[d] < 0 || axes[d] >= x.layout.rank)
      return onnx_refuse(o, "check the file", "perm is no permutation");
  }
  layout_permute(&x.layout, axes);
  onnx_set_stream(o, 0, x);
  return true;
}

bool onnx_shape(struct onnx *o) {
  const struct item *x = onnx_in(o, 0);
  if (!x || x->kind != ITEM_STREAM) return onnx_refuse(o, "check the file", "its input is missing");
  int64_t rank = x->stream.layout.rank + 1, begin = onnx_int(o, "start", 0), n = 0;
  int64_t end = onnx_int(o, "end", rank);
  if (strcmp(o->node->op_type, "Size") == 0)
    return onnx_refuse(o, "export with fixed shapes", "it counts the images of the batch");
  if (begin < 0) begin += rank;
  if (end < 0) end += rank;
  begin = begin < 0 ? 0 : begin;
  end = end > rank ? rank : end;
  int64_t count = end > begin ? end - begin : 0;
  struct tensor *t = tensor_new(o->arena, DTYPE_I64, 1, &count);
  for (int64_t d = begin; d < end; d++)
    tensor_set_int(t, n++, d ? x->stream.layout.shape[d - 1] : o->batch);
  onnx_set_constant(o, 0, t);
  return true;
}

bool onnx_same(struct onnx *o) {
  const struct item *x = onnx_in(o, 0);
  if (!x || x->kind != ITEM_STREAM) return onnx_refuse(o, "check the file", "its input is missing");
  if (onnx_constant(o, 2) && tensor_real(onnx_constant(o, 2), 0) != 0)
    return onnx_refuse(o, "export in evaluation mode", "it is in training mode");
  if (onnx_is_read(o, 1))
    return onnx_refuse(o, "export in evaluation mode", "it also gives its mask");
  onnx_set(o, 0, *x);
  return true;
}

bool onnx_cast(struct onnx *o) {
  const struct item *x = onnx_in(o, 0);
  if (x && x->kind == ITEM_CONSTANT) { // like a stream
    onnx_set(o, 0, *x);
    return true;
  }
  int64_t to = onnx_int(o, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
  bool real =
      to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT || to == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
  if (!real)
    return onnx_refuse(o, "keep the stream in floats", "a cast of a stream to data type %lld",
                       (long long)to);
  return onnx_same(o);
}

// A stream that has the shape already.
bool onnx_expand(struct onnx *o) {
  struct stream x;
  int64_t count;
  const int64_t *to;
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "shape", 1, &count, &to)) return false;
  for (int d = 1; d <= x.layout.rank; d++) {
    int64_t at = count - x.layout.rank - 1 + d, size = at >= 0 && at < count ? to[at] : 1;
    if (size != 1 && size != x.layout.shape[d - 1])
      return onnx_refuse(o, "let Add or Mul stretch it", "it repeats the elements of a stream");
  }
  onnx_set_stream(o, 0, x);
  return true;
}

// ---- parts

static int place_of(const int *axes, int axis) {
  int k = 0;
  while (axes[k] != axis) k++;
  return k;
}

bool onnx_concat(struct onnx *o) {
  struct stream x, first;
  int axes[RANK_MAX], axis;
  uint32_t n = (uint32_t)o->node->n_input, *in = ARENA_NEW(o->arena, uint32_t, n + 1);
  if (!onnx_stream(o, 0, &first)) return false;
  if (!onnx_axis(o, onnx_int(o, "axis", 1), first.layout.rank, &axis) ||
      !builder_tidy(&o->builder, &first, axes))
    return false;
  int64_t shape[RANK_MAX];
  memcpy(shape, first.layout.shape, sizeof shape);
  in[0] = first.value;
  for (uint32_t i = 1; i < n; i++) {
    if (!onnx_stream(o, i, &x)) return false;
    if (x.layout.rank != first.layout.rank)
      return onnx_refuse(o, "check the file", "inputs of %d and %d axes", first.layout.rank + 1,
                         x.layout.rank + 1);
    if (!builder_arrange(&o->builder, &x, axes)) return false;
    shape[axis] += x.layout.shape[axis];
    in[i] = x.value;
  }
  uint32_t node = builder_node(&o->builder, OP_concat, n, in);
  graph_add_int(o->builder.graph, node, ATTR_axis, place_of(axes, axis));
  if (!builder_out(&o->builder, node, &first.value)) return false;
  first.layout = layout_new(first.layout.rank, shape, axes);
  onnx_set_stream(o, 0, first);
  return true;
}

// Elements begin, begin + step, .. before end of each of the file's axes.
static bool part(struct onnx *o, struct stream *x, const int64_t *begin, const int64_t *end,
                 const int64_t *step) {
  int axes[RANK_MAX], rank = x->layout.rank;
  int64_t list[3][RANK_MAX], shape[RANK_MAX];
  bool whole = true;
  for (int d = 0; d < rank; d++) {
    if (end[d] <= begin[d]) return onnx_refuse(o, "remove it", "nothing is left of axis %d", d + 1);
    shape[d] = (end[d] - begin[d] - 1) / step[d] + 1;
    whole &= shape[d] == x->layout.shape[d];
  }
  if (whole) return true;
  if (!builder_tidy(&o->builder, x, axes)) return false;
  for (int k = 0; k < rank; k++) {
    list[0][k] = begin[axes[k]];
    list[1][k] = end[axes[k]];
    list[2][k] = step[axes[k]];
  }
  uint32_t node = builder_node(&o->builder, OP_slice, 1, &x->value);
  graph_add_ints(o->builder.graph, node, ATTR_begin, rank, list[0]);
  graph_add_ints(o->builder.graph, node, ATTR_end, rank, list[1]);
  graph_add_ints(o->builder.graph, node, ATTR_step, rank, list[2]);
  if (!builder_out(&o->builder, node, &x->value)) return false;
  x->layout = layout_new(rank, shape, axes);
  return true;
}

static void whole_of(const struct stream *x, int64_t *begin, int64_t *end, int64_t *step) {
  for (int d = 0; d < x->layout.rank; d++) {
    begin[d] = 0;
    end[d] = x->layout.shape[d];
    step[d] = 1;
  }
}

bool onnx_split(struct onnx *o) {
  struct stream x;
  int axis;
  int64_t count, begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
  const int64_t *parts;
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "split", 1, &count, &parts)) return false;
  if (!onnx_axis(o, onnx_int(o, "axis", 0), x.layout.rank, &axis)) return false;
  int64_t n = (int64_t)o->node->n_output, size = x.layout.shape[axis], from = 0;
  if (count && count != n)
    return onnx_refuse(o, "check the file", "%lld parts for %lld outputs", (long long)count,
                       (long long)n);
  whole_of(&x, begin, end, step);
  for (int64_t i = 0; i < n; i++) {
    struct stream y = x;
    int64_t own = count ? parts[i] : (size + n - 1) / n;
    if (own > size) own = size + 1; // too many in any case
    if (!count && own > size - from) own = size - from;
    begin[axis] = from;
    end[axis] = from += own;
    if (own < 1 || from > size)
      return onnx_refuse(o, "check the file", "its parts don't fit %lld elements", (long long)size);
    if (!part(o, &y, begin, end, step)) return false;
    onnx_set_stream(o, (size_t)i, y);
  }
  return true;
}

static int64_t clamped(int64_t at, int64_t size) {
  if (at < 0) at += size;
  return at < 0 ? 0 : at > size ? size : at;
}

bool onnx_slice(struct onnx *o) {
  struct stream x;
  int64_t n, ends, axes, steps, begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
  const int64_t *from, *to, *of, *by;
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "starts", 1, &n, &from) ||
      !onnx_ints(o, "ends", 2, &ends, &to) || !onnx_ints(o, "axes", 3, &axes, &of) ||
      !onnx_ints(o, "steps", 4, &steps, &by))
    return false;
  if (ends != n || (axes && axes != n) || (steps && steps != n))
    return onnx_refuse(o, "check the file", "its lists have different lengths");
  whole_of(&x, begin, end, step);
  for (int64_t i = 0; i < n; i++) {
    int axis;
    int64_t which = axes ? of[i] : i;
    bool all = from[i] == 0 && to[i] >= INT32_MAX && (!steps || by[i] == 1);
    if (all) continue; // of the batch too
    if (!onnx_axis(o, which, x.layout.rank, &axis)) return false;
    if (steps && by[i] < 1)
      return onnx_refuse(o, "take the elements in their order", "step %lld", (long long)by[i]);
    begin[axis] = clamped(from[i], x.layout.shape[axis]);
    end[axis] = clamped(to[i], x.layout.shape[axis]);
    step[axis] = steps ? clamped(by[i], DIM_MAX) : 1;
  }
  if (!part(o, &x, begin, end, step)) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

// Elements of an axis: one, whose axis goes, or some at equal distances.
bool onnx_gather(struct onnx *o) {
  struct stream x;
  const struct tensor *at = onnx_constant(o, 1);
  int axis;
  int64_t begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX], shape[RANK_MAX];
  if (!onnx_stream(o, 0, &x)) return false;
  if (!at || at->rank > 1 || at->count < 1)
    return onnx_refuse(o, "take fixed elements", "its indices aren't a constant list");
  if (!onnx_axis(o, onnx_int(o, "axis", 0), x.layout.rank, &axis)) return false;
  whole_of(&x, begin, end, step);
  int64_t size = x.layout.shape[axis], first = tensor_int(at, 0), n = 0;
  for (int64_t i = 0; i < at->count; i++)
    if (tensor_int(at, i) < -size || tensor_int(at, i) >= size)
      return onnx_refuse(o, "check the file", "index %lld of %lld elements",
                         (long long)tensor_int(at, i), (long long)size);
  first += first < 0 ? size : 0;
  step[axis] = at->count > 1 ? tensor_int(at, 1) - tensor_int(at, 0) : 1;
  begin[axis] = first;
  end[axis] = first + (at->count - 1) * step[axis] + 1;
  bool even = first >= 0 && step[axis] > 0 && end[axis] <= size;
  for (int64_t i = 0; i < at->count; i++)
    even &= tensor_int(at, i) - tensor_int(at, 0) == i * step[axis];
  if (!even)
    return onnx_refuse(o, "take elements at equal distances",
                       "its indices aren't begin, end, step");
  if (!part(o, &x, begin, end, step)) return false;
  for (int d = 0; d < x.layout.rank; d++)
    if (d != axis || at->rank) shape[n++] = x.layout.shape[d];
  return set_reshaped(o, x, (int)n, shape);
}

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

bool onnx_pad(struct onnx *o) {
  struct stream x;
  int axes[RANK_MAX];
  int64_t pad[2 * RANK_MAX], ours[2 * RANK_MAX], shape[RANK_MAX];
  const struct tensor *value = onnx_constant(o, 2);
  const char *mode = onnx_text(o, "mode", "constant");
  if (!onnx_stream(o, 0, &x)) return false;
  int rank = x.layout.rank;
  if (strcmp(mode, "constant") != 0)
    return onnx_refuse(o, "pad with a constant", "mode \"%s\"", mode);
  if (onnx_in(o, 2) && !(value && value->count == 1))
    return onnx_refuse(o, "pad with a constant", "its value is computed from data");
  if (!pads_of(o, rank, pad) || !builder_tidy(&o->builder, &x, axes)) return false;
  for (int k = 0; k < rank; k++) {
    ours[k] = pad[axes[k]];
    ours[rank + k] = pad[rank + axes[k]];
    shape[axes[k]] = ours[k] + x.layout.shape[axes[k]] + ours[rank + k];
    if (ours[k] < 0 || ours[rank + k] < 0)
      return onnx_refuse(o, "use Slice", "pads below 0 cut the array");
  }
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

static bool factor_of(struct onnx *o, double scale, int64_t in, int64_t *factor) {
  bool old = o->opset < 11;
  const char *transform =
      onnx_text(o, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const char *nearest = onnx_text(o, "nearest_mode", old ? "floor" : "round_prefer_floor");
  bool sane = scale >= 1 && scale <= 1 << 20;
  *factor = sane ? (int64_t)rint(scale) : 1;
  bool whole = sane && fabs(scale - (double)*factor) < 1e-6;
  for (int64_t i = 0; whole && i < in * *factor; i++)
    whole = source_of(transform, nearest, scale, in, in * *factor, i) == (double)(i / *factor);
  return whole || onnx_refuse(o, "use nearest neighbours by whole factors",
                              "scale %g (%s, %s) doesn't repeat each pixel equally often", scale,
                              transform, nearest);
}

// Scales of all axes: an input, or an attribute of old files; or the sizes that come out.
static bool scales_of(struct onnx *o, const struct stream *x, double *scale) {
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

bool onnx_resize(struct onnx *o) {
  struct stream x;
  double scale[RANK_MAX];
  int64_t factors[2];
  const char *mode = onnx_text(o, "mode", "nearest");
  if (!onnx_stream(o, 0, &x)) return false;
  int rank = x.layout.rank;
  if (rank != 2 && rank != 3)
    return onnx_refuse(o, "use images (N, C, H, W)", "its input has %d axes beside the batch",
                       rank);
  if (strcmp(mode, "nearest") != 0) return onnx_refuse(o, "use mode nearest", "mode \"%s\"", mode);
  if (!scales_of(o, &x, scale) || !builder_image(&o->builder, &x)) return false;
  if (scale[0] != 1) return onnx_refuse(o, "resize rows and columns", "it resizes the channels");
  int64_t shape[3] = {x.layout.shape[0]};
  for (int d = 1; d < rank; d++) {
    if (!factor_of(o, scale[d], x.layout.shape[d], &factors[d - 1])) return false;
    shape[d] = x.layout.shape[d] * factors[d - 1];
  }
  uint32_t node = builder_node(&o->builder, OP_upsample, 1, &x.value);
  graph_add_ints(o->builder.graph, node, ATTR_factors, rank - 1, factors);
  if (!builder_out(&o->builder, node, &x.value)) return false;
  x.layout = layout_new(rank, shape, rank == 3 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  onnx_set_stream(o, 0, x);
  return true;
}

// ---- channels to pixels and back

static bool blocks(struct onnx *o, struct stream *x, int64_t *size) {
  *size = onnx_int(o, "blocksize", 0);
  return onnx_stream(o, 0, x) &&
         ((x->layout.rank == 3 && *size > 0) ||
          onnx_refuse(o, "use images (N, C, H, W)", "its input has %d axes beside the batch",
                      x->layout.rank));
}

static bool regrouped(struct onnx *o, struct stream *x, const int64_t cut[5], const int axes[5],
                      const int64_t shape[3]) {
  if (!builder_reshape(&o->builder, x, 5, cut)) return false;
  layout_permute(&x->layout, axes);
  return set_reshaped(o, *x, 3, shape);
}

bool onnx_depth_to_space(struct onnx *o) {
  struct stream x;
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
  struct stream x;
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
