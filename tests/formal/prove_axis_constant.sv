// SPDX-License-Identifier: MIT-0
// axis_constant: after LATENCY cycles a beat in every cycle, of each frame the words 0 .. DEPTH-1 over
// and over, TLAST on beat BEATS; what waits stays. Its memory is that of axis_constant_array.sv.
`default_nettype none

module prove #(
  parameter int WIDTH = 2,
  parameter int BEATS = 3,
  parameter int DEPTH = 2
) (
  input logic aclk,
  input logic aresetn,
  input logic m_axis_tready
);
  localparam int LATENCY = 2;

  logic [WIDTH-1:0] m_axis_tdata;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun, was_reset, stalled;
  logic [7:0] beat;
  logic [7:0] awake;  // cycles since the reset
  logic again;        // a frame has ended
  (* keep *) logic [2:0] reached;

  axis_constant #(.WIDTH(WIDTH), .BEATS(BEATS), .DEPTH(DEPTH)) dut (
    .aclk(aclk), .aresetn(aresetn), .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast)
  );
  reset_first first (.aclk(aclk), .aresetn(aresetn), .begun(begun), .was_reset(was_reset));

  always_ff @(posedge aclk) begin
    stalled <= aresetn && m_axis_tvalid && !m_axis_tready;
    if (awake < 8'd100) awake <= awake + 8'd1;
    if (m_axis_tvalid && m_axis_tready) begin
      beat <= m_axis_tlast ? '0 : beat + 8'd1;
      if (m_axis_tlast) again <= 1'b1;
    end
    if (!aresetn) begin
      beat <= '0;
      awake <= '0;
      again <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && was_reset) assert (!m_axis_tvalid);
    if (begun && aresetn) begin
      assert (m_axis_tvalid == (awake >= 8'(LATENCY)));
      if (m_axis_tvalid) assert (m_axis_tlast == (beat == 8'(BEATS - 1)));
      if (m_axis_tvalid) assert (m_axis_tdata == WIDTH'(beat % 8'(DEPTH)));
    end
  end

  assign reached = {3{begun && aresetn}} & {stalled, again, m_axis_tvalid && m_axis_tlast && stalled};
endmodule

`default_nettype wire
