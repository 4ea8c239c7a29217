// SPDX-License-Identifier: Apache-2.0
// Shapes, values and nodes for the operators' functions.
#include "sw/import/tflite_parts.h"

#include <math.h>
#include <string.h>

// ---- shapes

struct tflite_shape tflite_whole(const struct tflite_tensor *v) {
  struct tflite_shape s = {.rank = v->rank};
  memcpy(s.size, v->shape, sizeof s.size);
  return s;
}

bool tflite_is_batch(const struct tflite_tensor *v) {
  return v->rank > 1 && v->shape[0] == 1;
}

struct tflite_shape tflite_frame(const struct tflite_tensor *v) {
  struct tflite_shape s = tflite_whole(v);
  if (!tflite_is_batch(v)) return s;
  s.rank--;
  memmove(s.size, s.size + 1, (size_t)s.rank * sizeof *s.size);
  return s;
}

int tflite_axis(struct tflite *t, const struct tflite_tensor *v, int64_t axis) {
  int64_t found = axis < 0 ? axis + v->rank : axis;
  if (found >= 0 && found < v->rank) return (int)found;
  err_put(t->err, "axis %lld of \"%s\", whose rank is %d", (long long)axis, v->name, v->rank);
  return NONE;
}

// ---- types and constants

struct type tflite_type(struct tflite *t, const struct tflite_tensor *v) {
  double scale = v->scales ? tflite_scale(v, 0) : 1;
  return type_fixed(t->arena, 8, v->type != TFLITE_UINT8, scale, (int32_t)tflite_zero(v, 0));
}

bool tflite_take(struct tflite *t, int64_t bytes) {
  t->copied += bytes;
  return t->copied <= 0 || err_set(t->err, "constants are shared so often that they are far more "
                                           "than the file");
}

const int64_t *tflite_list(struct tflite *t, uint32_t k, int64_t *count) {
  const struct tflite_tensor *v = tflite_in(t, k);
  bool integers =
      v && (v->type == TFLITE_INT32 || v->type == TFLITE_INT64 || v->type == TFLITE_INT8);
  if (!integers || !v->data.count) {
    tflite_refuse(t, "convert the model with static shapes",
                  "input %u isn't a constant list of integers", k);
    return NULL;
  }
  *count = tflite_elements(v);
  if (!tflite_take(t, *count * (int64_t)sizeof(int64_t))) return NULL;
  int64_t *list = ARENA_NEW(t->arena, int64_t, *count + 1);
  for (int64_t i = 0; i < *count; i++) list[i] = tflite_integer(v, i);
  return list;
}

uint32_t tflite_constant(struct tflite *t, const char *what, struct tensor *data,
                         struct type type) {
  return graph_add_tensor(t->graph, arena_printf(t->arena, "%s.%s", tflite_name(t), what), data,
                          type);
}

static struct tensor *copy_of(struct tflite *t, const struct tflite_tensor *v,
                              struct tflite_shape shape, enum dtype dtype) {
  struct tensor *data = tensor_new(t->arena, dtype, shape.rank, shape.size);
  for (int64_t i = 0; i < data->count; i++) tensor_set_int(data, i, tflite_integer(v, i));
  return data;
}

static uint32_t constant_of(struct tflite *t, uint32_t k, struct tflite_shape shape) {
  const struct tflite_tensor *v = tflite_in(t, k);
  struct type type = tflite_type(t, v);
  if (!tflite_take(t, tflite_elements(v))) shape.rank = 0;
  return tflite_constant(t, arena_printf(t->arena, "in%u", k),
                         copy_of(t, v, shape, dtype_for(&type)), type);
}

// ---- values

static bool is_shape(const struct value *v, const struct tflite_shape *s) {
  return v->rank == s->rank && memcmp(v->shape, s->size, (size_t)s->rank * sizeof *s->size) == 0;
}

uint32_t tflite_value(struct tflite *t, uint32_t k, struct tflite_shape shape) {
  int32_t value = t->value[t->op->in[k]];
  if (value == NONE) return constant_of(t, k, shape);
  const struct value *v = &t->graph->values[value];
  if (is_shape(v, &shape)) return (uint32_t)value;
  const char *name = arena_printf(t->arena, "%s.shape%u", tflite_name(t), k);
  uint32_t node = graph_add_node(t->graph, OP_reshape, name);
  graph_add_ints(t->graph, node, ATTR_shape, shape.rank, shape.size);
  tflite_use(t, node, (uint32_t)value);
  return tflite_give(t, node, name, t->graph->values[value].type, shape);
}

