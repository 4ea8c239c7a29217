// SPDX-License-Identifier: Apache-2.0
// Sums of signs against their definition, over all codes and a dense grid, and against what MASE
// has recorded (tests/formats).
#include "sw/graph/residual.h"
#include "sw/graph/type.h"
#include "tests/graph/helper_recorded.h"

#include <math.h>

static const struct {
  struct residual r;
  bool nearest; // no factor above the one before, or below the sum of those behind
} samples[] = {{{1, {1}}, true},           {{2, {2, 1}}, true},          {{2, {5, 2}}, true},
               {{2, {1, 1}}, true},        {{2, {2, 5}}, false},         {{3, {4, 2, 1}}, true},
               {{3, {7, 5, 1}}, true},     {{3, {4, 3, 3}}, false},      {{4, {8, 4, 2, 1}}, true},
               {{4, {1, 1, 1, 1}}, false}, {{4, {127, 127, 3, 1}}, true}};

// The sentence that defines a code's integer.
static int64_t defined(const struct residual *r, uint32_t code) {
  int64_t sum = 0;
  for (int l = 0; l < r->planes; l++) sum += (code & 1u << l) != 0 ? r->factor[l] : -r->factor[l];
  return sum;
}

static void test_codes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    const struct residual *r = &samples[i].r;
    int64_t highest = residual_highest(r);
    for (uint32_t code = 0; code < 1u << r->planes; code++) {
      int64_t v = residual_integer(r, code);
      assert_int_equal(v, defined(r, code));
      assert_true(residual_has(r, v) && v <= highest && v >= -highest);
      // of several codes the lowest
      uint32_t found = residual_code(r, v);
      assert_true(found <= code && defined(r, found) == v);
    }
    assert_int_equal(defined(r, (1u << r->planes) - 1), highest);
    for (int64_t v = -highest - 2; v <= highest + 2; v++) {
      bool any = false;
      for (uint32_t code = 0; code < 1u << r->planes; code++) any |= defined(r, code) == v;
      assert_int_equal(residual_has(r, v), any);
    }
  }
}

// Plane by plane the sign of what is left; where the factors let it, nothing is nearer.
static void test_rounding(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    const struct residual *r = &samples[i].r;
    for (int k = -1400; k <= 1400; k++) {
      double v = k / 5.0, left = v;
      uint32_t code = 0;
      for (int l = 0; l < r->planes; l++) {
        if (left >= 0) code |= 1u << l;
        left -= left >= 0 ? r->factor[l] : -r->factor[l];
      }
      int64_t found = residual_round(r, v);
      assert_int_equal(found, defined(r, code));
      for (uint32_t other = 0; samples[i].nearest && other < 1u << r->planes; other++)
        if (fabs((double)defined(r, other) - v) < fabs((double)found - v) - 1e-9)
          fail_msg("sample %zu: %g gives %lld, %lld is nearer", i, v, (long long)found,
                   (long long)defined(r, other));
    }
    assert_int_equal(residual_round(r, 0.0), residual_round(r, -0.0));
  }
  // what isn't nearest is shown to be so
  assert_int_equal(residual_round(&samples[4].r, 1), -3); // 2 - 5, where 5 - 2 = 3 is nearer
}

// Means of what is left, by hand: |w| 4 and 2 leave 1 and 1, those 0.
static void test_choose(void **state) {
  (void)state;
  const double w[] = {4, -2, -4, 2};
  struct residual r = {.planes = 1};
  assert_true(residual_choose(&r, 4, w) == 3 && r.factor[0] == 1);
  r = (struct residual){.planes = 2};
  double unit = residual_choose(&r, 4, w); // 3 and 1: 22 and 7 of 29
  assert_true(r.factor[0] == 22 && r.factor[1] == 7);
  assert_true(fabs(unit * 22 - 3) < 0.05 && fabs(unit * 7 - 1) < 0.05);
  r = (struct residual){.planes = 3};
  residual_choose(&r, 4, w); // nothing is left: the least there is
  assert_true(r.factor[0] == 22 && r.factor[1] == 7 && r.factor[2] == 1);
  const double even[] = {3, 1, -3, -1}; // 2 and 1
  r = (struct residual){.planes = 2};
  unit = residual_choose(&r, 4, even);
  assert_true(r.factor[0] == 19 && r.factor[1] == 10);
  const double same[] = {2, 0, 2, 0}; // 1 and 1, without what they have in common
  unit = residual_choose(&r, 4, same);
  assert_true(r.factor[0] == 1 && r.factor[1] == 1 && unit == 1);
  // integers of 6 bits, whatever the numbers
  const double heavy[] = {1, 0, 0, 0, 0, 0, 0, 1e-3};
  for (uint8_t planes = 1; planes <= RESIDUAL_PLANES_MAX; planes++) {
    r = (struct residual){.planes = planes};
    residual_choose(&r, 8, heavy);
    assert_true(residual_highest(&r) <= 31);
    for (int l = 0; l < RESIDUAL_PLANES_MAX; l++) assert_int_equal(r.factor[l] > 0, l < planes);
  }
}

