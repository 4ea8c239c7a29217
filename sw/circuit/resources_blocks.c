// SPDX-License-Identifier: Apache-2.0
// DSP blocks of products, block RAMs and LUTs of memories, as yosys maps them.
#include "sw/base/bits.h"
#include "sw/circuit/resources.h"

#include <math.h>

// ---- products: mul2dsp with the parameters of synth_xilinx -family xc7, synth_ecp5, synth_ice40
// -dsp

enum { DIGIT = 15 };

// Of the widest product of a block: its factors, how many bits of a wider factor a block takes, as
// which number, and the fewest bits of a factor and of a product.
static const struct multiplier {
  int a, b, step, part, least, product;
} multipliers[FAMILIES] = {[FAMILY_XC7] = {25, 18, 17, 18, 2, 9},
                           [FAMILY_ECP5] = {18, 18, 18, 18, 2, 4},
                           [FAMILY_ICE40] = {16, 16, 16, 16, 2, 11}};

// The first factor is cut, then the second; parts aren't swapped any more.
static int64_t dsp_cut(const struct multiplier *m, int a, int b) {
  if (a < m->least || b < m->least || a + b < m->product) return 0;
  if (a > m->a) {
    int parts = (a - m->a + m->step - 1) / m->step;
    return parts * dsp_cut(m, m->part, b) + dsp_cut(m, a - parts * m->step, b);
  }
  if (b <= m->b) return 1;
  int parts = (b - m->b + m->step - 1) / m->step;
  return parts * dsp_cut(m, a, m->part) + dsp_cut(m, a, b - parts * m->step);
}

int64_t dsp_product(enum family family, int a, int b) {
  const struct multiplier *m = &multipliers[family];
  return a < b ? dsp_cut(m, b, a) : dsp_cut(m, a, b);
}

static int digits(int bits) {
  return bits <= DIGIT + 1 ? 1 : (bits + DIGIT - 2) / DIGIT;
}

static int digit_size(int bits, int digit) {
  return digit == digits(bits) - 1 ? bits - DIGIT * digit : DIGIT + 1;
}

int64_t dsp_square(enum family family, int a) {
  int64_t blocks = 0;
  for (int i = 0; i < digits(a); i++)
    for (int k = i; k < digits(a); k++)
      blocks += dsp_product(family, digit_size(a, i), digit_size(a, k));
  return blocks;
}

int64_t dsp_multiply(enum family family, int a, int b) {
  int64_t blocks = 0;
  for (int i = 0; i < digits(a); i++)
    for (int k = 0; k < digits(b); k++)
      blocks += dsp_product(family, digit_size(a, i), digit_size(b, k));
  return blocks;
}

// A constant that is a power of two shifts.
static int64_t dsp_constant(enum family family, int d, int64_t value) {
  bool shifts = value >= 0 && (value & (value - 1)) == 0;
  return shifts ? 0 : dsp_product(family, d, bits_signed(value));
}

int64_t dsp_factor(enum family family, int d, int width, int64_t value) {
  int rest = width - DIGIT;
  if (!value && rest <= 0) return dsp_product(family, d, width + 1);
  if (!value && rest <= DIGIT + 1)
    return dsp_product(family, d, 16) + dsp_product(family, d, rest + 1);
  if (!value) return 2 * dsp_product(family, d, 16) + dsp_product(family, d, rest - DIGIT + 1);
  if (rest <= 0) return dsp_constant(family, d, value);
  int64_t low = (int16_t)(uint16_t)value, high = (value - low) >> 16;
  if (rest <= DIGIT + 1) return dsp_constant(family, d, low) + dsp_constant(family, d, high);
  return dsp_constant(family, d, low) + dsp_factor(family, d, rest, high);
}

static void bill_product(struct bill *n, int64_t count, int a, int b, int64_t blocks) {
  int parts = digits(a) * digits(b);
  n->dsp += count * blocks;
  n->term[TERM_SUMS] += (double)(count * (parts - 1) * (a + b));
  n->term[blocks ? TERM_LANES : TERM_PRODUCTS] += (double)(count * (blocks ? 1 : a * b));
}

void bill_multiply(struct bill *n, int64_t count, int a, int b) {
  bill_product(n, count, a, b, dsp_multiply(n->family, a, b));
}

void bill_square(struct bill *n, int64_t count, int a) {
  bill_product(n, count, a, a, dsp_square(n->family, a));
}

