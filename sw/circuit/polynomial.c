// SPDX-License-Identifier: Apache-2.0
// Coefficients come one after the other: c2 by least squares, c1 by least squares of what c2 left
// once it was rounded, c0 in the middle of what is then possible. All in integers, so that every
// machine finds the same ones.
#include "sw/circuit/polynomial.h"

#include "sw/base/bits.h"

#include <assert.h>

enum { MAX_SEGMENT_BITS = 12, CORRECTION_BITS = 2 };

__extension__ typedef __int128 wide;

// A segment: `count` entries from `y` on, and the polynomial over them.
struct segment {
  const int64_t *y;
  int64_t count, c0, c1, c2;
};

// Nearest integer of a / b, b > 0, ties upwards.
static int64_t divide(wide a, wide b) {
  wide x = 2 * a + b, q = x / (2 * b);
  return (int64_t)(x % (2 * b) < 0 ? q - 1 : q);
}

// With U = 2 i - (n - 1) and P = 3 U^2 - (n^2 - 1), orthogonal to 1 and U over i = 0..n-1, least
// squares give c2 = 12 sum(y P) / sum(P^2).
static void fit_c2(struct segment *s, int shift) {
  wide product = 0, square = 0;
  int64_t n = s->count;
  for (int64_t i = 0; i < n; i++) {
    int64_t u = 2 * i - (n - 1), p = 3 * u * u - (n * n - 1);
    product += (wide)s->y[i] * p;
    square += (wide)p * p;
  }
  s->c2 = square ? divide(product * 12 * ((wide)1 << shift), square) : 0;
}

// y * 2^shift without its quadratic part.
static int64_t without_c2(const struct segment *s, int64_t i, int shift) {
  return s->y[i] * ((int64_t)1 << shift) - s->c2 * i * i;
}

static void fit_c1(struct segment *s, int shift) {
  wide product = 0, square = 0;
  for (int64_t i = 0; i < s->count; i++) {
    int64_t u = 2 * i - (s->count - 1);
    product += (wide)without_c2(s, i, shift) * u;
    square += (wide)u * u;
  }
  s->c1 = square ? divide(2 * product, square) : 0;
}

// Corrections are in range if c0 - r is in -2^shift .. 2^(shift+1) - 1 for each rest r. False if
// no c0 does it.
static bool fit_c0(struct segment *s, int shift) {
  int64_t least = INT64_MAX, most = INT64_MIN, one = (int64_t)1 << shift;
  for (int64_t i = 0; i < s->count; i++) {
    int64_t r = without_c2(s, i, shift) - s->c1 * i;
    if (r < least) least = r;
    if (r > most) most = r;
  }
  int64_t lo = most - one, hi = least + 2 * one - 1;
  s->c0 = lo + (hi - lo) / 2;
  return lo <= hi;
}

static struct segment segment_at(const struct table_rom *rom, int bits, int64_t k) {
  int64_t start = k << bits, left = rom->depth - start, size = (int64_t)1 << bits;
  return (struct segment){.y = rom->entries + start, .count = left < size ? left : size};
}

static bool fit(struct segment *s, int shift) {
  fit_c2(s, shift);
  fit_c1(s, shift);
  return fit_c0(s, shift);
}

static bool all_fit(const struct table_rom *rom, int bits, int shift) {
  int64_t segments = ((rom->depth - 1) >> bits) + 1;
  for (int64_t k = 0; k < segments; k++) {
    struct segment s = segment_at(rom, bits, k);
    if (!fit(&s, shift)) return false;
  }
  return true;
}

// Segments of one entry always fit.
static void search(const struct table_rom *rom, int *bits, int *shift) {
  for (*bits = MAX_SEGMENT_BITS;; --*bits)
    for (*shift = 0; *shift <= 2 * *bits + 2; ++*shift)
      if (all_fit(rom, *bits, *shift)) return;
}

// Widens `width` until it holds c in two's complement.
static void hold(int *width, int64_t c) {
  int bits = bits_signed(c);
  if (bits > *width) *width = bits;
}

static int64_t entry(const struct polynomial *p, int64_t i) {
  int64_t k = i >> p->segment_bits, d = i - (k << p->segment_bits);
  return ((p->c0[k] + p->c1[k] * d + p->c2[k] * d * d) >> p->shift) + p->correction[i];
}

static void store(struct arena *a, struct polynomial *p) {
  int64_t *c0 = ARENA_NEW(a, int64_t, p->segments), *c1 = ARENA_NEW(a, int64_t, p->segments);
  int64_t *c2 = ARENA_NEW(a, int64_t, p->segments);
  for (int64_t k = 0; k < p->segments; k++) {
    struct segment s = segment_at(&p->tails, p->segment_bits, k);
    fit(&s, p->shift);
    hold(&p->c0_width, c0[k] = s.c0);
    hold(&p->c1_width, c1[k] = s.c1);
    hold(&p->c2_width, c2[k] = s.c2);
  }
  p->c0 = c0;
  p->c1 = c1;
  p->c2 = c2;
}

static void correct(struct arena *a, struct polynomial *p) {
  int8_t *correction = ARENA_NEW(a, int8_t, p->tails.depth);
  p->correction = correction;
  for (int64_t i = 0; i < p->tails.depth; i++) {
    int64_t difference = p->tails.entries[i] - entry(p, i);
    assert(difference >= -1 && difference <= 1);
    correction[i] = (int8_t)difference;
  }
}

int64_t polynomial_bits(const struct polynomial *p) {
  return p->segments * (p->c0_width + p->c1_width + p->c2_width) + p->tails.depth * CORRECTION_BITS;
}

bool polynomial_fit(struct arena *a, const struct table_rom *rom, struct polynomial *out) {
  *out = (struct polynomial){.tails = *rom, .c0_width = 1, .c1_width = 1, .c2_width = 1};
  search(rom, &out->segment_bits, &out->shift);
  out->segments = ((rom->depth - 1) >> out->segment_bits) + 1;
  store(a, out);
  correct(a, out);
  return polynomial_bits(out) < table_rom_bits(rom);
}

int64_t polynomial_eval(const struct polynomial *p, int64_t n, int64_t out_lo, int64_t out_hi) {
  int64_t i = table_rom_index(&p->tails, n);
  int64_t y = i >= 0 && i < p->tails.depth ? entry(p, i) : 0;
  return table_rom_finish(&p->tails, n, y, out_lo, out_hi);
}