void tflite_use(struct tflite *t, uint32_t node, uint32_t value) {
  graph_add_use(t->graph, node, (struct use){value, 0, NONE});
}

// Once per frame, if one of its inputs is.
uint32_t tflite_give(struct tflite *t, uint32_t node, const char *name, struct type type,
                     struct tflite_shape shape) {
  const struct node *n = &t->graph->nodes[node];
  bool frames = false;
  for (uint32_t i = 0; i < n->n_in; i++) frames |= t->graph->values[n->in[i].value].per_frame;
  uint32_t value = graph_add_value(t->graph, name, shape.rank, shape.size, type, frames);
  graph_add_out(t->graph, node, value);
  return value;
}

void tflite_alias(struct tflite *t, uint32_t k, uint32_t value) {
  t->value[t->op->out[k]] = (int32_t)value;
}

void tflite_requant(struct tflite *t, uint32_t node, int64_t mul, int32_t shift) {
  graph_add_requant(t->graph, node, 1, &mul, &shift);
}

// ---- fused activations

// zero + round(v / scale) in floats, ties away from 0.
static int64_t bound(const struct tflite_tensor *y, float v) {
  return tflite_zero(y, 0) +
         (int64_t)fminf(fmaxf(roundf(v / (float)tflite_scale(y, 0)), -1e6F), 1e6F);
}

static bool bounds(struct tflite *t, int activation, struct tflite_node *n) {
  const struct tflite_tensor *y = tflite_out(t, 0);
  struct type type = tflite_type(t, y);
  int64_t lowest = type_lowest(&type), highest = type_highest(&type);
  n->lo = activation == TFLITE_NONE ? lowest : bound(y, activation == TFLITE_RELU_N1_TO_1 ? -1 : 0);
  n->hi = activation == TFLITE_NONE || activation == TFLITE_RELU
              ? highest
              : bound(y, activation == TFLITE_RELU6 ? 6 : 1);
  n->lo = n->lo < lowest ? lowest : n->lo;
  n->hi = n->hi > highest ? highest : n->hi;
  n->clamped = n->lo > lowest || n->hi < highest;
  return (activation >= TFLITE_NONE && activation <= TFLITE_RELU6) ||
         tflite_refuse(t, "use relu, relu6 or no activation", "fused activation %d of the schema",
                       activation);
}

bool tflite_begin(struct tflite *t, enum op kind, int activation, struct tflite_node *n) {
  if (!bounds(t, activation, n)) return false;
  const char *name = tflite_name(t);
  if (n->clamped) name = arena_printf(t->arena, "%s.unclamped", name);
  n->id = graph_add_node(t->graph, kind, name);
  graph_add_origin(t->graph, n->id, tflite_out(t, 0)->name);
  return true;
}

// A clamp changes no code between its bounds: input and output have one type.
static uint32_t add_clamp(struct tflite *t, const struct tflite_node *n, uint32_t value) {
  const struct type type = t->graph->values[value].type;
  bool relu = n->lo == type_zero(&type, 0) && n->hi == type_highest(&type);
  uint32_t node = graph_add_node(t->graph, relu ? OP_relu : OP_clip, tflite_name(t));
  graph_add_origin(t->graph, node, tflite_out(t, 0)->name);
  tflite_use(t, node, value);
  if (relu) return node;
  graph_add_real(t->graph, node, ATTR_lo, type_value(&type, 0, n->lo));
  graph_add_real(t->graph, node, ATTR_hi, type_value(&type, 0, n->hi));
  graph_add_ints(t->graph, node, ATTR_codes, 2, (int64_t[]){n->lo, n->hi});
  return node;
}

void tflite_end(struct tflite *t, const struct tflite_node *n, struct tflite_shape shape) {
  struct type type = tflite_type(t, tflite_out(t, 0));
  uint32_t value = tflite_give(t, n->id, t->graph->nodes[n->id].name, type, shape);
  if (n->clamped) value = tflite_give(t, add_clamp(t, n, value), tflite_name(t), type, shape);
  tflite_alias(t, 0, value);
}
