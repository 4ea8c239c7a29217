// SPDX-License-Identifier: MIT-0
// What all exact pointwise cells have in common, around what each computes itself: control, the
// integers that the codes stand for, and the requantisation of its results.
//
//     s_axis --> fixed_integer --> n --> (the cell, STAGES) --> result --> fixed_requant --> m_axis
//
// The cell has STAGES registers of its own between n and result, enabled by `advance`.
// LATENCY = STAGES + 1 + (CAST ? 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) : 0) cycles, 1 beat per
// cycle. Control is axis_pipe's: ready is combinational through the cell, it stops as a whole.
`default_nettype none

module fixed_pointwise #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned, and bipolar if BIPOLAR = 1
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter int BIPOLAR = 0,
  // registers of the cell; >= 0
  parameter int STAGES = 0,
  // bits of a result, signed; OUT_WIDTH if CAST = 0
  parameter int ACC_WIDTH = 10,
  // 0: input and output types are equal, no requantisation; otherwise see fixed_requant
  parameter int CAST = 1,
  parameter int MUL_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 0,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate"
) (
  input  logic                          aclk,
  input  logic                          aresetn,
  input  logic [LANES*IN_WIDTH-1:0]     s_axis_tdata,
  input  logic                          s_axis_tvalid,
  output logic                          s_axis_tready,
  input  logic                          s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0]    m_axis_tdata,
  output logic                          m_axis_tvalid,
  input  logic                          m_axis_tready,
  output logic                          m_axis_tlast,
  // the cell's side: integers, two's complement, and what it makes of them
  output logic                          advance,
  output logic [LANES*(IN_WIDTH+2)-1:0] n,
  input  logic [LANES*ACC_WIDTH-1:0]    result
);
  localparam int TFLITE = 80'(ROUNDING) == 80'("tflite") ? 1 : 0;
  localparam int REQUANT = CAST != 0 ? 2 + (MUL_WIDTH > 0 ? 1 : 0) + TFLITE : 0;

  generate
    if (BIPOLAR == 0 && 80'(IN_TYPE) == 80'("bipolar")) begin : gen_type
      fixed_pointwise_has_no_such_IN_TYPE stop ();
    end
    if (CAST == 0 && IN_WIDTH != OUT_WIDTH) begin : gen_illegal
      fixed_pointwise_without_CAST_needs_equal_types stop ();
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      fixed_integer #(.WIDTH(IN_WIDTH), .TYPE(IN_TYPE)) decode (
        .code(s_axis_tdata[lane*IN_WIDTH +: IN_WIDTH]), .value(n[lane*(IN_WIDTH+2) +: IN_WIDTH+2])
      );
    end
  endgenerate

  axis_pipe #(.STAGES(STAGES + 1 + REQUANT)) pipe (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );

  fixed_requant_lanes #(
    .LANES(LANES), .ACC_WIDTH(ACC_WIDTH), .CAST(CAST), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL),
    .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING),
    .OVERFLOW(OVERFLOW)
  ) requant (.aclk(aclk), .enable(advance), .result(result), .y(m_axis_tdata));
endmodule

`default_nettype wire
