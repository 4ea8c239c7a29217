// SPDX-License-Identifier: MIT-0
// One output lane of fixed_linear: weights, accumulators, bias, requantisation. Its weights leave for
// fixed_linear_products, from where the sum comes.
//
//     address --> weight ROM --> w ... sum ----------------> + --> acc --> fixed_requant --> y
//                 bias ROM --> base (or accumulator) ------> +      |
//                               ^------ accumulators (GROUPS) ------+
//
// Relative to the step's issue (its address) the caller delays by BASE cycles, see fixed_linear_array,
// what belongs to the base register, and by BASE + 1 what belongs to the add. y follows the add by 1 + REQUANT cycles. Never stops.
//
// base is read one cycle before the add and the sum is written in the add, so that a group's next
// step must come two cycles later: that is so for GROUPS >= 2, and a SCHEDULE sees to it. One group
// has one register.
`default_nettype none

module fixed_linear_lane #(
  // index of this lane, part of the images' names; 0 .. 999
  parameter int LANE = 0,
  // of the weights' memory
  parameter int WORDS = 16,
  parameter int GROUPS = 4,
  // of weights
  parameter int SETS = 1,
  // see fixed_rom
  parameter int BIAS_REGISTERS = 1,
  parameter int IN_LANES = 3,
  parameter int WEIGHT_WIDTH = 8,
  parameter int BIAS_WIDTH = 16,
  parameter int ACC_WIDTH = 20,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter int MUL_WIDTH = 0,
  parameter int UP_WIDTH = 0,
  parameter int SHIFT = 6,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate",
  // the memory of the weights, see fixed_rom
  parameter WEIGHT_STYLE = "auto",
  parameter int WEIGHT_BANK = 2048,
  parameter int WEIGHT_SPLIT = 0,
  parameter WEIGHT_FILE = "",
  parameter BIAS_FILE = ""
) (
  input  logic                                                     aclk,
  // at issue
  input  logic [(WORDS < 2 ? 1 : $clog2(WORDS))-1:0]               address,
  // ROM cycles later
  output logic [IN_LANES*WEIGHT_WIDTH-1:0]                         w,
  // as much earlier than base as its memory needs
  input  logic [(SETS*GROUPS < 2 ? 1 : $clog2(SETS*GROUPS))-1:0]             bias_group,
  // at base
  input  logic                                                     base_first,
  input  logic [(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]             base_group,
  // at the add
  input  logic                                                     add_valid,
  input  logic [(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]             add_group,
  input  logic [ACC_WIDTH-1:0]                                     sum,
  // when the add is done: one cycle later
  input  logic [(MUL_WIDTH < 1 ? 1 : MUL_WIDTH)-1:0]               mul,
  output logic [OUT_WIDTH-1:0]                                     y
);
  localparam int GROUP = GROUPS < 2 ? 1 : $clog2(GROUPS);
  localparam logic [23:0] NAME = {8'(48 + LANE / 100), 8'(48 + LANE / 10 % 10), 8'(48 + LANE % 10)};

  logic [BIAS_WIDTH-1:0] bias;
  logic signed [ACC_WIDTH-1:0] wide_bias;
  logic [ACC_WIDTH-1:0] acc;

  assign wide_bias = ACC_WIDTH'($signed(bias));

  fixed_rom #(
    .WIDTH(IN_LANES*WEIGHT_WIDTH), .DEPTH(WORDS),
    .STYLE(WEIGHT_STYLE), .BANK(WEIGHT_BANK), .SPLIT(WEIGHT_SPLIT),
    .FILE({WEIGHT_FILE, "_", NAME}), .LOAD(WEIGHT_FILE != "" ? 1 : 0)
  ) weight_rom (.aclk(aclk), .enable(1'b1), .address(address), .word(w));

  fixed_rom #(
    .WIDTH(BIAS_WIDTH), .DEPTH(SETS*GROUPS), .REGISTERS(BIAS_REGISTERS),
    .FILE({BIAS_FILE, "_", NAME}), .LOAD(BIAS_FILE != "" ? 1 : 0)
  ) bias_rom (.aclk(aclk), .enable(1'b1), .address(bias_group), .word(bias));

  generate
    if (GROUPS == 1) begin : gen_register
      // the only group is number 0
      logic add_first;
      logic signed [ACC_WIDTH-1:0] add_bias;

      // the only bias is the same in every cycle
      if (SETS == 1) begin : gen_bias
        assign add_bias = wide_bias;
      end else begin : gen_biases
        always_ff @(posedge aclk) add_bias <= wide_bias;
      end

      always_ff @(posedge aclk) begin
        add_first <= base_first && base_group == '0;
        if (add_valid && add_group == '0) acc <= (add_first ? add_bias : acc) + sum;
      end
    end else begin : gen_memory
      logic [ACC_WIDTH-1:0] memory[0:2**GROUP-1];
      logic [ACC_WIDTH-1:0] base;
      logic [ACC_WIDTH-1:0] total;

      assign total = base + sum;
      always_ff @(posedge aclk) begin
        base <= base_first ? wide_bias : memory[base_group];
        if (add_valid) memory[add_group] <= total;
        acc <= total;
      end
    end
  endgenerate

  fixed_requant #(
    .ACC_WIDTH(ACC_WIDTH), .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .SHIFT(SHIFT), .ZERO(ZERO),
    .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) requant (.aclk(aclk), .enable(1'b1), .acc(acc), .mul(mul), .y(y));
endmodule

`default_nettype wire
