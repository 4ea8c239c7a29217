// SPDX-License-Identifier: Apache-2.0
// Two generated circuits in one simulation, the library compiled once: both compute their own
// vectors, and a fault in one is a fault of that one.
#include "gen/folder.h"
#include "tests/cmd/helper_shell.h"
#include "tests/sim/helper_bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The list of both folders' files, as docs/rtl.md shows it.
#define BOTH                                                                                       \
  "cd $OUT; (sed 's|^|first/|' first/first.f; sed 's|^|second/|' second/second.f) |"               \
  " awk -F/ '!seen[$NF]++' > both.f; "
#define HELPERS                                                                                    \
  "$RTL/gen/bench/bench_clock.sv $RTL/gen/bench/bench_stall.sv $RTL/gen/bench/bench_protocol.sv"   \
  " $RTL/gen/bench/bench_sink.sv $RTL/gen/bench/vector_source.sv $RTL/gen/bench/vector_tap.sv "
#define BENCH "$RTL/tests/two_networks.sv " HELPERS
#define ICARUS                                                                                     \
  BOTH "iverilog -g2012 -s two_networks -o both.vvp " BENCH "-c both.f && vvp -N both.vvp"
#define VERILATOR                                                                                  \
  BOTH "OBJCACHE=ccache verilator --binary --timing -fno-const-bit-op-tree -Wno-fatal -Wno-lint"   \
       " -Wno-style -MAKEFLAGS -s --top-module two_networks --Mdir obj -o ../both " BENCH          \
       "-f both.f >log && ./both"
#define STALLS " +stall_in=4 +stall_out=5"

static void put(struct arena *a, struct graph *g, const char *name, int64_t lanes,
                enum rom_style style, const char *dir) {
  struct folding f = {.parallelism = lanes};
  struct err e = {0};
  struct circuit *p = circuit_build(a, g, name, &f, &e);
  if (p) p->rom_style = style;
  if (!p || !folder_write(p, arena_printf(a, "%s/%s", dir, name), &(struct folder_content){0}, &e))
    fail_msg("%s", e.text);
}

static void new_pair(struct bench *b, enum rom_style style) {
  char *dir = arena_strdup(&b->arena, "/tmp/nngen-test-two-XXXXXX");
  assert_non_null(mkdtemp(dir));
  b->dir = dir;
  put(&b->arena, bench_network_of(&b->arena, 8, 7, 5), "first", 3, style, dir);
  put(&b->arena, bench_network_of(&b->arena, 4, 19, 11), "second", 2, style, dir);
}

static void expect(struct bench *b, const char *line, int status, const char *words) {
  char here[4096];
  assert_non_null(getcwd(here, sizeof here));
  shell_expect(&b->arena, here, b->dir, line, status, words);
}

static void test_icarus(void **state) {
  struct bench b = {0};
  (void)state;
  new_pair(&b, ROM_FILE);
  expect(&b, ICARUS, 0, "first: equal, second: equal");
  expect(&b, ICARUS STALLS, 0, "first: equal, second: equal");
  bench_free(&b);
}

static void test_verilator(void **state) {
  struct bench b = {0};
  (void)state;
  new_pair(&b, ROM_FILE);
  expect(&b, VERILATOR, 0, "first: equal, second: equal");
  expect(&b, "cd $OUT; ./both" STALLS, 0, "first: equal, second: equal");
  bench_free(&b);
}

// Images in the text: no ROM_DIR, modules from the top to the images under each circuit's name.
static void test_case_style(void **state) {
  struct bench b = {0};
  (void)state;
  new_pair(&b, ROM_CASE);
  expect(&b,
         "sed 's/#(.ROM_DIR({DIR.*rom\"})) //' $RTL/tests/two_networks.sv >$OUT/bench.sv; " BOTH
         "iverilog -g2012 -s two_networks -o both.vvp bench.sv " HELPERS "-c both.f &&"
         " vvp -N both.vvp",
         0, "first: equal, second: equal");
  bench_free(&b);
}

// One weight of one circuit.
static void test_fault_of_one(void **state) {
  static const char *const words[] = {"first: different, second: equal",
                                      "first: equal, second: different"};
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct bench b = {0};
    new_pair(&b, ROM_FILE);
    const char *rom =
        arena_printf(&b.arena, "$OUT/%s/rom/l2_weight_000_000.mem", i ? "second" : "first");
    expect(&b, arena_printf(&b.arena, "sed -i '1s/^./7/;1s/.$/3/' %s", rom), 0, "");
    // the image is known not to be its own; without that, its circuit computes something else
    expect(&b, ICARUS, 1, "isn't the memory image that the circuit was generated with");
    expect(&b, "sed -i '/rom_check/d' $OUT/first/first.sv $OUT/second/second.sv", 0, "");
    expect(&b, ICARUS, 1, words[i]);
    bench_free(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_icarus), cmocka_unit_test(test_verilator),
      cmocka_unit_test(test_case_style), cmocka_unit_test(test_fault_of_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
