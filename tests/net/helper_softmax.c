// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_softmax.h"

#include "tests/net/helper_oracle.h"

#include <gmp.h>
#include <math.h>
#include <mpfr.h>

static int64_t clamped(double y, const struct type *t) {
  return (int64_t)fmin(fmax(y, (double)type_lowest(t)), (double)type_highest(t));
}

// y = saturate(zero + half_even(e^(x_i s) / sum of e^(x_k s) / scale)); codes relative to x_i.
int64_t exact_softmax_host(const int64_t *x, int64_t count, int64_t i, const struct type *in,
                           const struct type *t) {
  mpfr_t sum, e;
  mpfr_inits2(ORACLE_BITS, sum, e, (mpfr_ptr)0);
  mpfr_set_ui(sum, 0, MPFR_RNDN);
  for (int64_t k = 0; k < count; k++) {
    mpfr_set_si(e, x[k] - x[i], MPFR_RNDN);
    mpfr_mul_d(e, e, in->scale[0], MPFR_RNDN);
    mpfr_exp(e, e, MPFR_RNDN);
    mpfr_add(sum, sum, e, MPFR_RNDN);
  }
  mpfr_mul_d(sum, sum, t->scale[0], MPFR_RNDN);
  mpfr_ui_div(e, 1, sum, MPFR_RNDN);
  mpfr_rint(e, e, MPFR_RNDN);
  double y = mpfr_get_d(e, MPFR_RNDN) + t->zero[0];
  mpfr_clears(sum, e, (mpfr_ptr)0);
  return clamped(y, t);
}

// y = saturate(zero + half_even((x_i s - log(sum of e^(x_k s))) / scale)), as it stands.
int64_t exact_log_softmax(const int64_t *x, int64_t count, int64_t i, const struct type *in,
                          const struct type *t) {
  mpfr_t sum, e;
  mpfr_inits2(ORACLE_BITS, sum, e, (mpfr_ptr)0);
  mpfr_set_ui(sum, 0, MPFR_RNDN);
  for (int64_t k = 0; k < count; k++) {
    mpfr_set_si(e, x[k] - x[i], MPFR_RNDN);
    mpfr_mul_d(e, e, in->scale[0], MPFR_RNDN);
    mpfr_exp(e, e, MPFR_RNDN);
    mpfr_add(sum, sum, e, MPFR_RNDN);
  }
  mpfr_log(sum, sum, MPFR_RNDN);
  mpfr_neg(sum, sum, MPFR_RNDN);
  mpfr_div_d(sum, sum, t->scale[0], MPFR_RNDN);
  mpfr_rint(sum, sum, MPFR_RNDN);
  double y = mpfr_get_d(sum, MPFR_RNDN) + t->zero[0];
  mpfr_clears(sum, e, (mpfr_ptr)0);
  return clamped(y, t);
}

int64_t exact_softmax_exp(int64_t d, double scale) {
  mpfr_t e;
  mpfr_init2(e, ORACLE_BITS);
  mpfr_set_si(e, -d, MPFR_RNDN);
  mpfr_mul_d(e, e, scale, MPFR_RNDN);
  mpfr_exp(e, e, MPFR_RNDN);
  mpfr_mul_2ui(e, e, 20, MPFR_RNDN);
  mpfr_rint(e, e, MPFR_RNDN);
  int64_t whole = mpfr_get_si(e, MPFR_RNDN);
  mpfr_clear(e);
  return whole;
}

// The whole number q nearest to E 2^F / sum: 2 E 2^F and (2 q + 1) sum are compared.
int64_t exact_softmax_circuit(const int64_t *x, int64_t count, int64_t i, const struct type *in,
                              const struct type *t) {
  int64_t most = x[0], sum = 0, own, q = 0;
  for (int64_t k = 1; k < count; k++) most = x[k] > most ? x[k] : most;
  for (int64_t k = 0; k < count; k++) sum += exact_softmax_exp(most - x[k], in->scale[0]);
  own = exact_softmax_exp(most - x[i], in->scale[0]);
  __int128 twice = (__int128)ldexp((double)own, 1 - ilogb(t->scale[0])), place = (__int128)1 << 40;
  for (; place; place /= 2)
    if (twice > (2 * (q + place) - 1) * (__int128)sum) q += (int64_t)place;
  bool tie = twice == (2 * (__int128)q + 1) * sum;
  return clamped((double)(q + (tie && q % 2)) + t->zero[0], t);
}

// ---- rounding tflite, in whole numbers of any size

// floor((a b + 2^30) / 2^31)
static void times(mpz_t to, const mpz_t a, const mpz_t b) {
  mpz_mul(to, a, b);
  mpz_add_ui(to, to, 1UL << 30);
  mpz_fdiv_q_2exp(to, to, 31);
}

