// SPDX-License-Identifier: Apache-2.0
#include "quant/quantize_blocks.h"

#include <math.h>
#include <string.h>

static double largest(int64_t count, const double *w, bool is_signed) {
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, is_signed ? fabs(w[i]) : w[i]);
  return most;
}

static const int none = BLOCK_EXPONENT_MIN - 1; // of a block of zeros

// The exponent of a block; false: it is too large.
static bool exponent_of(const struct format *f, int64_t count, const double *w, int8_t *to) {
  const struct blocked *b = &f->weight_block;
  double most = largest(count, w, block_is_signed(b));
  int s = most > 0 ? (f->weight_ocp ? block_ocp : block_fit)(b, most) : none;
  if (most > 0 && s < BLOCK_EXPONENT_MIN) s = BLOCK_EXPONENT_MIN;
  *to = (int8_t)s;
  return s <= BLOCK_EXPONENT_MAX;
}

int8_t *quantize_exponents(struct arena *a, const struct format *f, int64_t outs, int64_t taps,
                           const double *w, struct type *t, struct err *e) {
  const struct blocked *b = &f->weight_block;
  int64_t blocks = block_count(b, taps);
  int8_t *exponents = ARENA_NEW(a, int8_t, outs * blocks);
  int lo = BLOCK_EXPONENT_MAX + 1;
  for (int64_t k = 0; k < outs * blocks; k++) {
    int64_t first = k % blocks * b->size, left = taps - first;
    int64_t count = left < b->size ? left : b->size;
    if (!exponent_of(f, count, w + k / blocks * taps + first, &exponents[k])) {
      err_put(e, "output %lld: its weights are too large for exponents up to %d",
              (long long)(k / blocks), BLOCK_EXPONENT_MAX);
      return NULL;
    }
    if (exponents[k] != none && exponents[k] < lo) lo = exponents[k];
  }
  if (lo > BLOCK_EXPONENT_MAX) lo = 0;
  *t = type_block(a, b, ldexp(block_unit(b), lo));
  for (int64_t k = 0; k < outs * blocks; k++) {
    exponents[k] = (int8_t)(exponents[k] == none ? 0 : exponents[k] - lo);
    if (exponents[k] > t->block.span) t->block.span = (uint8_t)exponents[k];
  }
  return exponents;
}

int64_t quantize_in_block(const struct type *t, int exponent, double v) {
  return block_round(&t->block, ldexp(v / t->scale[0], -exponent)) * ((int64_t)1 << exponent);
}
