// SPDX-License-Identifier: MIT-0
// Sum of products of one beat's inputs and weights of {shift, significand}: the significands are
// multiplied, and the products shifted.
//
//     x, significand --> [ product ] --> << shift --> fixed_mac, as many weights of +1 --> sum
//
// A significand of 1 bit and a sign selects, and takes no multiplier.
//
// LATENCY = 2 + clog2(LANES) cycles, one sum per cycle, never stops. The sum is exact modulo
// 2^OUT_WIDTH.
`default_nettype none

module fixed_mac_float #(
  // products per cycle; >= 1
  parameter int LANES = 4,
  // bits of x; >= 1
  parameter int IN_WIDTH = 8,
  // 1: x is two's complement, 0: unsigned
  parameter int IN_SIGNED = 1,
  // bits of a weight's shift, 1 .. 6, and of its significand, >= 1
  parameter int SHIFT_WIDTH = 4,
  parameter int SIGNIFICAND_WIDTH = 5,
  // 1: two's complement, 0: unsigned
  parameter int SIGNIFICAND_SIGNED = 1,
  // bits of the sum; >= 1
  parameter int OUT_WIDTH = 18
) (
  input  logic                                                aclk,
  // lane 0 in the low bits; of a weight the significand
  input  logic [LANES*IN_WIDTH-1:0]                           x,
  input  logic [LANES*(SHIFT_WIDTH+SIGNIFICAND_WIDTH)-1:0]    w,
  output logic [OUT_WIDTH-1:0]                                sum
);
  localparam int WORD = SHIFT_WIDTH + SIGNIFICAND_WIDTH;
  // bits of a product, and of one that is shifted by up to 2^SHIFT_WIDTH - 2; never more than the sum has
  localparam int EXACT = IN_WIDTH + SIGNIFICAND_WIDTH + (IN_SIGNED == 0 && SIGNIFICAND_SIGNED == 0 ? 1 : 0);
  localparam int PRODUCT = EXACT < OUT_WIDTH ? EXACT : OUT_WIDTH;
  localparam int REACH = PRODUCT + 2**SHIFT_WIDTH - 2;
  localparam int TERM = REACH < OUT_WIDTH ? REACH : OUT_WIDTH;

  generate
    if (LANES < 1 || IN_WIDTH < 1 || SIGNIFICAND_WIDTH < 1 || OUT_WIDTH < 1 || SHIFT_WIDTH < 1 || SHIFT_WIDTH > 6)
    begin : gen_illegal
      fixed_mac_float_needs_sizes_of_1_or_more_and_SHIFT_WIDTH_up_to_6 stop ();
    end
  endgenerate

  logic [LANES*TERM-1:0] shifted;

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [IN_WIDTH-1:0] x_code;
      logic [SIGNIFICAND_WIDTH-1:0] significand;
      logic [PRODUCT-1:0] next;
      logic [PRODUCT-1:0] product;
      logic [SHIFT_WIDTH-1:0] shift;

      assign x_code = x[lane*IN_WIDTH +: IN_WIDTH];
      assign significand = w[lane*WORD +: SIGNIFICAND_WIDTH];

      if (SIGNIFICAND_WIDTH == 1 + (SIGNIFICAND_SIGNED != 0 ? 1 : 0)) begin : gen_select
        logic signed [EXACT-1:0] wide;

        assign wide = IN_SIGNED != 0 ? EXACT'($signed(x_code)) : $signed(EXACT'(x_code));
        if (SIGNIFICAND_SIGNED != 0) begin : gen_sign
          assign next =
              PRODUCT'(!significand[0] ? '0 : significand[SIGNIFICAND_WIDTH-1] ? -wide : wide);
        end else begin : gen_no_sign
          assign next = PRODUCT'(significand[0] ? wide : '0);
        end
      end else begin : gen_multiply
        fixed_multiply #(
          .A_WIDTH(IN_WIDTH), .B_WIDTH(SIGNIFICAND_WIDTH), .A_SIGNED(IN_SIGNED),
          .B_SIGNED(SIGNIFICAND_SIGNED), .OUT_WIDTH(PRODUCT)
        ) multiply (.a(x_code), .b(significand), .product(next));
      end

      always_ff @(posedge aclk) begin
        product <= next;
        shift <= w[lane*WORD + SIGNIFICAND_WIDTH +: SHIFT_WIDTH];
      end

      assign shifted[lane*TERM +: TERM] = TERM'($signed(product)) << shift;
    end
  endgenerate

  fixed_mac #(
    .LANES(LANES), .IN_WIDTH(TERM), .IN_SIGNED(1), .WEIGHT_WIDTH(1), .WEIGHT_TYPE("bipolar"),
    .OUT_WIDTH(OUT_WIDTH)
  ) mac (.aclk(aclk), .x(shifted), .w({LANES{1'b1}}), .sum(sum));
endmodule

`default_nettype wire
