// SPDX-License-Identifier: Apache-2.0
// What a user's yosys makes of a circuit by the plain command of a family computes the folder's
// vectors: make -C rtl/tb netlist, in Icarus. Circuits of every kind of layer, with random formats.
#include "gen/folder.h"
#include "sw/base/process.h"
#include "tests/cmd/helper_shell.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"
#include "tests/sim/helper_bench.h"

#include <stdlib.h>
#include <string.h>

#define CELLS "$(dirname $(command -v yosys))/../share/yosys/"

static const struct family {
  const char *synth, *cells; // the command, the models of its cells
} ice40 = {"synth_ice40 -dsp", CELLS "ice40/cells_sim.v"},
  ecp5 = {"synth_ecp5", CELLS "ecp5/cells_sim.v tests/ecp5_blocks.v"},
  xilinx = {"synth_xilinx -family xc7 -nobram", CELLS "xilinx/cells_sim.v"};

// The line that a user types in the circuit's folder, and the folder's own bench with the result.
static const char *line(struct bench *b, const struct family *f) {
  return arena_printf(
      &b->arena,
      "(cd $RTL && yosys -q -p \"read_verilog -sv *.sv $(ls rom/*.sv 2>/dev/null | tr '\\n' ' ');"
      " %s -top top; write_verilog -noattr $OUT/netlist.v\") &&"
      " make -s -C $RTL/tb netlist NETLIST=$OUT/netlist.v CELLS=\"%s\" &&"
      " make -s -C $RTL/tb netlist NETLIST=$OUT/netlist.v CELLS=\"%s\""
      " ARGS='+stall_in=4 +stall_out=5'",
      f->synth, f->cells, f->cells);
}

static void expect(struct bench *b, const char *text, int status, const char *words) {
  shell_expect(&b->arena, b->job.folder, b->dir, text, status, words);
}

// Products that are added, lanes even and odd: with a sum wider than a product, and one that isn't.
static void net_computes(const struct family *f, uint8_t bits, int64_t inputs, int64_t lanes) {
  struct bench b = {0};
  bench_new(&b, bench_network_of(&b.arena, bits, inputs, 5), lanes, 1);
  expect(&b, line(&b, f), 0, "PASS");
  bench_free(&b);
}

static void test_sums(void **state) {
  (void)state;
  net_computes(&ice40, 8, 7, 3);
  if (!getenv("NNGEN_TEST_DEEP")) return; // the families' other circuits take a minute
  net_computes(&ecp5, 8, 7, 2);
  net_computes(&ice40, 8, 7, 2);
  net_computes(&xilinx, 8, 7, 3);
}

// A chain with this kind of layer.
static void kind_computes(enum op op, uint64_t seed, const struct family *f, enum rom_style style) {
  struct bench b = {0};
  struct err e = {0};
  print_message("%s, seed %llu: %s\n", op_info(op)->name, (unsigned long long)seed, f->synth);
  char dir[] = "/tmp/nngen-test-netlist-XXXXXX";
  assert_non_null(mkdtemp(dir));
  b.dir = arena_strdup(&b.arena, dir);
  b.job.folder = arena_printf(&b.arena, "%s/rtl", dir);
  struct graph *g = netgen(&b.arena, seed, op, NETGEN_CIRCUIT);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  struct folding folding = circuit_folding(&b.arena, g, seed);
  b.circuit = circuit_build(&b.arena, g, "top", &folding, &e);
  if (!b.circuit) fail_msg("%s", e.text);
  b.circuit->rom_style = style;
  if (!folder_write(b.circuit, b.job.folder, &(struct folder_content){0}, &e))
    fail_msg("%s", e.text);
  expect(&b, line(&b, f), 0, "PASS");
  bench_free(&b);
}

// Pipelines that a stalling reader stops: synth_xilinx would let their shift registers run on.
// (-nobram: yosys' models of block RAMs compute nothing.)
static void test_stalls(void **state) {
  (void)state;
  kind_computes(OP_leaky_relu, 3, &xilinx, ROM_CASE);
  if (!getenv("NNGEN_TEST_DEEP")) return;
  for (int op = 0; op < OP_COUNT; op++) {
    const struct op_info *info = op_info((enum op)op);
    if ((info->executors & EXECUTOR_CIRCUIT) && info->column != COLUMN_SHAPE)
      kind_computes((enum op)op, 1, &xilinx, ROM_CASE);
  }
}

