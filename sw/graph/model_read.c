// SPDX-License-Identifier: Apache-2.0
// Graph JSON, version 1, to a graph. Unknown keys, unknown names, unused tensors are errors.
#include "sw/base/json.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
  struct arena *arena;
  struct graph *graph;
  const struct safetensors *file;
  char *used;     // (file->count)
  json_t *values; // name -> id, so that a look-up doesn't scan
  json_t *nodes;  // name -> id
  struct err *err;
};

static struct tensor *take(struct reader *r, const char *name) {
  struct tensor *t = safetensors_find(r->file, name);
  if (!t) {
    err_set(r->err, "tensor \"%s\" isn't in the file", name);
    return NULL;
  }
  for (uint32_t i = 0; i < r->file->count; i++)
    if (r->file->tensors[i].tensor == t) r->used[i] = 1;
  return t;
}

// A tensor of one dtype and rank 1 that only carries numbers (scales, multipliers, tables).
static struct tensor *take_list(struct reader *r, const char *name, enum dtype dtype) {
  struct tensor *t = take(r, name);
  if (!t) return NULL;
  if (t->dtype == dtype && t->rank == 1 && t->count > 0) return t;
  err_set(r->err, "tensor \"%s\": expected a list of %s, found %s of rank %d", name,
          dtype_text(dtype), dtype_text(t->dtype), t->rank);
  return NULL;
}

static bool add_name(struct reader *r, json_t *map, const char *name, uint32_t id) {
  if (json_object_get(map, name)) return err_set(r->err, "the name \"%s\" stands twice", name);
  json_object_set_new(map, name, json_integer(id));
  return true;
}

static bool find_value(struct reader *r, const json_t *name, uint32_t *id) {
  const char *text = json_string_value(name);
  const json_t *found = text ? json_object_get(r->values, text) : NULL;
  if (!found) return err_set(r->err, "there is no value named \"%s\"", text ? text : "?");
  *id = (uint32_t)json_integer_value(found);
  return true;
}

// ---- types

static bool read_scales(struct reader *r, const json_t *j, int64_t *count, const double **out) {
  if (json_is_string(j)) {
    const struct tensor *t = take_list(r, json_string_value(j), DTYPE_F64);
    if (!t) return false;
    *count = t->count;
    *out = t->data;
    return true;
  }
  if (!json_is_number(j)) return err_set(r->err, "type: scale is neither a number nor a name");
  double *one = ARENA_NEW(r->arena, double, 1);
  *one = json_number_value(j);
  *count = 1;
  *out = one;
  return true;
}

static bool read_zeros(struct reader *r, const json_t *j, int64_t count, const int32_t **out) {
  if (json_is_string(j)) {
    const struct tensor *t = take_list(r, json_string_value(j), DTYPE_I32);
    if (!t) return false;
    if (t->count != count)
      return err_set(r->err, "type: %lld zeros for %lld scales", (long long)t->count,
                     (long long)count);
    *out = t->data;
    return true;
  }
  json_int_t zero = json_integer_value(j);
  if ((j && !json_is_integer(j)) || zero < INT32_MIN || zero > INT32_MAX)
    return err_set(r->err, "type: zero is neither a 32-bit integer nor a name");
  int32_t *all = ARENA_NEW(r->arena, int32_t, count);
  for (int64_t i = 0; i < count; i++) all[i] = (int32_t)zero;
  *out = all;
  return true;
}

