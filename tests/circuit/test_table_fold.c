// SPDX-License-Identifier: Apache-2.0
// Folded tables and polynomials give every code of the full table, and have the sizes that are
// known for them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sw/circuit/polynomial.h"
#include "sw/circuit/table_fold.h"
#include "sw/graph/curve.h"

#include <math.h>
#include <stdio.h>

// The table of f between two types, signed or unsigned.
static struct table_full full_table(struct arena *a, enum curve f, const struct curve_domain *d) {
  int64_t *codes = ARENA_NEW(a, int64_t, d->in_hi - d->in_lo + 1);
  struct table_full full = {d->in_lo, d->in_hi, d->out_lo, d->out_hi, codes, NULL};
  curve_table(f, 1, d, codes);
  if (curve_odd(f) && d->in_zero == 0 && d->out_zero == 0 && d->in_lo < 0 && d->out_lo < 0) {
    int64_t *magnitudes = ARENA_NEW(a, int64_t, 1 - d->in_lo);
    curve_magnitudes(f, d, 1 - d->in_lo, magnitudes);
    full.magnitudes = magnitudes;
  }
  return full;
}

static struct curve_domain fixed(int in_width, int in_fraction, int out_width, int out_fraction) {
  int64_t in = (int64_t)1 << (in_width - 1), out = (int64_t)1 << (out_width - 1);
  return (struct curve_domain){.in_lo = -in,
                               .in_hi = in - 1,
                               .in_scale = ldexp(1, -in_fraction),
                               .out_lo = -out,
                               .out_hi = out - 1,
                               .out_scale = ldexp(1, -out_fraction)};
}

static int differences(const struct table_full *full, const struct table_rom *rom) {
  int count = 0;
  for (int64_t n = full->in_lo; n <= full->in_hi; n++)
    count += table_rom_eval(rom, n, full->out_lo, full->out_hi) != full->codes[n - full->in_lo];
  return count;
}

static void check_rom(const struct table_full *full, const struct table_rom *rom) {
  assert_int_equal(differences(full, rom), 0);
  assert_true(rom->depth >= 1 && rom->first >= (rom->odd ? 0 : full->in_lo));
  assert_true(rom->first + rom->depth - 1 <= (rom->odd ? -full->in_lo : full->in_hi));
  for (int64_t i = 0; i < rom->depth; i++) {
    int64_t entry = rom->entries[i];
    assert_true(rom->odd ? entry >= 0 && entry >> rom->entry_width == 0
                         : entry >= full->out_lo && entry <= full->out_hi);
  }
}

static struct table_rom fold(struct arena *a, enum curve f, const struct curve_domain *d) {
  struct table_full full = full_table(a, f, d);
  struct table_rom rom = table_fold(a, &full);
  check_rom(&full, &rom);
  full.magnitudes = NULL;
  struct table_rom plain = table_fold(a, &full);
  check_rom(&full, &plain);
  assert_true(table_rom_bits(&rom) <= table_rom_bits(&plain));
  return rom;
}

static int64_t plain_depth(struct arena *a, enum curve f, const struct curve_domain *d) {
  struct table_full full = full_table(a, f, d);
  full.magnitudes = NULL;
  return table_fold(a, &full).depth;
}

static void every_curve_and_code(void **state) {
  (void)state;
  for (int w = 2; w <= 12; w++)
    for (enum curve f = 0; f < CURVE_COUNT; f++) {
      struct arena a = {0};
      int64_t top = ((int64_t)1 << w) - 1;
      struct curve_domain same = fixed(w, w / 2, w, w / 2), fine = fixed(w, w / 2, 12, 10);
      struct curve_domain coarse = fixed(w, w - 1, 3, 0), wide = fixed(w, 0, 16, 0);
      struct curve_domain zero = {0, top, top / 3, 0.0371, 0, 255, 17, 0.0123};
      fold(&a, f, &same);
      fold(&a, f, &fine);
      fold(&a, f, &coarse);
      fold(&a, f, &wide);
      fold(&a, f, &zero);
      arena_free(&a);
    }
}

