// SPDX-License-Identifier: MIT-0
// From one type to another: y = requant(n - IN_ZERO). A bipolar input stands for +1 or -1.
//
//     s_axis --> [ subtract ] --> fixed_requant --> m_axis
//
// LATENCY = 3 + (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles, 1 beat per cycle.
// Control is that of fixed_pointwise.
`default_nettype none

module fixed_cast #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned bipolar; the integer that stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  // see fixed_requant
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
  localparam int N = IN_WIDTH + 2;

  logic [LANES*N-1:0] codes;
  logic [LANES*N-1:0] result;
  logic unused_advance;

  fixed_pointwise #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .BIPOLAR(1), .ACC_WIDTH(N), .CAST(1),
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
      assign result[lane*N +: N] = codes[lane*N +: N] - N'(IN_ZERO);
    end
  endgenerate
endmodule

`default_nettype wire
