// SPDX-License-Identifier: MIT-0
// axis_slide: every column of a window that leaves is the one that is due, of the row that is due, or
// PAD; what waits stays; TLAST ends each group; a row's last windows leave without the next row.
// Columns are counted from outside, those of four rows are kept.
`default_nettype none

module prove #(
  parameter int BEATS = 1,
  parameter int IN_W = 2,
  parameter int OUT_W = 2,
  parameter int KERNEL_W = 3,
  parameter int STRIDE_W = 1,
  parameter int DILATION_W = 1,
  parameter int PAD_LEFT = 1,
  parameter int GROUPS = 1
) (
  input logic aclk,
  input logic aresetn,
  input logic s_axis_tdata,
  input logic s_axis_tvalid,
  input logic s_axis_tlast,
  input logic m_axis_tready
);
  localparam int IN_BEATS = IN_W * BEATS;
  localparam int INNER = BEATS / GROUPS;
  localparam int WAIT = (KERNEL_W * DILATION_W + 2) * BEATS + 2;

  logic s_axis_tready;
  logic [KERNEL_W-1:0] m_axis_tdata;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun, stalled;
  logic [7:0] in_beat;
  (* keep *) logic [3:0] reached;

  axis_slide #(
    .WIDTH(1), .LANES(1), .BEATS(BEATS), .IN_W(IN_W), .OUT_W(OUT_W), .KERNEL_W(KERNEL_W),
    .STRIDE_W(STRIDE_W), .DILATION_W(DILATION_W), .PAD_LEFT(PAD_LEFT), .PAD(32'd1), .GROUPS(GROUPS)
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
  source_law #(.WIDTH(1), .BEATS(IN_BEATS)) source (
    .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata), .tvalid(s_axis_tvalid),
    .tready(s_axis_tready), .tlast(s_axis_tlast), .beat(in_beat)
  );
  output_law #(.WIDTH(KERNEL_W + 1)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  // ---- what came in

  logic [4*IN_BEATS-1:0] rows;
  logic [1:0] in_row;
  logic accept;

  assign accept = s_axis_tvalid && s_axis_tready;
  always_ff @(posedge aclk) begin
    if (accept) rows[32'(in_row) * IN_BEATS + 32'(in_beat)] <= s_axis_tdata;
    if (accept && s_axis_tlast) in_row <= in_row + 1'b1;
    if (!aresetn) in_row <= '0;
  end

  // ---- what is due

  logic [1:0] out_row;
  logic [3:0] ow, beat;
  logic last_beat, last_window, group_end;
  logic [KERNEL_W-1:0] there, due;

  assign last_beat = beat == 4'(BEATS - 1);
  assign last_window = ow == 4'(OUT_W - 1);
  assign group_end = 32'(beat) % INNER == INNER - 1;

  generate
    for (genvar k = 0; k < KERNEL_W; k = k + 1) begin : gen_due
      int col;

      assign col = 32'(ow) * STRIDE_W + k * DILATION_W - PAD_LEFT;
      assign there[k] = col >= 0 && col < IN_W;
      assign due[k] = !there[k] || rows[32'(out_row) * IN_BEATS + col * BEATS + 32'(beat)];
    end
  endgenerate

  logic [7:0] waited;  // cycles since a row came whole, with its windows not out

  always_ff @(posedge aclk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      beat <= last_beat ? '0 : beat + 1'b1;
      if (last_beat) ow <= last_window ? '0 : ow + 1'b1;
      if (last_beat && last_window) out_row <= out_row + 1'b1;
    end
    waited <= m_axis_tvalid || in_row == out_row || in_beat != '0 ? '0 : waited + 1'b1;
    if (!aresetn) begin
      beat <= '0;
      ow <= '0;
      out_row <= '0;
      waited <= '0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn) begin
      assert (32'(waited) < WAIT);
      if (m_axis_tvalid) begin
        assert (m_axis_tdata == due);
        assert (m_axis_tlast == group_end);
      end
    end
  end

  assign reached = {4{begun && aresetn}} & {stalled, m_axis_tvalid && out_row == 2'd3,
      m_axis_tvalid && there[0] && !m_axis_tdata[0], !s_axis_tready && stalled};
endmodule

`default_nettype wire
