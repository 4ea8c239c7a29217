// SPDX-License-Identifier: MIT-0
// fixed_add and fixed_mul equal the sum, the difference or the product of what their codes stand
// for (pointwise_plain), requantised (requant_plain, half_even or tflite, saturate), for every pair of
// codes.
`default_nettype none

`define COMMON .LANES(1), .IN0_WIDTH(IN0_WIDTH), .IN0_TYPE(IN0_TYPE), .IN0_ZERO(64'(IN0_ZERO)), \
    .IN1_WIDTH(IN1_WIDTH), .IN1_TYPE(IN1_TYPE), .IN1_ZERO(64'(IN1_ZERO)), .SHIFT(SHIFT), \
    .ZERO(64'(ZERO)), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), \
    .ROUNDING(TFLITE != 0 ? 80'("tflite") : 80'("half_even"))
`define PORTS .aclk(aclk), .aresetn(aresetn), \
    .s0_axis_tdata(code0), .s0_axis_tvalid(1'b1), .s0_axis_tready(), .s0_axis_tlast(1'b0), \
    .s1_axis_tdata(code1), .s1_axis_tvalid(1'b1), .s1_axis_tready(), .s1_axis_tlast(1'b0), \
    .m_axis_tdata(found), .m_axis_tvalid(), .m_axis_tready(1'b1), .m_axis_tlast()

module equal #(
  // add sub mul
  parameter KIND = "add",
  parameter int IN0_WIDTH = 4,
  parameter IN0_TYPE = "signed",
  parameter int IN0_ZERO = 0,
  parameter int IN1_WIDTH = 4,
  parameter IN1_TYPE = "signed",
  parameter int IN1_ZERO = 0,
  // of add and sub: the factors; of mul the first, if MUL_WIDTH > 0
  parameter int MUL_WIDTH = 1,
  parameter int MUL0 = 1,
  parameter int MUL1 = 1,
  // 1: tflite, of add and sub with these shifts of the inputs and this factor of the sum
  parameter int TFLITE = 0,
  parameter int SHIFT0 = 31,
  parameter int SHIFT1 = 31,
  parameter int SUM_MUL_WIDTH = 0,
  parameter int SUM_MUL = 1,
  parameter int SHIFT = 0,
  parameter int ZERO = 0,
  parameter int OUT_WIDTH = 4,
  parameter OUT_TYPE = "signed"
) (
  input logic                 aclk,
  input logic                 aresetn,
  input logic [IN0_WIDTH-1:0] code0,
  input logic [IN1_WIDTH-1:0] code1
);
  localparam logic [31:0] NAME = 32'(KIND);
  localparam int PRODUCT = NAME == 32'("mul") ? 1 : 0;
  localparam int TYPE =
      80'(OUT_TYPE) == 80'("bipolar") ? 2 : 80'(OUT_TYPE) == 80'("unsigned") ? 1 : 0;
  localparam int RESCALES = TFLITE != 0 && PRODUCT == 0 ? 1 : 0;
  localparam int LATENCY = RESCALES != 0 ? 8 + (SUM_MUL_WIDTH > 0 ? 1 : 0) :
      PRODUCT != 0 ? 3 + (MUL_WIDTH > 0 ? 1 : 0) + TFLITE : 4;
  localparam int FACTOR_WIDTH = RESCALES != 0 ? SUM_MUL_WIDTH : PRODUCT != 0 ? MUL_WIDTH : 0;
  localparam int BOTH = IN0_WIDTH + IN1_WIDTH;

  logic [LATENCY*BOTH-1:0] codes;  // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [OUT_WIDTH-1:0] found;
  logic [OUT_WIDTH-1:0] expected;
  logic signed [63:0] a;
  logic signed [63:0] b;
  logic signed [39:0] acc;
  logic below, above;
  (* keep *) logic [1:0] reached;

  initial begun = '0;

  always_ff @(posedge aclk) begin
    codes <= (LATENCY*BOTH)'({codes, code1, code0});
    begun <= LATENCY'({begun, 1'b1});
  end

  generate
    if (PRODUCT != 0) begin : gen_mul
      fixed_mul #(`COMMON, .MUL_WIDTH(MUL_WIDTH), .MUL(40'(MUL0))) dut (`PORTS);
      assign acc = 40'(a * b);
    end else begin : gen_add
      fixed_add #(
        `COMMON, .SUBTRACT(NAME == 32'("sub") ? 1 : 0), .MUL_WIDTH(MUL_WIDTH), .MUL0(40'(MUL0)),
        .MUL1(40'(MUL1)), .SHIFT0(SHIFT0), .SHIFT1(SHIFT1), .SUM_MUL_WIDTH(SUM_MUL_WIDTH),
        .SUM_MUL(40'(SUM_MUL))
      ) dut (`PORTS);
      if (RESCALES != 0) begin : gen_rescaled
        logic [31:0] left;
        logic [31:0] right;

        requant_plain #(
          .ACC_WIDTH(40), .MUL_WIDTH(MUL_WIDTH), .ACC_SHIFT(20), .SHIFT(SHIFT0), .OUT_WIDTH(32),
          .ROUNDING(9), .OVERFLOW(2)
        ) rescale0 (.acc(40'(a)), .mul(MUL_WIDTH'(MUL0)), .y(left), .below(), .above(), .tie());
        requant_plain #(
          .ACC_WIDTH(40), .MUL_WIDTH(MUL_WIDTH), .ACC_SHIFT(20), .SHIFT(SHIFT1), .OUT_WIDTH(32),
          .ROUNDING(9), .OVERFLOW(2)
        ) rescale1 (.acc(40'(b)), .mul(MUL_WIDTH'(MUL1)), .y(right), .below(), .above(), .tie());
        assign acc = NAME == 32'("sub") ? 40'($signed(left)) - 40'($signed(right)) :
            40'($signed(left)) + 40'($signed(right));
      end else begin : gen_scaled
        assign acc = NAME == 32'("sub") ? 40'(a * MUL0 - b * MUL1) : 40'(a * MUL0 + b * MUL1);
      end
    end
  endgenerate

  pointwise_plain #(.IN_WIDTH(IN0_WIDTH), .IN_TYPE(IN0_TYPE), .IN_ZERO(IN0_ZERO)) plain0 (
    .code(codes[(LATENCY-1)*BOTH +: IN0_WIDTH]), .acc(a), .part()
  );
  pointwise_plain #(.IN_WIDTH(IN1_WIDTH), .IN_TYPE(IN1_TYPE), .IN_ZERO(IN1_ZERO)) plain1 (
    .code(codes[(LATENCY-1)*BOTH+IN0_WIDTH +: IN1_WIDTH]), .acc(b), .part()
  );
  requant_plain #(
    .ACC_WIDTH(40), .MUL_WIDTH(FACTOR_WIDTH), .SHIFT(SHIFT), .ZERO(64'(ZERO)),
    .OUT_WIDTH(OUT_WIDTH), .TYPE(TYPE), .ROUNDING(TFLITE != 0 ? 9 : 6), .OVERFLOW(0)
  ) requant (
    .acc(acc), .mul((FACTOR_WIDTH < 1 ? 1 : FACTOR_WIDTH)'(RESCALES != 0 ? SUM_MUL : MUL0)),
    .y(expected), .below(below), .above(above), .tie()
  );
  assign reached = begun[LATENCY-1] ? {below, above} : 2'b00;

  always @(posedge aclk) begin
    if (begun[LATENCY-1]) assert (found == expected);
  end
endmodule

`default_nettype wire
