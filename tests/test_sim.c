// SPDX-License-Identifier: Apache-2.0
// The simulation room. Right circuits pass in both simulators under every stall pattern; a circuit
// with a seeded bug fails with the words that name it.
#include "gen/emit_bench.h"
#include "gen/folder.h"
#include "sim/build.h"
#include "sim/process.h"
#include "sim/simulate.h"
#include "sw/base/file.h"
#include "sw/graph/interval.h"
#include "tests/helper_netgen.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAMES = 70, FEW = 5, SEEDS = 6, FEATURES = 3 };

// A circuit in a folder of its own, and how to simulate it.
struct bench {
  struct arena arena;
  const char *dir; // scratch, removed at the end
  struct plan *plan;
  struct simulate_job job;
};

// ---- a network: 7 -> linear -> 5 -> relu -> linear -> 3, streams 8,3, weights 8,6

static uint32_t add_tensor(struct graph *g, const char *name, int rank, const int64_t *shape,
                           struct type type) {
  struct tensor *t = tensor_new(g->arena, dtype_for(&type), rank, shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, (i * 37 + 11) % 201 - 100);
  return graph_add_tensor(g, name, t, type);
}

static uint32_t add_layer(struct graph *g, enum op op, const char *name, uint32_t x, int64_t size) {
  struct type stream = type_fixed(g->arena, 8, true, 0.125, 0);
  int64_t shape[2] = {size, value_elements(&g->values[x])}, one = 1;
  int32_t shift = 6;
  struct type weights = type_fixed(g->arena, 8, true, 1.0 / 64, 0);
  uint32_t w =
      op == OP_linear ? add_tensor(g, arena_printf(g->arena, "%s.w", name), 2, shape, weights) : 0;
  uint32_t node = graph_add_node(g, op, name);
  graph_add_use(g, node, (struct use){x, 0, NONE});
  if (op == OP_linear) graph_add_use(g, node, (struct use){w, 0, NONE});
  uint32_t y = graph_add_value(g, arena_printf(g->arena, "%s.y", name), 1, shape, stream, true);
  graph_add_out(g, node, y);
  if (op == OP_linear) graph_add_requant(g, node, 1, &one, &shift);
  g->nodes[node].rounding = FIX_HALF_EVEN;
  g->nodes[node].overflow = FIX_SATURATE;
  return y;
}

