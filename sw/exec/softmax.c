// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/softmax.h"

#include <gmp.h>
#include <mpfr.h>

enum { PRECISION_FIRST = 96, PRECISION_MAX = 1 << 20 };

static int64_t clamped(const mpfr_t q, const struct type *y) {
  int64_t lo = type_lowest(y), hi = type_highest(y);
  if (mpfr_cmp_si(q, type_integer(y, 0, hi)) > 0) return hi;
  if (mpfr_cmp_si(q, type_integer(y, 0, lo)) < 0) return lo;
  return type_from_integer(y, 0, mpfr_get_si(q, MPFR_RNDN));
}

static int64_t uniform(int64_t count, const struct type *y) {
  mpq_t p, scale;
  mpfr_t q;
  mpq_inits(p, scale, NULL);
  mpq_set_si(p, 1, (unsigned long)count);
  mpq_set_d(scale, type_scale(y, 0));
  mpq_div(p, p, scale);
  mpfr_init2(q, 2048);
  // Nearest integer, ties to even, of num / den: floor(p + 1/2), one less at an odd tie.
  mpz_t twice, den, whole, rest;
  mpz_inits(twice, den, whole, rest, NULL);
  mpz_mul_2exp(twice, mpq_numref(p), 1);
  mpz_add(twice, twice, mpq_denref(p));
  mpz_mul_2exp(den, mpq_denref(p), 1);
  mpz_fdiv_qr(whole, rest, twice, den);
  if (mpz_sgn(rest) == 0 && mpz_odd_p(whole)) mpz_sub_ui(whole, whole, 1);
  mpfr_set_z(q, whole, MPFR_RNDN);
  int64_t code = clamped(q, y);
  mpz_clears(twice, den, whole, rest, NULL);
  mpq_clears(p, scale, NULL);
  mpfr_clear(q);
  return code;
}

// sum_k exp((x[k] - x[i]) scale), of at least 1, its relative error below 2^(70 - bits): the
// exponent of at most 2^40 costs 40 bits, the sum of at most 2^24 terms 24 more.
static void sum_from(mpfr_t sum, const int64_t *x, int64_t count, int64_t i, double scale) {
  mpfr_t term;
  mpfr_init2(term, mpfr_get_prec(sum));
  mpfr_set_zero(sum, 1);
  for (int64_t k = 0; k < count; k++) {
    mpfr_set_si(term, x[k] - x[i], MPFR_RNDN);
    mpfr_mul_d(term, term, scale, MPFR_RNDN);
    mpfr_exp(term, term, MPFR_RNDN);
    mpfr_add(sum, sum, term, MPFR_RNDN);
  }
  mpfr_clear(term);
}

// The code of a value that is known to within `error`; false if a rounding boundary may lie
// between.
static bool decided(mpfr_t value, mpfr_t error, const struct type *y, int64_t *code) {
  mpfr_t high;
  mpfr_init2(high, mpfr_get_prec(value));
  mpfr_add(high, value, error, MPFR_RNDU);
  mpfr_sub(value, value, error, MPFR_RNDD);
  mpfr_rint(value, value, MPFR_RNDN);
  mpfr_rint(high, high, MPFR_RNDN);
  bool equal = mpfr_equal_p(value, high);
  *code = clamped(value, y);
  mpfr_clear(high);
  return equal;
}

static bool attempt(const int64_t *x, int64_t count, int64_t i, double scale, const struct type *y,
                    mpfr_prec_t bits, int64_t *code) {
  mpfr_t sum, value, error;
  mpfr_inits2(bits, sum, value, error, NULL);
  sum_from(sum, x, count, i, scale);
  mpfr_mul_d(sum, sum, type_scale(y, 0), MPFR_RNDN);
  mpfr_ui_div(value, 1, sum, MPFR_RNDN);
  mpfr_mul_2si(error, value, -(long)(bits - 72), MPFR_RNDU);
  bool done = decided(value, error, y, code);
  mpfr_clears(sum, value, error, NULL);
  return done;
}

// The sum's relative error is the absolute one of its logarithm, whose own rounding is below it:
// logarithms are less than 2^41.
static bool attempt_log(const int64_t *x, int64_t count, int64_t i, double scale,
                        const struct type *y, mpfr_prec_t bits, int64_t *code) {
  mpfr_t sum, value, error;
  mpfr_inits2(bits, sum, value, error, NULL);
  sum_from(sum, x, count, i, scale);
  mpfr_log(value, sum, MPFR_RNDN);
  mpfr_neg(value, value, MPFR_RNDN);
  mpfr_div_d(value, value, type_scale(y, 0), MPFR_RNDN);
  mpfr_set_ui_2exp(error, 1, -(mpfr_exp_t)(bits - 74), MPFR_RNDU);
  mpfr_div_d(error, error, type_scale(y, 0), MPFR_RNDU);
  bool done = decided(value, error, y, code);
  mpfr_clears(sum, value, error, NULL);
  return done;
}

void softmax_codes(const int64_t *x, int64_t count, double scale, const struct type *y,
                   int64_t *codes) {
  bool equal = true;
  for (int64_t i = 1; i < count; i++) equal &= x[i] == x[0];
  for (int64_t i = 0; i < count; i++) {
    if (equal) {
      codes[i] = uniform(count, y);
      continue;
    }
    for (mpfr_prec_t bits = PRECISION_FIRST; bits < PRECISION_MAX; bits *= 2)
      if (attempt(x, count, i, scale, y, bits, &codes[i])) break;
  }
}

void log_softmax_codes(const int64_t *x, int64_t count, double scale, const struct type *y,
                       int64_t *codes) {
  if (count == 1) {
    codes[0] = type_from_integer(y, 0, 0);
    if (codes[0] > type_highest(y)) codes[0] = type_highest(y);
    if (codes[0] < type_lowest(y)) codes[0] = type_lowest(y);
    return;
  }
  for (int64_t i = 0; i < count; i++)
    for (mpfr_prec_t bits = PRECISION_FIRST; bits < PRECISION_MAX; bits *= 2)
      if (attempt_log(x, count, i, scale, y, bits, &codes[i])) break;
}
