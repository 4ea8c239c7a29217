// SPDX-License-Identifier: Apache-2.0
// The text of a small generated design, byte for byte as in tests/golden. NNGEN_GOLDEN_UPDATE=1
// writes it anew, to be read before it is committed.
#include "gen/emit.h"
#include "gen/report.h"
#include "sw/base/file.h"
#include "sw/graph/curve.h"
#include "sw/graph/interval.h"

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

static struct plan *small_plan(struct arena *a) {
  struct err e = {0};
  struct folding_entry entry = {.name = "dense two", .in = 2, .out = 2};
  struct folding f = {.parallelism = 3, .n_layers = 1, .layers = &entry};
  struct plan *p = plan_new(a, small(a), "small", &f, &e);
  if (!p) fail_msg("%s", e.text);
  return p;
}

static void compare(struct arena *a, const char *name, const struct text *t) {
  struct err e = {0};
  struct bytes expected;
  const char *path = arena_printf(a, "tests/golden/%s", name);
  if (getenv("NNGEN_GOLDEN_UPDATE")) assert_true(file_write(path, t->data, t->size, &e));
  if (!file_read(a, path, 1 << 20, &expected, &e)) fail_msg("%s", e.text);
  size_t at = 0, line = 1;
  while (at < t->size && at < expected.size && (unsigned char)t->data[at] == expected.data[at])
    line += t->data[at++] == '\n';
  if (at < t->size || at < expected.size) fail_msg("%s differs in line %zu", path, line);
}

static void test_top(void **state) {
  (void)state;
  struct arena a = {0};
  struct text t = {0};
  emit_top(&t, small_plan(&a));
  compare(&a, "small.sv", &t);
  text_free(&t);
  arena_free(&a);
}

static void test_reports(void **state) {
  (void)state;
  struct arena a = {0};
  struct text report = {0}, manifest = {0};
  report_text(&report, small_plan(&a));
  report_manifest(&manifest, small_plan(&a), "0123");
  compare(&a, "small.report.txt", &report);
  compare(&a, "small.manifest.json", &manifest);
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
  struct plan *p = small_plan(&a);
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_top), cmocka_unit_test(test_reports),
                                     cmocka_unit_test(test_weight_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
