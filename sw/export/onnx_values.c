// SPDX-License-Identifier: Apache-2.0
// Values of the graph as values of the file: in which order they are there, under which name.
#include "sw/export/onnx_writer.h"

// ---- order

bool writer_turns(const struct value *v) {
  return v->rank == 2 || v->rank == 3;
}

enum order writer_order(const struct onnx_writer *w, uint32_t value) {
  return w->values[value].name[ORDER_CHANNELS] || w->graph->values[value].init ? ORDER_CHANNELS
                                                                               : ORDER_PLAIN;
}

int64_t writer_axis(int rank, enum order order, int64_t axis) {
  bool turned = order == ORDER_CHANNELS && (rank == 2 || rank == 3);
  if (!turned) return axis + 1;
  return axis == rank - 1 ? 1 : axis + 2;
}

void writer_shape(const struct value *v, enum order order, int64_t shape[RANK_MAX]) {
  for (int d = 0; d < v->rank; d++) shape[writer_axis(v->rank, order, d) - 1] = v->shape[d];
}

// The permutation, batch and all, that makes the other order of the order `from`.
static void turn(const struct value *v, enum order from, int64_t perm[RANK_MAX + 1]) {
  perm[0] = 0;
  for (int d = 0; d < v->rank; d++) {
    int64_t channels = writer_axis(v->rank, ORDER_CHANNELS, d), plain = d + 1;
    perm[from == ORDER_CHANNELS ? plain : channels] = from == ORDER_CHANNELS ? channels : plain;
  }
}

static const char *constant_in(struct onnx_writer *w, uint32_t value, enum order order) {
  const struct value *v = &w->graph->values[value];
  int64_t shape[RANK_MAX], n = v->init->count, *index = ARENA_NEW(w->arena, int64_t, n + 1);
  int64_t channels = v->rank ? v->shape[v->rank - 1] : 1;
  bool turned = order == ORDER_CHANNELS && writer_turns(v);
  writer_shape(v, order, shape);
  for (int64_t i = 0; i < n; i++)
    index[i] = turned ? i % (n / channels) * channels + i / (n / channels) : i;
  return writer_weights(w, value, v->rank, shape, index, NONE);
}

// A graph's output is in our order under its own name.
static bool is_turned_output(const struct onnx_writer *w, uint32_t value) {
  bool output = false;
  for (uint32_t i = 0; i < w->graph->n_outputs; i++) output |= w->graph->outputs[i] == value;
  return output && writer_turns(&w->graph->values[value]);
}

static const char *name_in(struct onnx_writer *w, uint32_t value, enum order order) {
  const char *name = w->graph->values[value].name;
  const char *end = order == ORDER_PLAIN ? "channels_last" : "channels_first";
  return onnx_file_name(w->file, arena_printf(w->arena, "%s.%s", name, end));
}

const char *writer_read(struct onnx_writer *w, uint32_t value, enum order order) {
  struct written *x = &w->values[value];
  const struct value *v = &w->graph->values[value];
  if (!writer_turns(v)) order = ORDER_CHANNELS;
  if (x->name[order]) return x->name[order];
  if (v->init) return x->name[order] = constant_in(w, value, order);
  enum order from = order == ORDER_PLAIN ? ORDER_CHANNELS : ORDER_PLAIN;
  int64_t perm[RANK_MAX + 1];
  bool output = order == ORDER_PLAIN && is_turned_output(w, value);
  turn(v, from, perm);
  const char *node = name_in(w, value, order);
  x->name[order] = output ? v->name : node;
  Onnx__NodeProto *n = onnx_file_node(w->file, "Transpose", node, 1,
                                      (const char *[]){x->name[from]}, x->name[order]);
  onnx_file_attr_ints(w->file, n, "perm", v->rank + 1, perm);
  return x->name[order];
}

const char *writer_made(struct onnx_writer *w, uint32_t out, enum order order) {
  uint32_t value = w->node->out[out];
  const struct value *v = &w->graph->values[value];
  if (!writer_turns(v)) order = ORDER_CHANNELS;
  bool other = order == ORDER_CHANNELS && is_turned_output(w, value);
  return w->values[value].name[order] = other ? name_in(w, value, order) : v->name; // its own
}

const char *writer_own_name(struct onnx_writer *w, uint32_t value) {
  const char *name = w->graph->values[value].name;
  bool first = !w->values[value].named;
  w->values[value].named = true;
  return first ? name : onnx_file_name(w->file, name);
}

void writer_note_of(struct onnx_writer *w, const char *name, const char *text) {
  struct export_notes *n = w->notes;
  for (uint32_t i = 0; i < n->count; i++)
    if (n->list[i].text == text) {
      n->list[i].others++;
      return;
    }
  if (n->count < sizeof n->list / sizeof *n->list)
    n->list[n->count++] = (struct export_note){name, text, 0};
}

// ---- nodes

Onnx__NodeProto *writer_node(struct onnx_writer *w, const char *op, size_t n_in,
                             const char *const *in, const char *out) {
  return onnx_file_node(w->file, op, w->node->name, n_in, in, out);
}

const char *writer_before(struct onnx_writer *w, const char *op, const char *suffix, size_t n_in,
                          const char *const *in) {
  const char *name =
      onnx_file_name(w->file, arena_printf(w->arena, "%s.%s", w->node->name, suffix));
  onnx_file_node(w->file, op, name, n_in, in, name);
  return name;
}
