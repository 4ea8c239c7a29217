// SPDX-License-Identifier: MIT-0
// Memory image with PORTS independent reads, in banks of at most BANK words.
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
// SPLIT cuts words in two, each part with banks of its own: where the low bits fill the width of
// block RAMs and a few are left over, those are better LUTs. BANK likewise cuts off the words behind a
// power of two. STYLE, see fixed_rom_bank, holds for all of it.
//
// Bank b holds words BANK*b ..., in the file <FILE>_<b as three digits>.mem (of SPLIT words the low
// bits, and in <FILE>_<b>_high.mem the others): one hexadecimal word per line and nothing else. In
// simulation a file that is missing, has too few or too many words
// stops the run; a tool would otherwise build hardware full of zeros.
`default_nettype none

module fixed_rom #(
  // bits of a word; >= 1
  parameter int WIDTH = 8,
  // words; 1 .. 2,048,000
  parameter int DEPTH = 16,
  // words of a bank, a power of two up to 2048; less only for up to four banks
  parameter int BANK = 2048,
  // low bits that are memories of their own; 0: all are one; < WIDTH
  parameter int SPLIT = 0,
  // reads per cycle; >= 1 (block RAMs have two)
  parameter int PORTS = 1,
  // 2, or 1 for DEPTH <= BANK
  parameter int REGISTERS = 2,
  // auto block distributed
  parameter STYLE = "auto",
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
  localparam int LOG = $clog2(BANK);
  localparam int BANKS = (DEPTH + BANK - 1) / BANK;
  localparam int PARTS = (BANKS + 3) / 4;

  generate
    if (WIDTH < 1 || PORTS < 1 || DEPTH < 1 || BANKS > 1000) begin : gen_illegal
      fixed_rom_needs_DEPTH_between_1_and_2048000 stop ();
    end
    if (BANK < 1 || BANK > 2048 || 2**LOG != BANK || (BANK < 2048 && BANKS > 4)) begin : gen_banks
      fixed_rom_needs_BANK_of_a_power_of_two_and_four_banks_below_2048 stop ();
    end
    if (SPLIT < 0 || SPLIT >= WIDTH) begin : gen_split
      fixed_rom_needs_SPLIT_below_WIDTH stop ();
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
        localparam int WORDS = b < BANKS - 1 ? BANK : DEPTH - BANK * (BANKS - 1);
        localparam int BITS = WORDS < 2 ? 1 : $clog2(WORDS);
        localparam logic [31:0] NUMBER =
            {"_", 8'(48 + b / 100), 8'(48 + b / 10 % 10), 8'(48 + b % 10)};

        logic [PORTS*BITS-1:0] offset;
        logic [PORTS-1:0] selected;
        logic [PORTS*WIDTH-1:0] read;

        for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_select
          assign offset[p*BITS +: BITS] = address[p*ADDRESS +: BITS];
          assign words[(p*PARTS*4 + b)*WIDTH +: WIDTH] = read[p*WIDTH +: WIDTH];
          if (BANKS > 1) begin : gen_number
            assign selected[p] = address[p*ADDRESS + LOG +: ADDRESS-LOG] == (ADDRESS-LOG)'(b);
          end else begin : gen_only
            assign selected[p] = 1'b1;
          end
        end

        if (SPLIT == 0) begin : gen_whole
          fixed_rom_bank #(
            .WIDTH(WIDTH), .DEPTH(WORDS), .PORTS(PORTS), .STYLE(STYLE), .LOAD(LOAD),
            .FILE({FILE, NUMBER, ".mem"})
          ) bank (
            .aclk(aclk), .enable(enable), .selected(selected), .address(offset), .word(read)
          );
        end else begin : gen_split
          localparam int REST = WIDTH - SPLIT;
          logic [PORTS*SPLIT-1:0] low;
          logic [PORTS*REST-1:0] high;

          fixed_rom_bank #(
            .WIDTH(SPLIT), .DEPTH(WORDS), .PORTS(PORTS), .STYLE(STYLE), .LOAD(LOAD),
            .FILE({FILE, NUMBER, ".mem"})
          ) bank (
            .aclk(aclk), .enable(enable), .selected(selected), .address(offset), .word(low)
          );
          fixed_rom_bank #(
            .WIDTH(REST), .DEPTH(WORDS), .PORTS(PORTS), .STYLE(STYLE), .LOAD(LOAD),
            .FILE({FILE, NUMBER, "_high.mem"})
          ) bank_high (
            .aclk(aclk), .enable(enable), .selected(selected), .address(offset), .word(high)
          );
          for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_join
            assign read[p*WIDTH +: WIDTH] = {high[p*REST +: REST], low[p*SPLIT +: SPLIT]};
          end
        end
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
