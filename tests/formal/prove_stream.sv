// SPDX-License-Identifier: MIT-0
// A cell with the common ports that turns each beat into one beat; `CELL is the cell and its
// parameters. SAME: what leaves is what came; otherwise the beat that leaves is only known by its
// TLAST, and what it must be is proven apart, as an equivalence.
`default_nettype none

module prove #(
  // bits of a beat in and out
  parameter int IN = 2,
  parameter int OUT = 2,
  parameter int SAME = 1,
  // see stream_law
  parameter int CAPACITY = 2,
  parameter int OFFERED_WITHIN = 0,
  parameter int TAKEN_WITHIN = 0,
  // 1: tready is high iff fewer than CAPACITY beats are held; 0: iff the reader takes or none waits
  parameter int STORES = 1
) (
  input logic          aclk,
  input logic          aresetn,
  input logic [IN-1:0] s_axis_tdata,
  input logic          s_axis_tvalid,
  input logic          s_axis_tlast,
  input logic          m_axis_tready
);
  localparam int WATCHED = SAME != 0 ? IN + 1 : 1;

  logic [OUT-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun;
  logic stalled;
  logic [7:0] held;
  logic awake;
  (* keep *) logic [3:0] reached;

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
  stream_law #(
    .WIDTH(WATCHED), .CAPACITY(CAPACITY), .OFFERED_WITHIN(OFFERED_WITHIN),
    .TAKEN_WITHIN(TAKEN_WITHIN)
  ) law (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .result(WATCHED'({s_axis_tdata, s_axis_tlast})),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis(WATCHED'({m_axis_tdata, m_axis_tlast})), .held(held), .reached(reached)
  );

  always_ff @(posedge aclk) awake <= aresetn;
  always @(posedge aclk) begin
    if (begun && aresetn && awake) begin
      assert (s_axis_tready == (STORES != 0 ? held != CAPACITY : !m_axis_tvalid || m_axis_tready));
    end
  end
endmodule

`default_nettype wire
