// SPDX-License-Identifier: MIT-0
// The integer that a code stands for: code - ZERO; a bipolar code stands for +1 or -1.
//
// Combinational: LATENCY = 0.
`default_nettype none

module fixed_integer #(
  // bits of the code, 1 if bipolar; its type: signed unsigned bipolar; what stands for zero
  parameter int WIDTH = 8,
  parameter TYPE = "signed",
  parameter logic signed [63:0] ZERO = 64'sd0
) (
  input  logic [WIDTH-1:0] code,
  // two bits more hold it, as a zero point lies in its type
  output logic [WIDTH+1:0] value
);
  localparam int SIGNED = 80'(TYPE) == 80'("signed") ? 1 : 0;
  localparam int BIPOLAR = 80'(TYPE) == 80'("bipolar") ? 1 : 0;

  generate
    if (SIGNED == 0 && BIPOLAR == 0 && 80'(TYPE) != 80'("unsigned")) begin : gen_type
      fixed_integer_has_no_such_TYPE stop ();
    end
    if (WIDTH < 1 || (BIPOLAR != 0 && WIDTH != 1)) begin : gen_width
      fixed_integer_needs_WIDTH_of_1_or_more_and_of_1_if_bipolar stop ();
    end
  endgenerate

  logic signed [WIDTH+1:0] n;

  assign n = BIPOLAR != 0 ? $signed({{(WIDTH+1){~code[0]}}, 1'b1}) :
      SIGNED != 0 ? (WIDTH+2)'($signed(code)) : $signed((WIDTH+2)'(code));
  assign value = n - (WIDTH+2)'(ZERO);
endmodule

`default_nettype wire
