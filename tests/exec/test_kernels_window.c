// SPDX-License-Identifier: Apache-2.0
// The float kernels of windows and activations, of every instruction set, against plain loops: the
// same bits, and nothing beyond what was asked for is written.
#include "sw/base/arena.h"
#include "sw/base/rng.h"
#include "sw/exec/kernels.h"
#include "sw/graph/curve.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 60, BEHIND = 3 };

static float *numbers(struct arena *a, struct rng *r, int64_t count) {
  float *list = ARENA_NEW(a, float, count);
  for (int64_t i = 0; i < count; i++) list[i] = (float)(rng_unit(r) * 2 - 1);
  return list;
}

// Small whole numbers, so that pools meet equal ones, some of them no numbers.
static float *levels(struct arena *a, struct rng *r, int64_t count) {
  float *list = ARENA_NEW(a, float, count);
  for (int64_t i = 0; i < count; i++)
    list[i] = rng_range(r, 0, 40) ? (float)rng_range(r, -2, 2) : NAN;
  return list;
}

static float *copied(struct arena *a, const float *list, int64_t count) {
  float *copy = ARENA_NEW(a, float, count);
  memcpy(copy, list, (size_t)count * sizeof *copy);
  return copy;
}

// Windows over one frame: their arrays, and how many floats x, y and w have.
struct layout {
  struct windows s;
  int64_t image, outputs, weights;
};

// Overlapping windows of up to 5 x 5 taps, of 1 to 40 channels.
static struct layout random_layout(struct arena *a, struct rng *r) {
  int64_t rows = rng_range(r, 1, 5), columns = rng_range(r, 1, 5), stride = rng_range(r, 1, 2);
  int64_t down = rng_range(r, 1, 5), along = rng_range(r, 1, 7), channels = rng_range(r, 1, 40);
  int64_t width = (along - 1) * stride + columns, height = (down - 1) * stride + rows;
  int64_t *pixel = ARENA_NEW(a, int64_t, down * along),
          *tap = ARENA_NEW(a, int64_t, rows * columns);
  for (int64_t i = 0; i < down * along; i++)
    pixel[i] = (i / along * width + i % along) * stride * channels;
  for (int64_t k = 0; k < rows * columns; k++)
    tap[k] = (k / columns * width + k % columns) * channels;
  struct layout l = {.s = {.pixels = down * along,
                           .taps = rows * columns,
                           .channels = channels,
                           .y_row = channels + rng_range(r, 0, 2),
                           .pixel = pixel,
                           .tap = tap},
                     .image = width * height * channels,
                     .weights = rows * columns * channels};
  l.outputs = l.s.pixels * l.s.y_row;
  return l;
}

static const float *at(const struct windows *s, const float *x, int64_t p, int64_t k, int64_t c) {
  return x + s->pixel[p] + s->tap[k] + c;
}

// ---- what each kernel is to do; `from`, `by` and `to` in the order of its arguments

typedef void action(const struct windows *s, const float *from, const float *by, float *to);

static void depthwise_ref(const struct windows *s, const float *x, const float *w, float *y) {
  for (int64_t p = 0; p < s->pixels; p++)
    for (int64_t c = 0; c < s->channels; c++) {
      float lane[16] = {0};
      for (int64_t k = 0; k < s->taps; k++)
        lane[k % 16] = fmaf(*at(s, x, p, k, c), w[k * s->channels + c], lane[k % 16]);
      for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
      y[p * s->y_row + c] = lane[0] + w[c]; // the first tap's weights are the biases too
    }
}

static void depthwise_dx_ref(const struct windows *s, const float *dy, const float *w, float *dx) {
  for (int64_t p = 0; p < s->pixels; p++)
    for (int64_t k = 0; k < s->taps; k++)
      for (int64_t c = 0; c < s->channels; c++)
        dx[s->pixel[p] + s->tap[k] + c] += fmaf(dy[p * s->y_row + c], w[k * s->channels + c], 0.0f);
}

static void depthwise_dw_ref(const struct windows *s, const float *dy, const float *x, float *dw) {
  for (int64_t k = 0; k < s->taps; k++)
    for (int64_t c = 0; c < s->channels; c++) {
      float sum = 0;
      for (int64_t p = 0; p < s->pixels; p++)
        sum = fmaf(dy[p * s->y_row + c], *at(s, x, p, k, c), sum);
      dw[k * s->channels + c] = sum;
    }
}

