// SPDX-License-Identifier: MIT-0
// In simulation: a memory image must be the one that the circuit was generated with, byte for byte.
// A stale one, or one of another layer with as many words, would be read without a word. Its FNV-1a
// hash of 32 bits is compared at the beginning; an image that isn't there is left to fixed_rom.
`default_nettype none

module fixed_rom_check #(
  // the image
  parameter FILE = "",
  parameter logic [31:0] HASH = 32'd0
);
`ifndef SYNTHESIS
  // synthesis translate_off
  integer file;
  integer character;
  logic [31:0] hash;

  initial if (FILE != "") begin
    hash = 32'd2166136261;
    file = $fopen(FILE, "r");
    if (file != 0) begin
      character = $fgetc(file);
      while (character >= 0) begin
        hash = (hash ^ 32'(character)) * 32'd16777619;
        character = $fgetc(file);
      end
      $fclose(file);
      if (hash != HASH) begin
        $fatal(1, "fixed_rom: %0s isn't the memory image that the circuit was generated with", FILE);
      end
    end
  end
  // synthesis translate_on
`endif
endmodule

`default_nettype wire
