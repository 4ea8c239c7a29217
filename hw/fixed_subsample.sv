// SPDX-License-Identifier: MIT-0
// Sub-sampling: the sum of each channel's window, times the channel's one weight,
// y[c] = requant(w[c] * sum over the taps of x[c] + bias[c]).
//
//     s_axis --> n --> + --> total --> fixed_depthwise, TAPS = 1 --> m_axis
//                      ^-- [ sum ] of the window so far
//
// A window's beats come in a row, TLAST with the last (axis_window, GROUPS = BEATS), then the next
// BEATS - 1 beats' of channels; a beat leaves for each. All WINDOWS of them are a frame.
//
// LATENCY, control and images are those of fixed_depthwise with TAPS = 1: from a window's last beat,
// 1 beat in per cycle.
`default_nettype none

module fixed_subsample #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // beats of a pixel, beats of a frame that leave; >= 1
  parameter int BEATS = 2,
  parameter int WINDOWS = 12,
  // bits of an input; its type: signed unsigned bipolar
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  // bits that hold the sum of a window's codes, signed
  parameter int SUM_WIDTH = 12,
  // see fixed_depthwise
  parameter int WEIGHT_WIDTH = 8,
  parameter WEIGHT_TYPE = "signed",
  parameter int EXPONENT = 0,
  parameter int MANTISSA = 0,
  parameter int BIAS_WIDTH = 16,
  parameter int ACC_WIDTH = 20,
  parameter int SUM_SHIFT = 0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter int MUL_WIDTH = 0,
  parameter int UP_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 6,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate",
  parameter WEIGHT_STYLE = "auto",
  parameter int WEIGHT_BANK = 2048,
  parameter int WEIGHT_SPLIT = 0,
  parameter WEIGHT_FILE = "",
  parameter BIAS_FILE = "",
  parameter MUL_FILE = ""
) (
  input  logic                       aclk,
  input  logic                       aresetn,
  input  logic [LANES*IN_WIDTH-1:0]  s_axis_tdata,
  input  logic                       s_axis_tvalid,
  output logic                       s_axis_tready,
  input  logic                       s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                       m_axis_tvalid,
  input  logic                       m_axis_tready,
  output logic                       m_axis_tlast
);
  generate
    if (SUM_WIDTH < 1) begin : gen_illegal
      fixed_subsample_needs_SUM_WIDTH_of_1_or_more stop ();
    end
  endgenerate

  logic [LANES*SUM_WIDTH-1:0] sum;
  logic [LANES*SUM_WIDTH-1:0] total;
  logic taken;
  logic fresh;  // the next beat begins a window

  assign taken = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge aclk) begin
    if (taken) fresh <= s_axis_tlast;
    if (!aresetn) fresh <= 1'b1;
  end

  always_ff @(posedge aclk) if (taken) sum <= total;

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [IN_WIDTH+1:0] n;
      logic unused_n;  // the sign, where fewer bits hold every sum

      assign unused_n = &{1'b0, n};
      fixed_integer #(.WIDTH(IN_WIDTH), .TYPE(IN_TYPE)) decode (
        .code(s_axis_tdata[lane*IN_WIDTH +: IN_WIDTH]), .value(n)
      );
      assign total[lane*SUM_WIDTH +: SUM_WIDTH] =
          (fresh ? '0 : sum[lane*SUM_WIDTH +: SUM_WIDTH]) + SUM_WIDTH'($signed(n));
    end
  endgenerate

  fixed_depthwise #(
    .LANES(LANES), .TAPS(1), .BEATS(BEATS), .WINDOWS(WINDOWS), .IN_WIDTH(SUM_WIDTH),
    .IN_TYPE("signed"), .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_TYPE(WEIGHT_TYPE),
    .EXPONENT(EXPONENT), .MANTISSA(MANTISSA),
    .BIAS_WIDTH(BIAS_WIDTH), .ACC_WIDTH(ACC_WIDTH), .SUM_SHIFT(SUM_SHIFT), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
    .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .ROUNDING(ROUNDING),
    .OVERFLOW(OVERFLOW), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .MUL_FILE(MUL_FILE),
    .WEIGHT_STYLE(WEIGHT_STYLE), .WEIGHT_BANK(WEIGHT_BANK), .WEIGHT_SPLIT(WEIGHT_SPLIT)
  ) weigh (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(total), .s_axis_tvalid(s_axis_tvalid && s_axis_tlast),
    .s_axis_tready(s_axis_tready), .s_axis_tlast(1'b1),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
endmodule

`default_nettype wire
