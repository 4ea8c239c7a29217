// SPDX-License-Identifier: Apache-2.0
// Types and the tensors that store them; what is written of a graph with all its trimmings is what
// is read.
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// ---- tensors

// The smallest dtype that stores a type.
static void the_smallest_dtype(void **state) {
  (void)state;
  struct arena a = {0};
  static const struct {
    int width;
    bool is_signed;
    enum dtype dtype;
  } rows[] = {{8, true, DTYPE_I8},    {9, true, DTYPE_I16},   {16, true, DTYPE_I16},
              {17, true, DTYPE_I32},  {32, true, DTYPE_I32},  {33, true, DTYPE_I64},
              {62, true, DTYPE_I64},  {1, false, DTYPE_U8},   {8, false, DTYPE_U8},
              {9, false, DTYPE_I16},  {15, false, DTYPE_I16}, {16, false, DTYPE_I32},
              {31, false, DTYPE_I32}, {32, false, DTYPE_I64}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct type t = type_fixed(&a, rows[i].width, rows[i].is_signed, 1, 0);
    assert_int_equal(dtype_for(&t), rows[i].dtype);
  }
  struct type real = type_real(), bipolar = type_of_class(TYPE_BIPOLAR);
  assert_int_equal(dtype_for(&real), DTYPE_F32);
  assert_int_equal(dtype_for(&bipolar), DTYPE_I8);
  arena_free(&a);
}

static void every_dtype_holds_its_numbers(void **state) {
  (void)state;
  struct arena a = {0};
  static const struct {
    enum dtype dtype;
    int64_t lowest, highest;
  } rows[] = {{DTYPE_I8, INT8_MIN, INT8_MAX},
              {DTYPE_I16, INT16_MIN, INT16_MAX},
              {DTYPE_I32, INT32_MIN, INT32_MAX},
              {DTYPE_I64, INT64_MIN, INT64_MAX},
              {DTYPE_U8, 0, UINT8_MAX}};
  int64_t three = 3;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tensor *t = tensor_new(&a, rows[i].dtype, 1, &three);
    tensor_set_int(t, 0, rows[i].lowest);
    tensor_set_int(t, 1, rows[i].highest);
    tensor_set_int(t, 2, 7);
    assert_true(tensor_int(t, 0) == rows[i].lowest && tensor_int(t, 1) == rows[i].highest);
    assert_true(tensor_real(t, 0) == (double)rows[i].lowest && tensor_real(t, 2) == 7);
  }
  struct tensor *f32 = tensor_new(&a, DTYPE_F32, 1, &three),
                *f64 = tensor_new(&a, DTYPE_F64, 1, &three);
  ((float *)f32->data)[1] = 0.1f;
  ((double *)f64->data)[1] = 0.1;
  assert_true(tensor_real(f32, 1) == (double)0.1f && tensor_real(f64, 1) == 0.1);
  arena_free(&a);
}

// ---- types

static void types_differ_in_one_thing(void **state) {
  (void)state;
  struct arena a = {0};
  static const double ones[] = {1, 1, 1}, twos[] = {1, 2, 1};
  static const int32_t zeros[] = {0, 0, 0}, others[] = {0, 0, 4};
#define CHANNELS(width, s, axis, n, scale, zero) type_channels(&a, width, s, axis, n, scale, zero)
  const struct type t = CHANNELS(8, true, 1, 3, ones, zeros);
  const struct type different[] = {
      CHANNELS(9, true, 1, 3, ones, zeros), CHANNELS(8, false, 1, 3, ones, zeros),
      CHANNELS(8, true, 0, 3, ones, zeros), CHANNELS(8, true, 1, 2, ones, zeros),
      CHANNELS(8, true, 1, 3, twos, zeros), CHANNELS(8, true, 1, 3, ones, others),
      type_fixed(&a, 8, true, 1, 0),        type_real(),
      type_of_class(TYPE_TERNARY)};
  assert_true(type_equal(&t, &(struct type){0}) == false);
  for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
    assert_false(type_equal(&t, &different[i]));
    assert_true(type_equal(&different[i], &different[i]));
  }
  arena_free(&a);
}

static void names_of_types(void **state) {
  (void)state;
  struct arena a = {0};
  static const double scale[] = {1, 2};
  static const int32_t zero[] = {0, 0};
  const struct {
    struct type type;
    const char *text;
    int width;
  } rows[] = {{type_real(), "real", 32},
              {type_ref(), "ref", 32},
              {type_of_class(TYPE_BIPOLAR), "bipolar", 1},
              {type_of_class(TYPE_TERNARY), "ternary", 2},
              {type_fixed(&a, 8, true, 0.125, 0), "8,3", 8},
              {type_fixed(&a, 8, false, 4, 0), "u8,-2", 8},
              {type_fixed(&a, 8, true, 0.1, 0), "s8 scale 0.1", 8},
              {type_fixed(&a, 5, false, 0.125, 3), "u5 scale 0.125 zero 3", 5},
              {type_fixed(&a, 8, true, ldexp(1, -61), 0), "s8 scale 4.33681e-19", 8},
              {CHANNELS(8, true, 0, 2, scale, zero), "s8 per channel", 8},
              {CHANNELS(4, false, 0, 2, scale, zero), "u4 per channel", 4}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_string_equal(type_text(&a, &rows[i].type), rows[i].text);
    assert_int_equal(type_width(&rows[i].type), rows[i].width);
  }
  assert_int_equal(type_encode(&rows[2].type, -0.5), -1);
  assert_int_equal(type_encode(&rows[2].type, 0), 1);
  assert_int_equal(type_encode(&rows[4].type, 100), 127);
  assert_int_equal(type_encode(&rows[7].type, 0), 3);
  arena_free(&a);
}

