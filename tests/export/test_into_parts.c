// SPDX-License-Identifier: Apache-2.0
// What `export --into` is made of: normalisations in arrays that say the same otherwise, numbers in
// narrower floats, two graphs of one network.
#include "sw/base/rng.h"
#include "sw/export/into.h"
#include "sw/export/into_float.h"
#include "sw/train/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

// ---- normalisations

enum { CHANNELS = 16 };

struct norm {
  float model[4][CHANNELS], file[4][CHANNELS];
  struct into_norm n;
};

// Seeded numbers, of a layer that has learnt; `there` has a bit for each array of the file.
static void make_norm(struct norm *x, uint64_t seed, unsigned there, double epsilon, double other) {
  struct rng r = {seed, 0};
  *x = (struct norm){.n = {.channels = CHANNELS, .epsilon = epsilon, .file_epsilon = other}};
  for (int c = 0; c < CHANNELS; c++) {
    x->model[0][c] = (float)(0.25 + 2 * rng_unit(&r));
    x->model[1][c] = (float)(rng_unit(&r) - 0.5);
    x->model[2][c] = (float)(2 * rng_unit(&r) - 1);
    x->model[3][c] = (float)(0.01 + rng_unit(&r));
  }
  for (int i = 0; i < 4; i++) {
    x->n.model[i] = x->model[i];
    x->n.file[i] = x->file[i];
    x->n.there[i] = there >> i & 1;
  }
}

static double norm_value(const float (*p)[CHANNELS], int c, double epsilon, double x) {
  return (x - p[2][c]) * p[0][c] / sqrt(p[3][c] + epsilon) + p[1][c];
}

// The largest difference of the two functions, in parts of what they give.
static double norm_off(const struct norm *x) {
  double off = 0;
  for (int c = 0; c < CHANNELS; c++)
    for (int k = -8; k <= 8; k++) {
      double is = norm_value(x->file, c, x->n.file_epsilon, k / 4.0),
             was = norm_value(x->model, c, x->n.epsilon, k / 4.0);
      off = fmax(off, fabs(is - was) / (1 + fabs(was)));
    }
  return off;
}

// Whatever arrays the file has and whatever its epsilon is, the function is the model's; without
// gamma and beta they are 1 and 0.
static void test_norm(void **state) {
  (void)state;
  static const double epsilons[][2] = {{1e-5, 1e-3}, {1e-3, 1e-5}, {1e-3, 1e-3}, {0, 1e-3}};
  for (unsigned there = 12; there < 16; there++)
    for (size_t i = 0; i < sizeof epsilons / sizeof *epsilons; i++) {
      struct norm x;
      struct err e = {0};
      make_norm(&x, i + 1, there, epsilons[i][0], epsilons[i][1]);
      if (!into_norm(&x.n, &e)) fail_msg("%s", e.text);
      assert_true(norm_off(&x) < 1e-5);
      for (int c = 0; c < CHANNELS; c++) {
        if (!(there & 1)) assert_float_equal(x.file[0][c], 1, 0);
        if (!(there & 2)) assert_float_equal(x.file[1][c], 0, 0);
      }
    }
}

// The measure sees the epsilon of the file, and each array.
static void test_norm_off(void **state) {
  (void)state;
  struct norm x;
  make_norm(&x, 1, 15, 1e-5, 1e-3);
  memcpy(x.file, x.model, sizeof x.file);
  assert_true(norm_off(&x) > 1e-3);
  x.n.file_epsilon = 1e-5;
  assert_float_equal(norm_off(&x), 0, 0);
  for (int i = 0; i < 4; i++) {
    x.file[i][7] += 0.01F;
    assert_true(norm_off(&x) > 1e-4);
    x.file[i][7] = x.model[i][7];
  }
}

// The same epsilon and all arrays: to the bit.
static void test_norm_exact(void **state) {
  (void)state;
  struct norm x;
  struct err e = {0};
  make_norm(&x, 5, 15, 1e-3, 1e-3F);
  assert_true(into_norm(&x.n, &e));
  assert_memory_equal(x.file, x.model, sizeof x.file);
}

static void test_norm_refused(void **state) {
  (void)state;
  struct norm x;
  struct err e = {0};
  make_norm(&x, 1, 14, 1e-3, 1e-3);
  x.model[0][3] = -0.5F;
  assert_false(into_norm(&x.n, &e));
  assert_non_null(strstr(e.text, "channel 3 is scaled by -"));
  assert_non_null(strstr(e.text, "set scale=True in it"));
  e = (struct err){0};
  x.model[0][3] = 100; // a variance below 0 would do it
  assert_false(into_norm(&x.n, &e));
  assert_non_null(strstr(e.text, "channel 3 is scaled by "));
  e = (struct err){0};
  make_norm(&x, 1, 13, 1e-3, 1e-3);
  x.model[0][9] = 0;
  assert_false(into_norm(&x.n, &e));
  assert_non_null(strstr(e.text, "channel 9 is "));
  assert_non_null(strstr(e.text, "set center=True in it"));
  e = (struct err){0};
  make_norm(&x, 1, 15, 1e-3, 1e-2);
  x.model[3][0] = -1;
  assert_false(into_norm(&x.n, &e));
  assert_non_null(strstr(e.text, "channel 0 has no finite numbers"));
}

