// SPDX-License-Identifier: MIT-0
// Sum of the terms of some beats, LANES of them each, by a tree of pairs.
//
//     terms --> sums of pairs [ ] --> ... --> sum [ ]
//
// The sum is there 1 + clog2(LANES) cycles after the last beat, with `known` high for a cycle, and
// stays until a beat of the next one comes out of the tree.
`default_nettype none

module fixed_softmax_sum #(
  // terms of a beat; >= 1
  parameter int LANES = 2,
  // bits of a term, unsigned
  parameter int WIDTH = 21,
  // bits of the sum, which fits; >= WIDTH
  parameter int SUM_WIDTH = 25
) (
  input  logic                   aclk,
  input  logic                   aresetn,
  input  logic [LANES*WIDTH-1:0] terms,
  input  logic                   adds,  // they are to be added
  input  logic                   ends,  // and are the last
  output logic [SUM_WIDTH-1:0]   sum,
  output logic                   known
);
  localparam int LEVELS = $clog2(LANES);

  // numbers that a level of the tree leaves
  function automatic int numbers(input int level);
    numbers = (LANES + 2**level - 1) / 2**level;
  endfunction

  logic [LEVELS:0] valid;  // bit k: at level k
  logic [LEVELS:0] last;
  logic [LEVELS:0] past_valid;
  logic [LEVELS:0] past_last;
  logic fresh;

  assign valid = (LEVELS+1)'({past_valid, adds});
  assign last = (LEVELS+1)'({past_last, adds && ends});

  generate
    for (genvar level = 0; level <= LEVELS; level = level + 1) begin : gen_level
      logic [numbers(level)*SUM_WIDTH-1:0] number;
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_term
      assign gen_level[0].number[lane*SUM_WIDTH +: SUM_WIDTH] = SUM_WIDTH'(terms[lane*WIDTH +: WIDTH]);
    end

    for (genvar level = 1; level <= LEVELS; level = level + 1) begin : gen_tree
      for (genvar i = 0; i < numbers(level); i = i + 1) begin : gen_pair
        logic [SUM_WIDTH-1:0] left;

        assign left = gen_level[level-1].number[2*i*SUM_WIDTH +: SUM_WIDTH];
        if (2 * i + 1 < numbers(level - 1)) begin : gen_both
          logic [SUM_WIDTH-1:0] right;

          assign right = gen_level[level-1].number[(2*i+1)*SUM_WIDTH +: SUM_WIDTH];
          always_ff @(posedge aclk) gen_level[level].number[i*SUM_WIDTH +: SUM_WIDTH] <= left + right;
        end else begin : gen_odd
          always_ff @(posedge aclk) gen_level[level].number[i*SUM_WIDTH +: SUM_WIDTH] <= left;
        end
      end
    end
  endgenerate

  always_ff @(posedge aclk) begin
    if (valid[LEVELS]) sum <= (fresh ? '0 : sum) + gen_level[LEVELS].number;

    past_valid <= valid;
    past_last <= last;
    known <= last[LEVELS];
    if (valid[LEVELS]) fresh <= last[LEVELS];
    if (!aresetn) begin
      past_valid <= '0;
      past_last <= '0;
      known <= 1'b0;
      fresh <= 1'b1;
    end
  end
endmodule

`default_nettype wire