static bool read_long_type(struct reader *r, const json_t *j, struct type *t) {
  static const char *const keys[] = {"fixed", "scale", "zero", "axis", NULL};
  if (!json_only(j, keys, "type", r->err)) return false;
  const char *fixed = json_string_value(json_object_get(j, "fixed"));
  char *end = NULL;
  bool is_signed = fixed && fixed[0] == 's';
  bool digit = fixed && (fixed[0] == 's' || fixed[0] == 'u') && fixed[1] >= '1' && fixed[1] <= '9';
  long width = digit ? strtol(fixed + 1, &end, 10) : 0;
  if (!digit || *end || width > 62 || width < (is_signed ? 2 : 1))
    return err_set(r->err, "type: \"%s\", expected s2..s62 or u1..u62", fixed ? fixed : "?");
  const json_t *axis = json_object_get(j, "axis");
  if (axis && (!json_is_integer(axis) || json_integer_value(axis) < -1 ||
               json_integer_value(axis) >= RANK_MAX))
    return err_set(r->err, "type: axis, expected an integer from -1 to %d", RANK_MAX - 1);
  *t = (struct type){.cls = TYPE_FIXED, .width = (uint8_t)width, .is_signed = is_signed};
  t->axis = axis ? (int8_t)json_integer_value(axis) : -1;
  if (!read_scales(r, json_object_get(j, "scale"), &t->channels, &t->scale) ||
      !read_zeros(r, json_object_get(j, "zero"), t->channels, &t->zero))
    return false;
  if (t->axis < 0 && t->channels != 1)
    return err_set(r->err, "type: %lld scales but no axis", (long long)t->channels);
  for (int64_t i = 0; i < t->channels; i++)
    if (t->zero[i] < type_lowest(t) || t->zero[i] > type_highest(t))
      return err_set(r->err, "type: zero %d lies outside of %s", t->zero[i], fixed);
  return true;
}

static bool read_type(struct reader *r, const json_t *j, struct type *t) {
  static const enum type_class classes[] = {TYPE_REAL, TYPE_REF, TYPE_BIPOLAR, TYPE_TERNARY};
  const char *text = json_string_value(j);
  if (!text) return read_long_type(r, j, t);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    *t = type_of_class(classes[i]);
    if (strcmp(text, type_text(r->arena, t)) == 0) return true;
  }
  if (type_parse_short(r->arena, text, t)) return true;
  return err_set(r->err, "type \"%s\", expected real, ref, bipolar, ternary, W,F or uW,F", text);
}

static bool read_shape(struct reader *r, const json_t *j, int *rank, int64_t *shape) {
  if (!json_is_array(j) || json_array_size(j) > RANK_MAX)
    return err_set(r->err, "shape: expected a list of at most %d dimensions", RANK_MAX);
  *rank = (int)json_array_size(j);
  for (int d = 0; d < *rank; d++) {
    const json_t *size = json_array_get(j, (size_t)d);
    shape[d] = json_is_integer(size) ? json_integer_value(size) : 0;
    if (shape[d] < 1 || shape[d] > DIM_MAX)
      return err_set(r->err, "shape: dimension %d, expected 1 to %lld", d, (long long)DIM_MAX);
  }
  return true;
}

// ---- values

static bool read_tensor(struct reader *r, const char *name, const json_t *j) {
  static const char *const keys[] = {"type", "axis_of_out", "mask", NULL};
  struct type type;
  if (!json_only(j, keys, "entry", r->err) || !read_type(r, json_object_get(j, "type"), &type))
    return false;
  const json_t *axis = json_object_get(j, "axis_of_out"), *mask = json_object_get(j, "mask");
  if (axis && (!json_is_integer(axis) || json_integer_value(axis) != 0))
    return err_set(r->err, "axis_of_out: expected 0, weights are (OUT, IN)");
  struct tensor *t = take(r, name);
  if (!t) return false;
  uint32_t id = graph_add_tensor(r->graph, name, t, type);
  if (mask && !json_is_string(mask)) return err_set(r->err, "mask: expected a name");
  if (mask && !(r->graph->values[id].mask = take(r, json_string_value(mask)))) return false;
  return add_name(r, r->values, name, id);
}

static bool read_value(struct reader *r, const json_t *j, bool per_frame, uint32_t *id) {
  struct type type;
  int rank = 0;
  int64_t shape[RANK_MAX];
  const char *name = json_string_value(json_object_get(j, "name"));
  if (!name) return err_set(r->err, "name: expected a string");
  if (!read_shape(r, json_object_get(j, "shape"), &rank, shape) ||
      !read_type(r, json_object_get(j, "type"), &type))
    return err_within(r->err, "value \"%s\"", name);
  *id = graph_add_value(r->graph, name, rank, shape, type, per_frame);
  return add_name(r, r->values, name, *id);
}

