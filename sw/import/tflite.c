// SPDX-License-Identifier: Apache-2.0
// Operator by operator, in the order of the file, which is that of their execution.
#include "sw/import/tflite.h"

#include "sw/graph/interval.h"
#include "sw/import/tflite_parts.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { COPIES_PER_BYTE = 4, COPIES_LEAST = 1 << 20 };

#define QUANTISE                                                                                   \
  "convert it with full integer quantisation: converter.optimizations = "                          \
  "[tf.lite.Optimize.DEFAULT], a "                                                                 \
  "representative_dataset, target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]"

bool tflite_refuse(struct tflite *t, const char *remedy, const char *format, ...) {
  char reason[512];
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  return refuse(t->arena, t->refusals, tflite_name(t), tflite_op_text(t->op), remedy, "%s", reason);
}

// ---- tensors of the operator

const struct tflite_tensor *tflite_in(const struct tflite *t, uint32_t k) {
  return k < t->op->n_in && t->op->in[k] != NONE ? &t->sub->tensors[t->op->in[k]] : NULL;
}

const struct tflite_tensor *tflite_out(const struct tflite *t, uint32_t k) {
  return &t->sub->tensors[t->op->out[k]];
}

const char *tflite_name(const struct tflite *t) {
  if (t->op->n_out) return tflite_out(t, 0)->name;
  return arena_printf(t->arena, "operator %u", t->index);
}

bool tflite_is_stream(struct tflite *t, const struct tflite_tensor *v, bool unsigned_too) {
  if (v->type != TFLITE_INT8 && !(unsigned_too && v->type == TFLITE_UINT8))
    return tflite_refuse(t, QUANTISE, "\"%s\" is of type %s, expected INT8%s", v->name,
                         tflite_type_text(v->type), unsigned_too ? " or UINT8" : "");
  if (v->scales != 1)
    return tflite_refuse(t, QUANTISE, "\"%s\" has %u scales, expected 1", v->name, v->scales);
  double scale = tflite_scale(v, 0);
  int64_t zero = tflite_zero(v, 0), lowest = v->type == TFLITE_INT8 ? INT8_MIN : 0;
  if (!(scale > 0) || !isfinite(scale))
    return tflite_refuse(t, QUANTISE, "\"%s\" has the scale %g, expected a positive number",
                         v->name, scale);
  return (zero >= lowest && zero <= lowest + UINT8_MAX) ||
         tflite_refuse(t, QUANTISE, "\"%s\" has the zero point %lld, expected %lld to %lld",
                       v->name, (long long)zero, (long long)lowest, (long long)lowest + UINT8_MAX);
}

bool tflite_streams(struct tflite *t) {
  for (uint32_t k = 0; k < t->op->n_out; k++)
    if (!tflite_is_stream(t, tflite_out(t, k), false)) return false;
  for (uint32_t k = 0; k < t->op->n_in; k++)
    if (!tflite_is_stream(t, tflite_in(t, k), false)) return false;
  return true;
}

bool tflite_same(const struct tflite_tensor *a, const struct tflite_tensor *b) {
  return a->type == b->type && tflite_scale(a, 0) == tflite_scale(b, 0) &&
         tflite_zero(a, 0) == tflite_zero(b, 0);
}

// ---- the walk

typedef bool import_op(struct tflite *t);

struct row {
  import_op *import;
  uint32_t in_least, in_most, out_least, out_most;
};

static struct row row_of(int64_t code) {
  static const struct row rows[] = {
#define TFLITE(code, name, import, ...) [code] = {tflite_##import, __VA_ARGS__},
#define UNKNOWN(code, name)
#include "sw/import/tflite_ops.def"
#undef TFLITE
#undef UNKNOWN
  };
  const int64_t count = sizeof rows / sizeof *rows;
  return code >= 0 && code < count ? rows[code] : (struct row){0};
}

static bool has_content(const struct tflite *t, int32_t tensor) {
  return t->value[tensor] != NONE || t->variable[tensor] != NONE || t->sizes[tensor];
}

