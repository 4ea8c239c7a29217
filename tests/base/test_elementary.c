// SPDX-License-Identifier: Apache-2.0
// The elementary functions against MPFR, over their whole range: four units in the last place,
// erfc six.
#include "sw/base/elementary.h"

#include <math.h>
#include <mpfr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sw/base/rng.h"

typedef int exact(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode);

// Units in the last place of the correctly rounded value.
static double distance(double (*f)(double), exact *g, double x) {
  mpfr_t v;
  mpfr_init2(v, 200);
  mpfr_set_d(v, x, MPFR_RNDN);
  g(v, v, MPFR_RNDN);
  double expected = mpfr_get_d(v, MPFR_RNDN), found = f(x);
  mpfr_clear(v);
  if (expected == found) return 0;
  double unit = nextafter(fabs(expected), INFINITY) - fabs(expected);
  return fabs(found - expected) / unit;
}

static double worst(double (*f)(double), exact *g, double lo, double hi) {
  struct rng r = {1, 0};
  double most = 0;
  for (int i = 0; i < 20000; i++) most = fmax(most, distance(f, g, lo + (hi - lo) * rng_unit(&r)));
  return most;
}

static void check(const char *name, double (*f)(double), exact *g, double lo, double hi) {
  double most = worst(f, g, lo, hi);
  if (!(most <= (g == mpfr_erfc ? 6 : 4))) fail_msg("%s in %g .. %g: %g units", name, lo, hi, most);
}

static void functions_are_accurate(void **state) {
  (void)state;
  check("exp", elementary_exp, mpfr_exp, -1, 1);
  check("exp", elementary_exp, mpfr_exp, -745, 709.7);
  check("expm1", elementary_expm1, mpfr_expm1, -1e-6, 1e-6);
  check("expm1", elementary_expm1, mpfr_expm1, -40, 40);
  check("log", elementary_log, mpfr_log, 0.5, 2);
  check("log", elementary_log, mpfr_log, 1e-300, 1e-290);
  check("log", elementary_log, mpfr_log, 1, 1e9);
  check("log1p", elementary_log1p, mpfr_log1p, -0.5, 1);
  check("log1p", elementary_log1p, mpfr_log1p, -1e-9, 1e-9);
  check("tanh", elementary_tanh, mpfr_tanh, -1e-3, 1e-3);
  check("tanh", elementary_tanh, mpfr_tanh, -30, 30);
  check("erfc", elementary_erfc, mpfr_erfc, -6, 0);
  check("erfc", elementary_erfc, mpfr_erfc, 0, 4);
  check("sin", elementary_sin, mpfr_sin, -1e-3, 1e-3);
  check("sin", elementary_sin, mpfr_sin, -7, 7);
  check("sin", elementary_sin, mpfr_sin, -1e6, 1e6);
  check("cos", elementary_cos, mpfr_cos, -1e-3, 1e-3);
  check("cos", elementary_cos, mpfr_cos, -7, 7);
  check("cos", elementary_cos, mpfr_cos, -1e6, 1e6);
  for (int n = 1; n < 600000; n += 997) { // where they are nearly 0
    double x = n * (3.14159265358979323846 / 2);
    assert_true(distance(n % 2 ? elementary_cos : elementary_sin, n % 2 ? mpfr_cos : mpfr_sin, x) <=
                4);
  }
}

static void ends_of_the_range(void **state) {
  (void)state;
  assert_true(elementary_exp(0) == 1 && elementary_exp(-1000) == 0);
  assert_true(isinf(elementary_exp(1000)) && isnan(elementary_exp(NAN)));
  assert_true(elementary_log(1) == 0 && isinf(elementary_log(0)) && isnan(elementary_log(-1)));
  assert_true(elementary_tanh(0) == 0 && elementary_tanh(1e9) == 1 && elementary_tanh(-1e9) == -1);
  assert_true(elementary_erfc(0) == 1 && elementary_erfc(100) == 0 && elementary_erfc(-100) == 2);
  assert_true(isnan(elementary_erfc(NAN)));
  assert_true(elementary_sin(0) == 0 && elementary_cos(0) == 1);
  assert_true(isnan(elementary_sin(NAN)) && isnan(elementary_cos(1e300)));
}

static double slightly_wrong(double x) {
  return elementary_exp(x) * (1 + 0x1p-49);
}

static void an_error_is_seen(void **state) {
  (void)state;
  assert_true(worst(slightly_wrong, mpfr_exp, -1, 1) > 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(functions_are_accurate),
                                     cmocka_unit_test(ends_of_the_range),
                                     cmocka_unit_test(an_error_is_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
