// SPDX-License-Identifier: Apache-2.0
// Many circuits in one simulation: each has its folder, its vectors and its bench; they share the
// library and one Verilator build, and take turns (+turn=N of gen/bench/bench_clock.sv).
#ifndef NNGEN_TESTS_HELPER_BATCH_H
#define NNGEN_TESTS_HELPER_BATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gen/emit_bench.h"
#include "gen/folder.h"

struct batch {
  struct arena arena;
  const char *dir; // scratch; circuit i is in <dir>/n<i>
  int count;
};

void batch_new(struct batch *b, const char *dir);
void batch_free(struct batch *b);

// Writes circuit number b->count with the vectors of these frames, (BENCH_FRAMES, elements).
// p->top must be batch_name(b, b->count).
void batch_add(struct batch *b, const struct circuit *p, const int32_t *frames);
const char *batch_name(struct batch *b, int i);

// Compiles all. A tool that fails is a failure of the test.
void batch_build(struct batch *b);

// Runs circuit i in Verilator, in Icarus, or as yosys reads it; NULL if every element is equal, or
// the bench's words. `elements`, if not NULL, grows by what was compared.
const char *batch_run(struct batch *b, int i, const char *arguments, int64_t *elements);
const char *batch_icarus(struct batch *b, int i, const char *arguments);
const char *batch_netlist(struct batch *b, int i);

// NULL if Verilator -Wall, Icarus -Wall and, if wanted, yosys check -assert are silent, or what
// they say. Always NULL with NNGEN_TEST_NO_LINT in the environment.
const char *batch_lint(struct batch *b, int i, bool yosys);

#endif
