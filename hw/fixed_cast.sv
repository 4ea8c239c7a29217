// SPDX-License-Identifier: MIT-0
// From one type to another: y = requant(n - IN_ZERO). A bipolar input stands for +1 or -1.
//
//     s_axis --> [ subtract ] --> fixed_requant --> m_axis
//
// LATENCY = 3 + (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles, 1 beat per cycle.
// Control is axis_pipe's: ready is combinational through the cell, it stops as a whole.
`default_nettype none

module fixed_cast #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned bipolar; the integer that stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
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
  localparam int SIGNED = 80'(IN_TYPE) == 80'("signed") ? 1 : 0;
  localparam int TFLITE = 80'(ROUNDING) == 80'("tflite") ? 1 : 0;
  localparam int BIPOLAR = 80'(IN_TYPE) == 80'("bipolar") ? 1 : 0;
  localparam int STAGES = 3 + (MUL_WIDTH > 0 ? 1 : 0) + TFLITE;
  localparam int ACC_WIDTH = IN_WIDTH + 2;

  generate
    if (SIGNED == 0 && BIPOLAR == 0 && 80'(IN_TYPE) != 80'("unsigned")) begin : gen_type
      fixed_cast_has_no_such_IN_TYPE stop ();
    end
    if (BIPOLAR != 0 && IN_WIDTH != 1) begin : gen_width
      fixed_cast_of_bipolar_needs_IN_WIDTH_of_1 stop ();
    end
  endgenerate

  logic [LANES*ACC_WIDTH-1:0] result;
  logic advance;

  axis_pipe #(.STAGES(STAGES)) pipe (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [IN_WIDTH-1:0] code;
      logic signed [ACC_WIDTH-1:0] n;

      assign code = s_axis_tdata[lane*IN_WIDTH +: IN_WIDTH];
      assign n = BIPOLAR != 0 ? $signed({{(ACC_WIDTH-1){~code[0]}}, 1'b1}) :
          SIGNED != 0 ? ACC_WIDTH'($signed(code)) : $signed(ACC_WIDTH'(code));
      assign result[lane*ACC_WIDTH +: ACC_WIDTH] = n - ACC_WIDTH'(IN_ZERO);
    end
  endgenerate

  fixed_requant_lanes #(
    .LANES(LANES), .ACC_WIDTH(ACC_WIDTH), .CAST(1), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL),
    .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING),
    .OVERFLOW(OVERFLOW)
  ) requant (.aclk(aclk), .enable(advance), .result(result), .y(m_axis_tdata));
endmodule

`default_nettype wire
