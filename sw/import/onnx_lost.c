// SPDX-License-Identifier: Apache-2.0
// What a refused node would make. Where its shape is known, a stream without a source stands there
// in its place, so that all that follows is looked at, too: nothing of the graph is used then but
// its refusals. Elsewhere the value is lost, and of what follows only operators are listed that are
// never read.
#include "sw/import/onnx.h"

#include <math.h>
#include <string.h>

struct frame {
  int rank;
  int64_t shape[RANK_MAX]; // without the batch
};

// ---- what the file says

static bool is_float(int type) {
  return type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
         type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
         type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ||
         type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

static const Onnx__ValueInfoProto *info_of(struct onnx *o, const char *name) {
  const Onnx__GraphProto *g = o->model->graph;
  if (!o->infos) {
    o->infos = json_map();
    for (size_t i = 0; i < g->n_value_info; i++)
      json_put(o->infos, g->value_info[i]->name, json_integer((json_int_t)i));
  }
  const json_t *found = json_object_get(o->infos, name);
  return found ? g->value_info[json_integer_value(found)] : NULL;
}

static bool said(struct onnx *o, size_t output, struct frame *f) {
  const Onnx__ValueInfoProto *v = info_of(o, o->node->output[output]);
  const Onnx__TensorShapeProto *s = v ? onnx_shape_of(v) : NULL;
  if (!s || !is_float(v->type->tensor_type->elem_type) || s->n_dim < 1 || s->n_dim > RANK_MAX ||
      onnx_dim_of(s, 0) != o->batch)
    return false;
  f->rank = (int)s->n_dim - 1;
  for (int d = 0; d < f->rank; d++) f->shape[d] = onnx_dim_of(s, (size_t)d + 1);
  return true;
}

// ---- what follows from its inputs

static bool is_stream(const struct item *x) {
  return x && x->kind == ITEM_STREAM && !x->grid;
}

static bool same(struct onnx *o, struct frame *f) {
  const struct item *x = onnx_in(o, 0);
  if (!is_stream(x)) return false;
  f->rank = x->stream.layout.rank;
  memcpy(f->shape, x->stream.layout.shape, sizeof f->shape);
  return true;
}

// Of streams and constants of which each stretches to the others, the last `kept` axes apart.
static bool stretched(struct onnx *o, int kept, struct frame *f) {
  int64_t shape[RANK_MAX + 1] = {0};
  int rank = 0, streams = 0;
  for (size_t i = 0; i < o->node->n_input; i++) {
    const struct item *x = onnx_in(o, i);
    bool stream = is_stream(x);
    if (!x || x->kind == ITEM_LOST || x->grid) return false;
    int own = stream ? x->stream.layout.rank + 1 : x->constant->rank;
    if (own > RANK_MAX) return false;
    streams += stream;
    for (int d = 1; d <= own; d++) { // from the end
      int64_t n = !stream    ? x->constant->shape[own - d]
                  : d == own ? 1
                             : x->stream.layout.shape[own - d - 1];
      if (d > kept && n > shape[RANK_MAX - d]) shape[RANK_MAX - d] = n;
    }
    rank = own > rank ? own : rank;
  }
  f->rank = rank - 1;
  for (int d = 0; d < f->rank; d++) f->shape[d] = shape[RANK_MAX - f->rank + d];
  return streams > 0 && rank > kept;
}

// The last two axes of a product of matrices.
static bool product(struct onnx *o, struct frame *f) {
  int64_t rows = 0, columns = 0;
  if (o->node->n_input != 2) return false;
  for (size_t i = 0; i < 2; i++) {
    const struct item *x = onnx_in(o, i);
    if (!is_stream(x) || x->stream.layout.rank < 2) return false;
    const struct layout *l = &x->stream.layout;
    rows = i ? rows : l->shape[l->rank - 2];
    columns = l->shape[l->rank - 1];
  }
  if (!stretched(o, 2, f)) return false;
  f->shape[f->rank - 2] = rows;
  f->shape[f->rank - 1] = columns;
  return true;
}

// Rows of a table, by a stream of indices.
static bool taken(struct onnx *o, struct frame *f) {
  const struct tensor *table = onnx_constant(o, 0);
  const struct item *at = onnx_in(o, 1);
  if (!table || !is_stream(at) || onnx_int(o, "axis", 0) != 0) return false;
  int rank = at->stream.layout.rank, rest = table->rank - 1;
  if (rest < 0 || rank + rest > RANK_MAX) return false;
  f->rank = rank + rest;
  memcpy(f->shape, at->stream.layout.shape, (size_t)rank * sizeof *f->shape);
  memcpy(f->shape + rank, table->shape + 1, (size_t)rest * sizeof *f->shape);
  return true;
}

static bool resized(struct onnx *o, struct frame *f) {
  double scale[RANK_MAX];
  if (!same(o, f) || !onnx_scales(o, &onnx_in(o, 0)->stream, scale)) return false;
  for (int d = 0; d < f->rank; d++) {
    double n = floor((double)f->shape[d] * scale[d] + 1e-6);
    if (!(n >= 1 && n <= (double)DIM_MAX)) return false;
    f->shape[d] = (int64_t)n;
  }
  return true;
}

static bool follows(struct onnx *o, struct frame *f) {
  static const char *const alike[] = {"LayerNormalization",
                                      "InstanceNormalization",
                                      "GroupNormalization",
                                      "RMSNormalization",
                                      "LpNormalization",
                                      "MeanVarianceNormalization",
                                      "LRN",
                                      "Softmax",
                                      "LogSoftmax",
                                      "Hardmax",
                                      "CumSum",
                                      "Sin",
                                      "Cos",
                                      "Tan",
                                      "Atan",
                                      NULL};
  static const char *const resizes[] = {"Resize", "Upsample", NULL};
  static const char *const stretches[] = {"Mod", "BitShift", "Sum", "Mean", NULL};
  const char *op = o->node->op_type;
  if (onnx_is_one(op, resizes)) return resized(o, f);
  if (strcmp(op, "Gather") == 0) return taken(o, f);
  if (strcmp(op, "MatMul") == 0) return product(o, f);
  if (onnx_is_one(op, stretches) || function_find(op) != NONE) return stretched(o, 0, f);
  return onnx_is_one(op, alike) && same(o, f);
}

// ---- what stands there

void onnx_lose(struct onnx *o) {
  for (size_t i = 0; i < o->node->n_output; i++) {
    struct frame f = {0};
    bool known = *o->node->output[i] && (said(o, i, &f) || (i == 0 && follows(o, &f)));
    if (known && builder_fits(f.rank, f.shape))
      onnx_set_stream(o, i, builder_stand_in(&o->builder, f.rank, f.shape));
    else
      onnx_set(o, i, (struct item){.kind = ITEM_LOST});
  }
}
