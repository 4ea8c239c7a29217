// SPDX-License-Identifier: MIT-0
// axis_window: every beat that leaves is the tap that is due, of the frame that is due, or PAD; what
// waits stays; TLAST ends each group. Taps are counted from outside, beats are stored for four frames.
`default_nettype none

module prove #(
  parameter int BEATS = 1,
  parameter int IN_H = 2,
  parameter int IN_W = 2,
  parameter int OUT_H = 1,
  parameter int OUT_W = 1,
  parameter int KERNEL_H = 2,
  parameter int KERNEL_W = 2,
  parameter int STRIDE_H = 1,
  parameter int STRIDE_W = 1,
  parameter int PAD_TOP = 0,
  parameter int PAD_LEFT = 0,
  parameter int CAPACITY = 4,
  parameter int GROUPS = 1,
  parameter int KEEP = 0  // of one frame
) (
  input logic aclk,
  input logic aresetn,
  input logic s_axis_tdata,
  input logic s_axis_tvalid,
  input logic s_axis_tlast,
  input logic m_axis_tready
);
  localparam int IN_BEATS = IN_H * IN_W * BEATS;
  localparam int INNER = BEATS / GROUPS;

  logic s_axis_tready;
  logic m_axis_tdata;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun, stalled;
  logic [7:0] in_beat;
  (* keep *) logic [3:0] reached;

  axis_window #(
    .WIDTH(1), .LANES(1), .BEATS(BEATS), .IN_H(IN_H), .IN_W(IN_W), .OUT_H(OUT_H), .OUT_W(OUT_W),
    .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W),
    .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT), .PAD(32'd1), .CAPACITY(CAPACITY),
    .GROUPS(GROUPS), .KEEP(KEEP)
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
  output_law #(.WIDTH(2)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  // ---- what came in

  logic [4*IN_BEATS-1:0] frames;
  logic [1:0] in_frame;
  logic accept;

  assign accept = s_axis_tvalid && s_axis_tready;
  always_ff @(posedge aclk) begin
    if (accept) frames[32'(in_frame) * IN_BEATS + 32'(in_beat)] <= s_axis_tdata;
    if (accept && s_axis_tlast) in_frame <= in_frame + 1'b1;
    if (!aresetn) in_frame <= '0;
  end

  // ---- what is due

  logic [1:0] out_frame;
  logic [3:0] oh, ow, group, kh, kw, inner;
  logic last_group, last_kw, last_kh, last_inner, last_pixel, group_end;
  logic one;  // frame since reset, or more
  logic above;
  int row, col;
  logic [1:0] of_frame;
  logic inside;
  logic due;

  assign last_kw = kw == 4'(KERNEL_W - 1);
  assign last_kh = kh == 4'(KERNEL_H - 1);
  assign last_inner = inner == 4'(INNER - 1);
  assign last_group = group == 4'(GROUPS - 1);
  assign last_pixel = ow == 4'(OUT_W - 1) && oh == 4'(OUT_H - 1);
  assign group_end = last_kh && last_kw && last_inner;
  assign above = 32'(oh) * STRIDE_H + 32'(kh) < PAD_TOP;
  assign row = 32'(oh) * STRIDE_H + 32'(kh) - PAD_TOP + (KEEP != 0 && above ? IN_H : 0);
  assign col = 32'(ow) * STRIDE_W + 32'(kw) - PAD_LEFT;
  assign of_frame = out_frame - 2'(KEEP != 0 && above);
  assign inside = row >= 0 && row < IN_H && col >= 0 && col < IN_W && !(KEEP != 0 && above && !one);
  assign due = !inside ||
      frames[32'(of_frame) * IN_BEATS + (row * IN_W + col) * BEATS + 32'(group) * INNER +
      32'(inner)];

  always_ff @(posedge aclk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      inner <= last_inner ? '0 : inner + 1'b1;
      if (last_inner) kw <= last_kw ? '0 : kw + 1'b1;
      if (last_inner && last_kw) kh <= last_kh ? '0 : kh + 1'b1;
      if (group_end) group <= last_group ? '0 : group + 1'b1;
      if (group_end && last_group) begin
        ow <= ow == 4'(OUT_W - 1) ? '0 : ow + 1'b1;
        if (ow == 4'(OUT_W - 1)) oh <= last_pixel ? '0 : oh + 1'b1;
        if (last_pixel) out_frame <= out_frame + 1'b1;
        if (last_pixel) one <= 1'b1;
      end
    end
    if (!aresetn) begin
      inner <= '0;
      group <= '0;
      kw <= '0;
      kh <= '0;
      ow <= '0;
      oh <= '0;
      out_frame <= '0;
      one <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn && m_axis_tvalid) begin
      assert (m_axis_tdata == due);
      assert (m_axis_tlast == group_end);
    end
  end

  assign reached = {4{begun && aresetn}} & {stalled, m_axis_tvalid && out_frame == 2'd3,
      m_axis_tvalid && inside && !m_axis_tdata, !s_axis_tready && stalled};
endmodule

`default_nettype wire
