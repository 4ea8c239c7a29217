// SPDX-License-Identifier: MIT-0
// axis_state: the first INITIAL beats that leave are those of s0_axis, in the cycle in which it offers
// them, and no further one is taken from there; then leave those of s1_axis, as stream_law has it.
// Beats that have left are counted from outside.
`default_nettype none

module prove #(
  parameter int INITIAL = 2,
  parameter int DEPTH = 2
) (
  input logic aclk,
  input logic aresetn,
  input logic s0_axis_tdata,
  input logic s0_axis_tvalid,
  input logic s0_axis_tlast,
  input logic s1_axis_tdata,
  input logic s1_axis_tvalid,
  input logic s1_axis_tlast,
  input logic m_axis_tready
);
  logic s0_axis_tready;
  logic s1_axis_tready;
  logic m_axis_tdata;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun;
  logic was_reset;
  logic [7:0] held;
  (* keep *) logic [4:0] reached;

  axis_state #(.WIDTH(1), .INITIAL(INITIAL), .DEPTH(DEPTH)) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s0_axis_tdata(s0_axis_tdata), .s0_axis_tvalid(s0_axis_tvalid),
    .s0_axis_tready(s0_axis_tready), .s0_axis_tlast(s0_axis_tlast),
    .s1_axis_tdata(s1_axis_tdata), .s1_axis_tvalid(s1_axis_tvalid),
    .s1_axis_tready(s1_axis_tready), .s1_axis_tlast(s1_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
  reset_first first (.aclk(aclk), .aresetn(aresetn), .begun(begun), .was_reset(was_reset));

  logic [7:0] sent;
  logic initial_ones;

  assign initial_ones = sent < 8'(INITIAL);
  always_ff @(posedge aclk) begin
    if (m_axis_tvalid && m_axis_tready && initial_ones) sent <= sent + 1'b1;
    if (!aresetn) sent <= '0;
  end

  stream_law #(.WIDTH(2), .CAPACITY(DEPTH), .OFFERED_WITHIN(1), .TAKEN_WITHIN(2)) law (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s1_axis_tvalid), .s_axis_tready(s1_axis_tready),
    .result({s1_axis_tdata, s1_axis_tlast}),
    .m_axis_tvalid(m_axis_tvalid && !initial_ones), .m_axis_tready(m_axis_tready && !initial_ones),
    .m_axis({m_axis_tdata, m_axis_tlast}), .held(held), .reached(reached[3:0])
  );

  always @(posedge aclk) begin
    if (begun && aresetn && !was_reset) begin
      assert (s0_axis_tready == (initial_ones && m_axis_tready));
      if (initial_ones) begin
        assert (m_axis_tvalid == s0_axis_tvalid);
        assert (m_axis_tdata == s0_axis_tdata && m_axis_tlast == s0_axis_tlast);
      end
    end
  end

  // the queue fills while the initial beats wait
  assign reached[4] = begun && aresetn && initial_ones && held == 8'(DEPTH);
endmodule

`default_nettype wire
