// SPDX-License-Identifier: MIT-0
// A pool whose windows don't overlap, with the parameters that window_stream has: the image comes as
// it is.
`default_nettype none

module tiles_stream #(
  parameter KIND = "tiles",  // an average; "tiles_max"
  parameter int LANES = 1,
  parameter int BEATS = 1,
  parameter int IN_H = 6,
  parameter int IN_W = 7,
  parameter int OUT_H = 3,
  parameter int OUT_W = 3,
  parameter int KERNEL_H = 2,
  parameter int KERNEL_W = 2,
  parameter int STRIDE_H = 2,
  parameter int STRIDE_W = 2,
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  parameter int CAST = 1,
  parameter int SUM_WIDTH = 12,
  parameter int EXACT = 1,
  parameter logic [31:0] DIVISOR = 32'd4,
  parameter int SCALE = 1,
  parameter int MAGIC_WIDTH = 12,
  parameter logic [63:0] MAGIC = 64'd3641,
  parameter int MAGIC_SHIFT = 15,
  parameter int MUL_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 2,
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
  generate
    if (80'(KIND) == 80'("tiles_max")) begin : gen_max
      fixed_max_pool #(
        .LANES(LANES), .WINDOWS(OUT_H*OUT_W*BEATS), .IN_H(IN_H), .IN_W(IN_W), .KERNEL_H(KERNEL_H),
        .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W), .BEATS(BEATS),
        .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .IN_ZERO(IN_ZERO), .CAST(CAST),
        .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH),
        .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
      ) pool (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end else begin : gen_average
      fixed_avg_pool #(
        .LANES(LANES), .WINDOWS(OUT_H*OUT_W*BEATS), .IN_H(IN_H), .IN_W(IN_W), .KERNEL_H(KERNEL_H),
        .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W), .BEATS(BEATS),
        .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .IN_ZERO(IN_ZERO), .SUM_WIDTH(SUM_WIDTH),
        .EXACT(EXACT), .DIVISOR(DIVISOR), .SCALE(SCALE), .MAGIC_WIDTH(MAGIC_WIDTH), .MAGIC(MAGIC),
        .MAGIC_SHIFT(MAGIC_SHIFT), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO),
        .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
      ) pool (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end
  endgenerate
endmodule

`default_nettype wire
