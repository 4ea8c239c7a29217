// SPDX-License-Identifier: MIT-0
// Stands for the arithmetic of fixed_linear in its proof: as late as the real one, it answers each
// step with the number of the step's group, so that the proof can tell the answers apart.
`default_nettype none

module fixed_linear_array #(
  parameter int SCHEDULE = 0,
  parameter int WORDS = 16,
  parameter int BEATS = 4,
  parameter int GROUPS = 4,
  parameter int SETS = 1,
  parameter int USED = 3,
  parameter int IN_LANES = 3,
  parameter int OUT_LANES = 2,
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter int WEIGHT_WIDTH = 8,
  parameter WEIGHT_TYPE = "signed",
  parameter int EXPONENT = 0,
  parameter int MANTISSA = 0,
  parameter int FLOATING = 0,
  parameter logic [31:0] FACTORS = 32'h0102,
  parameter int BLOCK = 0,
  parameter int BLOCK_WIDTH = 1,
  parameter int PACK = 0,
  parameter int DISTANCE = 0,
  parameter int IN_SHIFT = 0,
  parameter int WEIGHT_SHIFT = 0,
  parameter int BIAS_WIDTH = 16,
  parameter int ACC_WIDTH = 20,
  parameter int SUM_SHIFT = 0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter int MUL_WIDTH = 0,
  parameter int UP_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 6,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate",
  parameter WEIGHT_STYLE = "auto",
  parameter int WEIGHT_BANK = 2048,
  parameter int WEIGHT_SPLIT = 0,
  parameter WEIGHT_FILE = "",
  parameter BLOCK_FILE = "",
  parameter BIAS_FILE = "",
  parameter MUL_FILE = ""
) (
  input  logic                                                     aclk,
  input  logic [IN_LANES*IN_WIDTH-1:0]                             x,
  input  logic                                                     step,
  input  logic                                                     first_beat,
  input  logic                                                     last_beat,
  input  logic                                                     taken,
  input  logic [(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]                       group,
  input  logic [(SETS*GROUPS < 2 ? 1 : $clog2(SETS*GROUPS))-1:0]             set_group,
  input  logic [(WORDS < 2 ? 1 : $clog2(WORDS))-1:0]                         address,
  input  logic [OUT_LANES*(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]             lane_group,
  input  logic [OUT_LANES-1:0]                                               lane_first,
  output logic [OUT_LANES*OUT_WIDTH-1:0]                           y
);
  localparam int OUT = OUT_LANES * OUT_WIDTH;

  // memory, sum of lanes, base and add, requantisation without a multiplier
  fixed_delay #(.WIDTH(OUT), .STAGES(2 + $clog2(IN_LANES) + 2 + 2)) answer (
    .aclk(aclk), .enable(1'b1), .d(OUT'(group)), .q(y)
  );
endmodule

// Stands for the schedule: the last beat has GROUPS steps, one before it the others.
module fixed_linear_schedule #(
  parameter int WORDS = 8,
  parameter int GROUPS = 4,
  parameter int LANES = 2,
  parameter FILE = ""
) (
  input  logic                            aclk,
  input  logic                            aresetn,
  input  logic                            step,
  output logic                            ready,
  output logic                            last,
  output logic [LANES-1:0]                first,
  output logic [LANES*$clog2(GROUPS)-1:0] group
);
  logic [$clog2(WORDS)-1:0] at;

  assign last = at == ($clog2(WORDS))'(WORDS - 1) || at == ($clog2(WORDS))'(WORDS - GROUPS - 1);
  assign first = '0;
  assign group = '0;
  always_ff @(posedge aclk) begin
    ready <= aresetn;
    if (step) at <= at == ($clog2(WORDS))'(WORDS - 1) ? '0 : at + 1'b1;
    if (!aresetn) at <= '0;
  end
endmodule

`default_nettype wire
