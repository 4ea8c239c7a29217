// SPDX-License-Identifier: MIT-0
// axis_constant as one stream cell: its beats change those of the stream.
`default_nettype none

module constant_stream #(
  parameter int WIDTH = 8,
  parameter int BEATS = 4,
  parameter int DEPTH = 4,
  parameter FILE = ""
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [WIDTH-1:0] s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  input  logic             s_axis_tlast,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready,
  output logic             m_axis_tlast
);
  logic [WIDTH-1:0] constant;
  logic valid, ready, last, taken, offered;

  axis_constant #(.WIDTH(WIDTH), .BEATS(BEATS), .DEPTH(DEPTH), .FILE(FILE)) source (
    .aclk(aclk), .aresetn(aresetn),
    .m_axis_tdata(constant), .m_axis_tvalid(valid), .m_axis_tready(taken), .m_axis_tlast(last)
  );
  assign offered = s_axis_tvalid && valid;
  assign taken = s_axis_tvalid && ready;
  assign s_axis_tready = valid && ready;
  axis_register #(.WIDTH(WIDTH)) register (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata ^ constant), .s_axis_tvalid(offered), .s_axis_tready(ready),
    .s_axis_tlast(s_axis_tlast && last),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
endmodule

`default_nettype wire
