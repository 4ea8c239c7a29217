// SPDX-License-Identifier: MIT-0
// TLAST once per FRAMES frames, for a reader that takes several frames in one transfer: that of the
// last of them passes.
//
// Combinational in both directions, latency 0. The payload doesn't go through it.
`default_nettype none

module axis_group #(
  // frames of a transfer; >= 1
  parameter int FRAMES = 4
) (
  input  logic aclk,
  input  logic aresetn,
  input  logic tvalid,
  input  logic tready,
  input  logic s_axis_tlast,
  output logic m_axis_tlast
);
  generate
    if (FRAMES < 1) begin : gen_illegal
      axis_group_needs_FRAMES_of_1_or_more stop ();
    end
  endgenerate

  localparam int COUNT = FRAMES < 2 ? 1 : $clog2(FRAMES);

  logic [COUNT-1:0] frame;  // index in its transfer
  logic at_end;

  assign at_end = frame == COUNT'(FRAMES - 1);
  assign m_axis_tlast = s_axis_tlast && at_end;

  always_ff @(posedge aclk) begin
    if (tvalid && tready && s_axis_tlast) frame <= at_end ? '0 : frame + 1'b1;
    if (!aresetn) frame <= '0;
  end
endmodule

`default_nettype wire
