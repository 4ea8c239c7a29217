// SPDX-License-Identifier: Apache-2.0
#include "sw/data/measure.h"

#include "sw/graph/fix.h"

#include <math.h>

// ---- bytes

static void measure_bytes(const struct images *set, int64_t count, int64_t channels, int64_t c,
                          double *mean, double *std) {
  int64_t seen[256] = {0}, n = count * set->elements / channels, sum = 0, squares = 0;
  for (int64_t i = c; i < count * set->elements; i += channels) seen[set->pixels[i]]++;
  for (int p = 0; p < 256; p++) {
    sum += seen[p] * p;
    squares += seen[p] * p * p;
  }
  fix_wide spread = (fix_wide)n * squares - (fix_wide)sum * sum;
  *mean = (double)sum / (255.0 * (double)n);
  *std = sqrt((double)spread) / (255.0 * (double)n);
}

// ---- numbers

struct sum {
  double total, lost;
};

static void add(struct sum *s, double x) {
  double total = s->total + x;
  s->lost += fabs(s->total) >= fabs(x) ? (s->total - total) + x : (x - total) + s->total;
  s->total = total;
}

static void measure_numbers(const struct images *set, int64_t count, int64_t channels, int64_t c,
                            double *mean, double *std) {
  double n = (double)(count * set->elements / channels);
  struct sum sum = {0, 0}, squares = {0, 0};
  for (int64_t i = c; i < count * set->elements; i += channels) add(&sum, images_real(set, i));
  *mean = (sum.total + sum.lost) / n;
  for (int64_t i = c; i < count * set->elements; i += channels) {
    double d = images_real(set, i) - *mean;
    add(&squares, d * d);
  }
  *std = sqrt((squares.total + squares.lost) / n);
}

void images_measure(const struct images *set, int64_t count, int64_t channels, double *mean,
                    double *std) {
  for (int64_t c = 0; c < channels; c++)
    (set->pixels ? measure_bytes : measure_numbers)(set, count, channels, c, mean + c, std + c);
}
