// SPDX-License-Identifier: MIT-0
// Sum of the terms of each cycle: a tree of adders, a register behind each, enabled by `enable`.
//
//     term --> [ + ] --> [ + ] ... --> sum
//
// LATENCY = clog2(TERMS) cycles; the sum of one term is that term. It is exact modulo 2^OUT_WIDTH, and
// no adder is wider.
`default_nettype none

module fixed_sum #(
  // terms; >= 1
  parameter int TERMS = 4,
  // bits of a term, signed; of the sum; >= 1
  parameter int WIDTH = 8,
  parameter int OUT_WIDTH = 10
) (
  input  logic                   aclk,
  input  logic                   enable,
  // the first in the low bits
  input  logic [TERMS*WIDTH-1:0] term,
  output logic [OUT_WIDTH-1:0]   sum
);
  localparam int LEVELS = $clog2(TERMS);

  generate
    if (TERMS < 1 || WIDTH < 1 || OUT_WIDTH < 1) begin : gen_illegal
      fixed_sum_needs_sizes_of_1_or_more stop ();
    end
  endgenerate

  // terms that a level of the tree leaves, and their bits
  function automatic int terms(input int level);
    terms = (TERMS + 2**level - 1) / 2**level;
  endfunction

  function automatic int width(input int level);
    width = WIDTH + level < OUT_WIDTH ? WIDTH + level : OUT_WIDTH;
  endfunction

  generate
    for (genvar level = 0; level <= LEVELS; level = level + 1) begin : gen_level
      localparam int OWN = width(level);
      logic [terms(level)*OWN-1:0] node;

      for (genvar i = 0; i < terms(level); i = i + 1) begin : gen_node
        if (level == 0) begin : gen_term
          assign node[i*OWN +: OWN] = OWN'($signed(term[i*WIDTH +: WIDTH]));
        end else begin : gen_add
          localparam int FROM = width(level - 1);
          logic [OWN-1:0] left;

          assign left = OWN'($signed(gen_level[level-1].node[2*i*FROM +: FROM]));
          if (2 * i + 1 < terms(level - 1)) begin : gen_pair
            logic [OWN-1:0] right;

            assign right = OWN'($signed(gen_level[level-1].node[(2*i+1)*FROM +: FROM]));
            always_ff @(posedge aclk) if (enable) node[i*OWN +: OWN] <= left + right;
          end else begin : gen_odd
            always_ff @(posedge aclk) if (enable) node[i*OWN +: OWN] <= left;
          end
        end
      end
    end
  endgenerate

  localparam int LAST = width(LEVELS);
  assign sum = OUT_WIDTH'($signed(gen_level[LEVELS].node[LAST-1:0]));

  generate
    if (LEVELS == 0) begin : gen_one
      logic unused_clock;

      assign unused_clock = &{1'b0, aclk, enable};
    end
    if (width(0) < WIDTH) begin : gen_high
      logic unused_high;

      assign unused_high = &{1'b0, term};
    end
  endgenerate
endmodule

`default_nettype wire
