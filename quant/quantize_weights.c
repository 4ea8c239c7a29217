// SPDX-License-Identifier: Apache-2.0
// A scale for all weights, or one for each output channel: each covers a run of weights that lie
// side by side.
#include "quant/quantize_weights.h"
#include "quant/quantize_blocks.h"
#include "quant/quantize_residual.h"

#include <gmp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRACTION_MIN = -32, FRACTION_MAX = 60 };

// ---- fixed

// Largest F with round(most * 2^F) <= 2^(W-1) - 1; W - 1 if all weights are zero.
static int auto_fraction(double most, int width) {
  if (most == 0) return width - 1;
  int f = FRACTION_MAX;
  while (f > FRACTION_MIN && rint(ldexp(most, f)) > ldexp(1, width - 1) - 1) f--;
  return f;
}

static double fixed_scale(const double *w, int64_t count, int width) {
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(w[i]));
  return ldexp(1, -auto_fraction(most, width));
}

// ---- minifloat

double quantize_covering(const struct minifloat *m, double most) {
  bool inside = true;
  int e = -FRACTION_MIN;
  while (e > -FRACTION_MAX && inside) {
    e--;
    minifloat_round(m, ldexp(most, -e), &inside);
  }
  return ldexp(1, inside ? e : e + 1);
}

static double minifloat_scale(const struct minifloat *m, const double *w, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, m->is_signed ? fabs(w[i]) : w[i]);
  return most == 0 ? type_minifloat_scale(m, minifloat_bias(m)) : quantize_covering(m, most);
}

// ---- bipolar and ternary: exact means, as multiples of 2^LEAST

enum { LEAST = -1074 }; // of the exponents of a double's bits

// sum += |w|
static void add_exact(mpz_t sum, mpz_t term, double w) {
  int exponent;
  double mantissa = frexp(fabs(w), &exponent);
  mpz_set_d(term, ldexp(mantissa, 53));
  exponent -= 53 + LEAST;
  if (exponent >= 0)
    mpz_mul_2exp(term, term, (mp_bitcnt_t)exponent);
  else // a denormal: its low bits are zero
    mpz_tdiv_q_2exp(term, term, (mp_bitcnt_t)-exponent);
  mpz_add(sum, sum, term);
}

// sum / count to the nearest double, ties to even: the quotient to 64 bits or more, of which the
// lowest says whether anything is left.
static double mean_of(const mpz_t sum, int64_t count) {
  mpz_t quotient, rest;
  mpz_inits(quotient, rest, NULL);
  mpz_mul_2exp(quotient, sum, 128);
  mpz_tdiv_qr_ui(quotient, rest, quotient, (unsigned long)count);
  mp_bitcnt_t bits = mpz_sgn(quotient) ? mpz_sizeinbase(quotient, 2) : 0,
              drop = bits > 55 ? bits - 55 : 0;
  bool sticky = mpz_sgn(rest) != 0 || (drop && mpz_scan1(quotient, 0) < drop);
  mpz_tdiv_q_2exp(quotient, quotient, drop);
  uint64_t kept = mpz_get_ui(quotient); // 55 bits: 53 and two to round by
  double mean = ldexp((double)(kept | sticky), (int)drop - 128 + LEAST);
  mpz_clears(quotient, rest, NULL);
  return mean;
}

static double bipolar_scale(const double *w, int64_t count) {
  mpz_t sum, term;
  mpz_inits(sum, term, NULL);
  for (int64_t i = 0; i < count; i++) add_exact(sum, term, w[i]);
  double mean = mean_of(sum, count);
  mpz_clears(sum, term, NULL);
  return mean;
}

struct ranked {
  double size;
  int64_t index;
};

// Largest first, the lower index first of equals.
static int by_size(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->size != y->size) return x->size > y->size ? -1 : 1;
  return x->index < y->index ? -1 : 1;
}

// How many of the largest weights maximise (their sum)^2 / how many, which leaves the least
// squared error: the first such number. `scale` is their mean.
static int64_t ternary_kept(const struct ranked *list, int64_t count, double *scale) {
  mpz_t sum, term, square, best, left, right;
  mpz_inits(sum, term, square, best, left, right, NULL);
  int64_t kept = 0;
  for (int64_t k = 1; k <= count && list[k - 1].size > 0; k++) {
    add_exact(sum, term, list[k - 1].size);
    mpz_mul(square, sum, sum);
    mpz_mul_ui(left, square, (unsigned long)(kept ? kept : 1));
    mpz_mul_ui(right, best, (unsigned long)k);
    if (kept && mpz_cmp(left, right) <= 0) continue;
    kept = k;
    mpz_swap(best, square);
    *scale = mean_of(sum, k);
  }
  mpz_clears(sum, term, square, best, left, right, NULL);
  return kept;
}

// ---- one run of weights

static void fixed_codes(const struct type *t, int64_t channel, const double *w, int64_t count,
                        int64_t *codes) {
  for (int64_t i = 0; i < count; i++) codes[i] = type_encode_channel(t, channel, w[i]);
}

