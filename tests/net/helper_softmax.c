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
