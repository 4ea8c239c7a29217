// SPDX-License-Identifier: MIT-0
// The arithmetic of fixed_linear, from a step's coordinates to the results of its output group: all
// output lanes, and the delays that bring each coordinate to the register that needs it.
//
//     cycle  u                 + ROM     + BASE                          + BASE+1  + BASE+2
//     step --> address, group   weights   base (bias or accumulator)      add       acc --> y
//              x --> operands --> products, clog2(IN_LANES) levels of sums --^
//
// ROM = (WORDS > 8192 ? 3 : 2) + (WEIGHT_TYPE is float), whose weights are decoded in the last of
// these cycles; BASE = ROM + clog2(IN_LANES) + (DISTANCE or PACK or FLOATING or residual) + (BLOCK > 0), in whose
// last cycle the sums of blocks are shifted. LATENCY = BASE + 2 + 2 +
// (MUL_WIDTH > 0) + (ROUNDING is tflite) cycles, a step per cycle, never stops.
//
// With SCHEDULE each output lane has a group of its own, and begins with its bias where lane_first
// says so; the groups of a last beat are those of all lanes.
`default_nettype none

module fixed_linear_array #(
  // see fixed_linear
  parameter int SCHEDULE = 0,
  // of the weights' memories
  parameter int WORDS = 16,
  parameter int BEATS = 4,
  parameter int GROUPS = 4,
  // of weights
  parameter int SETS = 1,
  // input lanes of a frame's last beat
  parameter int USED = 1,
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
  // a step, see fixed_linear_issue
  input  logic [IN_LANES*IN_WIDTH-1:0]                             x,
  input  logic                                                     step,
  input  logic                                                     first_beat,
  input  logic                                                     last_beat,
  // the last of the beat's steps
  input  logic                                                     taken,
  input  logic [(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]                       group,
  input  logic [(SETS*GROUPS < 2 ? 1 : $clog2(SETS*GROUPS))-1:0]             set_group,
  input  logic [(WORDS < 2 ? 1 : $clog2(WORDS))-1:0]                         address,
  // with SCHEDULE, lane 0 in the low bits
  input  logic [OUT_LANES*(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]             lane_group,
  input  logic [OUT_LANES-1:0]                                               lane_first,
  // of a last beat's step; lane 0 in the low bits
  output logic [OUT_LANES*OUT_WIDTH-1:0]                           y
);
  localparam int GROUP = GROUPS < 2 ? 1 : $clog2(GROUPS);
  localparam int MULTIPLIER = MUL_WIDTH < 1 ? 1 : MUL_WIDTH;
  localparam int BIPOLAR = 80'(IN_TYPE) == 80'("bipolar") ? 1 : 0;
  localparam int X_WIDTH = BIPOLAR != 0 ? 2 : IN_WIDTH;
  localparam int X_SIGNED = 80'(IN_TYPE) == 80'("unsigned") ? 0 : 1;
  localparam int CODED = 80'(WEIGHT_TYPE) == 80'("float") ? 1 : 0;
  localparam int RESIDUAL = 80'(WEIGHT_TYPE) == 80'("residual") ? 1 : 0;
  localparam int ROM = (WORDS > 8192 ? 3 : 2) + CODED;
  localparam int BIASES = SETS * GROUPS;
  localparam int BIAS = BIASES < 2 ? 1 : $clog2(BIASES);
  localparam int BIAS_REGISTERS = BIASES > 64 ? 2 : 1;
  localparam int BIAS_ROM = BIASES > 8192 ? 3 : BIAS_REGISTERS;
  localparam int BASE =
      ROM + $clog2(IN_LANES) + (DISTANCE != 0 || PACK != 0 || FLOATING != 0 || RESIDUAL != 0 ? 1 : 0) +
      (BLOCK > 0 ? 1 : 0);

  // a weight as the products take it
  localparam int SIGN = CODED != 0 ? WEIGHT_WIDTH - EXPONENT - MANTISSA : 0;
  localparam int FACTOR = CODED == 0 ? WEIGHT_WIDTH :
      SIGN + MANTISSA + (FLOATING != 0 ? EXPONENT + 1 : 2**EXPONENT - 1);

  // the step's operands, and the coordinates of each lane when it needs them
  logic [IN_LANES*X_WIDTH-1:0] operand;
  logic [OUT_LANES*GROUP-1:0] base_group;
  logic [OUT_LANES*GROUP-1:0] add_group;
  logic [OUT_LANES*BIAS-1:0] bias_group;
  logic [OUT_LANES-1:0] base_first;
  logic add_valid;

  // a beat of a schedule may have one step
  fixed_linear_operand #(
    .LANES(IN_LANES), .USED(USED), .IN_WIDTH(IN_WIDTH), .BIPOLAR(BIPOLAR),
    .GROUPS(SCHEDULE != 0 ? 1 : GROUPS), .STAGES(ROM)
  ) operands (
    .aclk(aclk), .x(x), .last_beat(last_beat), .taken(SCHEDULE != 0 ? step : taken),
    .operand(operand)
  );

  fixed_delay #(.WIDTH(1), .STAGES(BASE + 1), .FREE(1)) delay_valid (
    .aclk(aclk), .enable(1'b1), .d(step), .q(add_valid)
  );

  generate
    if (SCHEDULE != 0) begin : gen_own_groups
      logic unused_first;

      assign unused_first = &{1'b0, first_beat, taken, group, set_group};
      fixed_delay #(.WIDTH(OUT_LANES*(GROUP+1)), .STAGES(BASE), .FREE(1)) delay_base (
        .aclk(aclk), .enable(1'b1), .d({lane_group, lane_first}), .q({base_group, base_first})
      );
      fixed_delay #(.WIDTH(OUT_LANES*GROUP), .STAGES(1), .FREE(1)) delay_add (
        .aclk(aclk), .enable(1'b1), .d(base_group), .q(add_group)
      );
      if (BASE > BIAS_ROM) begin : gen_bias_later
        fixed_delay #(.WIDTH(OUT_LANES*BIAS), .STAGES(BASE - BIAS_ROM), .FREE(1)) delay_bias (
          .aclk(aclk), .enable(1'b1), .d(lane_group), .q(bias_group)
        );
      end else begin : gen_bias_now
        assign bias_group = lane_group;
      end
    end else begin : gen_one_group
      logic [GROUP-1:0] base_one;
      logic [GROUP-1:0] add_one;
      logic [BIAS-1:0] bias_one;
      logic first_one;
      logic unused_schedule;

      assign unused_schedule = &{1'b0, lane_group, lane_first};
      assign base_group = {OUT_LANES{base_one}};
      assign add_group = {OUT_LANES{add_one}};
      assign bias_group = {OUT_LANES{bias_one}};
      assign base_first = {OUT_LANES{first_one}};
      fixed_delay #(.WIDTH(GROUP+1), .STAGES(BASE), .FREE(1)) delay_base (
        .aclk(aclk), .enable(1'b1), .d({group, first_beat}), .q({base_one, first_one})
      );
      fixed_delay #(.WIDTH(GROUP), .STAGES(1), .FREE(1)) delay_add (
        .aclk(aclk), .enable(1'b1), .d(base_one), .q(add_one)
      );
      if (BASE > BIAS_ROM) begin : gen_bias_later
        fixed_delay #(.WIDTH(BIAS), .STAGES(BASE - BIAS_ROM), .FREE(1)) delay_bias (
          .aclk(aclk), .enable(1'b1), .d(set_group), .q(bias_one)
        );
      end else begin : gen_bias_now
        assign bias_one = set_group;
      end
    end
  endgenerate

  // multipliers: one for the layer, or one per output
  logic [OUT_LANES*MULTIPLIER-1:0] mul;

  generate
    if (MUL_FILE != "") begin : gen_multipliers
      logic [BIAS-1:0] mul_group;

      fixed_delay #(.WIDTH(BIAS), .STAGES(BASE + 2 - BIAS_ROM), .FREE(1)) delay_mul (
        .aclk(aclk), .enable(1'b1), .d(set_group), .q(mul_group)
      );
      for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_lane
        fixed_rom #(
          .WIDTH(MULTIPLIER), .DEPTH(BIASES), .REGISTERS(BIAS_REGISTERS), .LOAD(1),
          .FILE({MUL_FILE, "_", 8'(48 + lane / 100), 8'(48 + lane / 10 % 10), 8'(48 + lane % 10)})
        ) mul_rom (
          .aclk(aclk), .enable(1'b1), .address(mul_group),
          .word(mul[lane*MULTIPLIER +: MULTIPLIER])
        );
      end
    end else begin : gen_multiplier
      assign mul = {OUT_LANES{MULTIPLIER'(MUL)}};
    end
  endgenerate

  logic [OUT_LANES*IN_LANES*WEIGHT_WIDTH-1:0] w;
  logic [OUT_LANES*IN_LANES*FACTOR-1:0] factor;
  logic [OUT_LANES*ACC_WIDTH-1:0] products_sum;
  logic [OUT_LANES*ACC_WIDTH-1:0] sum;

  generate
    if (CODED != 0) begin : gen_decode
      for (genvar i = 0; i < OUT_LANES * IN_LANES; i = i + 1) begin : gen_weight
        logic [FACTOR-1:0] value;

        fixed_decode #(
          .WIDTH(WEIGHT_WIDTH), .EXPONENT(EXPONENT), .MANTISSA(MANTISSA), .FLOATING(FLOATING)
        ) decode (.code(w[i*WEIGHT_WIDTH +: WEIGHT_WIDTH]), .value(value));
        always_ff @(posedge aclk) factor[i*FACTOR +: FACTOR] <= value;
      end
      fixed_linear_products #(
        .IN_LANES(IN_LANES), .OUT_LANES(OUT_LANES), .IN_WIDTH(X_WIDTH), .IN_SIGNED(X_SIGNED),
        .WEIGHT_WIDTH(FACTOR), .WEIGHT_TYPE(SIGN != 0 ? "signed" : "unsigned"),
        .SHIFT_WIDTH(FLOATING != 0 ? EXPONENT : 0), .PACK(PACK), .OUT_WIDTH(ACC_WIDTH)
      ) products (.aclk(aclk), .x(operand), .w(factor), .sum(products_sum));
    end else begin : gen_plain
      assign factor = w;
      fixed_linear_products #(
        .IN_LANES(IN_LANES), .OUT_LANES(OUT_LANES), .IN_WIDTH(X_WIDTH), .IN_SIGNED(X_SIGNED),
        .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_TYPE(WEIGHT_TYPE), .FACTORS(FACTORS), .PACK(PACK),
        .DISTANCE(DISTANCE), .IN_SHIFT(IN_SHIFT), .WEIGHT_SHIFT(WEIGHT_SHIFT), .OUT_WIDTH(ACC_WIDTH)
      ) products (.aclk(aclk), .x(operand), .w(factor), .sum(products_sum));
    end
  endgenerate

  generate
    if (BLOCK_FILE != "" && BLOCK < 1) begin : gen_block_file
      fixed_linear_array_needs_BLOCK_for_BLOCK_FILE stop ();
    end
    if (BLOCK > 0) begin : gen_blocks
      logic [OUT_LANES*BLOCK_WIDTH-1:0] exponent;

      fixed_linear_blocks #(
        .BEATS(BEATS), .GROUPS(GROUPS), .OUT_LANES(OUT_LANES), .BLOCK(BLOCK), .WIDTH(BLOCK_WIDTH),
        .STAGES(BASE), .FILE(BLOCK_FILE)
      ) blocks (
        .aclk(aclk), .first_beat(first_beat), .taken(taken),
        .group(SCHEDULE != 0 ? lane_group : {OUT_LANES{group}}), .exponent(exponent)
      );
      for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_shift
        always_ff @(posedge aclk) begin
          sum[lane*ACC_WIDTH +: ACC_WIDTH] <=
              products_sum[lane*ACC_WIDTH +: ACC_WIDTH] << exponent[lane*BLOCK_WIDTH +: BLOCK_WIDTH];
        end
      end
    end else begin : gen_no_blocks
      assign sum = products_sum;
    end
  endgenerate

  generate
    for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_lane
      fixed_linear_lane #(
        .LANE(lane), .WORDS(WORDS), .GROUPS(GROUPS), .SETS(SETS), .BIAS_REGISTERS(BIAS_REGISTERS),
        .IN_LANES(IN_LANES), .WEIGHT_WIDTH(WEIGHT_WIDTH),
        .BIAS_WIDTH(BIAS_WIDTH), .ACC_WIDTH(ACC_WIDTH), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
        .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .SHIFT(SHIFT), .ZERO(ZERO), .ROUNDING(ROUNDING),
        .OVERFLOW(OVERFLOW), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE),
        .WEIGHT_STYLE(WEIGHT_STYLE), .WEIGHT_BANK(WEIGHT_BANK), .WEIGHT_SPLIT(WEIGHT_SPLIT)
      ) outputs (
        .aclk(aclk), .address(address), .bias_group(bias_group[lane*BIAS +: BIAS]),
        .w(w[lane*IN_LANES*WEIGHT_WIDTH +: IN_LANES*WEIGHT_WIDTH]),
        .base_first(base_first[lane]), .base_group(base_group[lane*GROUP +: GROUP]),
        .add_valid(add_valid), .add_group(add_group[lane*GROUP +: GROUP]),
        .sum(sum[lane*ACC_WIDTH +: ACC_WIDTH] <<< SUM_SHIFT),
        .mul(mul[lane*MULTIPLIER +: MULTIPLIER]), .y(y[lane*OUT_WIDTH +: OUT_WIDTH])
      );
    end
  endgenerate
endmodule

`default_nettype wire
