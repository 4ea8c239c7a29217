// SPDX-License-Identifier: Apache-2.0
// What a generated folder offers other tools. FuseSoC is run; the vendors' scripts run in tclsh
// with stand-ins for their commands (tests/vendor_stub.tcl). What is broken must be found.
#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "tests/cmd/helper_shell.h"
#include "tests/sim/helper_bench.h"

#include <stdlib.h>
#include <string.h>

// ---- circuits

static void new_circuit(struct bench *b) {
  bench_new(b, bench_network(&b->arena), 2, 1);
}

static const char *expect(struct bench *b, const char *line, int status, const char *words) {
  return shell_expect(&b->arena, b->job.folder, b->dir, line, status, words);
}

static const char *text_of(struct bench *b, const char *file) {
  struct bytes bytes;
  struct err e = {0};
  const char *path = arena_printf(&b->arena, "%s/%s", b->job.folder, file);
  if (!file_read(&b->arena, path, 1 << 20, &bytes, &e)) fail_msg("%s", e.text);
  return arena_printf(&b->arena, "%.*s", (int)bytes.size, (char *)bytes.data);
}

// ---- the text of top.core

// The files of a fileset, a line each, without where they are copied to.
static const char *fileset(struct bench *b, const char *name) {
  return expect(b,
                arena_printf(&b->arena,
                             "sed -n '/^  %s:$/,/^  [a-z]*:$/s/^      - \\([^:]*\\).*/\\1/p'"
                             " $RTL/top.core",
                             name),
                0, "");
}

static void test_core_lists_the_folder(void **state) {
  struct bench b = {0};
  (void)state;
  new_circuit(&b);
  assert_memory_equal(text_of(&b, "top.core"), "CAPI=2:\n", 8);
  // the library's modules are cores of their own
  const char *modules = expect(&b, "sed -n 's/.*\"=::nngen_\\(.*\\):1.0.*/\\1.sv/p' $RTL/top.core",
                               0, "fixed_mac.sv\n");
  assert_string_equal(arena_printf(&b.arena, "%s%s", modules, "top_rom_check.sv\ntop.sv\n"),
                      text_of(&b, "top.f"));
  expect(&b, "grep -c 'files: \\[fixed_mac.sv\\]' $RTL/fixed_mac.core", 0, "1");
  assert_string_equal(fileset(&b, "rom"), expect(&b, "cd $RTL; ls rom/*", 0, "l0_weight"));
  assert_string_equal(fileset(&b, "tb"), expect(&b, "cd $RTL; ls tb/*.sv", 0, "tb.sv"));
  assert_string_equal(fileset(&b, "vectors"), expect(&b, "cd $RTL; ls vectors/*", 0, "l0.mem"));
  bench_free(&b);
}

// ---- FuseSoC

#define STUB "tclsh tests/vendor_stub.tcl $RTL "
#define PROJECT STUB "vivado/project.tcl "
#define PACKAGE STUB "vivado/package_ip.tcl "
#define QUARTUS STUB "quartus/project.tcl "
#define COMPONENT STUB "quartus/top_hw.tcl"
#define FUSESOC "scripts/fusesoc --cores-root $RTL run --clean --build-root $OUT/fs --target="

static bool no_fusesoc(void) {
  return system("scripts/fusesoc --version >/dev/null") != 0;
}

static void test_fusesoc(void **state) {
  struct bench b = {0};
  (void)state;
  if (no_fusesoc()) skip();
  new_circuit(&b);
  expect(&b, FUSESOC "lint ::top", 0, "verilator");
  expect(&b, FUSESOC "sim ::top", 0, "PASS 4 frames");
  expect(&b, FUSESOC "sim_verilator ::top", 0, "PASS 4 frames");
  expect(&b, FUSESOC "vivado --setup ::top; cat $OUT/fs/*/vivado/top*.tcl", 0,
         "read_mem {top/rom/l0_weight_000_000.mem}");
  bench_free(&b);
}

