// SPDX-License-Identifier: Apache-2.0
// Inputs of an ONNX file, and the constants that it holds.
#include "sw/base/json.h"
#include "sw/import/onnx.h"

#include <math.h>
#include <string.h>

const Onnx__TensorShapeProto *onnx_shape_of(const Onnx__ValueInfoProto *v) {
  const Onnx__TypeProto *t = v->type;
  return t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && t->tensor_type
             ? t->tensor_type->shape
             : NULL;
}

int64_t onnx_dim_of(const Onnx__TensorShapeProto *s, size_t d) {
  const Onnx__TensorShapeProto__Dimension *dim = s->dim[d];
  bool fixed = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
  return fixed && dim->dim_value > 0 ? dim->dim_value : BATCH_FREE;
}

// Whether an input (C, L) is an image: what reads it, through functions of each element, slides.
static bool is_image(const struct onnx *o, const char *name, int depth) {
  static const char *const slides[] = {
      "Conv",          "MaxPool",     "AveragePool", "BatchNormalization", "GlobalAveragePool",
      "GlobalMaxPool", "QLinearConv", NULL};
  static const char *const others[] = {"Flatten", "Reshape", "Gemm",    "MatMul", "Transpose",
                                       "Slice",   "Concat",  "Squeeze", NULL};
  const Onnx__GraphProto *g = o->model->graph;
  for (size_t i = 0; i < g->n_node; i++) {
    const Onnx__NodeProto *n = g->node[i];
    if (!n->n_input || !n->n_output || strcmp(n->input[0], name) != 0) continue;
    if (onnx_is_one(n->op_type, slides)) return true;
    if (!onnx_is_one(n->op_type, others) && depth < 32 && is_image(o, n->output[0], depth + 1))
      return true;
  }
  return false;
}

static bool transposed(const struct onnx *o, const char *name) {
  const Onnx__GraphProto *g = o->model->graph;
  for (size_t i = 0; i < g->n_node; i++)
    for (size_t k = 0; k < g->node[i]->n_input; k++)
      if (strcmp(g->node[i]->input[k], name) == 0 && strcmp(g->node[i]->op_type, "Transpose") == 0)
        return true;
  return false;
}

// Numbers; of 16 bits they are as all others here.
static bool check_type(struct onnx *o, const Onnx__ValueInfoProto *v) {
  int type = v->type->tensor_type->elem_type;
  bool half = type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
              type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
  o->builder.node = v->name;
  if (half)
    builder_note(&o->builder,
                 "its values are floats of 16 bits: the file's own runtime rounds all numbers to "
                 "them, here they have 32",
                 false);
  bool other = type == ONNX__TENSOR_PROTO__DATA_TYPE__STRING ||
               type == ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64 ||
               type == ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128;
  return !other || err_set(o->err,
                           "input \"%s\": its data type %d is none of numbers: export the network "
                           "from where it reads numbers",
                           v->name, type);
}

static bool is_bytes(const Onnx__ValueInfoProto *v) {
  return v->type->tensor_type->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
}

static bool add_input(struct onnx *o, const Onnx__ValueInfoProto *v) {
  const Onnx__TensorShapeProto *s = onnx_shape_of(v);
  int64_t shape[RANK_MAX];
  if (!s || s->n_dim < 1 || s->n_dim > RANK_MAX)
    return err_set(o->err,
                   "input \"%s\": it has no shape, or one of more than %d axes; export with "
                   "the shapes of its inputs",
                   v->name, RANK_MAX);
  if (!check_type(o, v)) return false;
  int rank = (int)s->n_dim - 1;
  int64_t batch = onnx_dim_of(s, 0);
  if (o->builder.graph->n_inputs && batch != o->batch)
    return err_set(o->err, "input \"%s\": its batch is another than that of the inputs before it",
                   v->name);
  o->batch = batch;
  for (int d = 0; d < rank; d++) {
    shape[d] = onnx_dim_of(s, (size_t)d + 1);
    if (shape[d] < 1 || shape[d] > DIM_MAX)
      return err_set(
          o->err,
          "input \"%s\": axis %d has no fixed size; only that of the batch, axis 0, may be "
          "open: export with example inputs of the real shape",
          v->name, d + 1);
  }
  if (!builder_fits(rank, shape))
    return err_set(o->err, "input \"%s\": more than %lld elements: export with a smaller input",
                   v->name, (long long)ELEMENTS_MAX);
  static const int image[] = {1, 2, 0}, sequence[] = {1, 0};
  const int *axes = NULL;
  if (rank == 3 && !transposed(o, v->name)) axes = image;
  if (rank == 2 && is_image(o, v->name, 0)) axes = sequence;
  struct stream x = builder_input(&o->builder, v->name, rank, shape, axes);
  if (is_bytes(v)) builder_bytes(&o->builder, x.value);
  onnx_put(o, v->name, (struct item){.kind = ITEM_STREAM, .stream = x});
  return true;
}

