// SPDX-License-Identifier: Apache-2.0
// Opening a model by the words of the command line: each word that is wrong has its message, and
// what is right arrives in the graph.
#include "quant/load.h"
#include "sw/base/file.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"
#include "tests/data/helper_data.h"

#include <string.h>

#define MODEL "models/mnist-mlp.bin"

static void check_refused(struct load l, const char *words) {
  struct arena a = {0};
  struct err e = {0};
  assert_false(load_check(&a, &l, &e));
  if (!strstr(e.text, words)) fail_msg("expected \"%s\", got \"%s\"", words, e.text);
  arena_free(&a);
}

static void check_taken(struct load l) {
  struct arena a = {0};
  struct err e = {0};
  if (!load_check(&a, &l, &e)) fail_msg("%s", e.text);
  arena_free(&a);
}

static void test_words(void **state) {
  (void)state;
  check_taken((struct load){0});
  check_taken((struct load){.precision = "8,3",
                            .weight_precision = "6",
                            .input_precision = "u8",
                            .rounding = "floor",
                            .overflow = "wrap",
                            .input_mean = "0.5,-1e-3,2",
                            .input_std = "1,2"});
  check_refused((struct load){.precision = "8"}, "8");
  check_refused((struct load){.weight_precision = "x"}, "x");
  check_refused((struct load){.input_precision = "u9"}, "u9");
  check_refused((struct load){.rounding = "up"}, "up");
  check_refused((struct load){.overflow = "up"}, "up");
  static const char *const lists[] = {"", ",", "1,", "1,,2", "x", "1x", "1 2", "inf", "nan", "1;2"};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    check_refused((struct load){.input_mean = lists[i]}, "expected numbers with commas between");
    check_refused((struct load){.input_std = lists[i]}, "expected numbers with commas between");
  }
  check_refused((struct load){.input_mean = "x"}, "--input-mean x: expected numbers");
  check_refused((struct load){.input_std = "x"}, "--input-std x: expected numbers");
  check_refused((struct load){.input_std = "0"}, "--input-std 0: expected numbers above 0");
  check_refused((struct load){.input_std = "1,-1"}, "--input-std 1,-1: expected numbers above 0");
  check_refused((struct load){.input_std = "0,1"}, "--input-std 0,1: expected numbers above 0");
}

// ---- models

static struct model loaded(struct arena *a, const char *path, struct load l) {
  struct err e = {0};
  struct model m;
  if (!load_model(a, path, &l, &m, &e)) fail_msg("%s", e.text);
  return m;
}

static const struct value *fixed_value(const struct model *m, const char *name) {
  return &m->fixed->values[graph_find_value(m->fixed, name)];
}

static void load_refused(const char *path, struct load l, const char *words) {
  struct arena a = {0};
  struct err e = {0};
  struct model m;
  assert_false(load_model(&a, path, &l, &m, &e));
  if (!strstr(e.text, words)) fail_msg("expected \"%s\", got \"%s\"", words, e.text);
  arena_free(&a);
}

static void test_source(void **state) {
  (void)state;
  static const struct {
    const char *mean, *std;
    double means[3], deviations[3];
    int64_t count;
  } cases[] = {
      {NULL, "0.5", {0}, {0.5}, 1}, {"0.25", NULL, {0.25}, {1}, 1}, {"0.5", "2", {0.5}, {2}, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    struct model m =
        loaded(&a, MODEL, (struct load){.input_mean = cases[i].mean, .input_std = cases[i].std});
    const struct source *s = &m.real->inputs[0].source;
    assert_int_equal(s->channels, cases[i].count);
    for (int64_t c = 0; c < s->channels; c++)
      assert_true(s->mean[c] == cases[i].means[c] && s->std[c] == cases[i].deviations[c]);
    assert_null(m.fixed);
    arena_free(&a);
  }
  load_refused(MODEL, (struct load){.input_mean = "1,2,3"}, "models/mnist-mlp.bin: ");
}

// Two pixels of three channels; the path of the model.
static char *colours(struct fixture *f) {
  struct err e = {0};
  struct graph *g = graph_new(&f->arena, "colours");
  uint32_t x = graph_add_value(g, "x", 2, (int64_t[]){2, 3}, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_relu, "relu");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 2, (int64_t[]){2, 3}, type_real(), true));
  graph_add_output(g, g->nodes[n].out[0]);
  char *path = path_in(f, "colours.bin");
  if (!graph_verify(g, &e) || !model_write(path, g, &e)) fail_msg("%s", e.text);
  return path;
}

