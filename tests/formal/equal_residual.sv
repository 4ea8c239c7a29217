// SPDX-License-Identifier: MIT-0
// Products with weights that are sums of signs have the sums of those with the numbers that the signs
// stand for modulo 2^OUT_WIDTH, as many cycles later as fixed_linear_products' header says, for all
// inputs and codes.
`default_nettype none

module equal #(
  parameter int LANES = 2,
  parameter int IN_WIDTH = 3,
  parameter int IN_SIGNED = 1,
  parameter int PLANES = 2,
  parameter logic [31:0] FACTORS = 32'h0205,
  parameter int OUT_WIDTH = 8
) (
  input logic                      aclk,
  input logic [LANES*IN_WIDTH-1:0] x,
  input logic [LANES*PLANES-1:0]   w
);
  localparam int LATENCY = 2 + $clog2(LANES);

  logic [OUT_WIDTH-1:0] found;
  logic [OUT_WIDTH-1:0] sum;
  logic [LATENCY*OUT_WIDTH-1:0] sums;  // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [OUT_WIDTH-1:0] expected;
  logic signed [19:0] number;
  logic signed [19:0] input_number;
  (* keep *) logic [1:0] reached;

  fixed_linear_products #(
    .IN_LANES(LANES), .OUT_LANES(1), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED),
    .WEIGHT_WIDTH(PLANES), .WEIGHT_TYPE("residual"), .FACTORS(FACTORS), .OUT_WIDTH(OUT_WIDTH)
  ) products (.aclk(aclk), .x(x), .w(w), .sum(found));

  always_comb begin
    sum = '0;
    number = '0;
    input_number = '0;
    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      number = '0;
      for (int plane = 0; plane < PLANES; plane = plane + 1) begin
        if (w[lane*PLANES+plane]) number = number + 20'(FACTORS[8*plane +: 8]);
        else number = number - 20'(FACTORS[8*plane +: 8]);
      end
      input_number = 20'($signed(x[lane*IN_WIDTH +: IN_WIDTH]));
      if (IN_SIGNED == 0) input_number = 20'(x[lane*IN_WIDTH +: IN_WIDTH]);
      sum = sum + OUT_WIDTH'(input_number * number);
    end
  end

  initial begun = '0;

  always_ff @(posedge aclk) begin
    sums <= (LATENCY*OUT_WIDTH)'({sums, sum});
    begun <= LATENCY'({begun, 1'b1});
  end

  assign expected = sums[(LATENCY-1)*OUT_WIDTH +: OUT_WIDTH];
  assign reached = begun[LATENCY-1] ? {expected == '0, expected[OUT_WIDTH-1]} : 2'b00;

  always @(posedge aclk) if (begun[LATENCY-1]) assert (found == expected);
endmodule

`default_nettype wire
