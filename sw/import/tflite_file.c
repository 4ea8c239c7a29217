// SPDX-License-Identifier: Apache-2.0
// Field numbers are those of schema.fbs.
#include "sw/import/tflite_file.h"

#include <stdlib.h>
#include <string.h>

enum { MODEL_CODES = 1, MODEL_SUBGRAPHS = 2, MODEL_BUFFERS = 4 };
enum { CODE_DEPRECATED = 0, CODE_CUSTOM = 1, CODE_BUILTIN = 3 };
enum { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS };
enum {
  TENSOR_SHAPE,
  TENSOR_TYPE,
  TENSOR_BUFFER,
  TENSOR_NAME,
  TENSOR_QUANTIZATION,
  TENSOR_SPARSITY = 6
};
enum { QUANTIZATION_SCALE = 2, QUANTIZATION_ZERO = 3, QUANTIZATION_AXIS = 6 };
enum { OPERATOR_CODE = 0, OPERATOR_INPUTS = 1, OPERATOR_OUTPUTS = 2, OPERATOR_OPTIONS = 4 };
enum { BUFFER_DATA = 0 };
enum { CUSTOM = 32, LIST_MOST = 1 << 16, NAME_MOST = 120 };

const char *tflite_type_text(int type) {
  static const char *const names[TFLITE_TYPES] = {
      "FLOAT32", "FLOAT16",   "INT32",  "UINT8",   "INT64",      "STRING", "BOOL",
      "INT16",   "COMPLEX64", "INT8",   "FLOAT64", "COMPLEX128", "UINT64", "RESOURCE",
      "VARIANT", "UINT32",    "UINT16", "INT4",    "BFLOAT16"};
  return type >= 0 && type < TFLITE_TYPES && names[type] ? names[type] : "an unknown type";
}

const char *tflite_op_text(const struct tflite_op *op) {
  static const char *const names[] = {
#define TFLITE(code, name, ...) [code] = #name,
#define UNKNOWN(code, name) [code] = #name,
#include "sw/import/tflite_ops.def"
#undef TFLITE
#undef UNKNOWN
  };
  const int64_t count = sizeof names / sizeof *names;
  if (op->code == CUSTOM && op->custom[0]) return op->custom;
  return op->code >= 0 && op->code < count && names[op->code] ? names[op->code] : "unknown";
}

// ---- tensors

// What people can read: up to the first of several names, plain characters.
static const char *name_of(struct arena *a, struct flat_table t, uint32_t index) {
  const char *text = flat_text(t, a, TENSOR_NAME);
  size_t length = strcspn(text, ";");
  bool plain = length > 0 && length <= NAME_MOST;
  for (size_t i = 0; plain && i < length; i++) plain = text[i] >= ' ' && text[i] <= '~';
  return plain ? arena_printf(a, "%.*s", (int)length, text) : arena_printf(a, "tensor %u", index);
}

static bool read_shape(struct flat_table from, struct tflite_tensor *t, struct err *e) {
  struct flat_vector shape = flat_numbers(from, TENSOR_SHAPE, FLAT_I32);
  int64_t elements = 1;
  if (shape.count > RANK_MAX) return err_set(e, "rank %u, at most %d", shape.count, RANK_MAX);
  t->rank = (int)shape.count;
  for (uint32_t d = 0; d < shape.count; d++) {
    t->shape[d] = flat_int_at(shape, FLAT_I32, d);
    if (t->shape[d] < 1 || t->shape[d] > DIM_MAX || elements > ELEMENTS_MAX / t->shape[d])
      return err_set(e, "dimension %u is %lld, expected 1 to %lld, and %lld elements at most", d,
                     (long long)t->shape[d], (long long)DIM_MAX, (long long)ELEMENTS_MAX);
    elements *= t->shape[d];
  }
  return true;
}

static void read_quantization(struct flat_table from, struct tflite_tensor *t) {
  struct flat_table q = flat_child(from, TENSOR_QUANTIZATION);
  t->scale = flat_numbers(q, QUANTIZATION_SCALE, FLAT_F32);
  t->zero = flat_numbers(q, QUANTIZATION_ZERO, FLAT_I64);
  t->axis = flat_int(q, QUANTIZATION_AXIS, FLAT_I32, 0);
  t->scales = t->scale.count;
}

