// SPDX-License-Identifier: Apache-2.0
// What moves elements: reshapes, concat, slice, pad, upsample, permute.
#include "sw/export/onnx_writer.h"
#include "sw/graph/slice.h"

static const char *suffixed(struct onnx_writer *w, const char *suffix) {
  return arena_printf(w->arena, "%s.%s", w->node->name, suffix);
}

// ---- shapes

// Whether all that reads a flattened image are dense layers, functions of each element between:
// then it may stay channels first, as the columns of these layers will be.
static bool reaches_dense(const struct onnx_writer *w, uint32_t value) {
  const struct graph *g = w->graph;
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (g->outputs[i] == value) return false;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct node *n = &g->nodes[i];
      if (n->in[k].value != value) continue;
      bool maps = op_is(n->op, TRAIT_MAPS) || (op_is(n->op, TRAIT_SKIPPED) && n->n_out == 1);
      if (op_is(n->op, TRAIT_WEIGHTS) && k == 0) continue; // of what is flat
      if (!maps || !reaches_dense(w, n->out[0])) return false;
    }
  return true;
}

static bool flatten_channels(struct onnx_writer *w, const struct value *x) {
  uint32_t value = w->node->in[0].value;
  int64_t count = value_elements(x), channels = x->shape[x->rank - 1], pixels = count / channels;
  int64_t *element = ARENA_NEW(w->arena, int64_t, count);
  for (int64_t i = 0; i < count; i++) element[i] = i % pixels * channels + i / pixels;
  const char *in = writer_read(w, value, ORDER_CHANNELS);
  if (pixels > 1 && channels > 1) w->values[w->node->out[0]].element = element;
  writer_node(w, "Flatten", 1, &in, writer_made(w, 0, ORDER_PLAIN));
  return true;
}

bool onnx_put_reshape(struct onnx_writer *w) {
  uint32_t x = w->node->in[0].value;
  const struct value *from = &w->graph->values[x], *to = node_out(w->graph, w->node, 0);
  bool image = writer_turns(from) && writer_order(w, x) == ORDER_CHANNELS;
  int64_t channels = from->shape[from->rank - 1], shape[RANK_MAX + 1] = {0}; // 0: the batch
  bool any = channels == 1 || channels == value_elements(from);
  if (to->rank == 1 && image && (any || reaches_dense(w, w->node->out[0])))
    return flatten_channels(w, from);
  for (int d = 0; d < to->rank; d++) shape[d + 1] = to->shape[d];
  const char *in[2] = {writer_read(w, x, ORDER_PLAIN)};
  in[1] = onnx_file_ints(w->file, suffixed(w, "shape"), to->rank + 1, shape);
  writer_node(w, "Reshape", 2, in, writer_made(w, 0, ORDER_PLAIN));
  return true;
}

bool onnx_put_permute(struct onnx_writer *w) {
  const struct attr *axes = node_attr(w->node, ATTR_axes);
  int64_t perm[RANK_MAX + 1] = {0};
  for (int64_t d = 0; d < axes->count; d++) perm[d + 1] = axes->ints[d] + 1;
  const char *in = writer_read(w, w->node->in[0].value, ORDER_PLAIN);
  Onnx__NodeProto *n = writer_node(w, w->op, 1, &in, writer_made(w, 0, ORDER_PLAIN));
  onnx_file_attr_ints(w->file, n, "perm", axes->count + 1, perm);
  return true;
}

// ---- parts

bool onnx_put_concat(struct onnx_writer *w) {
  const struct node *n = w->node;
  enum order order = ORDER_CHANNELS;
  const char **in = ARENA_NEW(w->arena, const char *, n->n_in);
  for (uint32_t i = 0; i < n->n_in; i++) {
    if (node_in(w->graph, n, i)->init)
      return writer_refuse(w, "pad instead",
                           "it joins a constant, which ONNX would need for each "
                           "frame of the batch");
    if (writer_order(w, n->in[i].value) == ORDER_PLAIN) order = ORDER_PLAIN;
  }
  for (uint32_t i = 0; i < n->n_in; i++) in[i] = writer_read(w, n->in[i].value, order);
  Onnx__NodeProto *to = writer_node(w, w->op, n->n_in, in, writer_made(w, 0, order));
  onnx_file_attr_int(w->file, to, "axis",
                     writer_axis(node_in(w->graph, n, 0)->rank, order, concat_axis(w->graph, n)));
  return true;
}

