// SPDX-License-Identifier: Apache-2.0
// Weights whose memory holds codes of minifloats: hw/fixed_decode.sv, hw/fixed_mac_float.sv.
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"

// Wider integers are multiplied as significands; powers of two always are, which takes no
// multiplier.
enum { INTEGER_MOST = 11 };

void circuit_code_weights(struct circuit_linear *l, const struct type *t, bool depthwise) {
  const struct minifloat *m = &t->minifloat;
  l->code_width = l->weight_width;
  if (!type_is_minifloat(t)) return;
  int integer = minifloat_integer_width(m), significand = m->mantissa + 1 + m->is_signed;
  bool floating = !depthwise && (m->mantissa == 0 ? integer > 2 : integer > INTEGER_MOST);
  l->coded = m;
  l->code_width = minifloat_width(m);
  l->shift_width = floating ? m->exponent : 0;
  l->weight_width = floating ? significand : integer;
}

int64_t circuit_weight_bits(const struct circuit_linear *l, int64_t weight) {
  if (l->coded) return minifloat_code(l->coded, weight);
  return l->code_width == 1 ? weight > 0 : weight; // bipolar: bit 1 is +1
}

// A bit of an integer is a function of its code's bits; a shift is a multiplexer of two for each
// bit and each level.
void circuit_coded_bill(const struct circuit_linear *l, int64_t weights, int64_t products,
                        struct bill *n) {
  if (!l->coded) return;
  int factor = l->weight_width + l->shift_width;
  int64_t term = l->in_width + l->weight_width + ((int64_t)1 << l->shift_width) - 2;
  n->term[TERM_PRODUCTS] += (double)(weights * l->weight_width);
  n->term[TERM_DATA] += (double)(weights * factor);
  if (!l->shift_width) return;
  n->term[TERM_PRODUCTS] +=
      (double)(products * l->shift_width) / 2 * (double)(term < l->acc_width ? term : l->acc_width);
  n->term[TERM_DATA] += (double)(products * (l->in_width + factor));
}
