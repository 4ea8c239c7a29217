// SPDX-License-Identifier: Apache-2.0
// Milliseconds that it takes to plan the circuit of a recipe's network at 8,3 for a pace, weights
// as they are drawn: lanes, places of all queues and rings, II and latency.
//
//   bench_planner MODELS/NAME.json CYCLES
#include "quant/quantize.h"
#include "sw/base/clock.h"
#include "sw/base/file.h"
#include "sw/circuit/meet.h"
#include "sw/train/recipe.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECIPE_MAX = 1 << 20 };

static const struct graph *network(struct arena *a, const char *path, struct err *e) {
  struct bytes text;
  struct recipe r;
  struct formats f = formats_new();
  if (!formats_set_stream(a, &f.defaults, "8,3", e) || !file_read(a, path, RECIPE_MAX, &text, e) ||
      !recipe_parse(a, (const char *)text.data, text.size, 1, &r, e))
    return NULL;
  return quantize(a, r.model, &f, e);
}

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  struct lane_plan plan;
  if (argc != 3) return 2;
  const struct graph *g = network(&a, argv[1], &e);
  double begin = clock_seconds();
  struct target t = {.cycles = strtoll(argv[2], NULL, 10)};
  if (!g || !circuit_meet(&a, g, "top", &t, &plan, &e)) {
    err_print(stderr, &e);
    return 1;
  }
  printf("%.3f\n", (clock_seconds() - begin) * 1e3);
  arena_free(&a);
  return 0;
}