// Inputs that it needs are there, computed by earlier operators or constant.
static bool has_inputs(struct tflite *t, const struct row *row) {
  const struct tflite_op *op = t->op;
  if (op->n_in < row->in_least || op->n_in > row->in_most || op->n_out < row->out_least ||
      op->n_out > row->out_most)
    return err_set(t->err, "%u inputs and %u outputs, expected %u to %u and %u to %u", op->n_in,
                   op->n_out, row->in_least, row->in_most, row->out_least, row->out_most);
  for (uint32_t k = 0; k < op->n_in; k++) {
    const struct tflite_tensor *v = tflite_in(t, k);
    bool optional = k >= row->in_least && row->in_most == row->in_least + 1;
    if (!v && !optional) return err_set(t->err, "input %u is left out", k);
    if (v && !v->data.count && !has_content(t, op->in[k]))
      return err_set(t->err, "input \"%s\" has no content: no operator before gives it", v->name);
  }
  for (uint32_t k = 0; k < op->n_out; k++)
    if (has_content(t, op->out[k]) || tflite_out(t, k)->data.count)
      return err_set(t->err, "output \"%s\" has a content already", tflite_out(t, k)->name);
  return true;
}

// What a refused operator would give, so that all that follow it are looked at.
static void stand_in(struct tflite *t) {
  for (uint32_t k = 0; k < t->op->n_out; k++) {
    const struct tflite_tensor *v = tflite_out(t, k);
    if (t->value[t->op->out[k]] != NONE) continue;
    struct tflite_shape shape = tflite_frame(v);
    t->value[t->op->out[k]] = (int32_t)graph_add_value(t->graph, v->name, shape.rank, shape.size,
                                                       tflite_type(t, v), true);
  }
}

static bool import(struct tflite *t) {
  struct row row = row_of(t->op->code);
  uint32_t before = t->refusals->count;
  if (!row.import)
    tflite_refuse(t, "train or convert the model without this operator", "it has no counterpart");
  else if (has_inputs(t, &row) && row.import(t))
    return true;
  if (t->refusals->count == before) {
    err_put(t->err, "it doesn't fit the format"); // unless more is known
    return err_within(t->err, "operator %u (%s, \"%s\")", t->index, tflite_op_text(t->op),
                      tflite_name(t));
  }
  stand_in(t);
  return true;
}

// ---- inputs and outputs

static bool quantises(const struct tflite_op *op) {
  enum { QUANTIZE = 114 };
  return op->code == QUANTIZE && op->n_in == 1 && op->n_out == 1;
}

// Floats that nobody reads but what quantises them are no part of the circuit: its input are the
// integers.
static int32_t entrance(const struct tflite *t, int32_t tensor) {
  const struct tflite_subgraph *s = t->sub;
  int32_t to = NONE;
  uint32_t readers = 0;
  if (s->tensors[tensor].type != TFLITE_FLOAT32) return tensor;
  for (uint32_t i = 0; i < s->n_ops; i++)
    for (uint32_t k = 0; k < s->ops[i].n_in; k++) {
      if (s->ops[i].in[k] != tensor) continue;
      readers++;
      if (quantises(&s->ops[i])) to = s->ops[i].out[0];
    }
  return readers == 1 && to != NONE ? to : tensor;
}

static bool floats(struct tflite *t, const struct tflite_tensor *v) {
  return err_set(t->err, "input \"%s\" is of type %s, expected INT8 or UINT8: %s", v->name,
                 tflite_type_text(v->type), QUANTISE);
}

// How the bytes of a picture become codes, where these say it: they stand for 0 .. 1 or 0 .. 255,
// each code for the value of one byte.
static struct source source_of(struct arena *a, const struct type *type,
                               struct tflite_shape shape) {
  static const double mean = 0, spreads[] = {1, 1 / 255.0}; // std
  bool picture = shape.rank == 2 || (shape.rank == 3 && (shape.size[2] == 1 || shape.size[2] == 3));
  struct source s = {0};
  for (int i = 0; picture && !s.channels && i < 2; i++) {
    int32_t *table = ARENA_NEW(a, int32_t, 256);
    bool fits = true;
    for (int p = 0; p < 256; p++) {
      table[p] = (int32_t)type_encode(type, p / 255.0 / spreads[i]);
      fits &= table[p] == type_lowest(type) + p;
    }
    if (fits)
      s = (struct source){
          .channels = 1, .mean = &mean, .std = &spreads[i], .tables = 1, .table = table};
  }
  return s;
}

