// SPDX-License-Identifier: MIT-0
// axis_window as one stream cell: alone (taps_stream), or with a cell behind it that reduces windows, or
// with a layer of weights for each group.
`default_nettype none

module window_stream #(
  parameter KIND = "taps",
  parameter int LANES = 1,
  parameter int BEATS = 1,
  parameter int IN_H = 6,
  parameter int IN_W = 7,
  parameter int OUT_H = 6,
  parameter int OUT_W = 7,
  parameter int KERNEL_H = 3,
  parameter int KERNEL_W = 3,
  parameter int STRIDE_H = 1,
  parameter int STRIDE_W = 1,
  parameter int DILATION_H = 1,
  parameter int DILATION_W = 1,
  parameter int PAD_TOP = 1,
  parameter int PAD_LEFT = 1,
  parameter logic [31:0] PAD = 32'd0,
  parameter int CAPACITY = 17,
  parameter int COLUMN = 1,  // taps of a beat, of KIND "taps" and "depthwise"
  parameter int GROUPS = 1,
  parameter int KEEP = 0,
  parameter int SKIP = 0,    // of KIND "taps": a beat leaves as one element, with its TLAST on top
  parameter int SENT = 1,    // with SKIP: beats of a frame of KIND "taps"
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  parameter int CAST = 1,
  parameter int SUM_WIDTH = 12,
  parameter int RUNS_H = 1,
  parameter int RUNS_W = 1,
  parameter logic [RUNS_H*32-1:0] ROW_END = {RUNS_H{32'd1}},
  parameter logic [RUNS_W*32-1:0] COLUMN_END = {RUNS_W{32'd1}},
  parameter int EXACT = 1,
  parameter logic [RUNS_H*RUNS_W*32-1:0] DIVISOR = {RUNS_H*RUNS_W{32'd9}},
  parameter int SCALE = 1,
  parameter int MAGIC_WIDTH = 12,
  parameter logic [RUNS_H*RUNS_W*64-1:0] MAGIC = {RUNS_H*RUNS_W{64'd3641}},
  parameter int MAGIC_SHIFT = 15,
  parameter int WEIGHT_WIDTH = 8,
  parameter WEIGHT_TYPE = "signed",
  parameter int EXPONENT = 0,
  parameter int MANTISSA = 0,
  parameter int BIAS_WIDTH = 8,
  parameter int ACC_WIDTH = 24,
  parameter int SUM_SHIFT = 0,
  parameter int MUL_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 2,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_LANES = LANES,
  parameter int OUT_TAPS = COLUMN,  // of a beat that leaves
  parameter int OUT_GROUPS = 1,  // of KIND "linear": beats that leave for each group
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate",
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
  output logic [OUT_TAPS*OUT_LANES*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                       m_axis_tvalid,
  input  logic                       m_axis_tready,
  output logic                       m_axis_tlast
);
  localparam int TAPS = KERNEL_H * KERNEL_W;
  localparam int PIXELS = OUT_H * OUT_W;
  localparam int GROUP = TAPS / COLUMN * BEATS / GROUPS;
  localparam logic [79:0] WHAT = 80'(KIND);

  localparam int NUMBER = SKIP == 0 ? 0 : $clog2(TAPS * BEATS * SKIP);
  logic [COLUMN*LANES*IN_WIDTH+NUMBER-1:0] w_tdata;
  logic w_tvalid, w_tready, w_tlast;

  axis_window #(
    .WIDTH(IN_WIDTH), .LANES(LANES), .BEATS(BEATS), .IN_H(IN_H), .IN_W(IN_W), .OUT_H(OUT_H),
    .OUT_W(OUT_W), .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H),
    .STRIDE_W(STRIDE_W), .DILATION_H(DILATION_H), .DILATION_W(DILATION_W), .PAD_TOP(PAD_TOP),
    .PAD_LEFT(PAD_LEFT), .PAD(PAD), .CAPACITY(CAPACITY), .TAPS(COLUMN),
    .GROUPS(GROUPS), .KEEP(KEEP), .SKIP(SKIP)
  ) window (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(w_tdata), .m_axis_tvalid(w_tvalid), .m_axis_tready(w_tready),
    .m_axis_tlast(w_tlast)
  );

  generate
    if (WHAT == 80'("max")) begin : gen_max
      fixed_max_pool #(
        .LANES(LANES), .WINDOWS(PIXELS*BEATS), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE),
        .IN_ZERO(IN_ZERO), .CAST(CAST), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT),
        .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING),
        .OVERFLOW(OVERFLOW)
      ) pool (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(w_tdata), .s_axis_tvalid(w_tvalid), .s_axis_tready(w_tready),
        .s_axis_tlast(w_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end else if (WHAT == 80'("average")) begin : gen_average
      fixed_avg_pool #(
        .LANES(LANES), .WINDOWS(PIXELS*BEATS), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE),
        .IN_ZERO(IN_ZERO), .SUM_WIDTH(SUM_WIDTH), .BEATS(BEATS), .RUNS_H(RUNS_H),
        .RUNS_W(RUNS_W), .ROW_END(ROW_END), .COLUMN_END(COLUMN_END), .EXACT(EXACT),
        .DIVISOR(DIVISOR), .SCALE(SCALE), .MAGIC_WIDTH(MAGIC_WIDTH), .MAGIC(MAGIC), .MAGIC_SHIFT(MAGIC_SHIFT),
        .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH),
        .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
      ) pool (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(w_tdata), .s_axis_tvalid(w_tvalid), .s_axis_tready(w_tready),
        .s_axis_tlast(w_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end else if (WHAT == 80'("depthwise")) begin : gen_depthwise
      fixed_depthwise #(
        .LANES(LANES), .COLUMN(COLUMN), .TAPS(TAPS), .BEATS(BEATS), .WINDOWS(PIXELS*BEATS), .IN_WIDTH(IN_WIDTH),
        .IN_TYPE(IN_TYPE), .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_TYPE(WEIGHT_TYPE),
        .EXPONENT(EXPONENT), .MANTISSA(MANTISSA),
        .BIAS_WIDTH(BIAS_WIDTH), .ACC_WIDTH(ACC_WIDTH), .SUM_SHIFT(SUM_SHIFT), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
        .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .ROUNDING(ROUNDING),
        .OVERFLOW(OVERFLOW), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .MUL_FILE(MUL_FILE)
      ) convolution (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(w_tdata), .s_axis_tvalid(w_tvalid), .s_axis_tready(w_tready),
        .s_axis_tlast(w_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end else if (WHAT == 80'("subsample")) begin : gen_subsample
      fixed_subsample #(
        .LANES(LANES), .BEATS(BEATS), .WINDOWS(PIXELS*BEATS), .IN_WIDTH(IN_WIDTH),
        .IN_TYPE(IN_TYPE), .SUM_WIDTH(SUM_WIDTH), .WEIGHT_WIDTH(WEIGHT_WIDTH),
        .WEIGHT_TYPE(WEIGHT_TYPE),
        .EXPONENT(EXPONENT), .MANTISSA(MANTISSA), .BIAS_WIDTH(BIAS_WIDTH), .ACC_WIDTH(ACC_WIDTH), .SUM_SHIFT(SUM_SHIFT),
        .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL),
        .SHIFT(SHIFT), .ZERO(ZERO), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW),
        .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .MUL_FILE(MUL_FILE)
      ) sums (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(w_tdata), .s_axis_tvalid(w_tvalid), .s_axis_tready(w_tready),
        .s_axis_tlast(w_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end else if (WHAT == 80'("linear")) begin : gen_linear
      fixed_linear #(
        .IN_FEATURES(GROUP*LANES), .OUT_FEATURES(OUT_GROUPS*OUT_LANES), .IN_LANES(LANES),
        .OUT_LANES(OUT_LANES), .ROWS(PIXELS*GROUPS), .SETS(GROUPS), .SKIP(SKIP == 0 ? 0 : 1),
        .IN_WIDTH(IN_WIDTH),
        .IN_TYPE(IN_TYPE), .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_TYPE(WEIGHT_TYPE),
        .BIAS_WIDTH(BIAS_WIDTH), .ACC_WIDTH(ACC_WIDTH), .SUM_SHIFT(SUM_SHIFT), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
        .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .ROUNDING(ROUNDING),
        .OVERFLOW(OVERFLOW), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .MUL_FILE(MUL_FILE)
      ) convolution (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(w_tdata), .s_axis_tvalid(w_tvalid), .s_axis_tready(w_tready),
        .s_axis_tlast(w_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end else begin : gen_taps
      if (SKIP != 0) begin : gen_skip
        assign m_axis_tdata = {w_tlast, w_tdata};
      end else begin : gen_all
        assign m_axis_tdata = w_tdata;
      end
      taps_stream #(
        .IN_BEATS(IN_H*IN_W*BEATS), .OUT_BEATS(SKIP != 0 ? SENT : PIXELS*TAPS/COLUMN*BEATS),
        .GROUP(SKIP != 0 ? 0 : GROUP)
      ) frames (
        .aclk(aclk), .aresetn(aresetn), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
        .w_axis_tvalid(w_tvalid), .w_axis_tready(w_tready), .w_axis_tlast(w_tlast),
        .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast)
      );
    end
  endgenerate
endmodule

`default_nettype wire
