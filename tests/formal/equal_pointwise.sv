// SPDX-License-Identifier: MIT-0
// A pointwise cell of two lanes equals pointwise_plain and requant_plain (half_even, saturate),
// LATENCY cycles later, for every code; every part of its line is reached.
`default_nettype none

`define COMMON .LANES(2), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .IN_ZERO(64'(IN_ZERO)), \
    .MUL_WIDTH(MUL_WIDTH), .MUL(40'(MUL)), .SHIFT(SHIFT), .ZERO(64'(ZERO)), \
    .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE)
`define PORTS .aclk(aclk), .aresetn(aresetn), .s_axis_tdata(code), .s_axis_tvalid(1'b1), \
    .s_axis_tready(), .s_axis_tlast(1'b0), .m_axis_tdata(found), .m_axis_tvalid(), \
    .m_axis_tready(1'b1), .m_axis_tlast()

module equal #(
  // see pointwise_plain
  parameter KIND = "cast",
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter int IN_ZERO = 0,
  parameter int A = 0,
  parameter int B = 0,
  parameter int SLOPE = 1,
  // of the cells that have it
  parameter int CAST = 1,
  parameter int MUL_WIDTH = 0,
  parameter int MUL = 1,
  parameter int SHIFT = 0,
  parameter int ZERO = 0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed"
) (
  input logic                  aclk,
  input logic                  aresetn,
  input logic [2*IN_WIDTH-1:0] code
);
  localparam logic [95:0] NAME = 96'(KIND);
  localparam int MULTIPLIER = MUL_WIDTH < 1 ? 1 : MUL_WIDTH;
  localparam int TYPE =
      80'(OUT_TYPE) == 80'("bipolar") ? 2 : 80'(OUT_TYPE) == 80'("unsigned") ? 1 : 0;
  localparam int REQUANT = CAST != 0 ? 2 + (MUL_WIDTH > 0 ? 1 : 0) : 0;
  localparam int LATENCY = REQUANT + (NAME == 96'("leaky_relu") ? 2 : NAME == 96'("hard_sigmoid") ? 4 : 1);

  logic [LATENCY*2*IN_WIDTH-1:0] codes;  // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [2*OUT_WIDTH-1:0] found;
  (* keep *) logic [2:0] reached;

  initial begun = '0;

  always_ff @(posedge aclk) begin
    codes <= (LATENCY*2*IN_WIDTH)'({codes, code});
    begun <= LATENCY'({begun, 1'b1});
  end

  generate
    case (NAME)
      96'("cast"): fixed_cast #(`COMMON) dut (`PORTS);
      96'("relu"): fixed_relu #(`COMMON, .CAST(CAST)) dut (`PORTS);
      96'("clip"): fixed_clip #(`COMMON, .CAST(CAST), .LO(64'(A)), .HI(64'(B))) dut (`PORTS);
      96'("softshrink"): fixed_softshrink #(`COMMON, .CAST(CAST), .LAMBDA(64'(A))) dut (`PORTS);
      96'("hardshrink"): fixed_hardshrink #(`COMMON, .CAST(CAST), .THRESHOLD(64'(A))) dut (`PORTS);
      96'("leaky_relu"):
        fixed_leaky_relu #(`COMMON, .SLOPE_MUL(40'(A)), .SLOPE_SHIFT(B)) dut (`PORTS);
      default:
        fixed_hard_sigmoid #(`COMMON, .SLOPE_MUL(40'(SLOPE)), .OFFSET(64'(A)), .ONE(64'(B)))
        dut (`PORTS);
    endcase

    for (genvar lane = 0; lane < 2; lane = lane + 1) begin : gen_lane
      logic signed [63:0] acc;
      logic [OUT_WIDTH-1:0] y;
      logic [OUT_WIDTH-1:0] expected;
      logic [2:0] part;

      pointwise_plain #(
        .KIND(KIND), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .IN_ZERO(IN_ZERO), .A(A), .B(B),
        .SLOPE(SLOPE)
      ) plain (
        .code(codes[((LATENCY-1)*2+lane)*IN_WIDTH +: IN_WIDTH]), .acc(acc), .part(part)
      );
      requant_plain #(
        .ACC_WIDTH(40), .MUL_WIDTH(MUL_WIDTH), .SHIFT(SHIFT), .ZERO(64'(ZERO)),
        .OUT_WIDTH(OUT_WIDTH), .TYPE(TYPE), .ROUNDING(6), .OVERFLOW(0)
      ) requant (
        .acc(40'(acc)), .mul(MULTIPLIER'(MUL)), .y(y), .below(), .above(), .tie()
      );
      assign expected = CAST != 0 ? y : OUT_WIDTH'(acc + 64'(IN_ZERO));
      if (lane == 0) begin : gen_reached
        assign reached = begun[LATENCY-1] ? part : 3'b000;
      end
      always @(posedge aclk) begin
        if (begun[LATENCY-1]) assert (found[lane*OUT_WIDTH +: OUT_WIDTH] == expected);
      end
    end
  endgenerate
endmodule

`default_nettype wire
