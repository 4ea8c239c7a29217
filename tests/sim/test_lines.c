// SPDX-License-Identifier: Apache-2.0
// Line buffers along time: what a layer keeps of earlier frames is in the ring of its window.
// Random streaming networks are equal to the golden model frame by frame, under stalls and after
// resets.
//
//   NNGEN_TEST_SEED=n       other networks (default 1)
//   NNGEN_TEST_NETWORKS=n   how many (default 12; 200 with NNGEN_TEST_DEEP=1)
#include "sw/circuit/timing.h"
#include "sw/graph/model.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"
#include "tests/sim/helper_spotter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 32, NETWORKS = 12, NETWORKS_DEEP = 200, CIRCUITS = 300 };

static uint64_t number_from(const char *variable, uint64_t otherwise) {
  const char *s = getenv(variable);
  return s ? strtoull(s, NULL, 10) : otherwise;
}

// ---- circuits of a graph

static struct circuit *circuit(struct arena *a, const struct graph *g, const struct folding *f) {
  struct err e = {0};
  struct circuit *p = circuit_build(a, g, "top", f, &e);
  if (!p) fail_msg("%s", e.text);
  struct circuit plain = *p;
  timing_run_ref(&plain);
  bool late = p->steady == INT32_MAX && p->ii > plain.ii;
  if ((plain.ii != p->ii && !late) || plain.latency != p->latency || plain.steady != p->steady)
    fail_msg("by events %lld, %lld; cycle by cycle %lld, %lld", (long long)p->ii,
             (long long)p->latency, (long long)plain.ii, (long long)plain.latency);
  return p;
}

static int count(const struct circuit *p, enum cell_kind kind) {
  int n = 0;
  for (uint32_t i = 0; i < p->n_cells; i++) n += p->cells[i].kind == kind;
  return n;
}

// The first cell from `i` on that is a line buffer; n_cells: there is none.
static uint32_t line_from(const struct circuit *p, uint32_t i) {
  while (i < p->n_cells && !circuit_is_line(&p->cells[i])) i++;
  return i;
}

static int lines_of(const struct circuit *p) {
  int n = 0;
  for (uint32_t i = line_from(p, 0); i < p->n_cells; i = line_from(p, i + 1)) n++;
  return n;
}

// ---- random networks

// What a code stands for.
static double number_of(const struct type *type, int32_t code) {
  return type_scale(type, 0) * (double)(code - (type_is_bipolar(type) ? 0 : type_zero(type, 0)));
}

static void save(struct shell *c, const struct graph *g, const struct folding *f, uint64_t seed) {
  struct err e = {0};
  struct text t = {0};
  int64_t elements = netgen_elements(g);
  int32_t *codes = ARENA_NEW(&c->arena, int32_t, FRAMES * elements);
  const struct type *type = &g->values[g->inputs[0].value].type;
  if (type_is_integer(type)) netgen_input(g, seed, FRAMES, codes);
  double *numbers = ARENA_NEW(&c->arena, double, FRAMES *elements);
  for (int64_t i = 0; i < FRAMES * elements; i++)
    numbers[i] =
        type_is_integer(type) ? number_of(type, codes[i]) : (double)(i * 73 % 127 - 63) / 16;
  npy_write(c, "x.npy", "<f8", arena_printf(&c->arena, "(%d, %lld)", FRAMES, (long long)elements),
            numbers, (size_t)(FRAMES * elements) * sizeof *numbers);
  assert_true(model_write(arena_printf(&c->arena, "%s/m.bin", c->dir), g, &e));
  folding_put(&t, f, g, false);
  FILE *out = fopen(arena_printf(&c->arena, "%s/f.json", c->dir), "w");
  fputs(t.data, out);
  fclose(out);
  text_free(&t);
}

static void simulate(struct shell *c, uint64_t i, const char *arguments) {
  cli_expect(
      c,
      arena_printf(&c->arena,
                   "$N sim -q --data $D/x.npy %s %s -o $D/s $D/rtl; s=$?; rm -rf $D/s; exit $s",
                   i % 4 ? "--simulator icarus --images 32" : "", arguments),
      0, " compared, 0 mismatches");
}

#define LINT                                                                                       \
  "cd $D/rtl && said=$(verilator --lint-only -Wall --top-module top -f top.f 2>&1; "               \
  "iverilog -g2012 -Wall -tnull -c top.f 2>&1; "                                                   \
  "yosys -q -p 'read_verilog -sv *.sv; hierarchy -check -top top; proc; opt; check -assert' 2>&1)" \
  " && [ -z \"$said\" ] && echo clean"

// What the line buffers of random networks are.
struct coverage {
  int columns, groups, strides, dilations, single, left, unread;
};

