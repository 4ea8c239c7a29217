// SPDX-License-Identifier: MIT-0
// Sum of products of one beat's inputs and weights that are sums of signs, each sign times the factor of
// its plane: the inputs are added and subtracted plane by plane, and the sums multiplied once.
//
//     x, signs of plane l --> fixed_mac --> x FACTORS[l] --> + of all planes --> sum
//
// A factor is constant, so that its product is shifted sums; no multiplier.
//
// LATENCY = 2 + clog2(LANES) cycles, one sum per cycle, never stops. The sum is exact modulo
// 2^OUT_WIDTH.
`default_nettype none

module fixed_mac_residual #(
  // products per cycle; >= 1
  parameter int LANES = 4,
  // bits of x; >= 1
  parameter int IN_WIDTH = 8,
  // 1: x is two's complement, 0: unsigned
  parameter int IN_SIGNED = 1,
  // bits of a weight, of which bit l is the sign of plane l, 1 for +; 1 .. 4
  parameter int PLANES = 2,
  // 8 bits of each plane, the first's in the low ones; >= 1
  parameter logic [31:0] FACTORS = 32'h0102,
  // bits of the sum; >= 1
  parameter int OUT_WIDTH = 18
) (
  input  logic                      aclk,
  // lane 0 in the low bits
  input  logic [LANES*IN_WIDTH-1:0] x,
  input  logic [LANES*PLANES-1:0]   w,
  output logic [OUT_WIDTH-1:0]      sum
);
  // bits that hold a plane's every sum; never more than the sum has
  localparam int EXACT = IN_WIDTH + 1 + $clog2(LANES);
  localparam int PLANE = EXACT < OUT_WIDTH ? EXACT : OUT_WIDTH;

  generate
    if (LANES < 1 || IN_WIDTH < 1 || OUT_WIDTH < 1 || PLANES < 1 || PLANES > 4) begin : gen_illegal
      fixed_mac_residual_needs_sizes_of_1_or_more_and_PLANES_up_to_4 stop ();
    end
  endgenerate

  logic [PLANES*PLANE-1:0] plane_sum;
  logic [OUT_WIDTH-1:0] wide;
  logic [OUT_WIDTH-1:0] next;

  generate
    for (genvar plane = 0; plane < PLANES; plane = plane + 1) begin : gen_plane
      logic [LANES-1:0] signs;

      for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
        assign signs[lane] = w[lane*PLANES+plane];
      end
      fixed_mac #(
        .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED), .WEIGHT_WIDTH(1),
        .WEIGHT_TYPE("bipolar"), .OUT_WIDTH(PLANE)
      ) mac (.aclk(aclk), .x(x), .w(signs), .sum(plane_sum[plane*PLANE +: PLANE]));
    end
  endgenerate

  always_comb begin
    next = '0;
    wide = '0;
    for (int plane = 0; plane < PLANES; plane = plane + 1) begin
      wide = OUT_WIDTH'($signed(plane_sum[plane*PLANE +: PLANE]));
      for (int digit = 0; digit < 8; digit = digit + 1) begin
        if (FACTORS[8*plane+digit]) next = next + (wide << digit);
      end
    end
  end

  always_ff @(posedge aclk) sum <= next;
endmodule

`default_nettype wire
