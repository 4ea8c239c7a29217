// SPDX-License-Identifier: Apache-2.0
// The arithmetic against the vectors of docs/numerics.md and against a plain rational oracle.
#include "sw/base/rng.h"
#include "sw/graph/interval.h"
#include "tests/net/helper_rational.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The reference vectors, inputs in eighths.
static const int inputs[14] = {44, 20, 13, 12, 9, 8, 4, -4, -8, -9, -12, -13, -20, -44};
static const int expected[7][14] = {
    {5, 2, 1, 1, 1, 1, 0, -1, -1, -2, -2, -2, -3, -6}, // floor
    {5, 2, 1, 1, 1, 1, 0, 0, -1, -1, -1, -1, -2, -5},  // zero
    {6, 3, 2, 2, 1, 1, 1, 0, -1, -1, -1, -2, -2, -5},  // half_up
    {5, 2, 2, 1, 1, 1, 0, 0, -1, -1, -1, -2, -2, -5},  // half_zero
    {5, 2, 2, 1, 1, 1, 0, -1, -1, -1, -2, -2, -3, -6}, // half_down
    {6, 3, 2, 2, 1, 1, 1, -1, -1, -1, -2, -2, -3, -6}, // half_away
    {6, 2, 2, 2, 1, 1, 0, 0, -1, -1, -2, -2, -2, -6},  // half_even
};

static void test_rounding_vectors(void **state) {
  (void)state;
  for (int mode = FIX_FLOOR; mode <= FIX_HALF_EVEN; mode++)
    for (int i = 0; i < 14; i++)
      assert_int_equal((int)fix_round(inputs[i], 3, (enum fix_rounding)mode), expected[mode][i]);
}

static void test_overflow_vectors(void **state) {
  (void)state;
  static const int in[11] = {7, 8, 9, 15, 16, 23, -7, -8, -9, -16, -17};
  static const int is[4][11] = {{7, 7, 7, 7, 7, 7, -7, -8, -8, -8, -8},
                                {7, 7, 7, 7, 7, 7, -7, -7, -7, -7, -7},
                                {7, -8, -7, -1, 0, 7, -7, -8, 7, 0, -1},
                                {7, 0, 0, 0, 0, 0, -7, -8, 0, 0, 0}};
  static const int uin[5] = {15, 16, 31, -1, -5};
  static const int us[4][5] = {
      {15, 15, 15, 0, 0}, {15, 15, 15, 0, 0}, {15, 0, 15, 15, 11}, {15, 0, 0, 0, 0}};
  for (int mode = 0; mode < FIX_OVERFLOWS; mode++) {
    for (int i = 0; i < 11; i++)
      assert_int_equal(fix_overflow(in[i], 4, true, 0, (enum fix_overflow)mode), is[mode][i]);
    for (int i = 0; i < 5; i++)
      assert_int_equal(fix_overflow(uin[i], 4, false, 0, (enum fix_overflow)mode), us[mode][i]);
  }
}

static void test_round_before_overflow(void **state) {
  (void)state;
  struct fix_target t = {.width = 4, .is_signed = true, .rounding = FIX_HALF_UP};
  assert_int_equal(fix_requant(15, 1, 1, &t), 7);
  t.overflow = FIX_WRAP;
  assert_int_equal(fix_requant(15, 1, 1, &t), -8);
  t = (struct fix_target){.width = 4, .is_signed = true, .zero = 3, .overflow = FIX_TO_ZERO};
  assert_int_equal(fix_requant(100, 1, 0, &t), 3); // the integer zero_y
}

// ---- against the oracle

// Corner patterns and ties, one unit to either side.
static int64_t pattern(struct rng *r, int bits, int shift) {
  int64_t k = rng_range(r, 0, bits - 2), v = (int64_t)1 << k;
  switch (rng_range(r, 0, 5)) {
  case 0:
    v = 0;
    break;
  case 1:
    v += rng_range(r, -1, 1);
    break;
  case 2:
    v = ((int64_t)1 << (bits - 1)) - 1;
    break;
  case 3:
    v = shift > 0 && shift < bits - 2
            ? (rng_range(r, 0, bits - shift > 12 ? 1000 : 0) * 2 + 1) << (shift - 1)
            : v;
    break;
  default:
    v = rng_range(r, 0, ((int64_t)1 << (bits - 1)) - 1);
  }
  v += rng_range(r, -1, 1);
  return rng_range(r, 0, 1) ? v : -v;
}

