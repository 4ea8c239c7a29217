// SPDX-License-Identifier: MIT-0
// fixed_decode gives the number of every code, as an integer and as a significand that is shifted; and
// products with weights that it has decoded, either way, have the sums of those with the numbers
// themselves modulo 2^OUT_WIDTH, as many cycles later as fixed_linear_products' header says, for all
// inputs and codes.
`default_nettype none

module equal #(
  parameter int LANES = 1,
  parameter int IN_WIDTH = 3,
  parameter int IN_SIGNED = 1,
  parameter int SIGN = 1,
  parameter int EXPONENT = 2,
  parameter int MANTISSA = 1,
  parameter int FLOATING = 1,
  parameter int OUT_WIDTH = 7
) (
  input logic                                      aclk,
  input logic [LANES*IN_WIDTH-1:0]                 x,
  input logic [LANES*(SIGN+EXPONENT+MANTISSA)-1:0] w
);
  localparam int WIDTH = SIGN + EXPONENT + MANTISSA;
  localparam int INTEGER = SIGN + MANTISSA + 2**EXPONENT - 1;
  localparam int FACTOR = FLOATING != 0 ? SIGN + MANTISSA + EXPONENT + 1 : INTEGER;
  localparam int LATENCY = 1 + (FLOATING != 0 ? 1 : 0) + $clog2(LANES);

  logic [LANES*FACTOR-1:0] factor;
  logic [INTEGER-1:0] whole;
  logic [OUT_WIDTH-1:0] found;
  logic [OUT_WIDTH-1:0] sum;
  logic [LATENCY*OUT_WIDTH-1:0] sums;  // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [OUT_WIDTH-1:0] expected;
  logic signed [39:0] number;
  logic signed [39:0] first;
  logic signed [39:0] input_number;
  logic [EXPONENT-1:0] exponent;
  (* keep *) logic [1:0] reached;

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      fixed_decode #(
        .WIDTH(WIDTH), .EXPONENT(EXPONENT), .MANTISSA(MANTISSA), .FLOATING(FLOATING)
      ) dut (.code(w[lane*WIDTH +: WIDTH]), .value(factor[lane*FACTOR +: FACTOR]));
    end
  endgenerate

  fixed_decode #(.WIDTH(WIDTH), .EXPONENT(EXPONENT), .MANTISSA(MANTISSA)) integers (
    .code(w[WIDTH-1:0]), .value(whole)
  );

  fixed_linear_products #(
    .IN_LANES(LANES), .OUT_LANES(1), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED),
    .WEIGHT_WIDTH(FACTOR), .WEIGHT_TYPE(SIGN != 0 ? "signed" : "unsigned"),
    .SHIFT_WIDTH(FLOATING != 0 ? EXPONENT : 0), .OUT_WIDTH(OUT_WIDTH)
  ) products (.aclk(aclk), .x(x), .w(factor), .sum(found));

  always_comb begin
    sum = '0;
    number = '0;
    first = '0;
    input_number = '0;
    exponent = '0;
    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      exponent = w[lane*WIDTH+MANTISSA +: EXPONENT];
      number = 40'(w[lane*WIDTH +: WIDTH]) & (40'(2**MANTISSA) - 40'd1);
      if (exponent != '0) number = number + 40'(2**MANTISSA);
      for (int twice = 1; twice < 2**EXPONENT - 1; twice = twice + 1) begin
        if (twice < 32'(exponent)) number = number + number;
      end
      if (SIGN != 0 && w[lane*WIDTH+WIDTH-1]) number = -number;
      if (lane == 0) first = number;
      input_number = 40'($signed(x[lane*IN_WIDTH +: IN_WIDTH]));
      if (IN_SIGNED == 0) input_number = 40'(x[lane*IN_WIDTH +: IN_WIDTH]);
      sum = sum + OUT_WIDTH'(input_number * number);
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
    assert (whole == INTEGER'(first));
  end
endmodule

`default_nettype wire
