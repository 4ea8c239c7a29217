// SPDX-License-Identifier: Apache-2.0
// Tables of activations against the oracle of tests/net/helper_oracle.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/net/helper_oracle.h"

#include <math.h>
#include <mpfr.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int mismatches(enum curve f, double alpha, const struct curve_domain *d,
                      const int64_t *codes) {
  int count = 0;
  for (int64_t n = d->in_lo; n <= d->in_hi; n++) {
    int64_t expected = oracle_code(f, alpha, d, n);
    if (codes[n - d->in_lo] == expected) continue;
    if (!count++)
      print_message("%s: code %lld: expected %lld, found %lld\n", curve_name(f), (long long)n,
                    (long long)expected, (long long)codes[n - d->in_lo]);
  }
  return count;
}

static void check_all(double alpha, const struct curve_domain *d) {
  int64_t *codes = calloc((size_t)(d->in_hi - d->in_lo + 1), sizeof *codes);
  for (enum curve f = 0; f < CURVE_COUNT; f++) {
    curve_table(f, alpha, d, codes);
    assert_int_equal(mismatches(f, alpha, d, codes), 0);
  }
  free(codes);
}

static struct curve_domain fixed(int in_width, int in_fraction, int out_width, int out_fraction) {
  int64_t in = (int64_t)1 << (in_width - 1), out = (int64_t)1 << (out_width - 1);
  return (struct curve_domain){.in_lo = -in,
                               .in_hi = in - 1,
                               .in_scale = ldexp(1, -in_fraction),
                               .out_lo = -out,
                               .out_hi = out - 1,
                               .out_scale = ldexp(1, -out_fraction)};
}

static void every_code_of_fixed_types(void **state) {
  (void)state;
  for (int w = 2; w <= 12; w++) {
    struct curve_domain same = fixed(w, w / 2, w, w / 2), coarse = fixed(w, w / 2, w, -1);
    check_all(1, &same);
    check_all(0.75, &coarse);
  }
}

// Widths 13 to 16 take a quarter of a minute, so only in test-deep.
static void every_code_of_wide_types(void **state) {
  (void)state;
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  for (int w = 13; w <= 16; w++) {
    struct curve_domain same = fixed(w, w / 2, w, w / 2), fine = fixed(w, w / 2, 16, 12);
    check_all(1, &same);
    check_all(1, &fine);
  }
}

static void every_code_of_other_fixed_types(void **state) {
  (void)state;
  for (int w = 2; w <= 9; w++) {
    struct curve_domain fine = fixed(w, w - 1, 12, 10), wide = fixed(w, 0, 8, 0);
    struct curve_domain far = fixed(w, -4, 16, 0), near = fixed(w, 20, 16, 30);
    check_all(1, &fine);
    check_all(2, &wide);
    check_all(-0.5, &far);
    check_all(0, &near);
  }
}

static void every_code_of_unsigned_types_with_zero_points(void **state) {
  (void)state;
  for (int w = 2; w <= 10; w++) {
    int64_t top = ((int64_t)1 << w) - 1;
    struct curve_domain u = {0, top, top / 3, 0.0371, 0, 255, 17, 0.0123};
    check_all(1.25, &u);
    struct curve_domain s = {-top / 2 - 1, top / 2, -3, 0.125, -128, 127, 5, 0.25};
    check_all(1, &s);
  }
}

// So finely that every digit of a constant counts.
static void every_code_at_2_to_the_minus_34(void **state) {
  (void)state;
  int64_t limit = (int64_t)1 << 45;
  struct curve_domain near = {-64, 63, 0, 1.0 / 16, -limit, limit, 0, 0x1p-34};
  struct curve_domain far = {-64, 63, 0, 15, -limit, limit, 0, 0x1p-20};
  check_all(0.3, &near);
  check_all(0.3, &far);
}

static int64_t one(enum curve f, double x, double out_scale) {
  struct curve_domain d = {1, 1, 0, fabs(x), -(1LL << 50), 1LL << 50, 0, out_scale};
  int64_t code;
  if (x < 0) d.in_lo = d.in_hi = -1;
  curve_table(f, 1, &d, &code);
  return code;
}

