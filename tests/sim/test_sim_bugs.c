// SPDX-License-Identifier: Apache-2.0
// Both benches shown to fail: a circuit with a seeded bug, a wrong memory image or a wrong promise
// is refused with the words that name what is wrong.
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "tests/sim/helper_bench.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { FRAMES = 70, FEW = 5 };

// A bug that +bug=N switches on, and the words of its failure.
struct bug {
  const char *name, *words;
  int stall_out;
};

// In the order of their numbers, from 1.
static const struct bug bugs[] = {
    {"lanes swapped", "first layer that differs: l1_relu", STALL_NONE},
    {"an output off by one", "first layer that differs: m_axis", STALL_NONE},
    {"TLAST dropped", "m_axis: image 0: TLAST is 0 on beat 2 of 2", STALL_NONE},
    {"TLAST one beat early", "m_axis: image 0: TLAST is 1 on beat 1 of 2", STALL_NONE},
    {"ready ignored", "m_axis: payload changed while it waited for ready", 5},
    {"valid taken back", "m_axis: valid was taken back before ready", 5},
    {"a beat lost", "m_axis: image 1: TLAST is 1 on beat 1 of 2", STALL_NONE},
    {"a beat too many", "m_axis: a beat more than the 5 frames have", STALL_NONE},
    {"hangs", "m_axis: 0 of 5 frames have come, then nothing moved", STALL_NONE},
    {"unused lane not zero", "m_axis: image 0: unused lanes or bits are not zero", STALL_NONE},
    {"valid after reset", "m_axis: valid right after reset", STALL_NONE},
    {"ready in reset", "s_axis: ready in reset", STALL_NONE},
    {"frame_error stuck", "frame_error is set", STALL_NONE},
};
enum { BUGS = sizeof bugs / sizeof *bugs };

// Text put before or in place of a part of top.sv; the bugs are chosen when the simulation runs.
static const char *const patches[][2] = {
    {".s_axis_tdata(l0_tdata)",
     ".s_axis_tdata(bug == 1 ? {l0_tdata[7:0], l0_tdata[15:8]} : l0_tdata)"},
    {"assign m_axis_tdata = trim_tdata;",
     "assign m_axis_tdata = bug == 2 && n == 1 ? trim_tdata ^ 16'd1 :\n"
     "      bug == 5 && m_axis_tvalid ? trim_tdata ^ {15'd0, flip} :\n"
     "      bug == 10 && m_axis_tlast ? trim_tdata | 16'h8000 : trim_tdata;"},
    {"assign m_axis_tlast = trim_tlast;",
     "assign m_axis_tlast = bug == 3 ? 1'b0 : bug == 4 ? 1'b1 : trim_tlast;"},
    {"assign m_axis_tvalid = trim_tvalid;",
     "assign m_axis_tvalid = bug == 6 ? trim_tvalid && flip : bug == 9 ? 1'b0 : drop ? 1'b0 :\n"
     "      bug == 11 ? 1'b1 : bug == 8 && n == 10 ? 1'b1 : trim_tvalid;"},
    {"assign trim_tready = m_axis_tready;", "assign trim_tready = drop || m_axis_tready;"},
    {".s_axis_tready(s_axis_tready)", ".s_axis_tready(ready)"},
    {".frame_error(frame_error)", ".frame_error(error)"},
    {"endmodule",
     "  logic [31:0] bug, n;\n  logic flip, lost, drop, ready, error;\n"
     "  initial if (!$value$plusargs(\"bug=%d\", bug)) bug = 0;\n"
     "  assign drop = bug == 7 && n == 2 && !lost && trim_tvalid;\n"
     "  assign s_axis_tready = bug == 12 ? 1'b1 : ready;\n"
     "  assign frame_error = bug == 13 ? 1'b1 : error;\n"
     "  always @(posedge aclk) begin\n    n <= !aresetn ? 0 : n + 32'(m_axis_tvalid && "
     "m_axis_tready);\n"
     "    flip <= aresetn && !flip;\n    lost <= aresetn && (lost || drop);\n  end\nendmodule"},
};

// Nets first: a patch uses them above their declaration.
static void seed_bugs(struct bench *b) {
  int last = sizeof patches / sizeof *patches - 1;
  for (int i = 0; i < last; i++) bench_patch(b, "top.sv", patches[i][0], patches[i][1]);
  const char *text = patches[last][1], *end = strstr(text, "  initial");
  bench_patch(b, "top.sv", ");\n\n",
              arena_printf(&b->arena, ");\n%.*s\n", (int)(end - text), text));
  bench_patch(b, "top.sv", patches[last][0], end);
}

