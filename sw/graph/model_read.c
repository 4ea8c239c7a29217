// SPDX-License-Identifier: Apache-2.0
// Graph JSON, version 1, to a graph. Unknown keys, unknown names, unused tensors are errors.
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/graph/model_reader.h"

#include <string.h>

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
    if (!reader_value(r, j, !frames || json_is_true(frames), &id)) return false;
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
    if (!reader_find_value(r, j, &use.value)) return false;
  } else {
    const json_t *delay = json_object_get(j, "delay");
    if (!json_only(j, keys, "use", r->err) ||
        !reader_find_value(r, json_object_get(j, "value"), &use.value) ||
        !reader_find_value(r, json_object_get(j, "initial"), &initial))
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
  if (!reader_find_value(r, j, &id)) return false;
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

// An attribute that names a node before this one.
static bool read_earlier(struct reader *r, uint32_t node, const char *key, const char *name,
                         uint32_t *id) {
  const json_t *found = name ? json_object_get(r->nodes, name) : NULL;
  if (!found)
    return err_set(r->err, "attribute \"%s\": there is no node named \"%s\"", key,
                   name ? name : "?");
  *id = (uint32_t)json_integer_value(found);
  return *id < node ||
         err_set(r->err, "attribute \"%s\": \"%s\" stands later in the file", key, name);
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
    return (a->tensor = reader_take(r, text)) != NULL;
  case ATTR_VALUE:
    if (!reader_find_value(r, j, &a->value)) return false;
    return r->graph->values[a->value].init ||
           err_set(r->err, "attribute \"%s\": \"%s\" isn't a tensor", key, text);
  case ATTR_NODE:
    return read_earlier(r, node, key, text, &a->value);
  case ATTR_TEXT:
    a->text = text ? arena_strdup(r->arena, text) : NULL;
    return text || err_set(r->err, "attribute \"%s\": expected a string", key);
  case ATTR_TYPE:
    return reader_type(r, j, &a->type) || err_within(r->err, "attribute \"%s\"", key);
  }
  return false;
}

static bool read_requant(struct reader *r, uint32_t node, const json_t *j) {
  static const char *const keys[] = {"mul", "shift", NULL};
  const json_t *mul = json_object_get(j, "mul"), *shift = json_object_get(j, "shift");
  if (!json_only(j, keys, "requant", r->err)) return false;
  struct tensor *m = NULL, *s = NULL;
  if (json_is_string(mul) && !(m = reader_take_list(r, json_string_value(mul), DTYPE_I64)))
    return false;
  if (json_is_string(shift) && !(s = reader_take_list(r, json_string_value(shift), DTYPE_I32)))
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
  if (found < 0)
    return err_set(r->err, "rounding: unknown mode \"%s\"",
                   json_is_string(rounding) ? json_string_value(rounding) : "?");
  n->rounding = (enum fix_rounding)found;
  found = overflow ? fix_overflow_find(json_is_string(overflow) ? json_string_value(overflow) : "")
                   : FIX_SATURATE;
  if (found < 0)
    return err_set(r->err, "overflow: unknown mode \"%s\"",
                   json_is_string(overflow) ? json_string_value(overflow) : "?");
  n->overflow = (enum fix_overflow)found;
  const char *place = json_string_value(where);
  found = where ? where_find(place ? place : "") : (int)n->where;
  if (found == NONE)
    return err_set(r->err, "where: \"%s\", expected \"circuit\" or \"host\"", place ? place : "?");
  n->where = (enum where)found;
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
    err_put(r->err, "unknown op \"%s\"", op ? op : "?");
    return err_within(r->err, "layer \"%s\"", name);
  }
  uint32_t node = graph_add_node(r->graph, (enum op)kind, name);
  const json_t *outputs = json_object_get(j, "outputs");
  bool ok = json_only(j, keys, "node", r->err) &&
            (!outputs || json_is_array(outputs) || err_set(r->err, "outputs: expected a list")) &&
            reader_add_name(r, r->nodes, name, node) && read_outputs(r, node, outputs);
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
    if (!reader_input(r, j)) return false;
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
    if (!reader_find_value(r, j, &id)) return err_within(r->err, "outputs");
    graph_add_output(r->graph, id);
  }
  return true;
}

// A list of names in quotes that says how many there are.
struct names {
  const char *text;
  uint32_t count;
};

enum { NAMES_MOST = 16 };

static void add_name(struct reader *r, struct names *n, const char *name) {
  if (n->count < NAMES_MOST)
    n->text =
        arena_printf(r->arena, "%s%s\"%s\"", n->count ? n->text : "", n->count ? ", " : "", name);
  n->count++;
}

static const char *names_text(struct reader *r, const struct names *n) {
  return n->count > NAMES_MOST
             ? arena_printf(r->arena, "%s and %u others", n->text, n->count - NAMES_MOST)
             : n->text;
}

// All that the file lacks, at once.
static bool has_tensors(struct reader *r, const json_t *tensors) {
  struct names missing = {0};
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)tensors, key, value) {
    if (safetensors_find(r->file, key) < 0) add_name(r, &missing, key);
  }
  return !missing.count || err_set(r->err,
                                   missing.count == 1 ? "tensor %s isn't in the file"
                                                      : "tensors %s aren't in the file",
                                   names_text(r, &missing));
}

static bool uses_all(struct reader *r) {
  struct names unused = {0};
  for (uint32_t i = 0; i < r->file->count; i++)
    if (!r->used[i]) add_name(r, &unused, r->file->tensors[i].name);
  return !unused.count ||
         err_set(r->err, unused.count == 1 ? "tensor %s is not used" : "tensors %s are not used",
                 names_text(r, &unused));
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
  if (!has_tensors(r, tensors)) return false;
  json_object_foreach((json_t *)tensors, key, value) {
    if (!reader_tensor(r, key, value)) return err_within(r->err, "tensors: \"%s\"", key);
  }
  if (!read_lists(r, root)) return false;
  if (!uses_all(r)) return false;
  if (!graph_verify(r->graph, r->err)) return false;
  graph_ranges(r->graph);
  return true;
}

static bool check_version(const struct safetensors *file, struct err *e) {
  const char *format = safetensors_metadata(file, "format");
  const char *version = safetensors_metadata(file, "nngen.version");
  if (!format || strcmp(format, "nngen") != 0)
    return err_set(e,
                   "a safetensors file without an nngen graph (metadata \"format\": \"%s\", "
                   "expected \"nngen\"): weights alone, a state dict perhaps; \"Making one\" in "
                   "docs/model-file.md adds the graph to them",
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
    err_put_within(e, "nngen.graph");
    return NULL;
  }
  struct reader r = {a, NULL, &file, ARENA_NEW(a, char, file.count + 1), json_map(), json_map(), e};
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
  if (!g) err_put_within(e, "%s", path);
  return g;
}
