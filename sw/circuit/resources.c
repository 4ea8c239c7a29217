// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/resources.h"

#include "sw/base/bits.h"

#include <math.h>

// ---- products: mul2dsp with the parameters of synth_xilinx -family xc7

enum { DSP_A = 25, DSP_B = 18, DSP_PART = 17, DSP_LEAST = 2, DSP_PRODUCT_LEAST = 9, DIGIT = 15 };

// The first factor is cut, then the second; parts aren't swapped any more.
static int64_t dsp_cut(int a, int b) {
  if (a < DSP_LEAST || b < DSP_LEAST || a + b < DSP_PRODUCT_LEAST) return 0;
  if (a > DSP_A) {
    int parts = (a - DSP_A + DSP_PART - 1) / DSP_PART;
    return parts * dsp_cut(DSP_PART + 1, b) + dsp_cut(a - parts * DSP_PART, b);
  }
  if (b <= DSP_B) return 1;
  int parts = (b - DSP_B + DSP_PART - 1) / DSP_PART;
  return parts * dsp_cut(a, DSP_PART + 1) + dsp_cut(a, b - parts * DSP_PART);
}

int64_t dsp_product(int a, int b) {
  return a < b ? dsp_cut(b, a) : dsp_cut(a, b);
}

static int digits(int bits) {
  return bits <= DIGIT + 1 ? 1 : (bits + DIGIT - 2) / DIGIT;
}

static int digit_size(int bits, int digit) {
  return digit == digits(bits) - 1 ? bits - DIGIT * digit : DIGIT + 1;
}

int64_t dsp_multiply(int a, int b) {
  int64_t blocks = 0;
  for (int i = 0; i < digits(a); i++)
    for (int k = 0; k < digits(b); k++) blocks += dsp_product(digit_size(a, i), digit_size(b, k));
  return blocks;
}

// A constant that is a power of two shifts.
static int64_t dsp_constant(int d, int64_t value) {
  bool shifts = value >= 0 && (value & (value - 1)) == 0;
  return shifts ? 0 : dsp_product(d, bits_signed(value));
}

int64_t dsp_factor(int d, int width, int64_t value) {
  int rest = width - DIGIT;
  if (!value && rest <= 0) return dsp_product(d, width + 1);
  if (!value && rest <= DIGIT + 1) return dsp_product(d, 16) + dsp_product(d, rest + 1);
  if (!value) return 2 * dsp_product(d, 16) + dsp_product(d, rest - DIGIT + 1);
  if (rest <= 0) return dsp_constant(d, value);
  int64_t low = (int16_t)(uint16_t)value, high = (value - low) >> 16;
  if (rest <= DIGIT + 1) return dsp_constant(d, low) + dsp_constant(d, high);
  return dsp_constant(d, low) + dsp_factor(d, rest, high);
}

void bill_multiply(struct bill *n, int64_t count, int a, int b) {
  int64_t blocks = dsp_multiply(a, b);
  n->dsp += count * blocks;
  n->term[blocks ? TERM_LANES : TERM_PRODUCTS] += (double)(count * (blocks ? 1 : a * b));
}

void bill_factor(struct bill *n, int64_t count, int d, int width, int64_t value) {
  int64_t blocks = dsp_factor(d, width, value);
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
      int64_t blocks = dsp_constant(digit_size(a, i), digit);
      n->dsp += count * blocks;
    }
}

// ---- memories: memory_libmap with the costs of its libraries for 7 series

enum { HALF = 129, FULL = 257, ROM_BITS = 64, LEAST_ADDRESS = 9, LUT_WORDS = 64 };

