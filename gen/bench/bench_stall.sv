// SPDX-License-Identifier: MIT-0
// When one side of a stream stalls. `stall` belongs to the coming cycle.
//
//   0 none        never
//   1 alternate   every other cycle
//   2 1110        one cycle of four
//   3, 4, 5       at random in 10, 50, 90 % of the cycles
//   6 long        1,024 cycles of each 4,096
//   7 after       left to the side itself: it moves only after it has seen the other side
//
// `noise` changes every cycle, for wires whose content must not matter.
`default_nettype none

module bench_stall #(
  // bits of noise
  parameter int WIDTH = 8,
  // tells the two sides apart
  parameter logic [31:0] SEED = 32'd1,
  // where pattern long begins: 0 with its stall, 1024 after it
  parameter logic [11:0] START = 12'd0
) (
  input  logic        aclk,
  input  logic        aresetn,
  input  logic [2:0]  pattern,
  input  logic [31:0] seed,
  output logic        stall,
  output logic [WIDTH-1:0] noise
);
  logic [11:0] count;
  logic [31:0] state;

  // xorshift of 32 bits, never 0
  function automatic logic [31:0] next(input logic [31:0] x);
    next = x ^ (x << 13);
    next = next ^ (next >> 17);
    next = next ^ (next << 5);
  endfunction

  function automatic logic stalls(input logic [1:0] low, input logic [1:0] high,
                                        input logic [15:0] chance);
    case (pattern)
      3'd1: stalls = low[0];
      3'd2: stalls = low == 2'd3;
      3'd3: stalls = chance < 16'd6554;
      3'd4: stalls = chance < 16'd32768;
      3'd5: stalls = chance < 16'd58982;
      3'd6: stalls = high == 2'd0;
      default: stalls = 1'b0;
    endcase
  endfunction

  assign stall = stalls(count[1:0], count[11:10], state[15:0]);

  generate
    for (genvar i = 0; i < WIDTH; i = i + 1) begin : gen_noise
      assign noise[i] = state[i % 32];
    end
  endgenerate

  always @(posedge aclk) begin
    if (!aresetn) begin
      count <= START;
      state <= ((seed ^ SEED) * 32'd2654435761) | 32'd1;
    end else if (pattern != 3'd0) begin
      count <= count + 12'd1;
      state <= next(state);
    end
  end
endmodule

`default_nettype wire
