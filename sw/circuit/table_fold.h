// SPDX-License-Identifier: Apache-2.0
// From a full table of an activation to the ROM that hw/fixed_table reads: constant and x + c tails
// are computed, and of an odd function only magnitudes are stored.
//
//      low_slope * n + low_offset | entries[n - first] | high_slope * n + high_offset
//      ---------------------------+--------------------+-----------------------------> n
//                               first            first + depth
//
// An odd ROM maps the magnitude m = |n| with first = 0 and no low tail, and negates the result for
// negative n. The result of either is saturated to the output type.
#ifndef NNGEN_CIRCUIT_TABLE_FOLD_H
#define NNGEN_CIRCUIT_TABLE_FOLD_H

#include "sw/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

// At most so many entries are stored as they are; beyond, sw/circuit/polynomial.h.
enum { TABLE_MAX_ENTRIES = 8192 };

struct table_full {
  int64_t in_lo, in_hi, out_lo, out_hi; // codes
  const int64_t *codes;                 // (in_hi - in_lo + 1), each within out_lo..out_hi
  // Of an odd function of signed types with zero points 0: the unsaturated results for
  // m = 0..-in_lo (1 - in_lo). NULL: not odd.
  const int64_t *magnitudes;
};

struct table_rom {
  bool odd;
  int64_t first, depth; // codes; depth >= 1
  int entry_width;      // bits; unsigned if odd, otherwise those of the output type
  int low_slope, high_slope;
  int64_t low_offset, high_offset;
  const int64_t *entries; // (depth), magnitudes at most -out_lo if odd
};

// The form with the fewest bits. Every code is checked against the full table.
struct table_rom table_fold(struct arena *a, const struct table_full *full);

// The bits that are stored.
int64_t table_rom_bits(const struct table_rom *rom);

// What the circuit computes for code n.
int64_t table_rom_eval(const struct table_rom *rom, int64_t n, int64_t out_lo, int64_t out_hi);

// Its halves, for entries that are computed: the index of code n in entries, outside 0..depth-1 in
// a tail; and the result from the entry there, which a tail ignores.
int64_t table_rom_index(const struct table_rom *rom, int64_t n);
int64_t table_rom_finish(const struct table_rom *rom, int64_t n, int64_t entry, int64_t out_lo,
                         int64_t out_hi);

#endif
