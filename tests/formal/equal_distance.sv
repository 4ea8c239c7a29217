// SPDX-License-Identifier: MIT-0
// fixed_distance equals the sum of the squares of (x * 2^IN_SHIFT - w * 2^WEIGHT_SHIFT) modulo
// 2^OUT_WIDTH, as many cycles later as its header says, for all inputs and weights.
`default_nettype none

module equal #(
  parameter int LANES = 2,
  parameter int IN_WIDTH = 2,
  parameter int IN_SIGNED = 1,
  parameter int IN_SHIFT = 0,
  parameter int WEIGHT_WIDTH = 2,
  parameter int WEIGHT_SHIFT = 1,
  parameter int OUT_WIDTH = 6
) (
  input logic                          aclk,
  input logic [LANES*IN_WIDTH-1:0]     x,
  input logic [LANES*WEIGHT_WIDTH-1:0] w
);
  localparam int LATENCY = 2 + $clog2(LANES);

  logic [OUT_WIDTH-1:0] found;
  logic [OUT_WIDTH-1:0] sum;
  logic [LATENCY*OUT_WIDTH-1:0] sums;  // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [OUT_WIDTH-1:0] expected;
  logic signed [15:0] difference;
  (* keep *) logic [1:0] reached;

  fixed_distance #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED), .IN_SHIFT(IN_SHIFT),
    .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_SHIFT(WEIGHT_SHIFT), .OUT_WIDTH(OUT_WIDTH)
  ) dut (
    .aclk(aclk), .x(x), .w(w), .sum(found)
  );

  always_comb begin
    sum = '0;
    difference = '0;
    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      difference = 16'($signed(x[lane*IN_WIDTH +: IN_WIDTH]));
      if (IN_SIGNED == 0) difference = 16'(x[lane*IN_WIDTH +: IN_WIDTH]);
      difference = (difference <<< IN_SHIFT) -
          (16'($signed(w[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH])) <<< WEIGHT_SHIFT);
      sum = sum + OUT_WIDTH'(difference * difference);
    end
  end

  initial begun = '0;

  always_ff @(posedge aclk) begin
    sums <= (LATENCY*OUT_WIDTH)'({sums, sum});
    begun <= LATENCY'({begun, 1'b1});
  end

  assign expected = sums[(LATENCY-1)*OUT_WIDTH +: OUT_WIDTH];
  assign reached = begun[LATENCY-1] ? {expected == '0, expected[OUT_WIDTH-2]} : 2'b00;

  always @(posedge aclk) begin
    if (begun[LATENCY-1]) assert (found == expected);
  end
endmodule

`default_nettype wire
