// SPDX-License-Identifier: Apache-2.0
// Operators that copy codes: RESHAPE and the like, TRANSPOSE, CONCATENATION, slices and PAD. They
// count axes with the batch; where that one is touched, the whole array with it is worked on.
#include "sw/import/tflite_parts.h"

#include <string.h>

// Whether output and input 0 are of one type, in which codes can be copied.
static bool is_copy(struct tflite *t, uint32_t k) {
  const struct tflite_tensor *x = tflite_in(t, k);
  if (!tflite_is_stream(t, x, true)) return false;
  for (uint32_t i = 0; i < t->op->n_out; i++) {
    if (!tflite_is_stream(t, tflite_out(t, i), true)) return false;
    if (!tflite_same(x, tflite_out(t, i)))
      return tflite_refuse(t, "convert the model anew: the runtime doesn't rescale here either",
                           "\"%s\" and \"%s\" have different scales", x->name,
                           tflite_out(t, i)->name);
  }
  return true;
}

// Output k is a node's, in its own name.
static void give(struct tflite *t, uint32_t k, uint32_t node, struct tflite_shape shape) {
  const struct tflite_tensor *y = tflite_out(t, k);
  graph_add_origin(t->graph, node, y->name);
  tflite_alias(t, k, tflite_give(t, node, y->name, tflite_type(t, y), shape));
}

// ---- SHAPE, PACK, and others of sizes: a RESHAPE behind them has the file's shape

bool tflite_are_sizes(const struct tflite *t) {
  int type = tflite_out(t, 0)->type;
  return type == TFLITE_INT32 || type == TFLITE_INT64;
}

bool tflite_sizes(struct tflite *t) {
  if (!tflite_are_sizes(t))
    return tflite_refuse(t, "compute sizes with it, and nothing else", "its output is of type %s",
                         tflite_type_text(tflite_out(t, 0)->type));
  for (uint32_t k = 0; k < t->op->n_out; k++) t->sizes[t->op->out[k]] = true;
  return true;
}

// ---- RESHAPE, SQUEEZE, EXPAND_DIMS: the output's shape says it all

bool tflite_reshape(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0), *y = tflite_out(t, 0);
  if (!is_copy(t, 0)) return false;
  if (tflite_elements(x) != tflite_elements(y))
    return err_set(t->err, "%lld elements become %lld", (long long)tflite_elements(x),
                   (long long)tflite_elements(y));
  struct tflite_shape to = tflite_frame(y);
  uint32_t node = graph_add_node(t->graph, OP_reshape, y->name);
  graph_add_ints(t->graph, node, ATTR_shape, to.rank, to.size);
  tflite_use(t, node, tflite_value(t, 0, tflite_frame(x)));
  give(t, 0, node, to);
  return true;
}

bool tflite_transpose(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0);
  int64_t count, axes[RANK_MAX];
  const int64_t *list = tflite_list(t, 1, &count);
  if (!list || !is_copy(t, 0)) return false;
  if (count != x->rank) return err_set(t->err, "%lld axes of rank %d", (long long)count, x->rank);
  bool still = tflite_is_batch(x) && list[0] == 0; // the batch axis stays
  struct tflite_shape from = still ? tflite_frame(x) : tflite_whole(x), to = from;
  for (int d = 0; d < from.rank; d++) {
    axes[d] = list[d + still] - still;
    if (axes[d] < 0 || axes[d] >= from.rank)
      return err_set(t->err, "axis %lld of rank %d", (long long)list[d + still], x->rank);
    to.size[d] = from.size[axes[d]];
  }
  uint32_t value = tflite_value(t, 0, from);
  uint32_t node = graph_add_node(t->graph, OP_permute, tflite_name(t));
  graph_add_ints(t->graph, node, ATTR_axes, from.rank, axes);
  tflite_use(t, node, value);
  give(t, 0, node, to);
  return true;
}

// ---- CONCATENATION

static bool are_joined(struct tflite *t) {
  for (uint32_t k = 0; k < t->op->n_in; k++) {
    const struct tflite_tensor *x = tflite_in(t, k);
    if (!is_copy(t, k)) return false;
    if (x->data.count)
      return tflite_refuse(t, "pad instead, or join streams only", "input \"%s\" is a constant",
                           x->name);
    if (x->rank != tflite_out(t, 0)->rank)
      return err_set(t->err, "ranks %d and %d", x->rank, tflite_out(t, 0)->rank);
  }
  return true;
}

