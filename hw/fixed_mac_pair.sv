// SPDX-License-Identifier: MIT-0
// Two sums of products that share an operand, of the input lanes of one beat with the weights of two
// outputs: one multiplier for two products.
//
//     v * 2^FIELD + w --> [ product with x ] x LANES --> low, high + sign of low --> fixed_mac x 2
//
// A field of the product holds x * w with its sign, exactly; a negative one has taken one from the
// field above, which is given back. In a block of 25 x 18 bits, such as Xilinx' DSP48E1, there is room
// where IN_WIDTH + 2*WEIGHT_WIDTH is at most 24, 23 if both are unsigned: two products of 8 bits.
//
// LATENCY = 2 + clog2(LANES) cycles, one pair of sums per cycle, never stops. The sums are exact modulo
// 2^OUT_WIDTH. A fixed_mac adds the products, as numbers whose weights are +1.
`default_nettype none

module fixed_mac_pair #(
  // products of each sum per cycle; >= 1
  parameter int LANES = 4,
  // bits of x; >= 1
  parameter int IN_WIDTH = 8,
  // 1: x is two's complement, 0: unsigned
  parameter int IN_SIGNED = 1,
  // bits of the weights; >= 1
  parameter int WEIGHT_WIDTH = 8,
  // signed unsigned
  parameter WEIGHT_TYPE = "signed",
  // bits of a sum; >= 1
  parameter int OUT_WIDTH = 18
) (
  input  logic                          aclk,
  // lane 0 in the low bits; the weights of sum_w and of sum_v
  input  logic [LANES*IN_WIDTH-1:0]     x,
  input  logic [LANES*WEIGHT_WIDTH-1:0] w,
  input  logic [LANES*WEIGHT_WIDTH-1:0] v,
  output logic [OUT_WIDTH-1:0]          sum_w,
  output logic [OUT_WIDTH-1:0]          sum_v
);
  localparam int SIGNED = 80'(WEIGHT_TYPE) == 80'("signed") ? 1 : 0;
  localparam int FIELD = IN_WIDTH + WEIGHT_WIDTH + (IN_SIGNED == 0 && SIGNED == 0 ? 1 : 0);
  localparam int X = IN_WIDTH + (IN_SIGNED != 0 ? 0 : 1);
  localparam int PAIR = FIELD + WEIGHT_WIDTH + 1;

  generate
    if (SIGNED == 0 && 80'(WEIGHT_TYPE) != 80'("unsigned")) begin : gen_type
      fixed_mac_pair_has_no_such_WEIGHT_TYPE stop ();
    end
    if (LANES < 1 || IN_WIDTH < 1 || WEIGHT_WIDTH < 1 || OUT_WIDTH < 1 || PAIR > 25 || X > 18)
    begin : gen_illegal
      fixed_mac_pair_needs_sizes_of_1_or_more_that_fit_25_x_18_bits stop ();
    end
  endgenerate

  logic [LANES*FIELD-1:0] low;
  logic [LANES*FIELD-1:0] high;

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [IN_WIDTH-1:0] x_code;
      logic [WEIGHT_WIDTH-1:0] w_code;
      logic [WEIGHT_WIDTH-1:0] v_code;
      logic signed [X-1:0] factor;
      logic [PAIR-1:0] wide_w;
      logic [PAIR-1:0] wide_v;
      logic signed [PAIR-1:0] pair;
      logic signed [PAIR+X-1:0] product;
      logic [2*FIELD-1:0] fields;

      assign x_code = x[lane*IN_WIDTH +: IN_WIDTH];
      assign w_code = w[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH];
      assign v_code = v[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH];
      assign factor = IN_SIGNED != 0 ? X'($signed(x_code)) : $signed(X'(x_code));
      assign wide_w = SIGNED != 0 ? PAIR'($signed(w_code)) : PAIR'(w_code);
      assign wide_v = SIGNED != 0 ? PAIR'($signed(v_code)) : PAIR'(v_code);
      assign pair = $signed((wide_v << FIELD) + wide_w);
      assign product = (PAIR + X)'(pair) * (PAIR + X)'(factor);

      always_ff @(posedge aclk) fields <= product[2*FIELD-1:0];

      if (PAIR + X > 2 * FIELD) begin : gen_cut
        logic unused_product;  // copies of the sign

        assign unused_product = &{1'b0, product[PAIR+X-1:2*FIELD]};
      end

      assign low[lane*FIELD +: FIELD] = fields[FIELD-1:0];
      assign high[lane*FIELD +: FIELD] = fields[2*FIELD-1:FIELD] + FIELD'(fields[FIELD-1]);
    end
  endgenerate

  fixed_mac #(
    .LANES(LANES), .IN_WIDTH(FIELD), .IN_SIGNED(1), .WEIGHT_WIDTH(1), .WEIGHT_TYPE("bipolar"),
    .OUT_WIDTH(OUT_WIDTH)
  ) mac_w (.aclk(aclk), .x(low), .w({LANES{1'b1}}), .sum(sum_w));

  fixed_mac #(
    .LANES(LANES), .IN_WIDTH(FIELD), .IN_SIGNED(1), .WEIGHT_WIDTH(1), .WEIGHT_TYPE("bipolar"),
    .OUT_WIDTH(OUT_WIDTH)
  ) mac_v (.aclk(aclk), .x(high), .w({LANES{1'b1}}), .sum(sum_v));
endmodule

`default_nettype wire
