// SPDX-License-Identifier: Apache-2.0
// The text of the kernels, compiled once per instruction set. The including file defines
// the vectors of 16 floats (V16 and what kernels_real_body.h says of it), the tiles of that file,
// the function linear16, and LINEAR8 and LINEAR7 (functions or NULL), KERNELS, NAME.

#include "sw/exec/kernels_curve_body.h"
#include "sw/exec/kernels_real_body.h"
#include "sw/exec/kernels_whole_body.h"
#include "sw/exec/kernels_window_body.h"

#include <string.h>

// half_even of acc / 2^shift plus zero, clamped to lo..hi.
static inline int32_t requantised(int32_t acc, int shift, int32_t zero, int32_t lo, int32_t hi) {
  int32_t kept = acc >> shift, half = acc >> (shift - 1) & 1, rest = acc & ((1 << (shift - 1)) - 1);
  int32_t q = kept + (half & (kept | (rest != 0))) + zero; // half is 0 or 1
  int32_t above = q > lo ? q : lo; // one choice at a time becomes vector code
  return above < hi ? above : hi;
}

// Rows whose accumulators are padded go through a block of them.
static void requant32(int64_t rows, int64_t out, int64_t outs, const int32_t *restrict acc,
                      int shift, int32_t zero, int32_t lo, int32_t hi, int32_t *restrict codes) {
  if (out == outs) {
    for (int64_t i = 0; i < rows * out; i++) codes[i] = requantised(acc[i], shift, zero, lo, hi);
    return;
  }
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < out; i++)
      codes[r * out + i] = requantised(acc[r * outs + i], shift, zero, lo, hi);
}

static void requant8(int64_t rows, int64_t out, int64_t outs, const int32_t *restrict acc,
                     int shift, int32_t zero, int32_t lo, int32_t hi, uint8_t *restrict bytes) {
  if (out == outs) {
    for (int64_t i = 0; i < rows * out; i++)
      bytes[i] = (uint8_t)(requantised(acc[i], shift, zero, lo, hi) - lo);
    return;
  }
  for (int64_t r = 0; r < rows; r++)
    for (int64_t o = 0; o < out; o += KERNEL_OUTS) {
      uint8_t block[KERNEL_OUTS];
      for (int i = 0; i < KERNEL_OUTS; i++)
        block[i] = (uint8_t)(requantised(acc[r * outs + o + i], shift, zero, lo, hi) - lo);
      memcpy(bytes + r * out + o, block, (size_t)(out - o < KERNEL_OUTS ? out - o : KERNEL_OUTS));
    }
}

static void depthwise16(int64_t taps, int64_t channels, const int16_t *const *x, const int16_t *w,
                        const int32_t *bias, int32_t *acc) {
  for (int64_t c = 0; c < channels; c += KERNEL_OUTS) {
    int32_t sum[KERNEL_OUTS];
    for (int i = 0; i < KERNEL_OUTS; i++) sum[i] = bias[c + i];
    for (int64_t t = 0; t < taps; t++)
      for (int i = 0; i < KERNEL_OUTS; i++) sum[i] += x[t][c + i] * w[t * channels + c + i];
    for (int i = 0; i < KERNEL_OUTS; i++) acc[c + i] = sum[i];
  }
}

static void widen8(int64_t count, const uint8_t *restrict bytes, int offset,
                   int16_t *restrict words) {
  for (int64_t i = 0; i < count; i++) words[i] = (int16_t)(bytes[i] + offset);
}

static inline uint8_t clamped(int sum, int lo, int hi) {
  int16_t v = (int16_t)sum, least = (int16_t)lo, most = (int16_t)hi;
  int16_t above = v > least ? v : least;
  return (uint8_t)(above < most ? above : most);
}

static void clamp8(int64_t count, const uint8_t *a, const uint8_t *b, int offset, int lo, int hi,
                   uint8_t *to) {
  if (b)
    for (int64_t i = 0; i < count; i++) to[i] = clamped(a[i] + b[i] + offset, lo, hi);
  else
    for (int64_t i = 0; i < count; i++) to[i] = clamped(a[i] + offset, lo, hi);
}

// In whole blocks; what one writes beyond its row the next one writes again, or it is the zeros
// behind a patch, which come last.
static void gather(int64_t count, int64_t rows, int64_t bytes, const uint8_t *from,
                   int64_t from_step, int64_t step, uint8_t *to, int64_t patch_step) {
  enum { BLOCK = 16 };
  for (int64_t n = 0; n < count; n++, from += from_step, to += patch_step) {
    uint8_t *at = to;
    for (int64_t r = 0; r < rows; r++, at += bytes)
      for (int64_t i = 0; i < bytes; i += BLOCK) memcpy(at + i, from + r * step + i, BLOCK);
    for (int64_t i = rows * bytes; i < patch_step; i++) to[i] = 0;
  }
}

static void lookup8(int64_t count, const uint8_t *restrict bytes, const uint8_t *restrict table,
                    uint8_t *restrict to) {
  for (int64_t i = 0; i < count; i++) to[i] = table[bytes[i]];
}

// A table of them.
#define KERNELS_OF(its_name, its_lookup8)                                                          \
  {                                                                                                \
    .name = its_name, .linear16 = linear16, .linear8 = LINEAR8, .linear7 = LINEAR7,                \
    .linear_real = linear_real, .linear_odd = linear_odd, .extent_real = extent_real,              \
    .product_real = product_real, .gather_real = gather_real, .scatter_real = scatter_real,        \
    .depthwise_real = depthwise_real, .depthwise_dx = depthwise_dx, .depthwise_dw = depthwise_dw,  \
    .max_real = max_real, .max_dx = max_dx, .sum_real = sum_real, .sum_dx = sum_dx, .adam = adam,  \
    .depthwise16 = depthwise16, .requant32 = requant32, .requant8 = requant8, .widen8 = widen8,    \
    .clamp8 = clamp8, .gather = gather, .relu = {relu, relu_dx}, .tanh = {tanh_real, tanh_dx},     \
    .scaled_tanh = {scaled_tanh_real, scaled_tanh_dx}, .sigmoid = {sigmoid_real, sigmoid_dx},      \
    .lookup8 = its_lookup8,                                                                        \
  }

const struct kernels KERNELS = KERNELS_OF(NAME, lookup8);