// ---- a graph with all its trimmings

// (2, 2) pixels of two channels, a table each -> flatten -> linear with biases that are cut ->
// argmax.
static struct graph *trimmed(struct arena *a) {
  static const double mean[] = {0.25, 0.5}, std[] = {0.5, 1};
  struct graph *g = graph_new(a, "trimmed");
  int64_t two[] = {2, 2}, four = 4, weights[] = {3, 4}, three = 3, one = 1;
  int32_t *table = ARENA_NEW(a, int32_t, 2 * 256), shift = 0;
  struct type t = type_fixed(a, 8, true, 0.125, 0);
  for (int i = 0; i < 512; i++) table[i] = i % 256 / 2 - i / 256;
  uint32_t x = graph_add_value(g, "x", 2, two, t, true);
  graph_add_input(g, x, (struct source){2, mean, std, 2, table, NULL});
  uint32_t flat = graph_add_node(g, OP_flatten, "flat");
  graph_add_use(g, flat, (struct use){x, 0, NONE});
  uint32_t row = graph_add_value(g, "row", 1, &four, t, true);
  graph_add_out(g, flat, row);
  // names that the writer would like to use itself
  uint32_t w = graph_add_tensor(g, "x.pixels", tensor_new(a, DTYPE_I8, 2, weights), t);
  struct type products = type_fixed(a, 8, true, 0.125 * 0.125, 0);
  uint32_t b = graph_add_tensor(g, "b", tensor_new(a, DTYPE_I8, 1, &three), products);
  g->values[b].mask = tensor_new(a, DTYPE_U8, 1, &three);
  ((uint8_t *)g->values[b].mask->data)[1] = 1;
  uint32_t fc = graph_add_node(g, OP_linear, "fc");
  graph_add_use(g, fc, (struct use){row, 0, NONE});
  graph_add_use(g, fc, (struct use){w, 0, NONE});
  graph_add_use(g, fc, (struct use){b, 0, NONE});
  graph_add_out(g, fc, graph_add_value(g, "x.pixels_", 1, &three, t, true));
  graph_add_requant(g, fc, 1, &one, &shift);
  graph_add_origin(g, fc, "MatMul_3");
  graph_add_origin(g, fc, "Add_4");
  graph_add_after(g, fc, (struct after){flat, 0});
  uint32_t best = graph_add_node(g, OP_argmax, "best");
  graph_add_use(g, best, (struct use){g->nodes[fc].out[0], 0, NONE});
  graph_add_int(g, best, ATTR_axis, -1);
  graph_add_out(g, best, graph_add_value(g, "class", 1, &one, type_fixed(a, 2, false, 1, 0), true));
  graph_add_output(g, g->nodes[best].out[0]);
  return g;
}

