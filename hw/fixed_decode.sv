// SPDX-License-Identifier: MIT-0
// What the code of a minifloat stands for: from high to low a sign (where WIDTH has a bit for one), an
// exponent E and a mantissa M,
//
//     E = 0: M          else: (2^MANTISSA + M) * 2^(E-1)
//
// as an integer; or, with FLOATING, as {shift, significand}: significand * 2^shift. Without a mantissa
// they are 0 and powers of two. A code that stands for no number (-0, those of formats with NaN) never
// comes.
//
// Combinational: LATENCY = 0.
`default_nettype none

module fixed_decode #(
  // bits of a code, of its exponent (1 .. 6) and its mantissa; the one left is the sign
  parameter int WIDTH = 8,
  parameter int EXPONENT = 4,
  parameter int MANTISSA = 3,
  // 1: a significand, and by how much it is shifted
  parameter int FLOATING = 0
) (
  input  logic [WIDTH-1:0] code,
  // two's complement with a sign, unsigned without
  output logic [WIDTH-EXPONENT-MANTISSA + MANTISSA + (FLOATING != 0 ? EXPONENT + 1 : 2**EXPONENT - 1)-1:0] value
);
  localparam int SIGN = WIDTH - EXPONENT - MANTISSA;
  localparam int SIZE = MANTISSA + (FLOATING != 0 ? 1 : 2**EXPONENT - 1);

  generate
    if (EXPONENT < 1 || EXPONENT > 6 || MANTISSA < 0 || SIGN < 0 || SIGN > 1) begin : gen_illegal
      fixed_decode_needs_EXPONENT_from_1_to_6_and_at_most_one_bit_for_a_sign stop ();
    end
  endgenerate

  logic [EXPONENT-1:0] exponent;
  logic [EXPONENT-1:0] shift;
  logic [MANTISSA:0] significand;
  logic [SIZE-1:0] size;
  logic [SIGN+SIZE-1:0] number;

  assign exponent = code[MANTISSA +: EXPONENT];
  assign shift = exponent == '0 ? '0 : exponent - 1'b1;

  generate
    if (MANTISSA == 0) begin : gen_power
      assign significand = exponent != '0;
    end else begin : gen_mantissa
      assign significand = {exponent != '0, code[MANTISSA-1:0]};
    end

    if (FLOATING != 0) begin : gen_floating
      assign size = significand;
      assign value = {shift, number};
    end else begin : gen_integer
      assign size = SIZE'(significand) << shift;
      assign value = number;
    end

    if (SIGN != 0) begin : gen_sign
      assign number = code[WIDTH-1] ? -{1'b0, size} : {1'b0, size};
    end else begin : gen_no_sign
      assign number = size;
    end
  endgenerate
endmodule

`default_nettype wire
