// SPDX-License-Identifier: MIT-0
// Rectifier with a slope SLOPE_MUL / 2^SLOPE_SHIFT below zero, with v = n - IN_ZERO:
// acc = v >= 0 ? v * 2^SLOPE_SHIFT : v * SLOPE_MUL, then y = requant(acc), SLOPE_SHIFT in SHIFT.
//
//     s_axis --> [ v ] --> [ multiply, choose ] --> fixed_requant --> m_axis
//
// LATENCY = 4 + (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles, 1 beat per cycle.
// Control is that of fixed_pointwise.
`default_nettype none

module fixed_leaky_relu #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned; the integer that stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  // slope below zero
  parameter logic [39:0] SLOPE_MUL = 40'd1,
  // 0 .. 127
  parameter int SLOPE_SHIFT = 2,
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
    if (SLOPE_SHIFT < 0 || SLOPE_SHIFT > 127) begin : gen_shift
      fixed_leaky_relu_needs_SLOPE_SHIFT_between_0_and_127 stop ();
    end
  endgenerate

  function automatic int bits_of(input logic [39:0] value);
    bits_of = 1;
    for (int i = 0; i < 40; i = i + 1) if (value[i]) bits_of = i + 1;
  endfunction

  localparam int SLOPE = bits_of(SLOPE_MUL);
  localparam int ACC_WIDTH = N + (SLOPE_SHIFT > SLOPE ? SLOPE_SHIFT : SLOPE);

  logic [LANES*N-1:0] codes;
  logic [LANES*ACC_WIDTH-1:0] result;
  logic advance;

  fixed_pointwise #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .STAGES(1), .ACC_WIDTH(ACC_WIDTH), .CAST(1),
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
      logic [N+SLOPE-1:0] below;

      always_ff @(posedge aclk) if (advance) v <= codes[lane*N +: N] - N'(IN_ZERO);

      fixed_product #(.IN_WIDTH(N), .FACTOR_WIDTH(SLOPE)) multiply (
        .d(v), .factor(SLOPE'(SLOPE_MUL)), .product(below)
      );
      assign result[lane*ACC_WIDTH +: ACC_WIDTH] =
          v[N-1] ? ACC_WIDTH'($signed(below)) : ACC_WIDTH'(v) <<< SLOPE_SHIFT;
    end
  endgenerate
endmodule

`default_nettype wire
