// SPDX-License-Identifier: MIT-0
// axis_window with SKIP: the beats that leave are those of the taps inside the image, in order, each
// with its element of the frame that is due and its number; TLAST is with the last of a pixel; what
// waits stays. Taps are counted from outside, beats are stored for four frames.
`default_nettype none

module prove #(
  parameter int BEATS = 1,
  parameter int IN_H = 2,
  parameter int IN_W = 2,
  parameter int OUT_H = 1,
  parameter int OUT_W = 1,
  parameter int KERNEL_H = 1,
  parameter int KERNEL_W = 2,
  parameter int STRIDE_W = 1,
  parameter int DILATION_W = 1,
  parameter int PAD_TOP = 0,
  parameter int PAD_LEFT = 1,
  parameter int CAPACITY = 4,
  parameter int SKIP = 2
) (
  input logic aclk,
  input logic aresetn,
  input logic s_axis_tdata,
  input logic s_axis_tvalid,
  input logic s_axis_tlast,
  input logic m_axis_tready
);
  localparam int IN_BEATS = IN_H * IN_W * BEATS;
  localparam int NUMBERS = KERNEL_H * KERNEL_W * BEATS;
  localparam int WIDTH = 1 + $clog2(NUMBERS * SKIP);

  logic s_axis_tready;
  logic [WIDTH-1:0] m_axis_tdata;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun, stalled;
  logic [7:0] in_beat;
  (* keep *) logic [4:0] reached;

  axis_window #(
    .WIDTH(1), .LANES(1), .BEATS(BEATS), .IN_H(IN_H), .IN_W(IN_W), .OUT_H(OUT_H), .OUT_W(OUT_W),
    .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W), .STRIDE_H(1), .STRIDE_W(STRIDE_W),
    .DILATION_W(DILATION_W), .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT), .CAPACITY(CAPACITY),
    .SKIP(SKIP)
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
  output_law #(.WIDTH(WIDTH + 1)) law (
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

  // ---- what is due: of a pixel's numbers from `from` on the least whose tap is inside

  logic [1:0] out_frame;
  logic [3:0] oh, ow, from;
  logic [NUMBERS-1:0] inside;
  logic [NUMBERS-1:0] element;
  logic [3:0] due;
  logic found;
  logic last;
  logic last_pixel;

  for (genvar n = 0; n < NUMBERS; n = n + 1) begin : gen_number
    localparam int KH = n / BEATS / KERNEL_W;
    localparam int KW = n / BEATS % KERNEL_W;
    int row, col;

    assign row = 32'(oh) + KH - PAD_TOP;
    assign col = 32'(ow) * STRIDE_W + KW * DILATION_W - PAD_LEFT;
    assign inside[n] = row >= 0 && row < IN_H && col >= 0 && col < IN_W;
    assign element[n] =
        inside[n] && frames[32'(out_frame) * IN_BEATS + (row * IN_W + col) * BEATS + n % BEATS];
  end

  always_comb begin
    due = '0;
    found = 1'b0;
    last = 1'b1;
    for (int n = 0; n < NUMBERS; n = n + 1) begin
      if (found && inside[n]) last = 1'b0;
      if (!found && inside[n] && n >= 32'(from)) begin
        due = 4'(n);
        found = 1'b1;
      end
    end
  end

  assign last_pixel = ow == 4'(OUT_W - 1) && oh == 4'(OUT_H - 1);

  always_ff @(posedge aclk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      from <= last ? '0 : due + 1'b1;
      if (last) ow <= ow == 4'(OUT_W - 1) ? '0 : ow + 1'b1;
      if (last && ow == 4'(OUT_W - 1)) oh <= last_pixel ? '0 : oh + 1'b1;
      if (last && last_pixel) out_frame <= out_frame + 1'b1;
    end
    if (!aresetn) begin
      from <= '0;
      ow <= '0;
      oh <= '0;
      out_frame <= '0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn && m_axis_tvalid) begin
      assert (found);
      assert (m_axis_tdata[0] == element[due]);
      assert (32'(m_axis_tdata[WIDTH-1:1]) == 32'(due) * SKIP);
      assert (m_axis_tlast == last);
    end
  end

  assign reached = {5{begun && aresetn}} & {stalled, m_axis_tvalid && out_frame == 2'd3,
      m_axis_tvalid && due != from && m_axis_tdata[0],
      m_axis_tvalid && last && due != 4'(NUMBERS - 1), !s_axis_tready && stalled};
endmodule

`default_nettype wire
