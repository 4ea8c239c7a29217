// SPDX-License-Identifier: MIT-0
// The exact result of a piecewise linear activation before its requantisation, as docs/numerics.md
// defines it, in 64 bits, of every code; v = n - IN_ZERO.
`default_nettype none

module pointwise_plain #(
  // cast relu clip softshrink hardshrink leaky_relu hard_sigmoid
  parameter KIND = "cast",
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter int IN_ZERO = 0,
  // LO, HI | LAMBDA | THRESHOLD | SLOPE_MUL, SLOPE_SHIFT | OFFSET, ONE
  parameter int A = 0,
  parameter int B = 0,
  // of hard_sigmoid
  parameter int SLOPE = 1
) (
  input  logic [IN_WIDTH-1:0] code,
  output logic signed [63:0]  acc,
  // which part of the line: below, between, above
  output logic [2:0]          part
);
  localparam logic [95:0] NAME = 96'(KIND);
  localparam logic [79:0] TYPE = 80'(IN_TYPE);

  logic signed [63:0] n;
  logic signed [63:0] v;
  logic signed [63:0] line;

  always_comb begin
    n = TYPE == 80'("bipolar") ? (code[0] ? 64'sd1 : -64'sd1) :
        TYPE == 80'("unsigned") ? $signed(64'(code)) : 64'($signed(code));
    v = n - 64'(IN_ZERO);
    line = v * 64'(SLOPE) + 64'(A);
    case (NAME)
      96'("clip"): part = {n < A, n >= A && n <= B, n > B};
      96'("softshrink"), 96'("hardshrink"): part = {v < -A, v >= -A && v <= A, v > A};
      96'("hard_sigmoid"): part = {line < 0, line >= 0 && line <= B, line > B};
      default: part = {v < 0, v == 0 || TYPE == 80'("bipolar"), v > 0};
    endcase
    case (NAME)
      96'("relu"): acc = part[0] ? v : 64'sd0;
      96'("clip"): acc = part[2] ? 64'(A - IN_ZERO) : part[0] ? 64'(B - IN_ZERO) : v;
      96'("softshrink"): acc = part[2] ? v + 64'(A) : part[0] ? v - 64'(A) : 64'sd0;
      96'("hardshrink"): acc = part[1] ? 64'sd0 : v;
      96'("leaky_relu"): acc = part[2] ? v * 64'(A) : v <<< B;
      96'("hard_sigmoid"): acc = part[2] ? 64'sd0 : part[0] ? 64'(B) : line;
      default: acc = v;
    endcase
  end
endmodule

`default_nettype wire