// The counts of numerics.md.
static void known_sizes_at_16_8(void **state) {
  (void)state;
  struct arena a = {0};
  struct curve_domain d = fixed(16, 8, 16, 8);
  assert_int_equal(plain_depth(&a, CURVE_TANH, &d), 1775);
  assert_int_equal(plain_depth(&a, CURVE_SILU, &d), 4281);
  assert_int_equal(plain_depth(&a, CURVE_SOFTPLUS, &d), 3193);
  assert_int_equal(plain_depth(&a, CURVE_SOFTSIGN, &d), 51917);
  struct table_rom tanh = fold(&a, CURVE_TANH, &d);
  assert_true(tanh.odd);
  assert_int_equal(tanh.depth, 888);
  assert_int_equal(tanh.entry_width, 8); // 256 = 1.0 is in the tail
  arena_free(&a);
}

// tanh 8,3 -> 8,7 rounds +-25 to 128: 127 on one side, -128 on the other.
static void magnitudes_saturate_after_the_sign(void **state) {
  (void)state;
  struct arena a = {0};
  struct curve_domain d = fixed(8, 3, 8, 7);
  struct table_rom rom = fold(&a, CURVE_TANH, &d);
  assert_true(rom.odd);
  assert_int_equal(table_rom_eval(&rom, 25, -128, 127), 127);
  assert_int_equal(table_rom_eval(&rom, -25, -128, 127), -128);
  arena_free(&a);
}

static void tails_of_x_plus_c_cost_nothing(void **state) {
  (void)state;
  struct arena a = {0};
  struct curve_domain d = fixed(12, 4, 12, 4), narrow = fixed(12, 4, 8, 4);
  struct table_rom rom = fold(&a, CURVE_TANHSHRINK, &d);
  assert_true(rom.odd && rom.high_slope == 1 && rom.high_offset == -16 && rom.depth < 64);
  rom = fold(&a, CURVE_LOGSIGMOID, &narrow); // x below, down to the saturation; 0 above
  assert_true(rom.low_slope == 1 && rom.low_offset == 0 && rom.high_slope == 0 && rom.depth < 200);
  struct curve_domain other = fixed(12, 4, 12, 5); // codes advance by two: no such tail
  rom = fold(&a, CURVE_SILU, &other);
  assert_int_equal(rom.high_slope, 0);
  arena_free(&a);
}

static void a_constant_keeps_one_entry(void **state) {
  (void)state;
  struct arena a = {0};
  const int64_t codes[] = {3, 3, 3, 3}, line[] = {-2, -1, 0, 1};
  struct table_full full = {-2, 1, -8, 7, codes, NULL};
  struct table_rom rom = table_fold(&a, &full);
  check_rom(&full, &rom);
  assert_int_equal(rom.depth, 1);
  full.codes = line;
  rom = table_fold(&a, &full);
  check_rom(&full, &rom);
  assert_int_equal(rom.depth, 1);
  arena_free(&a);
}

// The comparison sees a wrong entry, a tail that is off by one, and a shifted table.
static void the_comparison_can_fail(void **state) {
  (void)state;
  struct arena a = {0};
  struct curve_domain d = fixed(8, 3, 8, 3);
  struct table_full full = full_table(&a, CURVE_SILU, &d);
  struct table_rom rom = table_fold(&a, &full);
  int64_t *entries = arena_copy(&a, rom.entries, (size_t)rom.depth * sizeof *entries);
  struct table_rom wrong = rom;
  entries[rom.depth / 2]++;
  wrong.entries = entries;
  assert_int_equal(differences(&full, &wrong), 1);
  wrong = rom;
  wrong.high_offset--;
  assert_int_not_equal(differences(&full, &wrong), 0);
  wrong = rom;
  wrong.first++;
  assert_int_not_equal(differences(&full, &wrong), 0);
  arena_free(&a);
}

static int polynomial_differences(const struct table_full *full, const struct polynomial *p) {
  int count = 0;
  for (int64_t n = full->in_lo; n <= full->in_hi; n++)
    count += polynomial_eval(p, n, full->out_lo, full->out_hi) != full->codes[n - full->in_lo];
  return count;
}

static bool fits(int64_t c, int width) {
  return c >= -((int64_t)1 << (width - 1)) && c < (int64_t)1 << (width - 1);
}