// Ties that are exact, ties that are missed by a hair, and arguments beyond any precision.
static void hand_cases(void **state) {
  (void)state;
  assert_int_equal(one(CURVE_GELU, 15.5, 1), 15); // 2^-174 below the tie
  assert_int_equal(one(CURVE_GELU, -15.5, 1), 0);
  assert_int_equal(one(CURVE_SOFTPLUS, 1000.5, 1), 1001); // above the tie of 1000, which is even
  assert_int_equal(one(CURVE_SILU, 1001.5, 1), 1001);
  assert_int_equal(one(CURVE_ELU, 0.5, 1), 0); // exact ties go to even
  assert_int_equal(one(CURVE_ELU, 1.5, 1), 2);
  assert_int_equal(one(CURVE_SOFTSIGN, 1, 1), 0);   // 1/2
  assert_int_equal(one(CURVE_SOFTSIGN, 3, 0.5), 2); // 3/4 = 1.5 * 0.5
  assert_int_equal(one(CURVE_SOFTSIGN, -3, 0.5), -2);
  assert_int_equal(one(CURVE_TANH, 1e30, 2), 0); // just below 1/2
  assert_int_equal(one(CURVE_SIGMOID, 1e30, 2), 0);
  assert_int_equal(one(CURVE_TANHSHRINK, 1e12, 1), 999999999999); // x - 1, and a hair
  assert_int_equal(one(CURVE_MISH, 0x1p39 + 0.5, 1), 1LL << 39);
  assert_int_equal(one(CURVE_LOGSIGMOID, -0x1p39 - 0.5, 1), -(1LL << 39) - 1);
  assert_int_equal(one(CURVE_GELU_TANH, -0x1p60, 0x1p-100), 0);
  assert_int_equal(one(CURVE_TANH, 0x1p-40, 0x1p-41), 2);        // just below 2
  assert_int_equal(one(CURVE_TANH, 3 * 0x1p-40, 0x1p-39), 1);    // just below 3/2
  assert_int_equal(one(CURVE_SOFTPLUS, 1, 0x1p-100), 1LL << 40); // clamped, as documented
}

// The double of libm puts gelu(15.5) on the tie; the comparison must see it, and one code off.
static void the_comparison_can_fail(void **state) {
  (void)state;
  struct curve_domain d = fixed(8, 3, 8, 0);
  int64_t codes[256];
  for (int n = -128; n < 128; n++)
    codes[n + 128] = (int64_t)rint(curve_real(CURVE_GELU, 0, n / 8.0));
  assert_int_not_equal(mismatches(CURVE_GELU, 0, &d, codes), 0);
  curve_table(CURVE_TANH, 0, &d, codes);
  codes[200]++;
  assert_int_equal(mismatches(CURVE_TANH, 0, &d, codes), 1);
}

static void magnitudes_are_not_saturated(void **state) {
  (void)state;
  struct curve_domain d = fixed(8, 3, 8, 7);
  int64_t m[129];
  curve_magnitudes(CURVE_TANH, &d, 129, m);
  assert_int_equal(m[0], 0);
  assert_int_equal(m[25], 128);
  assert_int_equal(m[128], 128);
  curve_magnitudes(CURVE_TANHSHRINK, &d, 129, m);
  assert_int_equal(m[128], 15 * 128);
}

static void odd_functions_are_odd(void **state) {
  (void)state;
  const bool odd[CURVE_COUNT] = {[CURVE_SOFTSIGN] = true,
                                 [CURVE_TANH] = true,
                                 [CURVE_TANHSHRINK] = true,
                                 [CURVE_SCALED_TANH] = true};
  for (enum curve f = 0; f < CURVE_COUNT; f++) assert_int_equal(curve_odd(f), odd[f]);
}

// The double form stays within a few units of the last place; where a tail is e^-x with large x,
// within what one unit of the argument does to it.
static void doubles_are_accurate(void **state) {
  (void)state;
  mpfr_t x, y;
  mpfr_inits2(ORACLE_BITS, x, y, (mpfr_ptr)0);
  for (enum curve f = 0; f < CURVE_COUNT; f++)
    for (int i = -4000; i <= 4000; i++) {
      double v = i * 0.0049 + (i % 7) * 1e-9, found = curve_real(f, 1.5, v);
      mpfr_set_d(x, v, MPFR_RNDN);
      oracle_value(y, f, 1.5, x);
      double expected = mpfr_get_d(y, MPFR_RNDN);
      double argument = f == CURVE_GELU ? v * v : f == CURVE_GELU_TANH ? fabs(v * v * v) / 8 : 0;
      double bound = (6 + argument) * 0x1p-52 * fabs(expected) + 0x1p-300;
      if (!(fabs(found - expected) <= bound))
        fail_msg("%s(%.17g): expected %.17g, found %.17g", curve_name(f), v, expected, found);
    }
  mpfr_clears(x, y, (mpfr_ptr)0);
}

// Central difference of the oracle over 2^-60: right to 2^-120, and to 2^-340 where f fades away.
static double oracle_slope(enum curve f, double alpha, double at) {
  mpfr_t x, above, below;
  mpfr_inits2(ORACLE_BITS, x, above, below, (mpfr_ptr)0);
  mpfr_set_d(x, at, MPFR_RNDN);
  mpfr_add_d(x, x, 0x1p-60, MPFR_RNDN);
  oracle_value(above, f, alpha, x);
  mpfr_sub_d(x, x, 0x1p-59, MPFR_RNDN);
  oracle_value(below, f, alpha, x);
  mpfr_sub(x, above, below, MPFR_RNDN);
  mpfr_mul_2si(x, x, 59, MPFR_RNDN);
  double slope = mpfr_get_d(x, MPFR_RNDN);
  mpfr_clears(x, above, below, (mpfr_ptr)0);
  return slope;
}

