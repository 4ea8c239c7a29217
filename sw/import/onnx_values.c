// SPDX-License-Identifier: Apache-2.0
// The values of an ONNX file by name; inputs, outputs and attributes of the current node.
#include "sw/import/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool onnx_is_one(const char *word, const char *const *list) {
  for (; *list; list++)
    if (strcmp(word, *list) == 0) return true;
  return false;
}

// ---- values

struct item *onnx_item(struct onnx *o, const char *name) {
  const json_t *found = json_object_get(o->names, name);
  return found ? &o->items[json_integer_value(found)] : NULL;
}

void onnx_put(struct onnx *o, const char *name, struct item item) {
  if (o->n_items == o->room) {
    o->room = o->room ? 2 * o->room : 256;
    struct item *items = ARENA_NEW(o->arena, struct item, o->room);
    if (o->n_items) memcpy(items, o->items, o->n_items * sizeof *items);
    o->items = items;
  }
  json_put(o->names, name, json_integer(o->n_items));
  o->items[o->n_items++] = item;
}

struct item *onnx_in(struct onnx *o, size_t i) {
  bool given = i < o->node->n_input && *o->node->input[i];
  return given ? onnx_item(o, o->node->input[i]) : NULL;
}

const struct tensor *onnx_constant(struct onnx *o, size_t i) {
  const struct item *x = onnx_in(o, i);
  return x && x->kind == ITEM_CONSTANT ? x->constant : NULL;
}

void onnx_set(struct onnx *o, size_t i, struct item item) {
  if (i < o->node->n_output && *o->node->output[i]) onnx_put(o, o->node->output[i], item);
}

void onnx_set_constant(struct onnx *o, size_t i, struct tensor *t) {
  o->folded += t->count;
  onnx_set(o, i, (struct item){.kind = ITEM_CONSTANT, .constant = t});
}

bool onnx_is_read(const struct onnx *o, size_t i) {
  return i < o->node->n_output && *o->node->output[i] &&
         json_object_get(o->reads, o->node->output[i]);
}

void onnx_set_stream(struct onnx *o, size_t i, struct stream s) {
  bool sole = i < o->node->n_output &&
              json_integer_value(json_object_get(o->reads, o->node->output[i])) == 1;
  onnx_set(o, i, (struct item){.kind = ITEM_STREAM, .stream = s, .sole = sole});
}

// ---- attributes

const Onnx__AttributeProto *onnx_attr(const struct onnx *o, const char *name) {
  for (size_t i = 0; i < o->node->n_attribute; i++)
    if (o->node->attribute[i]->name && strcmp(o->node->attribute[i]->name, name) == 0)
      return o->node->attribute[i];
  return NULL;
}

int64_t onnx_int(const struct onnx *o, const char *name, int64_t otherwise) {
  const Onnx__AttributeProto *a = onnx_attr(o, name);
  return a && a->has_i ? a->i : otherwise;
}

// The number that was meant by a float32: a sixth or the like, or that with the fewest digits, 0.01
// and not 0.00999999977.
double onnx_number(float v) {
  char text[32];
  double found = (double)v;
  for (int under = 3; under <= 12; under++) {
    double over = rint((double)v * under);
    if (fabs(over) < 1000 && (float)(over / under) == v) return over / under;
  }
  for (int digits = 6; digits <= 9 && isfinite(v); digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)v);
    found = strtod(text, NULL);
    if ((float)found == v) break;
  }
  return found;
}

double onnx_real(const struct onnx *o, const char *name, double otherwise) {
  const Onnx__AttributeProto *a = onnx_attr(o, name);
  return a && a->has_f ? onnx_number(a->f) : otherwise;
}

const char *onnx_text(struct onnx *o, const char *name, const char *otherwise) {
  const Onnx__AttributeProto *a = onnx_attr(o, name);
  if (!a || !a->has_s) return otherwise;
  return arena_printf(o->arena, "%.*s", (int)(a->s.len < 256 ? a->s.len : 256),
                      (const char *)a->s.data);
}

bool onnx_ints(struct onnx *o, const char *name, size_t i, int64_t *count, const int64_t **list) {
  const Onnx__AttributeProto *a = onnx_attr(o, name);
  const struct tensor *t = onnx_constant(o, i);
  *count = 0;
  *list = NULL;
  if (a) {
    *count = (int64_t)a->n_ints;
    *list = a->ints;
  } else if (t) {
    int64_t *ints = ARENA_NEW(o->arena, int64_t, t->count + 1);
    bool real = t->dtype == DTYPE_F32 || t->dtype == DTYPE_F64;
    for (int64_t k = 0; k < t->count; k++)
      ints[k] = real ? fix_from_real(tensor_real(t, k), INT32_MIN, INT32_MAX) : tensor_int(t, k);
    *count = t->count;
    *list = ints;
  } else if (onnx_in(o, i)) {
    return onnx_refuse(o, "export with fixed shapes", "%s is computed from data", name);
  }
  return true;
}

bool onnx_axis(struct onnx *o, int64_t axis, int rank, int *found) {
  int64_t whole = axis < 0 ? axis + rank + 1 : axis;
  *found = whole >= 1 && whole <= rank ? (int)whole - 1 : 0;
  if (whole >= 1 && whole <= rank) return true;
  if (whole == 0)
    return onnx_refuse(o, "keep the images of a batch apart", "it works along axis 0, the batch");
  return onnx_refuse(o, "check the file", "axis %lld of an array of %d axes", (long long)axis,
                     rank + 1);
}
