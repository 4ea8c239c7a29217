// SPDX-License-Identifier: Apache-2.0
// The text of a small generated design, byte for byte as in tests/golden.
#include "gen/emit.h"
#include "gen/emit_bench.h"
#include "gen/folder.h"
#include "gen/rename.h"
#include "gen/report.h"
#include "gen/rom_case.h"
#include "quant/quantize.h"
#include "sw/base/sha256.h"
#include "sw/graph/curve.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "tests/gen/helper_golden.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t layer(struct graph *g, enum op op, const char *name, struct type type, int64_t size,
                      uint32_t x) {
  uint32_t n = graph_add_node(g, op, name);
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, name, 1, &size, type, true));
  return n;
}

static void tensor(struct graph *g, uint32_t node, const char *name, int rank, const int64_t *shape,
                   struct type type, int64_t first) {
  struct tensor *t = tensor_new(g->arena, dtype_for(&type), rank, shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, (first + 5 * i) % 17 - 8);
  graph_add_use(g, node, (struct use){graph_add_tensor(g, name, t, type), 0, NONE});
}

// 7 -> linear -> 5 -> tanh -> linear -> 3 -> argmax: lanes that divide nothing, a multiplier, a
// zero point, a table, a resize, an index.
static struct graph *small(struct arena *a) {
  struct graph *g = graph_new(a, "small");
  struct type stream = type_fixed(a, 6, true, 0.125, 0), odd = type_fixed(a, 6, false, 0.1, 9);
  uint32_t x = graph_add_value(g, "x", 1, (int64_t[]){7}, stream, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = layer(g, OP_linear, "dense one", stream, 5, x);
  tensor(g, n, "w1", 2, (int64_t[]){5, 7}, type_fixed(a, 5, true, 0.25, 0), 3);
  tensor(g, n, "b1", 1, (int64_t[]){5}, type_fixed(a, 5, true, 0.03125, 0), 1);
  graph_add_requant(g, n, 1, (int64_t[]){1}, (int32_t[]){2});
  uint32_t t = layer(g, OP_tanh, "tanh", stream, 5, g->nodes[n].out[0]);
  struct curve_domain d = {-32, 31, 0, 0.125, -32, 31, 0, 0.125};
  struct tensor *table = tensor_new(a, DTYPE_I64, 1, (int64_t[]){64});
  curve_table(CURVE_TANH, 1, &d, table->data);
  graph_add_attr(g, t, ATTR_table)->tensor = table;
  n = layer(g, OP_linear, "dense two", odd, 3, g->nodes[t].out[0]);
  tensor(g, n, "w2", 2, (int64_t[]){3, 5}, type_fixed(a, 5, true, 0.25, 0), 11);
  graph_add_requant(g, n, 1, (int64_t[]){1342177280}, (int32_t[]){32});
  n = layer(g, OP_argmax, "class", type_fixed(a, 2, false, 1, 0), 1, g->nodes[n].out[0]);
  graph_add_output(g, g->nodes[n].out[0]);
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static struct circuit *small_circuit(struct arena *a) {
  struct err e = {0};
  struct folding_entry entry = {.name = "dense two", .in = 2, .out = 2};
  struct folding f = {.parallelism = 3, .n_layers = 1, .layers = &entry};
  struct circuit *p = circuit_build(a, small(a), "small", &f, &e);
  if (!p) fail_msg("%s", e.text);
  return p;
}

static void test_top(void **state) {
  (void)state;
  struct arena a = {0};
  struct text t = {0};
  emit_top(&t, small_circuit(&a));
  golden_text(&a, "small.sv", &t);
  text_free(&t);
  arena_free(&a);
}

static void test_reports(void **state) {
  (void)state;
  struct arena a = {0};
  struct text report = {0}, manifest = {0};
  report_text(&report, small_circuit(&a));
  report_manifest(&manifest, small_circuit(&a), "0123");
  golden_text(&a, "small.report.txt", &report);
  golden_text(&a, "small.manifest.json", &manifest);
  text_free(&report);
  text_free(&manifest);
  arena_free(&a);
}

static const struct text *file(const struct emit_files *f, const char *name) {
  for (uint32_t i = 0; i < f->count; i++)
    if (strcmp(f->files[i].name, name) == 0) return &f->files[i].text;
  fail_msg("no file %s", name);
  return NULL;
}

// Every weight stands where hw/fixed_linear.sv reads it.
static void test_weight_words(void **state) {
  (void)state;
  struct arena a = {0};
  struct emit_files f = {.arena = &a};
  struct circuit *p = small_circuit(&a);
  emit_roms(&f, p);
  for (int lane = 0; lane < 3; lane++) {
    const char *line = file(&f, arena_printf(&a, "rom/l0_weight_%03d_000.mem", lane))->data;
    for (int ib = 0; ib < 3; ib++)
      for (int og = 0; og < 2; og++, line = strchr(line, '\n') + 1)
        for (int k = 0; k < 3; k++) {
          int i = ib * 3 + k, o = og * 3 + lane;
          long word = strtol(line, NULL, 16), field = word >> (5 * k) & 31;
          long expected = i < 7 && o < 5 ? ((3 + 5 * (o * 7 + i)) % 17 - 8) & 31 : 0;
          assert_int_equal(field, expected);
        }
    assert_int_equal(*line, 0);
  }
  emit_free(&f);
  arena_free(&a);
}

// The table as JSON, whose layers and origins are told apart.
static void test_report_json(void **state) {
  (void)state;
  struct arena a = {0};
  struct text t = {0}, manifest = {0};
  struct circuit *p = small_circuit(&a);
  json_error_t e;
  graph_add_origin((struct graph *)p->graph, 0, "first/MatMul");
  graph_add_origin((struct graph *)p->graph, 0, "first/Add");
  report_json(&t, p, "out/\"rtl\"");
  report_manifest(&manifest, p, "0123");
  json_t *root = json_loadb(t.data, t.size, JSON_REJECT_DUPLICATES, &e);
  if (!root) fail_msg("%s", e.text);
  const json_t *layers = json_object_get(root, "layers");
  assert_string_equal(json_string_value(json_object_get(root, "dir")), "out/\"rtl\"");
  assert_int_equal(json_integer_value(json_object_get(root, "ii")), p->ii);
  assert_int_equal(json_integer_value(json_object_get(root, "latency")), p->latency);
  assert_int_equal(json_integer_value(json_object_get(root, "multipliers")), p->multipliers);
  assert_int_equal(json_integer_value(json_object_get(root, "memory_bits")), p->memory_bits);
  static const char *const names[] = {"dense one", "tanh", "dense two", "class"};
  assert_int_equal(json_array_size(layers), 4);
  for (size_t i = 0; i < 4; i++)
    assert_string_equal(json_string_value(json_object_get(json_array_get(layers, i), "name")),
                        names[i]);
  json_decref(root);
  assert_non_null(strstr(manifest.data, "\"origin\":[\"first/MatMul\",\"first/Add\"]"));
  text_free(&t);
  text_free(&manifest);
  arena_free(&a);
}

// Renaming leaves the graph that it is made from alone, and takes all of a user's words away.
static void test_renamed(void **state) {
  (void)state;
  struct arena a = {0};
  struct circuit *p = small_circuit(&a);
  graph_add_origin((struct graph *)p->graph, 0, "secret");
  const struct graph *g = graph_renamed(&a, p);
  struct text t = {0};
  model_put(&t, g);
  assert_string_equal(p->graph->nodes[0].name, "dense one");
  assert_string_equal(p->graph->values[p->graph->inputs[0].value].name, "x");
  assert_int_equal(p->graph->nodes[0].n_origin, 1);
  assert_string_equal(g->nodes[0].name, "l0_linear");
  assert_string_equal(g->values[g->inputs[0].value].name, "input0");
  assert_null(memmem(t.data, t.size, "secret", 6));
  assert_null(memmem(t.data, t.size, "dense", 5));
  text_free(&t);
  arena_free(&a);
}

static void test_module_names(void **state) {
  (void)state;
  char name[70] = "";
  memset(name, 'a', 64);
  assert_true(verilog_module_name(name));
  name[64] = 'a';
  assert_false(verilog_module_name(name));
  static const char *const good[] = {"a", "Z", "z9_a", "A_b", "l", "la", "layer0", "tbx", "wired"};
  static const char *const bad[] = {
      "entity", "Signal",  "IS",      "vunit",   "",       "9a",          "_a",     "a-b",
      "a b",    "l0",      "l9x",     "wire",    "tb",     "frame",       "trim_x", "axis_x",
      "fixed_", "unused_", "m_axisx", "ROM_DIR", "module", "zwi\xc3\xa9", "z9_",    "a__b"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!verilog_module_name(good[i])) fail_msg("%s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (verilog_module_name(bad[i])) fail_msg("%s", bad[i]);
}

// ---- every kind: sums of what random chains become, as it was when the simulators agreed with it
// (test_networks)

enum { CHAINS = 2 };

static struct circuit *chain(struct arena *a, enum op op, uint64_t seed) {
  struct err e = {0};
  struct graph *g = netgen(a, seed, op, NETGEN_CIRCUIT);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  struct folding f = circuit_folding(a, g, seed);
  struct circuit *p = circuit_build(a, g, op_info(op)->name, &f, &e);
  if (!p) fail_msg("%s: %s", op_info(op)->name, e.text);
  return p;
}

// A table that becomes a polynomial with corrections, in two lanes of three elements.
static struct circuit *polynomial(struct arena *a) {
  struct err e = {0};
  struct formats formats = formats_new();
  struct graph *g = graph_new(a, "smooth");
  uint32_t x = graph_add_value(g, "x", 1, (int64_t[]){3}, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = layer(g, OP_silu, "silu", type_real(), 3, x);
  graph_add_output(g, g->nodes[n].out[0]);
  assert_true(formats_set_stream(a, &formats.defaults, "16,11", &e));
  struct folding f = {.parallelism = 2};
  struct graph *fixed = quantize(a, g, &formats, &e);
  struct circuit *p = fixed ? circuit_build(a, fixed, "polynomial", &f, &e) : NULL;
  if (!p) fail_msg("%s", e.text);
  const struct circuit_pointwise *facts = p->cells[p->n_cells - 2].facts; // before the trim
  assert_string_equal(facts->module, "fixed_polynomial");
  return p;
}

static void put_sum(struct arena *a, struct text *to, const char *name, struct text *t) {
  text_printf(to, " %s %.12s", name, sha256_hex(a, t->data ? t->data : "", t->size));
  text_free(t);
}

// The files of a room, names and content, as one.
static struct text room(const struct emit_files *f, const char *name) {
  struct text all = {0};
  for (uint32_t i = 0; i < f->count; i++) {
    if (strncmp(f->files[i].name, name, strlen(name)) != 0) continue;
    text_printf(&all, "%s\n", f->files[i].name);
    text_put(&all, f->files[i].text.data, f->files[i].text.size);
  }
  return all;
}

static void put_sums(struct arena *a, struct text *to, const struct circuit *p) {
  static const char *const rooms[] = {"rom/", "vectors/", "tb/tb.sv", "tb/Makefile"};
  struct emit_files f = {.arena = a}, roms = {.arena = a};
  struct err e = {0};
  struct text top = {0}, report = {0}, manifest = {0}, bench = {0}, waves = {0}, model = {0};
  struct text list = {0};
  emit_roms(&roms, p);
  if (!emit_bench_files(&f, p, NULL, &e)) fail_msg("%s", e.text);
  emit_top(&top, p);
  report_text(&report, p);
  report_manifest(&manifest, p, "0123");
  emit_bench_dpi(&bench, p);
  emit_bench_gtkw(&waves, p, "tb");
  model_put(&model, graph_renamed(a, p));
  put_sum(a, to, "top", &top);
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
    struct text all = room(i ? &f : &roms, rooms[i]);
    put_sum(a, to, rooms[i], &all);
  }
  put_sum(a, to, "report", &report);
  put_sum(a, to, "manifest", &manifest);
  put_sum(a, to, "bench", &bench);
  put_sum(a, to, "waves", &waves);
  put_sum(a, to, "model", &model);
  rom_case_memories(&f, p->top, &roms);
  for (uint32_t i = 0; i < f.n_sources; i++) text_printf(&list, "%s\n", f.sources[i]);
  struct text modules = room(&f, "rom/");
  put_sum(a, to, "case", &modules);
  put_sum(a, to, "list", &list);
  emit_free(&f);
  emit_free(&roms);
}

static void test_every_kind(void **state) {
  (void)state;
  struct arena a = {0};
  struct text sums = {0};
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 1; seed <= CHAINS; seed++) {
      const struct op_info *info = op_info((enum op)op);
      if (!(info->executors & EXECUTOR_CIRCUIT) || info->column == COLUMN_SHAPE) continue;
      text_printf(&sums, "%s %d", info->name, (int)seed);
      put_sums(&a, &sums, chain(&a, (enum op)op, seed));
      text_puts(&sums, "\n");
    }
  text_puts(&sums, "polynomial");
  put_sums(&a, &sums, polynomial(&a));
  text_puts(&sums, "\n");
  golden_text(&a, "kinds.sums", &sums);
  text_free(&sums);
  arena_free(&a);
}

// A multiplier of 1 is the module's own; any other is said.
static void test_multipliers(void **state) {
  (void)state;
  for (int mul = 1; mul <= 3; mul++) {
    struct text t = {0};
    struct parameters out = {.out = &t};
    struct circuit_requant r = {.mul_width = 2, .mul = mul, .out_width = 4, .shift = 1};
    r.out_type = r.rounding = r.overflow = "any";
    emit_requant_parameters(&out, &r, false);
    const char *at = strstr(t.data, ".MUL(40'd");
    assert_int_equal(at ? at[strlen(".MUL(40'd")] - '0' : 1, mul);
    text_free(&t);
  }
}

// Frames that nobody gave: of a bipolar input 1 and -1, one bit each.
static void test_bipolar_frames(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct emit_files files = {.arena = &a};
  struct graph *g = graph_new(&a, "signs");
  uint32_t x = graph_add_value(g, "x", 1, (int64_t[]){7}, type_of_class(TYPE_BIPOLAR), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = layer(g, OP_linear, "sum", type_fixed(&a, 6, true, 1, 0), 1, x);
  tensor(g, n, "w", 2, (int64_t[]){1, 7}, type_fixed(&a, 5, true, 1, 0), 3);
  graph_add_requant(g, n, 1, (int64_t[]){1}, (int32_t[]){2});
  graph_add_output(g, g->nodes[n].out[0]);
  graph_ranges(g);
  struct folding f = {.parallelism = 2};
  struct circuit *p = graph_verify(g, &e) ? circuit_build(&a, g, "signs", &f, &e) : NULL;
  if (!p || !emit_bench_files(&files, p, NULL, &e)) fail_msg("%s", e.text);
  assert_true(files.count > 3);
  emit_free(&files);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_top),           cmocka_unit_test(test_reports),
      cmocka_unit_test(test_weight_words),  cmocka_unit_test(test_every_kind),
      cmocka_unit_test(test_report_json),   cmocka_unit_test(test_renamed),
      cmocka_unit_test(test_module_names),  cmocka_unit_test(test_multipliers),
      cmocka_unit_test(test_bipolar_frames)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
