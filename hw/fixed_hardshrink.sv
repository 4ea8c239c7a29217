// SPDX-License-Identifier: MIT-0
// Hard shrinkage, with v = n - IN_ZERO: v where abs(v) > THRESHOLD, else 0; then y = requant of
// it. With CAST = 0 the output's type is the input's.
//
//     s_axis --> [ compare, add, choose ] --> fixed_requant (CAST only) --> m_axis
//
// LATENCY = 1 + (CAST ? 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) : 0) cycles, 1 beat per cycle.
// Control is that of fixed_pointwise.
`default_nettype none

module fixed_hardshrink #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned; the integer that stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  // in input integers; >= 0
  parameter logic signed [63:0] THRESHOLD = 64'sd4,
  // 0: input and output types are equal, no requantisation; otherwise see fixed_requant
  parameter int CAST = 0,
  parameter int MUL_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 0,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate"
) (
  input  logic                       aclk,
  input  logic                       aresetn,
  input  logic [LANES*IN_WIDTH-1:0]  s_axis_tdata,
  input  logic                       s_axis_tvalid,
  output logic                       s_axis_tready,
  input  logic                       s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                       m_axis_tvalid,
  input  logic                       m_axis_tready,
  output logic                       m_axis_tlast
);
  localparam int N = IN_WIDTH + 3;
  localparam int ACC_WIDTH = CAST != 0 ? N : OUT_WIDTH;

  generate
    if (THRESHOLD < 64'sd0) begin : gen_illegal
      fixed_hardshrink_needs_THRESHOLD_of_0_or_more stop ();
    end
  endgenerate

  // a threshold beyond all codes is as good as any other there
  localparam logic signed [63:0] BEYOND = 64'sd1 <<< IN_WIDTH;
  localparam logic signed [63:0] LIMIT = THRESHOLD < BEYOND ? THRESHOLD : BEYOND;
  localparam logic signed [63:0] OFFSET = CAST != 0 ? IN_ZERO : 64'sd0;

  // A signed number as an unsigned one of the same order: yosys' cmp2lut takes short signed
  // constants, which others are compared with, for unsigned ones.
  function automatic logic [N-1:0] rank(input logic signed [N-1:0] value);
    rank = $unsigned(value) ^ (N'(1) << (N - 1));
  endfunction

  logic [LANES*(IN_WIDTH+2)-1:0] codes;
  logic [LANES*ACC_WIDTH-1:0] result;
  logic unused_advance;

  fixed_pointwise #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .ACC_WIDTH(ACC_WIDTH), .CAST(CAST),
    .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH),
    .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) shell (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast), .advance(unused_advance), .n(codes), .result(result)
  );

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic signed [N-1:0] n;

      assign n = N'($signed(codes[lane*(IN_WIDTH+2) +: IN_WIDTH+2]));
      assign result[lane*ACC_WIDTH +: ACC_WIDTH] =
          rank(n) > rank(N'(IN_ZERO + LIMIT)) || rank(n) < rank(N'(IN_ZERO - LIMIT)) ?
          ACC_WIDTH'(n) - ACC_WIDTH'(OFFSET) : ACC_WIDTH'(IN_ZERO - OFFSET);
    end
  endgenerate
endmodule

`default_nettype wire
