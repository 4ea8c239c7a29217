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
  logic [C1_WIDTH-1:0] c1;
  logic [C2_WIDTH-1:0] c2;

  assign {c2, c1, c0} = coefficients;

  fixed_delay #(.WIDTH(D_WIDTH), .STAGES(COEFFICIENT)) delay_d (
    .aclk(aclk), .enable(enable), .d(d), .q(d_there)
  );
  fixed_delay #(.WIDTH(2*D_WIDTH), .STAGES(COEFFICIENT - 1)) delay_square (
    .aclk(aclk), .enable(enable), .d(square), .q(square_there)
  );

  logic [2*D_WIDTH-1:0] d_d;
  logic [P1-1:0] c1_d;
  logic [P2-1:0] c2_d_d;
  logic signed [P1-1:0] linear;
  logic signed [P2-1:0] quadratic;
  logic signed [PRODUCTS-1:0] products;
  logic signed [TOTAL-1:0] total;
  logic signed [C0_WIDTH-1:0] c0_1;
  logic signed [C0_WIDTH-1:0] c0_2;

  fixed_multiply #(
    .A_WIDTH(D_WIDTH), .B_WIDTH(D_WIDTH), .A_SIGNED(0), .B_SIGNED(0), .OUT_WIDTH(2*D_WIDTH)
  ) times_d (
    .a(d), .b(d), .product(d_d)
  );
  fixed_multiply #(
    .A_WIDTH(C1_WIDTH), .B_WIDTH(D_WIDTH), .B_SIGNED(0), .OUT_WIDTH(P1)
  ) times_c1 (
    .a(c1), .b(d_there), .product(c1_d)
  );
  fixed_multiply #(
    .A_WIDTH(C2_WIDTH), .B_WIDTH(2*D_WIDTH), .B_SIGNED(0), .OUT_WIDTH(P2)
  ) times_c2 (
    .a(c2), .b(square_there), .product(c2_d_d)
  );

  always_ff @(posedge aclk) begin
    if (enable) begin
      square <= d_d;
      linear <= c1_d;
      quadratic <= c2_d_d;
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
