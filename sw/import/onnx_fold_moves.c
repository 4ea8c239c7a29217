// SPDX-License-Identifier: Apache-2.0
// Constants whose elements are those of another in other places.
#include "sw/import/onnx_fold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool fold_is_float(const struct tensor *t) {
  return t->dtype == DTYPE_F32 || t->dtype == DTYPE_F64;
}

void fold_set_real(struct tensor *t, int64_t i, double v) {
  if (t->dtype == DTYPE_F32)
    ((float *)t->data)[i] = (float)v;
  else if (t->dtype == DTYPE_F64)
    ((double *)t->data)[i] = v;
  else
    tensor_set_int(t, i, fix_from_real(trunc(v), -((int64_t)1 << 62), (int64_t)1 << 62));
}

void fold_copy(struct tensor *to, int64_t i, const struct tensor *from, int64_t k) {
  if (fold_is_float(to) || fold_is_float(from))
    fold_set_real(to, i, tensor_real(from, k));
  else
    tensor_set_int(to, i, tensor_int(from, k));
}

// Whether a tensor of this shape may be.
bool fold_fits(int rank, const int64_t *shape) {
  int64_t count = 1;
  for (int d = 0; d < rank; d++) {
    if (shape[d] < 0 || (shape[d] && count > FOLD_MOST / shape[d])) return false;
    count *= shape[d];
  }
  return true;
}

// ---- elements in other places

static struct tensor *picked(struct arena *a, const struct tensor *x, int rank,
                             const int64_t *shape, const int64_t *index) {
  struct tensor *t = tensor_new(a, x->dtype, rank, shape);
  for (int64_t i = 0; i < t->count; i++) fold_copy(t, i, x, index ? index[i] : i);
  return t;
}

struct item onnx_picked(struct onnx *o, const struct item *x, int rank, const int64_t *shape,
                        const int64_t *index) {
  struct item y = {.kind = ITEM_CONSTANT, .type = x->type};
  y.constant = picked(o->arena, x->constant, rank, shape, index);
  if (!x->integers) return y;
  struct integers *n = arena_copy(o->arena, x->integers, sizeof *n);
  n->codes = picked(o->arena, n->codes, rank, shape, index);
  n->scale = picked(o->arena, n->scale, rank, shape, index);
  y.integers = n;
  return y;
}

static void set_picked(struct onnx *o, int rank, const int64_t *shape, const int64_t *index) {
  onnx_set(o, 0, onnx_picked(o, onnx_in(o, 0), rank, shape, index));
}

// Positions that lie `step[d]` apart along each axis of the output, from `start` on.
int64_t *fold_strided(struct arena *a, int rank, const int64_t *shape, int64_t start,
                      const int64_t *step) {
  int64_t n = shape_elements(rank, shape), *index = ARENA_NEW(a, int64_t, n + 1);
  int64_t at[RANK_MAX] = {0}, k = start;
  for (int64_t i = 0; i < n; i++) {
    index[i] = k;
    for (int d = rank - 1; d >= 0; d--) {
      k += step[d];
      if (++at[d] < shape[d]) break;
      k -= step[d] * shape[d];
      at[d] = 0;
    }
  }
  return index;
}

void fold_strides(const struct tensor *t, int64_t stride[RANK_MAX]) {
  int64_t step = 1;
  for (int d = t->rank - 1; d >= 0; d--) {
    stride[d] = step;
    step *= t->shape[d];
  }
}

static bool axis_of(int64_t axis, int rank, int *found) {
  int64_t whole = axis < 0 ? axis + rank : axis;
  bool is = whole >= 0 && whole < rank;
  *found = is ? (int)whole : 0;
  return is;
}

bool fold_transpose(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int64_t count, stride[RANK_MAX], step[RANK_MAX], shape[RANK_MAX];
  const int64_t *perm;
  if (!onnx_ints(o, "perm", SIZE_MAX, &count, &perm) || (count && count != x->rank)) return false;
  fold_strides(x, stride);
  for (int d = 0; d < x->rank; d++) {
    int from;
    if (!axis_of(count ? perm[d] : x->rank - 1 - d, x->rank, &from)) return false;
    shape[d] = x->shape[from];
    step[d] = stride[from];
  }
  set_picked(o, x->rank, shape, fold_strided(o->arena, x->rank, shape, 0, step));
  return true;
}

