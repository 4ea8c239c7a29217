// SPDX-License-Identifier: Apache-2.0
// Tables of correctly rounded integers.
//
// The value T = f(x) / out_scale lies between two ties k - 1/2 and k + 1/2; k is the result. With
// f = exact + rest (curve.def) the exact part is a rational number and the rest is known to any
// relative precision, so that T is enclosed ever more tightly
//
//     lo < T < hi        until floor(lo + 1/2) == ceil(hi - 1/2)
//
// The bounds are strict because no rest is rational, so a bound that is itself a tie decides. Where
// the rest is below 2^-900 its sign alone decides: scales and codes have too few bits to bring the
// exact part that near to a tie without hitting it.
#include "sw/graph/curve.h"

#include "sw/graph/curve_parts.h"

#include <assert.h>
#include <math.h>

// Where the bound alone doesn't decide, precision starts at FIRST_BITS and doubles.
// A rest above 2^TINY_REST is exp(t) or erfc(sqrt(t)) with t < 2^10, which lets a relative error of
// its argument grow by 2^11: GUARD bits cover that, and the few roundings around it.
enum { FIRST_BITS = 24, GUARD = 24 };
enum { EXACT_BITS = 96 }; // holds a code of 34 bits times a scale of 53
enum { TINY_REST = -1200, TINY_BOUND = 900, MAGNITUDE_BITS = 40 };

const char *curve_name(enum curve f) {
  return curve_parts[f].name;
}

bool curve_odd(enum curve f) {
  return curve_parts[f].odd;
}

static bool has_rest(enum curve_where where, int sign) {
  switch (where) {
  case CURVE_NEGATIVE:
    return sign < 0;
  case CURVE_NONZERO:
    return sign != 0;
  case CURVE_EVERYWHERE:
    return true;
  case CURVE_NOWHERE:
    break;
  }
  return false;
}

// What one table needs, made once: scales as fractions, and room for the numbers of an entry.
struct work {
  const struct curve_parts *parts;
  struct curve_point at;
  mpq_t in_scale, out_scale;
  mpq_t exact, rest, margin, lo, hi;
  mpz_t below, above, double_den;
};

static void work_init(struct work *w, enum curve f, double alpha, const struct curve_domain *d) {
  assert(d->in_scale >= CURVE_SCALE_MIN && d->in_scale <= CURVE_SCALE_MAX);
  assert(d->out_scale >= CURVE_SCALE_MIN && d->out_scale <= CURVE_SCALE_MAX && isfinite(alpha));
  w->parts = &curve_parts[f];
  w->at.alpha = alpha;
  mpfr_init2(w->at.x, EXACT_BITS);
  mpq_inits(w->at.q, w->in_scale, w->out_scale, w->exact, w->rest, w->margin, w->lo, w->hi,
            (mpq_ptr)0);
  mpz_inits(w->below, w->above, w->double_den, (mpz_ptr)0);
  mpq_set_d(w->in_scale, d->in_scale);
  mpq_set_d(w->out_scale, d->out_scale);
}

static void work_clear(struct work *w) {
  mpfr_clear(w->at.x);
  mpq_clears(w->at.q, w->in_scale, w->out_scale, w->exact, w->rest, w->margin, w->lo, w->hi,
             (mpq_ptr)0);
  mpz_clears(w->below, w->above, w->double_den, (mpz_ptr)0);
  mpfr_free_cache();
}

// k = floor(q + 1/2)
static void tie_up(struct work *w, mpz_t k, const mpq_t q) {
  mpz_mul_2exp(k, mpq_numref(q), 1);
  mpz_add(k, k, mpq_denref(q));
  mpz_mul_2exp(w->double_den, mpq_denref(q), 1);
  mpz_fdiv_q(k, k, w->double_den);
}

// k = ceil(q - 1/2)
static void tie_down(struct work *w, mpz_t k, const mpq_t q) {
  mpz_mul_2exp(k, mpq_numref(q), 1);
  mpz_sub(k, k, mpq_denref(q));
  mpz_mul_2exp(w->double_den, mpq_denref(q), 1);
  mpz_cdiv_q(k, k, w->double_den);
}

