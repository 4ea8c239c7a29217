// SPDX-License-Identifier: Apache-2.0
// ONNX files that are written: read again they are the same graph, to the byte where the file has
// all that the graph has, otherwise to the integer.
#include "quant/formats.h"
#include "quant/quantize.h"
#include "sw/base/json.h"
#include "sw/exec/golden.h"
#include "sw/export/export.h"
#include "sw/export/real.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/import/formats.h"
#include "sw/pass/fold_norm.h"
#include "tests/cmd/helper_shell.h"
#include "tests/net/helper_netgen.h"

#include "onnx.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { SEEDS = 20, FRAMES = 3 };

// ---- there and back

// What other readers ask of a file: names of nodes are there once, each value is made once and
// before it is read.
static const char *sound(const struct text *file) {
  Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, file->size, (const uint8_t *)file->data);
  json_t *nodes = json_map(), *values = json_map();
  const char *fault = m && m->graph ? NULL : "no model";
  for (size_t i = 0; !fault && i < m->graph->n_initializer; i++) {
    const char *name = m->graph->initializer[i]->name;
    if (json_object_get(values, name)) fault = "a constant is there twice";
    json_put(values, name, json_true());
  }
  for (size_t i = 0; !fault && i < m->graph->n_input; i++)
    json_put(values, m->graph->input[i]->name, json_true());
  for (size_t i = 0; !fault && i < m->graph->n_node; i++) {
    const Onnx__NodeProto *n = m->graph->node[i];
    if (json_object_get(nodes, n->name)) fault = "two nodes of one name";
    json_put(nodes, n->name, json_true());
    for (size_t k = 0; k < n->n_input; k++)
      if (*n->input[k] && !json_object_get(values, n->input[k]))
        fault = "a value that nothing makes";
    for (size_t k = 0; k < n->n_output; k++) {
      if (!*n->output[k] || json_object_get(values, n->output[k])) fault = "a value without a name";
      json_put(values, n->output[k], json_true());
    }
  }
  for (size_t i = 0; !fault && i < m->graph->n_output; i++)
    if (!json_object_get(values, m->graph->output[i]->name)) fault = "an output that nothing makes";
  json_decref(nodes);
  json_decref(values);
  if (m) onnx__model_proto__free_unpacked(m, NULL);
  return fault;
}

// The graph of a file that was written; NULL if it wasn't.
static struct graph *returned(struct arena *a, const struct graph *g, enum onnx_form form) {
  struct text file = {0};
  struct refusals refused = {0};
  struct export_notes notes = {0};
  struct err e = {0};
  struct graph *back = NULL;
  if (export_onnx(a, g, form, &refused, &notes, &file, &e)) {
    struct refusals r = {0};
    if (sound(&file)) fail_msg("%s: %s", g->name, sound(&file));
    back = onnx_parse(a, "made.onnx", file.data, file.size, &r, &e);
    if (r.count) fail_msg("%s (%s): %s", r.list[0].node, r.list[0].op, r.list[0].reason);
    if (!back || !graph_verify(back, &e)) fail_msg("%s", e.text);
  }
  text_free(&file);
  return back;
}

// ---- files

// Of a file: imported, exported and imported again, the same bytes.
static void same_file(struct shell *s, const char *file, const char *options) {
  cli_expect(
      s,
      arena_printf(&s->arena,
                   "$N import -q %s -o $D/1.bin && $N export -q %s $D/1.bin -o $D/e.onnx && "
                   "$N import -q $D/e.onnx -o $D/2.bin && cmp $D/1.bin $D/2.bin && echo same",
                   file, options),
      0, "same");
}

static void test_files(void **state) {
  static const char *const files[] = {"torch_acts_ts.onnx",
                                      "torch_acts_dynamo.onnx",
                                      "torch_lenet5_external.onnx",
                                      "torch_resnet_mini_bn.onnx",
                                      "torch_resnet_mini_dynamo.onnx",
                                      "brevitas_mlp_w4a4_qcdq.onnx",
                                      "brevitas_cnn_w4a4_qonnx.onnx",
                                      "brevitas_tfc_w2a2_qonnx_clean.onnx",
                                      "brevitas_bipolar_w1a1_qonnx.onnx",
                                      "ort_qdq_int8.onnx",
                                      "ort_qdq_int8_sym.onnx",
                                      "ort_qdq_resnet_int8.onnx",
                                      "keras2_mlp.h5",
                                      "keras3_cnn.h5",
                                      "keras3_cnn.keras"};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    same_file(s, arena_printf(&s->arena, "tests/import/files/%s", files[i]), "");
}

