// SPDX-License-Identifier: Apache-2.0
// 784-128-10 by neurons, 102,426 edges, on 256 nodes of a topology: milliseconds of scheduling, or
// with `check` million events a second of the checker, the median of nine; with `worst` the largest
// length / bound of 1 to 256 nodes, with `period` the same of every 15th in periods.
#include "quant/quantize.h"
#include "sw/base/clock.h"
#include "sw/graph/model.h"
#include "sw/plan/schedule_check.h"

#include <stdlib.h>
#include <string.h>

enum { RUNS = 9, NODES = 256 };

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static const struct actors *neurons(struct arena *a, struct err *e) {
  struct formats f = formats_new();
  if (!formats_set_stream(a, &f.defaults, "8,3", e)) return NULL;
  struct graph *real = model_read(a, "models/mnist-mlp.bin", e);
  struct graph *g = real ? quantize(a, real, &f, e) : NULL;
  return g ? actors_of(a, g, 1, 8, e) : NULL;
}

static double speed(const struct actors *v, enum topology_kind kind, bool check, struct err *e) {
  double seconds[RUNS], events = 0;
  for (int k = 0; k < RUNS; k++) {
    struct arena a = {0};
    const struct node_machine m = {topology_new(&a, kind, NODES), 1, 8, 1};
    double begin = clock_seconds();
    const struct schedule *s = schedule_make(&a, v, &m, e);
    if (!s) return -1;
    if (check) begin = clock_seconds();
    if (check && schedule_check(&a, s).count) return -1;
    seconds[k] = clock_seconds() - begin;
    events = s->n_hops + v->n_actors;
    arena_free(&a);
  }
  qsort(seconds, RUNS, sizeof *seconds, by_value);
  return check ? events / seconds[RUNS / 2] / 1e6 : seconds[RUNS / 2] * 1e3;
}

static double worst(const struct actors *v, enum topology_kind kind, bool period, struct err *e) {
  double most = 0;
  for (uint32_t nodes = 1; nodes <= NODES; nodes += period ? 15 : 1) {
    struct arena a = {0};
    const struct node_machine m = {topology_new(&a, kind, nodes), 1, 8, 1};
    const struct schedule *s =
        period ? schedule_make_period(&a, v, &m, e) : schedule_make(&a, v, &m, e);
    if (!s || schedule_check(&a, s).count) return -1;
    double ratio = period ? (double)s->period / (double)schedule_period_bounds(v, &m).most
                          : (double)s->length / (double)schedule_bounds(v, &m).most;
    if (ratio > most) most = ratio;
    arena_free(&a);
  }
  return most;
}

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  int kind = argc > 1 ? topology_find(argv[1]) : TOPOLOGY_FULL;
  const struct actors *v = neurons(&a, &e);
  bool period = argc > 2 && strcmp(argv[2], "period") == 0;
  bool ratio = period || (argc > 2 && strcmp(argv[2], "worst") == 0);
  double figure = -1;
  if (v && kind >= 0 && ratio)
    figure = worst(v, (enum topology_kind)kind, period, &e);
  else if (v && kind >= 0)
    figure = speed(v, (enum topology_kind)kind, argc > 2, &e);
  arena_free(&a);
  if (figure < 0) {
    err_print(stderr, &e);
    return 1;
  }
  printf("%.4f\n", figure);
  return 0;
}
