// SPDX-License-Identifier: Apache-2.0
// The simulation room: right circuits pass in both simulators under every stall pattern; builds are
// kept; waveforms hold what their save files name; a user's error has its message.
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/circuit/facts.h"
#include "tests/net/helper_netgen.h"
#include "tests/sim/helper_bench.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES = 70, FEW = 5, SEEDS = 6 };

// In depth all of them, otherwise every so many.
static int every(int quick) {
  return getenv("NNGEN_TEST_DEEP") ? 1 : quick;
}

static void all_stalls(struct bench *b) {
  for (int in = 0; in < STALL_PATTERNS; in += every(2)) {
    b->job.stall_in = in;
    b->job.stall_out = (in * 3) % STALL_PATTERNS;
    bench_passes(b);
    b->job.stall_in = STALL_NONE;
    b->job.stall_out = in;
    bench_passes(b);
  }
}

// ---- right circuits

static void test_verilator_passes(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FRAMES);
  all_stalls(&b);
  b.job.stall_in = b.job.stall_out = STALL_NONE;
  b.job.jobs = 3;
  bench_passes(&b);
  bench_free(&b);
}

static void test_icarus_passes(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 3, FRAMES);
  b.job.icarus = true;
  all_stalls(&b);
  bench_free(&b);
}

// Branches: in both simulators, under every stall pattern.
static void test_branches_pass(void **state) {
  (void)state;
  for (int icarus = 0; icarus < 2; icarus++) {
    struct bench b = {0};
    bench_new(&b, bench_residual(&b.arena), 4, icarus ? FEW : FRAMES);
    b.job.icarus = icarus;
    all_stalls(&b);
    bench_free(&b);
  }
}

// A source that stalls leaves bubbles in pipelines that stop as a whole: they hold fewer beats then
// than without, and the queues must do without them.
static void test_bubbles_pass(void **state) {
  (void)state;
  for (int slow = 0; slow < 2; slow++) {
    struct bench b = {0};
    bench_new(&b, bench_bubbles(&b.arena, slow), 4, FEW);
    b.job.icarus = true;
    all_stalls(&b);
    bench_free(&b);
  }
}

// The depth of the only queue that is deeper than one place; `to`: the new one.
static void set_depth(struct bench *b, int64_t from, int64_t to) {
  bench_patch(b, "top.sv", arena_printf(&b->arena, ".DEPTH(%lld)", (long long)from),
              arena_printf(&b->arena, ".DEPTH(%lld)", (long long)to));
}

// Of a queue beside convolutions: one place less than it has is slower, one less than no stall can
// stop stands still.
static void test_depths(void **state) {
  struct bench b = {0};
  struct arena a = {0};
  const struct folding f = {.parallelism = 2};
  struct err e = {0};
  (void)state;
  struct circuit *p = circuit_build(&a, bench_residual_image(&a), "top", &f, &e);
  if (!p) fail_msg("%s", e.text);
  int64_t *least = ARENA_NEW(&a, int64_t, p->n_cells), depth = 0, enough = 0;
  queues_least(p, least);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (p->cells[i].kind != CELL_QUEUE || p->cells[i].timing.queue < depth) continue;
    depth = p->cells[i].timing.queue;
    enough = least[i];
  }
  print_message("%lld places, %lld against standing still\n", (long long)depth, (long long)enough);
  assert_true(enough > 1 && depth > enough);
  bench_new(&b, bench_residual_image(&b.arena), 2, FEW);
  b.job.icarus = true;
  bench_passes(&b);
  set_depth(&b, depth, depth - 1);
  bench_fails(&b, "the plan says");
  set_depth(&b, depth - 1, enough);
  b.job.stall_in = b.job.stall_out = 5;
  bench_passes(&b);
  set_depth(&b, enough, enough - 1);
  bench_fails(&b, "then nothing moved");
  bench_free(&b);
  arena_free(&a);
}

// Two convolutions of one lane, whose windows leave padded taps out; with and without stalls. A
// number that stands still reads other weights.
static void test_skip(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_residual_image(&b.arena), 1, FEW);
  int64_t sent = 0;
  for (uint32_t i = 0; i < b.circuit->n_cells; i++)
    if (b.circuit->cells[i].kind == CELL_WINDOW) sent += b.circuit->cells[i].out[0]->beats;
  assert_int_equal(sent,
                   2 * (3 * 6 - 2) * (3 * 5 - 2) * 2); // of 30 pixels' 9 taps of 2 beats, twice
  b.job.icarus = true;
  bench_passes(&b);
  b.job.stall_in = b.job.stall_out = 5;
  bench_passes(&b);
  bench_patch(&b, "axis_window.sv", "index + INDEX'(SKIP)", "index");
  bench_fails(&b, "layer");
  bench_free(&b);
}

// Of NNGEN_TEST_KIND, if it is set.
static void test_random_networks(void **state) {
  (void)state;
  const char *only = getenv("NNGEN_TEST_KIND");
  for (uint64_t seed = 1; seed <= SEEDS; seed += (uint64_t)every(3)) {
    struct bench b = {0};
    enum op op = only ? (enum op)op_find(only) : seed % 2 ? OP_linear : OP_tanh;
    bench_new(&b, netgen(&b.arena, seed, op, NETGEN_CIRCUIT), 1 + (int64_t)seed % 4, FRAMES);
    b.job.icarus = true;
    bench_passes(&b);
    b.job.stall_in = b.job.stall_out = 4;
    bench_passes(&b);
    bench_free(&b);
  }
}

