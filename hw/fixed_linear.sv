// SPDX-License-Identifier: MIT-0
// Fully connected layer, input-stationary: for each input beat, all groups of OUT_LANES outputs.
//
//     s_axis --> mask --> operand --> fixed_mac --> + --> fixed_requant --> queue --> m_axis
//                      weight ROMs ----^           ^---- accumulators or bias
//
// With DISTANCE the layer sums squares of differences, of inputs and weights shifted to one scale, in
// place of products: fixed_distance instead of fixed_mac. With PACK two output lanes share multipliers:
// fixed_mac_pair. Weights of type float are codes of minifloats, which fixed_decode makes integers of
// behind their memory, or significands with FLOATING, whose products are shifted: fixed_mac_float. Those of
// type residual are sums of signs, and take no multiplier: fixed_mac_residual. With BLOCK the weights of so many beats share an exponent, by which their sum is shifted: fixed_linear_blocks.
//
// With IB = ceil(IN_FEATURES / IN_LANES) and OG = ceil(OUT_FEATURES / OUT_LANES): one step per
// cycle, step (ib, og) adds IN_LANES x OUT_LANES products. The outputs leave during the last beat's
// steps. II = IB*OG cycles exactly. The pipeline never stops: a step of the last beat issues only
// with a credit, which is a place in the queue.
//
// Control. A beat waits at s_axis while its steps issue, and is taken with the last: a step issues
// iff tvalid && (!tlast || credit != 0); tready = step && og == OG-1, which depends on tvalid. The
// next beat's first step follows in the next cycle. `credit` starts at QUEUE, falls with each
// last-beat step, rises with each output handshake. A last-beat step issued in cycle u is at m_axis
// in cycle u + LATENCY if the queue before it is empty. No combinational path from one side to the
// other.
//
// With SKIP a row may have fewer than IB beats; above the elements of each stands which one it is,
// times OG, and II is OG times the beats that there are.
//
//     s_axis_tdata = {OG * beat, lane IN_LANES - 1, ..., lane 0}
//
// Row n of a frame has the weights of set n % SETS: a convolution's groups are rows of their own.
//
// With SCHEDULE steps whose weights are all zero are left out: of each beat but the last only so many
// issue as the schedule has, at least one, and each output lane works on a group of its own. The last
// beat has all groups in order, where the results leave. II = SCHEDULE cycles a row, steps in all.
// A lane's steps on one group lie two cycles or more apart.
//
//     LATENCY = ROM + 1 + clog2(IN_LANES) + (DISTANCE or PACK or FLOATING or WEIGHT_TYPE is residual) +
//               (BLOCK > 0) + 1 + REQUANT + FIFO
//         ROM     = ((SCHEDULE or SETS*IB*OG) > 8192 ? 3 : 2) + (WEIGHT_TYPE is float)
//                                                                      (fixed_rom, fixed_decode)
//         REQUANT = 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite)         (fixed_requant)
//         FIFO    = QUEUE > 64 ? 3 : 2                                 (axis_fifo)
//
// Images, all with fixed_rom's suffix _<bank>.mem, lane as three digits:
//     <WEIGHT_FILE>_<lane>   IB*OG words of each set, word ib*OG+og = IN_LANES weights, input lane 0
//                            in the low bits, of output feature og*OUT_LANES+lane; any value where
//                            there is no such input (with DISTANCE zero), zero where there is no
//                            such output
//     <BIAS_FILE>_<lane>     OG words of each set, BIAS_WIDTH bits, word og, zero where there is no
//                            output
//     <BLOCK_FILE>_<lane>    BLOCK_WIDTH bits of each block and group, see fixed_linear_blocks
//     <MUL_FILE>_<lane>      the same, MUL_WIDTH bits (per-channel multipliers)
//     <SCHEDULE_FILE>        see fixed_linear_schedule; word i of <WEIGHT_FILE>_<lane> is then that of
//                            step i, zero where the lane has none
`default_nettype none

module fixed_linear #(
  // elements of a frame in and out; >= 1
  parameter int IN_FEATURES = 10,
  parameter int OUT_FEATURES = 7,
  // elements of a beat in and out; >= 1
  parameter int IN_LANES = 3,
  parameter int OUT_LANES = 2,
  // rows of a frame, IN_FEATURES to OUT_FEATURES each: at s_axis TLAST ends a row, at m_axis the
  // frame; >= 1
  parameter int ROWS = 1,
  // sets of weights, one after the other; divides ROWS
  parameter int SETS = 1,
  // 1: beats may be left out, see above; of one set, IN_LANES that divide IN_FEATURES, OG of 2 or more
  parameter int SKIP = 0,
  // steps of a row, IB - 1 + OG or more; 0: all IB * OG. Of one set, without SKIP and DISTANCE, OG of 3
  // or more
  parameter int SCHEDULE = 0,
  // bits of an input; its type: signed unsigned bipolar
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  // bits of a weight; its type: signed unsigned bipolar (ternary is signed, 2 bits) float residual
  parameter int WEIGHT_WIDTH = 8,
  parameter WEIGHT_TYPE = "signed",
  // of type float: bits of the exponent and of the mantissa; 1: significands are multiplied
  parameter int EXPONENT = 0,
  parameter int MANTISSA = 0,
  parameter int FLOATING = 0,
  // of type residual: factors of its WEIGHT_WIDTH planes of signs, see fixed_mac_residual
  parameter logic [31:0] FACTORS = 32'h0102,
  // beats whose weights of an output share an exponent, 0: none; of one set, without SKIP; and its bits
  parameter int BLOCK = 0,
  parameter int BLOCK_WIDTH = 1,
  // 1: two products that share an input in one multiplier, see fixed_mac_pair
  parameter int PACK = 0,
  // 1: (x * 2^IN_SHIFT - w * 2^WEIGHT_SHIFT)^2 instead of x * w; weights are signed
  parameter int DISTANCE = 0,
  parameter int IN_SHIFT = 0,
  parameter int WEIGHT_SHIFT = 0,
  // bits of a bias, signed; a bias that needs more than ACC_WIDTH is stored modulo 2^ACC_WIDTH
  parameter int BIAS_WIDTH = 16,
  // bits that hold every accumulator's proven interval
  parameter int ACC_WIDTH = 20,
  // bits by which the bias is finer than the products: acc = sum * 2^SUM_SHIFT + bias
  parameter int SUM_SHIFT = 0,
  // requantisation, see fixed_requant; MUL is used where MUL_FILE is ""
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter int MUL_WIDTH = 0,
  parameter int UP_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 6,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate",
  // places for output beats, a power of two
  parameter int QUEUE = 16,
  // memories of the weights, see fixed_rom
  parameter WEIGHT_STYLE = "auto",
  parameter int WEIGHT_BANK = 2048,
  parameter int WEIGHT_SPLIT = 0,
  // base names of the images
  parameter WEIGHT_FILE = "",
  parameter BLOCK_FILE = "",
  parameter BIAS_FILE = "",
  parameter MUL_FILE = "",
  parameter SCHEDULE_FILE = ""
) (
  input  logic                           aclk,
  input  logic                           aresetn,
  // with SKIP the beat's number above the elements, as many bits as the weights' addresses have
  input  logic [IN_LANES*IN_WIDTH+(SKIP == 0 ? 0 : $clog2(IN_FEATURES/IN_LANES*
      ((OUT_FEATURES+OUT_LANES-1)/OUT_LANES)))-1:0] s_axis_tdata,
  input  logic                           s_axis_tvalid,
  output logic                           s_axis_tready,
  input  logic                           s_axis_tlast,
  output logic [OUT_LANES*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                           m_axis_tvalid,
  input  logic                           m_axis_tready,
  output logic                           m_axis_tlast
);
  localparam int IB = (IN_FEATURES + IN_LANES - 1) / IN_LANES;
  localparam int OG = (OUT_FEATURES + OUT_LANES - 1) / OUT_LANES;
  localparam int USED = IN_FEATURES - (IB - 1) * IN_LANES;  // input lanes of a last beat
  localparam int GROUP = OG < 2 ? 1 : $clog2(OG);
  localparam int SET_GROUP = SETS * OG < 2 ? 1 : $clog2(SETS * OG);
  localparam int WORDS = SCHEDULE != 0 ? SCHEDULE : SETS * IB * OG;
  localparam int ADDRESS = WORDS < 2 ? 1 : $clog2(WORDS);
  localparam int NUMBER = SETS * IB * OG < 2 ? 1 : $clog2(SETS * IB * OG);

  localparam int BIPOLAR = 80'(IN_TYPE) == 80'("bipolar") ? 1 : 0;

  // cycles
  localparam int ROM = (WORDS > 8192 ? 3 : 2) + (80'(WEIGHT_TYPE) == 80'("float") ? 1 : 0);
  localparam int RESIDUAL = 80'(WEIGHT_TYPE) == 80'("residual") ? 1 : 0;
  localparam int BASE =
      ROM + $clog2(IN_LANES) +
      (DISTANCE != 0 || PACK != 0 || FLOATING != 0 || RESIDUAL != 0 ? 1 : 0) + (BLOCK > 0 ? 1 : 0);
  localparam int REQUANT =
      2 + (MUL_WIDTH > 0 ? 1 : 0) + (80'(ROUNDING) == 80'("tflite") ? 1 : 0);

  generate
    if (IN_FEATURES < 1 || OUT_FEATURES < 1 || ROWS < 1 || IN_LANES < 1 || OUT_LANES < 1 || OUT_LANES > 1000)
    begin : gen_sizes
      fixed_linear_needs_sizes_of_1_or_more_and_OUT_LANES_up_to_1000 stop ();
    end
    if (SETS < 1 || ROWS % SETS != 0) begin : gen_set_count
      fixed_linear_needs_SETS_that_divide_ROWS stop ();
    end
    if (SKIP != 0 && (SETS != 1 || USED != IN_LANES || OG < 2)) begin : gen_skip
      fixed_linear_needs_lanes_that_divide_IN_FEATURES_one_set_and_several_groups_for_SKIP stop ();
    end
    if (SCHEDULE != 0 && (SETS != 1 || SKIP != 0 || DISTANCE != 0 || OG < 3)) begin : gen_schedule
      fixed_linear_needs_one_set_and_three_groups_without_SKIP_and_DISTANCE_for_SCHEDULE stop ();
    end
    if (SCHEDULE != 0 && SCHEDULE < IB - 1 + OG) begin : gen_steps
      fixed_linear_needs_a_step_for_each_beat_and_the_groups_of_the_last_in_SCHEDULE stop ();
    end
    if (QUEUE < 1 || 2**$clog2(QUEUE) != QUEUE) begin : gen_queue
      fixed_linear_needs_QUEUE_to_be_a_power_of_two stop ();
    end
    if (BIAS_WIDTH < 1 || ACC_WIDTH < BIAS_WIDTH) begin : gen_bias
      fixed_linear_needs_ACC_WIDTH_of_BIAS_WIDTH_or_more stop ();
    end
    if (IN_WIDTH < 1 || (BIPOLAR != 0 && IN_WIDTH != 1) ||
        (BIPOLAR == 0 && 80'(IN_TYPE) != 80'("signed") &&
         80'(IN_TYPE) != 80'("unsigned"))) begin : gen_type
      fixed_linear_has_no_such_IN_TYPE_and_IN_WIDTH stop ();
    end
    if (DISTANCE != 0 && 80'(WEIGHT_TYPE) != 80'("signed")) begin : gen_distance_type
      fixed_linear_needs_signed_weights_for_DISTANCE stop ();
    end
    if (FLOATING != 0 && (PACK != 0 || 80'(WEIGHT_TYPE) != 80'("float"))) begin : gen_floating
      fixed_linear_needs_weights_of_type_float_and_no_PACK_for_FLOATING stop ();
    end
    if (BLOCK > 0 && (SETS != 1 || SKIP != 0 || DISTANCE != 0)) begin : gen_block
      fixed_linear_needs_one_set_and_products_without_SKIP_for_BLOCK stop ();
    end
    if (MUL_FILE != "" && MUL_WIDTH < 1) begin : gen_mul_width
      fixed_linear_needs_MUL_WIDTH_for_MUL_FILE stop ();
    end
  endgenerate

  logic [GROUP-1:0] group;
  logic [SET_GROUP-1:0] set_group;
  logic [ADDRESS-1:0] address;
  logic [NUMBER-1:0] number;
  logic step;
  logic first_beat;
  logic last_group;

  generate
    if (SKIP != 0) begin : gen_number
      assign number = s_axis_tdata[IN_LANES*IN_WIDTH +: NUMBER];
    end else begin : gen_no_number
      assign number = '0;
    end
  endgenerate

  // what each step does, if it isn't counted
  logic scheduled;
  logic scheduled_last;
  logic [OUT_LANES*GROUP-1:0] lane_group;
  logic [OUT_LANES-1:0] lane_first;

  generate
    if (SCHEDULE != 0) begin : gen_scheduled
      fixed_linear_schedule #(
        .WORDS(SCHEDULE), .GROUPS(OG), .LANES(OUT_LANES), .FILE(SCHEDULE_FILE)
      ) schedule (
        .aclk(aclk), .aresetn(aresetn), .step(step), .ready(scheduled), .last(scheduled_last),
        .first(lane_first), .group(lane_group)
      );
    end else begin : gen_every
      assign scheduled = 1'b1;
      assign scheduled_last = 1'b0;
      assign lane_group = '0;
      assign lane_first = '0;
    end
  endgenerate

  fixed_linear_issue #(
    .BEATS(IB), .GROUPS(OG), .SETS(SETS), .SKIP(SKIP), .SCHEDULE(SCHEDULE), .CREDITS(QUEUE)
  ) issue (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast), .s_axis_number(number),
    .scheduled(scheduled), .scheduled_last(scheduled_last),
    .step(step), .first_beat(first_beat), .last_group(last_group), .group(group),
    .set_group(set_group), .address(address), .credit_back(m_axis_tvalid && m_axis_tready)
  );

  logic [OUT_LANES*OUT_WIDTH-1:0] y;

  fixed_linear_array #(
    .SCHEDULE(SCHEDULE), .WORDS(WORDS), .BEATS(IB), .GROUPS(OG), .SETS(SETS), .USED(USED),
    .IN_LANES(IN_LANES), .OUT_LANES(OUT_LANES),
    .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .WEIGHT_WIDTH(WEIGHT_WIDTH), .WEIGHT_TYPE(WEIGHT_TYPE),
    .EXPONENT(EXPONENT), .MANTISSA(MANTISSA), .FLOATING(FLOATING), .FACTORS(FACTORS),
    .BLOCK(BLOCK), .BLOCK_WIDTH(BLOCK_WIDTH), .BLOCK_FILE(BLOCK_FILE),
    .PACK(PACK), .DISTANCE(DISTANCE), .IN_SHIFT(IN_SHIFT), .WEIGHT_SHIFT(WEIGHT_SHIFT),
    .BIAS_WIDTH(BIAS_WIDTH), .ACC_WIDTH(ACC_WIDTH), .SUM_SHIFT(SUM_SHIFT),
    .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
    .MUL_WIDTH(MUL_WIDTH), .UP_WIDTH(UP_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO), .ROUNDING(ROUNDING),
    .OVERFLOW(OVERFLOW), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .MUL_FILE(MUL_FILE),
    .WEIGHT_STYLE(WEIGHT_STYLE), .WEIGHT_BANK(WEIGHT_BANK), .WEIGHT_SPLIT(WEIGHT_SPLIT)
  ) array (
    .aclk(aclk), .x(s_axis_tdata[IN_LANES*IN_WIDTH-1:0]), .step(step), .first_beat(first_beat),
    .last_beat(s_axis_tlast), .taken(s_axis_tready), .group(group), .set_group(set_group),
    .address(address), .lane_group(lane_group), .lane_first(lane_first), .y(y)
  );

  // the results of a frame's last beat go to the queue, which has a place for each
  localparam int SEND = BASE + 2 + REQUANT;
  logic [SEND-1:0] sending;
  logic send_last;
  logic queue_ready;
  logic queue_last;

  fixed_delay #(.WIDTH(1), .STAGES(SEND), .FREE(1)) delay_last (
    .aclk(aclk), .enable(1'b1), .d(last_group), .q(send_last)
  );

  always_ff @(posedge aclk) begin
    sending <= SEND'({sending, step && s_axis_tlast});
    if (!aresetn) sending <= '0;
  end

  axis_fifo #(.WIDTH(OUT_LANES*OUT_WIDTH), .DEPTH(QUEUE)) queue (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(y), .s_axis_tvalid(sending[SEND-1]), .s_axis_tready(queue_ready),
    .s_axis_tlast(send_last),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(queue_last)
  );

  generate
    if (ROWS == 1) begin : gen_row
      assign m_axis_tlast = queue_last;
    end else begin : gen_rows
      localparam int ROW = $clog2(ROWS);
      logic [ROW-1:0] row;
      logic last_row;

      assign last_row = row == ROW'(ROWS - 1);
      assign m_axis_tlast = queue_last && last_row;
      always_ff @(posedge aclk) begin
        if (m_axis_tvalid && m_axis_tready && queue_last) row <= last_row ? '0 : row + 1'b1;
        if (!aresetn) row <= '0;
      end
    end
  endgenerate

`ifndef SYNTHESIS
  // synthesis translate_off
  always @(posedge aclk) begin
    if (aresetn && sending[SEND-1] && !queue_ready) $fatal(1, "fixed_linear: no place");
  end
  // synthesis translate_on
`endif
endmodule

`default_nettype wire
