// SPDX-License-Identifier: Apache-2.0
#include "quant/scale.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXPONENT_MIN = -60, EXPONENT_MAX = 32, STREAM_POWERS = 8, WEIGHT_POWERS = 5, BINS = 2048 };
static const double entropy_cut = 0.01;

double scale_covering(double most, int64_t hi) {
  int e = EXPONENT_MIN;
  while (e < EXPONENT_MAX && rint(ldexp(most, -e)) > (double)hi) e++;
  return ldexp(1, e);
}

// ---- squared error

static double squared_error(const struct sample *s, double scale) {
  double sum = 0, inverse = 1 / scale, lo = (double)s->lo, hi = (double)s->hi;
  for (int64_t i = 0; i < s->count; i++) {
    double code = fmin(fmax(rint(s->values[i] * inverse), lo), hi);
    double error = s->values[i] - code * scale;
    sum += error * error;
  }
  return sum;
}

static int stream_candidates(const struct sample *s, bool any, double to[SCALES_MOST]) {
  double least = 0.05;
  if (!any) {
    double first = scale_covering(s->most, s->hi);
    for (int i = 0; i < STREAM_POWERS; i++) to[i] = ldexp(first, -i);
    return STREAM_POWERS;
  }
  for (int i = 0; i < SCALES_MOST; i++)
    to[i] = s->most / (double)s->hi * (1 - (1 - least) * i / (SCALES_MOST - 1));
  return SCALES_MOST;
}

int scale_weight_candidates(double covering, double nearest, bool any, double to[SCALES_MOST]) {
  double least = 0.15, largest = 1.1;
  if (!any) {
    for (int i = 0; i < WEIGHT_POWERS; i++) to[i] = ldexp(covering, -i);
    return WEIGHT_POWERS;
  }
  for (int i = 0; i < SCALES_MOST; i++)
    to[i] = nearest * (largest - (largest - least) * i / (SCALES_MOST - 1));
  return SCALES_MOST;
}

static double least_error(const struct sample *s, bool any) {
  double scale[SCALES_MOST], best = scale_covering(s->most, s->hi), least = INFINITY;
  int count = stream_candidates(s, any, scale);
  for (int i = 0; i < count; i++) {
    double error = squared_error(s, scale[i]);
    if (!(error < least)) continue;
    least = error;
    best = scale[i];
  }
  return best;
}

// ---- percentile

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

// So many % of all |values| are at most this.
static double percentile_of(const struct sample *s, double percentile) {
  struct arena a = {0};
  float *sorted = ARENA_NEW(&a, float, s->count);
  for (int64_t i = 0; i < s->count; i++) sorted[i] = fabsf(s->values[i]);
  qsort(sorted, (size_t)s->count, sizeof *sorted, by_value);
  int64_t at = (int64_t)ceil(percentile / 100 * (double)s->count) - 1;
  double value = sorted[at < 0 ? 0 : at];
  arena_free(&a);
  return value;
}

// ---- entropy

// The divergence of |values| cut off at bin `end` from the same in `levels` equal steps: each
// step's count spread over those of its bins that hold any. Migacz: 8-bit inference with TensorRT
// (2017).
static double divergence(const double bin[BINS], int end, int levels) {
  double p[BINS], q[BINS] = {0}, all_p = 0, all_q = 0, sum = 0;
  memcpy(p, bin, sizeof p);
  for (int i = end; i < BINS; i++) p[end - 1] += bin[i];
  for (int k = 0; k < levels; k++) {
    int from = end * k / levels, to = end * (k + 1) / levels, held = 0;
    double count = 0;
    for (int i = from; i < to; i++) {
      count += bin[i];
      held += bin[i] > 0;
    }
    for (int i = from; i < to; i++)
      if (p[i] > 0) q[i] = bin[i] > 0 ? count / held : 0.5; // there only by being cut off
  }
  for (int i = 0; i < end; i++) {
    all_p += p[i];
    all_q += q[i];
  }
  for (int i = 0; i < end; i++)
    if (p[i] > 0) sum += p[i] / all_p * log(p[i] / all_p * all_q / q[i]);
  return sum;
}

// Of few levels the least divergence may be where most values are cut off: at most 1 % are.
static int first_end(const double bin[BINS], int levels) {
  double all = 0, beyond = 0;
  int end = BINS;
  for (int i = 0; i < BINS; i++) all += bin[i];
  while (end > levels && (beyond += bin[end - 1]) <= entropy_cut * all) end--;
  return end;
}

static double entropy_most(const struct sample *s, bool any) {
  double bin[BINS] = {0}, least = INFINITY, best = s->most;
  int levels = (int)(s->hi < BINS ? s->hi + 1 : BINS);
  for (int64_t i = 0; i < s->count; i++) {
    int at = (int)(fabs((double)s->values[i]) / s->most * BINS);
    if (s->values[i] != 0) bin[at < BINS ? at : BINS - 1]++;
  }
  double cover = scale_covering(s->most, s->hi) * (double)s->hi;
  for (int i = first_end(bin, levels); i <= BINS; i++) {
    double most = s->most * i / BINS, before = s->most * (i - 1) / BINS;
    bool ends = i == BINS; // the range of a power of two ends in this bin
    for (double c = cover; !ends && c > before; c /= 2) ends = c <= most;
    if (!any && !ends) continue;
    double d = divergence(bin, i, levels);
    if (d >= least) continue;
    least = d;
    best = most;
  }
  return best;
}

// The power of two whose range ends nearest to it.
static double nearest_power(double most, int64_t hi) {
  double up = scale_covering(most, hi), end = up * (double)hi;
  return most / (end / 2) < end / most ? up / 2 : up;
}

double scale_of_sample(const struct sample *s, const struct calibrate_how *how) {
  double most = s->most;
  if (!(most > 0)) return 1;
  switch (how->method) {
  case CALIBRATE_GPTQ:
  case CALIBRATE_MSE:
    return least_error(s, how->any_scale);
  case CALIBRATE_PERCENTILE:
    most = percentile_of(s, how->percentile);
    if (!(most > 0)) most = s->most;
    break;
  case CALIBRATE_ENTROPY:
    most = entropy_most(s, how->any_scale);
    if (!how->any_scale) return nearest_power(most, s->hi);
    break;
  case CALIBRATE_MAX:
    break;
  }
  return how->any_scale ? fmax(most / (double)s->hi, DBL_MIN) : scale_covering(most, s->hi);
}
