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

// One quotient at `bits` of precision; false if its error could cross a rounding boundary.
static bool attempt(const int64_t *x, int64_t count, int64_t i, double scale, const struct type *y,
                    mpfr_prec_t bits, int64_t *code) {
  mpfr_t sum, term, low, high;
  mpfr_inits2(bits, sum, term, low, high, NULL);
  mpfr_set_zero(sum, 1);
  for (int64_t k = 0; k < count; k++) {
    mpfr_set_si(term, x[k] - x[i], MPFR_RNDN);
    mpfr_mul_d(term, term, scale, MPFR_RNDN);
    mpfr_exp(term, term, MPFR_RNDN);
    mpfr_add(sum, sum, term, MPFR_RNDN);
  }
  mpfr_mul_d(sum, sum, type_scale(y, 0), MPFR_RNDN);
  mpfr_ui_div(term, 1, sum, MPFR_RNDN);
  // The exponent of at most 2^40 costs 40 bits, the sum of at most 2^24 terms 24 more.
  mpfr_mul_2si(low, term, -(long)(bits - 72), MPFR_RNDU);
  mpfr_add(high, term, low, MPFR_RNDU);
  mpfr_sub(low, term, low, MPFR_RNDD);
  mpfr_rint(low, low, MPFR_RNDN);
  mpfr_rint(high, high, MPFR_RNDN);
  bool decided = mpfr_equal_p(low, high);
  *code = clamped(low, y);
  mpfr_clears(sum, term, low, high, NULL);
  return decided;
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