// below = half_even(exact)
static void round_exact(struct work *w) {
  tie_up(w, w->below, w->exact);
  tie_down(w, w->above, w->exact);
  if (mpz_odd_p(w->below)) mpz_swap(w->below, w->above);
}

// The rest fades: only its sign counts.
static void enclose_tiny(struct work *w, bool negative) {
  mpq_set_si(w->margin, 1, 1);
  mpq_div_2exp(w->margin, w->margin, TINY_BOUND);
  mpq_set(w->lo, w->exact);
  mpq_set(w->hi, w->exact);
  if (negative)
    mpq_sub(w->lo, w->lo, w->margin);
  else
    mpq_add(w->hi, w->hi, w->margin);
}

static void enclose_rest(struct work *w, const mpfr_t e) {
  mpfr_get_q(w->rest, e);
  mpq_div(w->rest, w->rest, w->out_scale);
  mpq_abs(w->margin, w->rest);
  mpq_div_2exp(w->margin, w->margin, (mp_bitcnt_t)w->at.bits);
  mpq_add(w->rest, w->rest, w->exact);
  mpq_sub(w->lo, w->rest, w->margin);
  mpq_add(w->hi, w->rest, w->margin);
}

// lo and hi become strict bounds of T, from the rest at at.bits.
static void enclose(struct work *w) {
  mpfr_t e;
  mpfr_init2(e, w->at.bits + GUARD);
  w->parts->rest(e, &w->at);
  if (mpfr_zero_p(e) || mpfr_get_exp(e) < TINY_REST)
    enclose_tiny(w, mpfr_signbit(e));
  else
    enclose_rest(w, e);
  mpfr_clear(e);
}

// below = the integer nearest to T.
static void round_enclosed(struct work *w) {
  mpfr_set_q(w->at.x, w->at.q, MPFR_RNDN);
  w->at.bits = CURVE_CRUDE_BITS;
  for (;;) {
    enclose(w);
    tie_up(w, w->below, w->lo);
    tie_down(w, w->above, w->hi);
    if (mpz_cmp(w->below, w->above) == 0) return;
    w->at.bits = w->at.bits == CURVE_CRUDE_BITS ? FIRST_BITS : 2 * w->at.bits;
  }
}

// half_even(f(n * in_scale) / out_scale), clamped to +-2^MAGNITUDE_BITS.
static int64_t entry(struct work *w, int64_t n) {
  mpq_set_si(w->at.q, n, 1);
  mpq_mul(w->at.q, w->at.q, w->in_scale);
  w->parts->exact(w->exact, &w->at);
  mpq_div(w->exact, w->exact, w->out_scale);
  if (has_rest(w->parts->where, mpq_sgn(w->at.q)))
    round_enclosed(w);
  else
    round_exact(w);
  if (mpz_sizeinbase(w->below, 2) > MAGNITUDE_BITS)
    return mpz_sgn(w->below) * ((int64_t)1 << MAGNITUDE_BITS);
  return mpz_get_si(w->below);
}

void curve_table(enum curve f, double alpha, const struct curve_domain *d, int64_t *codes) {
  struct work w;
  work_init(&w, f, alpha, d);
  for (int64_t n = d->in_lo; n <= d->in_hi; n++) {
    int64_t y = d->out_zero + entry(&w, n - d->in_zero);
    codes[n - d->in_lo] = y < d->out_lo ? d->out_lo : y > d->out_hi ? d->out_hi : y;
  }
  work_clear(&w);
}

void curve_magnitudes(enum curve f, const struct curve_domain *d, int64_t count,
                      int64_t *magnitudes) {
  struct work w;
  assert(curve_odd(f));
  work_init(&w, f, 0, d);
  for (int64_t m = 0; m < count; m++) magnitudes[m] = entry(&w, m);
  work_clear(&w);
}
