// SPDX-License-Identifier: Apache-2.0
// Where a frame ends: by the source's TLAST, or by count, for DMAs that send TLAST once per
// transfer or not at all. The simulations of both simulators and the folder's own bench check
// either; the circuit stands behind sources with TLAST in four ways.
#include "gen/folder.h"
#include "tests/cmd/helper_shell.h"
#include "tests/sim/helper_bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void new_circuit(struct bench *b, int64_t transfer) {
  struct err e = {0};
  bench_new(b, bench_network(&b->arena), 2, 7);
  b->circuit->transfer = transfer;
  if (!folder_write(b->circuit, b->job.folder, &(struct folder_content){0}, &e))
    fail_msg("%s", e.text);
}

// Both simulators, with stalls too; what comes back from the folder is the circuit that went in.
static void test_simulations(void **state) {
  (void)state;
  for (int64_t transfer = 0; transfer <= 3; transfer++) {
    struct bench b = {0};
    struct err e = {0};
    new_circuit(&b, transfer);
    assert_int_equal(folder_circuit(&b.arena, b.job.folder, &e)->transfer, transfer);
    bench_passes(&b);
    b.job.stall_in = 4;
    b.job.stall_out = 5;
    bench_passes(&b);
    shell_expect(&b.arena, b.job.folder, b.dir, "make -s -C $RTL/tb icarus ARGS=+stall_in=3", 0,
                 "PASS 4 frames");
    bench_free(&b);
  }
}

// A TLAST that leaves too often, or never, is found.
static void test_faults(void **state) {
  struct bench b = {0};
  (void)state;
  new_circuit(&b, 2);
  bench_patch(&b, "top.sv", ".FRAMES(2)", ".FRAMES(3)");
  bench_fails(&b, "m_axis: image 1: TLAST is 0 on beat 2 of 2");
  bench_patch(&b, "top.sv", ".FRAMES(3)", ".FRAMES(1)");
  bench_fails(&b, "m_axis: image 0: TLAST is 1 on beat 2 of 2");
  bench_free(&b);
}

static void board(int64_t transfer, int mode, const char *words) {
  struct bench b = {0};
  char here[4096];
  assert_non_null(getcwd(here, sizeof here));
  new_circuit(&b, transfer);
  const char *line = arena_printf(&b.arena,
                                  "cd $RTL && iverilog -g2012 -s framing -o $OUT/t.vvp"
                                  " %s/tests/framing.sv *.sv && vvp -N $OUT/t.vvp +mode=%d",
                                  here, mode);
  shell_expect(&b.arena, b.job.folder, b.dir, line, 0, words);
  bench_free(&b);
}

static void test_boards(void **state) {
  (void)state;
  board(0, 0, "8 beats, 4 TLASTs, frame_error 0");
  board(0, 3, "2 beats, 1 TLASTs, frame_error 1"); // three frames are lost
  for (int mode = 0; mode < 4; mode++)
    board(1, mode,
          mode == 2 ? "8 beats, 4 TLASTs, frame_error 1" : "8 beats, 4 TLASTs, frame_error 0");
  board(4, 3, "8 beats, 1 TLASTs, frame_error 0");
  board(4, 1, "8 beats, 1 TLASTs, frame_error 0");
}

static void test_words(void **state) {
  struct shell *c = *state;
  static const char *const bad[] = {"counts",   "count:",        "count:0",
                                    "count:-1", "count:1048577", "count:2x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cli_expect(c, arena_printf(&c->arena, "$N -p 8,3 --framing %s models/mnist-mlp.bin", bad[i]), 2,
               "expected tlast, count or count:N with N from 1 to 1048576");
  cli_expect(
      c,
      "$N -q -p 8,3 --framing count:4 -o $D/rtl models/mnist-mlp.bin && grep frames_per_tlast"
      " $D/rtl/manifest.json && grep -c axis_count $D/rtl/top.f",
      0, "\"frames_per_tlast\":4,\n1\n");
  cli_expect(c, "$N sim --framing count $D/rtl", 1, "has its types and lanes already");
  cli_expect(c,
             "sed -i 's/tlast\":4/tlast\":0/' $D/rtl/manifest.json; cd $D/rtl && sha256sum $(sed"
             " 's/.*  //' SHA256SUMS) >x && mv x SHA256SUMS; $OLDPWD/$N sim -o $D/work $D/rtl",
             1, "frames_per_tlast: expected 1 to 1048576");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_simulations),
                                     cmocka_unit_test(test_faults), cmocka_unit_test(test_boards),
                                     SHELL_CASE(test_words)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
