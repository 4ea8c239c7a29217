// SPDX-License-Identifier: MIT-0
// Skid cell: one register in the stream, and a spare place that catches the beat in flight when
// the reader stops. Full throughput. It is the only cell that exists to cut ready.
//
//     s_axis ---+----------------> [ m ] --> m_axis
//               +--> [ spare ] ----^
//
// Latency 1 cycle, throughput 1 beat per cycle, capacity 2 beats. No combinational path: tready is
// a register (high iff the spare place is free), tvalid and payload are registers.
`default_nettype none

module axis_register #(
  // bits of the payload; >= 1
  parameter int WIDTH = 8
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
  generate
    if (WIDTH < 1) begin : gen_illegal
      axis_register_needs_WIDTH_of_1_or_more stop ();
    end
  endgenerate

  logic [WIDTH:0] spare;
  logic spare_full;
  logic accept;
  logic move;

  assign accept = s_axis_tvalid && s_axis_tready;
  assign move = !m_axis_tvalid || m_axis_tready;

  always_ff @(posedge aclk) begin
    if (move && (spare_full || accept)) begin
      {m_axis_tlast, m_axis_tdata} <= spare_full ? spare : {s_axis_tlast, s_axis_tdata};
    end
    if (accept && !move) spare <= {s_axis_tlast, s_axis_tdata};

    m_axis_tvalid <= !move || spare_full || accept;
    spare_full <= !move && (spare_full || accept);
    s_axis_tready <= move || !(spare_full || accept);
    if (!aresetn) begin
      m_axis_tvalid <= 1'b0;
      spare_full <= 1'b0;
      s_axis_tready <= 1'b0;
    end
  end
endmodule

`default_nettype wire
