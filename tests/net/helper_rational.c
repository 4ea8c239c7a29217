// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_rational.h"

#include <gmp.h>
#include <stdlib.h>

// ---- each mode in words

static bool takes_upper(enum fix_rounding mode, int side, bool negative, bool lower_is_odd) {
  switch (mode) {
  case FIX_FLOOR:
    return false;
  case FIX_CEIL:
    return true;
  case FIX_ZERO:
    return negative;
  case FIX_AWAY:
    return !negative;
  case FIX_HALF_UP:
    return side >= 0;
  case FIX_HALF_DOWN:
    return side > 0;
  case FIX_HALF_ZERO:
    return side > 0 || (side == 0 && negative);
  case FIX_HALF_AWAY:
    return side > 0 || (side == 0 && !negative);
  case FIX_HALF_EVEN:
    return side > 0 || (side == 0 && lower_is_odd);
  case FIX_TFLITE:
  case FIX_ROUNDINGS:
    break;
  }
  abort();
}

// `side`: below, at or above the middle between the two neighbours.
static void round_rational(mpz_t out, const mpq_t q, enum fix_rounding mode) {
  mpz_t down;
  mpq_t rest, half;
  mpz_init(down);
  mpq_inits(rest, half, NULL);
  mpz_fdiv_q(down, mpq_numref(q), mpq_denref(q));
  mpq_set_z(rest, down);
  mpq_sub(rest, q, rest);
  mpq_set_ui(half, 1, 2);
  bool exact = mpq_sgn(rest) == 0;
  int side = mpq_cmp(rest, half);
  mpz_set(out, down);
  if (!exact && takes_upper(mode, side, mpq_sgn(q) < 0, mpz_odd_p(down))) mpz_add_ui(out, down, 1);
  mpz_clear(down);
  mpq_clears(rest, half, NULL);
}

static int64_t into_range(const mpz_t q, const struct fix_target *t) {
  int64_t span = (int64_t)1 << t->width, lo = t->is_signed ? -span / 2 : 0, hi = lo + span - 1;
  if (t->overflow == FIX_SYMMETRIC && t->is_signed) lo = -hi;
  bool below = mpz_cmp_si(q, lo) < 0;
  if (!below && mpz_cmp_si(q, hi) <= 0) return mpz_get_si(q);
  if (t->overflow == FIX_TO_ZERO) return t->zero;
  if (t->overflow != FIX_WRAP) return below ? lo : hi;
  int64_t low = (int64_t)mpz_fdiv_ui(q, (unsigned long)span);
  return low > hi ? low - span : low;
}

static void set_wide(mpz_t out, fix_wide v) {
  bool negative = v < 0;
  unsigned __int128 u = negative ? -(unsigned __int128)v : (unsigned __int128)v;
  mpz_set_ui(out, (unsigned long)(u >> 64));
  mpz_mul_2exp(out, out, 64);
  mpz_add_ui(out, out, (unsigned long)u);
  if (negative) mpz_neg(out, out);
}

// q = acc * mul / 2^shift
static void quotient(mpq_t q, fix_wide acc, int64_t mul, int shift) {
  set_wide(mpq_numref(q), acc);
  mpz_mul_si(mpq_numref(q), mpq_numref(q), mul);
  mpz_set_ui(mpq_denref(q), 1);
  if (shift > 0) mpq_div_2exp(q, q, (mp_bitcnt_t)shift);
  if (shift < 0) mpq_mul_2exp(q, q, (mp_bitcnt_t)-shift);
  mpq_canonicalize(q);
}

// The two steps of TFLite's reference kernels.
static void round_tflite(mpz_t z, mpq_t q, fix_wide acc, int64_t mul, int shift) {
  int n = 31 - shift;
  quotient(q, acc, mul, 31 - (n > 0 ? n : 0));
  round_rational(z, q, FIX_HALF_UP);
  mpq_set_z(q, z);
  if (n < 0) mpq_div_2exp(q, q, (mp_bitcnt_t)-n);
  round_rational(z, q, FIX_HALF_AWAY);
}

// Numbers of a minifloat in order: each next one is a step on, which doubles at 2^(Y+1) steps.
static int64_t next_number(int64_t v, int mantissa) {
  int64_t step = 1;
  while (v / step >> (mantissa + 1)) step *= 2;
  return v + step;
}

// The significand of a number, whose least step is 1.
static bool is_odd(int64_t v, int mantissa) {
  while (v >> (mantissa + 1)) v /= 2;
  return v & 1;
}

// The number nearest to |q|, of two that are equally near the one with an even significand; and
// its sign, if it has one.
static int64_t nearest_number(const mpq_t q, const struct fix_target *t) {
  mpq_t size, middle;
  int64_t v = 0;
  mpq_inits(size, middle, NULL);
  mpq_abs(size, q);
  while (v < t->highest) {
    int64_t next = next_number(v, t->mantissa);
    mpq_set_si(middle, v + next, 2);
    mpq_canonicalize(middle);
    int side = mpq_cmp(size, middle);
    if (side < 0 || (side == 0 && !is_odd(v, t->mantissa))) break;
    v = next;
  }
  mpq_clears(size, middle, NULL);
  return mpq_sgn(q) >= 0 ? v : t->is_signed ? -v : 0;
}

static int64_t landed(fix_wide acc, int64_t mul, int shift, int64_t count,
                      const struct fix_target *t) {
  if (t->bipolar) return acc >= 0 ? 1 : -1;
  mpz_t z, zero;
  mpq_t q;
  mpz_inits(z, zero, NULL);
  mpq_init(q);
  if (t->rounding == FIX_TFLITE) {
    round_tflite(z, q, acc, mul, shift);
  } else {
    quotient(q, acc, mul, shift);
    mpz_mul_si(mpq_denref(q), mpq_denref(q), count);
    mpq_canonicalize(q);
    if (t->is_float) {
      int64_t number = nearest_number(q, t);
      mpz_clears(z, zero, NULL);
      mpq_clear(q);
      return number;
    }
    round_rational(z, q, t->rounding);
  }
  mpz_set_si(zero, t->zero);
  mpz_add(z, z, zero);
  int64_t y = into_range(z, t);
  mpz_clears(z, zero, NULL);
  mpq_clear(q);
  return y;
}

int64_t rational_requant(fix_wide acc, int64_t mul, int shift, const struct fix_target *t) {
  return landed(acc, mul, shift, 1, t);
}

int64_t rational_quotient(fix_wide acc, int64_t count, int shift, const struct fix_target *t) {
  return landed(acc, 1, shift, count, t);
}
