// SPDX-License-Identifier: MIT-0
// Product of two streams, element by element: y = requant((n0 - IN0_ZERO) * (n1 - IN1_ZERO)).
//
//     s0_axis --+
//               +--> [ * ] --> fixed_requant --> m_axis
//     s1_axis --+
//
// LATENCY = 3 + (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles, 1 beat per cycle. Control is axis_pipe's
// behind a join: a beat is taken of both or of none, and ready of one depends combinationally on
// valid of the other and on m_axis_tready.
`default_nettype none

module fixed_mul #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned bipolar; the integer that stands for zero
  parameter int IN0_WIDTH = 8,
  parameter IN0_TYPE = "signed",
  parameter logic signed [63:0] IN0_ZERO = 64'sd0,
  parameter int IN1_WIDTH = 8,
  parameter IN1_TYPE = "signed",
  parameter logic signed [63:0] IN1_ZERO = 64'sd0,
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
  input  logic                        aclk,
  input  logic                        aresetn,
  input  logic [LANES*IN0_WIDTH-1:0]  s0_axis_tdata,
  input  logic                        s0_axis_tvalid,
  output logic                        s0_axis_tready,
  input  logic                        s0_axis_tlast,
  input  logic [LANES*IN1_WIDTH-1:0]  s1_axis_tdata,
  input  logic                        s1_axis_tvalid,
  output logic                        s1_axis_tready,
  input  logic                        s1_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0]  m_axis_tdata,
  output logic                        m_axis_tvalid,
  input  logic                        m_axis_tready,
  output logic                        m_axis_tlast
);
  localparam int STAGES =
      3 + (MUL_WIDTH > 0 ? 1 : 0) + (80'(ROUNDING) == 80'("tflite") ? 1 : 0);
  localparam int ACC_WIDTH = IN0_WIDTH + IN1_WIDTH + 4;

  logic [LANES*ACC_WIDTH-1:0] result;

  logic both;
  logic ready;
  logic advance;

  // a beat of one waits for that of the other
  assign both = s0_axis_tvalid && s1_axis_tvalid;
  assign s0_axis_tready = ready && s1_axis_tvalid;
  assign s1_axis_tready = ready && s0_axis_tvalid;

  axis_pipe #(.STAGES(STAGES)) pipe (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(both), .s_axis_tready(ready), .s_axis_tlast(s0_axis_tlast && s1_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [IN0_WIDTH+1:0] a;
      logic [IN1_WIDTH+1:0] b;

      fixed_integer #(.WIDTH(IN0_WIDTH), .TYPE(IN0_TYPE), .ZERO(IN0_ZERO)) integer0 (
        .code(s0_axis_tdata[lane*IN0_WIDTH +: IN0_WIDTH]), .value(a)
      );
      fixed_integer #(.WIDTH(IN1_WIDTH), .TYPE(IN1_TYPE), .ZERO(IN1_ZERO)) integer1 (
        .code(s1_axis_tdata[lane*IN1_WIDTH +: IN1_WIDTH]), .value(b)
      );
      fixed_multiply #(
        .A_WIDTH(IN0_WIDTH + 2), .B_WIDTH(IN1_WIDTH + 2), .OUT_WIDTH(ACC_WIDTH)
      ) multiply (
        .a(a), .b(b), .product(result[lane*ACC_WIDTH +: ACC_WIDTH])
      );
    end
  endgenerate

  fixed_requant_lanes #(
    .LANES(LANES), .ACC_WIDTH(ACC_WIDTH), .CAST(1), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL),
    .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING),
    .OVERFLOW(OVERFLOW)
  ) requant (.aclk(aclk), .enable(advance), .result(result), .y(m_axis_tdata));
endmodule

`default_nettype wire
