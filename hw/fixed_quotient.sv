// SPDX-License-Identifier: MIT-0
// Serial divider: half_even(numerator * 2**FRACTION / denominator), for a quotient of at most 1.
//
//     load     rest = numerator
//     step     rest >= denominator is the next bit of the quotient; rest = 2 (rest - bit * denominator)
//     round    rest > denominator, or = denominator and the last bit 1: one more
//
// After `load` FRACTION + 1 cycles of `step`, then one of `round`; from the next cycle on the
// quotient is there until the next `load`, which may come in that cycle. The denominator stays from
// the cycle after `load` to `round`.
`default_nettype none

module fixed_quotient #(
  // bits of the denominator, >= 1; 0 < denominator < 2**WIDTH
  parameter int WIDTH = 25,
  // bits of the quotient behind the point; >= 0
  parameter int FRACTION = 8
) (
  input  logic              aclk,
  input  logic              load,
  input  logic              step,
  input  logic              round,
  input  logic [WIDTH-1:0]  numerator,  // <= denominator
  input  logic [WIDTH-1:0]  denominator,
  output logic [FRACTION:0] quotient
);
  generate
    if (WIDTH < 1 || FRACTION < 0) begin : gen_illegal
      fixed_quotient_needs_WIDTH_of_1_and_FRACTION_of_0_or_more stop ();
    end
  endgenerate

  logic [WIDTH:0] rest;  // below 2 * denominator
  logic [WIDTH+1:0] less;
  logic [FRACTION:0] bits;
  logic fits;
  logic up;

  assign less = {1'b0, rest} - {2'b0, denominator};
  assign fits = !less[WIDTH+1];
  assign quotient = bits + (FRACTION+1)'(up);

  always_ff @(posedge aclk) begin
    if (load) rest <= {1'b0, numerator};
    if (step) begin
      rest <= {fits ? less[WIDTH-1:0] : rest[WIDTH-1:0], 1'b0};
      bits <= (FRACTION+1)'({bits, fits});
    end
    if (round) up <= fits && (less != '0 || bits[0]);
  end
endmodule

`default_nettype wire
