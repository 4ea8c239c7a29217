// SPDX-License-Identifier: MIT-0
// A cell that makes one beat of each window; `CELL is the cell and its parameters. A window has any
// number of beats, TLAST with the last; TLAST leaves with the last of WINDOWS. What a beat must be is
// compared by the benches.
`default_nettype none

module prove #(
  // bits of a beat in and out
  parameter int IN = 2,
  parameter int OUT = 2,
  // beats of a frame that leave
  parameter int WINDOWS = 3,
  // see stream_law
  parameter int CAPACITY = 2,
  parameter int OFFERED_WITHIN = 1
) (
  input logic          aclk,
  input logic          aresetn,
  input logic [IN-1:0] s_axis_tdata,
  input logic          s_axis_tvalid,
  input logic          s_axis_tlast,
  input logic          m_axis_tready
);
  logic [OUT-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun;
  logic stalled;
  logic [7:0] held;
  logic [7:0] window;   // of the beat at s_axis
  logic [3:0] beat;     // of the window, 15 for all behind
  logic several;        // a window had several beats
  logic frames;         // a frame has left
  logic awake;
  logic [3:0] happened;
  (* keep *) logic [4:0] reached;

  `CELL dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );

  output_law #(.WIDTH(OUT + 1)) payload (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );
  // only a window's last beat becomes one that leaves
  stream_law #(
    .WIDTH(1), .CAPACITY(CAPACITY), .OFFERED_WITHIN(OFFERED_WITHIN), .TAKEN_WITHIN(1)
  ) law (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid && s_axis_tlast), .s_axis_tready(s_axis_tready),
    .result(window == 8'(WINDOWS - 1)),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis(m_axis_tlast),
    .held(held), .reached(happened)
  );

  always_ff @(posedge aclk) begin
    awake <= aresetn;
    if (s_axis_tvalid && s_axis_tready) begin
      beat <= s_axis_tlast ? '0 : beat == 4'd15 ? beat : beat + 1'b1;
      if (s_axis_tlast) window <= window == 8'(WINDOWS - 1) ? '0 : window + 1'b1;
      if (s_axis_tlast && beat != '0) several <= 1'b1;
    end
    if (m_axis_tvalid && m_axis_tready && m_axis_tlast) frames <= 1'b1;
    if (!aresetn) begin
      beat <= '0;
      window <= '0;
      several <= 1'b0;
      frames <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn && awake) assert (s_axis_tready == (!m_axis_tvalid || m_axis_tready));
  end

  // a second frame, after windows of several beats and a stall
  assign reached = {begun && aresetn && several && frames && stalled && m_axis_tvalid, happened};
endmodule

`default_nettype wire
