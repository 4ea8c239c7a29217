// SPDX-License-Identifier: Apache-2.0
// top.sv: one block per cell in the order of the data, nets named after the cell that drives them.
#include "gen/emit.h"

#include <string.h>

static int64_t bits(const struct stream *s) {
  return s->lanes * s->width;
}

static const char *short_type(struct arena *a, const struct stream *s) {
  return type_text(a, &s->type);
}

// Of a layer's cell; there are cells for columns with a circuit only.
static const struct emit_column *column_of(const struct circuit *p, const struct cell *c) {
  static const struct emit_column *const columns[] = {
#define YES(f) &f
#define MOVE(f) NULL
#define NO(f) NULL
#define COLUMN(id, stem, golden, prepare, real, quant, circuit) circuit(emit_##stem),
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO
  };
  return columns[op_info(p->graph->nodes[c->node].op)->column];
}

const char *emit_module(const struct circuit *p, const struct cell *c) {
  static const char *const modules[] = {"axis_frame", "axis_resize", "axis_register", "",
                                        "axis_trim",  "axis_fork",   "axis_fifo"};
  if (c->kind == CELL_FRAME && p->transfer) return "axis_count";
  return c->kind == CELL_LAYER ? column_of(p, c)->module(c) : modules[c->kind];
}

static const char *plural(int64_t n) {
  return n == 1 ? "" : "s";
}

static void put_header(struct text *out, struct arena *a, const struct circuit *p) {
  text_puts(out, "// SPDX-License-Identifier: MIT-0\n");
  text_printf(out,
              "// %s: %lld -> %lld. II %lld cycles, latency %lld cycles, %lld multipliers.\n//\n",
              p->top, (long long)p->input.elements, (long long)p->output.elements, (long long)p->ii,
              (long long)p->latency, (long long)p->multipliers);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER) continue;
    text_printf(out, "//   %-16s %5lld -> %-5lld  %s\n", c->name, (long long)c->in[0]->elements,
                (long long)c->out[0]->elements, short_type(a, c->out[0]));
  }
  text_puts(out, "//\n// Streams are AXI4-Stream without TKEEP: a beat carries the next elements "
                 "of a frame (row, column,\n"
                 "// channel; channel fastest), the first in the low bits; ");
  if (!p->transfer)
    text_puts(out, "TLAST is on a frame's last beat.\n");
  else
    text_printf(
        out,
        "TLAST at the input\n// decides nothing, frames are counted; at the output it is on "
        "the last beat of every %lld frame%s.\n",
        (long long)p->transfer, plural(p->transfer));
}

static void put_port_comment(struct text *out, struct arena *a, const char *way,
                             const struct stream *s) {
  text_printf(out, "  // frame %s: %lld beat%s of %lld element%s of %s", way, (long long)s->beats,
              plural(s->beats), (long long)s->lanes, plural(s->lanes), short_type(a, s));
  if (s->elements % s->lanes)
    text_printf(out, ", %lld in the last", (long long)(s->elements % s->lanes));
  text_puts(out, "\n");
}

// "[31:0]" of a stream's TDATA at top, in whole bytes.
static const char *top_range(struct arena *a, const struct stream *s) {
  return arena_printf(a, "[%lld:0]", (long long)(8 * stream_bytes(s) - 1));
}

// The attributes tell Vivado's block designs what belongs together; other tools ignore them.
static void put_clock_ports(struct text *out, int width) {
  text_puts(out, "  (* X_INTERFACE_INFO = \"xilinx.com:signal:clock:1.0 aclk CLK\" *)\n"
                 "  (* X_INTERFACE_PARAMETER = \"ASSOCIATED_BUSIF s_axis:m_axis, "
                 "ASSOCIATED_RESET aresetn\" *)\n");
  text_printf(out, "  input  logic %*s aclk,\n", width, "");
  text_puts(out, "  (* X_INTERFACE_INFO = \"xilinx.com:signal:reset:1.0 aresetn RST\" *)\n"
                 "  (* X_INTERFACE_PARAMETER = \"POLARITY ACTIVE_LOW\" *)\n");
  text_printf(out, "  input  logic %*s aresetn,  // synchronous, active low\n", width, "");
}

