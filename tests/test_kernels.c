// SPDX-License-Identifier: Apache-2.0
// Every variant of the inner loops that this machine runs gives the same bits as the plain one; and
// softmax is correctly rounded.
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

enum { VARIANTS = 3 };

static int variants(const struct kernels **list) {
  int n = 0;
  list[n++] = &kernels_plain;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list[n++] = &kernels_avx2;
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    list[n++] = &kernels_avx512;
#endif
  return n;
}

static void test_linear16(void **state) {
  (void)state;
  const struct kernels *list[VARIANTS];
  int n = variants(list);
  struct rng r = {1, 0};
  for (int round = 0; round < 60; round++) {
    struct arena a = {0};
    int64_t rows = rng_range(&r, 1, 9), out = rng_range(&r, 1, 13),
            in = KERNEL_LANES * rng_range(&r, 1, 5);
    int16_t *x = ARENA_NEW(&a, int16_t, rows * in), *w = ARENA_NEW(&a, int16_t, out * in);
    int32_t *b = ARENA_NEW(&a, int32_t, out), *y = ARENA_NEW(&a, int32_t, rows * out);
    for (int64_t i = 0; i < rows * in; i++) x[i] = (int16_t)rng_range(&r, -2000, 2000);
    for (int64_t i = 0; i < out * in; i++) w[i] = (int16_t)rng_range(&r, -2000, 2000);
    for (int64_t i = 0; i < out; i++) b[i] = (int32_t)rng_range(&r, -100000, 100000);
    for (int v = 0; v < n; v++) {
      list[v]->linear16(rows, in, out, x, w, b, y);
      for (int64_t i = 0; i < rows * out; i++) {
        int64_t sum = b[i % out];
        for (int64_t k = 0; k < in; k++) sum += x[i / out * in + k] * w[i % out * in + k];
        assert_int_equal(y[i], sum);
      }
    }
    arena_free(&a);
  }
}

static void test_linear_real(void **state) {
  (void)state;
  const struct kernels *list[VARIANTS];
  int n = variants(list);
  struct rng r = {2, 0};
  for (int round = 0; round < 60; round++) {
    struct arena a = {0};
    int64_t rows = rng_range(&r, 1, 9), out = rng_range(&r, 1, 13),
            in = KERNEL_LANES * rng_range(&r, 1, 5);
    float *x = ARENA_NEW(&a, float, rows *in), *w = ARENA_NEW(&a, float, out *in);
    float *b = ARENA_NEW(&a, float, out), *y[VARIANTS];
    for (int64_t i = 0; i < rows * in; i++) x[i] = (float)(rng_unit(&r) - 0.5);
    for (int64_t i = 0; i < out * in; i++) w[i] = (float)(rng_unit(&r) - 0.5);
    for (int64_t i = 0; i < out; i++) b[i] = (float)rng_unit(&r);
    for (int v = 0; v < n; v++) {
      y[v] = ARENA_NEW(&a, float, rows *out);
      list[v]->linear_real(rows, in, out, x, w, b, y[v]);
      assert_memory_equal(y[v], y[0], (size_t)(rows * out) * sizeof(float));
    }
    arena_free(&a);
  }
}

static void test_requant32(void **state) {
  (void)state;
  const struct kernels *list[VARIANTS];
  int n = variants(list);
  for (int shift = 1; shift <= 30; shift++) {
    enum { COUNT = 4099 };
    int32_t acc[COUNT], codes[COUNT];
    struct rng r = {3, (uint64_t)shift << 32};
    struct fix_target t = {.width = 8, .is_signed = true, .zero = -3, .rounding = FIX_HALF_EVEN};
    for (int i = 0; i < COUNT; i++) {
      int64_t near = rng_range(&r, -300, 300) * (1 << (shift - 1)); // ties, and one to either side
      acc[i] = (int32_t)(i % 2 ? rng_range(&r, INT32_MIN, INT32_MAX)
                               : near % INT32_MAX + rng_range(&r, -1, 1));
    }
    for (int v = 0; v < n; v++) {
      list[v]->requant32(COUNT, acc, shift, -3, -128, 127, codes);
      for (int i = 0; i < COUNT; i++) assert_int_equal(codes[i], fix_requant(acc[i], 1, shift, &t));
    }
  }
}

static void test_lookup(void **state) {
  (void)state;
  const struct kernels *list[VARIANTS];
  int n = variants(list);
  int32_t table[256], codes[300];
  uint8_t bytes[300];
  for (int i = 0; i < 256; i++) table[i] = i * i - 70;
  for (int i = 0; i < 300; i++) bytes[i] = (uint8_t)(i * 7);
  for (int v = 0; v < n; v++) {
    list[v]->lookup(300, bytes, table, codes);
    for (int i = 0; i < 300; i++) assert_int_equal(codes[i], table[bytes[i]]);
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear16),
                                     cmocka_unit_test(test_linear_real),
                                     cmocka_unit_test(test_requant32),
                                     cmocka_unit_test(test_lookup), cmocka_unit_test(test_softmax)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