static bool add_input(struct tflite *t, int32_t tensor) {
  int32_t id = entrance(t, tensor);
  const struct tflite_tensor *v = &t->sub->tensors[id];
  if (v->type != TFLITE_INT8 && v->type != TFLITE_UINT8) return floats(t, v);
  if (v->data.count || t->value[tensor] != NONE)
    return err_set(t->err, "input \"%s\" is a constant or stands twice", v->name);
  struct tflite_op none = {.code = NONE, .custom = "", .n_out = 1, .out = &id};
  t->op = &none;
  if (!tflite_is_stream(t, v, true)) return false;
  if (v->rank > 1 && !tflite_is_batch(v))
    return err_set(t->err,
                   "input \"%s\" has a batch of %lld, expected 1: convert it with batch_size = 1",
                   v->name, (long long)v->shape[0]);
  struct tflite_shape shape = tflite_frame(v);
  struct type type = tflite_type(t, v);
  uint32_t value = graph_add_value(t->graph, v->name, shape.rank, shape.size, type, true);
  graph_add_input(t->graph, value, source_of(t->arena, &type, shape));
  t->value[tensor] = (int32_t)value; // a QUANTIZE then has nothing to do
  return true;
}

// An output that no node gives becomes an identity's.
static bool add_output(struct tflite *t, int32_t tensor) {
  const struct tflite_tensor *v = &t->sub->tensors[tensor];
  if (t->value[tensor] == NONE)
    return err_set(t->err, "output \"%s\" is given by no operator", v->name);
  struct tflite_op last = {.code = NONE, .custom = "", .n_in = 1, .in = &tensor};
  t->op = &last;
  uint32_t value = tflite_value(t, 0, tflite_frame(v));
  if (t->graph->values[value].node == NONE) {
    const char *name = arena_printf(t->arena, "%s.output", v->name);
    uint32_t node = graph_add_node(t->graph, OP_identity, name);
    tflite_use(t, node, value);
    value = tflite_give(t, node, name, t->graph->values[value].type, tflite_frame(v));
  }
  graph_add_output(t->graph, value);
  return true;
}

static bool run(struct tflite *t) {
  const struct tflite_subgraph *s = t->sub;
  for (uint32_t i = 0; i < s->n_in; i++)
    if (!add_input(t, s->in[i])) return t->refusals->count > 0;
  for (t->index = 0; t->index < s->n_ops; t->index++) {
    t->op = &s->ops[t->index];
    if (!import(t)) return false;
  }
  for (uint32_t i = 0; !t->refusals->count && i < s->n_out; i++)
    if (!add_output(t, s->out[i])) return false;
  return flatbuffer_ok(&t->file->buffer);
}

// That of the file, without its folder and its ending.
static const char *name_of(struct arena *a, const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  int length = (int)(dot && dot > name ? dot - name : (ptrdiff_t)strlen(name));
  return length ? arena_printf(a, "%.*s", length, name) : "tflite";
}

bool tflite_is(const void *data, size_t size) {
  return size >= 8 && memcmp((const char *)data + 4, "TFL3", 4) == 0;
}

struct graph *tflite_parse(struct arena *a, const char *path, const void *data, size_t size,
                           struct refusals *r, struct err *e) {
  struct tflite t = {.arena = a, .refusals = r, .err = e};
  t.file = tflite_open(a, data, size, e);
  if (!t.file) return NULL;
  t.sub = &t.file->subgraphs[0];
  t.graph = graph_new(a, name_of(a, path));
  t.value = ARENA_NEW(a, int32_t, t.sub->n_tensors + 1);
  t.copied = -(COPIES_LEAST + COPIES_PER_BYTE * (int64_t)size);
  t.variable = ARENA_NEW(a, int32_t, t.sub->n_tensors + 1);
  t.sizes = ARENA_NEW(a, bool, t.sub->n_tensors + 1);
  for (uint32_t i = 0; i < t.sub->n_tensors; i++) t.value[i] = t.variable[i] = NONE;
  return run(&t) ? t.graph : NULL;
}
