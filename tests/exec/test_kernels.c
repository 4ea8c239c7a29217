// SPDX-License-Identifier: Apache-2.0
// Every variant of the integer loops that this machine runs gives the same bits as the plain one;
// and softmax is correctly rounded.
#include "sw/base/rng.h"
#include "sw/exec/kernels.h"
#include "sw/exec/softmax.h"
#include "sw/graph/fix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// One layer in the kernels' packing, with `group` inputs side by side; 8-bit x is unsigned.
static void check_linear(struct rng *r, const struct kernels *k, int group, int most) {
  struct arena a = {0};
  int64_t rows = rng_range(r, 1, 9), outs = KERNEL_OUTS * rng_range(r, 1, 6),
          groups = rng_range(r, 1, 50);
  int64_t in = groups * group;
  int16_t *x = ARENA_NEW(&a, int16_t, rows * in), *w = ARENA_NEW(&a, int16_t, outs * in);
  uint8_t *x8 = ARENA_NEW(&a, uint8_t, rows * in);
  int8_t *w8 = ARENA_NEW(&a, int8_t, outs * in);
  int32_t *b = ARENA_NEW(&a, int32_t, outs), *y = ARENA_NEW(&a, int32_t, rows * outs);
  bool extreme = rng_range(r, 0, 2) == 0; // saturating instructions would show
  for (int64_t i = 0; i < rows * in; i++) {
    x[i] = (int16_t)rng_range(r, -2000, 2000);
    x8[i] = (uint8_t)(extreme ? most : rng_range(r, 0, most));
  }
  for (int64_t i = 0; i < outs * in; i++) {
    w[i] = (int16_t)rng_range(r, -2000, 2000);
    w8[i] = (int8_t)(extreme ? (i % 2 ? 127 : -128) : rng_range(r, -128, 127));
  }
  for (int64_t i = 0; i < outs; i++) b[i] = (int32_t)rng_range(r, -100000, 100000);
  if (group == 2)
    k->linear16(rows, groups, outs, x, w, b, y);
  else
    (most == 255 ? k->linear8 : k->linear7)(rows, groups, outs, x8, w8, b, y);
  for (int64_t i = 0; i < rows * outs; i++) {
    int64_t row = i / outs, o = i % outs, sum = b[o];
    for (int64_t c = 0; c < in; c++) {
      int64_t at = (c / group * outs + o) * group + c % group;
      sum += group == 2 ? x[row * in + c] * w[at] : x8[row * in + c] * w8[at];
    }
    assert_int_equal(y[i], sum);
  }
  arena_free(&a);
}

static void test_linear_integers(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct rng r = {1, 0};
  for (int round = 0; round < 60; round++)
    for (int v = 0; v < n; v++) {
      check_linear(&r, list[v], 2, 255);
      if (list[v]->linear8) check_linear(&r, list[v], 4, 255);
      if (list[v]->linear7) check_linear(&r, list[v], 4, 127);
    }
}

static void test_requant32(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  for (int shift = 1; shift <= 30; shift++) {
    enum { COUNT = 4099 };
    int32_t acc[COUNT], codes[COUNT];
    uint8_t bytes[COUNT];
    struct rng r = {3, (uint64_t)shift << 32};
    struct fix_target t = {.width = 8, .is_signed = true, .zero = -3, .rounding = FIX_HALF_EVEN};
    for (int i = 0; i < COUNT; i++) {
      int64_t near = rng_range(&r, -300, 300) * (1 << (shift - 1)); // ties, and one to either side
      acc[i] = (int32_t)(i % 2 ? rng_range(&r, INT32_MIN, INT32_MAX)
                               : near % INT32_MAX + rng_range(&r, -1, 1));
    }
    for (int v = 0; v < n; v++) {
      list[v]->requant32(1, COUNT, COUNT, acc, shift, -3, -128, 127, codes);
      list[v]->requant8(1, COUNT, COUNT, acc, shift, -3, -128, 127, bytes);
      for (int i = 0; i < COUNT; i++) {
        assert_int_equal(codes[i], fix_requant(acc[i], 1, shift, &t));
        assert_int_equal(bytes[i], codes[i] + 128);
      }
      for (int out = 1; out <= 48; out++) { // rows that are padded, and nothing beyond them
        enum { ROWS = 5 };
        uint8_t rows[ROWS * 48 + 1] = {0};
        int32_t wide[ROWS * 48 + 1] = {0};
        rows[ROWS * out] = 99;
        wide[ROWS * out] = 99;
        list[v]->requant8(ROWS, out, 48, acc, shift, -3, -128, 127, rows);
        list[v]->requant32(ROWS, out, 48, acc, shift, -3, -128, 127, wide);
        assert_int_equal(rows[ROWS * out], 99);
        assert_int_equal(wide[ROWS * out], 99);
        for (int i = 0; i < ROWS * out; i++) {
          assert_int_equal(rows[i], bytes[i / out * 48 + i % out]);
          assert_int_equal(wide[i], codes[i / out * 48 + i % out]);
        }
      }
    }
  }
}

