// SPDX-License-Identifier: Apache-2.0
// Both benches have the same shape; one C line is one line of their text.
#include "gen/emit_bench.h"

#include <string.h>

const char *const bench_vector_modules[] = {
    "bench_clock.sv",   "bench_stall.sv", "bench_protocol.sv", "bench_sink.sv",
    "vector_source.sv", "vector_tap.sv",  "vector_end.sv",     NULL};
const char *const bench_dpi_modules[] = {
    "bench_clock.sv",  "bench_stall.sv", "bench_protocol.sv", "bench_sink.sv",
    "bench_source.sv", "bench_tap.sv",   "bench_end.sv",      NULL};

typedef long long ll;

// Of pattern long: the cycles of a stall, and of its period.
enum { STALL = 1024, STALL_PERIOD = 4096 };

// A stream stands still at most while every cell works through a frame, each step delayed by a
// stall pattern.
int64_t bench_limit(const struct circuit *p) {
  return 16 * (p->ii + p->latency) + 4 * STALL_PERIOD;
}

int64_t bench_drain(const struct circuit *p) {
  return p->latency + STALL + 64;
}

uint32_t bench_streams(const struct circuit *p) {
  return p->n_taps + p->n_outputs;
}

const struct stream *bench_stream(const struct circuit *p, uint32_t i) {
  return i < p->n_taps ? &p->taps[i] : &p->outputs[i - p->n_taps];
}

const char *bench_name(const struct circuit *p, uint32_t i) {
  const char *signal = bench_stream(p, i)->signal;
  for (uint32_t k = 0; i < p->n_taps && k < p->n_cells; k++)
    if (p->cells[k].kind == CELL_LAYER && strcmp(p->cells[k].out[0]->signal, signal) == 0)
      return p->cells[k].name;
  return signal;
}

static ll width(const struct stream *s, bool top) {
  return top ? 8 * stream_bytes(s) : s->lanes * s->width;
}

// ---- what both benches have

static void put_header(struct text *out, const char *name, const char *says) {
  text_printf(out, "// SPDX-License-Identifier: MIT-0\n// %s\n`default_nettype none\n\n", says);
  text_printf(out, "module %s", name);
  if (strcmp(name, "bench") == 0) text_puts(out, ";\n");
}

static void put_port_nets(struct text *out, const struct stream *s) {
  const char *n = s->signal;
  text_printf(out, "  logic [%lld:0] %s_tdata;\n", width(s, true) - 1, n);
  text_printf(out, "  logic %s_tvalid;\n  logic %s_tready;\n  logic %s_tlast;\n", n, n, n);
}

static void put_moved(struct text *out, const struct stream *s, const char *then) {
  text_printf(out, "(%s_tvalid && %s_tready)%s", s->signal, s->signal, then);
}

static void put_nets(struct text *out, const struct circuit *p) {
  text_puts(out, "  logic aclk;\n  logic aresetn;\n  logic [63:0] cycle;\n");
  text_puts(out, "  logic [2:0] stall_in;\n  logic [2:0] stall_out;\n  logic [31:0] seed;\n");
  for (uint32_t i = 0; i < p->n_inputs; i++) put_port_nets(out, &p->inputs[i]);
  for (uint32_t i = 0; i < p->n_outputs; i++) put_port_nets(out, &p->outputs[i]);
  text_puts(out, "  logic frame_error;\n  logic moved;\n\n  assign moved = ");
  for (uint32_t i = 0; i < p->n_inputs; i++) put_moved(out, &p->inputs[i], " ||\n      ");
  for (uint32_t i = 0; i < p->n_outputs; i++)
    put_moved(out, &p->outputs[i], i + 1 < p->n_outputs ? " ||\n      " : ";\n\n");
}

// "" if there is one of it.
static const char *number_of(char text[16], uint32_t i, uint32_t count) {
  text[0] = 0;
  if (count > 1) snprintf(text, 16, "%u", i);
  return text;
}

static void put_connected(struct text *out, const struct stream *s) {
  const char *n = s->signal;
  text_printf(out, "    .%s_tdata(%s_tdata), .%s_tvalid(%s_tvalid),\n", n, n, n, n);
  text_printf(out, "    .%s_tready(%s_tready), .%s_tlast(%s_tlast),\n", n, n, n, n);
}

// Sides of one kind draw their random stalls from different seeds.
static void put_seed(struct text *out, uint32_t i) {
  text_puts(out, "seed");
  if (i) text_printf(out, " + 32'd%u", i);
}