static int64_t bytes_of(int type) {
  if (type == TFLITE_INT8 || type == TFLITE_UINT8) return 1;
  if (type == TFLITE_INT32 || type == TFLITE_FLOAT32) return 4;
  return type == TFLITE_INT64 ? 8 : 0;
}

static bool read_tensor(struct flat_table from, struct flat_vector buffers, struct tflite_tensor *t,
                        struct err *e) {
  t->type = (int)flat_int(from, TENSOR_TYPE, FLAT_U8, 0);
  if (!read_shape(from, t, e)) return false;
  read_quantization(from, t);
  if (flat_has(from, TENSOR_SPARSITY)) return err_set(e, "sparse data; convert the model without");
  if (t->zero.count && t->zero.count != t->scales)
    return err_set(e, "%u zero points for %u scales", t->zero.count, t->scales);
  int64_t buffer = flat_int(from, TENSOR_BUFFER, FLAT_U32, 0);
  if (buffer >= buffers.count && buffer)
    return err_set(e, "buffer %lld of %u", (long long)buffer, buffers.count);
  if (buffer)
    t->data = flat_numbers(flat_child_at(buffers, (uint32_t)buffer), BUFFER_DATA, FLAT_U8);
  int64_t bytes = bytes_of(t->type) * tflite_elements(t);
  if (t->data.count && bytes && t->data.count != bytes)
    return err_set(e, "%u bytes of data, its shape and type take %lld", t->data.count,
                   (long long)bytes);
  return true;
}

static int by_name(const void *a, const void *b) {
  const struct tflite_tensor *const *x = a, *const *y = b;
  int order = strcmp((*x)->name, (*y)->name);
  return order ? order : *x < *y ? -1 : *x > *y;
}

// Tensors of one name get their numbers behind it; constants are no layers and stay as they are.
static void part_names(struct arena *a, struct tflite_subgraph *s) {
  struct tflite_tensor **sorted = ARENA_NEW(a, struct tflite_tensor *, s->n_tensors + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < s->n_tensors; i++)
    if (!s->tensors[i].data.count) sorted[count++] = &s->tensors[i];
  qsort(sorted, count, sizeof *sorted, by_name);
  const char *last = "";
  for (uint32_t i = 0; i < count; i++) {
    bool same = i && strcmp(last, sorted[i]->name) == 0;
    last = sorted[i]->name;
    if (same) sorted[i]->name = arena_printf(a, "%s #%d", last, (int)(sorted[i] - s->tensors));
  }
}

static bool read_tensors(struct arena *a, struct flat_table from, struct flat_vector buffers,
                         struct tflite_subgraph *s, struct err *e) {
  struct flat_vector list = flat_children(from, SUBGRAPH_TENSORS);
  if (list.count > LIST_MOST) return err_set(e, "%u tensors, at most %d", list.count, LIST_MOST);
  s->n_tensors = list.count;
  s->tensors = ARENA_NEW(a, struct tflite_tensor, s->n_tensors + 1);
  for (uint32_t i = 0; i < s->n_tensors; i++) {
    struct flat_table t = flat_child_at(list, i);
    s->tensors[i].name = name_of(a, t, i);
    if (!read_tensor(t, buffers, &s->tensors[i], e))
      return err_within(e, "tensor \"%s\"", s->tensors[i].name);
  }
  part_names(a, s);
  return true;
}

// ---- operators

// Tensors by their numbers; where it is allowed one may be left out.
static bool read_list(struct arena *a, struct flat_table from, uint32_t field,
                      const struct tflite_subgraph *s, bool optional, uint32_t *count,
                      const int32_t **to, struct err *e) {
  struct flat_vector list = flat_numbers(from, field, FLAT_I32);
  if (list.count > LIST_MOST) return err_set(e, "a list of %u tensors", list.count);
  int32_t *all = ARENA_NEW(a, int32_t, list.count + 1);
  *to = all;
  *count = list.count;
  for (uint32_t i = 0; i < list.count; i++) {
    all[i] = (int32_t)flat_int_at(list, FLAT_I32, i);
    if (all[i] >= (int64_t)s->n_tensors || all[i] < (optional ? NONE : 0))
      return err_set(e, "tensor %d of %u", all[i], s->n_tensors);
  }
  return true;
}

