// SPDX-License-Identifier: MIT-0
// axis_reorder with a walk of three dimensions: every beat that leaves is the one of its block that is
// due; what waits stays; TLAST ends each frame. Beats are kept for four blocks.
`default_nettype none

module prove #(
  parameter int BLOCKS = 2,
  parameter int BEATS = 4,
  parameter int SIZE_0 = 2,
  parameter int SIZE_1 = 2,
  parameter int SIZE_2 = 1,
  parameter int STRIDE_0 = 2,
  parameter int STRIDE_1 = 1,
  parameter int STRIDE_2 = 0
) (
  input logic aclk,
  input logic aresetn,
  input logic s_axis_tdata,
  input logic s_axis_tvalid,
  input logic s_axis_tlast,
  input logic m_axis_tready
);
  logic s_axis_tready;
  logic m_axis_tdata;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun, stalled;
  logic [7:0] frame_beat;
  (* keep *) logic [3:0] reached;

  axis_reorder #(
    .WIDTH(1), .BLOCKS(BLOCKS), .BEATS(BEATS), .DIMS(3),
    .SIZE({32'(SIZE_2), 32'(SIZE_1), 32'(SIZE_0)}),
    .STRIDE({32'(STRIDE_2), 32'(STRIDE_1), 32'(STRIDE_0)})
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
  source_law #(.WIDTH(1), .BEATS(BLOCKS * BEATS)) source (
    .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata), .tvalid(s_axis_tvalid),
    .tready(s_axis_tready), .tlast(s_axis_tlast), .beat(frame_beat)
  );
  output_law #(.WIDTH(2)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  // ---- what came in

  logic [4*BEATS-1:0] came;
  logic [1:0] in_block;
  logic [3:0] in_beat;
  logic accept;

  assign accept = s_axis_tvalid && s_axis_tready;
  always_ff @(posedge aclk) begin
    if (accept) begin
      came[32'(in_block) * BEATS + 32'(in_beat)] <= s_axis_tdata;
      in_beat <= in_beat == 4'(BEATS - 1) ? '0 : in_beat + 1'b1;
      if (in_beat == 4'(BEATS - 1)) in_block <= in_block + 1'b1;
    end
    if (!aresetn) begin
      in_beat <= '0;
      in_block <= '0;
    end
  end

  // ---- what is due

  logic [1:0] out_block;
  logic [3:0] at_0, at_1, at_2, frame_block;
  logic last_0, last_1, last_2, last_block;
  logic due;

  assign last_0 = at_0 == 4'(SIZE_0 - 1);
  assign last_1 = last_0 && at_1 == 4'(SIZE_1 - 1);
  assign last_2 = last_1 && at_2 == 4'(SIZE_2 - 1);
  assign last_block = frame_block == 4'(BLOCKS - 1);
  assign due = came[32'(out_block) * BEATS + 32'(at_0) * STRIDE_0 + 32'(at_1) * STRIDE_1 +
      32'(at_2) * STRIDE_2];

  always_ff @(posedge aclk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      at_0 <= last_0 ? '0 : at_0 + 1'b1;
      if (last_0) at_1 <= last_1 ? '0 : at_1 + 1'b1;
      if (last_1) at_2 <= last_2 ? '0 : at_2 + 1'b1;
      if (last_2) out_block <= out_block + 1'b1;
      if (last_2) frame_block <= last_block ? '0 : frame_block + 1'b1;
    end
    if (!aresetn) begin
      at_0 <= '0;
      at_1 <= '0;
      at_2 <= '0;
      out_block <= '0;
      frame_block <= '0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn && m_axis_tvalid) begin
      assert (m_axis_tdata == due);
      assert (m_axis_tlast == (last_2 && last_block));
    end
  end

  assign reached = {4{begun && aresetn}} & {stalled, m_axis_tvalid && out_block == 2'd3,
      m_axis_tvalid && m_axis_tlast && !m_axis_tdata, !s_axis_tready && stalled};
endmodule

`default_nettype wire
