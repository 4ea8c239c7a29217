// SPDX-License-Identifier: Apache-2.0
// Rounding of second order against its definition, by inverses of the matrices that are left;
// scales against the best of all candidates.
#include "quant/scale.h"
#include "quant/second_order.h"
#include "sw/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { TAPS = 9, OUTS = 4, FRAMES = 61 };

struct layer {
  struct arena arena;
  double x[FRAMES * TAPS], y[FRAMES * TAPS]; // integers, and what the float model has
  double w[OUTS * TAPS];
  struct type type;
  struct moments moments;
};

static double noise(uint64_t seed, uint64_t i) {
  return (double)(rng_at(seed, 7, i) >> 11) * 0x1p-52 - 1;
}

// Inputs that follow each other, one of which is always 0.
static void make(struct layer *l, uint64_t seed) {
  *l = (struct layer){0};
  for (int r = 0; r < FRAMES; r++)
    for (int i = 0; i < TAPS; i++) {
      double real =
          i == 3 ? 0
                 : 40 * noise(seed, (uint64_t)r) + 25 * noise(seed, (uint64_t)(100 + r * TAPS + i));
      l->x[r * TAPS + i] = rint(real);
      l->y[r * TAPS + i] = real * 0.125;
    }
  for (int i = 0; i < OUTS * TAPS; i++) l->w[i] = noise(seed + 1, (uint64_t)i);
  l->type = type_fixed(&l->arena, 3, true, 0.25, 0);
  l->moments = moments_new(&l->arena, TAPS);
  for (int r = 0; r < FRAMES; r += 20) {
    int rows = FRAMES - r < 20 ? FRAMES - r : 20;
    moments_add(&l->moments, rows, l->x + r * TAPS, l->y + r * TAPS, 1);
  }
}

// ---- the definition

// H of inputs from `first` on, damped as second_order.h says.
static void curvature(const struct layer *l, int first, double damping, double h[TAPS][TAPS]) {
  double mean = 0, all[TAPS][TAPS] = {{0}};
  for (int i = 0; i < TAPS; i++)
    for (int j = 0; j < TAPS; j++)
      for (int r = 0; r < FRAMES; r++)
        all[i][j] += l->x[r * TAPS + i] * l->x[r * TAPS + j] / FRAMES;
  for (int i = 0; i < TAPS; i++) mean += all[i][i] / TAPS;
  for (int i = first; i < TAPS; i++)
    for (int j = first; j < TAPS; j++)
      h[i - first][j - first] = all[i][j] + (i == j ? damping * mean + (all[i][i] == 0) : 0);
}

// Gauss and Jordan.
static void invert(int n, double h[TAPS][TAPS], double out[TAPS][TAPS]) {
  memset(out, 0, sizeof(double[TAPS][TAPS]));
  for (int i = 0; i < n; i++) out[i][i] = 1;
  for (int i = 0; i < n; i++) {
    double pivot = h[i][i];
    for (int j = 0; j < n; j++) {
      h[i][j] /= pivot;
      out[i][j] /= pivot;
    }
    for (int r = 0; r < n; r++) {
      double by = h[r][i];
      for (int j = 0; r != i && j < n; j++) {
        h[r][j] -= by * h[i][j];
        out[r][j] -= by * out[i][j];
      }
    }
  }
}

// Optimal brain surgery, input after input: the rounding error of the first of those that are left
// is taken back by the others as the inverse of their H says.
static void codes_ref(const struct layer *l, double damping, const bool *cut, int64_t *codes) {
  for (int o = 0; o < OUTS; o++) {
    double w[TAPS];
    memcpy(w, l->w + o * TAPS, sizeof w);
    for (int i = 0; i < TAPS; i++) {
      double h[TAPS][TAPS], inverse[TAPS][TAPS];
      curvature(l, i, damping, h);
      invert(TAPS - i, h, inverse);
      int64_t code = cut && cut[o * TAPS + i] ? 0 : type_encode(&l->type, w[i]);
      double error = (w[i] - type_value(&l->type, 0, code)) / inverse[0][0];
      for (int j = i + 1; j < TAPS; j++) w[j] -= error * inverse[0][j - i];
      codes[o * TAPS + i] = code;
    }
  }
}

static double output_error(const struct layer *l, const int64_t *codes) {
  double sum = 0;
  for (int o = 0; o < OUTS; o++)
    for (int r = 0; r < FRAMES; r++) {
      double e = 0;
      for (int i = 0; i < TAPS; i++)
        e += (l->w[o * TAPS + i] - 0.25 * (double)codes[o * TAPS + i]) * l->x[r * TAPS + i];
      sum += e * e;
    }
  return sum;
}