static bool read_reals(struct reader *r, const json_t *j, const char *what, int64_t *count,
                       const double **out) {
  size_t n = json_array_size(j);
  if (n < 1 || n > DIM_MAX) return err_set(r->err, "%s: expected a list of numbers", what);
  double *list = ARENA_NEW(r->arena, double, n);
  for (size_t i = 0; i < n; i++) {
    if (!json_is_number(json_array_get(j, i)))
      return err_set(r->err, "%s: element %zu isn't a number", what, i);
    list[i] = json_number_value(json_array_get(j, i));
  }
  *count = (int64_t)n;
  *out = list;
  return true;
}

static bool read_source(struct reader *r, const json_t *j, struct source *s) {
  static const char *const keys[] = {"type", "mean", "std", "table", NULL};
  *s = (struct source){0};
  if (!j) return true;
  if (!json_only(j, keys, "source", r->err)) return false;
  const char *type = json_string_value(json_object_get(j, "type"));
  if (!type || strcmp(type, "u8") != 0)
    return err_set(r->err, "source: type \"%s\", expected u8", type ? type : "?");
  int64_t deviations;
  if (!read_reals(r, json_object_get(j, "mean"), "source: mean", &s->channels, &s->mean) ||
      !read_reals(r, json_object_get(j, "std"), "source: std", &deviations, &s->std))
    return false;
  if (deviations != s->channels)
    return err_set(r->err, "source: %lld means, %lld deviations", (long long)s->channels,
                   (long long)deviations);
  const json_t *table = json_object_get(j, "table");
  if (!table) return true;
  if (!json_is_string(table)) return err_set(r->err, "source: table: expected a name");
  const struct tensor *t = take(r, json_string_value(table));
  if (!t) return false;
  if (t->dtype != DTYPE_I32 || t->rank < 1 || t->rank > 2 || t->shape[t->rank - 1] != 256 ||
      t->count == 0)
    return err_set(r->err, "source: table \"%s\": expected I32 (256) or (channels, 256)",
                   json_string_value(table));
  s->tables = t->count / 256;
  s->table = t->data;
  return true;
}

static bool read_input(struct reader *r, const json_t *j) {
  static const char *const keys[] = {"name", "shape", "type", "source", NULL};
  struct source source;
  uint32_t id;
  if (!json_only(j, keys, "input", r->err) || !read_value(r, j, true, &id) ||
      !read_source(r, json_object_get(j, "source"), &source))
    return false;
  graph_add_input(r->graph, id, source);
  return true;
}

// ---- nodes

static bool read_outputs(struct reader *r, uint32_t node, const json_t *list) {
  static const char *const keys[] = {"name", "shape", "type", "per_frame", NULL};
  size_t i;
  json_t *j;
  json_array_foreach((json_t *)list, i, j) {
    const json_t *frames = json_object_get(j, "per_frame");
    uint32_t id;
    if (!json_only(j, keys, "output", r->err)) return false;
    if (frames && !json_is_boolean(frames))
      return err_set(r->err, "per_frame: expected true or false");
    if (!read_value(r, j, !frames || json_is_true(frames), &id)) return false;
    graph_add_out(r->graph, node, id);
  }
  return true;
}

// What a node uses without delay stands before it.
static bool read_use(struct reader *r, uint32_t node, const json_t *j) {
  static const char *const keys[] = {"value", "delay", "initial", NULL};
  struct use use = {.initial = NONE};
  uint32_t initial;
  if (json_is_string(j)) {
    if (!find_value(r, j, &use.value)) return false;
  } else {
    const json_t *delay = json_object_get(j, "delay");
    if (!json_only(j, keys, "use", r->err) ||
        !find_value(r, json_object_get(j, "value"), &use.value) ||
        !find_value(r, json_object_get(j, "initial"), &initial))
      return false;
    if (!json_is_integer(delay) || json_integer_value(delay) < 1 ||
        json_integer_value(delay) > 1 << 16)
      return err_set(r->err, "delay: expected an integer from 1 to 65536");
    use.delay = (uint32_t)json_integer_value(delay);
    use.initial = (int32_t)initial;
  }
  const struct value *v = &r->graph->values[use.value];
  if (!use.delay && v->node != NONE && (uint32_t)v->node >= node)
    return err_set(r->err, "uses \"%s\" before it is made", v->name);
  graph_add_use(r->graph, node, use);
  return true;
}