static void cover(struct coverage *v, const struct circuit *p) {
  for (uint32_t i = line_from(p, 0); i < p->n_cells; i = line_from(p, i + 1)) {
    const struct circuit_window *w = p->cells[i].facts;
    const struct window *s = &w->shape;
    int64_t last = window_at(s, ROWS, s->out[ROWS] - 1, s->kernel[ROWS] - 1);
    v->columns += w->taps > 1;
    v->groups += w->groups > 1;
    v->strides += s->stride[ROWS] > 1;
    v->dilations += s->dilation[ROWS] > 1;
    v->single += s->in[ROWS] == 1;
    v->left += last < s->in[ROWS] - 1; // rows that only later frames read
    v->unread += w->used[COLUMNS] < s->in[COLUMNS];
    assert_int_equal(p->cells[i].memory_bits,
                     w->capacity * w->beats * w->lanes * p->cells[i].in[0]->width);
    assert_true(w->capacity > circuit_window_held(w));
  }
}

static int streaming_layers(const struct graph *g) {
  int n = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) n += op_is(g->nodes[i].op, TRAIT_PARTS);
  return n;
}

// Both cycle models say the same of all of them; each layer that can have a line buffer does, and
// nothing else remembers its rows.
static void test_circuits(void **state) {
  struct coverage v = {0};
  (void)state;
  for (uint64_t seed = 1; seed <= CIRCUITS; seed++) {
    struct arena a = {0};
    int lines;
    const struct graph *g = netgen_lines(&a, seed, &lines);
    struct folding f = circuit_folding(&a, g, seed);
    const struct circuit *p = circuit(&a, g, &f);
    assert_int_equal(lines_of(p), lines);
    assert_int_equal(count(p, CELL_STATE), streaming_layers(g) - lines);
    cover(&v, p);
    arena_free(&a);
  }
  print_message("columns %d, groups %d, strides %d, dilations %d, single rows %d, rows left %d, "
                "columns unread %d\n",
                v.columns, v.groups, v.strides, v.dilations, v.single, v.left, v.unread);
  assert_true(v.columns && v.groups && v.strides && v.dilations && v.single && v.left && v.unread);
}

static void test_random(void **state) {
  struct shell *c = *state;
  bool deep = getenv("NNGEN_TEST_DEEP") != NULL;
  uint64_t first = number_from("NNGEN_TEST_SEED", 1);
  uint64_t networks = number_from("NNGEN_TEST_NETWORKS", deep ? NETWORKS_DEEP : NETWORKS);
  int all = 0;
  for (uint64_t i = 0; i < networks; i++) {
    int lines;
    struct err e = {0};
    struct graph *g = netgen_lines(&c->arena, first + i, &lines);
    if (!graph_verify(g, &e)) fail_msg("seed %d: %s", (int)(first + i), e.text);
    struct folding f = circuit_folding(&c->arena, g, first + i);
    assert_int_equal(lines_of(circuit(&c->arena, g, &f)), lines);
    all += lines;
    save(c, g, &f, first + i);
    const char *seed = arena_printf(&c->arena, ": seed %d; ", (int)(first + i));
    cli_expect(c,
               arena_printf(&c->arena,
                            "%srm -rf $D/rtl; $N -q --folding $D/f.json -o $D/rtl $D/m.bin", seed),
               0, "top: II");
    if (!getenv("NNGEN_TEST_NO_LINT"))
      cli_expect(c, arena_printf(&c->arena, "%s" LINT, seed), 0, "clean");
    simulate(c, i, "");
    simulate(c, i, "--stall random50 --reset-every 13");
    simulate(c, i, "--stall alternate/random90 --reset-every 21");
  }
  print_message("%d line buffers in %d networks\n", all, (int)networks);
}

// ---- networks as wake words are spotted

static int64_t bits_between(const struct circuit *p) {
  int64_t bits = 0;
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind != CELL_LAYER) bits += p->cells[i].memory_bits;
  return bits;
}

