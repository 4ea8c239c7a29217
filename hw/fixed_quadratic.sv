// SPDX-License-Identifier: MIT-0
// One lane of fixed_polynomial: value = ((c0 + c1*d + c2*d*d) >>> SHIFT) + correction.
//
//     d --> [ d*d ] --> [ c2*d*d, c1*d, c0 ] --> [ c2*d*d + c1*d, c0 ] --> [ + ] --> [ + ] --> y
//        coefficients ----^                                     correction ------------^
//
// The coefficients come COEFFICIENT cycles after d, the correction COEFFICIENT + 3, and the value
// leaves COEFFICIENT + 4 after d. Every stage is enabled by `enable`.
`default_nettype none

module fixed_quadratic #(
  // bits of d, unsigned; >= 1
  parameter int D_WIDTH = 5,
  // bits of the coefficients, two's complement; >= 1
  parameter int C0_WIDTH = 24,
  parameter int C1_WIDTH = 16,
  parameter int C2_WIDTH = 8,
  // >= 0
  parameter int SHIFT = 12,
  // cycles from d to the coefficients; >= 2
  parameter int COEFFICIENT = 2,
  // bits of the value, two's complement, enough for any
  parameter int VALUE_WIDTH = 20
) (
  input  logic                                  aclk,
  input  logic                                  enable,
  input  logic [D_WIDTH-1:0]                    d,
  // {c2, c1, c0}
  input  logic [C0_WIDTH+C1_WIDTH+C2_WIDTH-1:0] coefficients,
  // -1, 0, 1
  input  logic [1:0]                            correction,
  output logic [VALUE_WIDTH-1:0]                value
);
  localparam int P1 = C1_WIDTH + D_WIDTH + 1;
  localparam int P2 = C2_WIDTH + 2 * D_WIDTH + 1;
  localparam int PRODUCTS = (P1 > P2 ? P1 : P2) + 1;
  localparam int TOTAL = (PRODUCTS > C0_WIDTH ? PRODUCTS : C0_WIDTH) + 1;
  localparam int SPAN = TOTAL > VALUE_WIDTH ? TOTAL : VALUE_WIDTH;

  logic [2*D_WIDTH-1:0] square;
  logic [2*D_WIDTH-1:0] square_there;
  logic [D_WIDTH-1:0] d_there;
  logic signed [C0_WIDTH-1:0] c0;
  logic signed [C1_WIDTH-1:0] c1;
  logic signed [C2_WIDTH-1:0] c2;

  assign {c2, c1, c0} = coefficients;

  fixed_delay #(.WIDTH(D_WIDTH), .STAGES(COEFFICIENT)) delay_d (
    .aclk(aclk), .enable(enable), .d(d), .q(d_there)
  );
  fixed_delay #(.WIDTH(2*D_WIDTH), .STAGES(COEFFICIENT - 1)) delay_square (
    .aclk(aclk), .enable(enable), .d(square), .q(square_there)
  );

  logic signed [P1-1:0] linear;
  logic signed [P2-1:0] quadratic;
  logic signed [PRODUCTS-1:0] products;
  logic signed [TOTAL-1:0] total;
  logic signed [C0_WIDTH-1:0] c0_1;
  logic signed [C0_WIDTH-1:0] c0_2;

  always_ff @(posedge aclk) begin
    if (enable) begin
      square <= (2*D_WIDTH)'(d) * (2*D_WIDTH)'(d);
      linear <= P1'(c1) * $signed(P1'(d_there));
      quadratic <= P2'(c2) * $signed(P2'(square_there));
      c0_1 <= c0;
      // by their signs, as in fixed_mac: synth_ice40 -dsp would lose one
      products <= $unsigned(PRODUCTS'(linear)) + $unsigned(PRODUCTS'(quadratic));
      c0_2 <= c0_1;
      total <= TOTAL'(products) + TOTAL'(c0_2);
      value <= VALUE_WIDTH'(SPAN'(total) >>> SHIFT) + VALUE_WIDTH'($signed(correction));
    end
  end
endmodule

`default_nettype wire
