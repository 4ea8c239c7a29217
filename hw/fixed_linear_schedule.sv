// SPDX-License-Identifier: MIT-0
// The steps of a fixed_linear with SCHEDULE, read ahead from a memory: for each step the group of each
// output lane, whether that is the first of its steps in a row, and whether the step is the last of
// its input beat.
//
//     address --> fixed_rom --> last, first, group        the next word follows each `step`
//
// The words go round: the one behind the last is word 0. LATENCY = WORDS > 8192 ? 3 : 2 cycles from
// reset to `ready`, from then on there is a word in every cycle.
//
// Word, <FILE>_<bank>.mem: {last, first and group of lane LANES - 1, ..., of lane 0}.
`default_nettype none

module fixed_linear_schedule #(
  // steps of a row; >= 2
  parameter int WORDS = 8,
  // output groups; >= 2
  parameter int GROUPS = 4,
  // output lanes; >= 1
  parameter int LANES = 2,
  // base name of the image
  parameter FILE = ""
) (
  input  logic                            aclk,
  input  logic                            aresetn,
  // the step of these outputs issues; only if ready
  input  logic                            step,
  output logic                            ready,
  output logic                            last,
  // lane 0 in the low bits
  output logic [LANES-1:0]                first,
  output logic [LANES*$clog2(GROUPS)-1:0] group
);
  localparam int GROUP = $clog2(GROUPS);
  localparam int ADDRESS = $clog2(WORDS);
  localparam int LATENCY = WORDS > 8192 ? 3 : 2;

  generate
    if (WORDS < 2 || GROUPS < 2 || LANES < 1) begin : gen_illegal
      fixed_linear_schedule_needs_WORDS_and_GROUPS_of_2_or_more stop ();
    end
  endgenerate

  logic [LATENCY-1:0] filled;
  logic [ADDRESS-1:0] address;
  logic advance;
  logic [LANES*(GROUP+1):0] word;

  assign ready = filled[LATENCY-1];
  assign advance = step || !ready;

  always_ff @(posedge aclk) begin
    filled <= LATENCY'({filled, 1'b1});
    if (advance) address <= address == ADDRESS'(WORDS - 1) ? '0 : address + 1'b1;
    if (!aresetn) begin
      filled <= '0;
      address <= '0;
    end
  end

  fixed_rom #(
    .WIDTH(LANES*(GROUP+1)+1), .DEPTH(WORDS), .FILE(FILE)
  ) rom (.aclk(aclk), .enable(advance), .address(address), .word(word));

  assign last = word[LANES*(GROUP+1)];
  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      assign {first[lane], group[lane*GROUP +: GROUP]} = word[lane*(GROUP+1) +: GROUP+1];
    end
  endgenerate
endmodule

`default_nettype wire