static void test_models(void **state) {
  static const char *const models[] = {"mnist-mlp", "mnist-acts", "lenet5", "resnet-mini"};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "$N export -q models/%s.bin -o $D/e.onnx && $N import -q $D/e.onnx -o "
                            "$D/2.bin && cmp models/%s.bin $D/2.bin && echo same",
                            models[i], models[i]),
               0, "same");
}

// The integers of a float model: every output of 100 images.
static void test_integers(void **state) {
  static const struct {
    const char *model, *types, *form;
  } rows[] = {{"lenet5", "-p 8,3", "qdq"},
              {"lenet5", "-p 5,2 -w 3", "qonnx"},
              {"resnet-mini", "-p 8,3 -w 8,channel", "qdq"},
              {"mnist-acts", "-p 6,3", "qdq"},
              {"mnist-acts", "-p 16,8", "qdq"},
              {"mnist-mlp", "-p 8,3 -w ternary", "qdq"},
              {"mnist-mlp", "-p 8,3 -w bipolar", "qonnx"},
              {"mnist-mlp", "-p 8,3 --rounding floor", "qonnx"},
              {"mnist-mlp", "-p 8,3 --overflow symmetric", "qdq"},
              {"mnist-mlp", "-p 8,3 -i raw", "qonnx"}};
  struct shell *s = *state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "$N export %s --form %s models/%s.bin -o $D/e.onnx 2>$D/said; ! grep "
                            "\"don't follow\" $D/said && $N run -q "
                            "--images 100 %s models/%s.bin -o $D/a && $N run -q --images 100 "
                            "$D/e.onnx -o $D/b && cmp $D/a $D/b && echo same",
                            rows[i].types, rows[i].form, rows[i].model, rows[i].types,
                            rows[i].model),
               0, "same");
}

// ---- random networks

static struct graph *quantized(struct arena *a, struct graph *real, const char *what) {
  struct formats f = formats_new();
  struct err e = {0};
  assert_true(formats_set_weight(a, &f.defaults, "8", &e));
  struct graph *folded = fold_norm(a, real, &e);
  struct graph *g = folded ? quantize(a, folded, &f, &e) : NULL;
  if (!g) print_message("%s: %s\n", what, e.text);
  return g;
}

static int64_t differences(struct arena *a, const struct graph *g, const struct graph *h,
                           uint64_t seed) {
  struct golden_ref *one = golden_ref_new(a, g, FRAMES), *two = golden_ref_new(a, h, FRAMES);
  const int64_t *const *inputs = netgen_inputs(a, g, seed, FRAMES);
  int64_t different = 0;
  assert_int_equal(g->n_outputs, h->n_outputs);
  golden_ref_step(one, inputs);
  golden_ref_step(two, inputs);
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    const struct value *y = &g->values[g->outputs[i]];
    const int64_t *p = golden_ref_value(one, g->outputs[i]);
    const int64_t *q = golden_ref_value(two, h->outputs[i]);
    for (int64_t k = 0; k < value_elements(y) * FRAMES; k++) different += p[k] != q[k];
  }
  return different;
}

// What ONNX can say: scales that are float32, modes that it has.
static void plain_modes(struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    struct node *n = &g->nodes[i];
    if (n->rounding == FIX_TFLITE || n->rounding == FIX_HALF_UP || n->rounding == FIX_HALF_DOWN)
      n->rounding = FIX_HALF_EVEN;
    if (n->overflow == FIX_WRAP || n->overflow == FIX_TO_ZERO) n->overflow = FIX_SATURATE;
  }
}

static void plain_scales(struct arena *a, struct type *t) {
  double *scale = ARENA_NEW(a, double, t->channels + 1);
  for (int64_t c = 0; c < t->channels && t->scale; c++) scale[c] = (double)(float)t->scale[c];
  if (t->scale) t->scale = scale;
}

// Where a clip cuts is anything in a random graph of integers, which has other constants.
static void plain_bounds(struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_attr; k++) {
      struct attr *a = &g->nodes[i].attr[k];
      if (a->name == ATTR_lo) a->real = -0.75;
      if (a->name == ATTR_hi) a->real = 1.5;
    }
}

