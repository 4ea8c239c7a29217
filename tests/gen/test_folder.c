// SPDX-License-Identifier: Apache-2.0
// A generated folder that was changed: its sums and its manifest are refused line by line and field
// by field, and folders that aren't ours are left alone.
#include "gen/folder.h"
#include "sw/base/file.h"
#include "tests/sim/helper_bench.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(struct bench *b, const char *file) {
  return arena_printf(&b->arena, "%s/%s", b->job.folder, file);
}

static void expect(const char *what, const char *said, const char *words) {
  if (!strstr(said, words)) fail_msg("%s: expected \"%s\", got \"%s\"", what, words, said);
}

static void new_circuit(struct bench *b) {
  *b = (struct bench){0};
  bench_new(b, bench_network(&b->arena), 2, 1);
}

// ---- sums

static void sums_refused(const char *from, const char *to, const char *words) {
  struct bench b;
  struct err e = {0};
  new_circuit(&b);
  assert_true(folder_check(b.job.folder, &e));
  bench_patch(&b, "SHA256SUMS", from, to);
  assert_false(folder_check(b.job.folder, &e));
  expect(to, e.text, words);
  bench_free(&b);
}

static void test_sums(void **state) {
  (void)state;
  sums_refused("  manifest.json", " manifest.json", "SHA256SUMS: a line isn't HASH  FILE");
  sums_refused("  manifest.json", "0  manifest.json", "SHA256SUMS: a line isn't HASH  FILE");
  sums_refused("  manifest.json", "  /etc/passwd", "SHA256SUMS: /etc/passwd");
  sums_refused("  manifest.json", "  ../manifest.json", "SHA256SUMS: ../manifest.json");
  sums_refused("  manifest.json", "  missing.json", "missing.json: No such file");
  sums_refused("  manifest.json", "  report.txt", "report.txt: was changed after it was generated");
}

static void test_unlisted(void **state) {
  (void)state;
  static const char *const extra[] = {"extra.sv", "rom/extra.mem", "tb/extra.sv"};
  for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
    struct bench b;
    struct err e = {0};
    new_circuit(&b);
    assert_true(file_create(path_of(&b, extra[i]), "x", 1, &e));
    assert_false(folder_check(b.job.folder, &e));
    expect(extra[i], e.text, arena_printf(&b.arena, "%s: isn't listed in SHA256SUMS", extra[i]));
    assert_int_equal(unlink(path_of(&b, extra[i])), 0);
    e = (struct err){0};
    assert_true(folder_check(b.job.folder, &e));
    assert_int_equal(mkdir(path_of(&b, "extra"), 0755), 0); // an empty folder holds no file
    assert_true(folder_check(b.job.folder, &e));
    bench_free(&b);
  }
}

// ---- the manifest

static void test_manifest(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *words;
  } bad[] = {{"\"layers\":[", "\"layer\":[", "manifest.json: layers or top is missing or wrong"},
             {"\"top\":\"top\"", "\"top\":7", "manifest.json: layers or top is missing or wrong"},
             {"\"top\":\"top\"", "\"top\":\"wire\"", "layers or top is missing or wrong"},
             {"\"id\":", "\"ID\":", "manifest.json: layer 0 has no id"},
             {"\"lanes\":2", "\"lanes\":0", "input: lanes: expected 1 to"},
             {"\"input\":{", "\"inputs\":{", "manifest.json: input: lanes: expected 1 to 16777216"},
             {"\"lanes_in\":2", "\"lanes_in\":0", "lanes_in: expected 1 to 16777216"},
             {"\"lanes_out\":2", "\"lanes_out\":16777217", "lanes_out: expected 1 to 16777216"},
             {"\"lanes_out\":2", "\"lanes_out\":\"2\"", "lanes_out: expected 1 to 16777216"},
             {"\"id\":\"l0_linear\"", "\"id\":\"l9_linear\"", "there is no layer \"l9_linear\""},
             {"{\n", "\n", "JSON line"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct bench b;
    struct err e = {0};
    new_circuit(&b);
    assert_non_null(folder_circuit(&b.arena, b.job.folder, &e));
    bench_patch(&b, "manifest.json", bad[i].from, bad[i].to);
    assert_null(folder_circuit(&b.arena, b.job.folder, &e));
    expect(bad[i].to, e.text, bad[i].words);
    bench_free(&b);
  }
}

// A circuit that is read back is the one that was written.
static void test_circuit_comes_back(void **state) {
  (void)state;
  struct bench b;
  struct err e = {0};
  new_circuit(&b);
  const struct circuit *p = folder_circuit(&b.arena, b.job.folder, &e);
  assert_int_equal(p->ii, b.circuit->ii);
  assert_int_equal(p->latency, b.circuit->latency);
  assert_int_equal(p->multipliers, b.circuit->multipliers);
  assert_int_equal(p->rom_style, ROM_FILE);
  b.circuit->rom_style = ROM_CASE;
  assert_true(folder_write(b.circuit, b.job.folder, &(struct folder_content){0}, &e));
  assert_int_equal(folder_circuit(&b.arena, b.job.folder, &e)->rom_style, ROM_CASE);
  bench_free(&b);
}