#define SYSTEM                                                                                     \
  "mkdir -p $OUT/sys; cp -r $RTL $OUT/sys/top; printf 'module sys(input logic aclk); "             \
  "endmodule\n' "                                                                                  \
  ">$OUT/sys/sys.sv; printf '%s\n' CAPI=2: 'name: ::sys:1.0.0' filesets: '  rtl: {files: "         \
  "[sys.sv], "                                                                                     \
  "file_type: systemVerilogSource, depend: [\"::top\", \"::second\"]}' targets: '  default: "      \
  "{filesets"                                                                                      \
  ": [rtl], toplevel: sys}' '  lint: {filesets: [rtl], toplevel: sys, flow: lint, flow_options: "  \
  "{tool: verilator}}' '  sim: {filesets: [rtl], toplevel: sys, flow: sim, flow_options: {tool: "  \
  "icarus, iverilog_options: [-g2012]}}' >$OUT/sys/sys.core; "
#define DESIGN "scripts/fusesoc --cores-root $OUT/sys run --clean --build-root $OUT/both --target="

// Two circuits in one design share the modules that both use; the versions of the modules follow
// from their bytes, so that a changed one can't be taken for another.
static void test_two_circuits(void **state) {
  struct bench b = {0};
  struct err e = {0};
  (void)state;
  if (no_fusesoc()) skip();
  new_circuit(&b);
  struct folding f = {.parallelism = 3};
  struct circuit *p =
      circuit_build(&b.arena, bench_network_of(&b.arena, 4, 19, 11), "second", &f, &e);
  const char *second = arena_printf(&b.arena, "%s/sys/second", b.dir);
  if (!p || !folder_write(p, second, &(struct folder_content){0}, &e)) fail_msg("%s", e.text);
  expect(&b, SYSTEM DESIGN "lint ::sys", 0, "verilator");
  expect(&b, DESIGN "sim ::sys", 0, "vvp");
  expect(&b,
         "sed -i 's/^name: .*/name: ::nngen_fixed_mac:1.0.7/' $OUT/sys/top/fixed_mac.core;"
         " sed -i 's/fixed_mac:1.0.[0-9]*/fixed_mac:1.0.7/' $OUT/sys/top/top.core; " DESIGN
         "lint ::sys",
         1, "ERROR: ");
  bench_free(&b);
}

// A component for VHDL that a design can instantiate, also of a name that VHDL must quote.
static void test_vhdl(void **state) {
  struct bench b = {0};
  struct err e = {0};
  (void)state;
  if (!process_exists("ghdl")) skip();
  new_circuit(&b);
  struct folding f = {.parallelism = 2};
  struct circuit *p = circuit_build(&b.arena, bench_network(&b.arena), "a__b", &f, &e);
  const char *quoted = arena_printf(&b.arena, "%s/quoted", b.dir);
  if (!p || !folder_write(p, quoted, &(struct folder_content){0}, &e)) fail_msg("%s", e.text);
  expect(&b, "cd $OUT && ghdl -a quoted/a__b.vhd && echo analysed", 0, "analysed");
  expect(
      &b,
      "cd $OUT && ghdl -a $RTL/top.vhd && printf '%s\n' 'library ieee;' 'use "
      "ieee.std_logic_1164.all;'"
      " 'use work.top_component.all;' 'entity user is end;' 'architecture a of user is signal c, x "
      ":"
      " std_logic; signal d : std_logic_vector(15 downto 0); begin u : top generic map (ROM_DIR => "
      "\"top/rom\") port map (c, c, d, c, x, c, open, open, c, open, open); end;' >user.vhd &&"
      " ghdl -a user.vhd && echo analysed",
      0, "analysed");
  bench_free(&b);
}

// Without memory files.
static void test_case_style(void **state) {
  struct bench b = {0};
  struct err e = {0};
  (void)state;
  new_circuit(&b);
  b.circuit->rom_style = ROM_CASE;
  assert_true(folder_write(b.circuit, b.job.folder, &(struct folder_content){0}, &e));
  expect(&b, PROJECT "xc7a35tcsg324-1", 0, "create_project");
  expect(&b, PACKAGE "xc7a35tcsg324-1 ip", 0, "save_core");
  expect(&b, QUARTUS "'Cyclone V' 5CSEMA5F31C6", 0, "DEVICE");
  expect(&b, COMPONENT, 0, "interface s_axis");
  if (!no_fusesoc()) {
    expect(&b, FUSESOC "lint ::top", 0, "verilator");
    expect(&b, FUSESOC "sim ::top", 0, "PASS 4 frames");
  }
  bench_free(&b);
}

