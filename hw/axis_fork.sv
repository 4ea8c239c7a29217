// SPDX-License-Identifier: MIT-0
// One stream for several readers. Each takes a beat when it can; a bit for each remembers who has
// it, and the beat leaves when all have.
//
// Combinational in both directions, latency 0, throughput 1 beat per cycle: tvalid of a reader
// depends on s_axis_tvalid, tready on that of every reader, and none of them on the other way.
`default_nettype none

module axis_fork #(
  // bits of the payload; >= 1
  parameter int WIDTH = 8,
  // readers; >= 2
  parameter int READERS = 2
) (
  input  logic                     aclk,
  input  logic                     aresetn,
  input  logic [WIDTH-1:0]         s_axis_tdata,
  input  logic                     s_axis_tvalid,
  output logic                     s_axis_tready,
  input  logic                     s_axis_tlast,
  // reader 0 in the low bits
  output logic [READERS*WIDTH-1:0] m_axis_tdata,
  output logic [READERS-1:0]       m_axis_tvalid,
  input  logic [READERS-1:0]       m_axis_tready,
  output logic [READERS-1:0]       m_axis_tlast
);
  generate
    if (WIDTH < 1 || READERS < 2) begin : gen_illegal
      axis_fork_needs_WIDTH_of_1_or_more_and_READERS_of_2_or_more stop ();
    end
  endgenerate

  logic [READERS-1:0] taken;

  assign m_axis_tdata = {READERS{s_axis_tdata}};
  assign m_axis_tlast = {READERS{s_axis_tlast}};
  assign m_axis_tvalid = {READERS{s_axis_tvalid}} & ~taken;
  assign s_axis_tready = &(taken | m_axis_tready);

  always_ff @(posedge aclk) begin
    taken <= taken | (m_axis_tvalid & m_axis_tready);
    if (!aresetn || (s_axis_tvalid && s_axis_tready)) taken <= '0;
  end
endmodule

`default_nettype wire