// Points where slope(f, x) is off by more than a few units in the last place of the slope, or of 1
// around the minimum that silu, gelu and mish have; -19.6 < x < 19.6.
static int wrong_slopes(enum curve f, double (*slope)(enum curve f, double alpha, double x)) {
  bool minimum = f == CURVE_SILU || f == CURVE_GELU || f == CURVE_GELU_TANH || f == CURVE_MISH;
  int wrong = 0;
  for (int i = -4000; i <= 4000; i++) {
    double x = i * 0.0049 + (i % 7) * 1e-9, found = slope(f, 1.5, x);
    if (i == 0) continue; // a kink of elu and selu
    double expected = oracle_slope(f, 1.5, x);
    double argument = f == CURVE_GELU ? x * x : f == CURVE_GELU_TANH ? fabs(x * x * x) / 8 : 0;
    double ulps = (8 + argument) * fabs(expected) + (minimum && fabs(x) < 3 ? 2 : 0);
    if (fabs(found - expected) <= ulps * 0x1p-52 + 0x1p-300) continue;
    if (!wrong++)
      print_message("%s'(%.17g): expected %.17g, found %.17g\n", curve_name(f), x, expected, found);
  }
  return wrong;
}

static void slopes_are_accurate(void **state) {
  (void)state;
  for (enum curve f = 0; f < CURVE_COUNT; f++) assert_int_equal(wrong_slopes(f, curve_slope), 0);
}

// 1 - tanh^2 cancels in the tails; a slope of the wrong sign is wrong everywhere.
static double cancelling(enum curve f, double alpha, double x) {
  double y = curve_real(f, alpha, x);
  return 1 - y * y;
}

static double negated(enum curve f, double alpha, double x) {
  return -curve_slope(f, alpha, x);
}

static void the_comparison_of_slopes_can_fail(void **state) {
  (void)state;
  assert_in_range(wrong_slopes(CURVE_TANH, cancelling), 1000, 7999);
  for (enum curve f = 0; f < CURVE_COUNT; f++) assert_int_not_equal(wrong_slopes(f, negated), 0);
}

// At 0, from the left; far out, the slope of the asymptote.
static void slopes_at_zero_and_at_the_ends(void **state) {
  (void)state;
  const struct {
    double zero, low, high;
  } at[CURVE_COUNT] = {[CURVE_SOFTSIGN] = {1, 0, 0},
                       [CURVE_TANH] = {1, 0, 0},
                       [CURVE_TANHSHRINK] = {0, 1, 1},
                       [CURVE_SIGMOID] = {0.25, 0, 0},
                       [CURVE_SILU] = {0.5, 0, 1},
                       [CURVE_ELU] = {0.75, 0, 1},
                       [CURVE_SELU] = {1.7580993408473766, 0, 1.0507009873554805},
                       [CURVE_GELU] = {0.5, 0, 1},
                       [CURVE_GELU_TANH] = {0.5, 0, 1},
                       [CURVE_SOFTPLUS] = {0.5, 0, 1},
                       [CURVE_LOGSIGMOID] = {0.5, 1, 0},
                       [CURVE_MISH] = {0.6, 0, 1},
                       [CURVE_SCALED_TANH] = {1.7159 * 2 / 3, 0, 0}};
  for (enum curve f = 0; f < CURVE_COUNT; f++) {
    assert_true(fabs(curve_slope(f, 0.75, 0) - at[f].zero) <= 0x1p-51);
    for (int e = 60; e < 1024; e++) {
      assert_true(fabs(curve_slope(f, 0.75, -ldexp(1, e)) - at[f].low) <= 0x1p-100);
      assert_true(fabs(curve_slope(f, 0.75, ldexp(1, e)) - at[f].high) <= 0x1p-100);
    }
  }
}

static void doubles_are_finite_at_the_ends(void **state) {
  (void)state;
  for (enum curve f = 0; f < CURVE_COUNT; f++)
    for (int e = -1000; e <= 1000; e += 10)
      assert_true(isfinite(curve_real(f, 1, ldexp(1, e))) &&
                  isfinite(curve_real(f, 1, -ldexp(1, e))));
}

static int setup(void **state) {
  (void)state;
  oracle_start();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  oracle_stop();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_of_fixed_types),
      cmocka_unit_test(every_code_of_wide_types),
      cmocka_unit_test(every_code_of_other_fixed_types),
      cmocka_unit_test(every_code_of_unsigned_types_with_zero_points),
      cmocka_unit_test(every_code_at_2_to_the_minus_34),
      cmocka_unit_test(hand_cases),
      cmocka_unit_test(the_comparison_can_fail),
      cmocka_unit_test(magnitudes_are_not_saturated),
      cmocka_unit_test(odd_functions_are_odd),
      cmocka_unit_test(doubles_are_accurate),
      cmocka_unit_test(doubles_are_finite_at_the_ends),
      cmocka_unit_test(slopes_are_accurate),
      cmocka_unit_test(the_comparison_of_slopes_can_fail),
      cmocka_unit_test(slopes_at_zero_and_at_the_ends),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
