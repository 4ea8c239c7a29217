// SPDX-License-Identifier: MIT-0
// Rectifier: y = requant(max(n - IN_ZERO, 0)). With CAST = 0 the output's type is the input's and
// y = max(n, IN_ZERO). A clip whose lower bound is zero, and whose upper bound is out of reach.
//
// LATENCY = 1 + (CAST ? 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) : 0) cycles, 1 beat per cycle.
// Control is axis_pipe's: ready is combinational through the cell, it stops as a whole.
`default_nettype none

module fixed_relu #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned; the integer that stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
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
  fixed_clip #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .IN_ZERO(IN_ZERO),
    .LO(IN_ZERO), .HI(64'sh7fffffffffffffff),
    .CAST(CAST), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO),
    .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) clip (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
endmodule

`default_nettype wire
