// SPDX-License-Identifier: MIT-0
// The product of a number and a factor without a sign, such as a constant or a word of a ROM:
// product = d * factor, exact.
//
// A factor of more than 15 bits is taken in digits of 16 bits with a sign,
//
//     factor = low + 2^16 * high          or          low + 2^16 * middle + 2^32 * high
//
// because yosys' synth_ice40 -dsp cuts it into digits without one, and gets those wrong whose two
// highest bits are always the same, as they are in constants and short ROMs. Blocks of 16 bits and
// more need as many of them as they would anyway; with a constant the digits cost nothing, otherwise
// an adder each. The partial products are added as unsigned numbers, extended by their sign, which
// keeps that command from packing the adders.
//
// Combinational: LATENCY = 0.
`default_nettype none

module fixed_product #(
  // bits of d, signed; >= 1
  parameter int IN_WIDTH = 24,
  // bits of the factor, unsigned; 1 .. 40
  parameter int FACTOR_WIDTH = 31
) (
  input  logic [IN_WIDTH-1:0]              d,
  input  logic [FACTOR_WIDTH-1:0]          factor,
  output logic [IN_WIDTH+FACTOR_WIDTH-1:0] product
);
  localparam int OUT = IN_WIDTH + FACTOR_WIDTH;

  generate
    if (IN_WIDTH < 1 || FACTOR_WIDTH < 1 || FACTOR_WIDTH > 40) begin : gen_illegal
      fixed_product_needs_IN_WIDTH_from_1_and_FACTOR_WIDTH_from_1_to_40 stop ();
    end

    if (FACTOR_WIDTH <= 15) begin : gen_small
      assign product = OUT'($signed(d)) * $signed(OUT'(factor));
    end else begin : gen_digits
      // what stands above a digit is one more where that is negative
      localparam int PART = IN_WIDTH + 16;
      localparam int REST = FACTOR_WIDTH - 15;
      logic signed [PART-1:0] low;
      logic [REST-1:0] rest;

      assign low = PART'($signed(d)) * PART'($signed(factor[15:0]));
      if (FACTOR_WIDTH > 16) begin : gen_rest
        assign rest = REST'(factor[FACTOR_WIDTH-1:16]) + REST'(factor[15]);
      end else begin : gen_carry
        assign rest = factor[15];
      end

      if (REST <= 16) begin : gen_two
        localparam int LAST = IN_WIDTH + REST + 1;
        logic signed [LAST-1:0] high;

        assign high = LAST'($signed(d)) * $signed(LAST'(rest));
        assign product = $unsigned(OUT'(low)) + ($unsigned(OUT'(high)) << 16);
      end else begin : gen_three
        localparam int TOP = REST - 15;
        localparam int LAST = IN_WIDTH + TOP + 1;
        logic signed [PART-1:0] middle;
        logic [TOP-1:0] top;
        logic signed [LAST-1:0] high;

        assign middle = PART'($signed(d)) * PART'($signed(rest[15:0]));
        assign top = TOP'(rest[REST-1:16]) + TOP'(rest[15]);
        assign high = LAST'($signed(d)) * $signed(LAST'(top));
        assign product = $unsigned(OUT'(low)) + ($unsigned(OUT'(middle)) << 16) +
            ($unsigned(OUT'(high)) << 32);
      end
    end
  endgenerate
endmodule

`default_nettype wire
