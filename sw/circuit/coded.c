// SPDX-License-Identifier: Apache-2.0
// Weights whose memory holds codes of minifloats, hw/fixed_decode.sv and hw/fixed_mac_float.sv,
// signs that are added up, hw/fixed_mac_residual.sv, or elements of blocks,
// hw/fixed_linear_blocks.sv.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"

// Wider integers are multiplied as significands; powers of two always are, which takes no
// multiplier.
enum { INTEGER_MOST = 11 };

static void code(struct circuit_linear *l, const struct minifloat *m, bool depthwise) {
  int integer = minifloat_integer_width(m), significand = m->mantissa + 1 + m->is_signed;
  bool floating = !depthwise && (m->mantissa == 0 ? integer > 2 : integer > INTEGER_MOST);
  l->coded = m;
  l->code_width = minifloat_width(m);
  l->shift_width = floating ? m->exponent : 0;
  l->weight_width = floating ? significand : integer;
}

// Signs of each plane; one product at a time takes the integers themselves.
static void code_signs(struct circuit_linear *l, const struct type *t, bool depthwise) {
  l->residual = depthwise ? NULL : &t->residual;
  l->weight_type = depthwise ? type_coding_text(CODING_SIGNED) : "residual";
  l->weight_width = depthwise ? bits_signed(type_highest(t)) : t->width;
  l->code_width = l->weight_width;
}

void circuit_code_weights(struct circuit_linear *l, const struct type *t, bool depthwise) {
  if (l->block_size) return;
  l->code_width = l->weight_width;
  if (type_is_minifloat(t)) code(l, &t->minifloat, depthwise);
  if (type_is_residual(t)) code_signs(l, t, depthwise);
}

void circuit_block_weights(struct arena *a, struct circuit_linear *l, const struct value *w) {
  const struct blocked *b = &w->type.block;
  if (!type_is_block(&w->type)) return;
  int8_t *exponents = tensor_exponents(a, b, w->init);
  int most = 0;
  l->blocks = block_count(b, l->in);
  for (int64_t k = 0; k < l->out * l->blocks; k++) most = exponents[k] > most ? exponents[k] : most;
  l->block_size = b->size;
  l->block_width = bits_unsigned((uint64_t)most);
  l->exponents = exponents;
  l->weight_width = l->code_width = b->width;
  l->weight_type =
      type_coding_text(b->is_float && !b->element.is_signed ? CODING_UNSIGNED : CODING_SIGNED);
  if (b->is_float) code(l, &b->element, false);
}

int64_t circuit_weight_bits(const struct circuit_linear *l, int64_t o, int64_t i) {
  int64_t weight = l->weight[o * l->in + i];
  if (l->block_size) weight /= (int64_t)1 << l->exponents[o * l->blocks + i / l->block_size];
  if (l->coded) return minifloat_code(l->coded, weight);
  if (l->residual) return residual_code(l->residual, weight);
  return l->code_width == 1 ? weight > 0 : weight; // bipolar: bit 1 is +1
}

// The sum of the planes' sums, each times a constant: an adder for each 1 of a factor but the
// first.
static void bill_planes(const struct circuit_linear *l, int64_t outs, struct bill *n) {
  int ones = 0;
  for (int k = 0; k < l->residual->planes; k++) ones += __builtin_popcount(l->residual->factor[k]);
  n->term[TERM_SUMS] += (double)(outs * (ones - 1) * l->acc_width);
  n->term[TERM_DATA] += (double)(outs * l->acc_width);
}

// A bit of an integer is a function of its code's bits; a shift is a multiplexer of two for each
// bit and each level.
void circuit_coded_bill(const struct circuit_linear *l, int64_t products, int64_t outs,
                        struct bill *n) {
  if (l->block_size) {
    bill_rom(n, outs, l->block_width, l->blocks * l->og, 1);
    bill_counter(n, l->block);
    bill_counter(n, l->blocks * l->og);
    n->term[TERM_PRODUCTS] += (double)(outs * l->block_width * l->acc_width) / 2;
    n->term[TERM_DATA] += (double)(outs * l->acc_width);
  }
  if (l->residual) bill_planes(l, outs, n);
  if (!l->coded) return;
  int factor = l->weight_width + l->shift_width;
  int64_t term = l->in_width + l->weight_width + ((int64_t)1 << l->shift_width) - 2;
  n->term[TERM_PRODUCTS] += (double)(products * l->weight_width);
  n->term[TERM_DATA] += (double)(products * factor);
  if (!l->shift_width) return;
  n->term[TERM_PRODUCTS] +=
      (double)(products * l->shift_width) / 2 * (double)(term < l->acc_width ? term : l->acc_width);
  n->term[TERM_DATA] += (double)(products * (l->in_width + factor));
}