static struct graph *network(struct arena *a) {
  struct graph *g = graph_new(a, "small");
  struct err e = {0};
  int64_t shape[1] = {7};
  uint32_t x = graph_add_value(g, "x", 1, shape, type_fixed(a, 8, true, 0.125, 0), true);
  graph_add_input(g, x, (struct source){0});
  x = add_layer(g, OP_linear, "fc1", x, 5);
  x = add_layer(g, OP_relu, "relu", x, 5);
  x = add_layer(g, OP_linear, "fc2", x, FEATURES);
  graph_add_output(g, x);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

// ---- the bench around it

static void bench_new(struct bench *b, struct graph *g, int64_t lanes, int64_t images) {
  struct folding f = {.parallelism = lanes};
  struct err e = {0};
  char *dir = arena_strdup(&b->arena, "/tmp/nngen-test-sim-XXXXXX");
  assert_non_null(mkdtemp(dir));
  b->dir = dir;
  const char *folder = arena_printf(&b->arena, "%s/rtl", dir);
  struct plan *made = plan_new(&b->arena, g, "top", &f, &e);
  if (!made || !folder_write(made, folder, "", &e)) fail_msg("%s", e.text);
  b->plan = folder_plan(&b->arena, folder, &e);
  if (!b->plan) fail_msg("%s", e.text);
  int32_t *codes = ARENA_NEW(&b->arena, int32_t, images * b->plan->input.elements);
  netgen_input(g, 1, images, codes);
  b->job = (struct simulate_job){.folder = folder,
                                 .plan = b->plan,
                                 .images = images,
                                 .codes = codes,
                                 .seed = 1,
                                 .jobs = 1,
                                 .work = arena_printf(&b->arena, "%s/work", dir),
                                 .quiet = true};
}

static void bench_free(struct bench *b) {
  struct text said = {0};
  struct err e = {0};
  const char *const argv[] = {"rm", "-rf", b->dir, NULL};
  process_run(argv, NULL, NULL, &said, &e);
  text_free(&said);
  arena_free(&b->arena);
}

static struct simulate_result run(struct bench *b) {
  struct simulate_result r;
  struct err e = {0};
  if (!simulate(&b->arena, &b->job, &r, &e)) fail_msg("%s", e.text);
  return r;
}

// Every element of every layer was compared and was equal.
static void passes(struct bench *b) {
  struct simulate_result r = run(b);
  int64_t elements = b->plan->output.elements;
  for (uint32_t i = 0; i < b->plan->n_taps; i++) elements += b->plan->taps[i].elements;
  if (r.failure) fail_msg("stall %d/%d: %s", b->job.stall_in, b->job.stall_out, r.failure);
  assert_int_equal(r.mismatches, 0);
  assert_int_equal(r.images, b->job.images);
  assert_int_equal(r.elements, elements * b->job.images);
}

static void fails(struct bench *b, const char *words) {
  struct simulate_result r = run(b);
  if (!r.failure) fail_msg("nothing was found, expected: %s", words);
  if (!strstr(r.failure, words)) fail_msg("found: %s\nexpected: %s", r.failure, words);
}

static void all_stalls(struct bench *b) {
  for (int in = 0; in < STALL_PATTERNS; in++) {
    b->job.stall_in = in;
    b->job.stall_out = (in * 3) % STALL_PATTERNS;
    passes(b);
    b->job.stall_in = STALL_NONE;
    b->job.stall_out = in;
    passes(b);
  }
}

// ---- right circuits

static void test_verilator_passes(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, network(&b.arena), 2, FRAMES);
  all_stalls(&b);
  b.job.stall_in = b.job.stall_out = STALL_NONE;
  b.job.jobs = 3;
  passes(&b);
  bench_free(&b);
}

static void test_icarus_passes(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, network(&b.arena), 3, FRAMES);
  b.job.icarus = true;
  all_stalls(&b);
  bench_free(&b);
}

static void test_random_networks(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct bench b = {0};
    bench_new(&b, netgen(&b.arena, seed, seed % 2 ? OP_linear : OP_tanh, NETGEN_CIRCUIT),
              1 + (int64_t)seed % 4, FRAMES);
    b.job.icarus = true;
    passes(&b);
    b.job.stall_in = b.job.stall_out = 4;
    passes(&b);
    bench_free(&b);
  }
}

// Nothing is built twice; a change of the circuit is noticed.
static void test_build_is_kept(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, network(&b.arena), 2, FEW);
  run(&b);
  assert_true(run(&b).build_seconds < 0.5);
  bench_free(&b);
}

// ---- seeded bugs

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

// Replaces the first `from` of a file.
static void patch(struct bench *b, const char *file, const char *from, const char *to) {
  struct bytes bytes;
  struct err e = {0};
  struct text t = {0};
  const char *path = arena_printf(&b->arena, "%s/%s", b->job.folder, file);
  assert_true(file_read(&b->arena, path, 1 << 20, &bytes, &e));
  const char *text = arena_printf(&b->arena, "%.*s", (int)bytes.size, (char *)bytes.data);
  const char *at = strstr(text, from);
  if (!at) fail_msg("%s: no %s", file, from);
  text_put(&t, text, (size_t)(at - text));
  text_printf(&t, "%s%s", to, at + strlen(from));
  assert_true(file_write(path, t.data, t.size, &e));
  text_free(&t);
}