static void test_fusesoc_finds_faults(void **state) {
  struct bench b = {0};
  (void)state;
  if (no_fusesoc()) skip();
  new_circuit(&b);
  bench_patch(&b, "fixed_mac.sv", ".b(w_code)", ".b(~w_code)");
  expect(&b, FUSESOC "sim ::top", 1, "FAIL image 0");
  if (getenv("NNGEN_TEST_DEEP")) expect(&b, FUSESOC "sim_verilator ::top", 1, "FAIL image 0");
  bench_patch(&b, "fixed_mac.sv", ".b(~w_code)", ".b(nothing)");
  expect(&b, FUSESOC "lint ::top", 1, "nothing");
  bench_patch(&b, "fixed_mac.sv", ".b(nothing)", ".b(w_code)");
  expect(&b, "rm $RTL/rom/l0_bias_000_000.mem; " FUSESOC "sim ::top", 1, "l0_bias_000_000.mem");
  bench_free(&b);
}

// ---- scripts of the vendors

static void test_scripts(void **state) {
  struct bench b = {0};
  (void)state;
  new_circuit(&b);
  expect(&b, PROJECT "xc7a35tcsg324-1", 0, "create_project top vivado-project xc7a35tcsg324-1");
  expect(&b, PROJECT "xcvu9p here synth", 0, "synth_design xcvu9p");
  expect(&b, PACKAGE "xc7a35tcsg324-1 ip", 0,
         "associate s_axis aclk\nassociate m_axis aclk\nset_property value");
  expect(&b, PACKAGE "xc7a35tcsg324-1", 0, "save_core");
  expect(&b, QUARTUS "'Cyclone V' 5CSEMA5F31C6", 0, "FAMILY Cyclone V\nDEVICE 5CSEMA5F31C6");
  expect(&b, COMPONENT, 0, "interface s_axis axi4stream end\ninterface m_axis axi4stream start");
  expect(&b, COMPONENT, 0, "value of ROM_DIR rom");
  bench_free(&b);
}

// A tool that works in a folder of its own finds the images by their bare names, wherever the
// folder of the circuit is now, with blanks in its path too.
static void test_bare_names(void **state) {
  struct bench b = {0};
  (void)state;
  new_circuit(&b);
  expect(&b,
         "mkdir -p $OUT/'a b' $OUT/work && mv $RTL $OUT/'a b/rtl' && cd $OUT/work &&"
         " cp ../'a b'/rtl/rom/*.mem . && iverilog -g2012 -s tb -Ptb.ROM_DIR='\".\"'"
         " -Ptb.VECTORS=\"\\\"../a b/rtl/vectors\\\"\" -o tb.vvp ../'a b'/rtl/*.sv ../'a "
         "b'/rtl/tb/*.sv"
         " && vvp -N tb.vvp",
         0, "PASS 4 frames");
  expect(&b,
         "cd $OUT && tclsh $OLDPWD/tests/vendor_stub.tcl $OUT/'a b/rtl' vivado/package_ip.tcl p", 0,
         "save_core");
  expect(&b, "tclsh tests/vendor_stub.tcl $OUT/'a b/rtl' quartus/project.tcl f d", 0, "DEVICE d");
  bench_free(&b);
}

// A stale image, and one of another lane with as many words, stop a simulation.
static void test_images(void **state) {
  static const char *const how[] = {
      "sed -i '1{h;d};$G' $RTL/rom/l0_weight_000_000.mem",
      "cp $RTL/rom/l0_weight_000_000.mem $RTL/rom/l0_weight_001_000.mem",
      "sed -i '1s/$/ /' $RTL/rom/l2_bias_000_000.mem"};
  (void)state;
  for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
    struct bench b = {0};
    new_circuit(&b);
    expect(&b, how[i], 0, "");
    expect(&b, "make -s -C $RTL/tb icarus", 2,
           "isn't the memory image that the circuit was generated with");
    bench_free(&b);
  }
}

