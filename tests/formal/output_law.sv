// SPDX-License-Identifier: MIT-0
// What every stream promises its reader: tvalid is low after reset, and so is tready on the other
// side; what is valid stays, unchanged, until it is taken.
`default_nettype none

module output_law #(
  // bits of payload and TLAST
  parameter int WIDTH = 8
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic             s_axis_tready,
  input  logic             m_axis_tvalid,
  input  logic             m_axis_tready,
  input  logic [WIDTH-1:0] m_axis,
  // a reset was before this cycle
  output logic             begun,
  // a stall has ended since the last reset
  output logic             stalled
);
  logic was_reset;
  logic waiting;
  logic [WIDTH-1:0] before;

  reset_first first (.aclk(aclk), .aresetn(aresetn), .begun(begun), .was_reset(was_reset));

  always_ff @(posedge aclk) begin
    waiting <= aresetn && m_axis_tvalid && !m_axis_tready;
    before <= m_axis;
    stalled <= aresetn && (stalled || (waiting && m_axis_tready));
  end

  always @(posedge aclk) begin
    if (was_reset && begun) assert (!m_axis_tvalid && !s_axis_tready);
    if (waiting && aresetn) assert (m_axis_tvalid && m_axis == before);
  end
endmodule

`default_nettype wire
