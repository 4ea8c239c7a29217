// SPDX-License-Identifier: Apache-2.0
#include "sw/export/onnx_file.h"

#include "sw/base/json.h"

#include <string.h>

enum { IR_VERSION = 8 };

struct onnx_file {
  struct arena *arena;
  Onnx__ModelProto model;
  Onnx__GraphProto graph;
  json_t *names; // of values that are taken
  json_t *nodes; // and of nodes
  int64_t batch; // 0: open
};

// Room for one more pointer: lists double when they are full.
static void *grown(struct arena *a, void *list, size_t count) {
  if (count & (count - 1)) return list; // not a power of two: there is room
  void **to = ARENA_NEW(a, void *, count ? 2 * count : 1);
  if (count) memcpy(to, list, count * sizeof *to);
  return to;
}

#define PUSH(f, list, count, item)                                                                 \
  do {                                                                                             \
    (list) = grown((f)->arena, (list), (count));                                                   \
    (list)[(count)++] = (item);                                                                    \
  } while (0)

static char *copy_of(struct onnx_file *f, const char *text) {
  return arena_strdup(f->arena, text);
}

// ---- the whole

static void add_opset(struct onnx_file *f, const char *domain, int version) {
  Onnx__OperatorSetIdProto *o = ARENA_NEW(f->arena, Onnx__OperatorSetIdProto, 1);
  onnx__operator_set_id_proto__init(o);
  o->domain = copy_of(f, domain);
  o->has_version = 1;
  o->version = version;
  PUSH(f, f->model.opset_import, f->model.n_opset_import, o);
}

struct onnx_file *onnx_file_new(struct arena *a, const char *name, int opset) {
  struct onnx_file *f = ARENA_NEW(a, struct onnx_file, 1);
  f->arena = a;
  f->names = json_map();
  f->nodes = json_map();
  onnx__model_proto__init(&f->model);
  onnx__graph_proto__init(&f->graph);
  f->model.has_ir_version = 1;
  f->model.ir_version = opset > 20 ? 10 : IR_VERSION; // opset 21 came with 10
  f->model.producer_name = copy_of(f, "nngen");
  f->model.graph = &f->graph;
  f->graph.name = copy_of(f, *name ? name : "network");
  add_opset(f, "", opset);
  return f;
}

int onnx_file_opset(const struct onnx_file *f) {
  return (int)f->model.opset_import[0]->version;
}

void onnx_file_domain(struct onnx_file *f, const char *domain) {
  add_opset(f, domain, 1);
}

void onnx_file_batch(struct onnx_file *f, int64_t batch) {
  f->batch = batch;
}

void onnx_file_metadata(struct onnx_file *f, const char *key, const char *value) {
  Onnx__StringStringEntryProto *entry = ARENA_NEW(f->arena, Onnx__StringStringEntryProto, 1);
  onnx__string_string_entry_proto__init(entry);
  entry->key = copy_of(f, key);
  entry->value = copy_of(f, value);
  PUSH(f, f->model.metadata_props, f->model.n_metadata_props, entry);
}

static const char *own_name(struct onnx_file *f, json_t *taken, const char *wanted) {
  const char *own = wanted;
  for (int i = 1; json_object_get(taken, own); i++)
    own = arena_printf(f->arena, "%s.%d", wanted, i);
  json_put(taken, own, json_true());
  return own;
}

const char *onnx_file_name(struct onnx_file *f, const char *wanted) {
  return own_name(f, f->names, wanted);
}

void onnx_file_put(struct onnx_file *f, struct text *out) {
  size_t size = onnx__model_proto__get_packed_size(&f->model);
  uint8_t *bytes = ARENA_NEW(f->arena, uint8_t, size);
  onnx__model_proto__pack(&f->model, bytes);
  text_put(out, (const char *)bytes, size);
  json_decref(f->names);
  json_decref(f->nodes);
  f->names = f->nodes = NULL;
}

// ---- values

static void add_dimension(struct onnx_file *f, Onnx__TensorShapeProto *s, int64_t size) {
  Onnx__TensorShapeProto__Dimension *d = ARENA_NEW(f->arena, Onnx__TensorShapeProto__Dimension, 1);
  onnx__tensor_shape_proto__dimension__init(d);
  if (size) {
    d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    d->dim_value = size;
  } else {
    d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    d->dim_param = copy_of(f, "N");
  }
  PUSH(f, s->dim, s->n_dim, d);
}