void bill_factor(struct bill *n, int64_t count, int d, int width, int64_t value) {
  int64_t blocks = dsp_factor(n->family, d, width, value);
  n->dsp += count * blocks;
  if (blocks > 1) n->term[TERM_SUMS] += (double)(count * (blocks - 1) * (d + width));
  if (!blocks && !value) n->term[TERM_PRODUCTS] += (double)(count * d * width);
}

// Its digits of 15 bits without a sign, the last with one.
void bill_constant(struct bill *n, int64_t count, int a, int b, int64_t value) {
  for (int i = 0; i < digits(a); i++)
    for (int k = 0; k < digits(b); k++) {
      int64_t digit =
          k == digits(b) - 1 ? value >> DIGIT * k : (value >> DIGIT * k) & ((1 << DIGIT) - 1);
      int64_t blocks = dsp_constant(n->family, digit_size(a, i), digit);
      n->dsp += count * blocks;
    }
}

// ---- memories: memory_libmap with the costs of its libraries

enum { HALF = 129, FULL = 257, ECP5_BLOCK = 128, ICE40_BLOCK = 64 };

// Words of a table in a LUT.
static const int lut_words[FAMILIES] = {[FAMILY_XC7] = 64, [FAMILY_ECP5] = 16, [FAMILY_ICE40] = 16};

// Bits of a table in LUTs for 1 of these costs.
static const int rom_bits[FAMILIES] = {[FAMILY_XC7] = 64, [FAMILY_ECP5] = 16, [FAMILY_ICE40] = 16};

