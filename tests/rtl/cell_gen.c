// SPDX-License-Identifier: Apache-2.0
// cell_gen SUITE FOLDER: writes FOLDER/bench.sv, with an instance and a test of each cell of the
// suite, and the cells' memory images in FOLDER/rom.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/rtl/cell.h"

static struct suite suite;

// Cell number `id` of the bench, with its streams and its test.
static void print_cell(FILE *f, const struct cell *c, int id) {
  int in_bits = c->in_lanes * c->in_width, out_bits = c->out_lanes * c->out_width;
  fprintf(f, "\n  logic [%d:0] s%d_tdata;\n  logic s%d_tvalid, s%d_tready, s%d_tlast;\n",
          in_bits - 1, id, id, id, id);
  fprintf(f, "  logic [%d:0] m%d_tdata;\n  logic m%d_tvalid, m%d_tready, m%d_tlast;\n",
          out_bits - 1, id, id, id, id);
  fprintf(f, "  %s #(%s) %s_%d (\n", c->module, c->parameters, c->mutable ? "mutable" : "cell", id);
  fprintf(f, "    .aclk(aclk), .aresetn(aresetn)");
  const char *const port[] = {"tdata", "tvalid", "tready", "tlast"};
  for (int i = 0; i < 4; i++)
    fprintf(f, ",\n    .s_axis_%s(s%d_%s), .m_axis_%s(m%d_%s)", port[i], id, port[i], port[i], id,
            port[i]);
  fprintf(
      f,
      ");\n  stream_test #(.ID(%d), .IN_LANES(%d), .IN_WIDTH(%d), .IN_ELEMENTS(%d), "
      ".OUT_LANES(%d),\n    .OUT_WIDTH(%d), .OUT_ELEMENTS(%d), .FRAMES(%d), .II(%d), "
      ".LATENCY(%d), .HOLDS(%d)) test_%d (\n    .aclk(aclk), .aresetn(aresetn), .pattern(pattern), "
      ".done(done[%d])",
      id, c->in_lanes, c->in_width, c->in_elements, c->out_lanes, c->out_width, c->out_elements,
      c->frames, c->ii, c->latency, c->holds, id, id);
  for (int i = 0; i < 4; i++)
    fprintf(f, ",\n    .s_axis_%s(s%d_%s), .m_axis_%s(m%d_%s)", port[i], id, port[i], port[i], id,
            port[i]);
  fprintf(f, ");\n");
}

static void print_bench(FILE *f, const char *name) {
  fprintf(f, "// %d cells of the suite %s, made by cell_gen.c\n", suite.count, name);
  fprintf(f, "module bench;\n  logic aclk, aresetn;\n  logic [3:0] pattern;\n");
  fprintf(f, "  logic [%d:0] done;\n", suite.count - 1);
  fprintf(f, "  stream_phases #(.SUITE(\"%s\"), .CELLS(%d)) phases (\n", name, suite.count);
  fprintf(f, "    .aclk(aclk), .aresetn(aresetn), .pattern(pattern), .done(done));\n");
  for (int i = 0; i < suite.count; i++) print_cell(f, &suite.cell[i], i);
  fprintf(f, "endmodule\n");
}

// The codes of the first frames, one a line, for a simulator without DPI.
static void write_vectors(const struct cell *c, int id, const char *folder, const char *kind,
                          int elements, uint64_t (*code)(const struct cell *, int, int)) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%s_%03d.mem", folder, kind, id);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(1);
  }
  for (int i = 0; i < c->frames * elements; i++)
    fprintf(f, "%" PRIx64 "\n", code(c, i / elements, i % elements));
  fclose(f);
}

static void write_images(const char *folder) {
  char rom[4096];
  snprintf(rom, sizeof rom, "%s/rom", folder);
  for (int i = 0; i < suite.count; i++) {
    const struct cell *c = &suite.cell[i];
    if (c->write_images) c->write_images(c, rom);
    write_vectors(c, i, rom, "in", c->in_elements, c->input);
    write_vectors(c, i, rom, "out", c->out_elements, c->expected);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: cell_gen SUITE FOLDER\n");
    return 2;
  }
  suite_build(&suite, argv[1]);
  char path[4096];
  snprintf(path, sizeof path, "%s/bench.sv", argv[2]);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    return 1;
  }
  print_bench(f, argv[1]);
  bool failed = ferror(f) != 0;
  write_images(argv[2]);
  return fclose(f) != 0 || failed;
}
