// SPDX-License-Identifier: MIT-0
// axis_slide behind the axis_window that gives its columns, as one stream cell (taps_stream).
`default_nettype none

module slide_stream #(
  parameter KIND = "whole",
  parameter int LANES = 1,
  parameter int BEATS = 1,
  parameter int IN_H = 6,
  parameter int IN_W = 7,
  parameter int OUT_H = 6,
  parameter int OUT_W = 7,
  parameter int KERNEL_H = 3,
  parameter int KERNEL_W = 3,
  parameter int STRIDE_H = 1,
  parameter int STRIDE_W = 1,
  parameter int DILATION_H = 1,
  parameter int DILATION_W = 1,
  parameter int PAD_TOP = 1,
  parameter int PAD_LEFT = 1,
  parameter logic [31:0] PAD = 32'd0,
  parameter int CAPACITY = 21,
  parameter int GROUPS = 1,
  parameter int IN_WIDTH = 8
) (
  input  logic                                        aclk,
  input  logic                                        aresetn,
  input  logic [LANES*IN_WIDTH-1:0]                   s_axis_tdata,
  input  logic                                        s_axis_tvalid,
  output logic                                        s_axis_tready,
  input  logic                                        s_axis_tlast,
  output logic [KERNEL_H*KERNEL_W*LANES*IN_WIDTH-1:0] m_axis_tdata,
  output logic                                        m_axis_tvalid,
  input  logic                                        m_axis_tready,
  output logic                                        m_axis_tlast
);
  // columns up to the last that a tap reads
  function automatic int used;
    int at;
    used = 1;
    for (int o = 0; o < OUT_W; o = o + 1) begin
      for (int k = 0; k < KERNEL_W; k = k + 1) begin
        at = o * STRIDE_W + k * DILATION_W - PAD_LEFT;
        if (at < IN_W && at >= used) used = at + 1;
      end
    end
  endfunction

  localparam int USED = used();

  logic [KERNEL_H*LANES*IN_WIDTH-1:0] c_tdata;
  logic c_tvalid, c_tready, c_tlast;
  logic w_tvalid, w_tready, w_tlast;

  axis_window #(
    .WIDTH(IN_WIDTH), .LANES(LANES), .BEATS(BEATS), .IN_H(IN_H), .IN_W(IN_W), .OUT_H(OUT_H),
    .OUT_W(USED), .KERNEL_H(KERNEL_H), .KERNEL_W(1), .STRIDE_H(STRIDE_H), .STRIDE_W(1),
    .DILATION_H(DILATION_H), .DILATION_W(1), .PAD_TOP(PAD_TOP), .PAD_LEFT(0), .PAD(PAD),
    .CAPACITY(CAPACITY), .TAPS(KERNEL_H)
  ) window (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(c_tdata), .m_axis_tvalid(c_tvalid), .m_axis_tready(c_tready),
    .m_axis_tlast(c_tlast)
  );

  axis_slide #(
    .WIDTH(IN_WIDTH), .LANES(KERNEL_H*LANES), .BEATS(BEATS), .IN_W(USED), .OUT_W(OUT_W),
    .KERNEL_W(KERNEL_W), .STRIDE_W(STRIDE_W), .DILATION_W(DILATION_W), .PAD_LEFT(PAD_LEFT),
    .PAD(PAD), .GROUPS(GROUPS)
  ) slide (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(c_tdata), .s_axis_tvalid(c_tvalid), .s_axis_tready(c_tready),
    .s_axis_tlast(c_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(w_tvalid), .m_axis_tready(w_tready),
    .m_axis_tlast(w_tlast)
  );

  taps_stream #(
    .IN_BEATS(IN_H*IN_W*BEATS), .OUT_BEATS(OUT_H*OUT_W*BEATS), .GROUP(BEATS/GROUPS)
  ) frames (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .w_axis_tvalid(w_tvalid), .w_axis_tready(w_tready), .w_axis_tlast(w_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast)
  );
endmodule

`default_nettype wire
