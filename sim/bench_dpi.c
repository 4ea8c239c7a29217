// SPDX-License-Identifier: Apache-2.0
// What bench.sv imports through DPI-C. A simulator's process runs one bench, so that its state is
// one static object.
#include "sim/compare.h"

int bench_start(const char *path);
void bench_restart(void);
int bench_next(int input, uint32_t *data, unsigned char *last);
void bench_accepted(int input, long long cycle);
int bench_beat(int stream, long long cycle, const uint32_t *data, unsigned char last);
int bench_complete(void);
int bench_finish(long long cycle, unsigned char frame_error);

static struct compare *bench;

int bench_start(const char *path) {
  static struct arena arena;
  struct err e = {0};
  struct bench_job j;
  bench = bench_job_read(&arena, path, &j, &e) ? compare_new(&arena, &j, stdout, &e) : NULL;
  if (!bench) printf("FAIL %s\n", e.text);
  fflush(stdout);
  return bench != NULL;
}

void bench_restart(void) {
  compare_restart(bench);
}

int bench_next(int input, uint32_t *data, unsigned char *last) {
  bool end = false;
  bool more = compare_next(bench, (uint32_t)input, data, &end);
  *last = end;
  return more;
}

void bench_accepted(int input, long long cycle) {
  compare_accepted(bench, (uint32_t)input, cycle);
}

int bench_beat(int stream, long long cycle, const uint32_t *data, unsigned char last) {
  return compare_beat(bench, (uint32_t)stream, cycle, data, last);
}

int bench_complete(void) {
  return compare_complete(bench);
}

int bench_finish(long long cycle, unsigned char frame_error) {
  return compare_finish(bench, cycle, frame_error);
}
