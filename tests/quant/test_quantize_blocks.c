// SPDX-License-Identifier: Apache-2.0
// Weights in blocks that share an exponent: against the definition, and against what other programs
// have recorded (tests/formats).
#include "quant/quantize_blocks.h"
#include "sw/base/rng.h"
#include "tests/graph/helper_recorded.h"

#include <math.h>
#include <stdlib.h>

static struct format format_of(const char *word) {
  struct arena a = {0};
  struct format f = {0};
  struct err e = {0};
  if (!formats_set_weight(&a, &f, word, &e)) fail_msg("%s", e.text);
  arena_free(&a);
  return f;
}

// ---- words

static void test_words(void **state) {
  (void)state;
  static const struct {
    const char *word;
    int size, width;
    bool is_float, ocp;
    int64_t highest;
    double unit;
  } good[] = {{"block16:4", 16, 4, false, false, 7, 1},
              {"block32:8,ocp", 32, 8, false, true, 127, 1},
              {"block1:2", 1, 2, false, false, 1, 1},
              {"block65536:e2m1", 65536, 4, true, false, 12, 0.5},
              {"block32:e4m3fn,ocp", 32, 8, true, true, 229376, 0x1p-9},
              {"block8:log4", 8, 4, true, false, 64, 0.25}};
  static const struct {
    const char *word, *said;
  } bad[] = {{"block0:4", "block0: expected 1 to 65536 weights a block"},
             {"block65537:4", "block65537: expected 1 to"},
             {"block99999:4", "block99999: expected 1 to"},
             {"block99999999999:4", "block2147483647: expected 1 to"},
             {"block16:bipolar", "expected blockN:W or blockN:eXmY, as in block16:4"},
             {"block16:1", "elements of 1 bits, expected 2 to 8"},
             {"block16:9", "elements of 9 bits, expected 2 to 8"},
             {"block16:e0m3", "e0m3: no exponent bit"},
             {"block16:e9m1", "e9m1: 11 bits, at most 8"},
             {"block16", "expected blockN:W"},
             {"block:4", "expected blockN:W"},
             {"block16:4,channel", "nothing or ,ocp behind it"},
             {"block16:4,fit", "nothing or ,ocp behind it"},
             {"block16:", "expected blockN:W"}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct format f = format_of(good[i].word);
    const struct blocked *b = &f.weight_block;
    assert_true(f.weight == WEIGHT_AUTO && f.weight_class == TYPE_BLOCK);
    assert_true(b->size == good[i].size && b->width == good[i].width);
    assert_true(b->is_float == good[i].is_float && f.weight_ocp == good[i].ocp);
    assert_true(block_highest(b) == good[i].highest && block_unit(b) == good[i].unit);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct arena a = {0};
    struct format f = {0};
    struct err e = {0};
    assert_false(formats_set_weight(&a, &f, bad[i].word, &e));
    if (!strstr(e.text, bad[i].said)) fail_msg("%s: %s", bad[i].word, e.text);
    arena_free(&a);
  }
}

// ---- codes

static void test_codes(void **state) {
  (void)state;
  static const char *const all[] = {"block4:2", "block4:4", "block4:8", "block4:e2m1",
                                    "block4:ue3m2"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct format f = format_of(all[i]);
    const struct blocked *b = &f.weight_block;
    int64_t before = INT64_MIN, found = 0;
    for (int64_t n = -block_highest(b) - 1; n <= block_highest(b) + 1; n++) {
      if (!block_has(b, n)) continue;
      uint32_t code = block_code(b, n);
      found++;
      assert_true(block_is_code(b, code) && block_element(b, code) == n && n > before);
      assert_true(block_round(b, (double)n) == n);
      before = n;
    }
    int64_t codes = 0;
    for (uint32_t code = 0; code < 512; code++) codes += block_is_code(b, code);
    assert_int_equal(codes, found); // the lowest integer and -0 are none
    assert_int_equal(block_round(b, 1e9), block_highest(b));
    assert_int_equal(block_round(b, -1e9), block_is_signed(b) ? -block_highest(b) : 0);
  }
}

