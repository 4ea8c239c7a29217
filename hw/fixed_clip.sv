// SPDX-License-Identifier: MIT-0
// Clip between two bounds in input integers: y = requant(min(max(n, LO), HI) - IN_ZERO). With
// CAST = 0 the output's type is the input's and y = min(max(n, LO), HI). This is relu6, clip and
// hard_tanh; fixed_relu is made of it.
//
//     s_axis --> [ compare, choose ] --> fixed_requant (2 stages or more, CAST only) --> m_axis
//
// LATENCY = 1 + (CAST ? 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) : 0) cycles, 1 beat per cycle.
// Control is that of fixed_pointwise.
`default_nettype none

module fixed_clip #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned; the integer that stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  // bounds, input integers; LO <= HI
  parameter logic signed [63:0] LO = -64'sd8,
  parameter logic signed [63:0] HI = 64'sd8,
  // 0: input and output types are equal, no requantisation; otherwise see fixed_requant
  parameter int CAST = 1,
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
  localparam int SIGNED = 80'(IN_TYPE) == 80'("signed") ? 1 : 0;
  localparam int N = IN_WIDTH + 2;
  localparam int ACC_WIDTH = CAST != 0 ? N : OUT_WIDTH;

  generate
    if (LO > HI) begin : gen_bounds
      fixed_clip_needs_LO_up_to_HI stop ();
    end
  endgenerate

  // bounds within the input's type, and what they and any n become
  localparam logic signed [63:0] LOWEST = SIGNED != 0 ? -(64'sd1 <<< (IN_WIDTH - 1)) : 64'sd0;
  localparam logic signed [63:0] HIGHEST = LOWEST + (64'sd1 <<< IN_WIDTH) - 64'sd1;
  localparam logic signed [63:0] LOW = LO < LOWEST ? LOWEST : LO > HIGHEST ? HIGHEST : LO;
  localparam logic signed [63:0] HIGH = HI < LOWEST ? LOWEST : HI > HIGHEST ? HIGHEST : HI;
  localparam logic signed [63:0] OFFSET = CAST != 0 ? IN_ZERO : 64'sd0;

  // A signed number as an unsigned one of the same order: yosys' cmp2lut takes short signed
  // constants, which others are compared with, for unsigned ones.
  function automatic logic [N-1:0] rank(input logic signed [N-1:0] value);
    rank = $unsigned(value) ^ (N'(1) << (N - 1));
  endfunction

  logic [LANES*N-1:0] codes;
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

      assign n = codes[lane*N +: N];
      assign result[lane*ACC_WIDTH +: ACC_WIDTH] =
          LOW != LOWEST && rank(n) < rank(N'(LOW)) ? ACC_WIDTH'(LOW - OFFSET) :
          HIGH != HIGHEST && rank(n) > rank(N'(HIGH)) ? ACC_WIDTH'(HIGH - OFFSET) :
          ACC_WIDTH'(n) - ACC_WIDTH'(OFFSET);
    end
  endgenerate
endmodule

`default_nettype wire
