// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/curve_parts.h"

#include <assert.h>

#define SELU_ALPHA "16732632423543772848170429916717/10000000000000000000000000000000"
#define SELU_SCALE "10507009873554804934193349852946/10000000000000000000000000000000"
#define SCALED_TANH "17159/10000"
#define GELU_CUBIC "44715/1000000"

static void set_fraction(mpq_t y, const char *fraction) {
  mpq_set_str(y, fraction, 10);
  mpq_canonicalize(y);
}

// The exact parts: y = exact(x).

static void exact_ratio(mpq_t y, const struct curve_point *p) {
  // x = p/q in lowest terms, so that x / (1 + |x|) = p / (q + |p|) is in lowest terms too.
  mpq_abs(y, p->q);
  mpz_add(mpq_denref(y), mpq_denref(p->q), mpq_numref(y));
  mpz_set(mpq_numref(y), mpq_numref(p->q));
}

static void exact_sign(mpq_t y, const struct curve_point *p) {
  mpq_set_si(y, mpq_sgn(p->q), 1);
}

static void exact_x_minus_sign(mpq_t y, const struct curve_point *p) {
  exact_sign(y, p);
  mpq_sub(y, p->q, y);
}

static void exact_step(mpq_t y, const struct curve_point *p) {
  mpq_set_si(y, 1 + mpq_sgn(p->q), 2);
  mpq_canonicalize(y);
}

static void exact_ramp(mpq_t y, const struct curve_point *p) {
  if (mpq_sgn(p->q) > 0)
    mpq_set(y, p->q);
  else
    mpq_set_si(y, 0, 1);
}

static void exact_minus_ramp(mpq_t y, const struct curve_point *p) {
  if (mpq_sgn(p->q) < 0)
    mpq_set(y, p->q);
  else
    mpq_set_si(y, 0, 1);
}

static void exact_elu(mpq_t y, const struct curve_point *p) {
  if (mpq_sgn(p->q) < 0)
    mpq_set_d(y, -p->alpha);
  else
    mpq_set(y, p->q);
}

// SELU_SCALE * SELU_ALPHA.
static void selu_depth(mpq_t y) {
  mpq_t scale;
  mpq_init(scale);
  set_fraction(scale, SELU_SCALE);
  set_fraction(y, SELU_ALPHA);
  mpq_mul(y, y, scale);
  mpq_clear(scale);
}

static void exact_selu(mpq_t y, const struct curve_point *p) {
  if (mpq_sgn(p->q) < 0) {
    selu_depth(y);
    mpq_neg(y, y);
  } else {
    set_fraction(y, SELU_SCALE);
    mpq_mul(y, y, p->q);
  }
}

static void exact_scaled_sign(mpq_t y, const struct curve_point *p) {
  set_fraction(y, SCALED_TANH);
  if (mpq_sgn(p->q) < 0) mpq_neg(y, y);
  if (mpq_sgn(p->q) == 0) mpq_set_si(y, 0, 1);
}

// The rests: e = rest(x). Each is a product, quotient or sum of positive terms.

static void rest_none(mpfr_t e, const struct curve_point *p) {
  (void)e, (void)p;
  assert(false && "a rational function has no rest");
}

// e = 1 / (1 + exp(|t|)); e may be t.
static void fading(mpfr_t e, const mpfr_t t) {
  mpfr_abs(e, t, MPFR_RNDN);
  mpfr_exp(e, e, MPFR_RNDN);
  mpfr_add_ui(e, e, 1, MPFR_RNDN);
  mpfr_ui_div(e, 1, e, MPFR_RNDN);
}

static void negate_if(mpfr_t e, bool negative) {
  if (negative) mpfr_neg(e, e, MPFR_RNDN);
}

static void rest_sigmoid(mpfr_t e, const struct curve_point *p) {
  fading(e, p->x);
  negate_if(e, mpfr_sgn(p->x) > 0);
}

static void rest_tanhshrink(mpfr_t e, const struct curve_point *p) {
  mpfr_mul_2ui(e, p->x, 1, MPFR_RNDN);
  fading(e, e);
  mpfr_mul_2ui(e, e, 1, MPFR_RNDN);
  negate_if(e, mpfr_sgn(p->x) < 0);
}

static void rest_tanh(mpfr_t e, const struct curve_point *p) {
  rest_tanhshrink(e, p);
  mpfr_neg(e, e, MPFR_RNDN);
}

static void rest_scaled_tanh(mpfr_t e, const struct curve_point *p) {
  mpfr_mul_2ui(e, p->x, 2, MPFR_RNDN);
  mpfr_div_ui(e, e, 3, MPFR_RNDN);
  fading(e, e);
  mpfr_mul_ui(e, e, 2 * 17159, MPFR_RNDN);
  mpfr_div_ui(e, e, 10000, MPFR_RNDN);
  negate_if(e, mpfr_sgn(p->x) > 0);
}

// e = -|x| * e
static void times_minus_abs(mpfr_t e, const mpfr_t x) {
  mpfr_mul(e, e, x, MPFR_RNDN);
  negate_if(e, mpfr_sgn(x) > 0);
}

static void rest_silu(mpfr_t e, const struct curve_point *p) {
  fading(e, p->x);
  times_minus_abs(e, p->x);
}

