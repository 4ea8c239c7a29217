// SPDX-License-Identifier: Apache-2.0
// Weights from floats: signs and thresholds against every choice there is, scales to the last bit.
#include "quant/quantize_weights.h"
#include "sw/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 12 };

struct weights {
  struct arena arena;
  struct err err;
  struct type type;
  struct tensor *codes;
};

// (outs, count / outs) weights as one of the option's words says; false if they are refused.
static bool quantised(struct weights *q, const char *word, int64_t outs, int64_t count,
                      const double *w) {
  *q = (struct weights){0};
  struct quantizer quantizer = {.arena = &q->arena, .err = &q->err};
  struct format f = {0};
  int64_t shape[2] = {outs, count / outs};
  struct tensor *t = tensor_new(&q->arena, DTYPE_F64, 2, shape);
  memcpy(t->data, w, (size_t)count * sizeof *w);
  assert_true(formats_set_weight(&q->arena, &f, word, &q->err));
  q->codes = quantize_weights(&quantizer, t, &f, &q->type);
  return q->codes != NULL;
}

static void expect(const char *word, int64_t outs, int64_t count, const double *w,
                   const double *scale, const int64_t *codes) {
  struct weights q;
  if (!quantised(&q, word, outs, count, w)) fail_msg("%s: %s", word, q.err.text);
  for (int64_t o = 0; o < outs; o++)
    if (type_scale(&q.type, o) != scale[o])
      fail_msg("%s: scale %.17g of output %d, expected %.17g", word, type_scale(&q.type, o), (int)o,
               scale[o]);
  for (int64_t i = 0; i < count; i++)
    if (tensor_int(q.codes, i) != codes[i])
      fail_msg("%s: weight %d is %d, expected %d", word, (int)i, (int)tensor_int(q.codes, i),
               (int)codes[i]);
  arena_free(&q.arena);
}

static void test_by_hand(void **state) {
  (void)state;
  const double w[] = {0.5, -0.25, 0, 1};
  expect("bipolar", 1, 4, w, (double[]){0.4375}, (int64_t[]){1, -1, 1, 1});
  expect("bipolar", 2, 4, w, (double[]){0.4375, 0.4375}, (int64_t[]){1, -1, 1, 1});
  expect("bipolar,channel", 2, 4, w, (double[]){0.375, 0.5}, (int64_t[]){1, -1, 1, 1});
  expect("ternary", 1, 4, w, (double[]){0.75}, (int64_t[]){1, 0, 0, 1}); // 1, 1.125, 1.02
  expect("ternary,channel", 2, 4, w, (double[]){0.375, 1}, (int64_t[]){1, -1, 0, 1});
  // 9 for one of them and for all four: as few as will do
  expect("ternary", 1, 4, (double[]){1, -1, 3, 1}, (double[]){3}, (int64_t[]){0, 0, 1, 0});
  expect("ternary", 1, 3, (double[]){0, 0, 0}, (double[]){1}, (int64_t[]){0, 0, 0});
  expect("ternary", 1, 2, (double[]){-2, 2}, (double[]){2}, (int64_t[]){-1, 1});
}

// 2^53 + 1 over 1 and thirds: rounded once, to even.
static void test_scales(void **state) {
  (void)state;
  int64_t plus[3] = {1, 1, 1};
  expect("bipolar", 1, 2, (double[]){0x1p53, 1}, (double[]){0x1p52}, plus); // 2^52 + 1/2
  expect("bipolar", 1, 2, (double[]){0x1p53 + 2, 1}, (double[]){0x1p52 + 2}, plus);
  expect("bipolar", 1, 3, (double[]){1, 0, 0}, (double[]){1.0 / 3}, plus);
  expect("bipolar", 1, 3, (double[]){0x1p60, 0x1p-60, 0}, (double[]){0x1p60 / 3}, plus);
  expect("bipolar", 1, 2, (double[]){0x1p-1074, 0x1p-1074}, (double[]){0x1p-1074}, plus);
  expect("bipolar", 1, 2, (double[]){1e300, 1e-300}, (double[]){5e299}, plus);
}

// The squared error, up to a constant of the weights, of keeping a set of them: -(sum)^2 / count.
static double gain(const double *w, int64_t count, unsigned set) {
  double sum = 0, kept = 0;
  for (int64_t i = 0; i < count; i++)
    if (set >> i & 1) {
      sum += fabs(w[i]);
      kept++;
    }
  return kept > 0 ? sum * sum / kept : 0;
}

// No set of kept weights is better, of small numbers that leave no rounding.
static void test_every_choice(void **state) {
  (void)state;
  struct rng r = {7, 0};
  for (int round = 0; round < 200; round++) {
    double w[MOST], best = 0;
    int64_t count = rng_range(&r, 1, MOST);
    for (int64_t i = 0; i < count; i++) w[i] = (double)rng_range(&r, -16, 16) / 4;
    for (unsigned set = 0; set < 1u << count; set++) best = fmax(best, gain(w, count, set));
    struct weights q;
    assert_true(quantised(&q, "ternary", 1, count, w));
    unsigned kept = 0;
    for (int64_t i = 0; i < count; i++) {
      int64_t code = tensor_int(q.codes, i);
      assert_true(code == 0 || (code > 0) == (w[i] > 0));
      kept |= (unsigned)(code != 0) << i;
    }
    assert_true(gain(w, count, kept) == best);
    arena_free(&q.arena);
  }
}

