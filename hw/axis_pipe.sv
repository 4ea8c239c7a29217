// SPDX-License-Identifier: MIT-0
// Control of a pipeline that stops as a whole: STAGES valid and last bits that shift when `advance`
// is high. The data path beside it has STAGES registers, all enabled by `advance`.
//
// Latency STAGES cycles, throughput 1 beat per cycle. advance = !m_axis_tvalid || m_axis_tready,
// s_axis_tready = awake && advance: ready is combinational through the cell, tvalid is a register.
`default_nettype none

module axis_pipe #(
  // register stages of the data path; >= 1
  parameter int STAGES = 1
) (
  input  logic aclk,
  input  logic aresetn,
  input  logic s_axis_tvalid,
  output logic s_axis_tready,
  input  logic s_axis_tlast,
  output logic m_axis_tvalid,
  input  logic m_axis_tready,
  output logic m_axis_tlast,
  output logic advance
);
  generate
    if (STAGES < 1) begin : gen_illegal
      axis_pipe_needs_STAGES_of_1_or_more stop ();
    end
  endgenerate

  logic [STAGES-1:0] valid;
  // kept: synth_xilinx of yosys makes a shift register of it that ignores `advance`
  (* keep *) logic [STAGES-1:0] last;
  logic awake;

  assign m_axis_tvalid = valid[STAGES-1];
  assign m_axis_tlast = last[STAGES-1];
  assign advance = !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = awake && advance;

  always_ff @(posedge aclk) begin
    if (advance) last <= STAGES'({last, s_axis_tlast});

    awake <= 1'b1;
    if (advance) valid <= STAGES'({valid, s_axis_tvalid && awake});
    if (!aresetn) begin
      awake <= 1'b0;
      valid <= '0;
    end
  end
endmodule

`default_nettype wire