static int64_t up(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

// Words that are `most` bits wide where there are 2^least of them, half as wide of twice as many,
// down to `narrow`; beyond that there are banks.
static int64_t rows_of(int bits, int least, int64_t most, int64_t narrow, int64_t *banks) {
  int64_t word = most;
  *banks = 1;
  for (int i = least; i < bits; i++) {
    if (word / 2 >= narrow)
      word /= 2;
    else
      *banks *= 2;
  }
  return word;
}

// Blocks of 18 kbit of a 7 series FPGA: in halves or whole, whichever is cheaper.
static int64_t xc7_blocks(int64_t width, int bits, bool two_ports, double *cost) {
  int64_t banks, half = rows_of(bits, 9 + two_ports, two_ports ? 18 : 36, 1, &banks);
  int64_t halves = up(width, half) * banks, wholes = up(width, 2 * half) * banks;
  bool whole = FULL * wholes < HALF * halves;
  *cost = whole ? (double)(FULL * wholes) : (double)(HALF * halves);
  return whole ? 2 * wholes : halves;
}

// Blocks, and their cost, as wide as there are words for. iCE40's have one port that reads.
static int64_t blocks(enum family family, int64_t width, int bits, bool two_ports, double *cost) {
  int64_t banks, n;
  switch (family) {
  case FAMILY_ECP5:
    n = up(width, rows_of(bits, 9 + two_ports, two_ports ? 18 : 36, 1, &banks));
    *cost = (double)(ECP5_BLOCK * n * banks);
    return n * banks;
  case FAMILY_ICE40:
    n = up(width, rows_of(bits, 8, 16, 2, &banks)) * (1 + two_ports);
    *cost = (double)(ICE40_BLOCK * n * banks);
    return n * banks;
  case FAMILY_XC7:
  case FAMILIES:
    break;
  }
  return xc7_blocks(width, bits, two_ports, cost);
}

int64_t bram_rom(enum family family, int64_t width, int bits, int ports) {
  double cost;
  int64_t n = blocks(family, width, bits, ports > 1, &cost);
  return (double)(width << bits) / rom_bits[family] > cost ? n : 0;
}

static int address_bits(int64_t depth) {
  return depth < 2 ? 1 : bits_clog2(depth);
}

// Of 7 series 4 LUTs, 32 words of 6 bits or 64 of 3; of ECP5 6 with those that write, 16 of 4.
static int64_t lut_cells(enum family family, int64_t width, int bits) {
  if (family == FAMILY_ECP5) return up(width, 4) << (bits > 4 ? bits - 4 : 0);
  return bits <= 5 ? up(width, 6) : up(width, 3) << (bits - 6);
}

int64_t lut_ram(enum family family, int64_t width, int bits) {
  if (family == FAMILY_ICE40) return 0; // flip-flops, if not a block
  return (family == FAMILY_ECP5 ? 6 : 4) * lut_cells(family, width, bits);
}

// The cost of LUTs that are memories: of 7 series a cell costs 1, and 7 for the part of it that is
// used, of ECP5 4; half a bit of multiplexer 1/2. Flip-flops cost 1 for each bit.
static double lut_cost(enum family family, int64_t width, int bits) {
  int least = family == FAMILY_ECP5 ? 4 : 6;
  double banks = bits > least ? (double)((int64_t)1 << (bits - least)) : 1;
  double muxes = (banks - 1) * (double)width / 2, cells = (double)lut_cells(family, width, bits);
  if (family == FAMILY_ICE40) return (double)(width << bits);
  if (family == FAMILY_ECP5) return 4 * cells + muxes;
  return cells + 7 * banks * (double)width / (bits <= 5 ? 6 : 3) + muxes;
}

int64_t bram_ram(enum family family, int64_t width, int bits) {
  double cost;
  int64_t n = blocks(family, width, bits, false, &cost);
  return lut_cost(family, width, bits) > cost ? n : 0;
}

double bill_distinct(double bits, int64_t depth) {
  double most = depth < 16 ? (double)((1 << depth) - 2) : INFINITY;
  return most == INFINITY ? bits : most * (1 - exp(-bits / (most + 1)));
}

// Block RAMs of a memory that is told, or not, where to be.
static int64_t bank_blocks(enum family family, int64_t width, int64_t depth, enum ram_style style,
                           int ports) {
  double cost;
  if (style == RAM_DISTRIBUTED) return 0;
  return style == RAM_BLOCK ? blocks(family, width, address_bits(depth), ports > 1, &cost)
                            : bram_rom(family, width, address_bits(depth), ports);
}

static void rom_bank(struct bill *n, int64_t count, int64_t width, int64_t depth,
                     enum ram_style style, int ports) {
  int64_t own = bank_blocks(n->family, width, depth, style, ports);
  double bits = (double)(count * width * ports);
  n->bram += count * own;
  if (own) {
    n->term[TERM_READ] += bits;
    return;
  }
  n->term[TERM_WORDS] += bill_distinct(bits, depth);
  n->term[TERM_ROM] += bill_distinct(bits, depth) * (double)up(depth, lut_words[n->family]);
}

void bill_rom_shaped(struct bill *n, int64_t count, int64_t width, int64_t depth,
                     const struct rom_shape *shape, int ports) {
  int64_t banks = up(depth, shape->bank), words[2] = {shape->split, width - shape->split};
  for (int i = 0; i < 2; i++) {
    if (!words[i]) continue;
    if (banks > 1) rom_bank(n, count * (banks - 1), words[i], shape->bank, shape->style, ports);
    rom_bank(n, count, words[i], depth - shape->bank * (banks - 1), shape->style, ports);
  }
  if (banks > 1) n->term[TERM_SUMS] += (double)(count * width * ports * up(banks, 4));
}

void bill_rom(struct bill *n, int64_t count, int64_t width, int64_t depth, int ports) {
  struct rom_shape whole = rom_whole(RAM_AUTO);
  bill_rom_shaped(n, count, width, depth, &whole, ports);
}

int64_t bram_rom_shaped(int64_t width, int64_t depth, const struct rom_shape *shape) {
  struct bill n = {.family = FAMILY_XC7};
  bill_rom_shaped(&n, 1, width, depth, shape, 1);
  return n.bram;
}

void bill_ram(struct bill *n, int64_t count, int64_t width, int64_t depth) {
  int bits = address_bits(depth);
  int64_t own = bram_ram(n->family, width, bits);
  n->bram += count * own;
  if (!own) bill_lut_ram(n, count, width, bits);
}

void bill_lut_ram(struct bill *n, int64_t count, int64_t width, int bits) {
  bool flip_flops = n->family == FAMILY_ICE40;
  int64_t own = flip_flops ? bram_ram(n->family, width, bits) : 0;
  n->bram += count * own;
  if (own) return;
  n->lut += count * lut_ram(n->family, width, bits);
  n->term[TERM_WORDS] += (double)(count * width) * (flip_flops ? 1 << bits : 1);
}

void bill_queue(struct bill *n, int64_t width, int64_t depth) {
  bill_ram(n, 1, width + 1, depth);
  bill_counter(n, depth);
  n->term[TERM_STREAM] += (double)width + 1;
}

void bill_counter(struct bill *n, int64_t values) {
  n->term[TERM_CONTROL] += address_bits(values);
}
