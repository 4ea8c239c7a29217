// SPDX-License-Identifier: Apache-2.0
// The float kernels of every instruction set against loops that add in the order that kernels.h
// defines: the same bits, and nothing beyond what was asked for is written.
#include "sw/base/arena.h"
#include "sw/base/rng.h"
#include "sw/exec/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 80 };

static float *numbers(struct arena *a, struct rng *r, int64_t count) {
  float *list = ARENA_NEW(a, float, count);
  for (int64_t i = 0; i < count; i++) list[i] = (float)(rng_unit(r) * 2 - 1);
  return list;
}

static float *copied(struct arena *a, const float *list, int64_t count) {
  float *copy = ARENA_NEW(a, float, count);
  memcpy(copy, list, (size_t)count * sizeof *copy);
  return copy;
}

// ---- products

// Element (row, column) of a b, shard by shard.
static float element_ref(const struct product *p, const float *a, const float *b, int64_t row,
                         int64_t column) {
  float total = 0;
  for (int s = 0; s < p->shards; s++) {
    float sum = 0;
    for (int64_t k = p->cuts[s]; k < p->cuts[s + 1]; k++)
      sum = fmaf(a[row * p->a_row + k * p->a_k], b[k * p->b_k + column], sum);
    total = s ? total + sum : sum;
  }
  return total;
}

static void product_ref(const struct product *p, const float *a, const float *b, float *c) {
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t o = 0; o < p->columns; o++) {
      float sum = element_ref(p, a, b, r, o), *to = &c[r * p->c_row + o];
      *to = p->add ? *to + sum : sum;
    }
}

// Up to three tiles each way, a as it is or transposed, rows of b and c with a gap behind them.
static struct product random_product(struct rng *r, int64_t *depth) {
  struct product p = {.rows = rng_range(r, 1, 19), .columns = rng_range(r, 1, 75)};
  bool transposed = rng_range(r, 0, 1);
  p.shards = (int)rng_range(r, 1, 3);
  for (int s = 0; s < p.shards; s++) p.cuts[s + 1] = p.cuts[s] + rng_range(r, 1, 20);
  *depth = p.cuts[p.shards];
  p.a_row = transposed ? 1 : *depth;
  p.a_k = transposed ? p.rows : 1;
  p.b_k = p.columns + rng_range(r, 0, 3);
  p.c_row = p.columns + rng_range(r, 0, 3);
  p.add = rng_range(r, 0, 1);
  return p;
}

static void test_product(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct rng r = {1, 0};
  for (int round = 0; round < ROUNDS; round++) {
    struct arena arena = {0};
    int64_t depth;
    struct product p = random_product(&r, &depth);
    int64_t size = p.rows * p.c_row;
    const float *a = numbers(&arena, &r, p.rows * depth), *b = numbers(&arena, &r, depth * p.b_k);
    const float *before = numbers(&arena, &r, size);
    float *expected = copied(&arena, before, size);
    product_ref(&p, a, b, expected);
    for (int v = 0; v < n; v++) {
      float *c = copied(&arena, before, size);
      list[v]->product_real(&p, a, b, c);
      if (memcmp(c, expected, (size_t)size * sizeof *c) != 0)
        fail_msg("%s: %d x %d, %d shards", list[v]->name, (int)p.rows, (int)p.columns, p.shards);
    }
    arena_free(&arena);
  }
}

// ---- layers

// Lane after lane, then halves of them.
static float dot_ref(int64_t in, const float *x, const float *w) {
  float lanes[16] = {0};
  for (int64_t k = 0; k < in; k++) lanes[k % 16] = fmaf(x[k], w[k], lanes[k % 16]);
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

static void test_linear(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct rng r = {2, 0};
  for (int round = 0; round < ROUNDS; round++) {
    struct arena a = {0};
    int64_t rows = rng_range(&r, 1, 37), out = rng_range(&r, 1, 13), in = rng_range(&r, 1, 150);
    const float *x = numbers(&a, &r, rows * in), *w = numbers(&a, &r, out * in);
    const float *bias = round % 2 ? numbers(&a, &r, out) : NULL;
    float *y = ARENA_NEW(&a, float, rows *out);
    for (int v = 0; v < n; v++) {
      list[v]->linear_real(rows, in, out, x, w, bias, y);
      for (int64_t i = 0; i < rows * out; i++)
        if (y[i] != dot_ref(in, x + i / out * in, w + i % out * in) + (bias ? bias[i % out] : 0))
          fail_msg("%s: element %d of %d inputs", list[v]->name, (int)i, (int)in);
    }
    arena_free(&a);
  }
}

// ---- sums of whole numbers

// Codes of `bits` bits with their sign, times 2^power.
static float *codes(struct arena *a, struct rng *r, int64_t count, int bits, int power) {
  float *list = ARENA_NEW(a, float, count);
  int64_t most = (int64_t)1 << (bits - 1);
  for (int64_t i = 0; i < count; i++) list[i] = ldexpf((float)rng_range(r, -most, most - 1), power);
  return list;
}

// The float of an integer times 2^power that is at least 24 bits, or has the last of them set.
static float odd_ref(int64_t sum, int power) {
  uint64_t size = sum < 0 ? -(uint64_t)sum : (uint64_t)sum;
  int cut = 0;
  bool rest = false;
  for (; size >> cut >= (uint64_t)1 << 24; cut++) rest |= size >> cut & 1;
  float whole = ldexpf((float)(size >> cut | rest), cut + power);
  return sum < 0 ? -whole : whole;
}

static void test_linear_odd(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list), inexact = 0;
  struct rng r = {4, 0};
  for (int round = 0; round < ROUNDS; round++) {
    struct arena a = {0};
    int64_t rows = rng_range(&r, 1, 9), out = rng_range(&r, 1, 13), in = rng_range(&r, 1, 150);
    int bits = (int)rng_range(&r, 2, 20), power = (int)rng_range(&r, -12, 3);
    const float *x = codes(&a, &r, rows * in, bits, power), *w = codes(&a, &r, out * in, bits, -5);
    const float *bias = round % 2 ? codes(&a, &r, out, 24, power - 5) : NULL;
    float *y = ARENA_NEW(&a, float, rows *out);
    for (int v = 0; v < n; v++) {
      memset(y, 0xff, (size_t)(rows * out) * sizeof *y);
      list[v]->linear_odd(rows, in, out, x, w, bias, y);
      for (int64_t i = 0; i < rows * out; i++) {
        int64_t sum = bias ? (int64_t)ldexpf(bias[i % out], 5 - power) : 0;
        for (int64_t k = 0; k < in; k++)
          sum += (int64_t)ldexpf(x[i / out * in + k], -power) *
                 (int64_t)ldexpf(w[i % out * in + k], 5);
        inexact += (float)sum != (double)sum;
        if (y[i] != odd_ref(sum, power - 5))
          fail_msg("%s: element %d of %d inputs", list[v]->name, (int)i, (int)in);
      }
    }
    arena_free(&a);
  }
  assert_true(inexact > 1000);
}