// A layer may work on more lanes than one of its inputs has elements.
static void test_lanes_come_back(void **state) {
  (void)state;
  struct bench b;
  struct err e = {0};
  struct folding_entry wide = {.name = "all", .in = 4, .out = 4};
  struct folding f = {.parallelism = 4, .n_layers = 1, .layers = &wide};
  new_circuit(&b);
  struct graph *g = graph_new(&b.arena, "repeated");
  struct type type = type_fixed(&b.arena, 8, true, 0.125, 0);
  uint32_t x = graph_add_value(g, "x", 1, (int64_t[]){1}, type, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_concat, "all");
  for (int i = 0; i < 4; i++) graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 1, (int64_t[]){4}, type, true));
  graph_add_output(g, g->nodes[n].out[0]);
  const char *folder = arena_printf(&b.arena, "%s/repeated", b.dir);
  const struct circuit *p = NULL, *made = NULL;
  if (graph_verify(g, &e)) made = circuit_build(&b.arena, g, "top", &f, &e);
  if (made && folder_write(made, folder, &(struct folder_content){0}, &e))
    p = folder_circuit(&b.arena, folder, &e);
  if (!p) fail_msg("%s", e.text);
  assert_int_equal(p->n_cells, made->n_cells);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    assert_string_equal(p->cells[i].name, made->cells[i].name);
    assert_int_equal(p->cells[i].out[0]->lanes, made->cells[i].out[0]->lanes);
  }
  bench_free(&b);
}

// ---- places

static void not_written(struct bench *b, const char *dir, const char *words) {
  struct err e = {0};
  assert_false(folder_write(b->circuit, dir, &(struct folder_content){0}, &e));
  expect(dir, e.text, words);
}

static void test_places(void **state) {
  (void)state;
  struct bench b;
  struct err e = {0};
  new_circuit(&b);
  const char *other = arena_printf(&b.arena, "%s/other", b.dir);
  assert_int_equal(mkdir(other, 0755), 0);
  assert_true(folder_write(b.circuit, arena_printf(&b.arena, "%s//", other),
                           &(struct folder_content){0}, &e)); // empty, and slashes at its end
  assert_true(folder_check(other, &e));
  const char *manifest = arena_printf(&b.arena, "%s/manifest.json", other);
  static const char *const foreign[] = {"{\"generator\":\"other\"}", "{\"generator\":1}", "{}",
                                        "x"};
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    assert_true(file_write(manifest, foreign[i], strlen(foreign[i]), &e));
    not_written(&b, other, "isn't a folder that nngen wrote");
  }
  const char *link = arena_printf(&b.arena, "%s/link", b.dir);
  assert_int_equal(symlink(b.job.folder, link), 0);
  not_written(&b, link, "exists and isn't a folder that nngen wrote");
  assert_true(folder_check(b.job.folder, &e));
  char *deep = arena_alloc(&b.arena, 5000, 1);
  memset(deep, 'x', 4999);
  not_written(&b, deep, "File name too long");
  bench_free(&b);
}

// A folder so deep that the longest name in it is too long: what was written until then, in rooms
// of it too, is gone.
static void test_cut_short(void **state) {
  (void)state;
  struct bench b;
  struct err e = {0};
  new_circuit(&b);
  char *deep = arena_alloc(&b.arena, PATH_MAX, 1);
  int length = snprintf(deep, PATH_MAX, "%s/deep", b.dir);
  assert_int_equal(mkdir(deep, 0755), 0);
  const int room = PATH_MAX - (int)strlen("/circuit.XXXXXX/rom/l0_weight_000_000.me");
  while (room - length > 200) {
    length += snprintf(deep + length, 102, "/%0100d", 0);
    assert_int_equal(mkdir(deep, 0755), 0);
  }
  length += snprintf(deep + length, (size_t)(room - length), "/%0*d", room - length - 2, 0);
  assert_int_equal(mkdir(deep, 0755), 0);
  const char *dir = arena_printf(&b.arena, "%s/circuit", deep);
  assert_false(folder_write(b.circuit, dir, &(struct folder_content){0}, &e));
  expect(dir, e.text, "File name too long");
  assert_int_equal(rmdir(deep), 0); // it is empty
  bench_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums),
                                     cmocka_unit_test(test_unlisted),
                                     cmocka_unit_test(test_manifest),
                                     cmocka_unit_test(test_circuit_comes_back),
                                     cmocka_unit_test(test_lanes_come_back),
                                     cmocka_unit_test(test_places),
                                     cmocka_unit_test(test_cut_short)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
