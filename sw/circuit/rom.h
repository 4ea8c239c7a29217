// SPDX-License-Identifier: Apache-2.0
// Where the memory of a layer's weights is put (hw/fixed_rom.sv): in block RAMs or LUTs, and where
// it is cut so that few bits aren't a block RAM of their own.
#ifndef NNGEN_CIRCUIT_ROM_H
#define NNGEN_CIRCUIT_ROM_H

#include <stdbool.h>
#include <stdint.h>

enum { ROM_BANK = 2048 }; // words, at most

enum ram_style {
  RAM_UNSAID, // as the whole circuit, or AUTO
  RAM_AUTO,   // the tool decides
  RAM_BLOCK,
  RAM_DISTRIBUTED // LUTs
};

struct rom_shape {
  enum ram_style style; // not UNSAID
  int64_t bank;         // words of a bank
  int64_t split;        // low bits with banks of their own; 0: words are whole
};

// FINN's words, which are Xilinx': "auto", "block", "distributed". False if it is none.
bool ram_style_read(const char *text, enum ram_style *style);
const char *ram_style_text(enum ram_style style);

// That of a memory that isn't cut.
struct rom_shape rom_whole(enum ram_style style);

// That of so many words of `width` bits. AUTO is cut where each block RAM of 18 kbit that is saved
// costs less than 100 LUTs, by the measurements of docs/resources.md; 7 series parts have 190 and
// more for each.
struct rom_shape rom_shape_of(int64_t width, int64_t depth, enum ram_style style);

// LUTs of random words of that shape (docs/resources.md); trained weights take no more.
int64_t rom_luts(int64_t width, int64_t depth, const struct rom_shape *s);

#endif
