// SPDX-License-Identifier: MIT-0
// fixed_mac_pair equals two plain sums of products modulo 2^OUT_WIDTH, as many cycles later as its
// header says, for all inputs and weights.
`default_nettype none

module equal #(
  parameter int LANES = 2,
  parameter int IN_WIDTH = 2,
  parameter int IN_SIGNED = 1,
  parameter int WEIGHT_WIDTH = 2,
  parameter int WEIGHT_SIGNED = 1,
  parameter int OUT_WIDTH = 5
) (
  input logic                          aclk,
  input logic [LANES*IN_WIDTH-1:0]     x,
  input logic [LANES*WEIGHT_WIDTH-1:0] w,
  input logic [LANES*WEIGHT_WIDTH-1:0] v
);
  localparam int LATENCY = 2 + $clog2(LANES);

  logic [2*OUT_WIDTH-1:0] found;
  logic [2*OUT_WIDTH-1:0] sum;
  logic [LATENCY*2*OUT_WIDTH-1:0] sums;  // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [2*OUT_WIDTH-1:0] expected;
  logic signed [15:0] factor;
  logic signed [15:0] weight_w;
  logic signed [15:0] weight_v;
  (* keep *) logic [1:0] reached;

  fixed_mac_pair #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_SIGNED(IN_SIGNED), .WEIGHT_WIDTH(WEIGHT_WIDTH),
    .WEIGHT_TYPE(WEIGHT_SIGNED != 0 ? "signed" : "unsigned"), .OUT_WIDTH(OUT_WIDTH)
  ) dut (
    .aclk(aclk), .x(x), .w(w), .v(v), .sum_w(found[OUT_WIDTH-1:0]),
    .sum_v(found[2*OUT_WIDTH-1:OUT_WIDTH])
  );

  always_comb begin
    sum = '0;
    factor = '0;
    weight_w = '0;
    weight_v = '0;
    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      factor = 16'($signed(x[lane*IN_WIDTH +: IN_WIDTH]));
      if (IN_SIGNED == 0) factor = 16'(x[lane*IN_WIDTH +: IN_WIDTH]);
      weight_w = 16'($signed(w[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH]));
      weight_v = 16'($signed(v[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH]));
      if (WEIGHT_SIGNED == 0) begin
        weight_w = 16'(w[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH]);
        weight_v = 16'(v[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH]);
      end
      sum[OUT_WIDTH-1:0] = sum[OUT_WIDTH-1:0] + OUT_WIDTH'(factor * weight_w);
      sum[2*OUT_WIDTH-1:OUT_WIDTH] = sum[2*OUT_WIDTH-1:OUT_WIDTH] + OUT_WIDTH'(factor * weight_v);
    end
  end

  initial begun = '0;

  always_ff @(posedge aclk) begin
    sums <= (LATENCY*2*OUT_WIDTH)'({sums, sum});
    begun <= LATENCY'({begun, 1'b1});
  end

  assign expected = sums[(LATENCY-1)*2*OUT_WIDTH +: 2*OUT_WIDTH];
  assign reached = begun[LATENCY-1] ? {expected == '0, expected[OUT_WIDTH-2]} : 2'b00;

  always @(posedge aclk) begin
    if (begun[LATENCY-1]) assert (found == expected);
  end
endmodule

`default_nettype wire