static void put_ports(struct text *out, struct arena *a, const struct circuit *p) {
  const char *in = top_range(a, &p->input), *from = top_range(a, &p->output);
  int width = (int)(strlen(in) > strlen(from) ? strlen(in) : strlen(from));
  text_printf(out, "`default_nettype none\n\nmodule %s ", p->top);
  if (p->rom_style == ROM_FILE)
    text_puts(
        out,
        "#(\n  // folder of the memory images, as the tool that reads them sees it; \".\": it\n"
        "  // finds them by their bare names\n  parameter ROM_DIR = \"rom\"\n) ");
  text_puts(out, "(\n");
  put_clock_ports(out, width);
  put_port_comment(out, a, "in", &p->input);
  text_printf(out, "  input  logic %*s s_axis_tdata,\n", width, in);
  text_printf(out, "  input  logic %*s s_axis_tvalid,\n", width, "");
  text_printf(out, "  output logic %*s s_axis_tready,\n", width, "");
  text_printf(out, "  input  logic %*s s_axis_tlast,\n", width, "");
  put_port_comment(out, a, "out", &p->output);
  text_printf(out, "  output logic %*s m_axis_tdata,\n", width, from);
  text_printf(out, "  output logic %*s m_axis_tvalid,\n", width, "");
  text_printf(out, "  input  logic %*s m_axis_tready,\n", width, "");
  text_printf(out, "  output logic %*s m_axis_tlast,\n", width, "");
  text_puts(out, p->transfer
                     ? "  // TLAST has come in inside of a frame; cleared by reset\n"
                     : "  // a frame with a misplaced TLAST has come in; cleared by reset\n");
  text_printf(out, "  output logic %*s frame_error\n);\n", width, "");
  if (p->rom_style == ROM_FILE)
    text_puts(out, "  // what stands before an image's name\n"
                   "  localparam ROM = ROM_DIR == \".\" ? \"\" : {ROM_DIR, \"/\"};\n\n");
  if (p->rom_style == ROM_FILE)
    text_printf(
        out,
        "`ifndef SYNTHESIS\n  // synthesis translate_off\n  %s_rom_check #(.ROM(ROM)) rom_check "
        "();\n  // synthesis translate_on\n`endif\n\n",
        p->top);
}

static void put_nets(struct text *out, const struct stream *s) {
  text_printf(out, "  logic [%lld:0] %s_tdata;\n", (long long)bits(s) - 1, s->signal);
  text_printf(out, "  logic %s_tvalid, %s_tready, %s_tlast;\n\n", s->signal, s->signal, s->signal);
}

static void put_parameters(struct text *out, const struct circuit *p, const struct cell *c) {
  struct parameters list = {out, 0, p->rom_style};
  switch (c->kind) {
  case CELL_FRAME:
    verilog_parameter(&list, "WIDTH", bits(c->in[0]));
    verilog_parameter(&list, "BEATS", c->in[0]->beats);
    return;
  case CELL_RESIZE:
    verilog_parameter(&list, "WIDTH", c->in[0]->width);
    verilog_parameter(&list, "ELEMENTS", c->in[0]->elements);
    verilog_parameter(&list, "IN_LANES", c->in[0]->lanes);
    verilog_parameter(&list, "OUT_LANES", c->out[0]->lanes);
    return;
  case CELL_REGISTER:
    verilog_parameter(&list, "WIDTH", bits(c->in[0]));
    return;
  case CELL_TRIM:
    verilog_parameter(&list, "WIDTH", c->in[0]->width);
    verilog_parameter(&list, "LANES", c->in[0]->lanes);
    verilog_parameter(&list, "USED", c->in[0]->elements % c->in[0]->lanes);
    return;
  case CELL_FORK:
    verilog_parameter(&list, "WIDTH", bits(c->in[0]));
    verilog_parameter(&list, "READERS", c->n_out);
    return;
  case CELL_QUEUE:
    verilog_parameter(&list, "WIDTH", bits(c->in[0]));
    verilog_parameter(&list, "DEPTH", c->timing.queue);
    return;
  case CELL_LAYER:
    column_of(p, c)->parameters(&list, p, c);
    return;
  }
}

static void put_stream(struct text *out, const char *port, const char *net, const char *range) {
  text_printf(out, "    .%s_tdata(%s_tdata%s), .%s_tvalid(%s_tvalid),\n", port, net, range, port,
              net);
  text_printf(out, "    .%s_tready(%s_tready), .%s_tlast(%s_tlast)", port, net, port, net);
}

static void put_comment(struct text *out, struct arena *a, const struct circuit *p,
                        const struct cell *c) {
  static const char *const facts[] = {"exact frames, whatever TLAST the source sends",
                                      "lanes to lanes",
                                      "cuts the ready path",
                                      "",
                                      "zeroes the unused lanes of the last beat",
                                      "several readers",
                                      "beats that wait for the other branch"};
  text_printf(out, "  // %s: ", c->name);
  if (c->kind == CELL_FRAME && p->transfer) {
    text_printf(out, "frames of %lld beats, wherever TLAST is\n", (long long)c->in[0]->beats);
    return;
  }
  if (c->kind != CELL_LAYER) {
    text_printf(out, "%s\n", facts[c->kind]);
    return;
  }
  text_printf(out, "%lld -> %lld, %s -> %s, %lld cycles", (long long)c->in[0]->elements,
              (long long)c->out[0]->elements, short_type(a, c->in[0]), short_type(a, c->out[0]),
              (long long)c->cycles);
  if (c->accumulator_bits)
    text_printf(out, ", %lld x %lld lanes, accumulator %d bits", (long long)c->in[0]->lanes,
                (long long)c->out[0]->lanes, c->accumulator_bits);
  text_puts(out, "\n");
}

