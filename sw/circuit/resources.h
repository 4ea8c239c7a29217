// SPDX-License-Identifier: Apache-2.0
// What a circuit takes of an FPGA, before anybody synthesises it.
//
// A cell's column lists its parts: products, memories, and bits of this and that (terms). Products
// become DSP blocks and memories block RAMs by rules, those of the mapping of yosys 0.23 for a
// family. LUTs and flip-flops are sums of terms times coefficients of the family and the cell's
// kind of module, which scripts/fit-resources measures (resources_<family>.def); docs/resources.md
// says how well that fits.
#ifndef NNGEN_CIRCUIT_RESOURCES_H
#define NNGEN_CIRCUIT_RESOURCES_H

#include "sw/circuit/facts.h"

// Bits, unless they say something else.
enum bill_term {
  TERM_ONE,      // 1 for a cell
  TERM_CONTROL,  // counters and addresses
  TERM_LANES,    // products in DSP blocks, or lanes
  TERM_STREAM,   // beats that are held as they are
  TERM_WORDS,    // words read from memories without a register of their own
  TERM_PRODUCTS, // partial products outside of DSP blocks
  TERM_SUMS,     // adders and comparisons
  TERM_DATA,     // registers of the arithmetic
  TERM_REQUANT,  // what a requantisation adds and clamps
  TERM_ROM,      // LUTs of tables outside of block RAMs, of as many words as they have
  TERM_READ,     // words read from block RAMs
  TERMS
};

enum part {
#define PART(name, ...) PART_##name,
#include "sw/circuit/resources_xc7.def"
#undef PART
  PARTS
};

// The parts of a cell.
struct bill {
  enum family family;
  enum part part;
  int64_t dsp, bram; // blocks
  int64_t lut;       // LUTs that are memories
  double term[TERMS];
};

// lut: of the family, those of memories, too; bram: of the family, 18 or 4 kbit.
struct resources {
  int64_t lut, ff, dsp, bram;
};

const char *part_name(enum part part);

struct bill bill_of(const struct circuit *p, const struct cell *c, enum family family);
struct resources resources_of(const struct bill *n);
struct resources resources_cell(const struct circuit *p, const struct cell *c, enum family family);
void resources_add(struct resources *all, struct resources own);
struct resources resources_circuit(const struct circuit *p, enum family family);

// DSP blocks of a product of two's complement numbers of `a` and `b` bits, by itself and as
// hw/fixed_multiply.sv cuts it; 0: it stays in LUTs.
int64_t dsp_product(enum family family, int a, int b);
int64_t dsp_multiply(enum family family, int a, int b);
// Of a number and itself: the products of two digits are the same either way.
int64_t dsp_square(enum family family, int a);
// Of `d` bits and an unsigned factor of `width` bits, as hw/fixed_product.sv cuts it; value: the
// factor, 0: it isn't constant.
int64_t dsp_factor(enum family family, int d, int width, int64_t value);

// Block RAMs of a memory of 2^bits words that 1 or 2 ports read; 0: it stays in LUTs.
int64_t bram_rom(enum family family, int64_t width, int bits, int ports);
// Of one that is written, too; LUTs that it takes instead.
int64_t bram_ram(enum family family, int64_t width, int bits);
int64_t lut_ram(enum family family, int64_t width, int bits);

// Block RAMs of one of a shape of its own, of a 7 series FPGA.
int64_t bram_rom_shaped(int64_t width, int64_t depth, const struct rom_shape *shape);

// ---- lists of parts, `count` of each

void bill_multiply(struct bill *n, int64_t count, int a, int b);
void bill_square(struct bill *n, int64_t count, int a);
void bill_factor(struct bill *n, int64_t count, int d, int width, int64_t value);
// By a constant of `b` bits, as hw/fixed_multiply.sv cuts it.
void bill_constant(struct bill *n, int64_t count, int a, int b, int64_t value);
// hw/fixed_rom.sv, whose words need `registers` on their way, 2 with the default.
void bill_rom(struct bill *n, int64_t count, int64_t width, int64_t depth, int ports);
// Of a shape of its own.
void bill_rom_shaped(struct bill *n, int64_t count, int64_t width, int64_t depth,
                     const struct rom_shape *shape, int ports);
// Bits of `depth` words that no other bit equals: of few words there are few different ones.
double bill_distinct(double bits, int64_t depth);
void bill_ram(struct bill *n, int64_t count, int64_t width, int64_t depth);
// Of 2^bits words, few: 7 series and ECP5 take LUTs, iCE40, which has no such memories, flip-flops
// or block RAMs.
void bill_lut_ram(struct bill *n, int64_t count, int64_t width, int bits);
// hw/fixed_requant.sv behind a value of `acc` bits; per_channel: its multiplier is read.
void bill_requant(struct bill *n, int64_t lanes, int acc, const struct circuit_requant *r,
                  bool per_channel);
// hw/axis_fifo.sv
void bill_queue(struct bill *n, int64_t width, int64_t depth);
// A counter of so many values.
void bill_counter(struct bill *n, int64_t values);

// The cells that are no layers.
void bill_between(const struct cell *c, struct bill *n);

#endif
