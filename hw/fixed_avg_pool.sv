// SPDX-License-Identifier: MIT-0
// The average of a window in each lane: y = requant(sum of (n - IN_ZERO) / DIVISOR), rounded once.
//
//     s_axis --> n --> + --> [ sum ] --> [ times MAGIC ] --> quotient, rest --> requant --> m_axis
//                      ^-- sum of the window so far            SCALED
//
// The quotient is exact: of num = sum * 2^SCALE, q = floor(num * MAGIC / 2^MAGIC_SHIFT) is the floor
// of num / DIVISOR or, of a negative one, 1 below, which shows in the rest. Twice q, and 1 more if
// there is a rest, is rounded as the fraction is, by SHIFT >= 2 bits, as those behind the second
// only say that there is more. For that MAGIC = floor(2^MAGIC_SHIFT / DIVISOR) + 1, and
// |num| * (MAGIC * DIVISOR - 2^MAGIC_SHIFT) < 2^MAGIC_SHIFT.
//
// Where windows at the border of the image have fewer elements (COUNTS > 1), each place that
// fixed_window_runs tells apart has a DIVISOR and a MAGIC of its own. Without EXACT the sum times
// MAGIC, a factor, is what is requantised.
//
// A window's beats come in a row, TLAST with the last (axis_window, GROUPS = BEATS); or, IN_H > 0, the
// image comes as it is, and windows don't overlap (fixed_partials). A beat leaves for each window,
// TLAST with the last of WINDOWS, which are a frame.
//
// LATENCY = 1 + (COUNTS > 1 or DIVISOR > 1 ? 2 : 0) + 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles from a
// window's last beat, 1 beat in per cycle. Control is that of fixed_pointwise.
`default_nettype none

module fixed_avg_pool #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // beats of a frame that leave; >= 1
  parameter int WINDOWS = 6,
  // of an image that comes as it is, otherwise 0: see fixed_tiles
  parameter int IN_H = 0,
  parameter int IN_W = 1,
  parameter int KERNEL_H = 1,
  parameter int KERNEL_W = 1,
  parameter int STRIDE_H = KERNEL_H,
  parameter int STRIDE_W = KERNEL_W,
  // bits of an input; its type: signed unsigned bipolar; what stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  // bits that hold the sum of a window; IN_WIDTH + 2 or more
  parameter int SUM_WIDTH = 12,
  // runs of rows and columns with windows alike, and the beats of a pixel: see fixed_window_runs
  parameter int BEATS = 1,
  parameter int RUNS_H = 1,
  parameter int RUNS_W = 1,
  parameter logic [RUNS_H*32-1:0] ROW_END = {RUNS_H{32'd1}},
  parameter logic [RUNS_W*32-1:0] COLUMN_END = {RUNS_W{32'd1}},
  parameter int COUNTS = RUNS_H * RUNS_W,
  // 1: it is divided; what by, of each place; a single 1: nothing, for the requantisation does it
  parameter int EXACT = 1,
  parameter logic [COUNTS*32-1:0] DIVISOR = {COUNTS{32'd9}},
  parameter int SCALE = 1,
  parameter int MAGIC_WIDTH = 12,
  parameter logic [COUNTS*64-1:0] MAGIC = {COUNTS{64'd3641}},
  parameter int MAGIC_SHIFT = 15,
  // see fixed_requant
  parameter int MUL_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 2,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate"
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
  localparam int SCALED = COUNTS > 1 || DIVISOR != 1 ? 1 : 0;
  localparam int N = IN_WIDTH + 2;
  localparam int NUM = SUM_WIDTH + SCALE;
  localparam int PRODUCT = NUM + MAGIC_WIDTH + 1;
  localparam int ACC_WIDTH = SCALED == 0 ? SUM_WIDTH : EXACT != 0 ? NUM + 1 : PRODUCT;

  generate
    if (SUM_WIDTH < N || COUNTS != RUNS_H * RUNS_W) begin : gen_sizes
      fixed_avg_pool_needs_SUM_WIDTH_of_IN_WIDTH_and_2_or_more stop ();
    end
    if (COUNTS > 1 && WINDOWS != BEATS * 32'(ROW_END[(RUNS_H-1)*32 +: 32]) *
        32'(COLUMN_END[(RUNS_W-1)*32 +: 32])) begin : gen_windows
      fixed_avg_pool_needs_WINDOWS_of_BEATS_and_the_last_row_and_column stop ();
    end
    if (SCALED != 0 && (MUL_WIDTH > 0 || MAGIC_WIDTH < 1 || MAGIC_WIDTH > 63)) begin : gen_scaled
      fixed_avg_pool_needs_MAGIC_WIDTH_of_1_to_63_and_no_MUL stop ();
    end
    if (SCALED != 0 && EXACT != 0 &&
        (SCALE < 1 || SHIFT < 2 || MAGIC_SHIFT < 1 || MAGIC_SHIFT >= PRODUCT)) begin : gen_divisor
      fixed_avg_pool_needs_SCALE_of_1_and_SHIFT_of_2_or_more_to_divide stop ();
    end
  endgenerate

  logic [LANES*N-1:0] codes;
  logic [LANES*SUM_WIDTH-1:0] sum;
  logic [LANES*SUM_WIDTH-1:0] total;
  logic [LANES*ACC_WIDTH-1:0] result;
  logic advance;
  logic fresh;  // the next beat begins a window
  logic ends;   // it is the window's last
  logic last_window;
  logic [MAGIC_WIDTH-1:0] magic;  // of the window whose sum is multiplied
  logic [NUM-1:0] divisor;        // of the one whose rest is looked at

  fixed_partials #(
    .WIDTH(LANES * SUM_WIDTH), .WINDOWS(WINDOWS), .IN_H(IN_H), .IN_W(IN_W), .KERNEL_H(KERNEL_H),
    .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W), .BEATS(BEATS)
  ) partials (
    .aclk(aclk), .aresetn(aresetn), .taken(s_axis_tvalid && s_axis_tready), .tlast(s_axis_tlast),
    .result(total), .found(sum), .fresh(fresh), .ends(ends), .last_window(last_window)
  );

  fixed_pointwise #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .BIPOLAR(1),
    .STAGES(2 * SCALED), .ACC_WIDTH(ACC_WIDTH), .CAST(1), .MUL_WIDTH(MUL_WIDTH),
    .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
    .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) shell (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid && ends),
    .s_axis_tready(s_axis_tready), .s_axis_tlast(last_window),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast), .advance(advance), .n(codes), .result(result)
  );

  generate
    if (COUNTS > 1) begin : gen_counts
      localparam int PLACE = $clog2(COUNTS);
      logic [PLACE-1:0] place;
      logic [NUM-1:0] next_divisor;

      fixed_window_runs #(
        .BEATS(BEATS), .RUNS_H(RUNS_H), .RUNS_W(RUNS_W), .ROW_END(ROW_END), .COLUMN_END(COLUMN_END)
      ) runs (
        .aclk(aclk), .aresetn(aresetn), .next(s_axis_tvalid && s_axis_tready && ends),
        .place(place)
      );

      always_ff @(posedge aclk) begin
        if (advance) begin
          magic <= MAGIC[place*64 +: MAGIC_WIDTH];
          next_divisor <= NUM'(DIVISOR[place*32 +: 32]);
          divisor <= next_divisor;
        end
      end
    end else begin : gen_one
      assign magic = MAGIC[MAGIC_WIDTH-1:0];
      assign divisor = NUM'(DIVISOR);
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [N-1:0] n;
      logic [SUM_WIDTH-1:0] own;

      assign n = codes[lane*N +: N] - N'(IN_ZERO);
      assign own = (fresh ? '0 : sum[lane*SUM_WIDTH +: SUM_WIDTH]) + SUM_WIDTH'($signed(n));
      assign total[lane*SUM_WIDTH +: SUM_WIDTH] = own;

      if (SCALED != 0) begin : gen_scaled
        (* keep *) logic [NUM-1:0] num;
        (* keep *) logic [NUM-1:0] past_num;
        logic [PRODUCT-1:0] product;
        (* keep *) logic [PRODUCT-1:0] past_product;

        fixed_multiply #(
          .A_WIDTH(NUM), .B_WIDTH(MAGIC_WIDTH), .B_SIGNED(0), .OUT_WIDTH(PRODUCT)
        ) multiply (.a(num), .b(magic), .product(product));

        always_ff @(posedge aclk) begin
          if (advance) begin
            num <= {own, {SCALE{1'b0}}};
            past_num <= num;
            past_product <= product;
          end
        end

        if (EXACT != 0) begin : gen_divide
          logic [NUM-1:0] quotient;
          logic [NUM-1:0] rest;
          logic below;  // q is 1 below the floor

          assign quotient = NUM'($signed(past_product) >>> MAGIC_SHIFT);
          assign rest = past_num - quotient * divisor;
          assign below = rest == divisor;
          assign result[lane*ACC_WIDTH +: ACC_WIDTH] =
              {quotient + NUM'(below), rest != '0 && !below};
        end else begin : gen_multiply
          logic unused_rest;

          assign unused_rest = &{1'b0, past_num, divisor};
          assign result[lane*ACC_WIDTH +: ACC_WIDTH] = past_product;
        end
      end else begin : gen_sum
        logic unused_scale;

        assign unused_scale = &{1'b0, advance, magic, divisor};
        assign result[lane*ACC_WIDTH +: ACC_WIDTH] = own;
      end
    end
  endgenerate
endmodule

`default_nettype wire
