// SPDX-License-Identifier: MIT-0
// axis_trim as a stream cell, behind a register: alone it has no clock and no reset.
`default_nettype none

module trim_stream #(
  parameter int WIDTH = 8,
  parameter int LANES = 4,
  parameter int USED = 4
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
  logic [LANES*WIDTH-1:0] tdata;
  logic tvalid;
  logic tready;
  logic tlast;

  axis_register #(.WIDTH(LANES*WIDTH)) skid (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(tdata), .m_axis_tvalid(tvalid), .m_axis_tready(tready), .m_axis_tlast(tlast)
  );
  axis_trim #(.WIDTH(WIDTH), .LANES(LANES), .USED(USED)) trim (
    .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tready(tready), .s_axis_tlast(tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
endmodule

`default_nettype wire
