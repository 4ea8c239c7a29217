// SPDX-License-Identifier: Apache-2.0
// top.sv: one block per cell in the order of the data, nets named after the cell that drives them.
#include "gen/emit.h"

#include <string.h>

static int64_t bits(const struct stream *s) {
  return s->lanes * s->width + s->number;
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

// Bits of each of any number of inputs, which are one port together; 0: each is a port.
static int64_t emit_slot(const struct circuit *p, const struct cell *c) {
  return c->kind == CELL_LAYER && column_of(p, c)->slot ? column_of(p, c)->slot(c)
         : c->kind == CELL_GROUP                        ? emit_concat.slot(c)
                                                        : 0;
}

const char *emit_module(const struct circuit *p, const struct cell *c) {
  static const char *const modules[] = {
      [CELL_FRAME] = "axis_frame",       [CELL_RESIZE] = "axis_resize",
      [CELL_REGISTER] = "axis_register", [CELL_TRIM] = "axis_trim",
      [CELL_FORK] = "axis_fork",         [CELL_QUEUE] = "axis_fifo",
      [CELL_GROUP] = "axis_concat",      [CELL_CAST] = "fixed_cast",
      [CELL_CONSTANT] = "axis_constant", [CELL_WINDOW] = "axis_window",
      [CELL_SLIDE] = "axis_slide",       [CELL_STATE] = "axis_state"};
  if (c->kind == CELL_FRAME && p->transfer) return "axis_count";
  return c->kind == CELL_LAYER ? column_of(p, c)->module(c) : modules[c->kind];
}

static const char *plural(int64_t n) {
  return n == 1 ? "" : "s";
}

// "784", or "16 + 4".
static const char *sizes(struct arena *a, const struct stream *ports, uint32_t count) {
  const char *text = arena_printf(a, "%lld", (long long)ports[0].elements);
  for (uint32_t i = 1; i < count; i++)
    text = arena_printf(a, "%s + %lld", text, (long long)ports[i].elements);
  return text;
}

static void put_header(struct text *out, struct arena *a, const struct circuit *p) {
  text_puts(out, "// SPDX-License-Identifier: MIT-0\n");
  text_printf(out, "// %s: %s -> %s. II %lld cycles, latency %lld cycles, %lld multipliers.\n//\n",
              p->top, sizes(a, p->inputs, p->n_inputs), sizes(a, p->outputs, p->n_outputs),
              (long long)p->ii, (long long)p->latency, (long long)p->multipliers);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER) continue;
    text_printf(out, "//   %-16s %5lld -> %-5lld  %s\n", c->name, (long long)cell_elements_in(c),
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
static void put_clock_ports(struct text *out, const struct circuit *p, int width) {
  text_puts(out, "  (* X_INTERFACE_INFO = \"xilinx.com:signal:clock:1.0 aclk CLK\" *)\n"
                 "  (* X_INTERFACE_PARAMETER = \"ASSOCIATED_BUSIF ");
  for (uint32_t i = 0; i < p->n_inputs; i++) text_printf(out, "%s:", p->inputs[i].signal);
  for (uint32_t i = 0; i < p->n_outputs; i++)
    text_printf(out, "%s%s", i ? ":" : "", p->outputs[i].signal);
  text_puts(out, ", ASSOCIATED_RESET aresetn\" *)\n");
  text_printf(out, "  input  logic %*s aclk,\n", width, "");
  text_puts(out, "  (* X_INTERFACE_INFO = \"xilinx.com:signal:reset:1.0 aresetn RST\" *)\n"
                 "  (* X_INTERFACE_PARAMETER = \"POLARITY ACTIVE_LOW\" *)\n");
  text_printf(out, "  input  logic %*s aresetn,  // synchronous, active low\n", width, "");
}

// A stream's four ports; those against its direction are printed with the other word.
static void put_port(struct text *out, struct arena *a, const struct stream *s, bool in,
                     int width) {
  const char *with = in ? "input " : "output", *against = in ? "output" : "input ";
  put_port_comment(out, a, in ? "in" : "out", s);
  text_printf(out, "  %s logic %*s %s_tdata,\n", with, width, top_range(a, s), s->signal);
  text_printf(out, "  %s logic %*s %s_tvalid,\n", with, width, "", s->signal);
  text_printf(out, "  %s logic %*s %s_tready,\n", against, width, "", s->signal);
  text_printf(out, "  %s logic %*s %s_tlast,\n", with, width, "", s->signal);
}

static int range_width(struct arena *a, const struct stream *ports, uint32_t count, int width) {
  for (uint32_t i = 0; i < count; i++) {
    int own = (int)strlen(top_range(a, &ports[i]));
    if (own > width) width = own;
  }
  return width;
}

static void put_ports(struct text *out, struct arena *a, const struct circuit *p) {
  int width = range_width(a, p->inputs, p->n_inputs, 0);
  width = range_width(a, p->outputs, p->n_outputs, width);
  text_printf(out, "`default_nettype none\n\nmodule %s ", p->top);
  if (p->rom_style == ROM_FILE)
    text_puts(
        out,
        "#(\n  // folder of the memory images, as the tool that reads them sees it; \".\": it\n"
        "  // finds them by their bare names\n  parameter ROM_DIR = \"rom\"\n) ");
  text_puts(out, "(\n");
  put_clock_ports(out, p, width);
  for (uint32_t i = 0; i < p->n_inputs; i++) put_port(out, a, &p->inputs[i], true, width);
  for (uint32_t i = 0; i < p->n_outputs; i++) put_port(out, a, &p->outputs[i], false, width);
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
  case CELL_STATE:
    verilog_parameter(&list, "WIDTH", bits(c->out[0]));
    verilog_parameter(&list, "INITIAL", c->timing.ib);
    verilog_parameter(&list, "DEPTH", c->timing.queue);
    return;
  case CELL_GROUP:
    emit_concat.parameters(&list, p, c);
    return;
  case CELL_CAST:
    emit_cast_parameters(&list, c);
    return;
  case CELL_CONSTANT:
    emit_constant_parameters(&list, c);
    return;
  case CELL_WINDOW:
    emit_window_parameters(&list, c);
    return;
  case CELL_SLIDE:
    emit_slide_parameters(&list, c);
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

static void put_window(struct text *out, const struct circuit_window *w) {
  const struct window *s = &w->shape;
  text_printf(out, "%lld x %lld taps of each of %lld x %lld pixels, from an image of %lld x %lld",
              (long long)s->kernel[ROWS], (long long)s->kernel[COLUMNS], (long long)s->out[ROWS],
              (long long)s->out[COLUMNS], (long long)s->in[ROWS], (long long)s->in[COLUMNS]);
  if (w->kept)
    text_printf(out, " and the %lld row%s before it", (long long)w->kept, plural(w->kept));
  text_puts(out, "\n");
}

static void put_comment(struct text *out, struct arena *a, const struct circuit *p,
                        const struct cell *c) {
  static const char *const facts[] = {[CELL_FRAME] =
                                          "exact frames, whatever TLAST the source sends",
                                      [CELL_RESIZE] = "lanes to lanes",
                                      [CELL_REGISTER] = "cuts the ready path",
                                      [CELL_TRIM] = "zeroes the unused lanes of the last beat",
                                      [CELL_FORK] = "several readers",
                                      [CELL_GROUP] = "each group begins a beat",
                                      [CELL_CAST] = "to the type of the layer",
                                      [CELL_CONSTANT] = "a tensor of the model, frame by frame"};
  text_printf(out, "  // %s: ", c->name);
  if (c->kind == CELL_FRAME && p->transfer) {
    text_printf(out, "frames of %lld beats, wherever TLAST is\n", (long long)c->in[0]->beats);
    return;
  }
  if (c->kind == CELL_QUEUE) {
    bool joins = c->out[0]->to != NONE && p->cells[c->out[0]->to].n_in > 1;
    text_puts(out,
              joins ? "beats that wait for the other branch\n" : "beats that come in bursts\n");
    return;
  }
  if (c->kind == CELL_WINDOW) {
    put_window(out, c->facts);
    return;
  }
  if (c->kind == CELL_SLIDE) {
    const struct circuit_slide *w = c->facts;
    text_printf(out, "whole windows of %lld columns, %lld of each row of %lld\n",
                (long long)w->kernel, (long long)w->out, (long long)w->in);
    return;
  }
  if (c->kind == CELL_STATE) {
    int64_t frames = c->timing.ib / c->out[0]->beats;
    text_printf(out, "what it was %lld frame%s ago\n", (long long)frames, plural(frames));
    return;
  }
  if (c->kind != CELL_LAYER) {
    text_printf(out, "%s\n", facts[c->kind]);
    return;
  }
  text_printf(out, "%lld -> %lld, %s -> %s, %lld cycles", (long long)cell_elements_in(c),
              (long long)c->out[0]->elements, short_type(a, c->in[0]), short_type(a, c->out[0]),
              (long long)c->cycles);
  if (c->accumulator_bits)
    text_printf(out, ", %lld x %lld lanes, accumulator %d bits", (long long)c->in[0]->lanes,
                (long long)c->out[0]->lanes, c->accumulator_bits);
  text_puts(out, "\n");
}

// Bits of the frame's padding at top, and in a port that has more lanes than the stream.
static int64_t pad_of(const struct stream *s) {
  return 8 * stream_bytes(s) - bits(s);
}

// The nets of several streams behind one port, the first in the low bits, each in `slot` bits.
static void put_bundle(struct text *out, const char *port, struct stream *const *s, uint32_t count,
                       int64_t slot) {
  static const char *const nets[] = {"tdata", "tvalid", "tready", "tlast"};
  for (int i = 0; i < 4; i++) {
    text_printf(out, "%s    .%s_%s({", i ? ",\n" : "", port, nets[i]);
    for (uint32_t k = count; k-- > 0;) {
      if (i == 0 && bits(s[k]) < slot)
        text_printf(out, "%lld'd0, ", (long long)(slot - bits(s[k])));
      text_printf(out, "%s_%s%s", s[k]->signal, nets[i], k ? ", " : "");
    }
    text_puts(out, "})");
  }
}

// Several inputs are ports of their own, unless the module takes any number of them.
static void put_inputs(struct text *out, struct arena *a, const struct circuit *p,
                       const struct cell *c) {
  const struct stream *s = c->n_in ? c->in[0] : NULL;
  int64_t slot = emit_slot(p, c);
  bool padded = c->kind == CELL_FRAME && pad_of(s);
  const char *range = padded ? arena_printf(a, "[%lld:0]", (long long)bits(s) - 1) : "";
  if (slot) {
    put_bundle(out, "s_axis", c->in, c->n_in, slot);
    text_puts(out, ",\n");
    return;
  }
  for (uint32_t i = 0; i < c->n_in; i++) {
    const char *port = c->n_in == 1 ? "s_axis" : arena_printf(a, "s%u_axis", i);
    put_stream(out, port, c->in[i]->signal, range);
    text_puts(out, ",\n");
  }
}

// Each frame cell tells of its own input.
static const char *error_net(struct arena *a, const struct circuit *p, const struct cell *c) {
  return p->n_inputs == 1 ? "frame_error" : arena_printf(a, "%s_error", c->name);
}

static void put_cell(struct text *out, struct arena *a, const struct circuit *p,
                     const struct cell *c) {
  bool first = c->kind == CELL_FRAME;
  put_comment(out, a, p, c);
  if (first && p->n_inputs > 1) text_printf(out, "  logic %s;\n", error_net(a, p, c));
  for (uint32_t i = 0; i < c->n_out && c->kind != CELL_STATE; i++) put_nets(out, c->out[i]);
  text_printf(out, "  %s #(\n", emit_module(p, c));
  put_parameters(out, p, c);
  text_printf(out, "\n  ) %s (\n", c->name);
  if (c->kind != CELL_TRIM) text_puts(out, "    .aclk(aclk), .aresetn(aresetn),\n");
  put_inputs(out, a, p, c);
  if (c->n_out == 1)
    put_stream(out, "m_axis", c->out[0]->signal, "");
  else
    put_bundle(out, "m_axis", c->out, c->n_out, bits(c->out[0]));
  if (first) text_printf(out, ",\n    .frame_error(%s)", error_net(a, p, c));
  text_puts(out, "\n  );\n\n");
}

static void put_transfer(struct text *out, const struct circuit *p, uint32_t i) {
  const char *to = p->outputs[i].signal, *from = p->ends[i]->signal;
  char prefix[32] = "";
  if (p->n_outputs > 1) snprintf(prefix, sizeof prefix, "%s_", to);
  text_printf(out,
              "\n  // transfer: TLAST with the last of %lld frames\n  axis_group #(\n"
              "    .FRAMES(%lld)\n  ) %stransfer (\n    .aclk(aclk), .aresetn(aresetn), "
              ".tvalid(%s_tvalid), .tready(%s_tready),\n"
              "    .s_axis_tlast(%s_tlast), .m_axis_tlast(%s_tlast)\n  );\n",
              (long long)p->transfer, (long long)p->transfer, prefix, to, to, from, to);
}

static void put_output(struct text *out, const struct circuit *p, uint32_t i) {
  const char *to = p->outputs[i].signal, *from = p->ends[i]->signal;
  int64_t pad = pad_of(&p->outputs[i]);
  if (pad)
    text_printf(out, "  assign %s_tdata = {%lld'd0, %s_tdata};\n", to, (long long)pad, from);
  else
    text_printf(out, "  assign %s_tdata = %s_tdata;\n", to, from);
  text_printf(out, "  assign %s_tvalid = %s_tvalid;\n  assign %s_tready = %s_tready;\n", to, from,
              from, to);
  if (p->transfer > 1)
    put_transfer(out, p, i);
  else
    text_printf(out, "  assign %s_tlast = %s_tlast;\n", to, from);
}

// "s_axis_tdata[15:10]", or several of them.
static void put_unused(struct text *out, const struct circuit *p) {
  bool any = false;
  for (uint32_t i = 0; i < p->n_inputs; i++) any |= pad_of(&p->inputs[i]) > 0;
  if (!any) return;
  text_puts(out, "\n  // TDATA comes in whole bytes\n  logic unused_tdata;\n"
                 "  assign unused_tdata = &{1'b0");
  for (uint32_t i = 0; i < p->n_inputs; i++) {
    const struct stream *s = &p->inputs[i];
    if (pad_of(s))
      text_printf(out, ", %s_tdata[%lld:%lld]", s->signal, (long long)(8 * stream_bytes(s) - 1),
                  (long long)bits(s));
  }
  text_puts(out, "};\n");
}

static void put_end(struct text *out, const struct circuit *p) {
  for (uint32_t i = 0; i < p->n_outputs; i++) put_output(out, p, i);
  if (p->n_inputs > 1) {
    text_puts(out, "  assign frame_error = ");
    for (uint32_t i = 0; i < p->n_inputs; i++)
      text_printf(out, "%sframe%u_error", i ? " || " : "", i);
    text_puts(out, ";\n");
  }
  put_unused(out, p);
  text_puts(out, "endmodule\n\n`default_nettype wire\n");
}

// The nets of what comes from behind: the cells that they are read by stand before their own.
static void put_states(struct text *out, const struct circuit *p) {
  bool any = false;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (p->cells[i].kind != CELL_STATE) continue;
    if (!any) text_puts(out, "  // what is remembered from frame to frame\n");
    any = true;
    put_nets(out, p->cells[i].out[0]);
  }
}

void emit_top(struct text *out, const struct circuit *p) {
  struct arena a = {0};
  put_header(out, &a, p);
  put_ports(out, &a, p);
  put_states(out, p);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind != CELL_STATE) put_cell(out, &a, p, &p->cells[i]);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind == CELL_STATE) put_cell(out, &a, p, &p->cells[i]);
  put_end(out, p);
  arena_free(&a);
}

void emit_roms(struct emit_files *f, const struct circuit *p) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind == CELL_CONSTANT) emit_constant_memory(f, c);
    if (c->kind != CELL_LAYER) continue;
    if (column_of(p, c)->memories) column_of(p, c)->memories(f, c);
  }
}
