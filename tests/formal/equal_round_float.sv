// SPDX-License-Identifier: MIT-0
// fixed_requant onto the numbers of a minifloat equals quotient, remainder and comparisons in plain
// arithmetic, LATENCY cycles later, for every accumulator and multiplier: the step that a quotient's size
// has, the nearest multiple of it, half to even, the highest number beyond it.
`default_nettype none

module equal #(
  parameter int ACC_WIDTH = 8,
  parameter int MUL_WIDTH = 0,
  parameter int SHIFT = 2,
  parameter int OUT_WIDTH = 5,
  parameter OUT_TYPE = "se2m1n",
  // what OUT_TYPE says
  parameter int SIGNED = 1,
  parameter int MANTISSA = 1,
  parameter int HIGHEST = 12,
  // 0: no quotient saturates
  parameter int ABOVE = 1
) (
  input logic                                         aclk,
  input logic [ACC_WIDTH-1:0]                         acc,
  input logic [(MUL_WIDTH < 1 ? 1 : MUL_WIDTH)-1:0]   mul
);
  localparam int LATENCY = 2 + (MUL_WIDTH > 0 ? 1 : 0);
  localparam int UP = SHIFT < 0 ? -SHIFT : 0;
  localparam int DOWN = SHIFT > 0 ? SHIFT : 0;
  localparam int W = 40;

  logic [OUT_WIDTH-1:0] found;
  logic [OUT_WIDTH-1:0] y;
  logic [LATENCY*OUT_WIDTH-1:0] ys;  // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [OUT_WIDTH-1:0] expected;
  logic signed [W-1:0] exact;
  logic [W-1:0] size;
  logic [W-1:0] divisor;
  logic [W-1:0] whole;
  logic [W-1:0] twice;
  logic above;
  logic tie;
  logic [2*LATENCY-1:0] met;
  (* keep *) logic [2:0] reached;

  fixed_requant #(
    .ACC_WIDTH(ACC_WIDTH), .MUL_WIDTH(MUL_WIDTH), .SHIFT(SHIFT), .OUT_WIDTH(OUT_WIDTH),
    .OUT_TYPE(OUT_TYPE)
  ) dut (.aclk(aclk), .enable(1'b1), .acc(acc), .mul(mul), .y(found));

  always @(posedge aclk) assume (mul != 0);

  always_comb begin
    exact = W'($signed(acc));
    if (MUL_WIDTH > 0) exact = exact * $signed(W'(mul));
    exact = exact <<< UP;
    size = exact < 0 ? -exact : exact;
    divisor = W'(1) << DOWN;
    for (int k = 0; k < W - MANTISSA - 2 - DOWN; k = k + 1) begin
      if (size >= (divisor << (MANTISSA + 1))) divisor = divisor << 1;
    end
    whole = '0;
    for (int k = 0; k < 2**(MANTISSA+1); k = k + 1) if (size >= divisor * W'(k)) whole = W'(k);
    twice = (size - divisor * whole) << 1;
    tie = twice == divisor;
    if (twice > divisor || (tie && whole[0])) whole = whole + 1'b1;
    whole = whole * (divisor >> DOWN);
    above = whole > W'(HIGHEST);
    if (above) whole = W'(HIGHEST);
    y = OUT_WIDTH'(whole);
    if (exact < 0) y = SIGNED != 0 ? -y : '0;
  end

  initial begun = '0;

  always_ff @(posedge aclk) begin
    ys <= (LATENCY*OUT_WIDTH)'({ys, y});
    met <= (2*LATENCY)'({met, above, tie});
    begun <= LATENCY'({begun, 1'b1});
  end

  assign expected = ys[(LATENCY-1)*OUT_WIDTH +: OUT_WIDTH];
  assign reached = begun[LATENCY-1] ?
      {met[2*LATENCY-1] || ABOVE == 0, met[2*LATENCY-2], expected != '0} : 3'b000;

  always @(posedge aclk) if (begun[LATENCY-1]) assert (found == expected);
endmodule

`default_nettype wire