static void refused(const char *word, int64_t outs, int64_t count, const double *w,
                    const char *words) {
  struct weights q;
  assert_false(quantised(&q, word, outs, count, w));
  if (!strstr(q.err.text, words)) fail_msg("expected \"%s\", got \"%s\"", words, q.err.text);
  arena_free(&q.arena);
}

// The smallest power of two at which nothing saturates; of weights that are all zero the usual
// bias.
static void test_minifloats(void **state) {
  (void)state;
  const double w[] = {0.5, -0.26, 0.1, 0};
  expect("e2m1", 1, 4, w, (double[]){0x1p-4}, (int64_t[]){8, -4, 2, 0});
  expect("e2m1,auto", 2, 4, w, (double[]){0x1p-4, 0x1p-4}, (int64_t[]){8, -4, 2, 0});
  expect("e2m1,channel", 2, 4, w, (double[]){0x1p-4, 0x1p-7}, (int64_t[]){8, -4, 12, 0});
  expect("e3m0", 1, 4, w, (double[]){0x1p-7}, (int64_t[]){64, -32, 16, 0});
  expect("e2m1,1", 1, 4, w, (double[]){0.5}, (int64_t[]){1, -1, 0, 0});
  // 13.9 / 16 stays within 12, 14 / 16 would be 16
  expect("e2m1", 1, 2, (double[]){13.9 / 16, 0}, (double[]){0x1p-4, 0}, (int64_t[]){12, 0});
  expect("e2m1", 1, 2, (double[]){14.0 / 16, 0}, (double[]){0x1p-3, 0}, (int64_t[]){8, 0});
  expect("e4m3fn", 1, 2, (double[]){0, 0}, (double[]){0x1p-9, 0}, (int64_t[]){0, 0});
  // without a sign only positive ones count
  expect("ue2m1", 1, 2, (double[]){-9, 3}, (double[]){0x1p-2, 0}, (int64_t[]){0, 12});
  expect("e2m1", 1, 1, (double[]){1e300}, (double[]){0x1p32}, (int64_t[]){12});
}

// The factors of a layer, then of each output the scale that fits best, by hand.
static void test_residuals(void **state) {
  (void)state;
  const double w[] = {4, -2, -4, 2};
  // means 3 and 1 are 22 and 7 of 29: sums of 29 and 15, scale (4*29 + 2*15) / (29^2 + 15^2)
  expect("residual2", 1, 4, w, (double[]){146.0 / 1066}, (int64_t[]){29, -15, -29, 15});
  // one plane is bipolar
  expect("residual1", 1, 4, w, (double[]){3}, (int64_t[]){1, -1, -1, 1});
  expect("residual1,channel", 2, 4, w, (double[]){3, 3}, (int64_t[]){1, -1, -1, 1});
  // outputs of the same numbers in other units have the same codes
  const double apart[] = {4, -2, -4, 2, 0.5, -0.25, -0.5, 0.25};
  expect("residual2,channel", 2, 8, apart, (double[]){146.0 / 1066, 146.0 / 1066 / 8},
         (int64_t[]){29, -15, -29, 15, 29, -15, -29, 15});
  struct weights q;
  assert_true(quantised(&q, "residual3,auto", 1, 4, w) && type_is_residual(&q.type));
  assert_true(q.type.axis == -1 && q.type.residual.factor[2] == 1);
  arena_free(&q.arena);
  assert_true(quantised(&q, "residual4,channel", 2, 8, apart));
  for (int64_t i = 0; i < 8; i++) // off by the planes that nothing is left for
    assert_true(fabs(type_value(&q.type, i / 4, tensor_int(q.codes, i)) - apart[i]) <
                fabs(apart[i]) / 8);
  assert_true(q.type.axis == 0 && q.type.channels == 2);
  arena_free(&q.arena);
}

static void test_no_zero(void **state) {
  (void)state;
  refused("residual2", 1, 2, (double[]){0, -0.0},
          "its weights are all zero, which residual2 can't say: try ternary");
  refused("residual3,channel", 2, 4, (double[]){1, 2, 0, 0},
          "the weights of output 1 are all zero, which residual3 can't say: try ternary");
  refused("bipolar", 1, 2, (double[]){0, -0.0},
          "its weights are all zero, which bipolar can't say");
  refused("bipolar,channel", 2, 4, (double[]){1, 2, 0, 0}, "the weights of output 1 are all zero");
}

static void test_fixed(void **state) {
  (void)state;
  const double w[] = {0.5, -0.25, 0, 1};
  expect("4", 1, 4, w, (double[]){0.25}, (int64_t[]){2, -1, 0, 4});
  expect("4,channel", 2, 4, w, (double[]){0.125, 0.25}, (int64_t[]){4, -2, 0, 4});
  expect("4,3", 1, 4, w, (double[]){0.125}, (int64_t[]){4, -2, 0, 7});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),      cmocka_unit_test(test_scales),
      cmocka_unit_test(test_every_choice), cmocka_unit_test(test_minifloats),
      cmocka_unit_test(test_no_zero),      cmocka_unit_test(test_residuals),
      cmocka_unit_test(test_fixed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
