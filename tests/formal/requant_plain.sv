// SPDX-License-Identifier: MIT-0
// Requantisation as docs/numerics.md defines it, in plain arithmetic on wide integers: quotient and
// remainder, comparisons with the half and with the type's ends. No register, no truth table.
`default_nettype none

module requant_plain #(
  parameter int ACC_WIDTH = 8,
  parameter int MUL_WIDTH = 0,
  // tflite: the upper bits of mul that shift between its steps; zeros behind acc
  parameter int UP_WIDTH = 0,
  parameter int ACC_SHIFT = 0,
  parameter int SHIFT = 2,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 4,
  // 0 signed, 1 unsigned, 2 bipolar
  parameter int TYPE = 0,
  // in the order of the table in numerics.md, tflite last
  parameter int ROUNDING = 0,
  // saturate symmetric wrap zero
  parameter int OVERFLOW = 0
) (
  input  logic signed [ACC_WIDTH-1:0]                  acc,
  input  logic [(MUL_WIDTH < 1 ? 1 : MUL_WIDTH)-1:0]   mul,
  output logic [OUT_WIDTH-1:0]                         y,
  // the value is below the type, above it (bipolar: negative, not negative); halfway between two
  output logic                                         below,
  output logic                                         above,
  output logic                                         tie
);
  localparam int W = 64;
  localparam int TFLITE = ROUNDING == 9 ? 1 : 0;
  localparam int FACTOR = MUL_WIDTH - UP_WIDTH;
  localparam int UP =
      ACC_SHIFT + (TFLITE != 0 ? (SHIFT < 31 ? 31 - SHIFT : 0) : (SHIFT < 0 ? -SHIFT : 0));
  localparam int DOWN = TFLITE != 0 ? (SHIFT > 31 ? SHIFT - 31 : 0) : (SHIFT > 0 ? SHIFT : 0);
  localparam logic signed [W-1:0] HIGHEST =
      (64'sd1 <<< (TYPE == 0 ? OUT_WIDTH - 1 : OUT_WIDTH)) - 64'sd1;
  localparam logic signed [W-1:0] LOWEST =
      TYPE != 0 ? 64'sd0 : OVERFLOW == 1 ? -HIGHEST : -HIGHEST - 64'sd1;

  logic [(FACTOR < 1 ? 1 : FACTOR)-1:0] factor;
  logic signed [W-1:0] exact;
  logic signed [W-1:0] floor;
  logic [W-1:0] twice;     // the remainder, doubled, against the divisor
  logic [W-1:0] divisor;
  logic up;
  logic signed [W-1:0] whole;

  assign factor = mul[(FACTOR < 1 ? 1 : FACTOR)-1:0];

  always_comb begin
    exact = (W'(acc) * (MUL_WIDTH > 0 ? $signed(W'(factor)) : 64'sd1)) <<< UP;
    if (TFLITE != 0) exact = (exact + 64'sd1073741824) >>> 31;
    for (int k = 0; k < UP_WIDTH; k = k + 1) if (mul[FACTOR+k]) exact = exact <<< (1 << k);
    floor = exact >>> DOWN;
    divisor = 64'd1 << DOWN;
    twice = (exact - (floor <<< DOWN)) << 1;
    case (ROUNDING)
      0: up = 1'b0;
      1: up = exact < 0 && twice != 0;
      2: up = twice >= divisor;
      3: up = exact < 0 ? twice >= divisor : twice > divisor;
      4: up = twice > divisor;
      6: up = twice > divisor || (twice == divisor && floor[0]);
      7: up = twice != 0;
      8: up = exact >= 0 && twice != 0;
      default: up = exact < 0 ? twice > divisor : twice >= divisor;
    endcase
    whole = floor + W'(up) + ZERO;
    below = TYPE == 2 ? acc < 0 : whole < LOWEST;
    above = TYPE == 2 ? acc >= 0 : whole > HIGHEST;
    tie = twice == divisor;
    y = OUT_WIDTH'(whole);
    if (TYPE == 2) y = OUT_WIDTH'(acc >= 0);
    else if (OVERFLOW != 2 && above) y = OUT_WIDTH'(OVERFLOW == 3 ? ZERO : HIGHEST);
    else if (OVERFLOW != 2 && below) y = OUT_WIDTH'(OVERFLOW == 3 ? ZERO : LOWEST);
  end
endmodule

`default_nettype wire