static void what_is_written_is_read(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct text first = {0}, second = {0};
  struct graph *g = trimmed(&a);
  model_put(&first, g);
  struct graph *back = model_parse(&a, first.data, first.size, &e);
  if (!back) fail_msg("%s", e.text);
  model_put(&second, back);
  assert_true(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
  const struct source *s = &back->inputs[0].source;
  assert_true(s->channels == 2 && s->mean[1] == 0.5 && s->std[0] == 0.5 && s->tables == 2);
  assert_memory_equal(s->table, g->inputs[0].source.table, 2 * 256 * sizeof *s->table);
  const struct node *fc = &back->nodes[1];
  assert_true(fc->n_origin == 2 && strcmp(fc->origin[1], "Add_4") == 0 && fc->n_after == 1);
  const struct attr *axis = node_attr(&back->nodes[2], ATTR_axis);
  assert_true(axis && axis->count == 1 && axis->ints[0] == -1);
  const struct tensor *mask = node_in(back, fc, 2)->mask;
  assert_true(mask && mask->rank == 1 && tensor_int(mask, 1) == 1 && tensor_int(mask, 2) == 0);
  text_free(&first);
  text_free(&second);
  arena_free(&a);
}

// Signs with a scale, for the tensor or for each channel; the bare word is scale 1.
static void signs_carry_their_scale(void **state) {
  (void)state;
  static const double scales[] = {0.25, 1, 3};
  static const struct {
    enum type_class cls;
    int axis;
    const char *written, *text;
  } rows[] = {
      {TYPE_BIPOLAR, -1, "{\"bipolar\":{\"scale\":0.25}}", "bipolar scale 0.25"},
      {TYPE_TERNARY, -1, "{\"ternary\":{\"scale\":0.25}}", "ternary scale 0.25"},
      {TYPE_BIPOLAR, 0, "{\"bipolar\":{\"scale\":\"w.scale\",\"axis\":0}}", "bipolar per channel"},
      {TYPE_TERNARY, 0, "{\"ternary\":{\"scale\":\"w.scale\",\"axis\":0}}", "ternary per channel"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct text file = {0};
    int64_t shape[2] = {3, 4}, four = 4, three = 3, outs = rows[i].axis < 0 ? 1 : 3;
    struct type s8 = type_fixed(&a, 8, true, 0.125, 0);
    struct graph *g = graph_new(&a, "signs");
    struct tensor *t = tensor_new(&a, DTYPE_I8, 2, shape);
    for (int64_t k = 0; k < t->count; k++) tensor_set_int(t, k, k % 3 ? 1 : -1);
    uint32_t x = graph_add_value(g, "x", 1, &four, s8, true);
    uint32_t fc = graph_add_node(g, OP_linear, "fc");
    graph_add_input(g, x, (struct source){0});
    graph_add_use(g, fc, (struct use){x, 0, NONE});
    struct type type = type_signs(&a, rows[i].cls, rows[i].axis, outs, scales);
    graph_add_use(g, fc, (struct use){graph_add_tensor(g, "w", t, type), 0, NONE});
    graph_add_out(g, fc, graph_add_value(g, "y", 1, &three, s8, true));
    graph_add_requant(g, fc, 1, (int64_t[]){1}, (int32_t[]){0});
    graph_add_output(g, g->nodes[fc].out[0]);
    model_put(&file, g);
    struct graph *back = model_parse(&a, file.data, file.size, &e);
    if (!back) fail_msg("%s", e.text);
    const struct type *read = &node_in(back, &back->nodes[0], 1)->type;
    assert_true(type_equal(read, &type) && type_scale(read, 2) == scales[rows[i].axis < 0 ? 0 : 2]);
    assert_string_equal(type_text(&a, read), rows[i].text);
    char *quoted = arena_strdup(&a, rows[i].written), *to = ARENA_NEW(&a, char, 256);
    for (char *p = quoted, *q = to; *p; *q++ = *p++)
      if (*p == '"') *q++ = '\\';
    assert_non_null(memmem(file.data, file.size, to, strlen(to)));
    text_free(&file);
    arena_free(&a);
  }
}

static void signs_differ_in_their_scale(void **state) {
  (void)state;
  struct arena a = {0};
  static const double one[] = {1, 1}, half[] = {1, 0.5};
  struct type plain = type_of_class(TYPE_BIPOLAR);
  struct type scaled = type_signs(&a, TYPE_BIPOLAR, -1, 1, half + 1);
  struct type channels = type_signs(&a, TYPE_BIPOLAR, 0, 2, one);
  struct type others = type_signs(&a, TYPE_BIPOLAR, 0, 2, half);
  struct type explicit_one = type_signs(&a, TYPE_BIPOLAR, -1, 1, one);
  assert_true(type_equal(&plain, &explicit_one));
  assert_false(type_equal(&plain, &scaled) || type_equal(&plain, &channels) ||
               type_equal(&channels, &others));
  arena_free(&a);
}

// Each thing that a table of pixels must be.
static void tables_of_pixels(void **state) {
  (void)state;
  static const struct {
    enum dtype dtype;
    int rank;
    int64_t shape[3];
  } rows[] = {{DTYPE_I64, 1, {256}}, {DTYPE_I32, 1, {255}},       {DTYPE_I32, 2, {2, 255}},
              {DTYPE_I32, 0, {0}},   {DTYPE_I32, 3, {1, 1, 256}}, {DTYPE_I32, 2, {0, 256}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct text file = {0}, changed = {0};
    struct safetensors s;
    model_put(&file, trimmed(&a));
    assert_true(safetensors_parse(&a, file.data, file.size, &s, &e));
    int64_t k = safetensors_find(&s, "x.pixels__");
    assert_true(k >= 0);
    s.tensors[k].tensor = tensor_new(&a, rows[i].dtype, rows[i].rank, rows[i].shape);
    safetensors_put(&changed, &s);
    assert_null(model_parse(&a, changed.data, changed.size, &e));
    if (!strstr(e.text, "source: table \"x.pixels__\": expected I32 (256) or (channels, 256)"))
      fail_msg("%zu: %s", i, e.text);
    text_free(&file);
    text_free(&changed);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_smallest_dtype),        cmocka_unit_test(every_dtype_holds_its_numbers),
      cmocka_unit_test(types_differ_in_one_thing), cmocka_unit_test(names_of_types),
      cmocka_unit_test(what_is_written_is_read),   cmocka_unit_test(tables_of_pixels),
      cmocka_unit_test(signs_carry_their_scale),   cmocka_unit_test(signs_differ_in_their_scale)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
