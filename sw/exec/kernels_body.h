// SPDX-License-Identifier: Apache-2.0
// The text of the kernels, compiled once per instruction set. The including file defines
// the vectors of 16 floats (V16, V16_ZERO, V16_LOAD(p), V16_SET(x), V16_ADD(a, b), V16_FMA(a, b,
// c), V16_STORE(p, v), V16_SUM(v)), the tiles of kernels_real_body.h, the function linear16, and
// LINEAR8 (a function or NULL), KERNELS, NAME.

#include "sw/exec/kernels_real_body.h"

// half_even of acc / 2^shift plus zero, clamped to lo..hi.
static inline int32_t requantised(int32_t acc, int shift, int32_t zero, int32_t lo, int32_t hi) {
  int32_t kept = acc >> shift, half = acc >> (shift - 1) & 1, rest = acc & ((1 << (shift - 1)) - 1);
  int32_t q = kept + (half & (kept | (rest != 0))) + zero; // half is 0 or 1
  int32_t above = q > lo ? q : lo; // one choice at a time becomes vector code
  return above < hi ? above : hi;
}

static void requant32(int64_t count, const int32_t *restrict acc, int shift, int32_t zero,
                      int32_t lo, int32_t hi, int32_t *restrict codes) {
  for (int64_t i = 0; i < count; i++) codes[i] = requantised(acc[i], shift, zero, lo, hi);
}

static void requant8(int64_t count, const int32_t *restrict acc, int shift, int32_t zero,
                     int32_t lo, int32_t hi, uint8_t *restrict bytes) {
  for (int64_t i = 0; i < count; i++)
    bytes[i] = (uint8_t)(requantised(acc[i], shift, zero, lo, hi) - lo);
}

static void lookup8(int64_t count, const uint8_t *restrict bytes, const uint8_t *restrict table,
                    uint8_t *restrict to) {
  for (int64_t i = 0; i < count; i++) to[i] = table[bytes[i]];
}

const struct kernels KERNELS = {NAME, linear16,  LINEAR8,  linear_real, product_real,
                                adam, requant32, requant8, lookup8};
