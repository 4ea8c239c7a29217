// SPDX-License-Identifier: MIT-0
// Memory image with PORTS independent reads, in banks of at most 2,048 words.
//
//     address --> [ word of bank 0 ] --> [ register ] ----------------------> word     one bank
//     address --> [ word of bank b ] --> [ register b ] --> or [ register ] --> word   more banks
//
// A block RAM's output is slow, so that every read has two register stages; more than one bank
// adds a registered OR, in which all but the selected bank give zeros (a reset of their register,
// cheaper than a multiplexer). LATENCY = DEPTH > 2048 ? 3 : 2 cycles, one read per port and cycle,
// all stages enabled by `enable`.
//
// Bank b holds words 2048*b ..., in the file <FILE>_<b as three digits>.mem: one hexadecimal word
// per line and nothing else. In simulation a file that is missing, has too few or too many words
// stops the run; a tool would otherwise build hardware full of zeros.
`default_nettype none

module fixed_rom #(
  // bits of a word; >= 1
  parameter int WIDTH = 8,
  // words; 1 .. 2,048,000
  parameter int DEPTH = 16,
  // reads per cycle; >= 1 (block RAMs have two)
  parameter int PORTS = 1,
  // base name of the images
  parameter FILE = "",
  // 0: read no image (to elaborate a module alone)
  parameter int LOAD = FILE != "" ? 1 : 0
) (
  input  logic                                             aclk,
  input  logic                                             enable,
  // port 0 in the low bits; each below DEPTH
  input  logic [PORTS*(DEPTH < 2 ? 1 : $clog2(DEPTH))-1:0] address,
  output logic [PORTS*WIDTH-1:0]                           word
);
  localparam int ADDRESS = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int BANKS = (DEPTH + 2047) / 2048;

  generate
    if (WIDTH < 1 || PORTS < 1 || DEPTH < 1 || BANKS > 1000) begin : gen_illegal
      fixed_rom_needs_DEPTH_between_1_and_2048000 stop ();
    end

    if (BANKS < 2) begin : gen_single
      fixed_rom_bank #(
        .WIDTH(WIDTH), .DEPTH(DEPTH), .PORTS(PORTS), .FILE({FILE, "_000.mem"}), .LOAD(LOAD)
      ) bank (
        .aclk(aclk), .enable({PORTS{enable}}), .advance(enable), .shown({PORTS{1'b1}}),
        .address(address), .word(word)
      );
    end else begin : gen_banks
      localparam int SELECT = ADDRESS - 11;  // bits of a bank's number

      // a bank that is not selected gives zeros
      function automatic logic [WIDTH-1:0] either(input logic [BANKS*WIDTH-1:0] from);
        either = '0;
        for (int b = 0; b < BANKS; b = b + 1) either = either | from[b*WIDTH +: WIDTH];
      endfunction

      logic [BANKS*PORTS*WIDTH-1:0] words;   // (PORTS, BANKS)
      logic [PORTS*SELECT-1:0] select_0;     // the bank of each port, at the address,
      logic [PORTS*SELECT-1:0] select_1;     // and the memory's output

      always_ff @(posedge aclk) begin
        if (enable) select_1 <= select_0;
      end

      for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_port
        assign select_0[p*SELECT +: SELECT] = address[p*ADDRESS + 11 +: SELECT];

        always_ff @(posedge aclk) begin
          if (enable) word[p*WIDTH +: WIDTH] <= either(words[p*BANKS*WIDTH +: BANKS*WIDTH]);
        end
      end

      for (genvar b = 0; b < BANKS; b = b + 1) begin : gen_bank
        localparam int WORDS = b < BANKS - 1 ? 2048 : DEPTH - 2048 * (BANKS - 1);
        localparam int BITS = WORDS < 2 ? 1 : $clog2(WORDS);

        logic [PORTS*BITS-1:0] offset;
        logic [PORTS-1:0] selected;
        logic [PORTS-1:0] shown;
        logic [PORTS*WIDTH-1:0] read;

        for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_select
          assign offset[p*BITS +: BITS] = address[p*ADDRESS +: BITS];
          assign words[(p*BANKS + b)*WIDTH +: WIDTH] = read[p*WIDTH +: WIDTH];
          assign selected[p] = enable && select_0[p*SELECT +: SELECT] == SELECT'(b);
          assign shown[p] = select_1[p*SELECT +: SELECT] == SELECT'(b);
        end

        fixed_rom_bank #(
          .WIDTH(WIDTH), .DEPTH(WORDS), .PORTS(PORTS), .LOAD(LOAD),
          .FILE({FILE, "_", 8'(48 + b / 100), 8'(48 + b / 10 % 10), 8'(48 + b % 10), ".mem"})
        ) bank (
          .aclk(aclk), .enable(selected), .advance(enable), .shown(shown), .address(offset),
          .word(read)
        );
      end
    end
  endgenerate
endmodule

`default_nettype wire