static int64_t up(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

// Blocks of 18 kbit, and their cost: in halves or whole, whichever is cheaper, as wide as there are
// words for.
static int64_t blocks(int64_t width, int bits, bool two_ports, double *cost) {
  int least = LEAST_ADDRESS + two_ports, over = bits > least ? bits - least : 0;
  int64_t word = two_ports ? 18 : 36, half = word >> over, banks = 1;
  while (half < 1 && ++half) banks *= 2;
  int64_t halves = up(width, half) * banks, wholes = up(width, 2 * half) * banks;
  bool whole = FULL * wholes < HALF * halves;
  *cost = whole ? (double)(FULL * wholes) : (double)(HALF * halves);
  return whole ? 2 * wholes : halves;
}

int64_t bram_rom(int64_t width, int bits, int ports) {
  double cost;
  int64_t n = blocks(width, bits, ports > 1, &cost);
  return (double)(width << bits) / ROM_BITS > cost ? n : 0;
}

// Of 4 LUTs, 32 words of 6 bits or 64 of 3.
static int64_t lut_cells(int64_t width, int bits) {
  return bits <= 5 ? up(width, 6) : up(width, 3) << (bits - 6);
}

static int address_bits(int64_t depth) {
  return depth < 2 ? 1 : bits_clog2(depth);
}

int64_t lut_ram(int64_t width, int bits) {
  return 4 * lut_cells(width, bits);
}

// A cell costs 1, and 7 for the part of it that is used; half a bit of multiplexer 1/2.
int64_t bram_ram(int64_t width, int bits) {
  double cost, banks = bits > 6 ? (double)((int64_t)1 << (bits - 6)) : 1;
  int64_t n = blocks(width, bits, false, &cost);
  double own = (double)lut_cells(width, bits) + 7 * banks * (double)width / (bits <= 5 ? 6 : 3);
  return own + (banks - 1) * (double)width / 2 > cost ? n : 0;
}

double bill_distinct(double bits, int64_t depth) {
  double most = depth < 16 ? (double)((1 << depth) - 2) : INFINITY;
  return most == INFINITY ? bits : most * (1 - exp(-bits / (most + 1)));
}

// Block RAMs of a memory that is told, or not, where to be.
static int64_t bank_blocks(int64_t width, int64_t depth, enum ram_style style, int ports) {
  double cost;
  if (style == RAM_DISTRIBUTED) return 0;
  return style == RAM_BLOCK ? blocks(width, address_bits(depth), ports > 1, &cost)
                            : bram_rom(width, address_bits(depth), ports);
}

static void rom_bank(struct bill *n, int64_t count, int64_t width, int64_t depth,
                     enum ram_style style, int ports) {
  int64_t own = bank_blocks(width, depth, style, ports);
  double bits = (double)(count * width * ports);
  n->bram += count * own;
  if (own) {
    n->term[TERM_READ] += bits;
    return;
  }
  n->term[TERM_WORDS] += bill_distinct(bits, depth);
  n->term[TERM_ROM] += bill_distinct(bits, depth) * (double)up(depth, LUT_WORDS);
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
  struct bill n = {0};
  bill_rom_shaped(&n, 1, width, depth, shape, 1);
  return n.bram;
}

void bill_ram(struct bill *n, int64_t count, int64_t width, int64_t depth) {
  int bits = address_bits(depth);
  int64_t own = bram_ram(width, bits);
  n->bram += count * own;
  if (own) return;
  n->lut += count * lut_ram(width, bits);
  n->term[TERM_WORDS] += (double)(count * width);
}

void bill_queue(struct bill *n, int64_t width, int64_t depth) {
  bill_ram(n, 1, width + 1, depth);
  bill_counter(n, depth);
  n->term[TERM_STREAM] += (double)width + 1;
}

void bill_counter(struct bill *n, int64_t values) {
  n->term[TERM_CONTROL] += address_bits(values);
}

// ---- requantisation

static bool rounds(const struct circuit_requant *r, enum fix_rounding rounding) {
  return r->rounding == fix_rounding_text(rounding);
}

// Bits of the rounded value before it is clamped.
static int64_t rounded(int64_t product, const struct circuit_requant *r) {
  bool two_step = rounds(r, FIX_TFLITE);
  int64_t left = two_step ? (r->shift < 31 ? 31 - r->shift : 0) : r->shift < 0 ? -r->shift : 0;
  int64_t right = two_step ? (r->shift > 31 ? r->shift - 31 : 0) : r->shift > 0 ? r->shift : 0;
  int64_t high = two_step ? (product + left < 32 ? 2 : product + left - 30) : product + left;
  int64_t whole = high > right ? high - right : 1;
  return (whole > r->out_width ? whole : r->out_width + 1) + 1 + (r->zero != 0);
}

void bill_requant(struct bill *n, int64_t lanes, int acc, const struct circuit_requant *r,
                  bool per_channel) {
  if (!r->cast) return;
  if (r->mul_width) {
    bill_factor(n, lanes, acc, r->mul_width, per_channel ? 0 : r->mul);
    n->term[TERM_DATA] += (double)(lanes * (acc + r->mul_width));
  }
  bool wraps = r->overflow == fix_overflow_text(FIX_WRAP), bipolar = r->out_width == 1;
  int64_t sum = bipolar ? 1 : wraps ? r->out_width : rounded(acc + r->mul_width, r);
  n->term[TERM_REQUANT] += (double)(lanes * (sum + r->out_width));
}

// ---- estimates

static const struct row {
  const char *name;
  double lut[TERMS], ff[TERMS];
} rows[PARTS] = {
#define COEFFICIENTS(...)                                                                          \
  { __VA_ARGS__ }
#define PART(name, lut, ff) {#name, lut, ff},
#include "sw/circuit/resources.def"
#undef PART
#undef COEFFICIENTS
};

const char *part_name(enum part part) {
  return rows[part].name;
}

struct bill bill_of(const struct circuit *p, const struct cell *c) {
  struct bill n = {.term[TERM_ONE] = 1};
  if (c->kind == CELL_LAYER)
    circuit_column(p->graph->nodes[c->node].op)->bill(c, &n);
  else
    bill_between(c, &n);
  return n;
}

static int64_t sum(const double *coefficients, const double *terms) {
  double s = 0;
  for (int i = 0; i < TERMS; i++) s += coefficients[i] * terms[i];
  return s < 0 ? 0 : llround(s);
}

struct resources resources_of(const struct bill *n) {
  const struct row *r = &rows[n->part];
  return (struct resources){.lut = n->lut + sum(r->lut, n->term),
                            .ff = sum(r->ff, n->term),
                            .dsp = n->dsp,
                            .bram = n->bram};
}

struct resources resources_cell(const struct circuit *p, const struct cell *c) {
  struct bill n = bill_of(p, c);
  return resources_of(&n);
}

void resources_add(struct resources *all, struct resources own) {
  all->lut += own.lut;
  all->ff += own.ff;
  all->dsp += own.dsp;
  all->bram += own.bram;
}

struct resources resources_circuit(const struct circuit *p) {
  struct resources all = {0};
  for (uint32_t i = 0; i < p->n_cells; i++) resources_add(&all, resources_cell(p, &p->cells[i]));
  return all;
}