static void test_extent(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct rng r = {5, 0};
  for (int round = 0; round < ROUNDS; round++) {
    struct arena a = {0};
    int64_t count = rng_range(&r, 0, 70);
    int power = (int)rng_range(&r, -90, 60);
    float *x = codes(&a, &r, count + 1, (int)rng_range(&r, 1, 18), power), most = 0, sum = 0;
    double unit = (double)INFINITY;
    for (int64_t i = 0; i < count; i++) {
      double at = ldexp(1, power + 20);
      most = fmaxf(most, fabsf(x[i]));
      sum += fabsf(x[i]);
      while (x[i] != 0 && fmod((double)x[i], at) != 0) at /= 2;
      if (x[i] != 0) unit = fmin(unit, at);
    }
    for (int v = 0; v < n; v++) {
      struct extent e;
      list[v]->extent_real(count, x, &e);
      if (e.most != most || e.sum != sum || (double)e.unit != unit)
        fail_msg("%s: %d floats: %g, %g, %g", list[v]->name, (int)count, (double)e.most,
                 (double)e.sum, (double)e.unit);
    }
    arena_free(&a);
  }
}

// Of what is too small to say, and of what is no number, it says nothing.
static void test_extent_of_none(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  const float tiny[1] = {0x1p-110f}, none[1] = {NAN};
  int n = kernels_list(list);
  for (int v = 0; v < n; v++) {
    struct extent e;
    list[v]->extent_real(1, tiny, &e);
    assert_true(e.unit == 0 && e.most == tiny[0]);
    list[v]->extent_real(1, none, &e);
    assert_true(!(e.most <= 1e30f));
  }
}

// ---- an optimiser's step

// The parameters, their means and their squares' means, side by side: (3, count).
static void adam_ref(int64_t count, const struct adam *p, const float *g, float *all) {
  for (int64_t i = 0; i < count; i++) {
    float *w = &all[i], *m = &all[count + i], *v = &all[2 * count + i];
    float d = g[i] + p->coupled * *w;
    *m = p->beta1 * *m + p->rest1 * d;
    *v = p->beta2 * *v + p->rest2 * d * d;
    float kept = *w * p->shrink, step = p->step * *m / (sqrtf(*v) * p->scale + p->epsilon);
    *w = kept - step;
  }
}

static void test_adam(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct rng r = {3, 0};
  for (int64_t count = 0; count <= 70; count++) {
    struct arena a = {0};
    struct adam p = {.9f, .1f, .99f, .01f, .02f, .995f, .003f, 1.25f, 1e-4f};
    const float *g = numbers(&a, &r, count + 1);
    float *before = numbers(&a, &r, 3 * count + 1);
    for (int64_t i = 2 * count; i < 3 * count; i++) before[i] = fabsf(before[i]); // of squares
    float *expected = copied(&a, before, 3 * count + 1);
    adam_ref(count, &p, g, expected);
    for (int v = 0; v < n; v++) {
      float *all = copied(&a, before, 3 * count + 1);
      list[v]->adam(count, &p, g, all, all + count, all + 2 * count);
      if (memcmp(all, expected, (size_t)(3 * count + 1) * sizeof *all) != 0)
        fail_msg("%s: %d parameters", list[v]->name, (int)count);
    }
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_product),        cmocka_unit_test(test_linear),
      cmocka_unit_test(test_linear_odd),     cmocka_unit_test(test_extent),
      cmocka_unit_test(test_extent_of_none), cmocka_unit_test(test_adam)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
