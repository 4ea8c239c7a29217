// SPDX-License-Identifier: MIT-0
// Takes beats away from a frame, or puts constant ones around it: a walk over a grid of DIMS
// dimensions, on which the input's beats are one block and the output's another.
//
//     one dimension, IN_SIZE = 6, OUT_FROM = 1, OUT_SIZE = 2, STEP = 3     IN_FROM = 2, OUT_SIZE = 5
//
//     s_axis    0 1 2 3 4 5                                                s_axis        0 1 2
//     m_axis      0     1                                                  m_axis    0 1 2 3 4
//
// At each place of the walk a beat is taken, if it is one of the input, and leaves, if it is one of
// the output: what was taken, or else PAD. The walk begins when a frame does, with s_axis_tvalid. TLAST
// is made anew.
//   s_axis_tready = awake && the place is the input's && (it isn't the output's || !m_axis_tvalid ||
//                   m_axis_tready)
// A place a cycle, latency 1. tready depends combinationally on m_axis_tready; tvalid and payload come
// from registers.
`default_nettype none

module axis_extent #(
  // bits of an element, 1 .. 32; elements of a beat, >= 1
  parameter int WIDTH = 8,
  parameter int LANES = 1,
  // dimensions, >= 1; the lists have 32 bits for each, those of the fastest in the low bits
  parameter int DIMS = 2,
  // beats of the input, and at which place the first is
  parameter logic [DIMS*32-1:0] IN_SIZE = {32'd4, 32'd5},
  parameter logic [DIMS*32-1:0] IN_FROM = '0,
  // likewise of the output, and places from one to the next
  parameter logic [DIMS*32-1:0] OUT_SIZE = {32'd2, 32'd4},
  parameter logic [DIMS*32-1:0] OUT_FROM = {32'd0, 32'd1},
  parameter logic [DIMS*32-1:0] STEP = {32'd2, 32'd1},
  // code of an element that isn't the input's
  parameter logic [31:0] PAD = 32'd0
) (
  input  logic                   aclk,
  input  logic                   aresetn,
  input  logic [LANES*WIDTH-1:0] s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,
  input  logic                   s_axis_tlast,
  output logic [LANES*WIDTH-1:0] m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready,
  output logic                   m_axis_tlast
);
  // bits of a counter of `count` values
  function automatic int bits(input int count);
    bits = count < 2 ? 1 : $clog2(count);
  endfunction

  function automatic int more(input int a, input int b);
    more = a > b ? a : b;
  endfunction

  logic [DIMS-1:0] in;    // the place is one of the input, in each dimension
  logic [DIMS-1:0] out;   // of the output
  logic [DIMS-1:0] last;  // the output's last
  logic [DIMS-1:0] first; // the walk's first
  logic [DIMS-1:0] ends;  // the walk's last
  logic awake;
  logic room;
  logic step;
  logic unused_tlast;

  // where a frame ends follows from the walk
  assign unused_tlast = &{1'b0, s_axis_tlast};

  assign room = !(&out) || !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = awake && &in && room;
  assign step = awake && ((!(&in) && !(&first)) || s_axis_tvalid) && room;

  generate
    if (WIDTH < 1 || WIDTH > 32 || LANES < 1 || DIMS < 1) begin : gen_sizes
      axis_extent_needs_LANES_and_DIMS_of_1_or_more_and_WIDTH_of_1_to_32 stop ();
    end
    for (genvar d = 0; d < DIMS; d = d + 1) begin : gen_dim
      localparam int IN = IN_SIZE[d*32 +: 32];
      localparam int OUT = OUT_SIZE[d*32 +: 32];
      localparam int IN_AT = IN_FROM[d*32 +: 32];
      localparam int OUT_AT = OUT_FROM[d*32 +: 32];
      localparam int EACH = STEP[d*32 +: 32];
      localparam int IN_END = IN_AT + IN;
      localparam int OUT_END = OUT_AT + (OUT - 1) * EACH + 1;
      localparam int SPAN = more(IN_END, OUT_END);
      localparam int AT = bits(SPAN);

      logic [AT-1:0] at;
      logic moves;
      logic begun;
      logic hit;

      if (IN < 1 || OUT < 1 || EACH < 1 || (IN_AT != 0 && OUT_AT != 0)) begin : gen_shape
        axis_extent_needs_sizes_and_STEP_of_1_or_more_and_one_FROM_of_0 stop ();
      end

      if (d == 0) begin : gen_fastest
        assign moves = step;
      end else begin : gen_slower
        assign moves = step && &ends[d-1:0];
      end

      assign first[d] = at == '0;
      assign ends[d] = at == AT'(SPAN - 1);
      assign begun = OUT_AT == 0 || at >= AT'(OUT_AT);
      assign in[d] = (IN_AT == 0 || at >= AT'(IN_AT)) && (IN_END == SPAN || at < AT'(IN_END));
      assign out[d] = begun && (OUT_END == SPAN || at < AT'(OUT_END)) && hit;
      assign last[d] = at == AT'(OUT_END - 1);

      always_ff @(posedge aclk) begin
        if (moves) at <= ends[d] ? '0 : at + 1'b1;
        if (!aresetn) at <= '0;
      end

      if (EACH == 1) begin : gen_every
        assign hit = 1'b1;
      end else begin : gen_some
        localparam int PHASE = bits(EACH);
        logic [PHASE-1:0] phase;

        assign hit = phase == '0;
        always_ff @(posedge aclk) begin
          if (moves && begun) phase <= phase == PHASE'(EACH - 1) ? '0 : phase + 1'b1;
          if (!aresetn || (moves && ends[d])) phase <= '0;
        end
      end
    end
  endgenerate

  always_ff @(posedge aclk) begin
    if (step && &out) begin
      m_axis_tdata <= &in ? s_axis_tdata : {LANES{PAD[WIDTH-1:0]}};
      m_axis_tlast <= &last;
    end

    awake <= 1'b1;
    if (!m_axis_tvalid || m_axis_tready) m_axis_tvalid <= step && &out;
    if (!aresetn) begin
      awake <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end
endmodule

`default_nettype wire
