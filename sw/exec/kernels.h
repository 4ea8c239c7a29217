// SPDX-License-Identifier: Apache-2.0
// The inner loops, compiled for several instruction sets and chosen when the program runs. All
// variants give the same bits: integers are exact, and the order of the float sums is defined.
#ifndef NNGEN_EXEC_KERNELS_H
#define NNGEN_EXEC_KERNELS_H

#include <stdint.h>

enum { KERNEL_LANES = 32 }; // rows of x and w are padded with zeros to a multiple of this

struct kernels {
  const char *name;
  // acc (rows, out) = x (rows, in) * w (out, in) + bias (out); sums stay within 32 bits.
  void (*linear16)(int64_t rows, int64_t in, int64_t out, const int16_t *x, const int16_t *w,
                   const int32_t *bias, int32_t *acc);
  // y (rows, out) = x (rows, in) * w (out, in) + bias (out) in floats. Term k goes to lane k % 16,
  // each lane a chain of fused multiply-adds with k ascending; then lane l += lane l + 8, 4, 2, 1.
  void (*linear_real)(int64_t rows, int64_t in, int64_t out, const float *x, const float *w,
                      const float *bias, float *y);
  // The commonest requantisation, M = 1, half_even, saturate, 1 <= shift <= 30:
  // codes (count) = clamp(zero + round(acc / 2^shift), lo, hi).
  void (*requant32)(int64_t count, const int32_t *acc, int shift, int32_t zero, int32_t lo,
                    int32_t hi, int32_t *codes);
  // codes (count) = table (256) of bytes.
  void (*lookup)(int64_t count, const uint8_t *bytes, const int32_t *table, int32_t *codes);
};

// The best that this machine runs.
const struct kernels *kernels_best(void);

extern const struct kernels kernels_plain;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512;
#endif

#endif