static void compare_requant(int64_t acc, int64_t mul, int shift, const struct fix_target *t) {
  int64_t got = fix_requant(acc, mul, shift, t), want = rational_requant(acc, mul, shift, t);
  if (got != want)
    fail_msg("acc %lld mul %lld shift %d %s %s width %d zero %lld: got %lld, expected %lld",
             (long long)acc, (long long)mul, shift, fix_rounding_text(t->rounding),
             fix_overflow_text(t->overflow), t->width, (long long)t->zero, (long long)got,
             (long long)want);
}

static struct fix_target any_target(struct rng *r, enum fix_rounding rounding,
                                    enum fix_overflow overflow) {
  struct fix_target t = {.width = (int)rng_range(r, 1, rng_range(r, 0, 2) ? 32 : 62),
                         .is_signed = rng_range(r, 0, 1) != 0,
                         .rounding = rounding,
                         .overflow = overflow};
  if (t.overflow != FIX_SYMMETRIC)
    t.zero = rng_range(r, fix_lowest(t.width, t.is_signed), fix_highest(t.width, t.is_signed));
  return t;
}

// Corners and ties of every width, each rounding with each overflow.
static int random_requants(struct rng *r, enum fix_rounding rounding, enum fix_overflow overflow) {
  enum { COUNT = 50000 };
  for (int i = 0; i < COUNT; i++) {
    struct fix_target t = any_target(r, rounding, overflow);
    int shift = (int)(rng_range(r, 0, 3) ? rng_range(r, -6, 70) : rng_range(r, -64, 127));
    int bits = (int)rng_range(r, 2, 62);
    int64_t acc = pattern(r, bits, shift);
    int64_t mul = rng_range(r, 0, 1) ? 1 : rng_range(r, 1 << 30, INT32_MAX);
    compare_requant(acc, mul, shift, &t);
  }
  return COUNT;
}

static void test_requant_oracle(void **state) {
  (void)state;
  struct rng r = {20240611, 0};
  int compared = 0;
  for (int mode = 0; mode <= FIX_AWAY; mode++)
    for (int overflow = 0; overflow < FIX_OVERFLOWS; overflow++)
      compared += random_requants(&r, (enum fix_rounding)mode, (enum fix_overflow)overflow);
  print_message("%d\n", compared);
}

// All accumulators of `bits`, shifts around the width, outputs signed and unsigned of half of it.
static int64_t every_requant(int bits, enum fix_rounding rounding, enum fix_overflow overflow) {
  const int shifts[] = {-2, 0, 1, bits / 2, bits + 1};
  int64_t compared = 0, end = (int64_t)1 << (bits - 1);
  for (size_t s = 0; s < 2 * sizeof shifts / sizeof *shifts; s++) {
    struct fix_target t = {.width = bits / 2 < 2 ? 2 : bits / 2,
                           .is_signed = s % 2 != 0,
                           .rounding = rounding,
                           .overflow = overflow};
    for (int64_t acc = -end; acc < end; acc++) compare_requant(acc, 3, shifts[s / 2], &t);
    compared += 2 * end;
  }
  return compared;
}

// Exhaustive to 12 bits, in test-deep to 16.
static void test_requant_exhaustive(void **state) {
  (void)state;
  int64_t compared = 0;
  for (int bits = 2; bits <= (getenv("NNGEN_TEST_DEEP") ? 16 : 12); bits++)
    for (int mode = 0; mode <= FIX_AWAY; mode++)
      for (int overflow = 0; overflow < FIX_OVERFLOWS; overflow++)
        compared += every_requant(bits, (enum fix_rounding)mode, (enum fix_overflow)overflow);
  print_message("%lld\n", (long long)compared);
}