// Nets first: a patch uses them above their declaration.
static void seed_bugs(struct bench *b) {
  int last = sizeof patches / sizeof *patches - 1;
  for (int i = 0; i < last; i++) patch(b, "top.sv", patches[i][0], patches[i][1]);
  const char *text = patches[last][1], *end = strstr(text, "  initial");
  patch(b, "top.sv", ");\n\n", arena_printf(&b->arena, ");\n%.*s\n", (int)(end - text), text));
  patch(b, "top.sv", patches[last][0], end);
}

static void finds_bugs(struct bench *b) {
  seed_bugs(b);
  passes(b);
  for (int i = 0; i < BUGS; i++) {
    const char *const plusargs[] = {arena_printf(&b->arena, "+bug=%d", i + 1), NULL};
    b->job.plusargs = plusargs;
    b->job.stall_out = bugs[i].stall_out;
    fails(b, bugs[i].words);
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
  patch(b, file, word, strcmp(word, "00") == 0 ? "01" : "00");
  fails(b, "first layer that differs: l0_linear");
  patch(b, file, strcmp(word, "00") == 0 ? "01" : "00", word);
  passes(b);
}

// What the plan promises is checked: II and latency.
static void finds_wrong_promises(struct bench *b) {
  struct plan lie = *b->plan;
  b->job.plan = &lie;
  lie.latency++;
  fails(b, "latency is");
  lie.latency--;
  lie.ii--;
  fails(b, "II is");
  b->job.plan = b->plan;
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
  bench_new(&b, network(&b.arena), 2, FEW);
  finds_bugs(&b);
  fatal_status(&b);
  finds_rom_word(&b);
  finds_wrong_promises(&b);
  bench_free(&b);
}

static void test_icarus_finds_bugs(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, network(&b.arena), 2, FEW);
  b.job.icarus = true;
  finds_bugs(&b);
  finds_rom_word(&b);
  finds_wrong_promises(&b);
  bench_free(&b);
}

static void test_wrong_rounding(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, network(&b.arena), 2, FEW);
  b.job.icarus = true;
  patch(&b, "top.sv", "half_even", "floor");
  fails(&b, "first layer that differs: l0_linear");
  bench_free(&b);
}

// ---- a promise that is too slow shows once the flow is steady

static void test_too_slow_a_promise(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, network(&b.arena), 2, FRAMES);
  struct plan lie = *b.plan;
  lie.ii++;
  b.job.icarus = true;
  b.job.plan = &lie;
  fails(&b, "II is");
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
  assert_int_equal(names, 3 + 4 * (2 + (int)b->plan->n_taps));
  assert_false(in_vcd(vcd.data, "tb.nothing"));
  text_free(&vcd);
}

static void test_waveform(void **state) {
  (void)state;
  for (int icarus = 0; icarus < 2; icarus++) {
    struct bench b = {0};
    bench_new(&b, network(&b.arena), 2, FEW);
    b.job.trace = true;
    b.job.icarus = icarus;
    struct simulate_result r = run(&b);
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
  bench_new(&b, network(&b.arena), 2, FEW);
  for (int bad = 0; bad < 2; bad++) {
    if (bad) patch(&b, "vectors/expected.mem", "0", "1");
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
  bench_new(&b, network(&b.arena), 2, FEW);
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
  bench_new(&b, network(&b.arena), 2, FEW);
  patch(&b, "top.sv", "module top", "modul top");
  assert_false(simulate(&b.arena, &b.job, &r, &e));
  assert_non_null(strstr(e.text, "verilator failed: %Error"));
  bench_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stall_names),
      cmocka_unit_test(test_icarus_passes),
      cmocka_unit_test(test_icarus_finds_bugs),
      cmocka_unit_test(test_wrong_rounding),
      cmocka_unit_test(test_too_slow_a_promise),
      cmocka_unit_test(test_waveform),
      cmocka_unit_test(test_make),
      cmocka_unit_test(test_random_networks),
      cmocka_unit_test(test_verilator_passes),
      cmocka_unit_test(test_verilator_finds_bugs),
      cmocka_unit_test(test_build_is_kept),
      cmocka_unit_test(test_no_verilator),
      cmocka_unit_test(test_failing_build),
  };
  return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