// Scales that aren't powers of two: products with constants of more than 16 bits.
static void test_constants(void **state) {
  (void)state;
  kind_computes(OP_relu6, 1, &ice40, ROM_FILE);
  if (!getenv("NNGEN_TEST_DEEP")) return;
  for (int op = 0; op < OP_COUNT; op++) {
    const struct op_info *info = op_info((enum op)op);
    for (uint64_t seed = 1; seed <= 3; seed++)
      if ((info->executors & EXECUTOR_CIRCUIT) && info->column != COLUMN_SHAPE)
        kind_computes((enum op)op, seed, &ice40, ROM_FILE);
  }
}

// A layer with multipliers and no shift, where a register takes that of the product as it is.
static void test_unshifted(void **state) {
  static const int64_t mul[5] = {3, 100, 77, 2, 101};
  static const int32_t shift[5] = {0};
  struct bench b = {0};
  (void)state;
  struct graph *g = bench_network_of(&b.arena, 4, 7, 5);
  g->nodes[0].rq[0] = (struct requant){5, mul, shift};
  bench_new(&b, g, 2, 1);
  expect(&b, line(&b, &ice40), 0, "PASS");
  bench_free(&b);
}

// Products with constants whose digits of 16 bits yosys would get wrong; and would without ours.
static void test_words(void **state) {
  static const char *const edits[] = {"", "s/{1'b0, x/{x[15*ROW+14], x/"};
  (void)state;
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  for (int i = 0; i < 2; i++) {
    struct arena a = {0};
    const char *text = arena_printf(
        &a,
        "rm -rf $OUT; mkdir $OUT && sed \"%s\" hw/fixed_multiply.sv >$OUT/fixed_multiply.sv &&"
        " yosys -q -p \"read_verilog -sv tests/netlist_words.sv $OUT/fixed_multiply.sv"
        " hw/fixed_product.sv; synth_ice40 -dsp -top words; write_verilog -noattr $OUT/words.v\" &&"
        " sed '/^module words/,/^endmodule/d' tests/netlist_words.sv >$OUT/bench.sv &&"
        " iverilog -g2012 -DNETLIST -DNO_ICE40_DEFAULT_ASSIGNMENTS -s netlist_words -o $OUT/words"
        " $OUT/bench.sv $OUT/words.v %s && vvp -n $OUT/words",
        edits[i], ice40.cells);
    shell_expect(&a, "", "/tmp/nngen-test-words", text, 0, i ? "FAIL x" : "PASS");
    arena_free(&a);
  }
}

// A product in a DSP block for every lane of a join, whose registers yosys gives to the blocks.
static void test_lanes(void **state) {
  struct arena a = {0};
  (void)state;
  if (!getenv("NNGEN_TEST_DEEP")) skip();
  shell_expect(&a, "", "/tmp/nngen-test-lanes",
               "yosys -q -p \"read_verilog -sv -DSYNTHESIS hw/fixed_mul.sv hw/axis_pipe.sv"
               " hw/fixed_integer.sv hw/fixed_multiply.sv hw/fixed_product.sv hw/fixed_requant.sv"
               " hw/fixed_requant_lanes.sv; chparam -set LANES 4 -set SHIFT 4 fixed_mul;"
               " synth_xilinx -family xc7 -noiopad -flatten -top fixed_mul;"
               " select -assert-count 4 t:DSP48E1; select -assert-min 80 t:FDRE\"",
               0, "");
  arena_free(&a);
}

// What is wrong is found, and what is missing is asked for.
static void test_faults(void **state) {
  struct bench b = {0};
  (void)state;
  bench_new(&b, bench_network(&b.arena), 2, 1);
  expect(&b, "make -s -C $RTL/tb netlist", 2, "which netlist? NETLIST=FILE.v");
  bench_patch(&b, "fixed_mac.sv", ".b(w_code)", ".b(~w_code)");
  expect(&b, line(&b, &ecp5), 2, "FAIL image");
  bench_free(&b);
}

int main(void) {
  if (!process_exists("yosys")) {
    puts("yosys is not installed: nothing tested");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sums),      cmocka_unit_test(test_stalls),
      cmocka_unit_test(test_constants), cmocka_unit_test(test_unshifted),
      cmocka_unit_test(test_words),     cmocka_unit_test(test_lanes),
      cmocka_unit_test(test_faults)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