bool tflite_concatenation(struct tflite *t) {
  enum { AXIS, ACTIVATION };
  if (tflite_are_sizes(t)) return tflite_sizes(t);
  const struct tflite_tensor *y = tflite_out(t, 0);
  if (flat_int(t->op->options, ACTIVATION, FLAT_I8, 0) != TFLITE_NONE)
    return tflite_refuse(t, "convert the model anew", "a fused activation");
  if (!are_joined(t)) return false;
  int axis = tflite_axis(t, y, flat_int(t->op->options, AXIS, FLAT_I32, 0));
  if (axis == NONE) return false;
  bool batch = axis == 0 || !tflite_is_batch(y);
  uint32_t *values = ARENA_NEW(t->arena, uint32_t, t->op->n_in);
  for (uint32_t k = 0; k < t->op->n_in; k++) {
    const struct tflite_tensor *x = tflite_in(t, k);
    values[k] = tflite_value(t, k, batch ? tflite_whole(x) : tflite_frame(x));
  }
  uint32_t node = graph_add_node(t->graph, OP_concat, y->name);
  for (uint32_t k = 0; k < t->op->n_in; k++) tflite_use(t, node, values[k]);
  graph_add_int(t->graph, node, ATTR_axis, batch ? axis : axis - 1);
  give(t, 0, node, batch ? tflite_whole(y) : tflite_frame(y));
  return true;
}

// ---- slices: of each axis with the batch begin, begin + step, .. before end

struct cut {
  int64_t begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
};

static struct cut whole_of(const struct tflite_tensor *x) {
  struct cut c = {0};
  for (int d = 0; d < x->rank; d++) {
    c.end[d] = x->shape[d];
    c.step[d] = 1;
  }
  return c;
}

// Output k is what is cut out of input `from`. A batch axis of 1 can only stay.
static bool put_cut(struct tflite *t, uint32_t from, uint32_t k, const struct cut *c) {
  const struct tflite_tensor *x = tflite_in(t, from), *y = tflite_out(t, k);
  int batch = tflite_is_batch(x);
  struct tflite_shape in = tflite_frame(x), out = in;
  for (int d = 0; d < x->rank; d++) {
    if (c->begin[d] < 0 || c->begin[d] >= c->end[d] || c->end[d] > x->shape[d] || c->step[d] < 1)
      return tflite_refuse(t, "slice forward and leave something",
                           "elements %lld to %lld of axis %d in steps of %lld, which has %lld",
                           (long long)c->begin[d], (long long)c->end[d], d, (long long)c->step[d],
                           (long long)x->shape[d]);
    if (d >= batch) out.size[d - batch] = (c->end[d] - c->begin[d] - 1) / c->step[d] + 1;
  }
  if (shape_elements(out.rank, out.size) != tflite_elements(y))
    return err_set(t->err, "a slice of %lld elements, its output has %lld",
                   (long long)shape_elements(out.rank, out.size), (long long)tflite_elements(y));
  uint32_t value = tflite_value(t, from, in);
  uint32_t node = graph_add_node(t->graph, OP_slice, y->name);
  graph_add_ints(t->graph, node, ATTR_begin, in.rank, c->begin + batch);
  graph_add_ints(t->graph, node, ATTR_end, in.rank, c->end + batch);
  graph_add_ints(t->graph, node, ATTR_step, in.rank, c->step + batch);
  tflite_use(t, node, value);
  give(t, k, node, out);
  return true;
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

// Where a bound that may be counted from behind lies.
static int64_t bound(int64_t v, int64_t size) {
  return clamp(v < 0 ? v + size : v, 0, size);
}

// Masks have a bit for each axis.
enum { BEGIN_MASK, END_MASK, ELLIPSIS_MASK, NEW_AXIS_MASK, SHRINK_MASK, OFFSET };

static int64_t mask(const struct tflite *t, uint32_t field) {
  return flat_int(t->op->options, field, FLAT_I32, 0);
}

// Axis d of `size` elements; one that shrinks has a single index.
static void stride_axis(const struct tflite *t, int d, int64_t size, int64_t begin, int64_t end,
                        struct cut *c) {
  bool shrinks = mask(t, SHRINK_MASK) >> d & 1;
  if (!(mask(t, BEGIN_MASK) >> d & 1)) c->begin[d] = bound(begin, size);
  if (!(mask(t, END_MASK) >> d & 1)) c->end[d] = bound(end, size);
  if (shrinks) c->end[d] = c->begin[d] + 1;
}

bool tflite_strided_slice(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0);
  int64_t counts[3];
  if (tflite_are_sizes(t)) return tflite_sizes(t);
  const int64_t *begin = tflite_list(t, 1, &counts[0]), *end = tflite_list(t, 2, &counts[1]),
                *step = tflite_list(t, 3, &counts[2]);
  if (!begin || !end || !step || !is_copy(t, 0)) return false;
  if (counts[0] > x->rank || counts[1] != counts[0] || counts[2] != counts[0])
    return err_set(t->err, "%lld begins, %lld ends, %lld strides of rank %d", (long long)counts[0],
                   (long long)counts[1], (long long)counts[2], x->rank);
  if (mask(t, ELLIPSIS_MASK) || mask(t, NEW_AXIS_MASK) ||
      (mask(t, BEGIN_MASK) & mask(t, SHRINK_MASK)) || flat_int(t->op->options, OFFSET, FLAT_U8, 0))
    return tflite_refuse(t, "slice with plain begins and ends",
                         "an ellipsis, a new axis, offsets, or an index that is masked");
  struct cut c = whole_of(x);
  for (int d = 0; d < counts[0]; d++) {
    c.step[d] = step[d];
    stride_axis(t, d, x->shape[d], begin[d], end[d], &c);
  }
  return put_cut(t, 0, 0, &c);
}