bool fold_reshape(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int64_t count, shape[RANK_MAX], known = 1, open = NONE;
  const int64_t *to;
  if (!onnx_ints(o, "shape", 1, &count, &to) || count > RANK_MAX) return false;
  for (int d = 0; d < count; d++) {
    bool keeps = to[d] == 0 && !onnx_int(o, "allowzero", 0);
    if (keeps && d >= x->rank) return false;
    shape[d] = keeps ? x->shape[d] : to[d];
    if (shape[d] < -1 || shape[d] > x->count || known > x->count) return false;
    if (shape[d] == -1)
      open = d;
    else
      known *= shape[d];
  }
  if (open != NONE) shape[open] = known ? x->count / known : 0;
  if (shape_elements((int)count, shape) != x->count) return false;
  set_picked(o, (int)count, shape, NULL);
  return true;
}

bool fold_flatten(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int64_t axis = onnx_int(o, "axis", 1), shape[2] = {1, 1};
  if (axis < 0) axis += x->rank;
  for (int d = 0; d < x->rank; d++) shape[d >= axis] *= x->shape[d];
  set_picked(o, 2, shape, NULL);
  return true;
}

static bool has_axis(int64_t count, const int64_t *axes, int rank, int d) {
  for (int64_t i = 0; i < count; i++)
    if ((axes[i] < 0 ? axes[i] + rank : axes[i]) == d) return true;
  return false;
}

bool fold_squeeze(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int64_t count, shape[RANK_MAX];
  const int64_t *axes;
  int n = 0;
  if (!onnx_ints(o, "axes", 1, &count, &axes)) return false;
  for (int d = 0; d < x->rank; d++)
    if (x->shape[d] != 1 || (count && !has_axis(count, axes, x->rank, d))) shape[n++] = x->shape[d];
  set_picked(o, n, shape, NULL);
  return true;
}

bool fold_unsqueeze(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int64_t count, shape[RANK_MAX];
  const int64_t *axes;
  if (!onnx_ints(o, "axes", 1, &count, &axes) || x->rank + count > RANK_MAX) return false;
  int rank = x->rank + (int)count, from = 0;
  for (int d = 0; d < rank; d++) {
    bool added = has_axis(count, axes, rank, d);
    if (!added && from == x->rank) return false;
    shape[d] = added ? 1 : x->shape[from++];
  }
  set_picked(o, rank, shape, NULL);
  return true;
}

bool fold_expand(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int64_t count, stride[RANK_MAX], step[RANK_MAX] = {0}, shape[RANK_MAX];
  const int64_t *to;
  if (!onnx_ints(o, "shape", 1, &count, &to)) return false;
  int rank = count > x->rank ? (int)count : x->rank;
  if (rank > RANK_MAX) return false;
  fold_strides(x, stride);
  for (int d = 0; d < rank; d++) {
    int own = d - (rank - x->rank), wanted = d - (rank - (int)count);
    int64_t size = own >= 0 ? x->shape[own] : 1, want = wanted >= 0 ? to[wanted] : 1;
    if (size != want && size != 1 && want != 1) return false;
    shape[d] = size == 1 ? want : size;
    if (shape[d] < 0 || shape[d] > DIM_MAX) return false;
    step[d] = size == 1 ? 0 : stride[own];
  }
  if (!fold_fits(rank, shape)) return false;
  set_picked(o, rank, shape, fold_strided(o->arena, rank, shape, 0, step));
  return true;
}

// The elements of axis `axis` that stand in `at`.
static void set_along(struct onnx *o, size_t out, const struct item *from, int axis, int64_t count,
                      const int64_t *at, int rank, const int64_t *shape) {
  const struct tensor *x = from->constant;
  int64_t inner = 1, outer = 1, n = 0;
  for (int d = 0; d < axis; d++) outer *= x->shape[d];
  for (int d = axis + 1; d < x->rank; d++) inner *= x->shape[d];
  int64_t *index = ARENA_NEW(o->arena, int64_t, outer * count * inner + 1);
  for (int64_t i = 0; i < outer; i++)
    for (int64_t k = 0; k < count; k++)
      for (int64_t j = 0; j < inner; j++) index[n++] = (i * x->shape[axis] + at[k]) * inner + j;
  onnx_set(o, out, onnx_picked(o, from, rank, shape, index));
}

bool fold_gather(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0), *at = onnx_constant(o, 1);
  int64_t shape[RANK_MAX];
  int axis, n = 0;
  if (!axis_of(onnx_int(o, "axis", 0), x->rank, &axis) || x->rank - 1 + at->rank > RANK_MAX ||
      fold_is_float(at))
    return false;
  int64_t *list = ARENA_NEW(o->arena, int64_t, at->count + 1);
  for (int64_t i = 0; i < at->count; i++) {
    list[i] = tensor_int(at, i);
    if (list[i] < 0) list[i] += x->shape[axis];
    if (list[i] < 0 || list[i] >= x->shape[axis]) return false;
  }
  for (int d = 0; d < axis; d++) shape[n++] = x->shape[d];
  for (int d = 0; d < at->rank; d++) shape[n++] = at->shape[d];
  for (int d = axis + 1; d < x->rank; d++) shape[n++] = x->shape[d];
  set_along(o, 0, onnx_in(o, 0), axis, at->count, list, n, shape);
  return true;
}