// ---- exponents

// The least exponent, by trying; -1.
static int least(const struct blocked *b, int64_t count, const int64_t *n) {
  for (int shift = 0; shift < 40; shift++) {
    bool all = true;
    for (int64_t i = 0; i < count; i++) {
      int64_t step = (int64_t)1 << shift, element = n[i] / step;
      all &= element * step == n[i] && block_has(b, element);
    }
    if (all) return shift;
  }
  return -1;
}

static void test_exponents(void **state) {
  (void)state;
  struct rng rng = {1, 0};
  static const char *const all[] = {"block4:3", "block4:8", "block4:e2m1", "block4:e3m0"};
  int none = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct format f = format_of(all[i]);
    const struct blocked *b = &f.weight_block;
    for (int k = 0; k < 2000; k++) {
      int64_t n[4];
      int shift = (int)rng_range(&rng, 0, 20);
      bool good = rng_range(&rng, 0, 3) > 0;
      for (int j = 0; j < 4; j++) {
        int64_t v = rng_range(&rng, (int)-block_highest(b), (int)block_highest(b));
        n[j] = good ? block_round(b, (double)v) * ((int64_t)1 << shift) : v * 5 + j;
      }
      int found = block_exponent(b, 4, n);
      assert_int_equal(found, least(b, 4, n));
      assert_true(!good || (found >= 0 && found <= shift));
      none += found < 0;
    }
  }
  assert_true(none > 100);
}

// At s nothing saturates, at one less something would; by OCP's rule the largest power of two is
// that of the element.
static void test_rules(void **state) {
  (void)state;
  struct rng rng = {2, 0};
  static const char *const all[] = {"block4:2",      "block4:4",    "block4:8",    "block4:e2m1",
                                    "block4:e4m3fn", "block4:e3m0", "block4:ue2m2"};
  static const int most_exponent[] = {0, 2, 6, 2, 8, 4, 2};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct format f = format_of(all[i]);
    const struct blocked *b = &f.weight_block;
    double top = (double)block_highest(b) * block_unit(b);
    for (int k = 0; k < 2000; k++) {
      double most = ldexp(1 + rng_unit(&rng), (int)rng_range(&rng, -20, 20));
      if (k % 4 == 0) most = ldexp(1, ilogb(most));
      int s = block_fit(b, most), ocp = block_ocp(b, most);
      double at = ldexp(most, -s), below = ldexp(most, 1 - s);
      // beyond the highest is rounded to it up to half of the step that would follow
      bool inside = b->is_float ? minifloat_round(&b->element, at / block_unit(b), &inside),
           inside               : rint(at) <= top;
      bool still = b->is_float  ? minifloat_round(&b->element, below / block_unit(b), &still),
           still                : rint(below) <= top;
      assert_true(inside && !still);
      assert_int_equal(ocp, ilogb(most) - most_exponent[i]);
    }
  }
}

// A number by itself has the least exponent at which it is within the elements, up to the span.
static void test_alone(void **state) {
  (void)state;
  struct arena a = {0};
  struct format f = format_of("block4:3"); // -3 .. 3
  struct type t = type_block(&a, &f.weight_block, 0.5);
  t.block.span = 2;
  static const double in[] = {0, 0.6, 1.5, 1.6, 2.9, 3.1, 6.1, 100, -1.3, -2.2, -100};
  static const int64_t out[] = {0, 1, 3, 4, 6, 8, 12, 12, -3, -4, -12};
  for (size_t i = 0; i < sizeof in / sizeof *in; i++)
    assert_int_equal(type_encode(&t, in[i]), out[i]);
  assert_true(type_is_code(&t, 12) && type_is_code(&t, 6) && type_is_code(&t, 8));
  assert_false(type_is_code(&t, 5) || type_is_code(&t, 24) || type_is_code(&t, 7));
  assert_true(type_highest(&t) == 12 && type_lowest(&t) == -12 && type_width(&t) == 3);
  arena_free(&a);
}

// ---- what others have recorded