// Of three channels each takes its own number, and one number is for all.
static void test_channels(void **state) {
  struct fixture *f = *state;
  struct arena a = {0};
  char *path = colours(f);
  struct model m = loaded(&a, path, (struct load){.input_mean = "1,2,3", .input_std = "4"});
  const struct source *s = &m.real->inputs[0].source;
  assert_int_equal(s->channels, 3);
  for (int c = 0; c < 3; c++) assert_true(s->mean[c] == c + 1 && s->std[c] == 4);
  m = loaded(&a, path, (struct load){.input_std = "5,6,7"});
  s = &m.real->inputs[0].source;
  for (int c = 0; c < 3; c++) assert_true(s->mean[c] == 0 && s->std[c] == c + 5);
  load_refused(path, (struct load){.input_mean = "1,2"}, "colours.bin: ");
  arena_free(&a);
}

// The model's own mean stays where only the deviation is given, and the other way round.
static void test_own_source(void **state) {
  struct fixture *f = *state;
  struct arena a = {0};
  struct err e = {0};
  struct model own =
      loaded(&a, colours(f), (struct load){.input_mean = "1,2,3", .input_std = "4,5,6"});
  char *path = path_in(f, "own.bin");
  if (!model_write(path, own.real, &e)) fail_msg("%s", e.text);
  struct model m = loaded(&a, path, (struct load){.input_mean = "0.5"});
  const struct source *s = &m.real->inputs[0].source;
  for (int c = 0; c < 3; c++) assert_true(s->mean[c] == 0.5 && s->std[c] == c + 4);
  m = loaded(&a, path, (struct load){.input_std = "7,8,9"});
  s = &m.real->inputs[0].source;
  for (int c = 0; c < 3; c++) assert_true(s->mean[c] == c + 1 && s->std[c] == c + 7);
  load_refused(path, (struct load){.input_mean = "1,2"}, "2 means and 3 deviations");
  arena_free(&a);
}

// A table per channel is written as (channels, 256), a single one as (256).
static void test_pixel_tables(void **state) {
  struct fixture *f = *state;
  struct arena a = {0};
  const char *const means[] = {"0.5", "0.5,0.25,0.125"};
  char *path = colours(f), *fixed = path_in(f, "fixed.bin");
  for (int i = 0; i < 2; i++) {
    struct err e = {0};
    struct bytes bytes;
    struct safetensors file;
    struct model m = loaded(&a, path, (struct load){.precision = "8,3", .input_mean = means[i]});
    if (!model_write(fixed, m.fixed, &e) || !file_read(&a, fixed, 1 << 20, &bytes, &e) ||
        !safetensors_parse(&a, bytes.data, bytes.size, &file, &e))
      fail_msg("%s", e.text);
    const struct tensor *t = file.tensors[safetensors_find(&file, "x.pixels")].tensor;
    assert_int_equal(t->rank, i + 1);
    assert_int_equal(t->count, i ? 3 * 256 : 256);
    const struct source *s = &loaded(&a, fixed, (struct load){0}).fixed->inputs[0].source;
    assert_int_equal(s->tables, i ? 3 : 1);
    assert_memory_equal(s->table, m.fixed->inputs[0].source.table, (size_t)t->count * 4);
    assert_true(s->mean[0] == 0.5 && s->std[0] == 1);
  }
  arena_free(&a);
}