// Numbers of a list, positive if they are deviations; NULL if it is none of these.
static double *numbers_of(struct onnx *o, const json_t *list, bool positive, int64_t count) {
  double *to = ARENA_NEW(o->arena, double, count + 1);
  for (int64_t i = 0; i < count; i++) {
    const json_t *v = json_array_get(list, (size_t)i);
    to[i] = json_is_number(v) ? json_number_value(v) : NAN;
    if (!isfinite(to[i]) || (positive && to[i] <= 0)) return NULL;
  }
  return to;
}

// What pixels are to an input, of a file that `nngen export` wrote: {"mean":[..],"std":[..]}, one
// of each or one per channel.
static bool take_source(struct onnx *o, struct input *in, const char *name, const char *text) {
  const struct value *v = &o->builder.graph->values[in->value];
  json_t *root = json_parse(text, strlen(text), o->err);
  if (!root) return err_within(o->err, "metadata \"nngen.input.%s\"", name);
  const json_t *lists[2] = {json_object_get(root, "mean"), json_object_get(root, "std")};
  int64_t count = (int64_t)json_array_size(lists[0]);
  const double *mean = NULL, *std = NULL;
  if ((count == 1 || count == v->shape[v->rank - 1]) &&
      (int64_t)json_array_size(lists[1]) == count) {
    mean = numbers_of(o, lists[0], false, count);
    std = numbers_of(o, lists[1], true, count);
  }
  json_decref(root);
  if (!mean || !std)
    return err_set(o->err,
                   "metadata \"nngen.input.%s\": expected {\"mean\":[..],\"std\":[..]}, numbers, "
                   "deviations above 0, one or one per channel of each",
                   name);
  in->source.channels = count;
  in->source.mean = mean;
  in->source.std = std;
  return true;
}

static bool add_sources(struct onnx *o) {
  static const char prefix[] = "nngen.input.";
  struct graph *g = o->builder.graph;
  for (size_t i = 0; i < o->model->n_metadata_props; i++) {
    const Onnx__StringStringEntryProto *entry = o->model->metadata_props[i];
    if (!entry->key || !entry->value || strncmp(entry->key, prefix, sizeof prefix - 1) != 0)
      continue;
    for (uint32_t k = 0; k < g->n_inputs; k++)
      if (strcmp(g->values[g->inputs[k].value].name, entry->key + sizeof prefix - 1) == 0 &&
          !take_source(o, &g->inputs[k], entry->key + sizeof prefix - 1, entry->value))
        return false;
  }
  return true;
}

bool onnx_add_inputs(struct onnx *o) {
  const Onnx__GraphProto *g = o->model->graph;
  for (size_t i = 0; i < g->n_initializer; i++) {
    struct tensor *t = onnx_tensor(o, g->initializer[i], o->err);
    if (!t) return err_within(o->err, "tensor \"%s\"", g->initializer[i]->name);
    if (onnx_item(o, g->initializer[i]->name))
      return err_set(o->err, "tensor \"%s\" is there twice", g->initializer[i]->name);
    onnx_put(
        o, g->initializer[i]->name,
        (struct item){.kind = ITEM_CONSTANT, .constant = t, .type = g->initializer[i]->data_type});
  }
  for (size_t i = 0; i < g->n_input; i++)
    if (!onnx_item(o, g->input[i]->name) && !add_input(o, g->input[i])) return false;
  return add_sources(o);
}
