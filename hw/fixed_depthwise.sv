// SPDX-License-Identifier: MIT-0
// Depthwise convolution: each channel of a window with weights of its own,
// y[c] = requant(sum over the taps of x[c] * w[c] + bias[c]).
//
//     s_axis --> [ x ] ... --> product --> [ p ] --> sum of COLUMN --> + --> [ acc ] --> fixed_requant --> m_axis
//            weight ROM, bias ROM ----------^                          ^--- acc, or bias
//
// Weights of type float are codes of minifloats, which become integers behind their memory.
//
// A beat has COLUMN taps of LANES channels: one, a column of the kernel (axis_window, TAPS), or all of it
// (axis_slide), the first in the low bits. A window's beats come in a row, TLAST with the last (GROUPS =
// BEATS), then the next BEATS - 1 beats' of channels; a beat leaves for each. All WINDOWS of them are a
// frame.
//
// LATENCY = ROM + 2 + clog2(COLUMN) + REQUANT cycles from a window's last beat, 1 beat in per cycle, with
//     ROM     = (TAPS/COLUMN*BEATS > 8192 ? 3 : 2) + (WEIGHT_TYPE is float)   (fixed_rom, fixed_decode)
//     REQUANT = 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite)         (fixed_requant)
// Control is axis_pipe's: ready is combinational through the cell, it stops as a whole.
//
// Images, with fixed_rom's suffix _<bank>.mem, of one word per beat, lane 0 in the low bits:
//     <WEIGHT_FILE>   S*BEATS words, S = TAPS/COLUMN, word beat*S + s = COLUMN*LANES weights, those of a
//                     tap beside each other, in the order in which the taps come
//     <BIAS_FILE>     BEATS words of LANES biases
//     <MUL_FILE>      BEATS words of LANES multipliers, unsigned
`default_nettype none

module fixed_depthwise #(
  // channels of a beat; >= 1
  parameter int LANES = 4,
  // taps of a beat, which divide those of a window; beats of a pixel, beats of a frame that leave; >= 1
  parameter int COLUMN = 1,
  parameter int TAPS = 9,
  parameter int BEATS = 2,
  parameter int WINDOWS = 12,
  // bits of an input; its type: signed unsigned bipolar
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  // bits of a weight; its type: signed unsigned bipolar (ternary is signed, 2 bits) float
  parameter int WEIGHT_WIDTH = 8,
  parameter WEIGHT_TYPE = "signed",
  // of type float: bits of the exponent and of the mantissa
  parameter int EXPONENT = 0,
  parameter int MANTISSA = 0,
  // bits of a bias, signed; a bias that needs more than ACC_WIDTH is stored modulo 2^ACC_WIDTH
  parameter int BIAS_WIDTH = 16,
  // bits that hold every accumulator's proven interval
  parameter int ACC_WIDTH = 20,
  // bits by which the bias is finer than the products: acc = sum * 2^SUM_SHIFT + bias
  parameter int SUM_SHIFT = 0,
  // requantisation, see fixed_requant; MUL is used where MUL_FILE is ""
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter int MUL_WIDTH = 0,
  parameter int UP_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 6,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate",
  // the memory of the weights, see fixed_rom
  parameter WEIGHT_STYLE = "auto",
  parameter int WEIGHT_BANK = 2048,
  parameter int WEIGHT_SPLIT = 0,
  // base names of the images
  parameter WEIGHT_FILE = "",
  parameter BIAS_FILE = "",
  parameter MUL_FILE = ""
) (
  input  logic                             aclk,
  input  logic                             aresetn,
  input  logic [COLUMN*LANES*IN_WIDTH-1:0] s_axis_tdata,
  input  logic                             s_axis_tvalid,
  output logic                             s_axis_tready,
  input  logic                             s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0]       m_axis_tdata,
  output logic                             m_axis_tvalid,
  input  logic                             m_axis_tready,
  output logic                             m_axis_tlast
);
  localparam int BIPOLAR = 80'(WEIGHT_TYPE) == 80'("bipolar") ? 1 : 0;
  localparam int CODED = 80'(WEIGHT_TYPE) == 80'("float") ? 1 : 0;
  localparam int SIGN = WEIGHT_WIDTH - EXPONENT - MANTISSA;  // of a code
  localparam int SIGNED = 80'(WEIGHT_TYPE) == 80'("signed") || (CODED != 0 && SIGN == 1) ? 1 : 0;
  // bits of a weight as the products take it
  localparam int FACTOR = CODED != 0 ? SIGN + MANTISSA + 2**EXPONENT - 1 : WEIGHT_WIDTH;
  localparam int WORDS = TAPS / COLUMN * BEATS;
  localparam int ROM = (WORDS > 8192 ? 3 : 2) + CODED;
  localparam int LEVELS = $clog2(COLUMN);
  localparam int REQUANT =
      2 + (MUL_WIDTH > 0 ? 1 : 0) + (80'(ROUNDING) == 80'("tflite") ? 1 : 0);
  localparam int MULTIPLIER = MUL_WIDTH < 1 ? 1 : MUL_WIDTH;
  localparam int N = IN_WIDTH + 2;
  // bits of a product, and of its register
  localparam int PRODUCT = N + FACTOR + (SIGNED != 0 ? 0 : 1);
  localparam int TERM = COLUMN == 1 || PRODUCT > ACC_WIDTH ? ACC_WIDTH : PRODUCT;
  localparam int ADDRESS = WORDS < 2 ? 1 : $clog2(WORDS);
  localparam int BEAT = BEATS < 2 ? 1 : $clog2(BEATS);

  generate
    if (LANES < 1 || COLUMN < 1 || TAPS < 1 || BEATS < 1) begin : gen_sizes
      fixed_depthwise_needs_sizes_of_1_or_more stop ();
    end
    if (TAPS % COLUMN != 0) begin : gen_column
      fixed_depthwise_needs_COLUMN_that_divides_TAPS stop ();
    end
    if ((BIPOLAR == 0 && SIGNED == 0 && CODED == 0 && 80'(WEIGHT_TYPE) != 80'("unsigned")) ||
        (BIPOLAR != 0 && WEIGHT_WIDTH != 1)) begin : gen_type
      fixed_depthwise_has_no_such_WEIGHT_TYPE_and_WEIGHT_WIDTH stop ();
    end
    if (BIAS_WIDTH < 1 || ACC_WIDTH < BIAS_WIDTH) begin : gen_bias
      fixed_depthwise_needs_ACC_WIDTH_of_BIAS_WIDTH_or_more stop ();
    end
    if (MUL_FILE != "" && MUL_WIDTH < 1) begin : gen_mul_width
      fixed_depthwise_needs_MUL_WIDTH_for_MUL_FILE stop ();
    end
  endgenerate

  // ---- the beat that comes in: which weights are its own

  logic [ADDRESS-1:0] address;
  logic [BEAT-1:0] beat;
  logic advance;
  logic taken;
  logic last_beat;
  logic fresh;  // it begins a window
  logic last_window;

  assign taken = s_axis_tvalid && s_axis_tready;
  assign last_beat = beat == BEAT'(BEATS - 1);

  always_ff @(posedge aclk) begin
    if (taken) address <= address + 1'b1;
    if (taken && s_axis_tlast) beat <= beat + 1'b1;
    if (!aresetn || (taken && s_axis_tlast && last_beat)) begin
      address <= '0;
      beat <= '0;
    end
  end

  fixed_windows #(.WINDOWS(WINDOWS)) windows (
    .aclk(aclk), .aresetn(aresetn), .taken(taken), .last(s_axis_tlast), .fresh(fresh),
    .last_window(last_window)
  );

  axis_pipe #(.STAGES(ROM + 2 + LEVELS + REQUANT)) pipe (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid && s_axis_tlast), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(last_window),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );

  // ---- operands, ROM cycles later

  logic [COLUMN*LANES*IN_WIDTH-1:0] x;
  logic [COLUMN*LANES*WEIGHT_WIDTH-1:0] w;
  logic [COLUMN*LANES*FACTOR-1:0] factor;

  fixed_delay #(.WIDTH(COLUMN*LANES*IN_WIDTH), .STAGES(ROM)) delay_x (
    .aclk(aclk), .enable(advance), .d(s_axis_tdata), .q(x)
  );

  fixed_rom #(
    .WIDTH(COLUMN*LANES*WEIGHT_WIDTH), .DEPTH(WORDS), .FILE(WEIGHT_FILE),
    .STYLE(WEIGHT_STYLE), .BANK(WEIGHT_BANK), .SPLIT(WEIGHT_SPLIT), .LOAD(WEIGHT_FILE != "" ? 1 : 0)
  ) weight_rom (.aclk(aclk), .enable(advance), .address(address), .word(w));

  generate
    if (CODED != 0) begin : gen_decode
      for (genvar i = 0; i < COLUMN * LANES; i = i + 1) begin : gen_weight
        logic [FACTOR-1:0] value;

        fixed_decode #(.WIDTH(WEIGHT_WIDTH), .EXPONENT(EXPONENT), .MANTISSA(MANTISSA)) decode (
          .code(w[i*WEIGHT_WIDTH +: WEIGHT_WIDTH]), .value(value)
        );
        always_ff @(posedge aclk) if (advance) factor[i*FACTOR +: FACTOR] <= value;
      end
    end else begin : gen_plain
      assign factor = w;
    end
  endgenerate

  // ---- products are there one cycle later, a column's sum LEVELS later, and is added in the next: with what
  // is known then

  logic add;        // the sum is that of a beat
  logic add_fresh;  // the first of a window
  logic [BEAT-1:0] bias_beat;
  logic [LANES*BIAS_WIDTH-1:0] bias;

  fixed_delay #(.WIDTH(2), .STAGES(ROM + 1 + LEVELS)) delay_add (
    .aclk(aclk), .enable(advance), .d({fresh, taken}), .q({add_fresh, add})
  );
  fixed_delay #(.WIDTH(BEAT), .STAGES(ROM - 1 + LEVELS)) delay_beat (
    .aclk(aclk), .enable(advance), .d(beat), .q(bias_beat)
  );

  fixed_rom #(
    .WIDTH(LANES*BIAS_WIDTH), .DEPTH(BEATS), .FILE(BIAS_FILE), .LOAD(BIAS_FILE != "" ? 1 : 0)
  ) bias_rom (.aclk(aclk), .enable(advance), .address(bias_beat), .word(bias));

  // ---- multipliers of the channels, when the sum is there

  logic [LANES*MULTIPLIER-1:0] mul;

  generate
    if (MUL_FILE != "") begin : gen_channels
      logic [BEAT-1:0] mul_beat;

      fixed_delay #(.WIDTH(BEAT), .STAGES(1)) delay_mul (
        .aclk(aclk), .enable(advance), .d(bias_beat), .q(mul_beat)
      );
      fixed_rom #(.WIDTH(LANES*MULTIPLIER), .DEPTH(BEATS), .FILE(MUL_FILE)) mul_rom (
        .aclk(aclk), .enable(advance), .address(mul_beat), .word(mul)
      );
    end else begin : gen_constant
      assign mul = {LANES{MULTIPLIER'(MUL)}};
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      (* keep *) logic [COLUMN*TERM-1:0] term;
      logic [ACC_WIDTH-1:0] column;
      logic [ACC_WIDTH-1:0] base;
      (* keep *) logic [ACC_WIDTH-1:0] acc;

      for (genvar tap = 0; tap < COLUMN; tap = tap + 1) begin : gen_tap
        localparam int AT = tap * LANES + lane;
        logic [N-1:0] n;
        logic [FACTOR-1:0] weight;
        logic [TERM-1:0] product;

        fixed_integer #(.WIDTH(IN_WIDTH), .TYPE(IN_TYPE)) decode (
          .code(x[AT*IN_WIDTH +: IN_WIDTH]), .value(n)
        );
        assign weight = factor[AT*FACTOR +: FACTOR];

        if (BIPOLAR != 0) begin : gen_sign
          logic [TERM-1:0] wide;
          logic unused_n;  // the sign, where fewer bits hold every sum

          assign unused_n = &{1'b0, n};
          assign wide = TERM'($signed(n));
          assign product = weight != '0 ? wide : -wide;
        end else begin : gen_multiply
          fixed_multiply #(
            .A_WIDTH(N), .B_WIDTH(FACTOR), .B_SIGNED(SIGNED), .OUT_WIDTH(TERM)
          ) multiply (.a(n), .b(weight), .product(product));
        end

        always_ff @(posedge aclk) if (advance) term[tap*TERM +: TERM] <= product;
      end

      fixed_sum #(.TERMS(COLUMN), .WIDTH(TERM), .OUT_WIDTH(ACC_WIDTH)) tree (
        .aclk(aclk), .enable(advance), .term(term), .sum(column)
      );

      assign base = add_fresh ? ACC_WIDTH'($signed(bias[lane*BIAS_WIDTH +: BIAS_WIDTH])) : acc;

      always_ff @(posedge aclk) if (advance && add) acc <= base + (column <<< SUM_SHIFT);

      fixed_requant #(
        .ACC_WIDTH(ACC_WIDTH), .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .SHIFT(SHIFT), .ZERO(ZERO),
        .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
      ) requant (
        .aclk(aclk), .enable(advance), .acc(acc), .mul(mul[lane*MULTIPLIER +: MULTIPLIER]),
        .y(m_axis_tdata[lane*OUT_WIDTH +: OUT_WIDTH])
      );
    end
  endgenerate
endmodule

`default_nettype wire
