// SPDX-License-Identifier: MIT-0
// Sum or difference of two streams, element by element, at a common scale:
// y = requant((n0 - IN0_ZERO) * MUL0 +- (n1 - IN1_ZERO) * MUL1).
//
//     s0_axis --> [ * MUL0 ] --+
//                              +--> [ +- ] --> fixed_requant --> m_axis
//     s1_axis --> [ * MUL1 ] --+
//
// With ROUNDING tflite each of [ * MUL ] is a fixed_requant, of (n - ZERO) * 2^20 with MUL and SHIFT
// of its own, and the sum is multiplied by SUM_MUL.
//
// LATENCY = 4 cycles, of tflite 8 + (SUM_MUL_WIDTH > 0), 1 beat per cycle. Control is axis_pipe's behind a join: a beat is taken of both
// or of none, and ready of one depends combinationally on valid of the other and on m_axis_tready.
`default_nettype none

module fixed_add #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned bipolar; the integer that stands for zero
  parameter int IN0_WIDTH = 8,
  parameter IN0_TYPE = "signed",
  parameter logic signed [63:0] IN0_ZERO = 64'sd0,
  parameter int IN1_WIDTH = 8,
  parameter IN1_TYPE = "signed",
  parameter logic signed [63:0] IN1_ZERO = 64'sd0,
  // 1: the second is taken away
  parameter int SUBTRACT = 0,
  // bits of the factors; 1 .. 40
  parameter int MUL_WIDTH = 1,
  parameter logic [39:0] MUL0 = 40'd1,
  parameter logic [39:0] MUL1 = 40'd1,
  // tflite: shifts of the inputs, 0 .. 127; bits of the sum's factor, 0: it is 1
  parameter int SHIFT0 = 31,
  parameter int SHIFT1 = 31,
  parameter int SUM_MUL_WIDTH = 0,
  parameter logic [39:0] SUM_MUL = 40'd1,
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
  localparam int WIDER = IN0_WIDTH > IN1_WIDTH ? IN0_WIDTH : IN1_WIDTH;
  localparam int TFLITE = 80'(ROUNDING) == 80'("tflite") ? 1 : 0;
  localparam int STAGES = TFLITE != 0 ? 8 + (SUM_MUL_WIDTH > 0 ? 1 : 0) : 4;
  // bits of the addends; those of tflite have at most as many as a fixed_requant
  localparam int UP = 20;
  localparam int SCALED = WIDER + 2 + UP < 32 && SHIFT0 >= 31 && SHIFT1 >= 31 ? WIDER + 2 + UP : 32;
  localparam int WIDTH0 = TFLITE != 0 ? SCALED : IN0_WIDTH + MUL_WIDTH + 2;
  localparam int WIDTH1 = TFLITE != 0 ? SCALED : IN1_WIDTH + MUL_WIDTH + 2;
  localparam int ACC_WIDTH = TFLITE != 0 ? SCALED + 1 : WIDER + 2 + MUL_WIDTH + 1;

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
    if (TFLITE == 0 && SUM_MUL_WIDTH != 0) begin : gen_illegal
      fixed_add_has_SUM_MUL_with_ROUNDING_tflite_only stop ();
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [IN0_WIDTH+1:0] a;
      logic [IN1_WIDTH+1:0] b;
      logic signed [WIDTH0-1:0] left;
      logic signed [WIDTH1-1:0] right;

      fixed_integer #(.WIDTH(IN0_WIDTH), .TYPE(IN0_TYPE), .ZERO(IN0_ZERO)) integer0 (
        .code(s0_axis_tdata[lane*IN0_WIDTH +: IN0_WIDTH]), .value(a)
      );
      fixed_integer #(.WIDTH(IN1_WIDTH), .TYPE(IN1_TYPE), .ZERO(IN1_ZERO)) integer1 (
        .code(s1_axis_tdata[lane*IN1_WIDTH +: IN1_WIDTH]), .value(b)
      );
      if (TFLITE != 0) begin : gen_rescaled
        fixed_requant #(
          .ACC_WIDTH(IN0_WIDTH + 2), .ACC_SHIFT(UP), .MUL_WIDTH(MUL_WIDTH), .SHIFT(SHIFT0),
          .OUT_WIDTH(WIDTH0), .ROUNDING("tflite"), .OVERFLOW("wrap")
        ) rescale0 (
          .aclk(aclk), .enable(advance), .acc(a), .mul(MUL_WIDTH'(MUL0)), .y(left)
        );
        fixed_requant #(
          .ACC_WIDTH(IN1_WIDTH + 2), .ACC_SHIFT(UP), .MUL_WIDTH(MUL_WIDTH), .SHIFT(SHIFT1),
          .OUT_WIDTH(WIDTH1), .ROUNDING("tflite"), .OVERFLOW("wrap")
        ) rescale1 (
          .aclk(aclk), .enable(advance), .acc(b), .mul(MUL_WIDTH'(MUL1)), .y(right)
        );
      end else begin : gen_scaled
        logic [WIDTH0-1:0] product0;
        logic [WIDTH1-1:0] product1;

        fixed_product #(.IN_WIDTH(IN0_WIDTH + 2), .FACTOR_WIDTH(MUL_WIDTH)) multiply0 (
          .d(a), .factor(MUL_WIDTH'(MUL0)), .product(product0)
        );
        fixed_product #(.IN_WIDTH(IN1_WIDTH + 2), .FACTOR_WIDTH(MUL_WIDTH)) multiply1 (
          .d(b), .factor(MUL_WIDTH'(MUL1)), .product(product1)
        );

        always_ff @(posedge aclk) begin
          if (advance) begin
            left <= product0;
            right <= product1;
          end
        end
      end

      // by their signs, as in fixed_mac
      assign result[lane*ACC_WIDTH +: ACC_WIDTH] = SUBTRACT != 0 ?
          $unsigned(ACC_WIDTH'(left)) - $unsigned(ACC_WIDTH'(right)) :
          $unsigned(ACC_WIDTH'(left)) + $unsigned(ACC_WIDTH'(right));
    end
  endgenerate

  fixed_requant_lanes #(
    .LANES(LANES), .ACC_WIDTH(ACC_WIDTH), .CAST(1), .MUL_WIDTH(SUM_MUL_WIDTH), .MUL(SUM_MUL),
    .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) requant (.aclk(aclk), .enable(advance), .result(result), .y(m_axis_tdata));
endmodule

`default_nettype wire