static double ternary_codes(struct arena *a, const double *w, int64_t count, int64_t *codes) {
  struct ranked *list = ARENA_NEW(a, struct ranked, count);
  double scale = 1; // of weights that are all zero
  for (int64_t i = 0; i < count; i++) list[i] = (struct ranked){fabs(w[i]), i};
  qsort(list, (size_t)count, sizeof *list, by_size);
  memset(codes, 0, (size_t)count * sizeof *codes);
  for (int64_t k = ternary_kept(list, count, &scale); k > 0; k--)
    codes[list[k - 1].index] = w[list[k - 1].index] > 0 ? 1 : -1;
  return scale;
}

static double bipolar_codes(const double *w, int64_t count, int64_t *codes) {
  for (int64_t i = 0; i < count; i++) codes[i] = w[i] >= 0 ? 1 : -1;
  return bipolar_scale(w, count);
}

// Codes of the run and the scale that goes with them.
static double run_codes(struct arena *a, const struct format *f, const double *w, int64_t count,
                        int64_t *codes) {
  if (f->weight_class == TYPE_BIPOLAR) return bipolar_codes(w, count, codes);
  if (f->weight_class == TYPE_TERNARY) return ternary_codes(a, w, count, codes);
  bool is_float = f->weight_class == TYPE_MINIFLOAT;
  double scale = is_float ? minifloat_scale(&f->weight_minifloat, w, count)
                          : fixed_scale(w, count, f->weight_width);
  struct type t = is_float ? type_minifloat(a, &f->weight_minifloat, -1, 1, &scale)
                           : type_fixed(a, f->weight_width, true, scale, 0);
  fixed_codes(&t, 0, w, count, codes);
  return scale;
}

// ---- a tensor

static struct type type_of(struct arena *a, const struct format *f, int64_t channels,
                           const double *scale) {
  int axis = f->weight == WEIGHT_CHANNEL ? 0 : -1;
  if (f->weight_class == TYPE_MINIFLOAT)
    return type_minifloat(a, &f->weight_minifloat, axis, channels, scale);
  if (f->weight_class != TYPE_FIXED) return type_signs(a, f->weight_class, axis, channels, scale);
  return type_channels(a, f->weight_width, true, axis, channels, scale,
                       ARENA_NEW(a, int32_t, channels));
}

static bool check_scales(struct quantizer *q, const struct format *f, const struct type *t) {
  char name[RESIDUAL_TEXT] = "bipolar";
  if (type_is_residual(t)) residual_text(&f->weight_residual, name);
  for (int64_t c = 0; c < t->channels; c++) {
    if (t->scale[c] > 0) continue;
    if (t->axis < 0)
      return err_set(q->err, "its weights are all zero, which %s can't say: try ternary", name);
    return err_set(q->err,
                   "the weights of output %lld are all zero, which %s can't say: try ternary",
                   (long long)c, name);
  }
  return true;
}

static struct tensor *tensor_of(struct quantizer *q, const struct tensor *w, const struct type *t,
                                const int64_t *codes) {
  struct tensor *to = tensor_new(q->arena, dtype_for(t), w->rank, w->shape);
  for (int64_t i = 0; i < w->count; i++) tensor_set_int(to, i, codes[i]);
  return to;
}

static struct tensor *block_weights(struct quantizer *q, const struct tensor *w,
                                    const struct format *f, const double *reals,
                                    struct type *type) {
  int64_t taps = w->count / w->shape[0], blocks = block_count(&f->weight_block, taps);
  const int8_t *exponents = quantize_exponents(q->arena, f, w->shape[0], taps, reals, type, q->err);
  if (!exponents) return NULL;
  struct tensor *to = tensor_new(q->arena, dtype_for(type), w->rank, w->shape);
  for (int64_t i = 0; i < w->count; i++)
    tensor_set_int(to, i,
                   quantize_in_block(
                       type, exponents[i / taps * blocks + i % taps / type->block.size], reals[i]));
  return to;
}

struct tensor *quantize_weights(struct quantizer *q, const struct tensor *w, const struct format *f,
                                struct type *type) {
  int64_t channels = f->weight == WEIGHT_CHANNEL ? w->shape[0] : 1, run = w->count / channels;
  double *reals = ARENA_NEW(q->arena, double, w->count);
  double *scale = ARENA_NEW(q->arena, double, channels);
  int64_t *codes = ARENA_NEW(q->arena, int64_t, w->count);
  for (int64_t i = 0; i < w->count; i++) reals[i] = tensor_real(w, i);
  if (f->weight == WEIGHT_AUTO && f->weight_class == TYPE_BLOCK)
    return block_weights(q, w, f, reals, type);
  if (f->weight == WEIGHT_TYPE) {
    *type = f->weight_type;
    fixed_codes(type, 0, reals, w->count, codes);
  } else if (f->weight_class == TYPE_RESIDUAL) {
    *type = quantize_residuals(q->arena, f, channels, run, reals, codes);
  } else {
    for (int64_t c = 0; c < channels; c++)
      scale[c] = run_codes(q->arena, f, reals + c * run, run, codes + c * run);
    *type = type_of(q->arena, f, channels, scale);
  }
  return check_scales(q, f, type) ? tensor_of(q, w, type, codes) : NULL;
}