void onnx_file_value(struct onnx_file *f, enum onnx_end end, const char *name, int type, int rank,
                     const int64_t *shape) {
  Onnx__ValueInfoProto *v = ARENA_NEW(f->arena, Onnx__ValueInfoProto, 1);
  Onnx__TypeProto *t = ARENA_NEW(f->arena, Onnx__TypeProto, 1);
  Onnx__TypeProto__Tensor *tensor = ARENA_NEW(f->arena, Onnx__TypeProto__Tensor, 1);
  Onnx__TensorShapeProto *s = ARENA_NEW(f->arena, Onnx__TensorShapeProto, 1);
  onnx__value_info_proto__init(v);
  onnx__type_proto__init(t);
  onnx__type_proto__tensor__init(tensor);
  onnx__tensor_shape_proto__init(s);
  v->name = copy_of(f, name);
  v->type = t;
  t->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  t->tensor_type = tensor;
  tensor->has_elem_type = 1;
  tensor->elem_type = type;
  tensor->shape = s;
  add_dimension(f, s, f->batch);
  for (int d = 0; d < rank; d++) add_dimension(f, s, shape[d]);
  if (end == ONNX_IN)
    PUSH(f, f->graph.input, f->graph.n_input, v);
  else
    PUSH(f, f->graph.output, f->graph.n_output, v);
}

const char *onnx_file_constant(struct onnx_file *f, const char *name, int type, int rank,
                               const int64_t *shape, const void *data, size_t bytes) {
  Onnx__TensorProto *t = ARENA_NEW(f->arena, Onnx__TensorProto, 1);
  onnx__tensor_proto__init(t);
  t->name = copy_of(f, name);
  t->has_data_type = 1;
  t->data_type = type;
  t->n_dims = (size_t)rank;
  t->dims = arena_copy(f->arena, shape, (size_t)rank * sizeof *shape);
  t->has_raw_data = 1;
  t->raw_data.len = bytes;
  t->raw_data.data = arena_copy(f->arena, data, bytes);
  PUSH(f, f->graph.initializer, f->graph.n_initializer, t);
  return t->name;
}

const char *onnx_file_ints(struct onnx_file *f, const char *name, int64_t count,
                           const int64_t *list) {
  return onnx_file_constant(f, onnx_file_name(f, name), ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 1,
                            &count, list, (size_t)count * sizeof *list);
}

const char *onnx_file_real(struct onnx_file *f, const char *name, double v) {
  float single = (float)v;
  return onnx_file_constant(f, onnx_file_name(f, name), ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 0,
                            NULL, &single, sizeof single);
}

// ---- nodes

Onnx__NodeProto *onnx_file_node(struct onnx_file *f, const char *op, const char *name, size_t n_in,
                                const char *const *in, const char *out) {
  Onnx__NodeProto *n = ARENA_NEW(f->arena, Onnx__NodeProto, 1);
  onnx__node_proto__init(n);
  n->op_type = copy_of(f, op);
  n->name = copy_of(f, own_name(f, f->nodes, name));
  for (size_t i = 0; i < n_in; i++) PUSH(f, n->input, n->n_input, copy_of(f, in[i]));
  onnx_file_output(f, n, out);
  PUSH(f, f->graph.node, f->graph.n_node, n);
  return n;
}

void onnx_file_output(struct onnx_file *f, Onnx__NodeProto *n, const char *out) {
  PUSH(f, n->output, n->n_output, copy_of(f, out));
}

static Onnx__AttributeProto *attribute(struct onnx_file *f, Onnx__NodeProto *n, const char *name,
                                       Onnx__AttributeProto__AttributeType type) {
  Onnx__AttributeProto *a = ARENA_NEW(f->arena, Onnx__AttributeProto, 1);
  onnx__attribute_proto__init(a);
  a->name = copy_of(f, name);
  a->has_type = 1;
  a->type = type;
  PUSH(f, n->attribute, n->n_attribute, a);
  return a;
}

void onnx_file_attr_int(struct onnx_file *f, Onnx__NodeProto *n, const char *name, int64_t v) {
  Onnx__AttributeProto *a = attribute(f, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
  a->has_i = 1;
  a->i = v;
}

void onnx_file_attr_ints(struct onnx_file *f, Onnx__NodeProto *n, const char *name, int64_t count,
                         const int64_t *list) {
  Onnx__AttributeProto *a = attribute(f, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
  a->n_ints = (size_t)count;
  a->ints = arena_copy(f->arena, list, (size_t)count * sizeof *list);
}

void onnx_file_attr_real(struct onnx_file *f, Onnx__NodeProto *n, const char *name, double v) {
  Onnx__AttributeProto *a = attribute(f, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
  a->has_f = 1;
  a->f = (float)v;
}

void onnx_file_attr_text(struct onnx_file *f, Onnx__NodeProto *n, const char *name,
                         const char *text) {
  Onnx__AttributeProto *a = attribute(f, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
  a->has_s = 1;
  a->s.len = strlen(text);
  a->s.data = (uint8_t *)copy_of(f, text);
}