// The two steps of TFLite, each with the plain rounding of its own.
static void test_tflite(void **state) {
  (void)state;
  struct rng r = {7, 0};
  for (int i = 0; i < 50000; i++) {
    struct fix_target t =
        any_target(&r, FIX_TFLITE, (enum fix_overflow)rng_range(&r, 0, FIX_OVERFLOWS - 1));
    int shift = (int)rng_range(&r, 26, 48), left = shift < 31 ? 31 - shift : 0;
    int64_t acc = rng_range(&r, -(1 << 20), 1 << 20), mul = rng_range(&r, 1 << 30, INT32_MAX);
    struct fix_target up = {.width = 32, .is_signed = true, .rounding = FIX_HALF_UP};
    struct fix_target away = t;
    away.rounding = FIX_HALF_AWAY;
    int64_t high = rational_requant(acc * ((int64_t)1 << left), mul, 31, &up);
    assert_int_equal(fix_requant(acc, mul, shift, &t),
                     rational_requant(high, 1, shift > 31 ? shift - 31 : 0, &away));
  }
}

static void test_bipolar(void **state) {
  (void)state;
  struct fix_target t = {.bipolar = true};
  assert_int_equal(fix_requant(0, 1, 5, &t), 1);
  assert_int_equal(fix_requant(-1, 1, 5, &t), -1);
}

static void test_scale(void **state) {
  (void)state;
  int64_t m;
  int32_t s;
  assert_true(fix_scale(0.25, &m, &s) && m == 1 && s == 2);
  assert_true(fix_scale(8, &m, &s) && m == 1 && s == -3);
  assert_true(fix_scale(0.1, &m, &s) && m == 1717986918 && s == 34);
  assert_true(fix_scale(nextafter(1, 0), &m, &s) && m == 1 << 30 && s == 30); // rounds up to 2^31
  assert_true(fix_scale_tflite(0.5, &m, &s) && m == 1 << 30 && s == 31);
  assert_false(fix_scale(0, &m, &s));
  assert_false(fix_scale(-1, &m, &s));
  assert_false(fix_scale(INFINITY, &m, &s));
  assert_false(fix_scale(NAN, &m, &s));
  assert_false(fix_scale(0x1p-100 / 3, &m, &s)); // S would be 132
}

// The first and the last shift, and one beyond.
static void test_scale_bounds(void **state) {
  (void)state;
  int64_t m;
  int32_t s;
  assert_true(fix_scale(0x1p64, &m, &s) && m == 1 && s == FIX_SHIFT_MIN);
  assert_false(fix_scale(0x1p65, &m, &s));
  assert_true(fix_scale(0x1p-127, &m, &s) && m == 1 && s == FIX_SHIFT_MAX);
  assert_false(fix_scale(0x1p-128, &m, &s));
  assert_true(fix_scale(0x1.8p94, &m, &s) && m == 3 << 29 && s == FIX_SHIFT_MIN);
  assert_false(fix_scale(0x1.8p95, &m, &s));
  assert_true(fix_scale_tflite(0x1p-97, &m, &s) && m == 1 << 30 && s == FIX_SHIFT_MAX);
  assert_false(fix_scale_tflite(0x1p-98, &m, &s));
}

static void test_names(void **state) {
  (void)state;
  for (int r = 0; r < FIX_ROUNDINGS; r++)
    assert_int_equal(fix_rounding_find(fix_rounding_text((enum fix_rounding)r)), r);
  for (int o = 0; o < FIX_OVERFLOWS; o++)
    assert_int_equal(fix_overflow_find(fix_overflow_text((enum fix_overflow)o)), o);
  assert_int_equal(fix_rounding_find("half"), -1);
  assert_int_equal(fix_overflow_find(""), -1);
}

static void test_from_real(void **state) {
  (void)state;
  assert_int_equal(fix_from_real(2.5, -128, 127), 2);
  assert_int_equal(fix_from_real(3.5, -128, 127), 4);
  assert_int_equal(fix_from_real(-2.5, -128, 127), -2);
  assert_int_equal(fix_from_real(1e300, -128, 127), 127);
  assert_int_equal(fix_from_real(-1e300, -128, 127), -128);
}

