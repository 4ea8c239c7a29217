// SPDX-License-Identifier: MIT-0
// The product of two numbers: product = a * b, modulo 2^OUT_WIDTH.
//
// A number of more than 16 bits, its sign included, is taken in digits of 15 bits, without a sign
// but for the last one:
//
//     a = a0 + 2^15 * a1 + 2^30 * a2 ...
//
// yosys' synth_ice40 -dsp would cut it into digits of 16 bits, and gets those wrong whose two highest
// bits are the same, as they are in constants; here the highest one is 0. Numbers up to 31 bits need
// as many blocks as they would anyway. The partial products are added as unsigned numbers, extended
// by their sign, which keeps that command from packing the adders.
//
// Combinational: LATENCY = 0.
`default_nettype none

module fixed_multiply #(
  // bits of the operands; >= 1
  parameter int A_WIDTH = 8,
  parameter int B_WIDTH = 8,
  // 1: two's complement, 0: unsigned
  parameter int A_SIGNED = 1,
  parameter int B_SIGNED = 1,
  // bits of the product; >= 1
  parameter int OUT_WIDTH = 16
) (
  input  logic [A_WIDTH-1:0]   a,
  input  logic [B_WIDTH-1:0]   b,
  output logic [OUT_WIDTH-1:0] product
);
  generate
    if (A_WIDTH < 1 || B_WIDTH < 1 || OUT_WIDTH < 1) begin : gen_illegal
      fixed_multiply_needs_sizes_of_1_or_more stop ();
    end
  endgenerate

  // the operands with a sign, and bits that hold the product
  localparam int A = A_WIDTH + (A_SIGNED != 0 ? 0 : 1);
  localparam int B = B_WIDTH + (B_SIGNED != 0 ? 0 : 1);
  localparam int FULL = A + B > OUT_WIDTH ? A + B : OUT_WIDTH;
  logic [A-1:0] x;
  logic [B-1:0] y;

  assign x = A_SIGNED != 0 ? A'($signed(a)) : A'(a);
  assign y = B_SIGNED != 0 ? B'($signed(b)) : B'(b);

  function automatic int digits(input int count);
    digits = count <= 16 ? 1 : (count + 13) / 15;
  endfunction

  // bits of a digit, its sign included
  function automatic int size(input int count, input int digit);
    size = digit == digits(count) - 1 ? count - 15 * digit : 16;
  endfunction

  localparam int COUNT = digits(A) * digits(B);

  generate
    for (genvar i = 0; i < COUNT; i = i + 1) begin : gen_part
      localparam int ROW = i / digits(B);
      localparam int COLUMN = i % digits(B);
      localparam int LEFT = size(A, ROW);
      localparam int RIGHT = size(B, COLUMN);
      logic [LEFT-1:0] left;
      logic [RIGHT-1:0] right;
      logic signed [LEFT+RIGHT-1:0] part;
      logic [FULL-1:0] sum;

      if (ROW == digits(A) - 1) begin : gen_last_left
        assign left = x[A-1:15*ROW];
      end else begin : gen_left
        assign left = {1'b0, x[15*ROW +: 15]};
      end
      if (COLUMN == digits(B) - 1) begin : gen_last_right
        assign right = y[B-1:15*COLUMN];
      end else begin : gen_right
        assign right = {1'b0, y[15*COLUMN +: 15]};
      end

      assign part = (LEFT + RIGHT)'($signed(left)) * (LEFT + RIGHT)'($signed(right));
      if (i == 0) begin : gen_first
        assign sum = $unsigned(FULL'(part));
      end else begin : gen_more
        assign sum = gen_part[i-1].sum + ($unsigned(FULL'(part)) << (15 * (ROW + COLUMN)));
      end
    end

    if (FULL > OUT_WIDTH) begin : gen_cut
      logic unused_sum;

      assign unused_sum = &{1'b0, gen_part[COUNT-1].sum[FULL-1:OUT_WIDTH]};
    end
  endgenerate

  assign product = gen_part[COUNT-1].sum[OUT_WIDTH-1:0];
endmodule

`default_nettype wire
