// SPDX-License-Identifier: Apache-2.0
// ONNX files: values in the file's order, one node after the other.
#include "sw/base/file.h"
#include "sw/import/formats.h"
#include "sw/import/onnx_fold.h"

#include <string.h>

enum { OPSET_LEAST = 7, OPSET_MOST = 28 };

// ---- nodes

// How often each value is read: what only one node reads, that node may become part of.
static void count_read(struct onnx *o, const char *name) {
  const json_t *found = json_object_get(o->reads, name);
  json_put(o->reads, name, json_integer(json_integer_value(found) + 1));
}

static void count_reads(struct onnx *o) {
  const Onnx__GraphProto *g = o->model->graph;
  for (size_t i = 0; i < g->n_node; i++)
    for (size_t k = 0; k < g->node[i]->n_input; k++) count_read(o, g->node[i]->input[k]);
  for (size_t i = 0; i < g->n_output; i++) count_read(o, g->output[i]->name);
}

static const struct layer {
  const char *name;
  bool (*import)(struct onnx *o);
  size_t inputs;
} layers[] = {
#define ONNX(name, function, inputs) {name, onnx_##function, inputs},
#include "sw/import/onnx.def"
#undef ONNX
};

static const struct layer *layer_of(const char *op) {
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    if (strcmp(layers[i].name, op) == 0) return &layers[i];
  return NULL;
}

bool onnx_layer(struct onnx *o, bool *is) {
  const struct layer *layer = layer_of(o->node->op_type);
  *is = true;
  if (layer && o->node->n_input < layer->inputs)
    return onnx_refuse(o, "check the file", "%zu inputs, expected %zu", o->node->n_input,
                       layer->inputs);
  if (layer) return layer->import(o);
  int f = function_find(o->node->op_type);
  *is = f != NONE;
  return *is && onnx_function(o, f);
}

static bool is_lost(struct onnx *o) {
  for (size_t i = 0; i < o->node->n_input; i++) {
    const struct item *x = onnx_in(o, i);
    if (x && x->kind == ITEM_LOST) return true;
  }
  return false;
}

// Whether an input is integers whose DequantizeLinear is still to come.
static bool reads_grid(struct onnx *o) {
  for (size_t i = 0; i < o->node->n_input; i++) {
    const struct item *x = onnx_in(o, i);
    if (x && x->grid) return true;
  }
  return false;
}

static bool known_domain(const char *domain) {
  static const char *const known[] = {
      "", "ai.onnx", "qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas", NULL};
  return onnx_is_one(domain, known);
}

// ONNX Runtime's own pair for integers of 16 bits is the standard's; QLinearAdd and the like are
// its.
static bool known_node(const Onnx__NodeProto *n) {
  static const char *const pair[] = {"QuantizeLinear", "DequantizeLinear", NULL};
  return known_domain(n->domain) ||
         (strcmp(n->domain, "com.microsoft") == 0 &&
          (onnx_is_one(n->op_type, pair) || onnx_is_qlinear(n->op_type)));
}

// Whether there are layers like it.
static bool is_known(const Onnx__NodeProto *n) {
  return known_node(n) && (layer_of(n->op_type) || onnx_folds(n->op_type));
}

static bool reads_constants(struct onnx *o) {
  for (size_t i = 0; i < o->node->n_input; i++)
    if (*o->node->input[i] && !onnx_constant(o, i)) return false;
  return true;
}