// What is exactly acc / 2^shift is requantised as acc is.
static void test_requant_real(void **state) {
  (void)state;
  struct rng r = {20241128, 0};
  for (int i = 0; i < 400000; i++) {
    struct fix_target t = any_target(&r, (enum fix_rounding)(i % FIX_TFLITE),
                                     (enum fix_overflow)(i / FIX_TFLITE % FIX_OVERFLOWS));
    struct fix_target wide = t;
    int shift = (int)rng_range(&r, -8, 70);
    int64_t acc = pattern(&r, (int)rng_range(&r, 2, 53), shift);
    int64_t lo = fix_lowest(t.width, t.is_signed), hi = fix_highest(t.width, t.is_signed);
    bool inside = false;
    if (t.overflow == FIX_SYMMETRIC && t.is_signed) lo = -hi;
    wide.width = 62;
    wide.is_signed = true;
    wide.overflow = FIX_SATURATE;
    int64_t q = rational_requant(acc, 1, shift, &wide);
    int64_t code = fix_requant_real(ldexp((double)acc, -shift), &t, &inside);
    assert_int_equal(code, rational_requant(acc, 1, shift, &t));
    if (t.width <= 60) assert_int_equal(inside, q >= lo && q <= hi);
    if (t.rounding == FIX_HALF_EVEN && t.overflow == FIX_SATURATE && t.width <= 32)
      assert_int_equal(
          code, t.zero + fix_from_real(ldexp((double)acc, -shift), lo - t.zero, hi - t.zero));
  }
}

// Numbers that no shift reaches, and what isn't one.
static void test_requant_real_ends(void **state) {
  (void)state;
  struct fix_target t = {.width = 8, .is_signed = true, .zero = 3, .rounding = FIX_FLOOR};
  bool inside = true;
  assert_int_equal(fix_requant_real(0x1p1000, &t, &inside), 127);
  assert_false(inside);
  assert_int_equal(fix_requant_real(-INFINITY, &t, &inside), -128);
  assert_false(inside);
  assert_int_equal(fix_requant_real(-0x1p-1074, &t, &inside), 2);
  assert_true(inside);
  assert_int_equal(fix_requant_real(0x1p-1074, &t, NULL), 3);
  assert_int_equal(fix_requant_real(NAN, &t, NULL), 3);
  t.rounding = FIX_CEIL;
  assert_int_equal(fix_requant_real(0x1p-1074, &t, NULL), 4);
  assert_int_equal(fix_requant_real(-0x1p-1074, &t, NULL), 3);
  t.overflow = FIX_WRAP;
  assert_int_equal(fix_requant_real(0x1p1000, &t, &inside), 3);
  assert_false(inside);
  t.bipolar = true;
  assert_int_equal(fix_requant_real(-0.0, &t, &inside), 1);
  assert_true(inside);
  assert_int_equal(fix_requant_real(-0x1p-1074, &t, &inside), -1);
  assert_int_equal(fix_requant_real(1, &t, &inside), 1);
  assert_true(inside);
  assert_int_equal(fix_requant_real(nextafter(-1, -2), &t, &inside), -1);
  assert_false(inside);
}

// The oracle notices a wrong increment: half_up is not half_away.
static void test_oracle_can_fail(void **state) {
  (void)state;
  int different = 0;
  struct fix_target up = {.width = 8, .is_signed = true, .rounding = FIX_HALF_UP}, away = up;
  away.rounding = FIX_HALF_AWAY;
  for (int64_t acc = -64; acc < 64; acc++)
    different += fix_requant(acc, 1, 3, &up) != rational_requant(acc, 1, 3, &away);
  assert_int_equal(different, 8); // the negative ties
}

// Bits of two's complement: the ends of a width are in it, what is one further isn't.
static void test_interval_bits(void **state) {
  (void)state;
  for (int bits = 1; bits < 127; bits++) {
    fix_wide end = (fix_wide)1 << (bits - 1);
    assert_int_equal(interval_bits((struct interval){-end, end - 1}), bits);
    assert_int_equal(interval_bits((struct interval){-end - 1, 0}), bits + 1);
    assert_int_equal(interval_bits((struct interval){0, end}), bits + 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounding_vectors),
                                     cmocka_unit_test(test_overflow_vectors),
                                     cmocka_unit_test(test_round_before_overflow),
                                     cmocka_unit_test(test_requant_oracle),
                                     cmocka_unit_test(test_requant_exhaustive),
                                     cmocka_unit_test(test_tflite),
                                     cmocka_unit_test(test_bipolar),
                                     cmocka_unit_test(test_scale),
                                     cmocka_unit_test(test_scale_bounds),
                                     cmocka_unit_test(test_names),
                                     cmocka_unit_test(test_from_real),
                                     cmocka_unit_test(test_requant_real),
                                     cmocka_unit_test(test_requant_real_ends),
                                     cmocka_unit_test(test_interval_bits),
                                     cmocka_unit_test(test_oracle_can_fail)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