static void check_polynomial(const struct table_full *full, const struct polynomial *p) {
  assert_int_equal(polynomial_differences(full, p), 0);
  for (int64_t i = 0; i < p->tails.depth; i++)
    assert_true(p->correction[i] >= -1 && p->correction[i] <= 1);
  assert_true(p->segments << p->segment_bits >= p->tails.depth);
  for (int64_t k = 0; k < p->segments; k++)
    assert_true(fits(p->c0[k], p->c0_width) && fits(p->c1[k], p->c1_width) &&
                fits(p->c2[k], p->c2_width));
}

static void polynomials_of_wide_types(void **state) {
  (void)state;
  const enum curve curves[] = {CURVE_SOFTSIGN,   CURVE_TANH,        CURVE_SILU,
                               CURVE_TANHSHRINK, CURVE_SCALED_TANH, CURVE_MISH};
  const int fractions[] = {8, 15, 12};
  const int64_t softsign_bits[] = {58414, 139032, 97049}; // as found once; more is a worse search
  for (int i = 0; i < 18; i++) {
    struct arena a = {0};
    struct curve_domain d = fixed(16, 8, 16, fractions[i / 6]);
    struct table_full full = full_table(&a, curves[i % 6], &d);
    struct table_rom rom = table_fold(&a, &full);
    struct polynomial p;
    assert_true(polynomial_fit(&a, &rom, &p));
    check_polynomial(&full, &p);
    assert_true(polynomial_bits(&p) < table_rom_bits(&rom));
    if (curves[i % 6] == CURVE_SOFTSIGN) assert_true(polynomial_bits(&p) <= softsign_bits[i / 6]);
    print_message("%-11s 16,8 -> 16,%-2d %s: %5lld entries, %7lld bits; %4lld segments of %4d, "
                  "%d %d %d bits, shift %d: %6lld bits\n",
                  curve_name(curves[i % 6]), fractions[i / 6], rom.odd ? "odd  " : "plain",
                  (long long)rom.depth, (long long)table_rom_bits(&rom), (long long)p.segments,
                  1 << p.segment_bits, p.c0_width, p.c1_width, p.c2_width, p.shift,
                  (long long)polynomial_bits(&p));
    arena_free(&a);
  }
}

static void a_polynomial_that_saves_nothing_is_refused(void **state) {
  (void)state;
  struct arena a = {0};
  const int64_t codes[] = {3, 3, 3, 3};
  struct table_full full = {-2, 1, -8, 7, codes, NULL};
  struct table_rom rom = table_fold(&a, &full);
  struct polynomial p;
  assert_false(polynomial_fit(&a, &rom, &p));
  arena_free(&a);
}

// A coefficient or a correction that is off by one is seen.
static void the_polynomial_comparison_can_fail(void **state) {
  (void)state;
  struct arena a = {0};
  struct curve_domain d = fixed(12, 6, 12, 11);
  struct table_full full = full_table(&a, CURVE_SOFTSIGN, &d);
  struct table_rom rom = table_fold(&a, &full);
  struct polynomial p;
  assert_true(polynomial_fit(&a, &rom, &p));
  int8_t *correction = arena_copy(&a, p.correction, (size_t)rom.depth);
  correction[5]++;
  struct polynomial wrong = p;
  wrong.correction = correction;
  assert_int_not_equal(polynomial_differences(&full, &wrong), 0);
  int64_t *c1 = arena_copy(&a, p.c1, (size_t)p.segments * sizeof *c1);
  c1[0]++;
  wrong = p;
  wrong.c1 = c1;
  assert_int_not_equal(polynomial_differences(&full, &wrong), 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_curve_and_code),
      cmocka_unit_test(known_sizes_at_16_8),
      cmocka_unit_test(magnitudes_saturate_after_the_sign),
      cmocka_unit_test(tails_of_x_plus_c_cost_nothing),
      cmocka_unit_test(a_constant_keeps_one_entry),
      cmocka_unit_test(the_comparison_can_fail),
      cmocka_unit_test(polynomials_of_wide_types),
      cmocka_unit_test(a_polynomial_that_saves_nothing_is_refused),
      cmocka_unit_test(the_polynomial_comparison_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
