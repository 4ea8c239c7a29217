// SPDX-License-Identifier: Apache-2.0
// Means and deviations against MPFR in hundreds of bits.
#include "sw/data/measure.h"

#include "sw/base/rng.h"
#include "sw/data/array.h"

#include <math.h>
#include <mpfr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 50, ELEMENTS = 12, ALL = IMAGES * ELEMENTS, BITS = 400 };

// sqrt or not of (sum of x^power over the channel) / n, around `middle`.
static void expected(const double *x, int64_t count, int64_t channels, int64_t c, double *mean,
                     double *std) {
  mpfr_t sum, squares, v, n;
  mpfr_inits2(BITS, sum, squares, v, n, (mpfr_ptr)0);
  mpfr_set_si(sum, 0, MPFR_RNDN);
  mpfr_set_si(squares, 0, MPFR_RNDN);
  mpfr_set_si(n, count * ELEMENTS / channels, MPFR_RNDN);
  for (int64_t i = c; i < count * ELEMENTS; i += channels) mpfr_add_d(sum, sum, x[i], MPFR_RNDN);
  mpfr_div(sum, sum, n, MPFR_RNDN);
  for (int64_t i = c; i < count * ELEMENTS; i += channels) {
    mpfr_d_sub(v, x[i], sum, MPFR_RNDN);
    mpfr_sqr(v, v, MPFR_RNDN);
    mpfr_add(squares, squares, v, MPFR_RNDN);
  }
  mpfr_div(squares, squares, n, MPFR_RNDN);
  mpfr_sqrt(squares, squares, MPFR_RNDN);
  *mean = mpfr_get_d(sum, MPFR_RNDN);
  *std = mpfr_get_d(squares, MPFR_RNDN);
  mpfr_clears(sum, squares, v, n, (mpfr_ptr)0);
}

static void assert_near(double found, double exact, double units) {
  double unit = nextafter(fabs(exact), INFINITY) - fabs(exact);
  if (!(fabs(found - exact) <= units * unit)) fail_msg("%.17g, not %.17g", found, exact);
}

// x: what the set holds, as real numbers times `scale`.
static void check(const struct images *set, const double *x, double scale) {
  for (int64_t count = 1; count <= IMAGES; count += 7)
    for (int64_t channels = 1; channels <= 3; channels++) {
      double mean[3], std[3], m, s;
      images_measure(set, count, channels, mean, std);
      for (int64_t c = 0; c < channels; c++) {
        expected(x, count, channels, c, &m, &s);
        assert_near(mean[c], m / scale, 3);
        assert_near(std[c], s / scale, 4);
      }
    }
}

static void bytes(void **state) {
  (void)state;
  static uint8_t pixels[ALL];
  double x[ALL];
  struct rng r = {1, 0};
  for (int i = 0; i < ALL; i++) x[i] = pixels[i] = (uint8_t)rng_range(&r, 0, 255);
  struct images set = {.count = IMAGES, .elements = ELEMENTS, .pixels = pixels};
  check(&set, x, 255);
  memset(pixels, 7, sizeof pixels);
  double mean, std;
  images_measure(&set, IMAGES, 1, &mean, &std);
  assert_true(mean == 7 / 255.0 && std == 0);
  memset(pixels, 0, sizeof pixels / 2);
  memset(pixels + sizeof pixels / 2, 255, sizeof pixels / 2);
  images_measure(&set, IMAGES, 1, &mean, &std);
  assert_true(mean == 0.5 && std == 0.5);
}

// Sums that lose all in plain doubles.
static void numbers(void **state) {
  (void)state;
  static double x[ALL];
  struct rng r = {2, 0};
  struct array v = {.type = ARRAY_F64,
                    .rank = 2,
                    .shape = {IMAGES, ELEMENTS},
                    .elements = ALL,
                    .data = (unsigned char *)x};
  struct images set = {.count = IMAGES, .elements = ELEMENTS, .numbers = &v};
  for (int i = 0; i < ALL; i++) x[i] = (rng_unit(&r) - 0.5) * (i % 5 ? 1 : 1e6);
  check(&set, x, 1);
  for (int i = 0; i < ALL; i++) x[i] = i % 12 < 6 ? 1e17 : -1e17;
  x[0] = 1e17 + 1024;
  double mean, std;
  images_measure(&set, IMAGES, 1, &mean, &std);
  assert_near(mean, 1024.0 / ALL, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bytes), cmocka_unit_test(numbers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
