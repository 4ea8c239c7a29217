// SPDX-License-Identifier: MIT-0
// One memory of a fixed_rom: PORTS registered reads, and the check of its image.
//
// Latency 1 cycle. `enable` loads the register, which a block RAM contains, with zeros where
// `selected` (one bit per port) is low.
//
// STYLE says where tools put it, by attributes of the array: rom_style and ram_style are those of
// Xilinx, syn_romstyle is that of Lattice and Synplify, romstyle that of Intel. yosys takes the first
// that it knows, and has no memory of LUTs for a ROM but logic: rom_block stands before the others.
`default_nettype none

module fixed_rom_bank #(
  // bits of a word; >= 1
  parameter int WIDTH = 8,
  // words; 1 .. 2048
  parameter int DEPTH = 16,
  // reads per cycle; >= 1
  parameter int PORTS = 1,
  // auto (the tool decides), block (block RAM), distributed (LUTs)
  parameter STYLE = "auto",
  // name of the image
  parameter FILE = "",
  // 0: read no image
  parameter int LOAD = FILE != "" ? 1 : 0
) (
  input  logic                                             aclk,
  input  logic                                             enable,
  input  logic [PORTS-1:0]                                 selected,
  input  logic [PORTS*(DEPTH < 2 ? 1 : $clog2(DEPTH))-1:0] address,
  output logic [PORTS*WIDTH-1:0]                           word
);
  localparam int ADDRESS = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int BLOCK = 88'(STYLE) == 88'("block") ? 1 : 0;
  localparam int DISTRIBUTED = 88'(STYLE) == 88'("distributed") ? 1 : 0;

  generate
    if (BLOCK == 0 && DISTRIBUTED == 0 && 88'(STYLE) != 88'("auto")) begin : gen_style
      fixed_rom_bank_has_no_such_STYLE stop ();
    end
    if (WIDTH < 1 || PORTS < 1 || DEPTH < 1 || DEPTH > 2048) begin : gen_illegal
      fixed_rom_bank_needs_DEPTH_between_1_and_2048 stop ();
    end
  endgenerate

  logic [PORTS*WIDTH-1:0] found;

  // arrays as long as the address reaches, so that no index is out of range
  generate
    if (BLOCK != 0) begin : gen_block
      (* rom_style = "block", ram_style = "block", syn_romstyle = "EBR" *)
      logic [WIDTH-1:0] memory[0:2**ADDRESS-1];

      initial if (LOAD != 0) $readmemh(FILE, memory, 0, DEPTH - 1);
      for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_read
        assign found[p*WIDTH +: WIDTH] = memory[address[p*ADDRESS +: ADDRESS]];
      end
    end else if (DISTRIBUTED != 0) begin : gen_distributed
      (* rom_block = "logic", rom_style = "distributed", syn_romstyle = "logic", romstyle = "logic" *)
      logic [WIDTH-1:0] memory[0:2**ADDRESS-1];

      initial if (LOAD != 0) $readmemh(FILE, memory, 0, DEPTH - 1);
      for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_read
        assign found[p*WIDTH +: WIDTH] = memory[address[p*ADDRESS +: ADDRESS]];
      end
    end else begin : gen_auto
      logic [WIDTH-1:0] memory[0:2**ADDRESS-1];

      initial if (LOAD != 0) $readmemh(FILE, memory, 0, DEPTH - 1);
      for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_read
        assign found[p*WIDTH +: WIDTH] = memory[address[p*ADDRESS +: ADDRESS]];
      end
    end

    for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_register
      always_ff @(posedge aclk) begin
        if (enable) begin
          if (selected[p]) word[p*WIDTH +: WIDTH] <= found[p*WIDTH +: WIDTH];
          else word[p*WIDTH +: WIDTH] <= '0;
        end
      end
    end
  endgenerate

`ifndef SYNTHESIS
  // synthesis translate_off
  integer file;
  integer count;
  logic [WIDTH-1:0] value;
  logic [WIDTH-1:0] image[0:2**ADDRESS-1];

  initial if (LOAD != 0) begin
    check_opens;
    $readmemh(FILE, image, 0, DEPTH - 1);
    check_words;
  end

  task check_opens;
    file = $fopen(FILE, "r");
    if (file == 0) $fatal(1, "fixed_rom: cannot open the memory image %0s", FILE);
  endtask

  // the image has DEPTH words, and each is what $readmemh makes of it, here as for the memory
  task check_words;
    count = 0;
    while ($fscanf(file, "%h", value) == 1) begin
      if (count < DEPTH && value !== image[count[ADDRESS-1:0]]) begin
        $fatal(1, "fixed_rom: memory image %0s: word %0d was not read", FILE, count);
      end
      count = count + 1;
    end
    $fclose(file);
    if (count != DEPTH) begin
      $fatal(1, "fixed_rom: memory image %0s has %0d words, expected %0d", FILE, count, DEPTH);
    end
  endtask
  // synthesis translate_on
`endif
endmodule

`default_nettype wire