static void finds_bugs(struct bench *b) {
  seed_bugs(b);
  bench_passes(b);
  for (int i = 0; i < BUGS; i++) {
    const char *const plusargs[] = {arena_printf(&b->arena, "+bug=%d", i + 1), NULL};
    b->job.plusargs = plusargs;
    b->job.stall_out = bugs[i].stall_out;
    bench_fails(b, bugs[i].words);
  }
  b->job.plusargs = NULL;
  b->job.stall_out = STALL_NONE;
}

// A word of a memory image is read when the simulation starts, so that no build is needed.
static void finds_rom_word(struct bench *b) {
  const char *file = "rom/l0_weight_000_000.mem";
  struct bytes bytes;
  struct err e = {0};
  assert_true(file_read(&b->arena, arena_printf(&b->arena, "%s/%s", b->job.folder, file), 1 << 20,
                        &bytes, &e));
  const char word[3] = {(char)bytes.data[0], (char)bytes.data[1], 0};
  bench_patch(b, file, word, strcmp(word, "00") == 0 ? "01" : "00");
  bench_fails(b, "isn't the memory image that the circuit was generated with");
  bench_patch(b, file, strcmp(word, "00") == 0 ? "01" : "00", word);
  bench_passes(b);
}

// What the circuit promises is checked: II and latency.
static void finds_wrong_promises(struct bench *b) {
  struct circuit lie = *b->circuit;
  b->job.circuit = &lie;
  lie.latency++;
  bench_fails(b, "latency is");
  lie.latency--;
  lie.ii--;
  bench_fails(b, "II is");
  b->job.circuit = b->circuit;
}

static void keep_line(void *said, int child, const char *line) {
  (void)child;
  text_printf(said, "%s\n", line);
}

// Every failure of a simulator is a status other than 0, also for who runs it by hand: 134 is
// SIGABRT, which is how Verilator's $fatal ends.
static void fatal_status(struct bench *b) {
  struct process p;
  struct text said = {0};
  struct err e = {0};
  const char *const argv[] = {arena_printf(&b->arena, "%s/fast", b->job.work),
                              arena_printf(&b->arena, "+job=%s/job0.bin", b->job.work), "+bug=2",
                              NULL};
  assert_true(process_start(&p, argv, b->job.folder, NULL, &e));
  process_read(&p, 1, keep_line, &said);
  assert_true(WIFSIGNALED(p.status) && WTERMSIG(p.status) == SIGABRT);
  assert_non_null(strstr(said.data, "FAIL image 0"));
  text_free(&said);
}

static void test_verilator_finds_bugs(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FEW);
  finds_bugs(&b);
  fatal_status(&b);
  finds_rom_word(&b);
  finds_wrong_promises(&b);
  bench_free(&b);
}

static void test_icarus_finds_bugs(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FEW);
  b.job.icarus = true;
  finds_bugs(&b);
  finds_rom_word(&b);
  finds_wrong_promises(&b);
  bench_free(&b);
}

static void test_wrong_rounding(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FEW);
  b.job.icarus = true;
  bench_patch(&b, "top.sv", "half_even", "floor");
  bench_fails(&b, "first layer that differs: l0_linear");
  bench_free(&b);
}

// Only Icarus knows unknown bits.
static void test_unknown_bits(void **state) {
  static const char *const unknown[][3] = {
      {"= trim_tdata", "= 16'bx", "m_axis: data is unknown"},
      {"= trim_tlast", "= 1'bx", "m_axis: valid, ready or last is unknown"},
      {"= trim_tvalid", "= trim_tvalid ? 1'bx : 1'b0", "m_axis: valid, ready or last is unknown"}};
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct bench b = {0};
    bench_new(&b, bench_network(&b.arena), 2, FEW);
    b.job.icarus = true;
    bench_patch(&b, "top.sv", unknown[i][0], unknown[i][1]);
    bench_fails(&b, unknown[i][2]);
    bench_free(&b);
  }
}

// ---- a promise that is too slow shows once the flow is steady

static void test_too_slow_a_promise(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, FRAMES);
  struct circuit lie = *b.circuit;
  lie.ii++;
  b.job.icarus = true;
  b.job.circuit = &lie;
  bench_fails(&b, "II is");
  bench_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_icarus_finds_bugs),  cmocka_unit_test(test_verilator_finds_bugs),
      cmocka_unit_test(test_wrong_rounding),     cmocka_unit_test(test_unknown_bits),
      cmocka_unit_test(test_too_slow_a_promise),
  };
  return cmocka_run_group_tests_name("sim_bugs", tests, NULL, NULL);
}