// Streams of minifloats, which no file has, become integers of the same width.
static void plain_stream(struct arena *a, struct type *t) {
  if (type_is_minifloat(t))
    *t = type_fixed(a, type_stream_width(t), t->is_signed, type_scale(t, 0), 0);
  plain_scales(a, t);
}

static void plain_types(struct arena *a, struct graph *g) {
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init)
      plain_scales(a, &g->values[i].type);
    else
      plain_stream(a, &g->values[i].type);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_attr; k++)
      if (attr_kind(g->nodes[i].attr[k].name) == ATTR_TYPE)
        plain_stream(a, &g->nodes[i].attr[k].type);
}

// The file is another if a layer has another weight: its first one becomes the largest there is.
static bool change_weight(struct arena *a, struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (!op_is(g->nodes[i].op, TRAIT_WEIGHTS)) continue;
    struct value *w = &g->values[g->nodes[i].in[1].value];
    if (!type_is_fixed(&w->type)) return false;
    struct tensor *t = tensor_new(a, w->init->dtype, w->rank, w->shape);
    memcpy(t->data, w->init->data, (size_t)t->count * dtype_size(t->dtype));
    tensor_set_int(t, 0, tensor_int(t, 0) ? 0 : type_highest(&w->type));
    w->init = t;
    return true;
  }
  return false;
}

// Outputs keep their names, whatever requants are put behind them; false with one that doesn't.
static bool same_outputs(const struct graph *g, const struct graph *h, const char **which) {
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    *which = g->values[g->outputs[i]].name;
    if (strcmp(*which, h->values[h->outputs[i]].name) != 0) return false;
  }
  return true;
}

struct tally {
  int equal[OP_COUNT], refused[OP_COUNT], noticed;
};

static void random_network(enum op op, uint64_t seed, enum onnx_form form, struct tally *t) {
  struct arena a = {0};
  struct err e = {0};
  struct refusals r = {0};
  const char *what = arena_printf(&a, "%s, seed %d", op_info(op)->name, (int)seed);
  struct graph *made = netgen(&a, seed, op, NETGEN_CIRCUIT);
  plain_modes(made);
  struct graph *real = export_real(&a, made, true, &r, &e);
  if (real) plain_types(&a, real);
  if (real) plain_bounds(real);
  struct graph *g = real ? quantized(&a, real, what) : NULL;
  struct graph *again = g ? export_real(&a, g, true, &r, &e) : NULL;
  struct graph *back = again ? returned(&a, again, form) : NULL;
  struct graph *h = back ? quantized(&a, back, what) : NULL;
  if (h && differences(&a, g, h, seed)) fail_msg("%s: other integers", what);
  const char *lost = NULL;
  if (again && !same_outputs(g, again, &lost)) fail_msg("%s: output %s, exported", what, lost);
  if (h && !same_outputs(g, h, &lost)) fail_msg("%s: output %s, read again", what, lost);
  if (again && export_changed(&a, g, again)) fail_msg("%s: %s", what, export_changed(&a, g, again));
  if (h && change_weight(&a, back))
    t->noticed += differences(&a, g, quantized(&a, back, what), seed) != 0;
  t->equal[op] += h != NULL;
  t->refused[op] += h == NULL;
  arena_free(&a);
}

static void test_networks(void **state) {
  (void)state;
  struct tally t = {{0}, {0}, 0};
  for (int op = 0; op < OP_COUNT; op++) {
    bool host = op_is((enum op)op, TRAIT_HOST);
    if (!host && !(op_info((enum op)op)->executors & EXECUTOR_CIRCUIT)) continue;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      random_network((enum op)op, seed, ONNX_QDQ, &t);
      random_network((enum op)op, seed, ONNX_QONNX, &t);
    }
  }
  for (int op = 0; op < OP_COUNT; op++)
    if (t.equal[op] + t.refused[op] && op != OP_rbf && t.equal[op] < SEEDS / 6)
      fail_msg("%s: %d of %d networks came back", op_info((enum op)op)->name, t.equal[op],
               2 * SEEDS);
  assert_int_equal(t.equal[OP_rbf], 0);
  if (t.noticed < 50) fail_msg("another weight was noticed in %d networks", t.noticed);
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_files), SHELL_CASE(test_models),
                                     SHELL_CASE(test_integers), cmocka_unit_test(test_networks)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
