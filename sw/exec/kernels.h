// SPDX-License-Identifier: Apache-2.0
// The inner loops, compiled for several instruction sets and chosen when the program runs. All
// variants give the same bits: integers are exact, and the order of the float sums is defined.
#ifndef NNGEN_EXEC_KERNELS_H
#define NNGEN_EXEC_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

enum {
  KERNEL_OUTS = 16, // integer kernels compute this many outputs side by side
};

// A product of two matrices: element (r, k) of a is a[r a_row + k a_k], rows of b and c are b_k and
// c_row apart.
enum { PRODUCT_SHARDS_MAX = 8 };
struct product {
  int64_t rows, columns;
  int64_t a_row, a_k, b_k, c_row;
  int shards;
  int64_t cuts[PRODUCT_SHARDS_MAX + 1]; // (shards + 1) where k is cut
  bool add;                             // to what c holds
};

enum { GATHER_BLOCK = 16 };

// Windows that slide over an image in floats: channel c of tap k for pixel p is x[pixel[p] + tap[k]
// + c]. Rows of y, one per pixel, are y_row apart.
struct windows {
  int64_t pixels, taps, channels, y_row;
  const int64_t *pixel, *tap;
};

// Of floats: the largest size (0 of none), the sum of sizes, in any order, and the largest power of
// two that all are multiples of: infinity of zeros, 0 below 2^-103.
struct extent {
  float most, sum, unit;
};

// y (rows, out) = x (rows, in) * w (out, in) + bias (out, or NULL for zeros) in floats.
typedef void linear_kernel(int64_t rows, int64_t in, int64_t out, const float *x, const float *w,
                           const float *bias, float *y);

// Of an activation: y = f(x), dx = dy f'(x), which may be dy itself.
struct curve_kernels {
  void (*value)(int64_t count, const float *x, float *y);
  void (*dx)(int64_t count, const float *x, const float *dy, float *dx);
};

// d = g + coupled w;  m = beta1 m + rest1 d;  v = beta2 v + rest2 d d;
// w = w shrink - step m / (sqrt(v) scale + epsilon)
struct adam {
  float beta1, rest1, beta2, rest2; // rest = 1 - beta
  float coupled, shrink;            // weight decay: Adam adds it to g, AdamW shrinks w
  float step, scale, epsilon;       // rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
};

