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

// Elements from, from - 1, .. down to behind `to`, or fewer of them: by their indices.
static bool backwards(struct onnx *o, struct stream *x, int axis, int64_t from, int64_t to,
                      int64_t step) {
  int64_t size = x->layout.shape[axis], n = 0;
  from = from < 0 ? from + size : from;
  to = to < -size ? -1 : to < 0 ? to + size : to; // INT_MIN: down to the first
  from = from > size - 1 ? size - 1 : from;
  if (step < -size) step = -size;
  if (from > to) n = (from - to - 1) / -step + 1;
  if (n < 1) return onnx_refuse(o, "remove it", "nothing is left of axis %d", axis + 1);
  struct tensor *list = tensor_new(o->arena, DTYPE_I64, 1, &n);
  for (int64_t i = 0; i < n; i++) tensor_set_int(list, i, from + i * step);
  return onnx_take(o, x, axis, list);
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
    if (steps && by[i] == 0) return onnx_refuse(o, "check the file", "step 0");
    if (steps && by[i] < 0) {
      if (!backwards(o, &x, axis, from[i], to[i], by[i])) return false;
      end[axis] = x.layout.shape[axis];
      continue;
    }
    begin[axis] = clamped(from[i], x.layout.shape[axis]);
    end[axis] = clamped(to[i], x.layout.shape[axis]);
    step[axis] = steps ? clamped(by[i], DIM_MAX) : 1;
  }
  if (!builder_part(&o->builder, &x, begin, end, step)) return false;
  onnx_set_stream(o, 0, x);
  return true;
}

// Indices begin, begin + step, .. of a list.
struct run {
  int64_t first, step, count;
};

// The longest from `from` on; indices are of `size` elements, from behind if negative.
static struct run run_of(const struct tensor *at, int64_t from, int64_t size) {
  struct run r = {.first = tensor_int(at, from), .step = 1, .count = 1};
  r.first += r.first < 0 ? size : 0;
  for (; from + r.count < at->count; r.count++) {
    int64_t next = tensor_int(at, from + r.count), last = r.first + (r.count - 1) * r.step;
    next += next < 0 ? size : 0;
    if (next <= last || (r.count > 1 && next - last != r.step)) break;
    r.step = next - last;
  }
  return r;
}

int64_t onnx_runs(const struct tensor *at, int64_t size) {
  int64_t runs = 0;
  for (int64_t i = 0; i < at->count; runs++) i += run_of(at, i, size).count;
  return runs;
}

static bool take_run(struct onnx *o, struct stream *x, int axis, struct run r) {
  int64_t begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
  whole_of(x, begin, end, step);
  begin[axis] = r.first;
  end[axis] = r.first + (r.count - 1) * r.step + 1;
  step[axis] = r.step;
  return builder_part(&o->builder, x, begin, end, step);
}

// Several are slices, joined.
static bool join_runs(struct onnx *o, struct stream *x, int axis, const struct tensor *at) {
  struct builder *b = &o->builder;
  const char *name = b->node;
  int64_t size = x->layout.shape[axis], shape[RANK_MAX];
  uint32_t in[ONNX_RUNS_MOST], n = 0;
  int axes[RANK_MAX], place = 0;
  if (!builder_tidy(b, x, axes)) return false;
  for (int64_t i = 0; i < at->count; n++) {
    struct run r = run_of(at, i, size);
    struct stream y = *x;
    if (n == ONNX_RUNS_MOST)
      return onnx_refuse(o, "take elements in order",
                         "its indices are more than %d runs of equal "
                         "distances",
                         ONNX_RUNS_MOST);
    b->node = arena_printf(o->arena, "%s.part%u", name, n);
    bool ok = take_run(o, &y, axis, r) && builder_arrange(b, &y, axes);
    b->node = name;
    if (!ok) return false;
    in[n] = y.value;
    i += r.count;
  }
  while (axes[place] != axis) place++;
  uint32_t node = builder_node(b, OP_concat, n, in);
  graph_add_int(b->graph, node, ATTR_axis, place);
  memcpy(shape, x->layout.shape, sizeof shape);
  shape[axis] = at->count;
  x->layout = layout_new(x->layout.rank, shape, axes);
  return builder_out(b, node, &x->value);
}

bool onnx_take(struct onnx *o, struct stream *x, int axis, const struct tensor *at) {
  struct run first = run_of(at, 0, x->layout.shape[axis]);
  return first.count == at->count ? take_run(o, x, axis, first) : join_runs(o, x, axis, at);
}

// Elements of an axis by their indices; of one that is no list the axis goes.
bool onnx_gather(struct onnx *o) {
  struct stream x = {0};
  const struct tensor *at = onnx_constant(o, 1);
  int axis;
  int64_t shape[RANK_MAX], n = 0;
  if (onnx_constant(o, 0) && !at)
    return onnx_refuse(o, "do it before the network: its rows as the input",
                       "it looks rows up in a table (an embedding)");
  if (!onnx_stream(o, 0, &x)) return false;
  bool whole = at && at->dtype != DTYPE_F32 && at->dtype != DTYPE_F64;
  if (!whole || at->rank > 1 || at->count < 1)
    return onnx_refuse(o, "take fixed elements", "its indices aren't a constant list");
  if (!onnx_axis(o, onnx_int(o, "axis", 0), x.layout.rank, &axis)) return false;
  int64_t size = x.layout.shape[axis];
  for (int64_t i = 0; i < at->count; i++)
    if (tensor_int(at, i) < -size || tensor_int(at, i) >= size)
      return onnx_refuse(o, "check the file", "index %lld of %lld elements",
                         (long long)tensor_int(at, i), (long long)size);
  if (!onnx_take(o, &x, axis, at)) return false;
  for (int d = 0; d < x.layout.rank; d++)
    if (d != axis || at->rank) shape[n++] = x.layout.shape[d];
  return onnx_set_reshaped(o, x, (int)n, shape);
}
