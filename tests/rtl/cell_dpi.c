// SPDX-License-Identifier: Apache-2.0
// What the bench imports: inputs and expected outputs of the suite that bench_suite names.
#include <stdlib.h>

#include "tests/rtl/cell.h"

void bench_suite(const char *name);
int64_t bench_input(int id, int frame, int element);
int64_t bench_expected(int id, int frame, int element);

static struct suite suite;

void bench_suite(const char *name) {
  if (suite.count == 0) suite_build(&suite, name);
}

int64_t bench_input(int id, int frame, int element) {
  const struct cell *c = &suite.cell[id];
  return (int64_t)c->input(c, frame, element);
}

int64_t bench_expected(int id, int frame, int element) {
  const struct cell *c = &suite.cell[id];
  return (int64_t)c->expected(c, frame, element);
}