// Nothing is built twice; a change of the circuit is noticed.
static void test_build_is_kept(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FEW);
  bench_run(&b);
  assert_true(bench_run(&b).build_seconds < 0.5);
  bench_free(&b);
}

// ---- the waveform holds every signal that its save file names

// A name of the save file, "TOP.bench.dut.l0_tdata[15:0]", as the scopes and the variable of VCD.
static bool in_vcd(const char *vcd, const char *name) {
  char part[128];
  const char *at = vcd;
  for (; at && strchr(name, '.'); name = strchr(name, '.') + 1) {
    snprintf(part, sizeof part, "$scope module %.*s $end", (int)strcspn(name, "."), name);
    at = strstr(at, part);
  }
  snprintf(part, sizeof part, " %.*s ", (int)strcspn(name, "[\n"), name);
  return at && strstr(at, part);
}

static void saved_names_exist(struct bench *b, const char *wave) {
  struct text vcd = {0};
  struct err e = {0};
  struct bytes bytes;
  const char *const argv[] = {"fst2vcd", wave, NULL};
  if (!process_run(argv, NULL, NULL, &vcd, &e)) fail_msg("%s", e.text);
  assert_true(file_read(&b->arena, arena_printf(&b->arena, "%s/wave.gtkw", b->job.work), 1 << 20,
                        &bytes, &e));
  char *rest = arena_printf(&b->arena, "%.*s", (int)bytes.size, (char *)bytes.data);
  int names = 0;
  for (char *line; (line = strsep(&rest, "\n"));) {
    bool name = strncmp(line, "TOP.", 4) == 0 || strncmp(line, "tb.", 3) == 0;
    if (name && !in_vcd(vcd.data, line)) fail_msg("%s isn't in the waveform", line);
    names += name;
  }
  assert_int_equal(names, 3 + 4 * (2 + (int)b->circuit->n_taps));
  assert_false(in_vcd(vcd.data, "tb.nothing"));
  text_free(&vcd);
}

static void test_waveform(void **state) {
  (void)state;
  for (int icarus = 0; icarus < 2; icarus++) {
    struct bench b = {0};
    bench_new(&b, bench_network(&b.arena), 2, FEW);
    b.job.trace = true;
    b.job.icarus = icarus;
    struct simulate_result r = bench_run(&b);
    assert_null(r.failure);
    if (process_exists("fst2vcd")) saved_names_exist(&b, r.waveform);
    bench_free(&b);
  }
}

// ---- what a user does with the folder alone

static void test_make(void **state) {
  static const char *const targets[] = {"icarus", "verilator"};
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FEW);
  for (int bad = 0; bad < 2; bad++) {
    if (bad) bench_patch(&b, "vectors/expected.mem", "0", "1");
    for (int i = 0; i < 2; i++) {
      struct text said = {0};
      struct err e = {0};
      const char *const argv[] = {"make", "-C", arena_printf(&b.arena, "%s/tb", b.job.folder),
                                  targets[i], NULL};
      assert_int_equal(process_run(argv, NULL, NULL, &said, &e), !bad);
      assert_non_null(strstr(said.data, bad ? "FAIL " : "PASS 4 frames"));
      text_free(&said);
    }
  }
  bench_free(&b);
}

// ---- users' errors

static void test_stall_names(void **state) {
  int in, out;
  struct err e = {0};
  (void)state;
  assert_true(simulate_stall("random50", &in, &out, &e) && in == 4 && out == 4);
  assert_true(simulate_stall("none/long", &in, &out, &e) && in == 0 && out == 6);
  assert_false(simulate_stall("random5", &in, &out, &e));
  assert_non_null(strstr(e.text, "--stall random5"));
}

static void test_no_verilator(void **state) {
  struct bench b = {0};
  struct simulate_result r;
  struct err e = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FEW);
  const char *path = arena_strdup(&b.arena, getenv("PATH"));
  setenv("PATH", "/nowhere", 1);
  bool done = simulate(&b.arena, &b.job, &r, &e);
  setenv("PATH", path, 1);
  assert_false(done);
  assert_non_null(strstr(e.text, "verilator isn't installed"));
  bench_free(&b);
}

static void test_failing_build(void **state) {
  struct bench b = {0};
  struct simulate_result r;
  struct err e = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FEW);
  bench_patch(&b, "top.sv", "module top", "modul top");
  assert_false(simulate(&b.arena, &b.job, &r, &e));
  assert_non_null(strstr(e.text, "verilator failed: %Error"));
  bench_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stall_names),
      cmocka_unit_test(test_icarus_passes),
      cmocka_unit_test(test_branches_pass),
      cmocka_unit_test(test_bubbles_pass),
      cmocka_unit_test(test_verilator_passes),
      cmocka_unit_test(test_depths),
      cmocka_unit_test(test_skip),
      cmocka_unit_test(test_random_networks),
      cmocka_unit_test(test_build_is_kept),
      cmocka_unit_test(test_waveform),
      cmocka_unit_test(test_make),
      cmocka_unit_test(test_no_verilator),
      cmocka_unit_test(test_failing_build),
  };
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