// Slice, its bounds clamped as ONNX says.
static bool slice_axis(struct onnx *o, const struct item *x, int axis, int64_t begin, int64_t end,
                       int64_t step, struct item *y) {
  int64_t size = x->constant->shape[axis], n = 0, shape[RANK_MAX];
  if (step == 0 || llabs(step) > DIM_MAX) return false;
  if (begin < 0) begin += size;
  if (end < 0) end += size;
  int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
  begin = begin < 0 ? 0 : begin > high ? high : begin;
  end = end < low ? low : end > size ? size : end;
  int64_t *at = ARENA_NEW(o->arena, int64_t, size + 1);
  for (int64_t i = begin; step < 0 ? i > end : i < end; i += step) at[n++] = i;
  memcpy(shape, x->constant->shape, sizeof shape);
  shape[axis] = n;
  set_along(o, 0, x, axis, n, at, x->constant->rank, shape);
  *y = *onnx_item(o, o->node->output[0]);
  return true;
}

bool fold_slice(struct onnx *o) {
  struct item x = *onnx_in(o, 0);
  int64_t n, ends, axes, steps;
  const int64_t *begin, *end, *axis, *step;
  if (!onnx_ints(o, "starts", 1, &n, &begin) || !onnx_ints(o, "ends", 2, &ends, &end) ||
      !onnx_ints(o, "axes", 3, &axes, &axis) || !onnx_ints(o, "steps", 4, &steps, &step))
    return false;
  if (ends != n || (axes && axes != n) || (steps && steps != n)) return false;
  for (int64_t i = 0; i < n; i++) {
    int d;
    if (!axis_of(axes ? axis[i] : i, x.constant->rank, &d) ||
        !slice_axis(o, &x, d, begin[i], end[i], steps ? step[i] : 1, &x))
      return false;
  }
  onnx_set(o, 0, x);
  return true;
}

bool fold_split(struct onnx *o) {
  const struct item *x = onnx_in(o, 0);
  int64_t count, shape[RANK_MAX], from = 0;
  const int64_t *parts;
  int axis;
  if (!axis_of(onnx_int(o, "axis", 0), x->constant->rank, &axis)) return false;
  if (!onnx_ints(o, "split", 1, &count, &parts)) return false;
  int64_t size = x->constant->shape[axis], n = (int64_t)o->node->n_output;
  if ((count && count != n) || n == 0) return false;
  memcpy(shape, x->constant->shape, sizeof shape);
  int64_t *at = ARENA_NEW(o->arena, int64_t, size + 1);
  for (int64_t i = 0; i < n; i++) {
    shape[axis] = count ? parts[i] : i + 1 < n ? (size + n - 1) / n : size - from;
    if (shape[axis] < 0 || shape[axis] > size - from) return false;
    for (int64_t k = 0; k < shape[axis]; k++) at[k] = from + k;
    set_along(o, (size_t)i, x, axis, shape[axis], at, x->constant->rank, shape);
    from += shape[axis];
  }
  return true;
}

bool fold_concat(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int axis;
  if (!axis_of(onnx_int(o, "axis", 0), x->rank, &axis)) return false;
  int64_t shape[RANK_MAX], outer = 1, at = 0;
  memcpy(shape, x->shape, sizeof shape);
  shape[axis] = 0;
  for (int d = 0; d < axis; d++) outer *= x->shape[d];
  for (size_t i = 0; i < o->node->n_input; i++) {
    if (onnx_constant(o, i)->rank != x->rank) return false;
    shape[axis] += onnx_constant(o, i)->shape[axis];
  }
  struct tensor *t = tensor_new(o->arena, x->dtype, x->rank, shape);
  int64_t row = t->count / (outer ? outer : 1);
  for (size_t i = 0; i < o->node->n_input; i++) {
    const struct tensor *part = onnx_constant(o, i);
    int64_t own = part->count / (outer ? outer : 1);
    if (at + own > row || part->count != own * outer) return false;
    for (int64_t r = 0; r < outer; r++)
      for (int64_t k = 0; k < own; k++) fold_copy(t, r * row + at + k, part, r * own + k);
    at += own;
  }
  onnx_set_constant(o, 0, t);
  return true;
}
