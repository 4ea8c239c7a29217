// SPDX-License-Identifier: Apache-2.0
// Milliseconds of a replay of a training step of 155 operators in a mode, or, without one, of
// reading its file: the median of nine.
#include "sw/base/clock.h"
#include "sw/plan/replay.h"

#include <stdlib.h>
#include <string.h>

enum { RUNS = 9 };
#define PLAN "tests/plan/fixtures/mcunet-320kb.json"

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *seconds) {
  qsort(seconds, RUNS, sizeof *seconds, by_value);
  return seconds[RUNS / 2];
}

static double read_time(struct err *e) {
  double seconds[RUNS];
  for (int k = 0; k < RUNS; k++) {
    struct arena a = {0};
    struct replay_file f;
    double begin = clock_seconds();
    bool ok = replay_read(&a, PLAN, &f, e);
    seconds[k] = clock_seconds() - begin;
    arena_free(&a);
    if (!ok) return -1;
  }
  return median(seconds);
}

static double play_time(const struct replay_plan *p, const struct replay_mode *m, struct err *e) {
  double seconds[RUNS];
  for (int k = 0; k < RUNS; k++) {
    struct arena a = {0};
    struct replay_result r;
    double begin = clock_seconds();
    bool ok = replay_run(&a, p, m, &r, e);
    seconds[k] = clock_seconds() - begin;
    arena_free(&a);
    if (!ok || r.refused) return -1;
  }
  return median(seconds);
}

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  struct replay_file f;
  double seconds = -1;
  if (argc < 2) {
    seconds = read_time(&e);
  } else if (replay_read(&a, PLAN, &f, &e)) {
    for (int m = 0; m < REPLAY_MODES; m++)
      if (strcmp(replay_modes[m].name, argv[1]) == 0)
        seconds = play_time(f.plans, &replay_modes[m], &e);
  }
  arena_free(&a);
  if (seconds < 0) {
    err_print(stderr, &e);
    return 1;
  }
  printf("%.3f\n", seconds * 1e3);
  return 0;
}
