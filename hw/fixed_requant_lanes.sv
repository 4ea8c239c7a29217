// SPDX-License-Identifier: MIT-0
// The last part of a pointwise cell: the register of its exact result, then one requantisation,
// with a constant multiplier, in each lane; or none (CAST = 0): the result is the output's code.
//
//     result --> [ acc ] --> fixed_requant --> y
//
// LATENCY = 1 + (CAST ? 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) : 0) cycles, every stage enabled
// by `enable`.
`default_nettype none

module fixed_requant_lanes #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an accumulator, signed; OUT_WIDTH if CAST = 0
  parameter int ACC_WIDTH = 10,
  // 0: no requantisation
  parameter int CAST = 1,
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
  input  logic                       enable,
  input  logic [LANES*ACC_WIDTH-1:0] result,
  output logic [LANES*OUT_WIDTH-1:0] y
);
  localparam int MULTIPLIER = MUL_WIDTH < 1 ? 1 : MUL_WIDTH;

  generate
    if (CAST == 0 && ACC_WIDTH != OUT_WIDTH) begin : gen_illegal
      fixed_requant_lanes_without_CAST_needs_ACC_WIDTH_equal_to_OUT_WIDTH stop ();
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      // kept, as in fixed_delay; of its own: of one register for all lanes behind DSP blocks, the
      // synth_xilinx of yosys 0.23 keeps only the last lane's
      (* keep *) logic [ACC_WIDTH-1:0] acc;

      always_ff @(posedge aclk) if (enable) acc <= result[lane*ACC_WIDTH +: ACC_WIDTH];

      if (CAST != 0) begin : gen_cast
        fixed_requant #(
          .ACC_WIDTH(ACC_WIDTH), .MUL_WIDTH(MUL_WIDTH), .SHIFT(SHIFT), .ZERO(ZERO),
          .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
        ) requant (
          .aclk(aclk), .enable(enable), .acc(acc),
          .mul(MULTIPLIER'(MUL)), .y(y[lane*OUT_WIDTH +: OUT_WIDTH])
        );
      end else begin : gen_same
        assign y[lane*OUT_WIDTH +: OUT_WIDTH] = acc[OUT_WIDTH-1:0];
      end
    end
  endgenerate
endmodule

`default_nettype wire