static int64_t largest(const struct windows *s, const float *x, int64_t p, int64_t c) {
  int64_t where = 0;
  for (int64_t k = 1; k < s->taps; k++)
    if (*at(s, x, p, k, c) > *at(s, x, p, where, c)) where = k;
  return where;
}

static void max_ref(const struct windows *s, const float *x, const float *unused, float *y) {
  (void)unused;
  for (int64_t p = 0; p < s->pixels; p++)
    for (int64_t c = 0; c < s->channels; c++)
      y[p * s->y_row + c] = *at(s, x, p, largest(s, x, p, c), c);
}

static void max_dx_ref(const struct windows *s, const float *dy, const float *x, float *dx) {
  for (int64_t p = 0; p < s->pixels; p++)
    for (int64_t c = 0; c < s->channels; c++)
      dx[s->pixel[p] + s->tap[largest(s, x, p, c)] + c] += dy[p * s->y_row + c];
}

static void sum_ref(const struct windows *s, const float *x, const float *unused, float *y) {
  (void)unused;
  for (int64_t p = 0; p < s->pixels; p++)
    for (int64_t c = 0; c < s->channels; c++)
      for (int64_t k = 0; k < s->taps; k++) y[p * s->y_row + c] += *at(s, x, p, k, c);
}

static void sum_dx_ref(const struct windows *s, const float *dy, const float *unused, float *dx) {
  (void)unused;
  for (int64_t p = 0; p < s->pixels; p++)
    for (int64_t k = 0; k < s->taps; k++)
      for (int64_t c = 0; c < s->channels; c++)
        dx[s->pixel[p] + s->tap[k] + c] += dy[p * s->y_row + c];
}

static const struct kernels *tried;

static void depthwise_tried(const struct windows *s, const float *x, const float *w, float *y) {
  tried->depthwise_real(s, x, w, w, y);
}

static void depthwise_dx_tried(const struct windows *s, const float *dy, const float *w,
                               float *dx) {
  tried->depthwise_dx(s, dy, w, dx);
}

static void depthwise_dw_tried(const struct windows *s, const float *dy, const float *x,
                               float *dw) {
  tried->depthwise_dw(s, dy, x, dw);
}

static void max_tried(const struct windows *s, const float *x, const float *unused, float *y) {
  (void)unused;
  tried->max_real(s, x, y);
}

static void max_dx_tried(const struct windows *s, const float *dy, const float *x, float *dx) {
  tried->max_dx(s, dy, x, dx);
}

static void sum_tried(const struct windows *s, const float *x, const float *unused, float *y) {
  (void)unused;
  tried->sum_real(s, x, y);
}

static void sum_dx_tried(const struct windows *s, const float *dy, const float *unused, float *dx) {
  (void)unused;
  tried->sum_dx(s, dy, dx);
}

