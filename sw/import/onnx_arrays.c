// SPDX-License-Identifier: Apache-2.0
// Parts of arrays, and arrays of parts.
#include "sw/import/onnx.h"

#include <string.h>

// ---- parts

static void whole_of(const struct stream *x, int64_t *begin, int64_t *end, int64_t *step) {
  for (int d = 0; d < x->layout.rank; d++) {
    begin[d] = 0;
    end[d] = x->layout.shape[d];
    step[d] = 1;
  }
}

bool onnx_split(struct onnx *o) {
  struct stream x = {0};
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
    if (!builder_part(&o->builder, &y, begin, end, step)) return false;
    onnx_set_stream(o, (size_t)i, y);
  }
  return true;
}

static int64_t clamped(int64_t at, int64_t size) {
  if (at < 0) at += size;
  return at < 0 ? 0 : at > size ? size : at;
}

bool onnx_slice(struct onnx *o) {
  struct stream x = {0};
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
  if (!builder_part(&o->builder, &x, begin, end, step)) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

// Elements of an axis: one, whose axis goes, or some at equal distances.
bool onnx_gather(struct onnx *o) {
  struct stream x = {0};
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
  if (!builder_part(&o->builder, &x, begin, end, step)) return false;
  for (int d = 0; d < x.layout.rank; d++)
    if (d != axis || at->rank) shape[n++] = x.layout.shape[d];
  return onnx_set_reshaped(o, x, (int)n, shape);
}
