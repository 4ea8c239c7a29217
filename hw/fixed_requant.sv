// SPDX-License-Identifier: MIT-0
// Requantisation, the one of docs/numerics.md (the C twin is sw/graph/fix.h):
//
//     y = overflow(ZERO + round(acc * mul / 2^SHIFT))
//
//     acc, mul --> [ product ] --> [ high ] --> [ sum = kept bits + ZERO + increment ] --> [ y ]
//                  MUL_WIDTH > 0   tflite only
//
// LATENCY = 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles, one value per cycle, every stage
// enabled by `enable`. MUL_WIDTH = 0: the multiplier is 1, and the one bit of `mul` must be 1.
// OUT_TYPE of a minifloat, as se4m3n: `s` or `u` for unsigned, bits of the exponent, bits of the mantissa,
// `n` if all codes are numbers, `f` if the last isn't, `i` if those of the last exponent aren't. y is an
// integer that is one of its numbers, see fixed_decode: the first MANTISSA + 1 bits of the quotient rounded
// half to even, where the least step is 1, and saturated.
//
//     product --> size, its first bit --> shift --> [ kept bits, half, rest, step ] --> + , shift, sign --> [ y ]
//
// OUT_TYPE bipolar: y = (acc >= 0), and ZERO, SHIFT, ROUNDING, OVERFLOW have no effect on it.
// tflite rounds twice, so that what channels shift by less than others is no part of their
// multipliers: the upper UP_WIDTH bits of `mul` are a shift to the left between the two.
`default_nettype none

module fixed_requant #(
  // bits of acc, signed; >= 1
  parameter int ACC_WIDTH = 24,
  // bits of mul, unsigned; 0 .. 40
  parameter int MUL_WIDTH = 0,
  // tflite: how many of them, the upper ones, are a shift and no multiplier; below MUL_WIDTH
  parameter int UP_WIDTH = 0,
  // tflite: acc stands for so many bits more, zeros; 0 .. 20
  parameter int ACC_SHIFT = 0,
  // -64 .. 127, negative is an exact left shift
  parameter int SHIFT = 6,
  // the output integer that stands for zero
  parameter logic signed [63:0] ZERO = 64'sd0,
  // bits of y; 1 .. 32
  parameter int OUT_WIDTH = 8,
  // signed unsigned bipolar, or a minifloat's
  parameter OUT_TYPE = "signed",
  // floor zero half_up half_zero half_down half_away half_even ceil away tflite
  parameter ROUNDING = "half_even",
  // saturate symmetric wrap zero
  parameter OVERFLOW = "saturate"
) (
  input  logic                                         aclk,
  input  logic                                         enable,
  input  logic [ACC_WIDTH-1:0]                         acc,
  input  logic [(MUL_WIDTH < 1 ? 1 : MUL_WIDTH)-1:0]   mul,
  output logic [OUT_WIDTH-1:0]                         y
);
  // strings as numbers of one width, so that comparing them is exact in every tool
  localparam logic [79:0] TYPE = 80'(OUT_TYPE);
  localparam logic [79:0] MODE = 80'(ROUNDING);
  localparam logic [79:0] RANGE = 80'(OVERFLOW);
  localparam int TFLITE = MODE == 80'("tflite") ? 1 : 0;
  localparam int BIPOLAR = TYPE == 80'("bipolar") ? 1 : 0;
  localparam int FLOAT = TYPE[79:48] == '0 && TYPE[39:32] == 8'("e") && TYPE[23:16] == 8'("m") ? 1 : 0;
  localparam int SIGNED = TYPE == 80'("signed") || (FLOAT != 0 && TYPE[47:40] == 8'("s")) ? 1 : 0;
  localparam int WRAP = RANGE == 80'("wrap") ? 1 : 0;
  localparam int SYMMETRIC = RANGE == 80'("symmetric") ? 1 : 0;

  // A rounding mode is a truth table over what the shift drops: bit {s, l, q, r} is the increment,
  // s the sign, l the last kept bit, q the first dropped bit, r the OR of the others.
  localparam logic [15:0] S = 16'hFF00;
  localparam logic [15:0] L = 16'hF0F0;
  localparam logic [15:0] Q = 16'hCCCC;
  localparam logic [15:0] R = 16'hAAAA;
  localparam logic [15:0] INCREMENT =
      MODE == 80'("zero") ? S & (Q | R) :
      MODE == 80'("half_up") ? Q :
      MODE == 80'("half_zero") ? Q & (S | R) :
      MODE == 80'("half_down") ? Q & R :
      MODE == 80'("half_away") || TFLITE != 0 ? Q & (~S | R) :
      MODE == 80'("half_even") ? Q & (L | R) :
      MODE == 80'("ceil") ? Q | R :
      MODE == 80'("away") ? ~S & (Q | R) :
      16'h0000;

  generate
    if (MODE != 80'("floor") && INCREMENT == 16'h0000) begin : gen_rounding
      fixed_requant_has_no_such_ROUNDING stop ();
    end
    if (RANGE != 80'("saturate") && SYMMETRIC == 0 && WRAP == 0 &&
        RANGE != 80'("zero")) begin : gen_overflow
      fixed_requant_has_no_such_OVERFLOW stop ();
    end
    if (SIGNED == 0 && BIPOLAR == 0 && TYPE != 80'("unsigned") &&
        !(FLOAT != 0 && TYPE[47:40] == 8'("u"))) begin : gen_type
      fixed_requant_has_no_such_OUT_TYPE stop ();
    end
    if (SHIFT < -64 || SHIFT > 127) begin : gen_shift
      fixed_requant_needs_SHIFT_between_minus_64_and_127 stop ();
    end
    if (MUL_WIDTH < 0 || MUL_WIDTH > 40 || ACC_WIDTH < 1) begin : gen_width
      fixed_requant_needs_MUL_WIDTH_up_to_40_and_ACC_WIDTH_from_1 stop ();
    end
    if (UP_WIDTH < 0 || UP_WIDTH > 6 || (UP_WIDTH > 0 && (UP_WIDTH >= MUL_WIDTH || TFLITE == 0)) ||
        ACC_SHIFT < 0 || ACC_SHIFT > 20 || (ACC_SHIFT > 0 && TFLITE == 0)) begin : gen_up
      fixed_requant_needs_ROUNDING_tflite_for_UP_WIDTH_and_ACC_SHIFT stop ();
    end
    if (OUT_WIDTH < 1 || OUT_WIDTH > 32 || (BIPOLAR != 0 && OUT_WIDTH != 1)) begin : gen_out
      fixed_requant_needs_OUT_WIDTH_between_1_and_32_and_1_if_bipolar stop ();
    end
  endgenerate

  // a minifloat: bits of its exponent and mantissa; its highest number
  localparam int EXPONENT = FLOAT != 0 ? 32'(TYPE[31:24]) - 48 : 1;
  localparam int MANTISSA = FLOAT != 0 ? 32'(TYPE[15:8]) - 48 : 0;
  localparam int LAST = TYPE[7:0] == 8'("f") ? 1 : 0;
  localparam int IEEE = TYPE[7:0] == 8'("i") ? 1 : 0;
  // exponents below the last number's, and its significand
  localparam int RAISED = 2**EXPONENT - 2 - (IEEE != 0 || (LAST != 0 && MANTISSA == 0) ? 1 : 0);
  localparam logic [63:0] SIGNIFICAND = (64'd1 << (MANTISSA + (RAISED < 0 ? 0 : 1))) - 64'd1 -
      (LAST != 0 && MANTISSA > 0 ? 64'd1 : 64'd0);
  localparam logic [63:0] NUMBER = SIGNIFICAND << (RAISED < 0 ? 0 : RAISED);

  generate
    if (FLOAT != 0 && (EXPONENT < 1 || EXPONENT > 5 || MANTISSA < 0 || MANTISSA > 7 || ZERO != 64'sd0 ||
        MODE != 80'("half_even") || RANGE != 80'("saturate") ||
        (LAST == 0 && IEEE == 0 && TYPE[7:0] != 8'("n")) || NUMBER == 64'd0 ||
        (NUMBER >> (OUT_WIDTH - SIGNED)) != 64'd0)) begin : gen_float_type
      fixed_requant_needs_half_even_saturate_ZERO_0_and_OUT_WIDTH_for_all_numbers_of_a_minifloat stop ();
    end
  endgenerate

  // product: acc * mul, exact
  localparam int FACTOR = MUL_WIDTH - UP_WIDTH;
  localparam int PRODUCT = ACC_WIDTH + FACTOR;
  logic signed [PRODUCT-1:0] product;

  generate
    if (MUL_WIDTH > 0) begin : gen_multiply
      logic [PRODUCT-1:0] exact;

      fixed_product #(.IN_WIDTH(ACC_WIDTH), .FACTOR_WIDTH(FACTOR)) multiply (
        .d(acc), .factor(mul[FACTOR-1:0]), .product(exact)
      );
      if (SHIFT <= 0) begin : gen_parts
        // synth_ice40 -dsp crashes where a register takes a product's register as it is
        always_ff @(posedge aclk) if (enable) product[0] <= exact[0];
        always_ff @(posedge aclk) if (enable) product[PRODUCT-1:1] <= exact[PRODUCT-1:1];
      end else begin : gen_whole
        always_ff @(posedge aclk) if (enable) product <= exact;
      end
    end else begin : gen_unit
      assign product = mul[0] ? $signed(acc) : '0;
    end
  endgenerate

  generate
    if (BIPOLAR != 0) begin : gen_bipolar
      // the sign only, as late as any other output
      logic [TFLITE:0] positive;
      always_ff @(posedge aclk) begin
        if (enable) {y, positive} <= {positive, !product[PRODUCT-1]};
      end
    end else if (FLOAT != 0) begin : gen_float
      localparam int LEFT = SHIFT < 0 ? -SHIFT : 0;
      // bits behind the point, two at least, and before it, those of a significand at least
      localparam int POINT = SHIFT < 2 ? 2 : SHIFT;
      localparam int SIZE = PRODUCT + LEFT + (SHIFT < 0 ? 2 : SHIFT < 2 ? 2 - SHIFT : 0);
      localparam int WIDTH = SIZE > POINT + MANTISSA + 1 ? SIZE : POINT + MANTISSA + 1;
      // the step's most bits
      localparam int MOST = WIDTH - POINT - MANTISSA - 1;
      localparam int STEP = MOST < 1 ? 1 : $clog2(MOST + 1);
      localparam int RESULT = MANTISSA + 2 + MOST > OUT_WIDTH ? MANTISSA + 2 + MOST : OUT_WIDTH + 1;

      logic signed [WIDTH-1:0] wide;
      logic [WIDTH-1:0] size;
      logic [WIDTH-1:0] aligned;
      logic [STEP-1:0] step;
      logic lost;  // what was shifted out
      logic negative;
      logic [MANTISSA:0] kept;
      logic half;
      logic rest;
      logic [STEP-1:0] scale;
      logic [MANTISSA+1:0] rounded;
      logic [RESULT-1:0] result;
      logic [OUT_WIDTH-1:0] number;

      assign wide = WIDTH'(product);
      assign size = (product[PRODUCT-1] ? -wide : wide) <<
          (LEFT + POINT - (SHIFT > 0 ? SHIFT : 0));
      // so many bits stand above a significand whose least step is 1
      always_comb begin
        step = '0;
        lost = 1'b0;
        aligned = size;
        for (int k = 1; k <= MOST; k = k + 1) if (size[POINT+MANTISSA+k]) step = STEP'(k);
        for (int k = 0; k < STEP; k = k + 1) begin
          if (step[k]) begin
            lost = lost || (aligned & ((WIDTH'(1) << (1 << k)) - 1'b1)) != '0;
            aligned = aligned >> (1 << k);
          end
        end
      end

      always_ff @(posedge aclk) begin
        if (enable) begin
          negative <= product[PRODUCT-1];
          kept <= aligned[POINT +: MANTISSA+1];
          half <= aligned[POINT-1];
          rest <= lost || aligned[POINT-2:0] != '0;
          scale <= step;
        end
      end

      assign rounded = {1'b0, kept} + (MANTISSA+2)'(half && (rest || kept[0]));
      assign result = RESULT'(rounded) << scale;
      assign number = result > RESULT'(NUMBER) ? OUT_WIDTH'(NUMBER) : result[OUT_WIDTH-1:0];

      always_ff @(posedge aclk) begin
        if (enable) y <= !negative ? number : SIGNED != 0 ? -number : '0;
      end
    end else begin : gen_number
      // high: tflite rounds first at 31 fraction bits
      localparam int LEFT =
          TFLITE != 0 ? ACC_SHIFT + (SHIFT < 31 ? 31 - SHIFT : 0) : (SHIFT < 0 ? -SHIFT : 0);
      localparam int RIGHT = TFLITE != 0 ? (SHIFT > 31 ? SHIFT - 31 : 0) : (SHIFT > 0 ? SHIFT : 0);
      localparam int SCALED = (PRODUCT + LEFT < 32 ? 32 : PRODUCT + LEFT) + 1;
      localparam int ROUNDED = SCALED - 31;
      localparam int HIGH = TFLITE != 0 ? ROUNDED + (1 << UP_WIDTH) - 1 : PRODUCT + LEFT;
      logic signed [HIGH-1:0] high;

      if (TFLITE != 0) begin : gen_high
        localparam logic signed [SCALED-1:0] HALF = SCALED'(32'sh40000000);
        logic signed [ROUNDED-1:0] rounded;

        assign rounded = ROUNDED'(((SCALED'(product) <<< LEFT) + HALF) >>> 31);
        if (UP_WIDTH > 0) begin : gen_up_shift
          logic [UP_WIDTH-1:0] up;

          always_ff @(posedge aclk) begin
            if (enable) {high, up} <= {HIGH'(rounded) <<< up, mul[MUL_WIDTH-1:FACTOR]};
          end
        end else begin : gen_high_only
          always_ff @(posedge aclk) if (enable) high <= rounded;
        end
      end else begin : gen_exact
        assign high = HIGH'(product) <<< LEFT;
      end

      // sum; one that wraps needs no more bits than the output
      localparam int WHOLE = HIGH > RIGHT ? HIGH : RIGHT + 1;
      localparam int WIDER = WHOLE - RIGHT > OUT_WIDTH ? WHOLE - RIGHT : OUT_WIDTH + 1;
      localparam int SUM = WRAP != 0 ? OUT_WIDTH : ZERO == 64'sd0 ? WIDER + 1 : WIDER + 2;
      localparam int SPAN = WHOLE > SUM ? WHOLE : SUM;
      logic signed [WHOLE-1:0] whole;
      logic signed [SUM-1:0] sum;
      logic increment;

      assign whole = WHOLE'(high);

      if (RIGHT > 0) begin : gen_round
        logic rest;
        if (RIGHT > 1) begin : gen_rest
          assign rest = |whole[RIGHT-2:0];
        end else begin : gen_no_rest
          assign rest = 1'b0;
        end
        assign increment = INCREMENT[{whole[WHOLE-1], whole[RIGHT], whole[RIGHT-1], rest}];
      end else begin : gen_integer
        assign increment = 1'b0;
      end

      // one adder, whose second operand is one of two constants
      localparam logic signed [SUM-1:0] KEEP = SUM'(ZERO);
      localparam logic signed [SUM-1:0] RAISE = KEEP + SUM'(64'sd1);
      always_ff @(posedge aclk) begin
        if (enable) begin
          sum <= SUM'(SPAN'(whole) >>> RIGHT) + (increment ? RAISE : KEEP);
        end
      end

      // y
      if (WRAP != 0) begin : gen_wrap
        always_ff @(posedge aclk) begin
          if (enable) y <= sum;
        end
      end else begin : gen_clamp
        localparam logic [OUT_WIDTH-1:0] TOP = OUT_WIDTH'(1) << (OUT_WIDTH - 1);
        localparam logic [OUT_WIDTH-1:0] HIGHEST = SIGNED != 0 ? ~TOP : {OUT_WIDTH{1'b1}};
        localparam logic [OUT_WIDTH-1:0] LOWEST =
            SIGNED == 0 ? '0 : SYMMETRIC != 0 ? TOP + 1'b1 : TOP;
        logic [SUM-OUT_WIDTH:0] upper;
        logic fits;

        // the bits that must all be equal, and equal to zero if unsigned
        assign upper = sum[SUM-1:OUT_WIDTH-1];
        assign fits = SIGNED == 0 ? upper[SUM-OUT_WIDTH:1] == '0 :
            (&upper || upper == '0) && (SYMMETRIC == 0 || sum[OUT_WIDTH-1:0] != TOP);

        always_ff @(posedge aclk) begin
          if (enable) begin
            if (fits) y <= sum[OUT_WIDTH-1:0];
            else if (RANGE == 80'("zero")) y <= OUT_WIDTH'(ZERO);
            else y <= sum[SUM-1] ? LOWEST : HIGHEST;
          end
        end
      end
    end
  endgenerate
endmodule

`default_nettype wire