static void test_types(void **state) {
  (void)state;
  static const struct load words[] = {{.precision = "9,4"},
                                      {.precision = "8,3", .weight_precision = "6"},
                                      {.precision = "8,3", .input_precision = "u8"},
                                      {.precision = "8,3", .rounding = "floor"},
                                      {.precision = "8,3", .overflow = "wrap"}};
  struct arena a = {0};
  struct model m[5];
  for (int i = 0; i < 5; i++) {
    m[i] = loaded(&a, MODEL, words[i]);
    assert_non_null(m[i].real);
    assert_non_null(m[i].fixed);
  }
  assert_int_equal(fixed_value(&m[0], "fc1")->type.width, 9);
  assert_int_equal(fixed_value(&m[1], "fc1.weight")->type.width, 6);
  assert_int_equal(fixed_value(&m[2], "fc1.weight")->type.width, 8);
  assert_false(m[2].fixed->values[m[2].fixed->inputs[0].value].type.is_signed);
  assert_int_equal(m[3].fixed->nodes[fixed_value(&m[3], "fc1")->node].rounding, FIX_FLOOR);
  assert_int_equal(m[4].fixed->nodes[fixed_value(&m[4], "fc1")->node].overflow, FIX_WRAP);
  assert_int_equal(m[4].fixed->nodes[fixed_value(&m[4], "fc1")->node].rounding, FIX_HALF_EVEN);
  struct model plain = loaded(&a, MODEL, (struct load){0});
  assert_non_null(plain.real);
  assert_null(plain.fixed);
  arena_free(&a);
}

// Integers are taken as they are, from the file or its folder, with their ranges proven.
static void test_integers(void **state) {
  struct fixture *f = *state;
  struct arena a = {0};
  struct err e = {0};
  struct model m = loaded(&a, MODEL, (struct load){.precision = "8,3"});
  const char *path = path_in(f, "model.bin");
  if (!model_write(path, m.fixed, &e)) fail_msg("%s", e.text);
  const char *places[] = {path, f->folder};
  for (int i = 0; i < 2; i++) {
    assert_string_equal(load_path(&a, places[i]), path);
    struct model again = loaded(&a, places[i], (struct load){0});
    assert_null(again.real);
    assert_true(fixed_value(&again, "fc1")->lo < 0 && fixed_value(&again, "fc1")->hi > 0);
  }
  const struct load words[] = {{.precision = "8,3"},
                               {.weight_precision = "8"},
                               {.input_precision = "raw"},
                               {.rounding = "floor"},
                               {.overflow = "wrap"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    load_refused(path, words[i], "model.bin: the model is quantised already");
  load_refused(path, (struct load){.input_mean = "1"},
               "model.bin: --input-mean: the pixel table of an integer model is fixed");
  load_refused(path, (struct load){.input_std = "2"},
               "the pixel table of an integer model is fixed");
  arena_free(&a);
}

static void test_formats(void **state) {
  struct fixture *f = *state;
  static const char good[] = "{\"defaults\":{\"stream\":\"10,4\"}}",
                    bad[] = "{\"layers\":{\"fc9\":{\"stream\":\"8,3\"}}}";
  struct arena a = {0};
  struct model m = loaded(&a, MODEL, (struct load){.formats = put(f, "good", good, strlen(good))});
  assert_int_equal(fixed_value(&m, "fc1")->type.width, 10);
  char *file = put(f, "bad", bad, strlen(bad));
  load_refused(MODEL, (struct load){.precision = "8,3", .formats = file}, MODEL ": ");
  load_refused(MODEL, (struct load){.precision = "8,3", .formats = file}, "no layer \"fc9\"");
  load_refused(MODEL, (struct load){.formats = path_in(f, "none")}, "none: No such file");
  // an entry that no layer takes: of a kind that isn't there
  static const char idle[] =
      "{\"defaults\":{\"stream\":\"8,3\"},\"kinds\":{\"tanh\":{\"stream\":\"8,6\"},"
      "\"relu\":{\"stream\":\"8,3\"}}}";
  m = loaded(&a, MODEL, (struct load){.formats = put(f, "idle", idle, strlen(idle))});
  assert_int_equal(m.warnings.count, 1);
  assert_string_equal(m.warnings.list[0].layer, "tanh");
  assert_non_null(strstr(m.warnings.list[0].text, "no layer is of this kind"));
  load_refused(MODEL, (struct load){.precision = "8"}, "8");
  load_refused(path_in(f, "none"), (struct load){0}, "none: No such file");
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_source),
                                     DATA_CASE(test_channels),     DATA_CASE(test_own_source),
                                     DATA_CASE(test_pixel_tables), cmocka_unit_test(test_types),
                                     DATA_CASE(test_integers),     DATA_CASE(test_formats)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