// "block16,fit,minifloat-2-1-1-none": of a case the word of the format.
static const char *word_of(struct arena *a, const json_t *c) {
  const json_t *element = json_object_get(c, "element");
  const char *rule = recorded_is(c, "rule", "ocp") ? ",ocp" : "";
  int64_t n = recorded_integer(c, "block"), x = json_integer_value(json_array_get(element, 1));
  if (strcmp(json_string_value(json_array_get(element, 0)), "fixed") == 0)
    return arena_printf(a, "block%lld:%lld%s", (long long)n, (long long)x, rule);
  const char *top = json_string_value(json_array_get(element, 4));
  return arena_printf(a, "block%lld:e%lldm%lld%s%s", (long long)n, (long long)x,
                      (long long)json_integer_value(json_array_get(element, 2)),
                      strcmp(top, "none") ? top : "", rule);
}

static void check_definition(struct recorded *r, const json_t *c) {
  const char *word = word_of(&r->arena, c);
  struct format f = format_of(word);
  const struct blocked *b = &f.weight_block;
  const struct tensor *in = recorded_of(r, c, "in"), *code = recorded_of(r, c, "code"),
                      *value = recorded_of(r, c, "value"), *shared = recorded_of(r, c, "shared");
  int64_t taps = in->shape[1], blocks = block_count(b, taps);
  assert_int_equal(shared->count, in->shape[0] * blocks);
  for (int64_t k = 0; k < shared->count; k++) {
    int64_t first = k / blocks * taps + k % blocks * b->size, end = (k / blocks + 1) * taps;
    if (end > first + b->size) end = first + b->size;
    double most = 0;
    for (int64_t i = first; i < end; i++) most = fmax(most, fabs(tensor_real(in, i)));
    int s = most > 0 ? (f.weight_ocp ? block_ocp : block_fit)(b, most) : 0;
    if (s != tensor_int(shared, k))
      fail_msg("%s, block %d: exponent %d, expected %d", word, (int)k, s,
               (int)tensor_int(shared, k));
    for (int64_t i = first; i < end; i++) {
      double unit = ldexp(block_unit(b), s);
      int64_t n = block_round(b, tensor_real(in, i) / unit),
              bits = b->is_float ? block_code(b, n) : n;
      if (bits != tensor_int(code, i) || (double)n * unit != tensor_real(value, i))
        fail_msg("%s, element %d, %.9g: code %d, expected %d", word, (int)i, tensor_real(in, i),
                 (int)bits, (int)tensor_int(code, i));
    }
  }
}

static void test_definitions(void **state) {
  (void)state;
  struct recorded r = recorded_open("tests/formats/nngen.safetensors");
  size_t i, seen = 0;
  json_t *c;
  json_array_foreach(r.cases, i, c) {
    if (!recorded_is(c, "format", "block")) continue;
    check_definition(&r, c);
    seen++;
  }
  assert_int_equal(seen, 9);
  recorded_close(&r);
}

static const struct {
  const char *theirs, *ours;
} mx[] = {{"fp8_e4m3", "e4m3fn"}, {"fp8_e5m2", "e5m2ieee"},
          {"fp6_e3m2", "e3m2"},   {"fp6_e2m3", "e2m3"},
          {"fp4_e2m1", "e2m1"},   {"int8", "8"},
          {"int4", "4"},          {"int2", "2"}};

