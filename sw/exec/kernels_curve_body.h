// SPDX-License-Identifier: Apache-2.0
// Curves and their slopes as curve.h has them, compiled once per instruction set: loops that the
// compiler makes into vectors of doubles. What is read may be what is written, element by element.

#include "sw/base/elementary_inline.h"

static void relu(int64_t count, const float *x, float *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

static void relu_dx(int64_t count, const float *x, const float *dy, float *dx) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

static void tanh_real(int64_t count, const float *x, float *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) y[i] = (float)tanh_inline((double)x[i]);
}

static void scaled_tanh_real(int64_t count, const float *x, float *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) y[i] = (float)(1.7159 * tanh_inline(2 * (double)x[i] / 3));
}

// 1 / cosh(x)^2
ELEMENTARY sech2_inline(double x) {
  double w = exp_inline(-2 * fabs(x));
  return 4 * w / ((1 + w) * (1 + w));
}

static void tanh_dx(int64_t count, const float *x, const float *dy, float *dx) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) dx[i] = (float)((double)dy[i] * sech2_inline((double)x[i]));
}

static void scaled_tanh_dx(int64_t count, const float *x, const float *dy, float *dx) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++)
    dx[i] = (float)((double)dy[i] * (1.7159 * 2 / 3 * sech2_inline(2 * (double)x[i] / 3)));
}

ELEMENTARY sigmoid_inline(double x) {
  double e = exp_inline(-fabs(x)), over = x >= 0 ? 1 : e;
  return over / (1 + e);
}

static void sigmoid_real(int64_t count, const float *x, float *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) y[i] = (float)sigmoid_inline((double)x[i]);
}

static void sigmoid_dx(int64_t count, const float *x, const float *dy, float *dx) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) {
    double e = exp_inline(-fabs((double)x[i])), slope = 1 / (1 + e) * (e / (1 + e));
    dx[i] = (float)((double)dy[i] * slope);
  }
}
