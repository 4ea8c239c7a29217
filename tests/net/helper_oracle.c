// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_oracle.h"

#include <math.h>
#include <stdlib.h>

#define RN MPFR_RNDN

static mpfr_t t, c; // room for the oracle

// y = (1 + tanh(y)) / 2
static void half_tanh(mpfr_t y) {
  mpfr_tanh(y, y, RN);
  mpfr_add_ui(y, y, 1, RN);
  mpfr_div_ui(y, y, 2, RN);
}

static void log1p_exp(mpfr_t y, const mpfr_t x) {
  mpfr_exp(y, x, RN);
  mpfr_log1p(y, y, RN);
}

static void oracle_gelu(mpfr_t y, const mpfr_t x) {
  mpfr_sqrt_ui(c, 2, RN);
  mpfr_div(y, x, c, RN);
  mpfr_erf(y, y, RN);
  mpfr_add_ui(y, y, 1, RN);
  mpfr_mul(y, y, x, RN);
  mpfr_div_ui(y, y, 2, RN);
}

static void oracle_gelu_tanh(mpfr_t y, const mpfr_t x) {
  mpfr_set_str(c, "0.044715", 10, RN);
  mpfr_pow_ui(y, x, 3, RN);
  mpfr_mul(y, y, c, RN);
  mpfr_add(y, y, x, RN);
  mpfr_const_pi(c, RN);
  mpfr_ui_div(c, 2, c, RN);
  mpfr_sqrt(c, c, RN);
  mpfr_mul(y, y, c, RN);
  half_tanh(y);
  mpfr_mul(y, y, x, RN);
}

static void oracle_selu(mpfr_t y, const mpfr_t x) {
  mpfr_expm1(y, x, RN);
  mpfr_set_str(c, "1.6732632423543772848170429916717", 10, RN);
  mpfr_mul(y, y, c, RN);
  if (mpfr_sgn(x) > 0) mpfr_set(y, x, RN);
  mpfr_set_str(c, "1.0507009873554804934193349852946", 10, RN);
  mpfr_mul(y, y, c, RN);
}

static void oracle_scaled_tanh(mpfr_t y, const mpfr_t x) {
  mpfr_mul_ui(y, x, 2, RN);
  mpfr_div_ui(y, y, 3, RN);
  mpfr_tanh(y, y, RN);
  mpfr_set_str(c, "1.7159", 10, RN);
  mpfr_mul(y, y, c, RN);
}

// y = f(x) by the formula of the book.
void oracle_value(mpfr_t y, enum curve f, double alpha, const mpfr_t x) {
  switch (f) {
  case CURVE_SOFTSIGN:
    mpfr_abs(y, x, RN);
    mpfr_add_ui(y, y, 1, RN);
    mpfr_div(y, x, y, RN);
    return;
  case CURVE_TANH:
    mpfr_tanh(y, x, RN);
    return;
  case CURVE_TANHSHRINK:
    mpfr_tanh(y, x, RN);
    mpfr_sub(y, x, y, RN);
    return;
  case CURVE_SIGMOID:
  case CURVE_SILU:
    mpfr_div_ui(y, x, 2, RN);
    half_tanh(y);
    if (f == CURVE_SILU) mpfr_mul(y, y, x, RN);
    return;
  case CURVE_ELU:
    mpfr_expm1(y, x, RN);
    mpfr_mul_d(y, y, alpha, RN);
    if (mpfr_sgn(x) > 0) mpfr_set(y, x, RN);
    return;
  case CURVE_SELU:
    oracle_selu(y, x);
    return;
  case CURVE_GELU:
    oracle_gelu(y, x);
    return;
  case CURVE_GELU_TANH:
    oracle_gelu_tanh(y, x);
    return;
  case CURVE_SOFTPLUS:
    log1p_exp(y, x);
    return;
  case CURVE_LOGSIGMOID:
    mpfr_neg(y, x, RN);
    log1p_exp(y, y);
    mpfr_neg(y, y, RN);
    return;
  case CURVE_MISH:
    log1p_exp(y, x);
    mpfr_tanh(y, y, RN);
    mpfr_mul(y, y, x, RN);
    return;
  case CURVE_SCALED_TANH:
    oracle_scaled_tanh(y, x);
    return;
  case CURVE_COUNT:
    break;
  }
  abort();
}

// Beyond: the asymptote on each side, `slope` * x + `offset`, and the side of it on which f lies.
struct tail {
  double from, slope[2], offset[2]; // [0] below -from, [1] above from
  int side[2];
};

static struct tail tail_of(enum curve f, double alpha) {
  switch (f) {
  case CURVE_TANH:
    return (struct tail){64, {0, 0}, {-1, 1}, {1, -1}};
  case CURVE_TANHSHRINK:
    return (struct tail){64, {1, 1}, {1, -1}, {-1, 1}};
  case CURVE_SIGMOID:
    return (struct tail){64, {0, 0}, {0, 1}, {1, -1}};
  case CURVE_GELU:
  case CURVE_GELU_TANH:
    return (struct tail){12, {0, 1}, {0, 0}, {-1, -1}};
  case CURVE_SILU:
  case CURVE_MISH:
    return (struct tail){64, {0, 1}, {0, 0}, {-1, -1}};
  case CURVE_SOFTPLUS:
    return (struct tail){64, {0, 1}, {0, 0}, {1, 1}};
  case CURVE_LOGSIGMOID:
    return (struct tail){64, {1, 0}, {0, 0}, {-1, -1}};
  case CURVE_ELU:
    return (struct tail){64, {0, 1}, {-alpha, 0}, {alpha > 0 ? 1 : -1, 0}};
  default: // no dyadic number is near a tie of these
    return (struct tail){INFINITY, {0, 0}, {0, 0}, {0, 0}};
  }
}

static void evaluate(mpfr_t y, enum curve f, double alpha, const mpfr_t x) {
  struct tail tail = tail_of(f, alpha);
  int s = mpfr_sgn(x) > 0;
  if (fabs(mpfr_get_d(x, RN)) <= tail.from) {
    oracle_value(y, f, alpha, x);
    return;
  }
  mpfr_mul_d(y, x, tail.slope[s], RN);
  mpfr_add_d(y, y, tail.offset[s], RN);
  if (mpfr_zero_p(y)) mpfr_set_zero(y, 1);
  if (tail.side[s] > 0) mpfr_nextabove(y);
  if (tail.side[s] < 0) mpfr_nextbelow(y);
}

int64_t oracle_code(enum curve f, double alpha, const struct curve_domain *d, int64_t n) {
  mpfr_t x, y;
  mpfr_inits2(ORACLE_BITS, x, y, (mpfr_ptr)0);
  mpfr_set_si(x, n - d->in_zero, RN);
  mpfr_mul_d(x, x, d->in_scale, RN);
  evaluate(y, f, alpha, x);
  mpfr_set_d(t, d->out_scale, RN);
  mpfr_div(y, y, t, RN);
  mpfr_rint(y, y, RN); // ties to even
  mpfr_add_si(y, y, d->out_zero, RN);
  int64_t code = mpfr_cmp_si(y, d->out_lo) < 0   ? d->out_lo
                 : mpfr_cmp_si(y, d->out_hi) > 0 ? d->out_hi
                                                 : mpfr_get_si(y, RN);
  mpfr_clears(x, y, (mpfr_ptr)0);
  return code;
}

void oracle_start(void) {
  mpfr_inits2(ORACLE_BITS, t, c, (mpfr_ptr)0);
}

void oracle_stop(void) {
  mpfr_clears(t, c, (mpfr_ptr)0);
  mpfr_free_cache();
}