// |rest| = |x| erfc(|x| / sqrt 2) / 2 lies between pdf(x) x^2 / (1 + x^2) and pdf(x), the normal
// density (Gordon 1941): from |x| = 2 on that is nearer than one bit, and much quicker.
static void gelu_bound(mpfr_t e, const struct curve_point *p) {
  mpfr_t square;
  mpfr_init2(square, mpfr_get_prec(e));
  mpfr_sqr(square, p->x, MPFR_RNDN);
  mpfr_div_si(e, square, -2, MPFR_RNDN);
  mpfr_exp(e, e, MPFR_RNDN);
  mpfr_mul(e, e, square, MPFR_RNDN);
  mpfr_add_ui(square, square, 1, MPFR_RNDN);
  mpfr_div(e, e, square, MPFR_RNDN);
  mpfr_const_pi(square, MPFR_RNDN);
  mpfr_mul_2ui(square, square, 1, MPFR_RNDN);
  mpfr_sqrt(square, square, MPFR_RNDN);
  mpfr_div(e, e, square, MPFR_RNDN);
  mpfr_neg(e, e, MPFR_RNDN);
  mpfr_clear(square);
}

static void rest_gelu(mpfr_t e, const struct curve_point *p) {
  if (p->bits == CURVE_CRUDE_BITS && mpfr_cmpabs_ui(p->x, 2) >= 0) {
    gelu_bound(e, p);
    return;
  }
  mpfr_sqr(e, p->x, MPFR_RNDN);
  mpfr_div_2ui(e, e, 1, MPFR_RNDN);
  mpfr_sqrt(e, e, MPFR_RNDN);
  mpfr_erfc(e, e, MPFR_RNDN);
  mpfr_div_2ui(e, e, 1, MPFR_RNDN);
  times_minus_abs(e, p->x);
}

static void rest_gelu_tanh(mpfr_t e, const struct curve_point *p) {
  mpfr_t c;
  mpq_t cubic;
  mpfr_init2(c, mpfr_get_prec(e));
  mpq_init(cubic);
  set_fraction(cubic, GELU_CUBIC);
  mpfr_sqr(e, p->x, MPFR_RNDN);
  mpfr_mul_q(e, e, cubic, MPFR_RNDN);
  mpfr_add_ui(e, e, 1, MPFR_RNDN);
  mpfr_mul(e, e, p->x, MPFR_RNDN);
  mpfr_const_pi(c, MPFR_RNDN);
  mpfr_ui_div(c, 8, c, MPFR_RNDN); // (2 sqrt(2/pi))^2
  mpfr_sqrt(c, c, MPFR_RNDN);
  mpfr_mul(e, e, c, MPFR_RNDN);
  fading(e, e);
  times_minus_abs(e, p->x);
  mpq_clear(cubic);
  mpfr_clear(c);
}

static void rest_softplus(mpfr_t e, const struct curve_point *p) {
  mpfr_abs(e, p->x, MPFR_RNDN);
  mpfr_neg(e, e, MPFR_RNDN);
  mpfr_exp(e, e, MPFR_RNDN);
  mpfr_log1p(e, e, MPFR_RNDN);
}

static void rest_logsigmoid(mpfr_t e, const struct curve_point *p) {
  rest_softplus(e, p);
  mpfr_neg(e, e, MPFR_RNDN);
}

// With w = exp(-|x|): x > 0: -2 x w^2 / (1 + 2 w + 2 w^2); x < 0: x (w^2 + 2 w) / (w^2 + 2 w + 2).
static void rest_mish(mpfr_t e, const struct curve_point *p) {
  bool above = mpfr_sgn(p->x) > 0;
  mpfr_t w, below;
  mpfr_inits2(mpfr_get_prec(e), w, below, (mpfr_ptr)0);
  mpfr_abs(w, p->x, MPFR_RNDN);
  mpfr_neg(w, w, MPFR_RNDN);
  mpfr_exp(w, w, MPFR_RNDN);
  mpfr_add_ui(e, w, above ? 1 : 2, MPFR_RNDN);
  mpfr_mul(e, e, w, MPFR_RNDN); // w^2 + w, w^2 + 2 w
  if (above) {
    mpfr_mul_2ui(below, e, 1, MPFR_RNDN);
    mpfr_add_ui(below, below, 1, MPFR_RNDN);
    mpfr_sqr(e, w, MPFR_RNDN);
    mpfr_mul_2ui(e, e, 1, MPFR_RNDN);
  } else {
    mpfr_add_ui(below, e, 2, MPFR_RNDN);
  }
  mpfr_div(e, e, below, MPFR_RNDN);
  times_minus_abs(e, p->x);
  mpfr_clears(w, below, (mpfr_ptr)0);
}

static void rest_elu(mpfr_t e, const struct curve_point *p) {
  mpfr_exp(e, p->x, MPFR_RNDN);
  mpfr_mul_d(e, e, p->alpha, MPFR_RNDN);
}

static void rest_selu(mpfr_t e, const struct curve_point *p) {
  mpq_t depth;
  mpq_init(depth);
  selu_depth(depth);
  mpfr_exp(e, p->x, MPFR_RNDN);
  mpfr_mul_q(e, e, depth, MPFR_RNDN);
  mpq_clear(depth);
}

const struct curve_parts curve_parts[CURVE_COUNT] = {
#define CURVE(id, name, odd, exact, rest, where)                                                   \
  {#name, odd, exact_##exact, rest_##rest, CURVE_##where},
#include "sw/graph/curve.def"
#undef CURVE
};
