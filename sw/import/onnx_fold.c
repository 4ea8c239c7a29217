// SPDX-License-Identifier: Apache-2.0
// Nodes that read constants only are computed: chains that make shapes, pads and slices, and what
// exporters leave between a weight and its layer.
#include "sw/import/onnx_fold.h"

#include <math.h>
#include <string.h>

// ---- new ones

static bool fold_constant(struct onnx *o) {
  const Onnx__AttributeProto *a = o->node->n_attribute == 1 ? o->node->attribute[0] : NULL;
  struct tensor *t = NULL;
  struct err e = {0};
  if (!a) return false;
  int64_t ints = (int64_t)a->n_ints, floats = (int64_t)a->n_floats;
  if (a->t)
    t = onnx_tensor(o, a->t, &e);
  else if (a->has_f)
    fold_set_real(t = tensor_new(o->arena, DTYPE_F32, 0, NULL), 0, (double)a->f);
  else if (a->has_i)
    tensor_set_int(t = tensor_new(o->arena, DTYPE_I64, 0, NULL), 0, a->i);
  else if (floats)
    memcpy((t = tensor_new(o->arena, DTYPE_F32, 1, &floats))->data, a->floats,
           a->n_floats * sizeof(float));
  else if (ints)
    memcpy((t = tensor_new(o->arena, DTYPE_I64, 1, &ints))->data, a->ints,
           a->n_ints * sizeof(int64_t));
  if (t) onnx_set_constant(o, 0, t);
  return t;
}

static bool fold_constant_of_shape(struct onnx *o) {
  const struct tensor *s = onnx_constant(o, 0), *value = NULL;
  const Onnx__AttributeProto *a = onnx_attr(o, "value");
  int64_t shape[RANK_MAX];
  struct err e = {0};
  if (a && a->t && !(value = onnx_tensor(o, a->t, &e))) return false;
  if (s->count > RANK_MAX || fold_is_float(s) || (value && value->count != 1)) return false;
  for (int64_t d = 0; d < s->count; d++) shape[d] = tensor_int(s, d);
  if (!fold_fits((int)s->count, shape)) return false;
  struct tensor *t = tensor_new(o->arena, value ? value->dtype : DTYPE_F32, (int)s->count, shape);
  size_t bytes = dtype_size(t->dtype), all = (size_t)t->count * bytes;
  if (value && all) memcpy(t->data, value->data, bytes);
  for (size_t done = bytes; value && done < all; done *= 2) // what is there once more
    memcpy((char *)t->data + done, t->data, done < all - done ? done : all - done);
  onnx_set_constant(o, 0, t);
  return true;
}

static bool fold_shape(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  bool size = strcmp(o->node->op_type, "Size") == 0;
  int64_t rank = x->rank, begin = onnx_int(o, "start", 0), end = onnx_int(o, "end", rank), n = 0;
  if (begin < 0) begin += rank;
  if (end < 0) end += rank;
  begin = begin < 0 ? 0 : begin;
  end = end > rank ? rank : end;
  int64_t count = end > begin ? end - begin : 0;
  struct tensor *t = tensor_new(o->arena, DTYPE_I64, !size, &count);
  if (size) tensor_set_int(t, 0, x->count);
  for (int64_t d = begin; !size && d < end; d++) tensor_set_int(t, n++, x->shape[d]);
  onnx_set_constant(o, 0, t);
  return true;
}

static bool fold_range(struct onnx *o) {
  for (size_t i = 0; i < 3; i++)
    if (onnx_constant(o, i)->count != 1) return false;
  double first = tensor_real(onnx_constant(o, 0), 0), step = tensor_real(onnx_constant(o, 2), 0);
  double n = ceil((tensor_real(onnx_constant(o, 1), 0) - first) / step);
  if (!(n <= (double)DIM_MAX)) return false;
  int64_t count = n > 0 ? (int64_t)n : 0;
  struct tensor *t = tensor_new(o->arena, onnx_constant(o, 0)->dtype, 1, &count);
  for (int64_t i = 0; i < count; i++) fold_set_real(t, i, first + (double)i * step);
  onnx_set_constant(o, 0, t);
  return true;
}

static bool fold_same(struct onnx *o) {
  onnx_set(o, 0, *onnx_in(o, 0));
  return true;
}

static bool fold_cast(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  int64_t to = onnx_int(o, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
  bool real = to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
              to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
              to == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
  bool wide = to == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
  bool truth = to == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL;
  struct tensor *t = tensor_new(o->arena,
                                real    ? DTYPE_F32
                                : wide  ? DTYPE_F64
                                : truth ? DTYPE_U8
                                        : DTYPE_I64,
                                x->rank, x->shape);
  for (int64_t i = 0; i < t->count; i++)
    if (truth)
      tensor_set_int(t, i, tensor_real(x, i) != 0);
    else
      fold_copy(t, i, x, i);
  onnx_set_constant(o, 0, t);
  return true;
}

static bool fold_reduce(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0);
  const char *op = o->node->op_type;
  double sum = strcmp(op, "ReduceProd") == 0 ? 1 : 0;
  if (x->rank > 1) return false;
  for (int64_t i = 0; i < x->count; i++)
    if (strcmp(op, "ReduceProd") == 0)
      sum *= tensor_real(x, i);
    else
      sum += tensor_real(x, i);
  if (strcmp(op, "ReduceMean") == 0) sum /= (double)x->count;
  int64_t one = 1;
  struct tensor *t = tensor_new(o->arena, x->dtype, onnx_int(o, "keepdims", 1) ? x->rank : 0, &one);
  fold_set_real(t, 0, sum);
  onnx_set_constant(o, 0, t);
  return true;
}

