// SPDX-License-Identifier: MIT-0
// Straight line between bounds, v = n - IN_ZERO: acc = min(max(v * SLOPE_MUL + OFFSET, 0), ONE),
// then y = requant(acc). The accumulator's scale is the slope's.
//
//     s_axis --> [ v ] --> [ multiply ] --> [ add ] --> [ clamp ] --> fixed_requant --> m_axis
//
// LATENCY = 6 + (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles, 1 beat per cycle.
// Control is that of fixed_pointwise.
`default_nettype none

module fixed_hard_sigmoid #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned; the integer that stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  // the line and its upper bound, below 2^62
  parameter logic [39:0] SLOPE_MUL = 40'd1,
  parameter logic signed [63:0] OFFSET = 64'sd8,
  parameter logic signed [63:0] ONE = 64'sd16,
  // see fixed_requant
  parameter int MUL_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 0,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate"
) (
  input  logic                       aclk,
  input  logic                       aresetn,
  input  logic [LANES*IN_WIDTH-1:0]  s_axis_tdata,
  input  logic                       s_axis_tvalid,
  output logic                       s_axis_tready,
  input  logic                       s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                       m_axis_tvalid,
  input  logic                       m_axis_tready,
  output logic                       m_axis_tlast
);
  localparam int N = IN_WIDTH + 2;

  generate
    if (ONE < 64'sd0) begin : gen_one
      fixed_hard_sigmoid_needs_ONE_of_0_or_more stop ();
    end
  endgenerate

  // bits of a two's complement number
  function automatic int bits_of(input logic signed [63:0] value);
    bits_of = 1;
    for (int i = 0; i < 63; i = i + 1) if (value[i] != value[63]) bits_of = i + 2;
  endfunction

  localparam int SLOPE = bits_of(64'(SLOPE_MUL)) - 1;
  localparam int PRODUCT = N + SLOPE + 1;
  localparam int WIDER = PRODUCT > bits_of(OFFSET) ? PRODUCT : bits_of(OFFSET);
  localparam int ACC_WIDTH = (WIDER > bits_of(ONE) ? WIDER : bits_of(ONE)) + 1;
  localparam logic signed [ACC_WIDTH-1:0] HIGHEST = ACC_WIDTH'(ONE);

  logic [LANES*N-1:0] codes;
  logic [LANES*ACC_WIDTH-1:0] result;
  logic advance;

  fixed_pointwise #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .STAGES(3), .ACC_WIDTH(ACC_WIDTH), .CAST(1),
    .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH),
    .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) shell (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast), .advance(advance), .n(codes), .result(result)
  );

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      // kept, as in fixed_delay
      (* keep *) logic signed [N-1:0] v;
      logic [N+SLOPE-1:0] exact;
      logic signed [PRODUCT-1:0] product;
      logic signed [ACC_WIDTH-1:0] sum;

      fixed_product #(.IN_WIDTH(N), .FACTOR_WIDTH(SLOPE)) multiply (
        .d(v), .factor(SLOPE'(SLOPE_MUL)), .product(exact)
      );
      always_ff @(posedge aclk) begin
        if (advance) begin
          v <= codes[lane*N +: N] - N'(IN_ZERO);
          product <= PRODUCT'($signed(exact));
          sum <= ACC_WIDTH'(product) + ACC_WIDTH'(OFFSET);
        end
      end
      assign result[lane*ACC_WIDTH +: ACC_WIDTH] =
          sum[ACC_WIDTH-1] ? '0 : $unsigned(sum) > $unsigned(HIGHEST) ? HIGHEST : sum;
    end
  endgenerate
endmodule

`default_nettype wire
