// SPDX-License-Identifier: MIT-0
// Memory image with PORTS independent reads, in banks of at most 2,048 words.
//
//     address --> [ word of bank b ] --> or --> [ word ]                      up to 4 banks
//     address --> [ word of bank b ] --> or of 4 --> [ part ] --> or --> [ word ]      more
//
// All but the selected bank give zeros, which is a reset of the register that a block RAM contains;
// their OR is one LUT for four banks, cheaper than a multiplexer. A block RAM's output is slow, so
// that one more register follows; a small image, which becomes LUTs, can do without (REGISTERS =
// 1). LATENCY = DEPTH > 8192 ? 3 : REGISTERS cycles, one read per port and cycle, all stages
// enabled by `enable`.
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
  // 2, or 1 for DEPTH <= 2048
  parameter int REGISTERS = 2,
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
  localparam int PARTS = (BANKS + 3) / 4;

  generate
    if (WIDTH < 1 || PORTS < 1 || DEPTH < 1 || BANKS > 1000) begin : gen_illegal
      fixed_rom_needs_DEPTH_between_1_and_2048000 stop ();
    end
    if (REGISTERS != 2 && (REGISTERS != 1 || BANKS > 1)) begin : gen_registers
      fixed_rom_needs_REGISTERS_of_2_or_of_1_for_one_bank stop ();
    end
  endgenerate

  // what the banks read; zeros beyond the last
  logic [PORTS*PARTS*4*WIDTH-1:0] words;

  generate
    for (genvar b = 0; b < PARTS * 4; b = b + 1) begin : gen_bank
      if (b < BANKS) begin : gen_memory
        localparam int WORDS = b < BANKS - 1 ? 2048 : DEPTH - 2048 * (BANKS - 1);
        localparam int BITS = WORDS < 2 ? 1 : $clog2(WORDS);

        logic [PORTS*BITS-1:0] offset;
        logic [PORTS-1:0] selected;
        logic [PORTS*WIDTH-1:0] read;

        for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_select
          assign offset[p*BITS +: BITS] = address[p*ADDRESS +: BITS];
          assign words[(p*PARTS*4 + b)*WIDTH +: WIDTH] = read[p*WIDTH +: WIDTH];
          if (BANKS > 1) begin : gen_number
            assign selected[p] = address[p*ADDRESS + 11 +: ADDRESS-11] == (ADDRESS-11)'(b);
          end else begin : gen_only
            assign selected[p] = 1'b1;
          end
        end

        fixed_rom_bank #(
          .WIDTH(WIDTH), .DEPTH(WORDS), .PORTS(PORTS), .LOAD(LOAD),
          .FILE({FILE, "_", 8'(48 + b / 100), 8'(48 + b / 10 % 10), 8'(48 + b % 10), ".mem"})
        ) bank (
          .aclk(aclk), .enable(enable), .selected(selected), .address(offset), .word(read)
        );
      end else begin : gen_none
        for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_zero
          assign words[(p*PARTS*4 + b)*WIDTH +: WIDTH] = '0;
        end
      end
    end

    for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_port
      logic [PARTS*WIDTH-1:0] part;

      for (genvar q = 0; q < PARTS; q = q + 1) begin : gen_part
        localparam int AT = (p * PARTS + q) * 4 * WIDTH;

        assign part[q*WIDTH +: WIDTH] = words[AT +: WIDTH] | words[AT+WIDTH +: WIDTH] |
            words[AT+2*WIDTH +: WIDTH] | words[AT+3*WIDTH +: WIDTH];
      end

      if (REGISTERS < 2) begin : gen_now
        assign word[p*WIDTH +: WIDTH] = part;
      end else if (PARTS < 2) begin : gen_later
        always_ff @(posedge aclk) if (enable) word[p*WIDTH +: WIDTH] <= part;
      end else begin : gen_parts
        logic [PARTS*WIDTH-1:0] held;
        logic [WIDTH-1:0] either;

        always_comb begin
          either = '0;
          for (int q = 0; q < PARTS; q = q + 1) either = either | held[q*WIDTH +: WIDTH];
        end
        always_ff @(posedge aclk) begin
          if (enable) begin
            held <= part;
            word[p*WIDTH +: WIDTH] <= either;
          end
        end
      end
    end
  endgenerate
endmodule

`default_nettype wire
