// SPDX-License-Identifier: MIT-0
// fixed_quotient: after a load, FRACTION + 1 steps and a round, with any cycles without them in
// between, the quotient q is the nearest to n * 2^FRACTION / d, the even one of two:
//
//     2 n 2^FRACTION is from (2 q - 1) d to (2 q + 1) d, and at an end only if q is even
`default_nettype none

module prove #(
  parameter int WIDTH = 3,
  parameter int FRACTION = 1
) (
  input logic             aclk,
  input logic             aresetn,
  input logic             load,
  input logic             goes,
  input logic [WIDTH-1:0] numerator,
  input logic [WIDTH-1:0] denominator
);
  localparam int WIDE = WIDTH + FRACTION + 3;

  logic [FRACTION:0] quotient;
  logic [WIDTH-1:0] n;
  logic [WIDTH-1:0] d;
  logic [7:0] left;     // cycles to go; 0 with `loaded`: done
  logic loaded;
  logic begins;
  logic steps;
  logic begun;
  logic was_reset;
  logic [WIDE-1:0] twice;
  logic [WIDE-1:0] low;
  logic [WIDE-1:0] high;
  (* keep *) logic [2:0] reached;

  reset_first first (.aclk(aclk), .aresetn(aresetn), .begun(begun), .was_reset(was_reset));

  assign begins = load && aresetn && denominator != '0 && numerator <= denominator;
  assign steps = goes && !begins && left != 8'd0;
  fixed_quotient #(.WIDTH(WIDTH), .FRACTION(FRACTION)) dut (
    .aclk(aclk), .load(begins), .step(steps && left != 8'd1), .round(steps && left == 8'd1),
    .numerator(numerator), .denominator(d), .quotient(quotient)
  );

  always_ff @(posedge aclk) begin
    if (steps) left <= left - 8'd1;
    if (begins) begin
      n <= numerator;
      d <= denominator;
      left <= 8'(FRACTION + 2);
      loaded <= 1'b1;
    end
    if (!aresetn) loaded <= 1'b0;
  end

  assign twice = WIDE'(n) << (FRACTION + 1);
  assign high = (WIDE'(quotient) << 1 | WIDE'(1)) * WIDE'(d);
  assign low = high - (WIDE'(d) << 1);
  assign reached = begun && !was_reset && loaded && left == 8'd0
      ? {quotient == (FRACTION+1)'(1 << FRACTION), twice == high, twice == low}
      : 3'd0;

  always @(posedge aclk) begin
    if (begun && aresetn && loaded && left == 8'd0) begin
      assert (twice <= high && (twice != high || !quotient[0]));
      assert (quotient == '0 || (twice >= low && (twice != low || !quotient[0])));
    end
  end
endmodule

`default_nettype wire
