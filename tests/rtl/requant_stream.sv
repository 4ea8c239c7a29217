// SPDX-License-Identifier: MIT-0
// fixed_requant as a stream cell: the accumulator comes in, the multiplier is constant.
`default_nettype none

module requant_stream #(
  parameter int ACC_WIDTH = 8,
  parameter int MUL_WIDTH = 0,
  parameter int UP_WIDTH = 0,
  parameter int ACC_SHIFT = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 0,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate"
) (
  input  logic                 aclk,
  input  logic                 aresetn,
  input  logic [ACC_WIDTH-1:0] s_axis_tdata,
  input  logic                 s_axis_tvalid,
  output logic                 s_axis_tready,
  input  logic                 s_axis_tlast,
  output logic [OUT_WIDTH-1:0] m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready,
  output logic                 m_axis_tlast
);
  localparam int TFLITE = 80'(ROUNDING) == 80'("tflite") ? 1 : 0;
  localparam int MULTIPLIER = MUL_WIDTH < 1 ? 1 : MUL_WIDTH;

  logic advance;

  axis_pipe #(.STAGES(2 + (MUL_WIDTH > 0 ? 1 : 0) + TFLITE)) pipe (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );
  fixed_requant #(
    .ACC_WIDTH(ACC_WIDTH), .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .ACC_SHIFT(ACC_SHIFT),
    .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) requant (
    .aclk(aclk), .enable(advance), .acc(s_axis_tdata), .mul(MULTIPLIER'(MUL)), .y(m_axis_tdata)
  );
endmodule

`default_nettype wire