// Whether two lists are the same bits, any NaN being one.
static bool same(const float *a, const float *b, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (memcmp(a + i, b + i, sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return false;
  return true;
}

static void test_windows(void **state) {
  (void)state;
  enum { IMAGE, OUTPUTS, WEIGHTS };
  static const struct {
    const char *name;
    action *ref, *kernel;
    int from, by, to;
  } rows[] = {{"depthwise_real", depthwise_ref, depthwise_tried, IMAGE, WEIGHTS, OUTPUTS},
              {"depthwise_dx", depthwise_dx_ref, depthwise_dx_tried, OUTPUTS, WEIGHTS, IMAGE},
              {"depthwise_dw", depthwise_dw_ref, depthwise_dw_tried, OUTPUTS, IMAGE, WEIGHTS},
              {"max_real", max_ref, max_tried, IMAGE, IMAGE, OUTPUTS},
              {"max_dx", max_dx_ref, max_dx_tried, OUTPUTS, IMAGE, IMAGE},
              {"sum_real", sum_ref, sum_tried, IMAGE, IMAGE, OUTPUTS},
              {"sum_dx", sum_dx_ref, sum_dx_tried, OUTPUTS, IMAGE, IMAGE}};
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct rng r = {5, 0};
  for (int round = 0; round < ROUNDS; round++)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      struct arena a = {0};
      struct layout l = random_layout(&a, &r);
      int64_t size[] = {l.image, l.outputs, l.weights}, room = size[rows[i].to] + BEHIND;
      bool pool = strncmp(rows[i].name, "max", 3) == 0;
      const float *from = (pool ? levels : numbers)(&a, &r, size[rows[i].from]);
      const float *by = (pool ? levels : numbers)(&a, &r, size[rows[i].by]);
      const float *before = numbers(&a, &r, room);
      float *expected = copied(&a, before, room);
      rows[i].ref(&l.s, from, by, expected);
      for (int v = 0; v < n; v++) {
        float *to = copied(&a, before, room);
        tried = list[v];
        rows[i].kernel(&l.s, from, by, to);
        if (!same(to, expected, room))
          fail_msg("%s %s: %d taps, %d channels", tried->name, rows[i].name, (int)l.s.taps,
                   (int)l.s.channels);
      }
      arena_free(&a);
    }
}

// Runs of 1 to 40 floats; of the short ones a block is read.
static void test_patches(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  struct rng r = {6, 0};
  for (int round = 0; round < ROUNDS; round++) {
    struct arena a = {0};
    struct layout l = random_layout(&a, &r);
    int64_t size = l.s.pixels * l.s.taps * l.s.channels, run = l.s.channels;
    const float *image = numbers(&a, &r, l.image + GATHER_BLOCK);
    const float *patches = numbers(&a, &r, size), *before = numbers(&a, &r, l.image + BEHIND);
    for (int v = 0; v < n; v++) {
      float *to = ARENA_NEW(&a, float, size + GATHER_BLOCK);
      list[v]->gather_real(l.s.pixels, l.s.pixel, l.s.taps, l.s.tap, run, image, to);
      for (int64_t i = 0; i < size; i++)
        assert_true(to[i] == *at(&l.s, image, i / run / l.s.taps, i / run % l.s.taps, i % run));
      float *sum = copied(&a, before, l.image + BEHIND);
      float *expected = copied(&a, before, l.image + BEHIND);
      list[v]->scatter_real(l.s.pixels, l.s.pixel, l.s.taps, l.s.tap, run, patches, sum);
      for (int64_t i = 0; i < size; i++)
        *(float *)at(&l.s, expected, i / run / l.s.taps, i / run % l.s.taps, i % run) += patches[i];
      if (!same(sum, expected, l.image + BEHIND)) fail_msg("%s: scatter_real", list[v]->name);
    }
    arena_free(&a);
  }
}

// ---- activations

static double relu_value(enum curve f, double alpha, double x) {
  (void)f;
  (void)alpha;
  return x > 0 ? x : 0;
}

static double relu_slope(enum curve f, double alpha, double x) {
  (void)f;
  (void)alpha;
  return x > 0;
}

static void check_curve(const char *name, const struct curve_kernels *k, enum curve f,
                        double (*value)(enum curve, double, double),
                        double (*slope)(enum curve, double, double)) {
  enum { COUNT = 1003 };
  static const float special[] = {0.0f, -0.0f, 0x1p-140f, -0x1p-130f, 0.175f, 0.17499999f, 19.99f,
                                  20,   -20,   88,        -89,        -104,   3e38f,       -3e38f};
  enum { SPECIAL = sizeof special / sizeof *special };
  float x[COUNT], dy[COUNT], y[COUNT], dx[COUNT];
  struct rng r = {7, 0};
  for (int i = 0; i < COUNT; i++) {
    x[i] = i < SPECIAL ? special[i] : (float)((rng_unit(&r) * 2 - 1) * (i % 2 ? 2 : 30));
    dy[i] = (float)(rng_unit(&r) * 2 - 1);
  }
  memcpy(dx, dy, sizeof dx);
  k->value(COUNT, x, y);
  k->dx(COUNT, x, dx, dx);
  for (int i = 0; i < COUNT; i++) {
    float expected = (float)value(f, 1, (double)x[i]);
    float gradient = (float)((double)dy[i] * slope(f, 1, (double)x[i]));
    if (y[i] != expected || dx[i] != gradient)
      fail_msg("%s(%a): %a, slope times %a: %a", name, (double)x[i], (double)y[i], (double)dy[i],
               (double)dx[i]);
  }
}

static void test_curves(void **state) {
  (void)state;
  const struct kernels *list[KERNELS_MAX];
  int n = kernels_list(list);
  for (int v = 0; v < n; v++) {
    check_curve("relu", &list[v]->relu, 0, relu_value, relu_slope);
    check_curve("tanh", &list[v]->tanh, CURVE_TANH, curve_real, curve_slope);
    check_curve("scaled_tanh", &list[v]->scaled_tanh, CURVE_SCALED_TANH, curve_real, curve_slope);
    check_curve("sigmoid", &list[v]->sigmoid, CURVE_SIGMOID, curve_real, curve_slope);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_windows), cmocka_unit_test(test_patches),
                                     cmocka_unit_test(test_curves)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
