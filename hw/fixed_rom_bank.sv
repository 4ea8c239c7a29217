// SPDX-License-Identifier: MIT-0
// One memory of a fixed_rom: PORTS registered reads, and the check of its image.
//
// Latency 1 cycle. `enable` loads the register, which a block RAM contains, with zeros where
// `selected` (one bit per port) is low.
`default_nettype none

module fixed_rom_bank #(
  // bits of a word; >= 1
  parameter int WIDTH = 8,
  // words; 1 .. 2048
  parameter int DEPTH = 16,
  // reads per cycle; >= 1
  parameter int PORTS = 1,
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

  generate
    if (WIDTH < 1 || PORTS < 1 || DEPTH < 1 || DEPTH > 2048) begin : gen_illegal
      fixed_rom_bank_needs_DEPTH_between_1_and_2048 stop ();
    end
  endgenerate

  // as long as the address reaches, so that no index is out of range
  logic [WIDTH-1:0] memory[0:2**ADDRESS-1];

  initial if (LOAD != 0) begin
`ifndef SYNTHESIS
    // synthesis translate_off
    check_opens;
    // synthesis translate_on
`endif
    $readmemh(FILE, memory, 0, DEPTH - 1);
`ifndef SYNTHESIS
    // synthesis translate_off
    check_words;
    // synthesis translate_on
`endif
  end

  generate
    for (genvar p = 0; p < PORTS; p = p + 1) begin : gen_read
      always_ff @(posedge aclk) begin
        if (enable) begin
          if (selected[p]) word[p*WIDTH +: WIDTH] <= memory[address[p*ADDRESS +: ADDRESS]];
          else word[p*WIDTH +: WIDTH] <= '0;
        end
      end
    end
  endgenerate

`ifndef SYNTHESIS
  // synthesis translate_off
  integer file;
  integer found;
  logic [WIDTH-1:0] value;

  task check_opens;
    file = $fopen(FILE, "r");
    if (file == 0) $fatal(1, "fixed_rom: cannot open the memory image %0s", FILE);
  endtask

  // the image has DEPTH words, and each is what the memory holds
  task check_words;
    found = 0;
    while ($fscanf(file, "%h", value) == 1) begin
      if (found < DEPTH && value !== memory[found[ADDRESS-1:0]]) begin
        $fatal(1, "fixed_rom: memory image %0s: word %0d was not read", FILE, found);
      end
      found = found + 1;
    end
    $fclose(file);
    if (found != DEPTH) begin
      $fatal(1, "fixed_rom: memory image %0s has %0d words, expected %0d", FILE, found, DEPTH);
    end
  endtask
  // synthesis translate_on
`endif
endmodule

`default_nettype wire