// A folder in which one thing is wrong, by a shell line.
static void broken(const char *how, const char *command, const char *words) {
  struct bench b = {0};
  new_circuit(&b);
  expect(&b, how, 0, "");
  expect(&b, command, 1, words);
  bench_free(&b);
}

static void test_broken_scripts(void **state) {
  (void)state;
  broken("true", PROJECT, "which part?");
  broken("true", PACKAGE, "which part?");
  broken("true", QUARTUS "5CSEMA5F31C6", "which device?");
  broken("rm $RTL/rom/l0_weight_000_000.mem", PROJECT "p", "l0_weight_000_000.mem: no such file");
  broken("rm $RTL/fixed_mac.sv", COMPONENT, "fixed_mac.sv: no such file");
  broken("sed -i /fixed_mac/d $RTL/files.tcl", QUARTUS "f d", "fixed_mac.sv: not used");
  broken("sed -i s/file_type/filetype/ $RTL/vivado/project.tcl", PROJECT "p",
         "unknown property of a file \"filetype\"");
  broken("sed -i 's/ROM_DIR=/ROMS=/' $RTL/vivado/project.tcl", PROJECT "p",
         "top has no parameter ROMS");
  broken("sed -i 's/-norecurse/-recurse/' $RTL/vivado/project.tcl", PROJECT "p",
         "unknown option -recurse");
  broken("sed -i 's/-clock aclk/-clock clk/' $RTL/vivado/package_ip.tcl", PACKAGE "p",
         "no clock clk");
  broken("sed -i s/s_axis_tvalid/s_valid/ $RTL/top.sv", PACKAGE "p",
         "no interface s_axis was found");
  broken("sed -i s/check_integrity/check/ $RTL/vivado/package_ip.tcl", PACKAGE "p",
         "invalid command name \"ipx::check\"");
  broken("sed -i 's/^set inputs .*/set inputs {s_axis 9}/' $RTL/files.tcl", COMPONENT,
         "s_axis_tdata has 16 bits, not 9");
  broken("sed -i 's/_tlast tlast/_tlast last/' $RTL/quartus/top_hw.tcl", COMPONENT,
         "unknown role of s_axis \"last\"");
  broken("sed -i /_tlast/d $RTL/quartus/top_hw.tcl", COMPONENT, "port s_axis_tlast: not connected");
  broken("sed -i 's/associatedClock clock/associatedClock clk/' $RTL/quartus/top_hw.tcl", COMPONENT,
         "no interface clk");
  broken("sed -i /VERILOG_MACRO/d $RTL/quartus/project.tcl", QUARTUS "f d",
         "Quartus doesn't know SYNTHESIS");
  broken("sed -i 's/{ROM_DIR=.}/ROM_DIR=$root/' $RTL/vivado/project.tcl", PROJECT "p",
         "expected .");
  broken("sed -i 's/foreach file .memories/foreach file {}/' $RTL/vivado/package_ip.tcl",
         PACKAGE "p", "not among the sources");
  broken("sed -i 's/ROM_DIR .relative .root rom./ROM_DIR \\/tmp\\/none/' $RTL/quartus/project.tcl",
         QUARTUS "f d", "/tmp/none: no such folder");
  broken("sed -i 's/VIRTUAL_PIN/VIRTUAL/' $RTL/quartus/project.tcl", QUARTUS "f d",
         "unknown instance assignment \"VIRTUAL\"");
}

int main(void) {
  if (no_fusesoc()) puts("FuseSoC is not installed and PyPI does not give it: not tested");
  if (!process_exists("ghdl")) puts("ghdl is not installed: the VHDL component is not tested");
  if (!process_exists("tclsh")) {
    puts("tclsh is not installed: scripts/setup test");
    return 1;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_core_lists_the_folder),
      cmocka_unit_test(test_fusesoc),
      cmocka_unit_test(test_two_circuits),
      cmocka_unit_test(test_vhdl),
      cmocka_unit_test(test_case_style),
      cmocka_unit_test(test_fusesoc_finds_faults),
      cmocka_unit_test(test_scripts),
      cmocka_unit_test(test_bare_names),
      cmocka_unit_test(test_images),
      cmocka_unit_test(test_broken_scripts),
  };
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
