// SPDX-License-Identifier: MIT-0
// fixed_requant in every rounding and overflow mode equals requant_plain LATENCY cycles later, with
// any acc and mul. Parameters with which no value is too small, too large or halfway would prove
// little: each is reached, or can't be where BELOW, ABOVE or TIE is 0.
`default_nettype none

module equal #(
  parameter int ACC_WIDTH = 8,
  parameter int MUL_WIDTH = 0,
  parameter int UP_WIDTH = 0,
  parameter int ACC_SHIFT = 0,
  parameter int SHIFT = 2,
  parameter int ZERO = 0,
  parameter int OUT_WIDTH = 4,
  parameter int TYPE = 0,
  // the first one, and behind the last one: 10 with tflite
  parameter int FIRST = 0,
  parameter int ROUNDINGS = 9,
  parameter int OVERFLOWS = 4,
  parameter int BELOW = 1,
  parameter int ABOVE = 1,
  parameter int TIE = 1
) (
  input logic                                         aclk,
  input logic [ACC_WIDTH-1:0]                         acc,
  input logic [(MUL_WIDTH < 1 ? 1 : MUL_WIDTH)-1:0]   mul
);
  localparam logic [10*80-1:0] ROUNDING_NAMES = {
      80'("tflite"), 80'("away"), 80'("ceil"), 80'("half_even"), 80'("half_away"),
      80'("half_down"), 80'("half_zero"), 80'("half_up"), 80'("zero"), 80'("floor")};
  localparam logic [4*80-1:0] OVERFLOW_NAMES = {
      80'("zero"), 80'("wrap"), 80'("symmetric"), 80'("saturate")};
  localparam logic [3*80-1:0] TYPE_NAMES = {80'("bipolar"), 80'("unsigned"), 80'("signed")};
  localparam int MULTIPLIER = MUL_WIDTH < 1 ? 1 : MUL_WIDTH;
  localparam int MOST = 4;

  // inputs of the last cycles, the newest at 0, and whether there were any
  logic [MOST*ACC_WIDTH-1:0] accs;
  logic [MOST*MULTIPLIER-1:0] muls;
  logic [MOST-1:0] valid;
  logic below, above, tie;  // of the mode floor, saturate
  (* keep *) logic [2:0] reached;

  initial valid = '0;

  always_ff @(posedge aclk) begin
    accs <= (MOST*ACC_WIDTH)'({accs, acc});
    muls <= (MOST*MULTIPLIER)'({muls, mul});
    valid <= MOST'({valid, 1'b1});
  end

  always @(posedge aclk) assume (mul[MULTIPLIER-UP_WIDTH-1:0] != 0);

  generate
    for (genvar r = FIRST; r < ROUNDINGS; r = r + 1) begin : gen_rounding
      localparam int LATENCY = 2 + (MUL_WIDTH > 0 ? 1 : 0) + (r == 9 ? 1 : 0);

      for (genvar o = 0; o < OVERFLOWS; o = o + 1) begin : gen_overflow
        logic [OUT_WIDTH-1:0] found;
        logic [OUT_WIDTH-1:0] expected;
        logic low, high, half;

        fixed_requant #(
          .ACC_WIDTH(ACC_WIDTH), .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .ACC_SHIFT(ACC_SHIFT),
          .SHIFT(SHIFT), .ZERO(64'(ZERO)),
          .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(TYPE_NAMES[TYPE*80 +: 80]),
          .ROUNDING(ROUNDING_NAMES[r*80 +: 80]), .OVERFLOW(OVERFLOW_NAMES[o*80 +: 80])
        ) dut (.aclk(aclk), .enable(1'b1), .acc(acc), .mul(mul), .y(found));
        requant_plain #(
          .ACC_WIDTH(ACC_WIDTH), .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .ACC_SHIFT(ACC_SHIFT),
          .SHIFT(SHIFT), .ZERO(64'(ZERO)),
          .OUT_WIDTH(OUT_WIDTH), .TYPE(TYPE), .ROUNDING(r), .OVERFLOW(o)
        ) plain (
          .acc(accs[(LATENCY-1)*ACC_WIDTH +: ACC_WIDTH]), .mul(muls[(LATENCY-1)*MULTIPLIER +: MULTIPLIER]),
          .y(expected), .below(low), .above(high), .tie(half)
        );
        always @(posedge aclk) if (valid[LATENCY-1]) assert (found == expected);
        if (r == FIRST && o == 0) begin : gen_met
          assign {below, above, tie} = valid[LATENCY-1] ? {low, high, half} : 3'b000;
        end
      end
    end
  endgenerate

  assign reached = {below || BELOW == 0, above || ABOVE == 0, tie || TIE == 0};
  always @(posedge aclk) begin
    assert (!(below && BELOW == 0) && !(above && ABOVE == 0) && !(tie && TIE == 0));
  end
endmodule

`default_nettype wire