// All that is finite there, blocks along the last axis or the first; exponents have no bounds here.
static void check_mx(struct recorded *r, const json_t *c, const char *element) {
  struct format f = format_of(arena_printf(&r->arena, "block%lld:%s,ocp",
                                           (long long)recorded_integer(c, "block"), element));
  const struct blocked *b = &f.weight_block;
  const struct tensor *in = recorded_of(r, c, "in"), *out = recorded_of(r, c, "out");
  bool rows = recorded_integer(c, "axis") == 0;
  int64_t columns = in->shape[1], length = rows ? in->shape[0] : columns, step = rows ? columns : 1;
  for (int64_t line = 0; line < in->count / length; line++)
    for (int64_t first = 0; first < length; first += b->size) {
      int64_t at = (rows ? line : line * columns) + first * step, most_at = b->size;
      double most = 0;
      if (most_at > length - first) most_at = length - first;
      for (int64_t k = 0; k < most_at; k++) most = fmax(most, fabs(tensor_real(in, at + k * step)));
      double unit = ldexp(block_unit(b), most > 0 ? block_ocp(b, most) : 0);
      for (int64_t k = 0; k < most_at; k++) {
        double v = tensor_real(in, at + k * step), theirs = tensor_real(out, at + k * step);
        if (!isfinite(theirs)) continue;
        double found = (double)block_round(b, v / unit) * unit;
        if (found != theirs)
          fail_msg("%s: %.9g of a block up to %.9g gives %g, expected %g", element, v, most, found,
                   theirs);
      }
    }
}

static void test_mx(void **state) {
  (void)state;
  struct recorded r = recorded_open("tests/formats/mx.safetensors");
  size_t i, seen = 0;
  json_t *c;
  json_array_foreach(r.cases, i, c) {
    if (!recorded_is(c, "round", "even") || recorded_integer(c, "flush_subnormals")) continue;
    for (size_t k = 0; k < sizeof mx / sizeof *mx; k++)
      if (recorded_is(c, "element", mx[k].theirs)) {
        check_mx(&r, c, mx[k].ours);
        seen++;
      }
  }
  assert_int_equal(seen, 34);
  recorded_close(&r);
}

// ---- weights

static void test_weights(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct type t;
  struct format f = format_of("block3:3"); // -3 .. 3
  const double w[10] = {0.5, -0.25, 0.1, 0, 0, 6, -7, 0, 0, 0};
  const int8_t *exponents = quantize_exponents(&a, &f, 2, 5, w, &t, &e);
  assert_non_null(exponents);
  assert_true(type_is_block(&t) && t.axis < 0);
  assert_true(exponents[0] == 0 && exponents[1] == 0 && exponents[3] == 0);
  assert_true(t.scale[0] == 0.25);
  assert_int_equal(exponents[2], 4); // 7 / 2^2 is rounded to 2
  assert_int_equal(t.block.span, 4);
  assert_int_equal(quantize_in_block(&t, 4, 6), 32);
  assert_int_equal(quantize_in_block(&t, 4, -7), -32);
  assert_int_equal(quantize_in_block(&t, 0, 0.1), 0);
  assert_int_equal(quantize_in_block(&t, 0, 100), 3);
  const double large[1] = {1e30}, tiny[1] = {1e-30};
  assert_null(quantize_exponents(&a, &f, 1, 1, large, &t, &e));
  assert_non_null(strstr(e.text, "output 0: its weights are too large for exponents up to 31"));
  // 3 * 2^31 is the largest
  assert_non_null(quantize_exponents(&a, &f, 1, 1, (const double[]){0x3p31}, &t, &e));
  assert_true(t.scale[0] == 0x1p31 && t.block.span == 0);
  assert_int_equal(quantize_in_block(&t, 0, 0x3p31), 3);
  assert_null(quantize_exponents(&a, &f, 1, 1, (const double[]){0x3p32}, &t, &e));
  // of zeros alone that of exponent 0
  const double zeros[4] = {0};
  exponents = quantize_exponents(&a, &f, 2, 2, zeros, &t, &e);
  assert_true(t.scale[0] == 1 && t.block.span == 0 && exponents[0] == 0 && exponents[1] == 0);
  assert_non_null(quantize_exponents(&a, &f, 1, 1, tiny, &t, &e));
  assert_true(t.scale[0] == 0x1p-32);
  assert_int_equal(quantize_in_block(&t, 0, tiny[0]), 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),       cmocka_unit_test(test_codes),
      cmocka_unit_test(test_exponents),   cmocka_unit_test(test_rules),
      cmocka_unit_test(test_definitions), cmocka_unit_test(test_mx),
      cmocka_unit_test(test_weights),     cmocka_unit_test(test_alone),
  };
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