static void put_sink(struct text *out, const struct circuit *p, uint32_t i) {
  char number[16];
  text_printf(out,
              "  bench_sink sink%s (\n    .aclk(aclk), .aresetn(aresetn), .pattern(stall_out), "
              ".seed(",
              number_of(number, i, p->n_outputs));
  put_seed(out, i);
  text_printf(out, "),\n    .tvalid(%s_tvalid), .tready(%s_tready)\n  );\n\n", p->outputs[i].signal,
              p->outputs[i].signal);
}

static void put_input_protocol(struct text *out, const struct circuit *p, uint32_t i) {
  char number[16];
  text_printf(out,
              "  bench_protocol #(.NAME(\"%s\"), .CHECK_READY(1)) input%s_protocol (\n"
              "    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .tdata(8'd0), .tvalid(1'b0),\n"
              "    .tready(%s_tready), .tlast(1'b0)\n  );\n\n",
              p->inputs[i].signal, number_of(number, i, p->n_inputs), p->inputs[i].signal);
}

static void put_circuit(struct text *out, const struct circuit *p, const char *rom, bool netlist) {
  text_puts(out, "  bench_clock clock (\n    .aclk(aclk), .aresetn(aresetn), .cycle(cycle),\n"
                 "    .stall_in(stall_in), .stall_out(stall_out), .seed(seed)\n  );\n\n");
  const char *begin = netlist ? "\n`ifndef NETLIST\n  " : "", *end = netlist ? "\n`endif\n  " : " ";
  text_printf(out, "  %s%s", p->top, p->rom_style == ROM_FILE && netlist ? "" : " ");
  if (p->rom_style == ROM_FILE) text_printf(out, "%s#(.ROM_DIR(%s))%s", begin, rom, end);
  text_puts(out, "dut (\n    .aclk(aclk), .aresetn(aresetn),\n");
  for (uint32_t i = 0; i < p->n_inputs; i++) put_connected(out, &p->inputs[i]);
  for (uint32_t i = 0; i < p->n_outputs; i++) put_connected(out, &p->outputs[i]);
  text_puts(out, "    .frame_error(frame_error)\n  );\n\n");
  for (uint32_t i = 0; i < p->n_outputs; i++) put_sink(out, p, i);
  for (uint32_t i = 0; i < p->n_inputs; i++) put_input_protocol(out, p, i);
}

static void put_source(struct text *out, const struct circuit *p, uint32_t i, const char *more) {
  const char *n = p->inputs[i].signal;
  char number[16];
  text_printf(out,
              "  ) source%s (\n    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), "
              ".pattern(stall_in), .seed(",
              number_of(number, i, p->n_inputs));
  put_seed(out, i);
  text_printf(out,
              "),\n    .tdata(%s_tdata), .tvalid(%s_tvalid), .tready(%s_tready),\n"
              "    .tlast(%s_tlast)%s\n  );\n\n",
              n, n, n, n, more);
}

static void put_watched(struct text *out, const char *signal) {
  text_printf(out, "    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .tdata(%s_tdata),\n",
              signal);
  text_printf(out, "    .tvalid(%s_tvalid), .tready(%s_tready), .tlast(%s_tlast)", signal, signal,
              signal);
}

// Stream `i`: a tap, or one of the circuit's outputs after the last one.
struct watched {
  const struct stream *stream;
  const char *name; // of the layer
  char file[64];    // of its vectors
  char signal[64];  // prefix of its nets, as the bench sees them
  bool top;         // at the circuit's output
};

static struct watched watched(const struct circuit *p, uint32_t i) {
  bool top = i >= p->n_taps;
  struct watched w = {.stream = bench_stream(p, i), .name = bench_name(p, i), .top = top};
  char number[16];
  if (top)
    snprintf(w.file, sizeof w.file, "expected%s", number_of(number, i - p->n_taps, p->n_outputs));
  else
    snprintf(w.file, sizeof w.file, "%s", w.stream->signal);
  snprintf(w.signal, sizeof w.signal, "%s%s", top ? "" : "dut.", w.stream->signal);
  return w;
}

// ---- bench.sv

static void put_dpi_tap(struct text *out, const struct watched *w, uint32_t i) {
  text_printf(out, "  bench_tap #(.STREAM(%u), .NAME(\"%s\"), .WIDTH(%lld)) tap_%u (\n", i, w->name,
              width(w->stream, w->top), i);
  put_watched(out, w->signal);
  text_puts(out, "\n  );\n\n");
}