// Sizes, of which -1 is all that is left.
bool tflite_slice(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0);
  int64_t counts[2];
  const int64_t *begin = tflite_list(t, 1, &counts[0]), *size = tflite_list(t, 2, &counts[1]);
  if (!begin || !size || !is_copy(t, 0)) return false;
  if (counts[0] != x->rank || counts[1] != x->rank)
    return err_set(t->err, "%lld begins and %lld sizes of rank %d", (long long)counts[0],
                   (long long)counts[1], x->rank);
  struct cut c = whole_of(x);
  for (int d = 0; d < x->rank; d++) {
    c.begin[d] = clamp(begin[d], -1, DIM_MAX);
    if (size[d] != -1) c.end[d] = c.begin[d] + clamp(size[d], 0, DIM_MAX);
  }
  return put_cut(t, 0, 0, &c);
}

// Outputs one behind the other along an axis, each so long.
static bool split(struct tflite *t, uint32_t from, int axis, const int64_t *sizes) {
  struct cut c = whole_of(tflite_in(t, from));
  int64_t at = 0;
  for (uint32_t k = 0; k < t->op->n_out; k++) {
    c.begin[axis] = at;
    c.end[axis] = at += sizes[k];
    if (!put_cut(t, from, k, &c)) return false;
  }
  return at == tflite_in(t, from)->shape[axis] ||
         err_set(t->err, "parts of %lld in all of %lld elements", (long long)at,
                 (long long)tflite_in(t, from)->shape[axis]);
}

// The axis that input k names.
static int axis_in(struct tflite *t, uint32_t k, uint32_t of) {
  int64_t count;
  const int64_t *axis = tflite_list(t, k, &count);
  return axis && count == 1 ? tflite_axis(t, tflite_in(t, of), axis[0]) : NONE;
}

bool tflite_split(struct tflite *t) {
  enum { AXIS, X };
  if (!is_copy(t, X)) return false;
  int axis = axis_in(t, AXIS, X);
  if (axis == NONE) return false;
  int64_t *sizes = ARENA_NEW(t->arena, int64_t, t->op->n_out);
  for (uint32_t k = 0; k < t->op->n_out; k++)
    sizes[k] = tflite_in(t, X)->shape[axis] / t->op->n_out;
  return split(t, X, axis, sizes);
}

// One of the sizes may be -1: what the others leave.
bool tflite_split_v(struct tflite *t) {
  enum { X, SIZES, AXIS };
  int64_t count, left;
  if (!is_copy(t, X)) return false;
  int axis = axis_in(t, AXIS, X);
  const int64_t *list = axis == NONE ? NULL : tflite_list(t, SIZES, &count);
  if (!list) return false;
  if (count != t->op->n_out)
    return err_set(t->err, "%lld sizes of %u outputs", (long long)count, t->op->n_out);
  int64_t *sizes = ARENA_NEW(t->arena, int64_t, count);
  left = tflite_in(t, X)->shape[axis];
  for (int64_t k = 0; k < count; k++) {
    sizes[k] = clamp(list[k], -1, DIM_MAX);
    left -= sizes[k] > 0 ? sizes[k] : 0;
  }
  for (int64_t k = 0; k < count; k++) sizes[k] = sizes[k] < 0 ? left : sizes[k];
  return split(t, X, axis, sizes);
}

// ---- PAD: the zero point around the frame, pairs of before and behind for each axis

// Before and behind axis d of the frame, which is axis d + batch of the file.
static bool pad_axis(struct tflite *t, const int64_t *list, int d, int rank, int64_t *pad,
                     int64_t *size) {
  int64_t before = list[0], behind = list[1];
  if (before < 0 || behind < 0 || before > DIM_MAX || behind > DIM_MAX)
    return err_set(t->err, "padding %lld and %lld", (long long)before, (long long)behind);
  pad[d] = before;
  pad[rank + d] = behind;
  *size += before + behind;
  return true;
}

bool tflite_pad(struct tflite *t) {
  const struct tflite_tensor *x = tflite_in(t, 0);
  int64_t count, pad[2 * RANK_MAX];
  const int64_t *list = tflite_list(t, 1, &count);
  if (!list || !is_copy(t, 0)) return false;
  if (count != 2 * x->rank)
    return err_set(t->err, "%lld paddings of rank %d", (long long)count, x->rank);
  int batch = tflite_is_batch(x) && list[0] == 0 && list[1] == 0;
  struct tflite_shape in = batch ? tflite_frame(x) : tflite_whole(x), out = in;
  for (int d = 0; d < in.rank; d++)
    if (!pad_axis(t, list + 2 * (d + batch), d, in.rank, pad, &out.size[d])) return false;
  uint32_t value = tflite_value(t, 0, in);
  uint32_t node = graph_add_node(t->graph, OP_pad, tflite_name(t));
  graph_add_ints(t->graph, node, ATTR_pad, 2 * in.rank, pad);
  graph_add_int(t->graph, node, ATTR_codes, tflite_zero(x, 0));
  tflite_use(t, node, value);
  give(t, 0, node, out);
  return true;
}
