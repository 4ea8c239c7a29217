// SPDX-License-Identifier: MIT-0
// Hyperbolic tangent: an odd function by table. See fixed_table for parameters, image and timing.
`default_nettype none

module fixed_tanh #(
  parameter int LANES = 4,
  parameter int IN_WIDTH = 8,
  parameter int OUT_WIDTH = 8,
  // magnitudes 0 .. DEPTH-1 are stored; beyond: HIGH_SLOPE * magnitude + HIGH_OFFSET
  parameter int DEPTH = 128,
  parameter int ENTRY_WIDTH = 8,
  parameter int HIGH_SLOPE = 0,
  parameter logic signed [63:0] HIGH_OFFSET = 64'sd0,
  parameter TABLE_FILE = ""
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
  fixed_table #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE("signed"), .OUT_WIDTH(OUT_WIDTH),
    .OUT_TYPE("signed"), .ODD(1), .FIRST(64'sd0), .DEPTH(DEPTH), .ENTRY_WIDTH(ENTRY_WIDTH),
    .LOW_SLOPE(0), .LOW_OFFSET(64'sd0), .HIGH_SLOPE(HIGH_SLOPE), .HIGH_OFFSET(HIGH_OFFSET),
    .TABLE_FILE(TABLE_FILE)
  ) table_of_magnitudes (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
endmodule

`default_nettype wire