// The nets of several streams behind one port, the first in the low bits.
static void put_bundle(struct text *out, const char *port, const struct cell *c) {
  static const char *const nets[] = {"tdata", "tvalid", "tready", "tlast"};
  for (int i = 0; i < 4; i++) {
    text_printf(out, "%s    .%s_%s({", i ? ",\n" : "", port, nets[i]);
    for (uint32_t k = c->n_out; k-- > 0;)
      text_printf(out, "%s_%s%s", c->out[k]->signal, nets[i], k ? ", " : "");
    text_puts(out, "})");
  }
}

static void put_cell(struct text *out, struct arena *a, const struct circuit *p,
                     const struct cell *c) {
  bool first = c->kind == CELL_FRAME;
  bool padded = first && 8 * stream_bytes(&p->input) != bits(&p->input);
  const char *range = padded ? arena_printf(a, "[%lld:0]", (long long)bits(&p->input) - 1) : "";
  put_comment(out, a, p, c);
  for (uint32_t i = 0; i < c->n_out; i++) put_nets(out, c->out[i]);
  text_printf(out, "  %s #(\n", emit_module(p, c));
  put_parameters(out, p, c);
  text_printf(out, "\n  ) %s (\n", c->name);
  if (c->kind != CELL_TRIM) text_puts(out, "    .aclk(aclk), .aresetn(aresetn),\n");
  for (uint32_t i = 0; i < c->n_in; i++) {
    const char *port = c->n_in == 1 ? "s_axis" : arena_printf(a, "s%u_axis", i);
    put_stream(out, port, c->in[i]->signal, range);
    text_puts(out, ",\n");
  }
  if (c->n_out == 1)
    put_stream(out, "m_axis", c->out[0]->signal, "");
  else
    put_bundle(out, "m_axis", c);
  text_puts(out, first ? ",\n    .frame_error(frame_error)\n  );\n\n" : "\n  );\n\n");
}

static void put_end(struct text *out, const struct circuit *p, const char *last) {
  int64_t pad_in = 8 * stream_bytes(&p->input) - bits(&p->input);
  int64_t pad_out = 8 * stream_bytes(&p->output) - bits(&p->output);
  if (pad_out)
    text_printf(out, "  assign m_axis_tdata = {%lld'd0, %s_tdata};\n", (long long)pad_out, last);
  else
    text_printf(out, "  assign m_axis_tdata = %s_tdata;\n", last);
  text_printf(out, "  assign m_axis_tvalid = %s_tvalid;\n  assign %s_tready = m_axis_tready;\n",
              last, last);
  if (p->transfer > 1)
    text_printf(out,
                "\n  // transfer: TLAST with the last of %lld frames\n  axis_group #(\n"
                "    .FRAMES(%lld)\n  ) transfer (\n    .aclk(aclk), .aresetn(aresetn), "
                ".tvalid(m_axis_tvalid), .tready(m_axis_tready),\n"
                "    .s_axis_tlast(%s_tlast), .m_axis_tlast(m_axis_tlast)\n  );\n",
                (long long)p->transfer, (long long)p->transfer, last);
  else
    text_printf(out, "  assign m_axis_tlast = %s_tlast;\n", last);
  if (pad_in)
    text_printf(out,
                "\n  // TDATA comes in whole bytes\n  logic unused_tdata;\n"
                "  assign unused_tdata = &{1'b0, s_axis_tdata[%lld:%lld]};\n",
                (long long)(8 * stream_bytes(&p->input) - 1), (long long)bits(&p->input));
  text_puts(out, "endmodule\n\n`default_nettype wire\n");
}

void emit_top(struct text *out, const struct circuit *p) {
  struct arena a = {0};
  put_header(out, &a, p);
  put_ports(out, &a, p);
  for (uint32_t i = 0; i < p->n_cells; i++) put_cell(out, &a, p, &p->cells[i]);
  put_end(out, p, p->cells[p->n_cells - 1].out[0]->signal);
  arena_free(&a);
}

void emit_roms(struct emit_files *f, const struct circuit *p) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER) continue;
    if (column_of(p, c)->images) column_of(p, c)->images(f, c);
  }
}
