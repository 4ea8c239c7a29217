// SPDX-License-Identifier: MIT-0
// Sum of squared differences over the input lanes of one beat, x and w being shifted to one scale:
//
//     x * 2^IN_SHIFT, w * 2^WEIGHT_SHIFT --> [ - ] x LANES --> fixed_mac, both operands the same --> sum
//
// LATENCY = 2 + clog2(LANES) cycles, one sum per cycle, never stops. The sum is exact modulo
// 2^OUT_WIDTH.
`default_nettype none

module fixed_distance #(
  // differences per cycle; >= 1
  parameter int LANES = 4,
  // bits of x; >= 1
  parameter int IN_WIDTH = 8,
  // 1: x is two's complement, 0: unsigned
  parameter int IN_SIGNED = 1,
  // bits that x is shifted by; >= 0
  parameter int IN_SHIFT = 0,
  // bits of w, two's complement; >= 1
  parameter int WEIGHT_WIDTH = 8,
  // bits that w is shifted by; >= 0
  parameter int WEIGHT_SHIFT = 0,
  // bits of the sum; >= 1
  parameter int OUT_WIDTH = 20
) (
  input  logic                          aclk,
  // lane 0 in the low bits
  input  logic [LANES*IN_WIDTH-1:0]     x,
  input  logic [LANES*WEIGHT_WIDTH-1:0] w,
  output logic [OUT_WIDTH-1:0]          sum
);
  localparam int X = IN_WIDTH + (IN_SIGNED != 0 ? 0 : 1) + IN_SHIFT;
  localparam int W = WEIGHT_WIDTH + WEIGHT_SHIFT;
  localparam int WIDTH = (X > W ? X : W) + 1;  // of a difference

  generate
    if (LANES < 1 || IN_WIDTH < 1 || WEIGHT_WIDTH < 1 || IN_SHIFT < 0 || WEIGHT_SHIFT < 0 ||
        OUT_WIDTH < 1) begin : gen_illegal
      fixed_distance_needs_sizes_of_1_or_more_and_shifts_of_0_or_more stop ();
    end
  endgenerate

  logic [LANES*WIDTH-1:0] difference;

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [IN_WIDTH-1:0] x_code;
      logic [WEIGHT_WIDTH-1:0] w_code;
      logic signed [WIDTH-1:0] a;
      logic signed [WIDTH-1:0] b;

      assign x_code = x[lane*IN_WIDTH +: IN_WIDTH];
      assign w_code = w[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH];
      assign a = IN_SIGNED != 0 ? WIDTH'($signed(x_code)) : $signed(WIDTH'(x_code));
      assign b = WIDTH'($signed(w_code));
      always_ff @(posedge aclk) begin
        difference[lane*WIDTH +: WIDTH] <= (a <<< IN_SHIFT) - (b <<< WEIGHT_SHIFT);
      end
    end
  endgenerate

  fixed_mac #(
    .LANES(LANES), .IN_WIDTH(WIDTH), .IN_SIGNED(1), .WEIGHT_WIDTH(WIDTH), .WEIGHT_TYPE("signed"),
    .OUT_WIDTH(OUT_WIDTH)
  ) mac (.aclk(aclk), .x(difference), .w(difference), .sum(sum));
endmodule

`default_nettype wire