static bool read_ref(struct reader *r, uint32_t node, const json_t *j) {
  uint32_t id;
  if (!find_value(r, j, &id)) return false;
  const struct value *v = &r->graph->values[id];
  if (v->node != NONE && (uint32_t)v->node >= node)
    return err_set(r->err, "uses \"%s\" before it is made", v->name);
  graph_add_ref(r->graph, node, id);
  return true;
}

static bool read_after(struct reader *r, uint32_t node, const json_t *j) {
  static const char *const keys[] = {"node", "delay", NULL};
  const char *name = json_string_value(json_object_get(j, "node"));
  const json_t *found = name ? json_object_get(r->nodes, name) : NULL;
  const json_t *delay = json_object_get(j, "delay");
  if (!json_only(j, keys, "after", r->err)) return false;
  if (!found) return err_set(r->err, "after: there is no node named \"%s\"", name ? name : "?");
  if (delay && (!json_is_integer(delay) || json_integer_value(delay) < 0 ||
                json_integer_value(delay) > 1 << 16))
    return err_set(r->err, "after: delay: expected an integer from 0 to 65536");
  struct after after = {(uint32_t)json_integer_value(found),
                        (uint32_t)(delay ? json_integer_value(delay) : 0)};
  if (!after.delay && after.node >= node)
    return err_set(r->err, "after: \"%s\" stands later in the file", name);
  graph_add_after(r->graph, node, after);
  return true;
}

static bool read_ints(struct reader *r, const char *key, const json_t *j, struct attr *a) {
  bool list = json_is_array(j);
  a->count = list ? (int64_t)json_array_size(j) : 1;
  int64_t *ints = ARENA_NEW(r->arena, int64_t, a->count);
  for (int64_t i = 0; i < a->count; i++) {
    const json_t *v = list ? json_array_get(j, (size_t)i) : j;
    if (!json_is_integer(v)) return err_set(r->err, "attribute \"%s\": expected integers", key);
    ints[i] = json_integer_value(v);
  }
  a->ints = ints;
  return true;
}

static bool read_attr(struct reader *r, uint32_t node, const char *key, const json_t *j) {
  int name = attr_find(key);
  if (name == NONE) return err_set(r->err, "unknown attribute \"%s\"", key);
  struct attr *a = graph_add_attr(r->graph, node, (enum attr_name)name);
  const char *text = json_string_value(j);
  switch (attr_kind(a->name)) {
  case ATTR_INT:
    return json_is_integer(j) ? read_ints(r, key, j, a)
                              : err_set(r->err, "attribute \"%s\": expected an integer", key);
  case ATTR_INTS:
    return json_is_array(j) ? read_ints(r, key, j, a)
                            : err_set(r->err, "attribute \"%s\": expected a list", key);
  case ATTR_REAL:
    a->real = json_number_value(j);
    return json_is_number(j) || err_set(r->err, "attribute \"%s\": expected a number", key);
  case ATTR_TENSOR:
    if (!text) return err_set(r->err, "attribute \"%s\": expected a name", key);
    return (a->tensor = take(r, text)) != NULL;
  case ATTR_VALUE:
    if (!find_value(r, j, &a->value)) return false;
    return r->graph->values[a->value].init ||
           err_set(r->err, "attribute \"%s\": \"%s\" isn't a tensor", key, text);
  case ATTR_TEXT:
    a->text = text ? arena_strdup(r->arena, text) : NULL;
    return text || err_set(r->err, "attribute \"%s\": expected a string", key);
  }
  return false;
}

