// SPDX-License-Identifier: MIT-0
// The operands of fixed_linear's products: a frame's last beat may have lanes without an input,
// which must count 0. A bipolar code can't say 0: it becomes two bits, two's complement.
//
// LATENCY = STAGES cycles, one beat per cycle, never stops.
`default_nettype none

module fixed_linear_operand #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // elements of a frame's last beat; 1 .. LANES
  parameter int USED = 3,
  // bits of an element; >= 1
  parameter int IN_WIDTH = 8,
  // 1: an element is one bit, +1 or -1
  parameter int BIPOLAR = 0,
  // cycles; >= 1
  parameter int STAGES = 2
) (
  input  logic                                             aclk,
  input  logic [LANES*IN_WIDTH-1:0]                        x,
  input  logic                                             last_beat,
  output logic [LANES*(BIPOLAR != 0 ? 2 : IN_WIDTH)-1:0]   operand
);
  localparam int WIDTH = BIPOLAR != 0 ? 2 : IN_WIDTH;
  localparam logic [LANES-1:0] ALWAYS = ~({LANES{1'b1}} << USED);

  logic [LANES*WIDTH-1:0] masked;

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [WIDTH-1:0] code;

      if (BIPOLAR != 0) begin : gen_bipolar
        assign code = {~x[lane], 1'b1};
      end else begin : gen_number
        assign code = x[lane*IN_WIDTH +: IN_WIDTH];
      end
      assign masked[lane*WIDTH +: WIDTH] = ALWAYS[lane] || !last_beat ? code : '0;
    end
  endgenerate

  fixed_delay #(.WIDTH(LANES*WIDTH), .STAGES(STAGES)) delay (
    .aclk(aclk), .enable(1'b1), .d(masked), .q(operand)
  );
endmodule

`default_nettype wire
