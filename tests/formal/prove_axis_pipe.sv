// SPDX-License-Identifier: MIT-0
// axis_pipe and a data path of STAGES registers that `advance` enables: they keep in step.
`default_nettype none

module prove #(
  parameter int WIDTH = 2,
  parameter int STAGES = 3
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [WIDTH-1:0] s_axis_tdata,
  input logic             s_axis_tvalid,
  input logic             s_axis_tlast,
  input logic             m_axis_tready
);
  logic [STAGES*WIDTH-1:0] stages;
  logic [WIDTH-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic advance;
  logic awake;
  logic [7:0] held;
  (* keep *) logic [3:0] reached;

  axis_pipe #(.STAGES(STAGES)) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );

  assign m_axis_tdata = stages[STAGES*WIDTH-1 -: WIDTH];
  always_ff @(posedge aclk) begin
    if (advance) stages <= (STAGES*WIDTH)'({stages, s_axis_tdata});
    awake <= aresetn;
  end

  stream_law #(
    .WIDTH(WIDTH + 1), .CAPACITY(STAGES), .OFFERED_WITHIN(STAGES - 1), .TAKEN_WITHIN(1)
  ) law (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .result({s_axis_tlast, s_axis_tdata}),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis({m_axis_tlast, m_axis_tdata}), .held(held), .reached(reached)
  );

  always @(posedge aclk) begin
    if (aresetn && awake) assert (s_axis_tready == advance);
    if (aresetn && awake) assert (advance == (!m_axis_tvalid || m_axis_tready));
  end
endmodule

`default_nettype wire