// Integer weights are packed so that a vector holds the same inputs of KERNEL_OUTS outputs:
//
//   w[group of 2 (16 bits) or 4 (8 bits) inputs][output][input in the group]
//
// and one group of x is multiplied with a whole vector. `outs` is a multiple of KERNEL_OUTS.
struct kernels {
  const char *name;
  // acc (rows, outs) = x (rows, 2 * pairs) * w (pairs, outs, 2) + bias (outs), within 32 bits.
  void (*linear16)(int64_t rows, int64_t pairs, int64_t outs, const int16_t *x, const int16_t *w,
                   const int32_t *bias, int32_t *acc);
  // acc (rows, outs) = x (rows, 4 * quads) * w (quads, outs, 4) + bias (outs), modulo 2^32; NULL
  // where the machine has no instruction for it.
  void (*linear8)(int64_t rows, int64_t quads, int64_t outs, const uint8_t *x, const int8_t *w,
                  const int32_t *bias, int32_t *acc);
  // The same for x of at most 127.
  void (*linear7)(int64_t rows, int64_t quads, int64_t outs, const uint8_t *x, const int8_t *w,
                  const int32_t *bias, int32_t *acc);
  // Term k goes to lane k % 16, each lane a chain of fused multiply-adds with k ascending; then
  // lane l += lane l + 8, 4, 2, 1; then the bias.
  linear_kernel *linear_real;
  // The same in double, with one rounding, to odd (odd.h).
  linear_kernel *linear_odd;
  void (*extent_real)(int64_t count, const float *x, struct extent *e);
  // c (rows, columns) = or += a (rows, k) * b (k, columns): per element and shard one chain of
  // fused multiply-adds from zero with k ascending, then shard after shard added.
  void (*product_real)(const struct product *p, const float *a, const float *b, float *c);
  // Patches of images: run m of patch p is from[pixel[p] + run[m]] .. n floats on; to (pixels,
  // runs, n). And the reverse, which adds them, patch after patch.
  void (*gather_real)(int64_t pixels, const int64_t *pixel, int64_t runs, const int64_t *run,
                      int64_t n, const float *from, float *to);
  void (*scatter_real)(int64_t pixels, const int64_t *pixel, int64_t runs, const int64_t *run,
                       int64_t n, const float *from, float *to);
  // Each channel for itself, w and dw (taps, channels). y is linear_real's sum of a window, bias
  // NULL for zeros; dx += dy w from zero, pixel after pixel and tap after tap; dw is
  // product_real's, of one shard.
  void (*depthwise_real)(const struct windows *s, const float *x, const float *w, const float *bias,
                         float *y);
  void (*depthwise_dx)(const struct windows *s, const float *dy, const float *w, float *dx);
  void (*depthwise_dw)(const struct windows *s, const float *dy, const float *x, float *dw);
  // The largest of a window: the first tap, or a later one that is greater. dx += dy there.
  void (*max_real)(const struct windows *s, const float *x, float *y);
  void (*max_dx)(const struct windows *s, const float *dy, const float *x, float *dx);
  // y += the taps in their order; dx += dy at each tap.
  void (*sum_real)(const struct windows *s, const float *x, float *y);
  void (*sum_dx)(const struct windows *s, const float *dy, float *dx);
  struct curve_kernels relu, tanh, scaled_tanh, sigmoid;
  // One step of Adam or AdamW on `count` parameters; products and sums are rounded one by one.
  void (*adam)(int64_t count, const struct adam *p, const float *g, float *w, float *m, float *v);
  // acc (channels) = bias (channels) + sum over taps of x[tap] (channels) * w (taps, channels),
  // within 32 bits; `channels` is a multiple of KERNEL_OUTS.
  void (*depthwise16)(int64_t taps, int64_t channels, const int16_t *const *x, const int16_t *w,
                      const int32_t *bias, int32_t *acc);
  // The commonest requantisation, M = 1, half_even, saturate, 1 <= shift <= 30, of the first `out`
  // of each row: codes (rows, out) = clamp(zero + round(acc (rows, outs) / 2^shift), lo, hi).
  void (*requant32)(int64_t rows, int64_t out, int64_t outs, const int32_t *acc, int shift,
                    int32_t zero, int32_t lo, int32_t hi, int32_t *codes);
  // The same in bytes, code - lo; hi - lo <= 255.
  void (*requant8)(int64_t rows, int64_t out, int64_t outs, const int32_t *acc, int shift,
                   int32_t zero, int32_t lo, int32_t hi, uint8_t *bytes);
  // words (count) = bytes + offset.
  void (*widen8)(int64_t count, const uint8_t *bytes, int offset, int16_t *words);
  // to (count) = clamp(a + b + offset, lo, hi), all in bytes but for the sum; b NULL: without it.
  void (*clamp8)(int64_t count, const uint8_t *a, const uint8_t *b, int offset, int lo, int hi,
                 uint8_t *to);
  // `count` patches, each of `rows` rows of `bytes` bytes that lie `step` apart: side by side,
  // patch_step apart, from `from` on, from_step on, ...; 16 bytes beyond either may be touched.
  void (*gather)(int64_t count, int64_t rows, int64_t bytes, const uint8_t *from, int64_t from_step,
                 int64_t step, uint8_t *to, int64_t patch_step);
  // to (count) = table (256) of bytes.
  void (*lookup8)(int64_t count, const uint8_t *bytes, const uint8_t *table, uint8_t *to);
};

// All that this machine runs, the best last; their number.
enum { KERNELS_MAX = 5 };
int kernels_list(const struct kernels *list[KERNELS_MAX]);

// The best that this machine runs, or the one that $NNGEN_KERNELS names, if it runs it.
const struct kernels *kernels_best(void);

// False if $NNGEN_KERNELS names none that this machine has.
struct err;
bool kernels_check(struct err *e);

extern const struct kernels kernels_plain;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512, kernels_vnni, kernels_vbmi;
#endif

#endif