static bool read_requant(struct reader *r, uint32_t node, const json_t *j) {
  static const char *const keys[] = {"mul", "shift", NULL};
  const json_t *mul = json_object_get(j, "mul"), *shift = json_object_get(j, "shift");
  if (!json_only(j, keys, "requant", r->err)) return false;
  struct tensor *m = NULL, *s = NULL;
  if (json_is_string(mul) && !(m = take_list(r, json_string_value(mul), DTYPE_I64))) return false;
  if (json_is_string(shift) && !(s = take_list(r, json_string_value(shift), DTYPE_I32)))
    return false;
  if ((!m && !json_is_integer(mul)) || (!s && !json_is_integer(shift)))
    return err_set(r->err, "requant: mul and shift are integers or names");
  int64_t count = m ? m->count : s ? s->count : 1;
  if (m && s && s->count != count)
    return err_set(r->err, "requant: %lld multipliers, %lld shifts", (long long)count,
                   (long long)s->count);
  int64_t *muls = ARENA_NEW(r->arena, int64_t, count);
  int32_t *shifts = ARENA_NEW(r->arena, int32_t, count);
  for (int64_t i = 0; i < count; i++) {
    muls[i] = m ? tensor_int(m, i) : json_integer_value(mul);
    int64_t by = s ? tensor_int(s, i) : json_integer_value(shift);
    shifts[i] = by < -1000 || by > 1000 ? 1000 : (int32_t)by;
  }
  graph_add_requant(r->graph, node, count, muls, shifts);
  return true;
}

static bool read_words(struct reader *r, struct node *n, const json_t *j) {
  const json_t *rounding = json_object_get(j, "rounding"),
               *overflow = json_object_get(j, "overflow");
  const json_t *where = json_object_get(j, "where");
  int found = rounding
                  ? fix_rounding_find(json_is_string(rounding) ? json_string_value(rounding) : "")
                  : FIX_HALF_EVEN;
  if (found < 0) return err_set(r->err, "rounding: unknown mode");
  n->rounding = (enum fix_rounding)found;
  found = overflow ? fix_overflow_find(json_is_string(overflow) ? json_string_value(overflow) : "")
                   : FIX_SATURATE;
  if (found < 0) return err_set(r->err, "overflow: unknown mode");
  n->overflow = (enum fix_overflow)found;
  const char *place = where ? json_string_value(where) : "circuit";
  if (!place || (strcmp(place, "circuit") != 0 && strcmp(place, "host") != 0))
    return err_set(r->err, "where: expected \"circuit\" or \"host\"");
  n->where = strcmp(place, "host") == 0 ? WHERE_HOST : WHERE_CIRCUIT;
  return true;
}

// Calls `read` for each element of an optional list.
static bool each(struct reader *r, uint32_t node, const json_t *j, const char *key,
                 bool (*read)(struct reader *, uint32_t, const json_t *)) {
  const json_t *list = json_object_get(j, key);
  if (!list) return true;
  if (!json_is_array(list)) return err_set(r->err, "%s: expected a list", key);
  for (size_t i = 0; i < json_array_size(list); i++)
    if (!read(r, node, json_array_get(list, i))) return false;
  return true;
}

static bool read_origin(struct reader *r, uint32_t node, const json_t *j) {
  if (!json_is_string(j)) return err_set(r->err, "origin: expected strings");
  graph_add_origin(r->graph, node, json_string_value(j));
  return true;
}

static bool read_node(struct reader *r, uint32_t node, const json_t *j) {
  const char *key;
  json_t *value;
  if (!each(r, node, j, "inputs", read_use) || !each(r, node, j, "refs", read_ref) ||
      !each(r, node, j, "after", read_after) || !each(r, node, j, "requant", read_requant) ||
      !each(r, node, j, "origin", read_origin) || !read_words(r, &r->graph->nodes[node], j))
    return false;
  const json_t *attrs = json_object_get(j, "attrs");
  if (attrs && !json_is_object(attrs)) return err_set(r->err, "attrs: expected an object");
  json_object_foreach((json_t *)attrs, key, value) {
    if (!read_attr(r, node, key, value)) return false;
  }
  return true;
}

static bool declare_node(struct reader *r, const json_t *j) {
  static const char *const keys[] = {"op",     "name",    "inputs",   "refs",     "outputs",
                                     "attrs",  "requant", "rounding", "overflow", "after",
                                     "origin", "where",   NULL};
  const char *op = json_string_value(json_object_get(j, "op"));
  const char *name = json_string_value(json_object_get(j, "name"));
  if (!name) return err_set(r->err, "a node has no name");
  int kind = op ? op_find(op) : NONE;
  if (kind == NONE) {
    err_set(r->err, "unknown op \"%s\"", op ? op : "?");
    return err_within(r->err, "layer \"%s\"", name);
  }
  uint32_t node = graph_add_node(r->graph, (enum op)kind, name);
  const json_t *outputs = json_object_get(j, "outputs");
  bool ok = json_only(j, keys, "node", r->err) &&
            (!outputs || json_is_array(outputs) || err_set(r->err, "outputs: expected a list")) &&
            add_name(r, r->nodes, name, node) && read_outputs(r, node, outputs);
  return ok || err_within(r->err, "layer \"%s\"", name);
}

