// SPDX-License-Identifier: MIT-0
// What a cell promises that turns each beat into one beat, whatever its neighbours do, as seen from
// outside. Beside output_law:
//
//     0 <= beats in - beats out <= CAPACITY, and nothing valid when they are equal
//     a beat that the solver picks leaves at its turn, and is `result` of what came in
//     a held beat is offered, and a waiting one is taken, after so many cycles of m_axis_tready
//
// `reached` has a bit for each thing that must happen in some run, or the proof says little.
`default_nettype none

module stream_law #(
  // bits of the result and of m_axis: payload and TLAST
  parameter int WIDTH = 8,
  // beats held at most
  parameter int CAPACITY = 2,
  // cycles of m_axis_tready
  parameter int OFFERED_WITHIN = 1,
  parameter int TAKEN_WITHIN = 1
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic             s_axis_tvalid,
  input  logic             s_axis_tready,
  // what must leave for the beat at s_axis
  input  logic [WIDTH-1:0] result,
  input  logic             m_axis_tvalid,
  input  logic             m_axis_tready,
  input  logic [WIDTH-1:0] m_axis,
  // beats in the cell
  output logic [7:0]       held,
  output logic [3:0]       reached
);
  (* anyseq *) logic pick;
  logic begun;
  logic stalled;
  logic enter;
  logic leave;

  output_law #(.WIDTH(WIDTH)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis(m_axis), .begun(begun), .stalled(stalled)
  );

  // the picked beat: how many leave before it, and what it must be
  logic watching;
  logic [7:0] ahead;
  logic [WIDTH-1:0] value;
  logic seen;
  logic full;
  // cycles of m_axis_tready without an offer, without a beat taken
  logic [7:0] idle;
  logic [7:0] refused;

  assign enter = s_axis_tvalid && s_axis_tready;
  assign leave = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge aclk) begin
    held <= held + 8'(enter) - 8'(leave);
    idle <= m_axis_tvalid || held == 0 ? '0 : idle + 8'(m_axis_tready);
    refused <= !s_axis_tvalid || s_axis_tready ? '0 : refused + 8'(m_axis_tready);
    if (held == 8'(CAPACITY)) full <= 1'b1;
    if (leave) ahead <= ahead - 1'b1;
    if (leave && watching && ahead == 0) begin
      watching <= 1'b0;
      seen <= 1'b1;
    end
    if (enter && pick && !watching) begin
      watching <= 1'b1;
      ahead <= held - 8'(leave);
      value <= result;
    end
    if (!aresetn) begin
      held <= '0;
      idle <= '0;
      refused <= '0;
      full <= 1'b0;
      watching <= 1'b0;
      seen <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn) begin
      assert (held <= 8'(CAPACITY));
      assert (held != 0 || !m_axis_tvalid);
      assert (idle <= 8'(OFFERED_WITHIN));
      assert (refused <= 8'(TAKEN_WITHIN));
      if (watching) assert (ahead < held);
      if (watching && ahead == 0 && m_axis_tvalid) assert (m_axis == value);
    end
  end

  // a picked beat left; it was full; empty again after both and a stall; full and stalled at once
  assign reached = {4{begun && aresetn}} &
      {full && m_axis_tvalid && !m_axis_tready, seen && full && stalled && held == 0, full, seen};
endmodule

`default_nettype wire