// Nine taps along time of 32 channels, a row per frame: nine pixels, and a frame takes as many
// cycles as the taps have beats. With memory of its own the rows are there twice.
static void test_memory(void **state) {
  struct shell *c = *state;
  struct folding_entry lanes = {.name = "conv0", .in = 4, .out = 8};
  struct folding f = {.parallelism = 4, .n_layers = 1, .layers = &lanes};
  struct circuit *p = circuit(&c->arena, spotter_single(&c->arena, PLAIN), &f);
  const struct circuit *beside = circuit(&c->arena, spotter_single(&c->arena, NOT_ZERO), &f);
  assert_int_equal(lines_of(p), 1);
  assert_int_equal(count(p, CELL_STATE) + count(p, CELL_QUEUE) + count(p, CELL_CONSTANT), 0);
  assert_int_equal(p->n_taps, 1);
  assert_int_equal(bits_between(p), 9 * 32 * 8);
  assert_int_equal(p->ii, 9 * 32 / 4);
  assert_int_equal(lines_of(beside), 0);
  assert_true(bits_between(beside) > 2 * bits_between(p));
  circuit_window_resize(&p->cells[line_from(p, 0)], 8);
  timing_run(p);
  assert_int_equal(p->latency, 0); // it stands still
  // a column of taps at once: the next row must come in, be read and give its place back
  lanes.in = 9 * 32;
  p = circuit(&c->arena, spotter_single(&c->arena, PLAIN), &f);
  beside = circuit(&c->arena, spotter_single(&c->arena, NOT_ZERO), &f);
  assert_int_equal(p->ii, 8); // beats of a frame at 4 lanes
  assert_int_equal(lines_of(p), 1);
  assert_true(beside->ii >= 72); // of all rows
}

// Three layers along time in a row, of variables or of delays, of integers or quantised: equal, and
// anew after each reset.
static void test_spotter(void **state) {
  struct shell *c = *state;
  for (int kind = 0; kind < 4; kind++) {
    struct folding f = {.parallelism = 1 + kind};
    const struct graph *g = spotter_three(&c->arena, kind & 2, kind & 1 ? VARIABLES : PLAIN);
    save(c, g, &f, 1);
    const char *precision = kind & 2 ? "-p 8,4" : "";
    cli_expect(c,
               arena_printf(&c->arena,
                            "rm -rf $D/rtl; $N -q %s -j %d -o $D/rtl $D/m.bin && "
                            "grep -c '_line .* axis_window' $D/rtl/report.txt",
                            precision, 1 + kind),
               0, "3\n");
    cli_expect(c, "! grep -q 'axis_state\\|axis_concat' $D/rtl/top.sv", 0, "");
    cli_expect(
        c, "grep '// l0_line' $D/rtl/top.sv", 0,
        "5 x 1 taps of each of 1 x 1 pixels, from an image of 3 x 1 and the 2 rows before it");
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N report -q %s --data $D/x.npy -o $D/p.html $D/m.bin && "
                            "grep -o 'line buffer of [0-9]* pixels' $D/p.html | wc -l",
                            precision),
               0, "6\n"); // with a title each
    simulate(c, 0, "--reset-every 14 --jobs 2");
    simulate(c, 0, "--stall random90/random50 --reset-every 20");
    simulate(c, 1, "--stall alternate --reset-every 11");
  }
}

#define SUMS                                                                                       \
  "(cd $D/rtl && find . -type f ! -name SHA256SUMS -printf '%%P\\n' | sort |"                      \
  " xargs sha256sum >SHA256SUMS); "

// A pool keeps rows, too, in a circuit without an image of a memory; but for a maximum what is
// beside the rows isn't what is above them.
static void test_pool(void **state) {
  struct shell *c = *state;
  struct folding f = {.parallelism = 2};
  for (int pad = 0; pad < 2; pad++) {
    const struct graph *g = spotter_pool(&c->arena, pad);
    assert_int_equal(lines_of(circuit(&c->arena, g, &f)), !pad);
    save(c, g, &f, 7);
    cli_expect(c, "rm -rf $D/rtl; $N -q -j 2 -o $D/rtl $D/m.bin", 0, "top: II");
    cli_expect(c, LINT, 0, "clean");
    simulate(c, 1, "--stall random50 --reset-every 13");
  }
}

// Anew after a reset in any cycle: the same bits, II and latency.
static void test_resets(void **state) {
  struct shell *c = *state;
  struct folding f = {.parallelism = 2};
  const struct graph *g = spotter_three(&c->arena, false, PLAIN);
  int64_t last = circuit(&c->arena, g, &f)->latency + 40;
  save(c, g, &f, 4);
  cli_expect(c, "$N -q -j 2 -o $D/rtl $D/m.bin", 0, "top: II");
  for (int64_t at = 1; at < last; at += 9)
    cli_expect(c,
               arena_printf(&c->arena,
                            "make -s -C $D/rtl/tb icarus ARGS='+reset_at=%lld +reset=%d "
                            "+stall_out=%d'",
                            (long long)at, (int)(1 + at % 2), (int)(at % 3 ? 0 : 5)),
               0, "PASS 4 frames");
}