static bool read_lists(struct reader *r, const json_t *root) {
  const json_t *inputs = json_object_get(root, "inputs"), *nodes = json_object_get(root, "nodes");
  const json_t *outputs = json_object_get(root, "outputs");
  if (!json_is_array(inputs) || !json_is_array(nodes) || !json_is_array(outputs))
    return err_set(r->err, "inputs, nodes and outputs: expected lists");
  size_t i;
  json_t *j;
  json_array_foreach((json_t *)inputs, i, j) {
    if (!read_input(r, j)) return false;
  }
  json_array_foreach((json_t *)nodes, i, j) {
    if (!declare_node(r, j)) return false;
  }
  json_array_foreach((json_t *)nodes, i, j) {
    if (!read_node(r, (uint32_t)i, j))
      return err_within(r->err, "layer \"%s\"", r->graph->nodes[i].name);
  }
  json_array_foreach((json_t *)outputs, i, j) {
    uint32_t id;
    if (!find_value(r, j, &id)) return err_within(r->err, "outputs");
    graph_add_output(r->graph, id);
  }
  return true;
}

static bool read_graph(struct reader *r, const json_t *root) {
  static const char *const keys[] = {"name", "inputs", "tensors", "nodes", "outputs", NULL};
  const char *name = json_string_value(json_object_get(root, "name")), *key;
  const json_t *tensors = json_object_get(root, "tensors");
  json_t *value;
  if (!json_only(root, keys, "graph", r->err)) return false;
  if (!name) return err_set(r->err, "the graph has no name");
  r->graph = graph_new(r->arena, name);
  if (tensors && !json_is_object(tensors)) return err_set(r->err, "tensors: expected an object");
  json_object_foreach((json_t *)tensors, key, value) {
    if (!read_tensor(r, key, value)) return err_within(r->err, "tensor \"%s\"", key);
  }
  if (!read_lists(r, root)) return false;
  for (uint32_t i = 0; i < r->file->count; i++)
    if (!r->used[i]) return err_set(r->err, "tensor \"%s\" is not used", r->file->tensors[i].name);
  return graph_verify(r->graph, r->err);
}

static bool check_version(const struct safetensors *file, struct err *e) {
  const char *format = safetensors_metadata(file, "format");
  const char *version = safetensors_metadata(file, "nngen.version");
  if (!format || strcmp(format, "nngen") != 0)
    return err_set(e,
                   "a safetensors file without an nngen graph (metadata \"format\": \"%s\", "
                   "expected \"nngen\")",
                   format ? format : "");
  if (!version || strcmp(version, "1") != 0)
    return err_set(e, "graph version \"%s\", this program reads version 1", version ? version : "");
  return safetensors_metadata(file, "nngen.graph") || err_set(e, "metadata has no \"nngen.graph\"");
}

struct graph *model_parse(struct arena *a, const void *data, size_t size, struct err *e) {
  struct safetensors file;
  if (!safetensors_parse(a, data, size, &file, e) || !check_version(&file, e)) return NULL;
  const char *text = safetensors_metadata(&file, "nngen.graph");
  json_t *root = json_parse(text, strlen(text), e);
  if (!root) {
    err_within(e, "nngen.graph");
    return NULL;
  }
  struct reader r = {
      a, NULL, &file, ARENA_NEW(a, char, file.count + 1), json_object(), json_object(), e};
  bool ok = read_graph(&r, root);
  json_decref(r.values);
  json_decref(r.nodes);
  json_decref(root);
  return ok ? r.graph : NULL;
}

struct graph *model_read(struct arena *a, const char *path, struct err *e) {
  struct bytes bytes;
  if (!file_read(a, path, MODEL_BYTES_MAX, &bytes, e)) return NULL;
  struct graph *g = model_parse(a, bytes.data, bytes.size, e);
  if (!g) err_within(e, "%s", path);
  return g;
}