// A list of the node, or `otherwise` of each axis, in the file's order.
static void list_of(struct onnx_writer *w, enum attr_name name, const int64_t *otherwise, int rank,
                    enum order order, int64_t to[RANK_MAX]) {
  const struct attr *a = node_attr(w->node, name);
  for (int d = 0; d < rank; d++)
    to[writer_axis(rank, order, d) - 1] = a ? a->ints[d] : otherwise[d];
}

bool onnx_put_slice(struct onnx_writer *w) {
  static const int64_t none[RANK_MAX], one[RANK_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
  uint32_t x = w->node->in[0].value;
  const struct value *v = &w->graph->values[x];
  enum order order = writer_order(w, x);
  int64_t begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX], axes[RANK_MAX];
  list_of(w, ATTR_begin, none, v->rank, order, begin);
  list_of(w, ATTR_end, v->shape, v->rank, order, end);
  list_of(w, ATTR_step, one, v->rank, order, step);
  for (int d = 0; d < v->rank; d++) axes[d] = d + 1;
  const char *in[5] = {writer_read(w, x, order),
                       onnx_file_ints(w->file, suffixed(w, "begin"), v->rank, begin),
                       onnx_file_ints(w->file, suffixed(w, "end"), v->rank, end),
                       onnx_file_ints(w->file, suffixed(w, "axes"), v->rank, axes),
                       onnx_file_ints(w->file, suffixed(w, "step"), v->rank, step)};
  writer_node(w, w->op, 5, in, writer_made(w, 0, order));
  return true;
}

bool onnx_put_pad(struct onnx_writer *w) {
  uint32_t x = w->node->in[0].value;
  int rank = w->graph->values[x].rank;
  enum order order = writer_order(w, x);
  const struct attr *pad = node_attr(w->node, ATTR_pad);
  int64_t pads[2 * (RANK_MAX + 1)] = {0};
  for (int d = 0; d < rank; d++) {
    int64_t axis = writer_axis(rank, order, d);
    pads[axis] = pad->ints[d];
    pads[rank + 1 + axis] = pad->ints[rank + d];
  }
  const char *in[3] = {
      writer_read(w, x, order), onnx_file_ints(w->file, suffixed(w, "pads"), 2 * (rank + 1), pads),
      onnx_file_real(w->file, suffixed(w, "value"), node_real(w->node, ATTR_value, 0))};
  writer_node(w, w->op, 3, in, writer_made(w, 0, order));
  return true;
}

// The nearest pixel.
bool onnx_put_upsample(struct onnx_writer *w) {
  const struct attr *factors = node_attr(w->node, ATTR_factors);
  float scales[RANK_MAX + 1] = {1, 1};
  for (int64_t d = 0; d < factors->count; d++) scales[d + 2] = (float)factors->ints[d];
  int64_t count = factors->count + 2;
  const char *in[3] = {writer_read(w, w->node->in[0].value, ORDER_CHANNELS), ""};
  in[2] = onnx_file_constant(w->file, onnx_file_name(w->file, suffixed(w, "scales")),
                             ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, &count, scales,
                             (size_t)count * sizeof *scales);
  Onnx__NodeProto *n = writer_node(w, w->op, 3, in, writer_made(w, 0, ORDER_CHANNELS));
  onnx_file_attr_text(w->file, n, "mode", "nearest");
  onnx_file_attr_text(w->file, n, "coordinate_transformation_mode", "asymmetric");
  onnx_file_attr_text(w->file, n, "nearest_mode", "floor");
  return true;
}