static void test_depthwise(void **state) {
  (void)state;
  enum { TAPS = 9, CHANNELS = 48 };
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  int16_t x[TAPS][CHANNELS], w[TAPS * CHANNELS];
  int32_t bias[CHANNELS], acc[CHANNELS];
  const int16_t *at[TAPS];
  struct rng r = {5, 0};
  for (int t = 0; t < TAPS; t++) {
    at[t] = x[t];
    for (int c = 0; c < CHANNELS; c++) {
      x[t][c] = (int16_t)rng_range(&r, INT16_MIN / 4, INT16_MAX / 4);
      w[t * CHANNELS + c] = (int16_t)rng_range(&r, INT16_MIN / 4, INT16_MAX / 4);
    }
  }
  for (int c = 0; c < CHANNELS; c++) bias[c] = (int32_t)rng_range(&r, -1000000, 1000000);
  for (int v = 0; v < n; v++) {
    list[v]->depthwise16(TAPS, CHANNELS, at, w, bias, acc);
    for (int c = 0; c < CHANNELS; c++) {
      int32_t sum = bias[c];
      for (int t = 0; t < TAPS; t++) sum += x[t][c] * w[t * CHANNELS + c];
      assert_int_equal(acc[c], sum);
    }
  }
}

// Every count up to two vectors: the tails too.
static void test_lookup(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  uint8_t table[256], bytes[300], to[301];
  for (int i = 0; i < 256; i++) table[i] = (uint8_t)(i * i + 7 * i + 3);
  for (int i = 0; i < 300; i++) bytes[i] = (uint8_t)(i * 7);
  for (int v = 0; v < n; v++)
    for (int count = 0; count <= 300; count++) {
      memset(to, 99, sizeof to);
      list[v]->lookup8(count, bytes, table, to);
      for (int i = 0; i < count; i++) assert_int_equal(to[i], table[bytes[i]]);
      assert_int_equal(to[count], 99);
    }
}

// Against long doubles, away from ties; ties of equal inputs exactly.
static void test_softmax(void **state) {
  (void)state;
  struct arena a = {0};
  struct type y = type_fixed(&a, 8, false, 0x1p-8, 0), half = type_fixed(&a, 4, false, 1 / 3.0, 1);
  struct rng r = {4, 0};
  for (int round = 0; round < 300; round++) {
    int64_t x[10], codes[10], count = rng_range(&r, 2, 10);
    long double sum = 0;
    for (int64_t i = 0; i < count; i++) x[i] = rng_range(&r, -100, 100);
    for (int64_t i = 0; i < count; i++) sum += expl((long double)x[i] / 8);
    softmax_codes(x, count, 0.125, &y, codes);
    for (int64_t i = 0; i < count; i++) {
      long double exact = expl((long double)x[i] / 8) / sum * 256;
      long double code = rintl(exact) > 255 ? 255 : rintl(exact);
      if (fabsl(exact - floorl(exact) - 0.5L) > 1e-9L) assert_int_equal(codes[i], (int64_t)code);
    }
  }
  int64_t same[4] = {7, 7, 7, 7}, codes[4];
  softmax_codes(same, 4, 0.125, &y, codes);
  assert_int_equal(codes[0], 64);
  struct type coarse = type_fixed(&a, 8, false, 0.5, 0); // 0.25 / 0.5 is a tie: to even
  softmax_codes(same, 4, 0.125, &coarse, codes);
  assert_int_equal(codes[3], 0);
  softmax_codes(same, 2, 0.125, &half, codes); // 0.5 / (1/3) = 1.5, nearly: 1/3 is a double
  assert_int_equal(codes[0], 1 + 2);
  arena_free(&a);
}

// The same of its logarithm.
static void test_log_softmax(void **state) {
  (void)state;
  struct arena a = {0};
  struct type y = type_fixed(&a, 8, true, 0x1p-3, 5);
  struct rng r = {4, 0};
  for (int round = 0; round < 300; round++) {
    int64_t x[10], codes[10], count = rng_range(&r, 2, 10);
    long double sum = 0;
    for (int64_t i = 0; i < count; i++) x[i] = rng_range(&r, -100, 100);
    for (int64_t i = 0; i < count; i++) sum += expl((long double)x[i] / 8);
    log_softmax_codes(x, count, 0.125, &y, codes);
    for (int64_t i = 0; i < count; i++) {
      long double exact = ((long double)x[i] / 8 - logl(sum)) * 8;
      long double code = rintl(exact) + 5 < -128 ? -128 : rintl(exact) + 5;
      if (fabsl(exact - floorl(exact) - 0.5L) > 1e-9L) assert_int_equal(codes[i], (int64_t)code);
    }
  }
  int64_t one = 99, code;
  struct type high = type_fixed(&a, 4, true, 1, -9);
  log_softmax_codes(&one, 1, 0.125, &y, &code);
  assert_int_equal(code, 5);
  log_softmax_codes(&one, 1, 0.125, &high, &code);
  assert_int_equal(code, -8);
  arena_free(&a);
}

// The plain one is always there, the last that the machine runs is the best, and a name chooses.
static void test_choice(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  unsetenv("NNGEN_KERNELS");
  assert_string_equal(list[0]->name, "plain");
#if defined(__x86_64__)
  int wide = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq");
  int vnni = wide && __builtin_cpu_supports("avx512vnni");
  assert_int_equal(n, 1 + (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) + wide +
                          vnni + (vnni && __builtin_cpu_supports("avx512vbmi")));
#endif
  assert_ptr_equal(kernels_best(), list[n - 1]);
  for (int i = 0; i < n; i++) {
    setenv("NNGEN_KERNELS", list[i]->name, 1);
    assert_ptr_equal(kernels_best(), list[i]);
  }
  setenv("NNGEN_KERNELS", "abacus", 1);
  assert_ptr_equal(kernels_best(), list[n - 1]);
  unsetenv("NNGEN_KERNELS");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_linear_integers), cmocka_unit_test(test_requant32),
      cmocka_unit_test(test_depthwise),       cmocka_unit_test(test_lookup),
      cmocka_unit_test(test_softmax),         cmocka_unit_test(test_log_softmax),
      cmocka_unit_test(test_choice)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
