// SPDX-License-Identifier: Apache-2.0
// The ONNX file of a float graph, whose requants and integer weights the form tells how to write.
#include "sw/base/json.h"
#include "sw/export/onnx_writer.h"

#include <string.h>

// Operators as old as they can be, so that as many tools as can be read them; newer are dilated
// averages and integers of 16 bits.
enum { OPSET_LEAST = 13, OPSET_DILATED = 19, OPSET_16_BITS = 21 };

struct kind {
  bool (*put)(struct onnx_writer *w);
  const char *op; // of ONNX
  int opset;
  const char *reason, *remedy; // why there is none
};

static const struct kind *kind_of(enum op op) {
  static const struct kind kinds[OP_COUNT] = {
#define ONNX(kind, function, operator, opset)                                                      \
  [OP_##kind] = {onnx_put_##function, operator, opset, NULL, NULL},
#define NO_ONNX(kind, reason, remedy) [OP_##kind] = {NULL, NULL, OPSET_LEAST, reason, remedy},
#include "sw/export/onnx_ops.def"
#undef ONNX
#undef NO_ONNX
  };
  return &kinds[op];
}

static bool is_dilated(const struct node *n) {
  const struct attr *d = node_attr(n, ATTR_dilation);
  bool dilated = false;
  for (int64_t i = 0; d && i < d->count; i++) dilated |= d->ints[i] > 1;
  return dilated;
}

// Whether a QDQ file has integers of 16 bits there.
static bool is_long(const struct graph *g, const struct node *n) {
  if (op_is(n->op, TRAIT_NARROWS)) return type_width(&node_attr(n, ATTR_type)->type) > 8;
  for (uint32_t i = 1; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    if (v->init && v->rank > 1 && type_is_fixed(&v->type) && v->type.width > 8) return true;
  }
  return false;
}

static int opset_of_node(const struct graph *g, const struct node *n, enum onnx_form form) {
  if (op_takes(n->op, ATTR_count_pad) && is_dilated(n)) return OPSET_DILATED;
  if (form == ONNX_QDQ && is_long(g, n)) return OPSET_16_BITS;
  return kind_of(n->op)->opset;
}

static int opset_of(const struct graph *g, enum onnx_form form) {
  int opset = OPSET_LEAST;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    int own = opset_of_node(g, &g->nodes[i], form);
    opset = own > opset ? own : opset;
  }
  return opset;
}

// ---- inputs and outputs

// What pixels are to an input, which ONNX has no place for.
static void put_source(struct onnx_writer *w, const struct input *in) {
  const struct source *s = &in->source;
  struct text t = {0};
  const double *lists[2] = {s->mean, s->std};
  bool plain = true;
  for (int64_t c = 0; c < s->channels; c++) plain &= s->mean[c] == 0 && s->std[c] == 1;
  if (plain) return;
  for (int i = 0; i < 2; i++) {
    text_puts(&t, i ? ",\"std\":[" : "{\"mean\":[");
    for (int64_t c = 0; c < s->channels; c++) {
      if (c) text_puts(&t, ",");
      json_put_real(&t, lists[i][c]);
    }
    text_puts(&t, "]");
  }
  text_puts(&t, "}");
  onnx_file_metadata(
      w->file, arena_printf(w->arena, "nngen.input.%s", w->graph->values[in->value].name), t.data);
  text_free(&t);
}

// The order that users have its arrays in.
static enum order order_of_input(const struct value *v, const struct source *s) {
  int64_t channels = v->rank ? v->shape[v->rank - 1] : 1;
  bool any = !writer_turns(v) || channels == 1 || channels == value_elements(v);
  return any && v->rank == 3           ? ORDER_CHANNELS
         : s->axes || !writer_turns(v) ? ORDER_CHANNELS
                                       : ORDER_PLAIN;
}

static void put_input(struct onnx_writer *w, const struct input *in) {
  const struct value *v = &w->graph->values[in->value];
  struct written *x = &w->values[in->value];
  enum order order = order_of_input(v, &in->source);
  int64_t shape[RANK_MAX];
  writer_shape(v, order, shape);
  onnx_file_value(w->file, ONNX_IN, v->name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, v->rank, shape);
  x->name[order] = v->name;
  put_source(w, in);
  if (v->rank == 3 && order == ORDER_PLAIN) { // turned at once, which says that it is no image
    writer_read(w, in->value, ORDER_CHANNELS);
    x->name[ORDER_PLAIN] = NULL;
  }
}

// In our order: what is read again needs no permute.
static void put_output(struct onnx_writer *w, uint32_t value) {
  const struct value *v = &w->graph->values[value];
  bool index = type_is_fixed(&v->type);
  const char *name = writer_read(w, value, ORDER_PLAIN);
  int type = index ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
  onnx_file_value(w->file, ONNX_OUT, name, type, v->rank, v->shape);
}

// ---- nodes

static bool put_node(struct onnx_writer *w, const struct node *n) {
  const struct kind *kind = kind_of(n->op);
  w->node = n;
  w->op = kind->op;
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i].delay)
      return writer_refuse(w, "export the layers without it",
                           "it reads what frames before gave: ONNX keeps nothing");
  if (node_attr(n, ATTR_slice))
    return writer_refuse(w, "export the model before it was split", "it is a part of a layer");
  return kind->put ? kind->put(w) : writer_refuse(w, kind->remedy, "%s", kind->reason);
}

// Streams that nothing has written, behind what was refused: read as if they were there.
static void lose(struct onnx_writer *w, const struct node *n) {
  for (uint32_t i = 0; i < n->n_out; i++) w->values[n->out[i]].name[ORDER_CHANNELS] = "";
}

bool onnx_write(struct arena *a, const struct graph *g, enum onnx_form form, struct refusals *r,
                struct export_notes *notes, struct text *out, struct err *e) {
  struct onnx_writer w = {a, g, form, .refusals = r, .notes = notes};
  uint32_t *order = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  uint32_t before = r->count;
  w.file = onnx_file_new(a, g->name, opset_of(g, form));
  w.values = ARENA_NEW(a, struct written, g->n_values);
  if (form == ONNX_QONNX) { // qonnx executes one image after the other
    onnx_file_domain(w.file, "qonnx.custom_op.general");
    onnx_file_batch(w.file, 1);
  }
  for (uint32_t i = 0; i < g->n_values; i++) onnx_file_name(w.file, g->values[i].name);
  for (uint32_t i = 0; i < g->n_inputs; i++) put_input(&w, &g->inputs[i]);
  bool ordered = graph_order(g, order);
  for (uint32_t i = 0; ordered && i < g->n_nodes; i++)
    if (!put_node(&w, &g->nodes[order[i]])) lose(&w, &g->nodes[order[i]]);
  for (uint32_t i = 0; i < g->n_outputs && r->count == before; i++) put_output(&w, g->outputs[i]);
  struct text t = {0};
  onnx_file_put(w.file, &t);
  bool ok = r->count == before && ordered;
  if (ok) text_put(out, t.data, t.size);
  text_free(&t);
  return ok || (r->count > before ? refusals_err(r, "export", e)
                                  : err_set(e, "its layers read each other"));
}