// Rows that live on through a reset, that never were and are read, that are forgotten.
static void test_can_fail(void **state) {
  static const char *const bugs[] = {"s/if (!aresetn) blank/if (blank === 'x) blank/",
                                     "s/blank <= ROW.(PAD_TOP)/blank <= '0/",
                                     "s/blank - ROW.(IN_H)/blank/"};
  struct shell *c = *state;
  struct folding f = {.parallelism = 2};
  save(c, spotter_three(&c->arena, false, PLAIN), &f, 5);
  for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
    cli_expect(c, "rm -rf $D/rtl; $N -q -j 2 -o $D/rtl $D/m.bin", 0, "top: II");
    cli_expect(c,
               arena_printf(&c->arena,
                            "sed -i \"%s\" $D/rtl/axis_window.sv; " SUMS
                            "$N sim -q --data $D/x.npy --simulator icarus --images 24 "
                            "--reset-every 12 -o $D/s $D/rtl; rm -rf $D/s",
                            bugs[i]),
               0, i == 0 ? "from image 12 on: image 0: first layer that differs" : "FAIL");
  }
}

// A frame that its source ends early is a frame: its rest is zeros, which later ones see.
static void test_bad_frame(void **state) {
  struct shell *c = *state;
  struct folding f = {.parallelism = 1};
  save(c, spotter_three(&c->arena, false, PLAIN), &f, 6);
  cli_expect(
      c,
      "$N -q -j 1 -o $D/rtl $D/m.bin >$D/log && "
      "iverilog -g2012 -s line_frames -o $D/t.vvp tests/line_frames.sv $D/rtl/*.sv && "
      "cd $D/rtl && vvp -N ../t.vvp +early=0 >../zeros && vvp -N ../t.vvp +early=1 >../early "
      "&& cmp ../zeros ../early && grep -c ' 1$' ../early",
      0, "16\n");
  // its zeros are seen: an earlier one isn't the same
  cli_expect(
      c,
      "sed 's/frame == 5 && beat > 2/frame == 5 \\&\\& beat > 4/' tests/line_frames.sv >$D/t.sv; "
      "iverilog -g2012 -s line_frames -o $D/t.vvp $D/t.sv $D/rtl/*.sv && "
      "cd $D/rtl && vvp -N ../t.vvp +early=0 | diff - ../zeros | grep -c '^>'",
      0, "\n");
}

// What stays beside a window: rows that aren't zero at first, that another reader sees, or above
// which windows have padding.
static void test_stays(void **state) {
  static const enum twist twists[] = {NOT_ZERO, READ_ELSEWHERE, PADDED};
  struct shell *c = *state;
  struct folding f = {.parallelism = 2};
  for (size_t i = 0; i < sizeof twists / sizeof *twists; i++) {
    const struct graph *g = spotter_three(&c->arena, false, twists[i]);
    const struct circuit *p = circuit(&c->arena, g, &f);
    assert_int_equal(lines_of(p), 0);
    assert_int_equal(count(p, CELL_STATE), 3);
    save(c, g, &f, 2);
    cli_expect(c, "rm -rf $D/rtl; $N -q -j 2 -o $D/rtl $D/m.bin", 0, "top: II");
    simulate(c, 1, "--stall random50 --reset-every 13");
  }
}

// A planner's lanes make no whole windows of what is kept, and name no layer that has no cell; a
// folding file that does is told.
static void test_lanes(void **state) {
  struct shell *c = *state;
  struct folding f = {.parallelism = 1};
  save(c, spotter_three(&c->arena, false, PLAIN), &f, 3);
  for (int cycles = 9; cycles < 100; cycles *= 3)
    cli_expect(c, arena_printf(&c->arena, "$N plan --target-cycles %d $D/m.bin", cycles), 0,
               "cycles, latency");
  cli_expect(c, "$N plan --sweep $D/m.bin", 0, "");
  cli_expect(c,
             "echo '{\"layers\":{\"rows1\":{\"in\":2}}}' >$D/f.json; "
             "$N -q --folding $D/f.json -o $D/rtl $D/m.bin",
             1, "there is no layer \"rows1\" in the circuit");
  save(c, spotter_square(&c->arena), &f, 4);
  cli_expect(c,
             "echo '{\"layers\":{\"square\":{\"in\":9}}}' >$D/f.json; "
             "$N -q --folding $D/f.json -o $D/rtl $D/m.bin",
             1, "9 lanes in, whole windows over rows that it keeps from frame to frame");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_memory),         SHELL_CASE(test_spotter),
                                     SHELL_CASE(test_stays),          SHELL_CASE(test_resets),
                                     SHELL_CASE(test_pool),           SHELL_CASE(test_can_fail),
                                     SHELL_CASE(test_bad_frame),      SHELL_CASE(test_lanes),
                                     cmocka_unit_test(test_circuits), SHELL_CASE(test_random)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