static void times_si(mpz_t to, const mpz_t a, long b) {
  mpz_t factor;
  mpz_init_set_si(factor, b);
  times(to, a, factor);
  mpz_clear(factor);
}

// v / 2^bits to the nearest, ties away from 0.
static void halve(mpz_t v, mp_bitcnt_t bits) {
  bool negative = mpz_sgn(v) < 0;
  mpz_abs(v, v);
  mpz_mul_2exp(v, v, 1);
  mpz_fdiv_q_2exp(v, v, bits);
  mpz_add_ui(v, v, 1);
  mpz_fdiv_q_2exp(v, v, 1);
  if (negative) mpz_neg(v, v);
}

// e^(a / 2^26) of a <= 0 in units of 2^-31, as numerics.md spells it.
static void exponential(mpz_t e, const mpz_t a) {
  static const long c[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  mpz_t m, x, p2, p3, p4, t;
  if (mpz_sgn(a) == 0) {
    mpz_set_ui(e, 2147483647);
    return;
  }
  mpz_inits(m, x, p2, p3, p4, t, NULL);
  mpz_fdiv_r_2exp(m, a, 24);
  mpz_sub_ui(m, m, 1 << 24);
  mpz_mul_ui(x, m, 32);
  mpz_add_ui(x, x, 1 << 28);
  times(p2, x, x);
  times(p3, p2, x);
  times(p4, p2, p2);
  halve(p4, 2);
  mpz_add(t, p4, p3);
  times_si(t, t, 715827883);
  mpz_add(t, t, p2);
  halve(t, 1);
  mpz_add(t, t, x);
  times_si(e, t, 1895147668);
  mpz_add_ui(e, e, 1895147668);
  mpz_sub(m, m, a);
  for (unsigned j = 0; j < 7; j++)
    if (mpz_tstbit(m, 24 + j)) times_si(e, e, c[j]);
  mpz_clears(m, x, p2, p3, p4, t, NULL);
}

// The reciprocal R of a sum Z, and the bits b that it is off.
static long reciprocal(mpz_t r, const mpz_t z) {
  mpz_t h, u, v;
  mpz_inits(h, u, v, NULL);
  long l = 32 - (long)mpz_sizeinbase(z, 2);
  mpz_mul_2exp(h, z, (mp_bitcnt_t)l); // w + 2^31
  mpz_fdiv_q_2exp(h, h, 1);
  times_si(u, h, -1010580540);
  mpz_add_ui(u, u, 1515870810);
  for (int i = 0; i < 3; i++) {
    times(v, h, u);
    mpz_ui_sub(v, 1 << 29, v);
    times(v, u, v);
    mpz_addmul_ui(u, v, 4);
  }
  mpz_mul_ui(r, u, 2);
  if (mpz_cmp_ui(r, 2147483647) > 0) mpz_set_ui(r, 2147483647);
  mpz_clears(h, u, v, NULL);
  return 12 - l;
}

// False if x lies too far below the largest to count.
static bool counted(mpz_t e, int64_t below, int64_t mul, int shift) {
  mpz_t a, least;
  mpz_inits(a, least, NULL);
  mpz_set_ui(least, 31UL << 26);
  mpz_fdiv_q_2exp(least, least, (mp_bitcnt_t)(31 - shift));
  bool is = mpz_cmp_si(least, below) >= 0;
  mpz_set_si(a, -below);
  mpz_mul_2exp(a, a, (mp_bitcnt_t)(31 - shift));
  times_si(a, a, mul);
  if (is) exponential(e, a);
  mpz_clears(a, least, NULL);
  return is;
}

void exact_softmax_tflite(const int64_t *x, int64_t count, int64_t mul, int shift, int64_t *y) {
  int64_t most = x[0];
  mpz_t z, e, r;
  mpz_inits(z, e, r, NULL);
  for (int64_t i = 1; i < count; i++) most = x[i] > most ? x[i] : most;
  for (int64_t i = 0; i < count; i++) {
    if (!counted(e, most - x[i], mul, shift)) continue;
    halve(e, 12);
    mpz_add(z, z, e);
  }
  long bits = reciprocal(r, z) + 23;
  for (int64_t i = 0; i < count; i++) {
    y[i] = -128;
    if (!counted(e, most - x[i], mul, shift)) continue;
    times(e, r, e);
    halve(e, (mp_bitcnt_t)bits);
    y[i] = mpz_cmp_ui(e, 255) > 0 ? 127 : (int64_t)mpz_get_si(e) - 128;
  }
  mpz_clears(z, e, r, NULL);
}