void emit_bench_dpi(struct text *out, const struct circuit *p) {
  put_header(out, "bench", "The circuit between a source and a sink; the harness compares.");
  put_nets(out, p);
  put_circuit(out, p, "\"rom\"", false);
  for (uint32_t i = 0; i < p->n_inputs; i++) {
    text_printf(out, "  bench_source #(\n    .INPUT(%u), .WIDTH(%lld)\n", i,
                width(&p->inputs[i], true));
    put_source(out, p, i, "");
  }
  for (uint32_t i = 0; i < bench_streams(p); i++) {
    struct watched w = watched(p, i);
    put_dpi_tap(out, &w, i);
  }
  text_printf(out, "  bench_end #(.DRAIN(%lld), .LIMIT(%lld)) judge (\n", (ll)bench_drain(p),
              (ll)bench_limit(p));
  text_puts(out, "    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .moved(moved),\n"
                 "    .frame_error(frame_error)\n  );\nendmodule\n\n`default_nettype wire\n");
}

// ---- tb.sv

static void put_vector_nets(struct text *out, const struct circuit *p) {
  uint32_t streams = bench_streams(p);
  static const char *const words[] = {"frames", "mismatches", "compared", "bad_frame",
                                      "bad_element"};
  text_puts(out, "  logic [63:0] began;\n  logic [63:0] ii;\n");
  for (int i = 0; i < 5; i++) text_printf(out, "  logic [%u:0] %s;\n", streams * 32 - 1, words[i]);
  text_printf(out, "  logic [%u:0] expected;\n  logic [%u:0] found;\n", streams * 64 - 1,
              streams * 64 - 1);
  text_printf(out, "  logic [%u:0] first_done;\n  logic [%u:0] unused_done;\n",
              p->n_outputs * 64 - 1, p->n_taps * 64 - 1);
  if (p->n_inputs > 1)
    text_printf(out, "  logic [%u:0] unused_began;\n  logic [%u:0] unused_ii;\n",
                (p->n_inputs - 1) * 64 - 1, (p->n_inputs - 1) * 64 - 1);
  text_puts(out, "\n");
}

static void put_vector_tap(struct text *out, const struct watched *w, uint32_t i, uint32_t taps) {
  const struct stream *s = w->stream;
  text_printf(out, "  vector_tap #(\n    .NAME(\"%s\"), .FILE({VECTORS, \"/%s.mem\"}),\n", w->name,
              w->file);
  text_printf(out, "    .ELEMENT(%d), .LANES(%lld), .ELEMENTS(%lld), .WIDTH(%lld), .TRIMMED(%d),\n",
              s->width, (ll)s->lanes, (ll)s->elements, width(s, w->top), w->top);
  text_printf(out, "    .TYPE(%d), .FRAMES(FRAMES)", (int)type_coding(&s->type));
  if (s->ahead) text_printf(out, ", .AHEAD(%lld)", (ll)s->ahead);
  text_printf(out, "\n  ) tap_%u (\n", i);
  put_watched(out, w->signal);
  text_printf(out, ",\n    .frames(frames[%u +: 32]), .mismatches(mismatches[%u +: 32]),\n", 32 * i,
              32 * i);
  text_printf(out, "    .compared(compared[%u +: 32]), .bad_frame(bad_frame[%u +: 32]),\n", 32 * i,
              32 * i);
  text_printf(out, "    .bad_element(bad_element[%u +: 32]), .expected(expected[%u +: 64]),\n",
              32 * i, 64 * i);
  text_printf(out, "    .found(found[%u +: 64]),\n", 64 * i);
  text_printf(out, "    .first_done(%s[%u +: 64])\n  );\n\n", w->top ? "first_done" : "unused_done",
              64 * (w->top ? i - taps : i));
}

// A netlist has no streams inside: its layers count as right, the output is compared.
static void put_netlist_taps(struct text *out, uint32_t taps) {
  static const char *const zero[] = {"mismatches", "compared", "bad_element"};
  text_printf(out,
              "`ifdef NETLIST\n  // the streams of the layers are gone\n"
              "  assign frames[%u:0] = {%u{32'(FRAMES)}};\n"
              "  assign bad_frame[%u:0] = {%u{32'(FRAMES)}};\n",
              taps * 32 - 1, taps, taps * 32 - 1, taps);
  for (int i = 0; i < 3; i++) text_printf(out, "  assign %s[%u:0] = '0;\n", zero[i], taps * 32 - 1);
  text_printf(out, "  assign expected[%u:0] = '0;\n  assign found[%u:0] = '0;\n", taps * 64 - 1,
              taps * 64 - 1);
  text_puts(out, "  assign unused_done = '0;\n`else\n");
}

