// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/rom.h"

#include "sw/circuit/resources.h"

#include <string.h>

enum {
  BANK_LEAST = 512,
  BANKS_MOST = 4,
  BLOCK_BITS = 36 * 512,
  LUT_WORDS = 64,
  MUX_GROUPS = 4,
  WORTH = 100
};

static const char *const names[] = {NULL, "auto", "block", "distributed"};

bool ram_style_read(const char *text, enum ram_style *style) {
  for (int i = RAM_AUTO; i <= RAM_DISTRIBUTED; i++)
    if (strcmp(text, names[i]) == 0) return *style = (enum ram_style)i, true;
  return false;
}

const char *ram_style_text(enum ram_style style) {
  return names[style == RAM_UNSAID ? RAM_AUTO : style];
}

struct rom_shape rom_whole(enum ram_style style) {
  return (struct rom_shape){.style = style == RAM_UNSAID ? RAM_AUTO : style, .bank = ROM_BANK};
}

// LUTs of a bank of random words: one for each 64 words and bit, and behind more than four of them
// a quarter more for multiplexers (docs/resources.md); bits of few words are alike.
static int64_t bank_luts(int64_t width, int64_t depth, enum ram_style style) {
  struct rom_shape whole = rom_whole(style);
  if (bram_rom_shaped(width, depth, &whole)) return 0;
  int64_t groups = (depth + LUT_WORDS - 1) / LUT_WORDS;
  if (depth <= 6 && width > (int64_t)1 << depth) return (int64_t)1 << depth;
  return groups <= MUX_GROUPS ? width * groups : width * groups * 5 / 4;
}

// Banks of LUTs beside others are gated, by one more for each bit where a LUT has no input left,
// and all are ORed.
int64_t rom_luts(int64_t width, int64_t depth, const struct rom_shape *s) {
  int64_t banks = (depth + s->bank - 1) / s->bank, last = depth - s->bank * (banks - 1);
  int64_t words[2] = {s->split, width - s->split}, luts = banks > 1 ? width : 0;
  for (int i = 0; i < 2; i++) {
    int64_t own = bank_luts(words[i], last, s->style);
    bool gate = own && banks > 1 && last > LUT_WORDS / 2;
    luts += own + (gate ? words[i] : 0) + (banks - 1) * bank_luts(words[i], s->bank, s->style);
  }
  return luts;
}

static int64_t price(int64_t width, int64_t depth, const struct rom_shape *s) {
  return rom_luts(width, depth, s) + WORTH * bram_rom_shaped(width, depth, s);
}

// Words that are cut leave the low part the full width of block RAMs.
static void try_splits(int64_t width, int64_t depth, int64_t bank, struct rom_shape *best) {
  int64_t words = depth < bank ? depth : bank, unit = BLOCK_BITS / BANK_LEAST;
  struct rom_shape whole = rom_whole(best->style);
  for (int64_t n = BANK_LEAST; n < words; n *= 2) unit /= 2;
  for (int64_t split = 0; split < width; split += unit) {
    struct rom_shape s = {.style = best->style, .bank = bank, .split = split};
    bool saves = bram_rom_shaped(width, depth, &s) < bram_rom_shaped(width, depth, &whole);
    if (saves && price(width, depth, &s) < price(width, depth, best)) *best = s;
  }
}

struct rom_shape rom_shape_of(int64_t width, int64_t depth, enum ram_style style) {
  struct rom_shape best = rom_whole(style);
  if (best.style != RAM_AUTO || !bram_rom_shaped(width, depth, &best)) return best;
  try_splits(width, depth, ROM_BANK, &best);
  for (int64_t bank = ROM_BANK / 2; bank >= BANK_LEAST; bank /= 2)
    if (bank < depth && depth <= BANKS_MOST * bank) try_splits(width, depth, bank, &best);
  return best;
}