// Older files have the first field only, which is a byte.
static bool read_code(struct arena *a, struct flat_vector codes, int64_t index,
                      struct tflite_op *op, struct err *e) {
  if (index >= codes.count)
    return err_set(e, "operator code %lld of %u", (long long)index, codes.count);
  struct flat_table code = flat_child_at(codes, (uint32_t)index);
  int64_t old = flat_int(code, CODE_DEPRECATED, FLAT_I8, 0);
  int64_t builtin = flat_int(code, CODE_BUILTIN, FLAT_I32, 0);
  op->code = old > builtin ? old : builtin;
  op->custom = op->code == CUSTOM ? flat_text(code, a, CODE_CUSTOM) : "";
  return true;
}

static bool read_op(struct arena *a, struct flat_table from, struct flat_vector codes,
                    const struct tflite_subgraph *s, struct tflite_op *op, struct err *e) {
  op->options = flat_child(from, OPERATOR_OPTIONS);
  return read_code(a, codes, flat_int(from, OPERATOR_CODE, FLAT_U32, 0), op, e) &&
         read_list(a, from, OPERATOR_INPUTS, s, true, &op->n_in, &op->in, e) &&
         read_list(a, from, OPERATOR_OUTPUTS, s, false, &op->n_out, &op->out, e);
}

static bool read_ops(struct arena *a, struct flat_table from, struct flat_vector codes,
                     struct tflite_subgraph *s, struct err *e) {
  struct flat_vector list = flat_children(from, SUBGRAPH_OPERATORS);
  if (list.count > LIST_MOST) return err_set(e, "%u operators, at most %d", list.count, LIST_MOST);
  s->n_ops = list.count;
  s->ops = ARENA_NEW(a, struct tflite_op, s->n_ops + 1);
  for (uint32_t i = 0; i < s->n_ops; i++)
    if (!read_op(a, flat_child_at(list, i), codes, s, &s->ops[i], e))
      return err_within(e, "operator %u", i);
  return true;
}

static bool read_subgraph(struct arena *a, struct flat_table root, struct flat_table from,
                          struct tflite_subgraph *s, struct err *e) {
  struct flat_vector buffers = flat_children(root, MODEL_BUFFERS);
  struct flat_vector codes = flat_children(root, MODEL_CODES);
  return read_tensors(a, from, buffers, s, e) && read_ops(a, from, codes, s, e) &&
         read_list(a, from, SUBGRAPH_INPUTS, s, false, &s->n_in, &s->in, e) &&
         read_list(a, from, SUBGRAPH_OUTPUTS, s, false, &s->n_out, &s->out, e);
}

struct tflite_file *tflite_open(struct arena *a, const void *data, size_t size, struct err *e) {
  struct tflite_file *f = ARENA_NEW(a, struct tflite_file, 1);
  f->buffer = flatbuffer_new(data, size, "TFL3", e);
  struct flat_table root = flatbuffer_root(&f->buffer);
  struct flat_vector list = flat_children(root, MODEL_SUBGRAPHS);
  f->n_subgraphs = list.count;
  bool ok = list.count <= LIST_MOST || err_set(e, "%u subgraphs", list.count);
  if (ok) f->subgraphs = ARENA_NEW(a, struct tflite_subgraph, list.count + 1);
  for (uint32_t i = 0; ok && i < list.count; i++)
    ok = read_subgraph(a, root, flat_child_at(list, i), &f->subgraphs[i], e);
  ok = ok && flatbuffer_ok(&f->buffer);
  if (ok && !list.count) ok = err_set(e, "0 subgraphs, expected 1 or more");
  return ok ? f : NULL;
}

// ---- contents

int64_t tflite_elements(const struct tflite_tensor *t) {
  return shape_elements(t->rank, t->shape);
}

int64_t tflite_integer(const struct tflite_tensor *t, int64_t i) {
  struct flat_vector v = t->data;
  v.size = (uint32_t)bytes_of(t->type);
  v.count = v.size ? v.count / v.size : 0;
  enum flat_kind kind = t->type == TFLITE_INT8    ? FLAT_I8
                        : t->type == TFLITE_UINT8 ? FLAT_U8
                        : t->type == TFLITE_INT32 ? FLAT_I32
                                                  : FLAT_I64;
  return flat_int_at(v, kind, (uint32_t)i);
}

double tflite_scale(const struct tflite_tensor *t, uint32_t channel) {
  return flat_real_at(t->scale, t->scales > 1 ? channel : 0);
}

int64_t tflite_zero(const struct tflite_tensor *t, uint32_t channel) {
  return flat_int_at(t->zero, FLAT_I64, t->scales > 1 ? channel : 0);
}
