// SPDX-License-Identifier: MIT-0
// The sums of a step of fixed_linear, one for each output lane: of products, of squared differences with
// DISTANCE, or of products with weights of {shift, significand} with SHIFT_WIDTH, or with weights of type
// residual, which are sums of signs. With PACK two output lanes share multipliers, which their weights
// meet the same inputs in; an odd last one has weights of zero beside it, which take nothing.
//
//     x, w --> fixed_mac, fixed_distance, fixed_mac_float, fixed_mac_residual, or fixed_mac_pair of two lanes --> sum
//
// LATENCY = 1 + clog2(IN_LANES) + (DISTANCE or PACK or SHIFT_WIDTH or residual) cycles, never stops.
`default_nettype none

module fixed_linear_products #(
  parameter int IN_LANES = 3,
  parameter int OUT_LANES = 2,
  // bits of x, 1: two's complement
  parameter int IN_WIDTH = 8,
  parameter int IN_SIGNED = 1,
  parameter int WEIGHT_WIDTH = 8,
  parameter WEIGHT_TYPE = "signed",
  // bits of a weight, its high ones, by which its product is shifted
  parameter int SHIFT_WIDTH = 0,
  // of weights of type residual, see fixed_mac_residual
  parameter logic [31:0] FACTORS = 32'h0102,
  // see fixed_linear
  parameter int PACK = 0,
  parameter int DISTANCE = 0,
  parameter int IN_SHIFT = 0,
  parameter int WEIGHT_SHIFT = 0,
  parameter int OUT_WIDTH = 20
) (
  input  logic                                       aclk,
  input  logic [IN_LANES*IN_WIDTH-1:0]               x,
  // output lane 0 in the low bits, of each input lane 0 in the low bits
  input  logic [OUT_LANES*IN_LANES*WEIGHT_WIDTH-1:0] w,
  output logic [OUT_LANES*OUT_WIDTH-1:0]             sum
);
  localparam int WORD = IN_LANES * WEIGHT_WIDTH;
  localparam int RESIDUAL = 80'(WEIGHT_TYPE) == 80'("residual") ? 1 : 0;

  generate
    if ((PACK != 0 || SHIFT_WIDTH != 0) && DISTANCE != 0) begin : gen_illegal
      fixed_linear_products_packs_and_shifts_products_only stop ();
    end
    if (RESIDUAL != 0 && (PACK != 0 || SHIFT_WIDTH != 0 || DISTANCE != 0)) begin : gen_signs_alone
      fixed_linear_products_neither_packs_nor_shifts_sums_of_signs stop ();
    end
    if (PACK != 0) begin : gen_pack
      for (genvar lane = 0; lane < OUT_LANES; lane = lane + 2) begin : gen_pair
        logic [WORD-1:0] v;
        logic [OUT_WIDTH-1:0] sum_v;

        if (lane + 1 < OUT_LANES) begin : gen_two
          assign v = w[(lane+1)*WORD +: WORD];
          assign sum[(lane+1)*OUT_WIDTH +: OUT_WIDTH] = sum_v;
        end else begin : gen_one
          logic unused_sum;

          assign v = '0;
          assign unused_sum = &{1'b0, sum_v};
        end
        fixed_mac_pair #(
          .LANES(IN_LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED),
          .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_TYPE(WEIGHT_TYPE), .OUT_WIDTH(OUT_WIDTH)
        ) mac (
          .aclk(aclk), .x(x), .w(w[lane*WORD +: WORD]), .v(v),
          .sum_w(sum[lane*OUT_WIDTH +: OUT_WIDTH]), .sum_v(sum_v)
        );
      end
    end else if (DISTANCE != 0) begin : gen_distance
      for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_lane
        fixed_distance #(
          .LANES(IN_LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED), .IN_SHIFT(IN_SHIFT),
          .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_SHIFT(WEIGHT_SHIFT), .OUT_WIDTH(OUT_WIDTH)
        ) distance (
          .aclk(aclk), .x(x), .w(w[lane*WORD +: WORD]), .sum(sum[lane*OUT_WIDTH +: OUT_WIDTH])
        );
      end
    end else if (SHIFT_WIDTH != 0) begin : gen_float
      for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_lane
        fixed_mac_float #(
          .LANES(IN_LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED), .SHIFT_WIDTH(SHIFT_WIDTH),
          .SIGNIFICAND_WIDTH(WEIGHT_WIDTH - SHIFT_WIDTH),
          .SIGNIFICAND_SIGNED(80'(WEIGHT_TYPE) == 80'("signed") ? 1 : 0), .OUT_WIDTH(OUT_WIDTH)
        ) mac (
          .aclk(aclk), .x(x), .w(w[lane*WORD +: WORD]), .sum(sum[lane*OUT_WIDTH +: OUT_WIDTH])
        );
      end
    end else if (RESIDUAL != 0) begin : gen_residual
      for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_lane
        fixed_mac_residual #(
          .LANES(IN_LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED), .PLANES(WEIGHT_WIDTH),
          .FACTORS(FACTORS), .OUT_WIDTH(OUT_WIDTH)
        ) mac (
          .aclk(aclk), .x(x), .w(w[lane*WORD +: WORD]), .sum(sum[lane*OUT_WIDTH +: OUT_WIDTH])
        );
      end
    end else begin : gen_mac
      for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_lane
        fixed_mac #(
          .LANES(IN_LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED),
          .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_TYPE(WEIGHT_TYPE), .OUT_WIDTH(OUT_WIDTH)
        ) mac (
          .aclk(aclk), .x(x), .w(w[lane*WORD +: WORD]), .sum(sum[lane*OUT_WIDTH +: OUT_WIDTH])
        );
      end
    end
  endgenerate
endmodule

`default_nettype wire