static void put_vector_end(struct text *out, const struct circuit *p) {
  text_printf(out, "  vector_end #(\n    .STREAMS(%u), ", bench_streams(p));
  if (p->n_outputs > 1) text_printf(out, ".OUTPUTS(%u), ", p->n_outputs);
  text_puts(out, ".FRAMES(FRAMES),\n    .NAMES({");
  for (uint32_t i = bench_streams(p); i-- > 0;)
    text_printf(out, "256'(\"%s\")%s", watched(p, i).name, i ? ", " : "}),\n");
  text_printf(out, "    .II(%lld), .LATENCY(%lld), .STEADY(%lld), .DRAIN(%lld), .LIMIT(%lld)\n",
              (ll)p->ii, (ll)p->latency, (ll)p->steady, (ll)bench_drain(p), (ll)bench_limit(p));
  text_puts(out,
            "  ) judge (\n    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .moved(moved),\n"
            "    .unstalled(stall_in == 3'd0 && stall_out == 3'd0), .frame_error(frame_error),\n"
            "    .began(began), .ii(ii), .frames(frames), .mismatches(mismatches),\n"
            "    .compared(compared), .bad_frame(bad_frame), .bad_element(bad_element),\n"
            "    .expected(expected), .found(found),\n");
  text_puts(out, "    .first_done(first_done)\n  );\nendmodule\n\n`default_nettype wire\n");
}

// The first input's frames are the ones that are timed.
static void put_vector_source(struct text *out, const struct circuit *p, uint32_t i) {
  char number[16], more[96] = ",\n    .began(began), .ii(ii)";
  if (i)
    snprintf(more, sizeof more, ",\n    .began(unused_began[%u +: 64]), .ii(unused_ii[%u +: 64])",
             64 * (i - 1), 64 * (i - 1));
  text_printf(out,
              "  vector_source #(\n    .FILE({VECTORS, \"/input%s.mem\"}), .WIDTH(%lld), "
              ".BEATS(%lld), .FRAMES(FRAMES)\n",
              number_of(number, i, p->n_inputs), width(&p->inputs[i], true),
              (ll)p->inputs[i].beats);
  put_source(out, p, i, more);
}

void emit_bench_vectors(struct text *out, const struct circuit *p) {
  put_header(out, "tb",
             "The circuit against the vectors of a folder: make verilator, make icarus.");
  text_puts(out,
            " #(\n  // folders as the simulator sees them, and how many frames the vectors hold\n"
            "  parameter VECTORS = \"../vectors\",\n");
  if (p->rom_style == ROM_FILE) text_puts(out, "  parameter ROM_DIR = \"../rom\",\n");
  text_printf(out, "  parameter int FRAMES = %d\n);\n", BENCH_FRAMES);
  put_nets(out, p);
  put_vector_nets(out, p);
  put_circuit(out, p, "ROM_DIR", true);
  for (uint32_t i = 0; i < p->n_inputs; i++) put_vector_source(out, p, i);
  put_netlist_taps(out, p->n_taps);
  for (uint32_t i = 0; i < bench_streams(p); i++) {
    struct watched w = watched(p, i);
    put_vector_tap(out, &w, i, p->n_taps);
    if (i + 1 == p->n_taps) text_puts(out, "`endif\n\n");
  }
  put_vector_end(out, p);
}

// ---- waveform

// GTKWave's flags: @420 signed decimal, @24 decimal, @22 hexadecimal, @28 binary.
static void put_group(struct text *out, const char *title, const char *path, const struct stream *s,
                      bool top) {
  text_printf(out, "@200\n-%s\n@28\n%s_tvalid\n%s_tready\n%s_tlast\n", title, path, path, path);
  text_printf(out, "@22\n%s_tdata[%lld:0]\n%s\n", path, width(s, top) - 1,
              type_coding(&s->type) == CODING_SIGNED ? "@420" : "@24");
  for (int64_t lane = 0; lane < s->lanes; lane++) {
    text_printf(out, "#{element %lld}", (ll)lane);
    for (int b = s->width - 1; b >= 0; b--)
      text_printf(out, " (%lld)%s_tdata[%lld:0]", width(s, top) - 1 - (lane * s->width + b), path,
                  width(s, top) - 1);
    text_puts(out, "\n");
  }
}

void emit_bench_gtkw(struct text *out, const struct circuit *p, const char *bench) {
  struct arena a = {0};
  text_puts(out, "[*] streams per layer, in the order of the data\n[timestart] 0\n@28\n");
  text_printf(out, "%s.aclk\n%s.aresetn\n@24\n%s.cycle[63:0]\n", bench, bench, bench);
  for (uint32_t i = 0; i < p->n_inputs; i++) {
    const char *signal = p->inputs[i].signal;
    put_group(out, signal, arena_printf(&a, "%s.%s", bench, signal), &p->inputs[i], true);
  }
  for (uint32_t i = 0; i < bench_streams(p); i++) {
    struct watched w = watched(p, i);
    put_group(out, w.name, arena_printf(&a, "%s.%s", bench, w.signal), w.stream, w.top);
  }
  arena_free(&a);
}
