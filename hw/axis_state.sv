// SPDX-License-Identifier: MIT-0
// Memory from frame to frame: what leaves is what came in some frames ago. After reset the first
// INITIAL beats, those frames, are taken from s0_axis, a source that always has more of them; from
// then on what s1_axis has brought, through a queue of DEPTH beats.
//
//     s0_axis ---------------> first INITIAL beats --\
//     s1_axis --> axis_fifo -> from then on -----------> m_axis
//
// Latency as axis_fifo, 1 beat per cycle. s1_axis may come from behind m_axis: between them no path
// is combinational. Between m_axis_tready and s0_axis_tready one is, and between s0_axis and m_axis.
`default_nettype none

module axis_state #(
  // bits of the payload; >= 1
  parameter int WIDTH = 8,
  // beats; >= 1
  parameter int INITIAL = 4,
  // beats; >= 1
  parameter int DEPTH = 8
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [WIDTH-1:0] s0_axis_tdata,
  input  logic             s0_axis_tvalid,
  output logic             s0_axis_tready,
  input  logic             s0_axis_tlast,
  input  logic [WIDTH-1:0] s1_axis_tdata,
  input  logic             s1_axis_tvalid,
  output logic             s1_axis_tready,
  input  logic             s1_axis_tlast,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready,
  output logic             m_axis_tlast
);
  generate
    if (INITIAL < 1) begin : gen_illegal
      axis_state_needs_INITIAL_of_1_or_more stop ();
    end
  endgenerate

  localparam int COUNT = $clog2(INITIAL + 1);

  logic [COUNT-1:0] left;  // initial beats
  logic [WIDTH-1:0] held_tdata;
  logic held_tvalid;
  logic held_tlast;
  logic first;

  assign first = left != '0;
  assign m_axis_tdata = first ? s0_axis_tdata : held_tdata;
  assign m_axis_tvalid = first ? s0_axis_tvalid : held_tvalid;
  assign m_axis_tlast = first ? s0_axis_tlast : held_tlast;
  assign s0_axis_tready = first && m_axis_tready;

  axis_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) fifo (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s1_axis_tdata), .s_axis_tvalid(s1_axis_tvalid),
    .s_axis_tready(s1_axis_tready), .s_axis_tlast(s1_axis_tlast),
    .m_axis_tdata(held_tdata), .m_axis_tvalid(held_tvalid),
    .m_axis_tready(!first && m_axis_tready), .m_axis_tlast(held_tlast)
  );

  always_ff @(posedge aclk) begin
    if (first && m_axis_tvalid && m_axis_tready) left <= left - 1'b1;
    if (!aresetn) left <= COUNT'(INITIAL);
  end
endmodule

`default_nettype wire