static void test_words(void **state) {
  (void)state;
  struct residual r;
  char text[RESIDUAL_TEXT];
  struct err e = {0};
  assert_string_equal(residual_read("residual3,channel", &r), ",channel");
  assert_true(r.planes == 3 && residual_check(&r, &e));
  residual_text(&r, text);
  assert_string_equal(text, "residual3");
  const char *none[] = {"residual",  "residual-1", "resid2",    "residual,2",
                        "Residual2", "",           " residual2"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_null(residual_read(none[i], &r));
  const char *refused[] = {"residual0", "residual5", "residual256", "residual99999999999999999999"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct err own = {0};
    assert_non_null(residual_read(refused[i], &r));
    assert_false(residual_check(&r, &own));
    assert_string_equal(own.text, "residualN: expected N from 1 to 4, sums of so many signs");
  }
}

static void test_types(void **state) {
  (void)state;
  struct arena a = {0};
  const double scale[] = {0.25, 2};
  struct residual r = {2, {3, 1}}, other = {2, {2, 1}};
  struct type t = type_residual(&a, &r, -1, 1, scale), u = type_residual(&a, &r, 0, 2, scale),
              v = type_residual(&a, &other, -1, 1, scale);
  assert_true(type_is_residual(&t) && type_is_coded(&t) && type_is_integer(&t) &&
              !type_has_zero(&t));
  assert_true(type_width(&t) == 2 && type_highest(&t) == 4 && type_lowest(&t) == -4);
  assert_true(type_equal(&t, &t) && !type_equal(&t, &u) && !type_equal(&t, &v));
  assert_string_equal(type_text(&a, &t), "residual2");
  assert_string_equal(type_text(&a, &u), "residual2 per channel");
  assert_true(type_is_code(&t, -2) && !type_is_code(&t, 0) && !type_is_code(&t, 3));
  assert_int_equal(type_encode(&t, 0.6), 2);            // 2.4
  assert_int_equal(type_encode_channel(&u, 1, -9), -4); // -4.5
  assert_true(type_value(&u, 1, -4) == -8);
  assert_int_equal(type_coding(&t), CODING_SIGNED);
  assert_false(type_parse_short(&a, "residual2", &t)); // factors belong to it
  arena_free(&a);
}

// MASE's planes have the factors 1, 1/2, 1/4, and a row (planes, elements) each; the sign of 0, and
// of what its floats leave as 0, is 0 there and + here.
static void check_planes(const struct residual *r, double v, const struct tensor *out, int64_t k) {
  double unit = ldexp(1, 1 - r->planes), left = v;
  uint32_t code = residual_code(r, residual_round(r, v / unit));
  for (int l = 0; l < r->planes; l++) {
    double own = (code >> l & 1 ? 1 : -1) * r->factor[l] * unit,
           theirs = tensor_real(out, l * (out->count / r->planes) + k);
    if (theirs == 0) {
      assert_true(fabs(left) < 0x1p-24);
      return;
    }
    if (own != theirs) fail_msg("%.9g, plane %d: %g, expected %g", v, l, own, theirs);
    left -= own;
  }
}

static void test_mase(void **state) {
  (void)state;
  struct recorded file = recorded_open("tests/formats/mase.safetensors");
  size_t i, seen = 0;
  json_t *c;
  json_array_foreach(file.cases, i, c) {
    if (!recorded_is(c, "format", "binary_residual")) continue;
    const struct tensor *in = recorded_of(&file, c, "in"), *out = recorded_of(&file, c, "out");
    int levels = (int)recorded_integer(json_object_get(c, "params"), "levels");
    struct residual r = {.planes = (uint8_t)levels};
    for (int l = 0; l < levels; l++) r.factor[l] = (uint8_t)(1 << (levels - 1 - l));
    seen++;
    for (int64_t k = 0; k < in->count; k++) check_planes(&r, tensor_real(in, k), out, k);
  }
  assert_int_equal(seen, 3);
  recorded_close(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_codes),  cmocka_unit_test(test_rounding),
                                     cmocka_unit_test(test_choose), cmocka_unit_test(test_words),
                                     cmocka_unit_test(test_types),  cmocka_unit_test(test_mase)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