static int differing(const int64_t *a, const int64_t *b) {
  int n = 0;
  for (int i = 0; i < OUTS * TAPS; i++) n += a[i] != b[i];
  return n;
}

static void test_codes(void **state) {
  (void)state;
  double gained = 0;
  int other = 0;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct layer l;
    int64_t found[OUTS * TAPS], expected[OUTS * TAPS], nearest[OUTS * TAPS], wrong[OUTS * TAPS];
    bool cut[OUTS * TAPS] = {false};
    make(&l, seed);
    for (int i = 0; i < OUTS * TAPS; i++) cut[i] = seed % 2 && noise(seed + 2, (uint64_t)i) > 0.4;
    const double *factor = second_order_factor(&l.arena, &l.moments, 0.01);
    second_order_codes(factor, TAPS, &l.type, NULL, 0, OUTS, l.w, cut, found, 1);
    codes_ref(&l, 0.01, cut, expected);
    assert_int_equal(differing(found, expected), 0);
    codes_ref(&l, 3, cut, wrong); // another H is noticed
    other += differing(found, wrong);
    for (int i = 0; i < OUTS * TAPS; i++) {
      nearest[i] = cut[i] ? 0 : type_encode(&l.type, l.w[i]);
      if (cut[i]) assert_int_equal(found[i], 0);
    }
    gained += output_error(&l, nearest) / output_error(&l, found);
    arena_free(&l.arena);
  }
  assert_true(gained / 40 > 1.5); // seen: 2.6
  assert_true(other > 0);
}

// Any number of threads, the same bits; enough work to be shared.
static void test_threads(void **state) {
  (void)state;
  enum { WIDE = 300, MANY = 800 };
  struct arena a = {0};
  struct moments m[2];
  double *x = ARENA_NEW(&a, double, MANY *WIDE), *y = ARENA_NEW(&a, double, MANY *WIDE);
  int64_t *codes[2];
  struct type t = type_fixed(&a, 4, true, 0.125, 0);
  for (int64_t i = 0; i < MANY * WIDE; i++) {
    x[i] = rint(20 * noise(1, (uint64_t)i));
    y[i] = x[i] + noise(2, (uint64_t)i);
  }
  for (int k = 0; k < 2; k++) {
    m[k] = moments_new(&a, WIDE);
    codes[k] = ARENA_NEW(&a, int64_t, MANY * WIDE);
    moments_add(&m[k], MANY, x, y, k ? 3 : 1);
    const double *factor = second_order_factor(&a, &m[k], 0.01);
    second_order_codes(factor, WIDE, &t, NULL, 0, MANY, y, NULL, codes[k], k ? 3 : 1);
  }
  assert_memory_equal(m[0].square, m[1].square, WIDE * WIDE * sizeof(double));
  assert_memory_equal(m[0].cross, m[1].cross, WIDE * WIDE * sizeof(double));
  assert_memory_equal(codes[0], codes[1], MANY * WIDE * sizeof(int64_t));
  arena_free(&a);
}

// Where the integers say what the float model has, weights stay; where they say less, they are what
// least squares give.
static void test_fit(void **state) {
  (void)state;
  struct layer l;
  make(&l, 9);
  double fitted[OUTS * TAPS], h[TAPS][TAPS], inverse[TAPS][TAPS];
  for (int i = 0; i < FRAMES * TAPS; i++) l.y[i] = 0.125 * l.x[i];
  struct moments same = moments_new(&l.arena, TAPS);
  moments_add(&same, FRAMES, l.x, l.y, 1);
  memcpy(fitted, l.w, sizeof fitted);
  second_order_fit(&same, 0.125, OUTS, fitted);
  for (int i = 0; i < OUTS * TAPS; i++) assert_true(fabs(fitted[i] - l.w[i]) < 1e-9);

  double damping = 0.01 + (double)TAPS / FRAMES, mean = 0;
  memcpy(fitted, l.w, sizeof fitted);
  second_order_fit(&l.moments, 0.125, OUTS, fitted);
  curvature(&l, 0, damping, h);
  for (int i = 0; i < TAPS; i++) mean += moments_mean_square(&l.moments, i) / TAPS;
  invert(TAPS, h, inverse);
  for (int o = 0; o < OUTS; o++)
    for (int j = 0; j < TAPS; j++) {
      double expected = 0;
      for (int k = 0; k < TAPS; k++) {
        double c = (damping * mean + (k == 3)) * l.w[o * TAPS + k];
        for (int i = 0; i < TAPS; i++)
          c += l.w[o * TAPS + i] * l.moments.cross[i * TAPS + k] / FRAMES / 0.125;
        expected += c * inverse[k][j];
      }
      assert_true(fabs(fitted[o * TAPS + j] - expected) < 1e-9);
    }
  arena_free(&l.arena);
}

