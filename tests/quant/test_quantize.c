// SPDX-License-Identifier: Apache-2.0
// Quantisation from floats: the defaults of docs/numerics.md, value by value.
#include "quant/quantize.h"
#include "sw/data/data.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct graph *model(struct arena *a, const char *name) {
  struct err e = {0};
  struct graph *g = model_read(a, name, &e);
  if (!g) fail_msg("%s", e.text);
  return g;
}

static struct graph *quantized(struct arena *a, const char *name, const char *stream,
                               const char *weight, const char *input) {
  struct err e = {0};
  struct formats f = formats_new();
  assert_true(formats_set_stream(a, &f.defaults, stream, &e));
  if (weight) assert_true(formats_set_weight(a, &f.defaults, weight, &e));
  if (input) assert_true(formats_set_input(a, &f, input, &e));
  struct graph *g = quantize(a, model(a, name), &f, &e);
  if (!g) fail_msg("%s", e.text);
  return g;
}

static const struct value *value(const struct graph *g, const char *name) {
  int32_t v = graph_find_value(g, name);
  assert_true(v != NONE);
  return &g->values[v];
}

// Written by hand: an error common to golden and bench would be invisible.
static void test_pixel_table(void **state) {
  (void)state;
  static const struct {
    const char *type;
    int pixel, code;
  } cases[] = {{"8,3", 0, 0},      {"8,3", 15, 0},     {"8,3", 16, 1},     {"8,3", 47, 1},
               {"8,3", 48, 2},     {"8,3", 128, 4},    {"8,3", 239, 7},    {"8,3", 240, 8},
               {"8,3", 255, 8},    {"8,7", 255, 127},  {"8,7", 254, 127},  {"8,7", 253, 127},
               {"8,7", 252, 126},  {"u8,8", 255, 255}, {"u8,8", 254, 255}, {"u8,8", 127, 127},
               {"u8,8", 128, 129}, {"4,1", 63, 0},     {"4,1", 64, 1},     {"4,1", 192, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    struct graph *g = quantized(&a, "models/mnist-mlp.bin", cases[i].type, NULL, NULL);
    assert_int_equal(g->inputs[0].source.table[cases[i].pixel], cases[i].code);
    arena_free(&a);
  }
}

// Largest F with round(max |w| * 2^F) <= 2^(W-1) - 1, and one more would not do.
static void check_scale(const struct tensor *real, int64_t begin, int64_t end, int width, int f) {
  double most = 0;
  for (int64_t i = begin; i < end; i++) most = fmax(most, fabs(tensor_real(real, i)));
  assert_true(rint(ldexp(most, f)) <= ldexp(1, width - 1) - 1);
  assert_true(rint(ldexp(most, f + 1)) > ldexp(1, width - 1) - 1);
}

static void test_weight_scales(void **state) {
  (void)state;
  static const char *const specs[] = {NULL, "4,auto", "6", "8,channel", "16,channel"};
  static const int widths[] = {8, 4, 6, 8, 16};
  for (int i = 0; i < 5; i++) {
    struct arena a = {0};
    struct graph *real = model(&a, "models/mnist-acts.bin");
    struct graph *g = quantized(&a, "models/mnist-acts.bin", "8,3", specs[i], NULL);
    const struct value *w = value(g, "fc3.weight"), *r = value(real, "fc3.weight");
    int64_t in = w->shape[1];
    assert_int_equal(w->type.width, widths[i]);
    for (int64_t c = 0; c < w->type.channels; c++) {
      bool whole = w->type.axis < 0;
      check_scale(r->init, whole ? 0 : c * in, whole ? w->init->count : (c + 1) * in, widths[i],
                  (int)-log2(type_scale(&w->type, c)));
    }
    for (int64_t k = 0; k < w->init->count; k++)
      assert_int_equal(tensor_int(w->init, k),
                       (int64_t)rint(tensor_real(r->init, k) / type_scale(&w->type, k / in)));
    const struct value *b = value(g, "fc3.bias"), *rb = value(real, "fc3.bias");
    for (int64_t o = 0; o < b->init->count; o++)
      assert_int_equal(tensor_int(b->init, o),
                       (int64_t)rint(tensor_real(rb->init, o) / (0.125 * type_scale(&w->type, o))));
    arena_free(&a);
  }
}

// A graph with one pointwise layer in floats.
static struct graph *one_layer(struct arena *a, enum op op, double lo, double hi, double slope,
                               double offset, double lambda) {
  struct graph *g = graph_new(a, "one");
  uint32_t x = graph_add_value(g, "x", 1, (int64_t[]){4}, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, op, "n");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  uint32_t y = graph_add_value(g, "y", 1, (int64_t[]){4}, type_real(), true);
  graph_add_out(g, n, y);
  graph_add_output(g, y);
  const struct op_info *info = op_info(op);
  attr_set attrs = info->required;
  if (attrs >> ATTR_lo & 1) graph_add_real(g, n, ATTR_lo, lo);
  if (attrs >> ATTR_hi & 1) graph_add_real(g, n, ATTR_hi, hi);
  if (attrs >> ATTR_slope & 1) graph_add_real(g, n, ATTR_slope, slope);
  if (attrs >> ATTR_offset & 1) graph_add_real(g, n, ATTR_offset, offset);
  if (attrs >> ATTR_lambda & 1) graph_add_real(g, n, ATTR_lambda, lambda);
  return g;
}

// Integer constants against the words of the definition.
static void test_constants(void **state) {
  (void)state;
  static const struct {
    enum op op;
    double lo, hi, slope, offset, lambda;
    int64_t in[4], out[4]; // codes of 8,3
  } cases[] = {
      {OP_relu6, 0, 0, 0, 0, 0, {-8, 47, 48, 127}, {0, 47, 48, 48}},
      {OP_clip, -0.3, 1.06, 0, 0, 0, {-8, -2, 8, 9}, {-2, -2, 8, 8}}, // -2.4 and 8.48
      {OP_hard_tanh, 0, 0, 0, 0, 0, {-128, -8, 9, 127}, {-8, -8, 8, 8}},
      {OP_leaky_relu, 0, 0, 0.25, 0, 0, {-8, -6, -2, 5}, {-2, -2, 0, 5}}, // -1.5, -0.5 to even
      {OP_softshrink, 0, 0, 0, 0, 0.5, {-5, -4, 4, 9}, {-1, 0, 0, 5}},
      {OP_softshrink, 0, 0, 0, 0, 0, {-5, -1, 1, 9}, {-5, -1, 1, 9}},
      {OP_hardshrink, 0, 0, 0, 0, 0.55, {-5, -4, 4, 5}, {-5, 0, 0, 5}}, // floor(4.4)
      {OP_hard_sigmoid, 0, 0, 0.25, 0.5, 0, {-16, 0, 8, 127}, {0, 4, 6, 8}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct formats f = formats_new();
    assert_true(formats_set_stream(&a, &f.defaults, "8,3", &e));
    struct graph *g = quantize(&a,
                               one_layer(&a, cases[i].op, cases[i].lo, cases[i].hi, cases[i].slope,
                                         cases[i].offset, cases[i].lambda),
                               &f, &e);
    if (!g) fail_msg("%s", e.text);
    struct golden_ref *r = golden_ref_new(&a, g, 1);
    const int64_t *inputs[1] = {cases[i].in};
    golden_ref_step(r, inputs);
    assert_memory_equal(golden_ref_value(r, g->outputs[0]), cases[i].out, sizeof cases[i].out);
    arena_free(&a);
  }
}

// The known reference points: on all 10,000 test images, on the first 1,000 where only the excerpt
// is there.
static void test_reference_accuracy(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t real[2], fixed[2]; // of 1,000 and of 10,000
  } nets[] = {{"models/mnist-mlp.bin", {978, 9806}, {978, 9798}},
              {"models/mnist-acts.bin", {980, 9779}, {977, 9766}}};
  struct arena a = {0};
  struct err e = {0};
  struct images set;
  assert_true(data_open(&a, "mnist", 0, &set, &e));
  int full = set.count == 10000;
  assert_true(full || set.count == 1000);
  print_message("%d images\n", (int)set.count);
  for (int i = 0; i < 2; i++) {
    struct graph *real = model(&a, nets[i].name);
    struct graph *g = quantized(&a, nets[i].name, "8,3", NULL, NULL);
    float *y = ARENA_NEW(&a, float, set.count * 10);
    int32_t *z = ARENA_NEW(&a, int32_t, set.count * 10);
    struct real_tap real_tap = {real->outputs[0], y};
    struct golden_tap tap = {g->outputs[0], z};
    struct real *floats = real_new(&a, real, &e);
    real_threads(&a, floats, 3);
    real_run(floats, set.count, set.pixels, NULL, &real_tap, 1);
    real_free(floats);
    golden_run_pixels(golden_new(&a, g, &e), set.count, set.pixels, &tap, 1);
    int64_t right_real = 0, right = 0;
    for (int64_t k = 0; k < set.count; k++) {
      int64_t best_real = 0, best = 0;
      for (int64_t c = 1; c < 10; c++) {
        if (y[k * 10 + c] > y[k * 10 + best_real]) best_real = c;
        if (z[k * 10 + c] > z[k * 10 + best]) best = c;
      }
      right_real += best_real == set.labels[k];
      right += best == set.labels[k];
    }
    assert_int_equal(right_real, nets[i].real[full]);
    assert_int_equal(right, nets[i].fixed[full]);
  }
  arena_free(&a);
}

// u8 and raw: bytes on the stream; raw computes the same integers as 8,3 behind its first layer.
static void test_input_precision(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *plain = quantized(&a, "models/mnist-mlp.bin", "8,3", NULL, NULL);
  struct graph *raw = quantized(&a, "models/mnist-mlp.bin", "8,3", NULL, "raw");
  struct graph *u8 = quantized(&a, "models/mnist-mlp.bin", "8,3", NULL, "u8");
  struct err e = {0};
  struct images set;
  assert_true(data_open(&a, "mnist", 100, &set, &e));
  int32_t *y[2] = {ARENA_NEW(&a, int32_t, 1000), ARENA_NEW(&a, int32_t, 1000)};
  struct graph *graphs[2] = {plain, raw};
  for (int i = 0; i < 2; i++) {
    struct golden_tap tap = {graphs[i]->outputs[0], y[i]};
    golden_run_pixels(golden_new(&a, graphs[i], &e), set.count, set.pixels, &tap, 1);
  }
  assert_memory_equal(y[0], y[1], (size_t)set.count * 10 * sizeof(int32_t));
  const struct type *t = &u8->values[u8->inputs[0].value].type;
  assert_int_equal(t->width, 8);
  assert_false(t->is_signed);
  assert_true(t->scale[0] == 1 / 255.0);
  assert_int_equal(u8->inputs[0].source.table[200], 200);
  arena_free(&a);
}

static void write_text(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static void test_formats_file(void **state) {
  (void)state;
  char path[] = "/tmp/nngen-test-XXXXXX";
  assert_true(close(mkstemp(path)) == 0);
  struct arena a = {0};
  struct err e = {0};
  struct formats f = formats_new();
  write_text(path, "{\"defaults\":{\"stream\":\"8,3\",\"weight\":\"6\"},\"kinds\":{\"linear\":{"
                   "\"stream\":\"10,4\"}},"
                   "\"layers\":{\"fc2\":{\"stream\":{\"fixed\":\"s9\",\"scale\":0.07,\"zero\":5},"
                   "\"weight\":\"8,channel\","
                   "\"rounding\":\"floor\"}}}");
  assert_true(formats_read(&a, path, &f, &e));
  struct graph *g = quantize(&a, model(&a, "models/mnist-mlp.bin"), &f, &e);
  if (!g) fail_msg("%s", e.text);
  assert_int_equal(value(g, "relu1")->type.width, 8);
  assert_int_equal(value(g, "fc1")->type.width, 10);
  assert_int_equal(value(g, "fc1.weight")->type.width, 6);
  assert_int_equal(value(g, "fc2")->type.width, 9);
  assert_int_equal(value(g, "fc2")->type.zero[0], 5);
  assert_int_equal(value(g, "fc2.weight")->type.axis, 0);
  assert_int_equal(g->nodes[value(g, "fc2")->node].rounding, FIX_FLOOR);
  assert_int_equal(g->nodes[value(g, "fc1")->node].rounding, FIX_HALF_EVEN);
  static const struct {
    const char *text, *words;
  } bad[] = {{"{\"layers\":{\"fc9\":{\"stream\":\"8,3\"}}}", "no layer \"fc9\""},
             {"{\"kinds\":{\"conv9d\":{}}}", "no op \"conv9d\""},
             {"{\"layers\":{\"fc1\":{\"streem\":\"8,3\"}}}", "unknown key \"streem\""},
             {"{\"defaults\":{\"stream\":\"17\"}}", "expected W,F"},
             {"{\"defaults\":{\"stream\":{\"fixed\":\"s8\",\"scale\":0}}}", "scale"},
             {"{\"defaults\":", "JSON line"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct err why = {0};
    f = formats_new();
    assert_true(formats_set_stream(&a, &f.defaults, "8,3", &why));
    write_text(path, bad[i].text);
    bool ok = formats_read(&a, path, &f, &why) &&
              quantize(&a, model(&a, "models/mnist-mlp.bin"), &f, &why);
    assert_false(ok);
    if (!strstr(why.text, bad[i].words))
      fail_msg("expected \"%s\", got \"%s\"", bad[i].words, why.text);
  }
  unlink(path);
  arena_free(&a);
}

// The defined order of the float sum, spelled out, against the kernel in use.
static void test_real_order(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct images set;
  assert_true(data_open(&a, "mnist", 3, &set, &e));
  struct graph *g = model(&a, "models/mnist-mlp.bin");
  const struct value *w = value(g, "fc1.weight"), *b = value(g, "fc1.bias");
  float y[3 * 128];
  struct real_tap tap = {(uint32_t)graph_find_value(g, "fc1"), y};
  real_run(real_new(&a, g, &e), 3, set.pixels, NULL, &tap, 1);
  for (int64_t i = 0; i < 3; i++)
    for (int64_t o = 0; o < 128; o++) {
      float lane[16] = {0};
      for (int64_t k = 0; k < 784; k++)
        lane[k % 16] = fmaf((float)(set.pixels[i * 784 + k] / 255.0),
                            ((const float *)w->init->data)[o * 784 + k], lane[k % 16]);
      for (int half = 8; half; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
      assert_true(y[i * 128 + o] == lane[0] + ((const float *)b->init->data)[o]);
    }
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pixel_table),     cmocka_unit_test(test_weight_scales),
      cmocka_unit_test(test_constants),       cmocka_unit_test(test_reference_accuracy),
      cmocka_unit_test(test_input_precision), cmocka_unit_test(test_formats_file),
      cmocka_unit_test(test_real_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
