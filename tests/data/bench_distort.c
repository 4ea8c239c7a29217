// SPDX-License-Identifier: Apache-2.0
// Images per second that are distorted, of 28 x 28 pixels, by one thread: bench_distort WORDS.
#include "sw/base/clock.h"
#include "sw/data/distort.h"
#include "sw/data/synthetic.h"

#include <stdio.h>

enum { SIDE = SYNTHETIC_SIDE, PIXELS = SIDE * SIDE, IMAGES = 20000 };

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  struct distort d;
  uint8_t digit[PIXELS];
  float x[PIXELS], y[PIXELS], background = 0;
  if (!distort_parse(argc > 1 ? argv[1] : "", &d, &e)) {
    err_print(stderr, &e);
    return 1;
  }
  struct distorter *t = distorter_new(&a, &d, SIDE, SIDE, 1, &background);
  float *work = ARENA_NEW(&a, float, distorter_work(t));
  synthetic_digit(1, 0, digit);
  for (int i = 0; i < PIXELS; i++) x[i] = (float)digit[i];
  double begin = clock_seconds();
  for (int i = 0; i < IMAGES; i++) distorter_image(t, 1, 0, i, x, y, work);
  printf("%.0f\n", IMAGES / (clock_seconds() - begin));
  arena_free(&a);
  return 0;
}
