// SPDX-License-Identifier: Apache-2.0
// Reshapes and transposes: they change what the array is, and move nothing.
#include "sw/import/compose.h"
#include "sw/import/onnx.h"

#include <string.h>

bool onnx_set_reshaped(struct onnx *o, struct stream x, int rank, const int64_t *shape) {
  if (rank > RANK_MAX)
    return onnx_refuse(o, "use fewer axes", "%d axes, at most %d", rank, RANK_MAX);
  if (!builder_reshape(&o->builder, &x, rank, shape)) return false;
  x.reshaped = o->builder.node;
  onnx_set_stream(o, 0, x);
  return true;
}

// ---- shapes

static bool mixes(struct onnx *o) {
  return onnx_refuse(o, "keep the images of a batch apart", "it reshapes the batch, axis 0");
}

bool onnx_flatten(struct onnx *o) {
  struct stream x = {0};
  if (!onnx_stream(o, 0, &x)) return false;
  int64_t axis = onnx_int(o, "axis", 1), n = layout_elements(&x.layout);
  if (axis < 0) axis += x.layout.rank + 1;
  for (int d = 1; d < axis; d++)
    if (x.layout.shape[d - 1] != 1) return mixes(o);
  return axis >= 1 ? onnx_set_reshaped(o, x, 1, &n) : mixes(o);
}

// The batch stays in front: -1, 0, its size, or 1 where it is open.
static bool keeps_batch(const struct onnx *o, int64_t to) {
  return to == -1 || to == 0 || to == (o->batch == BATCH_FREE ? 1 : o->batch);
}

bool onnx_reshape(struct onnx *o) {
  struct stream x = {0};
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
  return onnx_set_reshaped(o, x, (int)count - 1, shape);
}

bool onnx_squeeze(struct onnx *o) {
  struct stream x = {0};
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
  return onnx_set_reshaped(o, x, n, shape);
}

bool onnx_unsqueeze(struct onnx *o) {
  struct stream x = {0};
  int64_t count, shape[RANK_MAX];
  const int64_t *axes;
  bool added[RANK_MAX] = {false};
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "axes", 1, &count, &axes)) return false;
  int rank = x.layout.rank + (int)count, from = 0;
  if (rank > RANK_MAX) return onnx_set_reshaped(o, x, rank, NULL);
  for (int64_t i = 0; i < count; i++) {
    int axis;
    if (!onnx_axis(o, axes[i], rank, &axis)) return false;
    added[axis] = true;
  }
  for (int d = 0; d < rank; d++) shape[d] = added[d] ? 1 : x.layout.shape[from++];
  return onnx_set_reshaped(o, x, rank, shape);
}

bool onnx_transpose(struct onnx *o) {
  struct stream x = {0};
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
  const struct tensor *training = onnx_constant(o, 2);
  if (training && training->count && tensor_real(training, 0) != 0)
    return onnx_refuse(o, "export in evaluation mode", "it is in training mode");
  if (onnx_is_read(o, 1))
    return onnx_refuse(o, "export in evaluation mode", "it also gives its mask");
  onnx_set(o, 0, *x);
  return true;
}

// Of one that was computed what it is computed in.
static int64_t type_of_constant(const struct item *x) {
  bool real = x->constant->dtype == DTYPE_F32 || x->constant->dtype == DTYPE_F64;
  return x->type ? x->type
         : real  ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT
                 : ONNX__TENSOR_PROTO__DATA_TYPE__UNDEFINED;
}

bool onnx_cast(struct onnx *o) {
  const struct item *x = onnx_in(o, 0);
  if (x && x->kind == ITEM_CONSTANT) { // like a stream
    onnx_set(o, 0, *x);
    return true;
  }
  int64_t to = onnx_int(o, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
  const struct item *like = strcmp(o->node->op_type, "CastLike") == 0 ? onnx_in(o, 1) : NULL;
  if (like && like->kind == ITEM_CONSTANT) to = type_of_constant(like);
  bool half =
      to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 || to == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
  bool real = half || to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
              to == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
  bool integer =
      to == ONNX__TENSOR_PROTO__DATA_TYPE__INT32 || to == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
  bool index = x && x->kind == ITEM_STREAM && !x->channels && !x->term &&
               type_is_integer(&o->builder.graph->values[x->stream.value].type);
  if (half)
    builder_note(&o->builder,
                 "its cast to floats of 16 bits is left out: the file's own runtime rounds there",
                 false);
  if (!real && !(integer && index))
    return onnx_refuse(o, "keep the stream in floats", "a cast of a stream to data type %lld",
                       (long long)to);
  return onnx_same(o);
}

// A stream that has the shape already, or whose axes of one element become larger.
bool onnx_expand(struct onnx *o) {
  struct stream x = {0};
  int axes[RANK_MAX];
  int64_t count, shape[RANK_MAX], ours[RANK_MAX];
  const int64_t *to;
  bool larger = false;
  if (!onnx_stream(o, 0, &x) || !onnx_ints(o, "shape", 1, &count, &to)) return false;
  int rank = x.layout.rank;
  if (count > rank + 1)
    return onnx_refuse(o, "give it as many axes before", "it puts axes in front of the batch");
  for (int d = 0; d < rank; d++) {
    int64_t at = count - rank + d, own = x.layout.shape[d], size = at >= 0 ? to[at] : 1;
    if (size != 1 && own != 1 && size != own)
      return onnx_refuse(o, "check the file", "axis %d of %lld elements would have %lld", d + 1,
                         (long long)own, (long long)size);
    shape[d] = own > size ? own : size;
    larger |= shape[d] != own;
    if (shape[d] > DIM_MAX || (larger && rank > 3))
      return onnx_refuse(o, "let Add or Mul stretch it", "it repeats the elements of a stream");
  }
  if (larger) {
    if (!builder_tidy(&o->builder, &x, axes)) return false;
    for (int k = 0; k < rank; k++) ours[k] = shape[axes[k]];
    if (!compose_spread(&o->builder, &x.value, ours)) return false;
    x.layout = layout_new(rank, shape, axes);
  }
  onnx_set_stream(o, 0, x);
  return true;
}
