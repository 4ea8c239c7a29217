// SPDX-License-Identifier: Apache-2.0
// Milliseconds for the steps of second order at so many inputs, outputs and images: moments, beside
// the plain sum of products, the factor, codes.
//
//   bench_calibrate INPUTS OUTPUTS IMAGES
#include "quant/second_order.h"
#include "sw/base/clock.h"
#include "sw/base/rng.h"

#include <stdio.h>
#include <stdlib.h>

// One product after the other.
static double moments_ref(int64_t rows, int64_t taps, const double *x, double *square) {
  for (int64_t i = 0; i < taps; i++)
    for (int64_t j = i; j < taps; j++)
      for (int64_t r = 0; r < rows; r++) square[i * taps + j] += x[r * taps + i] * x[r * taps + j];
  return square[taps - 1];
}

static double ms(double *since) {
  double now = clock_seconds(), passed = (now - *since) * 1e3;
  *since = now;
  return passed;
}

int main(int argc, char **argv) {
  struct arena a = {0};
  if (argc != 4) return 2;
  int64_t taps = atoll(argv[1]), outs = atoll(argv[2]), rows = atoll(argv[3]);
  double *x = ARENA_NEW(&a, double, rows *taps), *w = ARENA_NEW(&a, double, outs *taps),
         *square = ARENA_NEW(&a, double, taps *taps);
  int64_t *codes = ARENA_NEW(&a, int64_t, outs * taps);
  for (int64_t i = 0; i < rows * taps; i++) // half of them 0, as behind relu
    x[i] = (double)(rng_at(1, 1, (uint64_t)i) % 31 < 16 ? 0 : rng_at(1, 2, (uint64_t)i) % 16);
  for (int64_t i = 0; i < outs * taps; i++)
    w[i] = (double)(rng_at(1, 3, (uint64_t)i) >> 11) * 0x1p-53 - 0.5;
  struct type t = type_fixed(&a, 4, true, 0.0625, 0);
  struct moments m = moments_new(&a, taps);
  double at = clock_seconds();
  double sum = moments_ref(rows, taps, x, square), plain = ms(&at);
  moments_add(&m, rows, x, NULL, 1);
  double fast = ms(&at);
  const double *factor = second_order_factor(&a, &m, 0.01);
  double inverse = ms(&at);
  second_order_codes(factor, taps, &t, NULL, 0, outs, w, NULL, codes, 1);
  double rounding = ms(&at);
  if (sum != m.square[taps - 1]) return 1;
  printf("%.1f %.1f %.1f %.1f\n", plain, fast, inverse, rounding);
  arena_free(&a);
  return 0;
}