// ---- functions of each element

static bool broadcast(const struct tensor *const *in, int n, int *rank, int64_t shape[RANK_MAX]) {
  *rank = 0;
  for (int i = 0; i < n; i++) *rank = in[i]->rank > *rank ? in[i]->rank : *rank;
  for (int d = 0; d < *rank; d++) {
    shape[d] = 1;
    for (int i = 0; i < n; i++) {
      int own = d - (*rank - in[i]->rank);
      int64_t size = own >= 0 ? in[i]->shape[own] : 1;
      if (size != 1 && shape[d] != 1 && size != shape[d]) return false;
      if (size != 1) shape[d] = size;
    }
  }
  return fold_fits(*rank, shape);
}

static int64_t *stretched(struct arena *a, const struct tensor *t, int rank, const int64_t *shape) {
  int64_t stride[RANK_MAX], step[RANK_MAX] = {0};
  fold_strides(t, stride);
  for (int d = 0; d < t->rank; d++) step[d + rank - t->rank] = t->shape[d] == 1 ? 0 : stride[d];
  return fold_strided(a, rank, shape, 0, step);
}

static enum dtype function_dtype(enum function f, const struct tensor *const *in) {
  bool truth = (f >= FUNCTION_GREATER && f <= FUNCTION_OR) || f == FUNCTION_NOT;
  return truth ? DTYPE_U8 : in[f == FUNCTION_WHERE]->dtype;
}

static bool fold_function(struct onnx *o, enum function f) {
  const struct tensor *in[3] = {NULL, NULL, NULL};
  int64_t *index[3] = {NULL, NULL, NULL}, shape[RANK_MAX];
  int n = function_operands(f), rank;
  if (o->node->n_input != (size_t)n) return false;
  for (int i = 0; i < n; i++) in[i] = onnx_constant(o, (size_t)i);
  if (!broadcast(in, n, &rank, shape)) return false;
  for (int i = 0; i < n; i++) index[i] = stretched(o->arena, in[i], rank, shape);
  struct tensor *t = tensor_new(o->arena, function_dtype(f, in), rank, shape);
  for (int64_t i = 0; i < t->count; i++) {
    double v[3] = {0, 0, 0};
    for (int k = 0; k < n; k++) v[k] = tensor_real(in[k], index[k][i]);
    fold_set_real(t, i, function_value(f, v[0], v[1], v[2]));
  }
  onnx_set_constant(o, 0, t);
  return true;
}

// Of integers, with the sign of the second; what remains of floats is none of these chains.
static bool fold_mod(struct onnx *o) {
  const struct tensor *x = onnx_constant(o, 0), *y = onnx_constant(o, 1);
  if (fold_is_float(x) || fold_is_float(y) || onnx_int(o, "fmod", 0) || y->count != 1 ||
      tensor_int(y, 0) == 0)
    return false;
  struct tensor *t = tensor_new(o->arena, x->dtype, x->rank, x->shape);
  int64_t by = tensor_int(y, 0);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t rest = by == -1 ? 0 : tensor_int(x, i) % by;
    tensor_set_int(t, i, rest && (rest < 0) != (by < 0) ? rest + by : rest);
  }
  onnx_set_constant(o, 0, t);
  return true;
}

static const struct fold {
  const char *name;
  bool (*fold)(struct onnx *o);
  size_t inputs;
} folds[] = {{"Constant", fold_constant, 0},   {"ConstantOfShape", fold_constant_of_shape, 1},
             {"Shape", fold_shape, 1},         {"Size", fold_shape, 1},
             {"Gather", fold_gather, 2},       {"Slice", fold_slice, 1},
             {"Split", fold_split, 1},         {"Concat", fold_concat, 1},
             {"Reshape", fold_reshape, 1},     {"Flatten", fold_flatten, 1},
             {"Squeeze", fold_squeeze, 1},     {"Unsqueeze", fold_unsqueeze, 1},
             {"Transpose", fold_transpose, 1}, {"Expand", fold_expand, 2},
             {"Identity", fold_same, 1},       {"Dropout", fold_same, 1},
             {"Cast", fold_cast, 1},           {"Range", fold_range, 3},
             {"ReduceProd", fold_reduce, 1},   {"ReduceSum", fold_reduce, 1},
             {"ReduceMean", fold_reduce, 1},   {"Mod", fold_mod, 2}};

static const struct fold *fold_of(const char *op) {
  for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
    if (strcmp(folds[i].name, op) == 0) return &folds[i];
  return NULL;
}

bool onnx_folds(const char *op) {
  return fold_of(op) || function_find(op) != NONE;
}

bool onnx_fold(struct onnx *o) {
  const struct fold *fold = fold_of(o->node->op_type);
  for (size_t i = 0; i < o->node->n_input; i++)
    if (*o->node->input[i] && !onnx_constant(o, i)) return false;
  if (fold) return o->node->n_input >= fold->inputs && fold->fold(o);
  int f = function_find(o->node->op_type);
  return f != NONE && fold_function(o, (enum function)f);
}
