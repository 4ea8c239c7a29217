// SPDX-License-Identifier: MIT-0
// The exponents that blocks of weights share in fixed_linear: one of each output lane for BLOCK beats,
// which all groups have their own.
//
//     first_beat, taken --> beats of the block, its first word --> + groups --> ROMs --> exponent
//
// Word block*GROUPS+group of <FILE>_<lane> is the exponent of output group*OUT_LANES+lane in the block; zero
// where there is no such output. It is there STAGES cycles after the step, one step per cycle, never
// stops.
`default_nettype none

module fixed_linear_blocks #(
  // see fixed_linear
  parameter int BEATS = 4,
  parameter int GROUPS = 4,
  parameter int OUT_LANES = 2,
  // beats of a block; >= 1
  parameter int BLOCK = 2,
  // bits of an exponent; >= 1
  parameter int WIDTH = 3,
  // cycles; >= 3, 4 of more than 8192 words
  parameter int STAGES = 4,
  // base name of the images
  parameter FILE = ""
) (
  input  logic                                         aclk,
  // a step, see fixed_linear_issue
  input  logic                                         first_beat,
  // the last of the beat's steps
  input  logic                                         taken,
  // that each lane works on; lane 0 in the low bits
  input  logic [OUT_LANES*(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0] group,
  output logic [OUT_LANES*WIDTH-1:0]                   exponent
);
  localparam int BLOCKS = (BEATS + BLOCK - 1) / BLOCK;
  localparam int WORDS = BLOCKS * GROUPS;
  localparam int ADDRESS = WORDS < 2 ? 1 : $clog2(WORDS);
  localparam int GROUP = GROUPS < 2 ? 1 : $clog2(GROUPS);
  localparam int COUNT = BLOCK < 2 ? 1 : $clog2(BLOCK);
  localparam int ROM = WORDS > 8192 ? 3 : 2;

  generate
    if (BLOCK < 1 || WIDTH < 1 || STAGES < ROM + 1) begin : gen_illegal
      fixed_linear_blocks_needs_sizes_of_1_or_more_and_STAGES_of_3_or_more stop ();
    end
  endgenerate

  // of the beat that waits: how many of its block have been taken, and the block's first word
  logic [COUNT-1:0] count;
  logic [COUNT-1:0] count_q;
  logic [ADDRESS-1:0] base;
  logic [ADDRESS-1:0] base_q;
  logic [OUT_LANES*ADDRESS-1:0] address;
  logic block_end;

  assign count = first_beat ? '0 : count_q;
  assign base = first_beat ? '0 : base_q;
  assign block_end = count == COUNT'(BLOCK - 1);

  // the step's address is registered: it is no earlier needed
  always_ff @(posedge aclk) begin
    for (int lane = 0; lane < OUT_LANES; lane = lane + 1) begin
      address[lane*ADDRESS +: ADDRESS] <= base + ADDRESS'(group[lane*GROUP +: GROUP]);
    end
    if (taken) begin
      count_q <= block_end ? '0 : count + 1'b1;
      base_q <= block_end ? base + ADDRESS'(GROUPS) : base;
    end
  end

  logic [OUT_LANES*WIDTH-1:0] word;

  generate
    for (genvar lane = 0; lane < OUT_LANES; lane = lane + 1) begin : gen_lane
      fixed_rom #(
        .WIDTH(WIDTH), .DEPTH(WORDS), .LOAD(FILE != "" ? 1 : 0),
        .FILE({FILE, "_", 8'(48 + lane / 100), 8'(48 + lane / 10 % 10), 8'(48 + lane % 10)})
      ) rom (
        .aclk(aclk), .enable(1'b1), .address(address[lane*ADDRESS +: ADDRESS]),
        .word(word[lane*WIDTH +: WIDTH])
      );
    end

    if (STAGES > ROM + 1) begin : gen_later
      fixed_delay #(.WIDTH(OUT_LANES*WIDTH), .STAGES(STAGES - ROM - 1), .FREE(1)) delay (
        .aclk(aclk), .enable(1'b1), .d(word), .q(exponent)
      );
    end else begin : gen_now
      assign exponent = word;
    end
  endgenerate
endmodule

`default_nettype wire