// ---- floats

// Every code of two bytes is read and written back; NaNs stay NaNs.
static void test_codes(void **state) {
  (void)state;
  static const char *const names[] = {"F16", "BF16"};
  for (int i = 0; i < 2; i++)
    for (unsigned code = 0; code < 1 << 16; code++) {
      const struct into_float *f = into_float_find(names[i]);
      unsigned char at[2] = {code & 255, (unsigned char)(code >> 8)}, back[2];
      double v = into_float_get(f, at);
      into_float_put(f, back, v);
      if (isnan(v))
        assert_true(isnan(into_float_get(f, back)));
      else
        assert_memory_equal(at, back, 2);
    }
}

// Numbers between codes go to the nearest, ties to the even one.
static void test_rounding(void **state) {
  (void)state;
  static const struct {
    const char *type;
    double from, to;
  } rows[] = {{"F16", 1 + 0x1p-11, 1},
              {"F16", 1 + 0x3p-11, 1 + 0x1p-9},
              {"F16", 1 + 0x1.1p-11, 1 + 0x1p-10},
              {"F16", 65519, 65504},
              {"F16", -65520, -INFINITY},
              {"F16", 1e300, INFINITY},
              {"F16", 0x1p-25, 0},
              {"F16", 0x1.8p-24, 0x1p-23},
              {"F16", 0x1.ffep-15, 0x1p-14},
              {"F16", -0.0, -0.0},
              {"BF16", 1 + 0x1p-8, 1},
              {"BF16", 1 + 0x3p-8, 1 + 0x1p-6},
              {"BF16", 3.3e38, 0x1.fp127},
              {"BF16", 3.4e38, INFINITY},
              {"F32", 0x1.000001p0, 1},
              {"F32", 1e-45, 0x1p-149},
              {"F64", 0.1, 0.1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unsigned char at[8];
    const struct into_float *f = into_float_find(rows[i].type);
    into_float_put(f, at, rows[i].from);
    double is = into_float_get(f, at);
    if (is != rows[i].to || signbit(is) != signbit(rows[i].to))
      fail_msg("%s: %a becomes %a", rows[i].type, rows[i].from, is);
  }
  assert_null(into_float_find("I32"));
}

// F32 and F64 are those of the machine.
static void test_machine(void **state) {
  (void)state;
  struct rng r = {3, 0};
  for (int i = 0; i < 10000; i++) {
    double d = ldexp(rng_unit(&r) - 0.5, (int)(rng_next(&r) % 300) - 150), back;
    float f = (float)d, narrow;
    unsigned char at[8];
    into_float_put(into_float_find("F64"), at, d);
    memcpy(&back, at, sizeof back);
    assert_memory_equal(&back, &d, sizeof d);
    into_float_put(into_float_find("F32"), at, d);
    memcpy(&narrow, at, sizeof narrow);
    assert_memory_equal(&narrow, &f, sizeof f);
  }
}

// ---- two graphs

#define NET(shape, layers)                                                                         \
  "{\"name\":\"n\",\"input\":{\"shape\":[" shape "],\"mean\":0,\"std\":1},\"layers\":[" layers "]" \
  "}"
#define CONV(name, more)                                                                           \
  "{\"op\":\"conv2d\",\"name\":\"" name "\",\"out\":3,\"kernel\":[3,3]" more "}"
#define OP(op, more) "{\"op\":\"" op "\"" more "}"
#define LINEAR(name, out) "{\"op\":\"linear\",\"name\":\"" name "\",\"out\":" out "}"

static struct graph *network(struct arena *a, const char *text) {
  struct recipe r;
  struct err e = {0};
  if (!recipe_parse(a, text, strlen(text), 1, &r, &e)) fail_msg("%s: %s", text, e.text);
  return r.model;
}

// Whether they match; with how many layers, or what is said.
static bool matched(const char *model, const char *file, uint32_t *pairs, char said[ERR_TEXT]) {
  struct arena a = {0};
  struct err e = {0};
  struct into_pairs p = {0};
  bool ok = into_match(&a, network(&a, model), network(&a, file), &p, &e);
  *pairs = p.count;
  memcpy(said, e.text, ERR_TEXT);
  for (uint32_t i = 0; ok && i < p.count; i++)
    assert_int_equal(p.list[i].model->op, p.list[i].file->op);
  arena_free(&a);
  return ok;
}

// Other names, other shapes of the same array, attributes that say the default.
static void test_same(void **state) {
  (void)state;
  static const struct {
    const char *model, *file;
    uint32_t pairs;
  } rows[] = {
      {NET("6,6,1", CONV("a", "") "," OP("relu", "") "," OP("flatten", "") "," LINEAR("b", "4")),
       NET("6,6,1", CONV("x", ",\"stride\":[1,1],\"pad\":[0,0,0,0]") "," OP("relu", "") "," OP(
                        "flatten", "") "," LINEAR("y", "4")),
       3},
      {NET("6,6,1", OP("flatten", "") "," LINEAR("b", "4")),
       NET("36", LINEAR("y", "4") "," OP("dropout", ",\"rate\":0.5")), 1},
      {NET("6,6,1", OP("avg_pool", "")), NET("6,6,1", OP("avg_pool", ",\"kernel\":[6,6]")), 1},
      {NET("8", OP("leaky_relu", ",\"slope\":0.2")),
       NET("8", OP("leaky_relu", ",\"slope\":0.20000000298")), 1},
      {NET("8", OP("relu", ",\"name\":\"r\"") "," LINEAR("a", "8") "," OP(
                    "mul", ",\"from\":[\"a\",\"r\"]")),
       NET("8", OP("relu", ",\"name\":\"r\"") "," LINEAR("a", "8") "," OP(
                    "mul", ",\"from\":[\"r\",\"a\"]")),
       3},
      {NET("8", OP("batch_norm", ",\"name\":\"a\"")),
       NET("8", OP("batch_norm", ",\"name\":\"b\",\"epsilon\":0.01")), 1},
      {NET("8", OP("relu", ",\"name\":\"r\"") "," LINEAR("a", "8") "," OP(
                    "add", ",\"from\":[\"a\",\"r\"]")),
       NET("8", OP("relu", ",\"name\":\"q\"") "," LINEAR("b", "8") "," OP(
                    "add", ",\"from\":[\"b\",\"q\"]")),
       3},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint32_t pairs;
    char said[ERR_TEXT];
    if (!matched(rows[i].model, rows[i].file, &pairs, said)) fail_msg("%s: %s", rows[i].file, said);
    assert_int_equal(pairs, rows[i].pairs);
  }
}

static void test_other(void **state) {
  (void)state;
  static const struct {
    const char *model, *file, *said;
  } rows[] = {
      {NET("6,6,1", CONV("a", "")), NET("6,6,1", CONV("b", ",\"stride\":[1,2]")),
       "its \"b\" (conv2d, gives 4, 2, 3) stands where the model has \"a\" (conv2d, gives 4, 4, "
       "3): "
       "--into takes a file of the same network (nngen info shows the layers of both)"},
      {NET("6,6,1", CONV("a", ",\"pad\":[1,0,1,0]")), NET("6,6,1", CONV("b", ",\"pad\":[0,1,0,1]")),
       "pad of its layer \"b\" is 0, 1, 0, 1, of the model's \"a\" 1, 0, 1, 0"},
      {NET("6,6,3", CONV("a", "")), NET("6,6,3", CONV("b", ",\"groups\":3")),
       "the weights of its layer \"b\" are (3, 3, 3, 1), of the model's \"a\" (3, 3, 3, 3)"},
      {NET("8", OP("relu", "")), NET("8", OP("tanh", "")),
       "(tanh, gives 8) stands where the model"},
      {NET("8", LINEAR("a", "4")), NET("8", LINEAR("b", "5")), "(linear, gives 5) stands where"},
      {NET("8", LINEAR("a", "4")), NET("8", OP("relu", "") "," LINEAR("b", "4")),
       "(relu, gives 8) stands where the model has input \"image\" (8)"},
      {NET("8", OP("leaky_relu", ",\"slope\":0.2")), NET("8", OP("leaky_relu", ",\"slope\":0.3")),
       "slope of its layer \"leaky_relu1\" is 0.3, of the model's"},
      {NET("8", OP("relu", ",\"name\":\"r\"") "," LINEAR("a", "8") "," OP(
                    "sub", ",\"from\":[\"a\",\"r\"]")),
       NET("8", OP("relu", ",\"name\":\"r\"") "," LINEAR("a", "8") "," OP(
                    "sub", ",\"from\":[\"r\",\"a\"]")),
       "stands where the model has"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint32_t pairs;
    char said[ERR_TEXT];
    if (matched(rows[i].model, rows[i].file, &pairs, said)) fail_msg("%s: equal", rows[i].file);
    if (!strstr(said, rows[i].said)) fail_msg("%s: %s", rows[i].file, said);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_norm),       cmocka_unit_test(test_norm_off),
      cmocka_unit_test(test_norm_exact), cmocka_unit_test(test_norm_refused),
      cmocka_unit_test(test_codes),      cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_machine),    cmocka_unit_test(test_same),
      cmocka_unit_test(test_other)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