// What is met often, and why it isn't a layer.
static void refuse_unknown(struct onnx *o) {
  static const struct {
    const char *op, *reason, *remedy;
  } known[] = {
      {"LRN", "it divides by sums of squares of neighbouring channels",
       "train with BatchNormalization"},
      {"DynamicQuantizeLinear", "it chooses its scale anew for each input", "quantise statically"},
      {"ConvInteger", "its scales are computed from data", "quantise statically (QDQ)"},
      {"MatMulInteger", "its scales are computed from data", "quantise statically (QDQ)"},
      {"LayerNormalization", "it divides by a deviation of the data",
       "train with BatchNormalization"},
      {"InstanceNormalization", "it divides by a deviation of the data",
       "train with BatchNormalization"},
      {"GroupNormalization", "it divides by a deviation of the data",
       "train with BatchNormalization"},
      {"LSTM", "there are no recurrent layers", "use convolutions along time"},
      {"GRU", "there are no recurrent layers", "use convolutions along time"},
      {"RNN", "there are no recurrent layers", "use convolutions along time"},
      {"If", "the graph is fixed", "export one branch"},
      {"Loop", "the graph is fixed", "export it unrolled"},
      {"Scan", "the graph is fixed", "export it unrolled"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(o->node->op_type, known[i].op) == 0) {
      onnx_refuse(o, known[i].remedy, "%s", known[i].reason);
      return;
    }
  if (known_node(o->node) && onnx_folds(o->node->op_type) && reads_constants(o)) {
    onnx_refuse(o, "store the constant in the file (onnxsim, or fold it before the export)",
                "it makes a constant that has more than %d elements, or a type or shape that "
                "isn't read",
                FOLD_MOST);
    return;
  }
  bool integers = strncmp(o->node->op_type, "QLinear", 7) == 0;
  onnx_refuse(o,
              integers ? "quantise with quant_format=QuantFormat.QDQ"
                       : "replace it in the network, or split the network there",
              integers ? "it computes with integers" : "there is no layer like it");
}

// Whether an input is left out that the operator can't do without: of most, any.
static bool lacks_input(const struct onnx *o) {
  static const char *const optional[] = {"Conv",
                                         "ConvTranspose",
                                         "Gemm",
                                         "Clip",
                                         "Pad",
                                         "Slice",
                                         "Split",
                                         "Resize",
                                         "Dropout",
                                         "Squeeze",
                                         "ReduceSum",
                                         "ReduceMean",
                                         "ReduceMax",
                                         "ReduceProd",
                                         "QuantizeLinear",
                                         "DequantizeLinear",
                                         "QLinearConv",
                                         NULL};
  bool lacks = o->node->n_input && !*o->node->input[0];
  for (size_t i = 1; i < o->node->n_input; i++)
    lacks |= !*o->node->input[i] && !onnx_is_one(o->node->op_type, optional);
  return lacks;
}

// Every value has one node, and what is computed of constants an end.
static bool sound(struct onnx *o) {
  if (!o->node->n_output)
    return err_set(o->err, "node \"%s\": it has no outputs: export the network anew",
                   o->builder.node);
  for (size_t i = 0; i < o->node->n_output; i++)
    if (*o->node->output[i] && onnx_item(o, o->node->output[i]))
      return err_set(o->err, "node \"%s\": its output \"%s\" is there already", o->builder.node,
                     o->node->output[i]);
  return o->folded <= 2 * (int64_t)FOLD_MOST ||
         err_set(o->err,
                 "node \"%s\": the constants computed before it have more than %lld elements",
                 o->builder.node, 2 * (long long)FOLD_MOST);
}

static bool add_node(struct onnx *o) {
  bool is = false;
  o->builder.node = *o->node->name      ? o->node->name
                    : o->node->n_output ? o->node->output[0]
                                        : o->node->op_type;
  o->builder.op = o->node->op_type;
  for (size_t i = 0; i < o->node->n_input; i++)
    if (*o->node->input[i] && !onnx_in(o, i))
      return err_set(o->err, "node \"%s\": nothing before it makes its input \"%s\"",
                     o->builder.node, o->node->input[i]);
  if (!sound(o)) return false;
  if (lacks_input(o) && is_known(o->node)) {
    onnx_refuse(o, "check the file", "an input is left out");
    onnx_lose(o);
    return true;
  }
  if (reads_grid(o) && !onnx_takes_integers(o)) {
    onnx_refuse(o, "quantise with quant_format=QuantFormat.QDQ",
                "it works on the integers of a QuantizeLinear");
    onnx_lose(o);
    return true;
  }
  if (is_lost(o)) {
    if (!is_known(o->node)) refuse_unknown(o);
    onnx_lose(o);
    return true;
  }
  if (known_node(o->node) && !reads_grid(o) && onnx_fold(o)) return true;
  bool moves = known_node(o->node) && onnx_moves_integers(o);
  if (moves ? onnx_move_integers(o) : known_node(o->node) && onnx_layer(o, &is)) return true;
  if (is || moves) {
    onnx_lose(o);
    return true;
  }
  refuse_unknown(o);
  onnx_lose(o);
  return true;
}

static bool add_output(struct onnx *o, const Onnx__ValueInfoProto *v) {
  struct item *x = onnx_item(o, v->name);
  struct stream s = {0};
  if (!x) return err_set(o->err, "no node makes the output \"%s\"", v->name);
  if (x->kind == ITEM_LOST) return true;
  o->builder.node = v->name;
  o->builder.op = "output";
  if (x->grid && !onnx_release(o, x)) return true;
  if (x->kind == ITEM_CONSTANT)
    onnx_refuse(o, "remove it from the outputs", "it is a constant");
  else if (onnx_made(o, x, &s))
    builder_output_array(&o->builder, s, v->name);
  return true;
}

static bool add_all(struct onnx *o) {
  const Onnx__GraphProto *g = o->model->graph;
  if (!g->n_output) return err_set(o->err, "the ONNX file has no outputs");
  count_reads(o);
  if (!onnx_add_inputs(o)) return false;
  for (size_t i = 0; i < g->n_node; i++) {
    o->node = g->node[i];
    if (!add_node(o)) return false;
  }
  for (size_t i = 0; i < g->n_output; i++)
    if (!add_output(o, g->output[i])) return false;
  return true;
}

// ---- the file

// Strings that aren't there are empty ones.
static void name_all(struct onnx *o) {
  static char none[] = "";
#define NAMED(s) ((s) = (s) ? (s) : none)
  const Onnx__ModelProto *m = o->model;
  Onnx__GraphProto *g = m->graph;
  for (size_t i = 0; i < m->n_opset_import; i++) NAMED(m->opset_import[i]->domain);
  for (size_t i = 0; i < g->n_node; i++) {
    NAMED(g->node[i]->name);
    NAMED(g->node[i]->op_type);
    NAMED(g->node[i]->domain);
  }
  for (size_t i = 0; i < g->n_node; i++) // of what isn't wanted there is no name
    if (g->node[i]->n_output && !*g->node[i]->output[0])
      g->node[i]->output[0] = arena_printf(o->arena, "nngen.unused.%zu", i);
  for (size_t i = 0; i < g->n_initializer; i++) NAMED(g->initializer[i]->name);
  for (size_t i = 0; i < g->n_input; i++) NAMED(g->input[i]->name);
  for (size_t i = 0; i < g->n_value_info; i++) NAMED(g->value_info[i]->name);
  for (size_t i = 0; i < g->n_output; i++) NAMED(g->output[i]->name);
#undef NAMED
}

static bool check(struct onnx *o) {
  const Onnx__ModelProto *m = o->model;
  if (!m->graph) return err_set(o->err, "the ONNX file has no graph");
  name_all(o);
  if (m->n_functions)
    return err_set(o->err, "the ONNX file has functions of its own: inline them "
                           "(onnx.inliner.inline_local_functions)");
  if (m->graph->n_sparse_initializer)
    return err_set(o->err, "the ONNX file has sparse tensors: store them dense");
  for (size_t i = 0; i < m->n_opset_import; i++)
    if (known_domain(m->opset_import[i]->domain) && m->opset_import[i]->domain[0] != 'q' &&
        m->opset_import[i]->domain[0] != 'f' && m->opset_import[i]->domain[0] != 'o')
      o->opset = (int)m->opset_import[i]->version;
  if (o->opset < OPSET_LEAST || o->opset > OPSET_MOST)
    return err_set(o->err,
                   "the ONNX file is of opset %d, expected %d to %d: convert it "
                   "(onnx.version_converter.convert_version(model, 21))",
                   o->opset, OPSET_LEAST, OPSET_MOST);
  return true;
}

struct graph *onnx_parse(struct arena *a, const char *path, const void *data, size_t size,
                         struct refusals *r, struct err *e) {
  struct onnx o = {.arena = a, .path = path, .batch = BATCH_FREE, .opset = 1, .err = e};
  o.model = onnx_unpack(a, data, size, e);
  if (!o.model || !check(&o)) return NULL;
  const char *name = o.model->graph->name;
  o.builder = builder_new(a, name && *name ? name : "network", r);
  o.names = json_map();
  o.reads = json_map();
  bool ok = add_all(&o);
  json_decref(o.infos);
  json_decref(o.names);
  json_decref(o.reads);
  builder_free(&o.builder);
  return ok ? o.builder.graph : NULL;
}