// ---- scales

static double error_at(const float *v, int n, double scale, double lo, double hi) {
  double sum = 0;
  for (int i = 0; i < n; i++) {
    double e = (double)v[i] - scale * fmin(fmax(rint((double)v[i] / scale), lo), hi);
    sum += e * e;
  }
  return sum;
}

static void test_scales(void **state) {
  (void)state;
  enum { COUNT = 500 };
  float v[COUNT];
  for (uint64_t seed = 1; seed <= 20; seed++) {
    double most = 0;
    for (int i = 0; i < COUNT; i++) {
      double u = noise(seed, (uint64_t)i);
      v[i] = (float)(u * u * u * (double)seed);
      most = fmax(most, fabs((double)v[i]));
    }
    struct sample s = {v, COUNT, most, -8, 7};
    struct calibrate_how how = {.method = CALIBRATE_MSE, .percentile = 99};
    double pow2 = scale_of_sample(&s, &how);
    for (int e = -20; e < 6; e++)
      assert_true(error_at(v, COUNT, pow2, -8, 7) <=
                  error_at(v, COUNT, ldexp(1, e), -8, 7) * (1 + 1e-12));
    how.any_scale = true;
    double any = scale_of_sample(&s, &how);
    assert_true(error_at(v, COUNT, any, -8, 7) <= error_at(v, COUNT, most / 7, -8, 7));
    how.any_scale = false;
    how.method = CALIBRATE_MAX;
    double all = scale_of_sample(&s, &how);
    assert_true(rint(most / all) <= 7 && rint(most / (all / 2)) > 7);
    how.method = CALIBRATE_PERCENTILE;
    assert_true(scale_of_sample(&s, &how) <= all);
    how.method = CALIBRATE_ENTROPY;
    assert_true(scale_of_sample(&s, &how) <= all);
  }
  struct sample zero = {(float[]){0, 0}, 2, 0, -8, 7};
  assert_true(scale_of_sample(&zero, &(struct calibrate_how){.method = CALIBRATE_ENTROPY}) == 1);
}

// One value far out sets the scale of `max`, and not of what clips.
static void test_outlier(void **state) {
  (void)state;
  enum { COUNT = 4000 };
  static float v[COUNT];
  for (int i = 0; i < COUNT; i++) v[i] = (float)noise(3, (uint64_t)i);
  v[17] = 64;
  struct sample s = {v, COUNT, 64, -8, 7};
  for (int m = 0; m <= CALIBRATE_ENTROPY; m++) {
    struct calibrate_how how = {.method = (enum calibrate_method)m, .percentile = 99.9};
    double found = scale_of_sample(&s, &how);
    bool clips = m == CALIBRATE_PERCENTILE || m == CALIBRATE_ENTROPY;
    if (m == CALIBRATE_MAX) assert_true(found == 16);
    if (clips) assert_true(found <= 0.25);
  }
}

static void test_candidates(void **state) {
  (void)state;
  enum { COUNT = 1000 };
  static float v[COUNT];
  double to[SCALES_MOST];
  assert_int_equal(scale_weight_candidates(scale_covering(0.9, 7), 0.9 / 7, false, to), 5);
  for (int i = 0; i < 5; i++) assert_true(to[i] == ldexp(0.125, -i)); // 0.9 is 7 of 0.125
  assert_int_equal(scale_weight_candidates(1, 0.7 / 7, true, to), SCALES_MOST);
  assert_true(fabs(to[0] - 0.11) < 1e-12 && fabs(to[SCALES_MOST - 1] - 0.015) < 1e-12);
  for (int i = 1; i < SCALES_MOST; i++) assert_true(to[i] < to[i - 1]);
  for (int i = 0; i < COUNT; i++) v[i] = (float)((i * 7 % COUNT + 1) * (i % 2 ? 1 : -1));
  struct sample s = {v, COUNT, COUNT, -8, 7};
  struct calibrate_how how = {.method = CALIBRATE_PERCENTILE, .percentile = 99, .any_scale = true};
  assert_true(scale_of_sample(&s, &how) == 990.0 / 7);
  how.percentile = 100;
  assert_true(scale_of_sample(&s, &how) == 1000.0 / 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_codes),   cmocka_unit_test(test_threads),
      cmocka_unit_test(test_fit),     cmocka_unit_test(test_scales),
      cmocka_unit_test(test_outlier), cmocka_unit_test(test_candidates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
