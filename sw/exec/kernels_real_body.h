// SPDX-License-Identifier: Apache-2.0
// The float kernels, compiled once per instruction set. The order of every sum is defined
// (kernels.h), so that tiles can be of any size: only which sums run side by side changes.
//
//   linear_real    DOT_ROWS x DOT_OUTS sums of 16 lanes each in registers
//   product_real   TILE_ROWS rows times 16 * TILE_VECTORS columns in registers
//
// V16 is a vector of 16 floats, SOME what says that its first 1 to 15 lanes count
// (V16_SOME(count)):
//
//   V16_ZERO   V16_SET(x)   V16_LOAD(p)   V16_STORE(p, v)   V16_ADD(a, b)   V16_FMA(a, b, c)
//   V16_LOAD_SOME(p, some), the other lanes 0        V16_STORE_SOME(p, v, some)
//   V16_MORE(x, y, a, b), V16_SAME(x, y, a, b)       x > y, x == y ? a : b, lane by lane
//   V16_SUM(v) of the lanes, V16_SUMS(vs, to) of DOT_ROWS * DOT_OUTS vectors

#include "sw/exec/kernels.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

// ---- y = x w^T + b

// The loops over tiles are constants where inlined; unrolled, they keep their sums in registers.
INLINE void dots(const int rows, const int outs, int64_t in, int64_t out, const float *x,
                 const float *w, const float bias[DOT_OUTS], float *y) {
  V16 sum[DOT_ROWS * DOT_OUTS];
  float sums[DOT_ROWS * DOT_OUTS];
  int64_t k = 0;
#pragma GCC unroll 16
  for (int i = 0; i < rows * outs; i++) sum[i] = V16_ZERO;
  for (; k + 16 <= in; k += 16)
#pragma GCC unroll 4
    for (int o = 0; o < outs; o++) {
      V16 ws = V16_LOAD(w + o * in + k);
#pragma GCC unroll 16
      for (int r = 0; r < rows; r++)
        sum[r * outs + o] = V16_FMA(V16_LOAD(x + r * in + k), ws, sum[r * outs + o]);
    }
  SOME some = V16_SOME(in - k);
  if (k < in)
#pragma GCC unroll 4
    for (int o = 0; o < outs; o++) {
      V16 ws = V16_LOAD_SOME(w + o * in + k, some);
#pragma GCC unroll 16
      for (int r = 0; r < rows; r++)
        sum[r * outs + o] = V16_FMA(V16_LOAD_SOME(x + r * in + k, some), ws, sum[r * outs + o]);
    }
  if (rows * outs == DOT_ROWS * DOT_OUTS)
    V16_SUMS(sum, sums);
  else
#pragma GCC unroll 16
    for (int i = 0; i < rows * outs; i++) sums[i] = V16_SUM(sum[i]);
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int o = 0; o < outs; o++) y[r * out + o] = sums[r * outs + o] + bias[o];
}

// All rows for `outs` outputs, some rows at once: their weights stay in the cache.
INLINE void dot_rows(const int at_once, const int outs, int64_t rows, int64_t in, int64_t out,
                     const float *x, const float *w, const float *bias, float *y) {
  int64_t r = 0;
  float biases[DOT_OUTS] = {0};
  for (int o = 0; bias && o < outs; o++) biases[o] = bias[o];
  for (; r + at_once <= rows; r += at_once)
    dots(at_once, outs, in, out, x + r * in, w, biases, y + r * out);
  for (; r < rows; r++) dots(1, outs, in, out, x + r * in, w, biases, y + r * out);
}

static void linear_real(int64_t rows, int64_t in, int64_t out, const float *x, const float *w,
                        const float *bias, float *y) {
  int64_t o = 0;
  for (; o + DOT_OUTS <= out; o += DOT_OUTS)
    dot_rows(DOT_ROWS, DOT_OUTS, rows, in, out, x, w + o * in, bias ? bias + o : NULL, y + o);
  for (; o + 2 <= out; o += 2)
    dot_rows(DOT_ROWS * DOT_OUTS / 2, 2, rows, in, out, x, w + o * in, bias ? bias + o : NULL,
             y + o);
  for (; o < out; o++)
    dot_rows(DOT_ROWS * DOT_OUTS, 1, rows, in, out, x, w + o * in, bias ? bias + o : NULL, y + o);
}

// ---- c = a b

// `part`: a vector of which `some` lanes count, as the last of a row.
INLINE V16 load_part(const bool part, const float *p, SOME some) {
  return part ? V16_LOAD_SOME(p, some) : V16_LOAD(p);
}

INLINE void store_part(const bool part, float *p, V16 v, SOME some) {
  if (part)
    V16_STORE_SOME(p, v, some);
  else
    V16_STORE(p, v);
}

// The chains of `rows` x 16 `vectors` elements over k from..to, from zero.
INLINE void chains(const int rows, const int vectors, const bool part, SOME some,
                   const struct product *p, int64_t from, int64_t to, const float *a,
                   const float *b, V16 sum[TILE_ROWS][TILE_VECTORS]) {
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sum[r][v] = V16_ZERO;
  for (int64_t k = from; k < to; k++) {
    V16 bs[TILE_VECTORS];
    for (int v = 0; v < vectors; v++)
      bs[v] = load_part(part && v == vectors - 1, b + k * p->b_k + 16 * v, some);
    for (int r = 0; r < rows; r++) {
      V16 as = V16_SET(a[r * p->a_row + k * p->a_k]);
      for (int v = 0; v < vectors; v++) sum[r][v] = V16_FMA(as, bs[v], sum[r][v]);
    }
  }
}

INLINE void tile_real(const int rows, const int vectors, const bool part, SOME some,
                      const struct product *p, const float *a, const float *b, float *c) {
  V16 total[TILE_ROWS][TILE_VECTORS], sum[TILE_ROWS][TILE_VECTORS];
  chains(rows, vectors, part, some, p, p->cuts[0], p->cuts[1], a, b, total);
  for (int s = 1; s < p->shards; s++) {
    chains(rows, vectors, part, some, p, p->cuts[s], p->cuts[s + 1], a, b, sum);
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < vectors; v++) total[r][v] = V16_ADD(total[r][v], sum[r][v]);
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) {
      const bool last = part && v == vectors - 1;
      float *to = c + r * p->c_row + 16 * v;
      store_part(last, to, p->add ? V16_ADD(load_part(last, to, some), total[r][v]) : total[r][v],
                 some);
    }
}

INLINE void strip_real(const int vectors, const bool part, SOME some, const struct product *p,
                       const float *a, const float *b, float *c) {
  int64_t r = 0;
  for (; r + TILE_ROWS <= p->rows; r += TILE_ROWS)
    tile_real(TILE_ROWS, vectors, part, some, p, a + r * p->a_row, b, c + r * p->c_row);
  for (; r + 2 <= p->rows; r += 2)
    tile_real(2, vectors, part, some, p, a + r * p->a_row, b, c + r * p->c_row);
  for (; r < p->rows; r++)
    tile_real(1, vectors, part, some, p, a + r * p->a_row, b, c + r * p->c_row);
}

static void product_real(const struct product *p, const float *a, const float *b, float *c) {
  int64_t o = 0;
  SOME some = V16_SOME(p->columns % 16);
  for (; o + 16 * TILE_VECTORS <= p->columns; o += 16 * TILE_VECTORS)
    strip_real(TILE_VECTORS, false, some, p, a, b + o, c + o);
  if (TILE_VECTORS == 2 && p->columns - o > 16) {
    strip_real(TILE_VECTORS, true, some, p, a, b + o, c + o);
    return;
  }
  for (; o + 16 <= p->columns; o += 16) strip_real(1, false, some, p, a, b + o, c + o);
  if (o < p->columns) strip_real(1, true, some, p, a, b + o, c + o);
}

// ---- an optimiser's step; loops that the compiler makes into vectors, without fused operations

static void adam(int64_t count, const struct adam *p, const float *restrict g, float *restrict w,
                 float *restrict m, float *restrict v) {
  for (int64_t i = 0; i < count; i++) {
    float d = g[i] + p->coupled * w[i];
    m[i] = p->beta1 * m[i] + p->rest1 * d;
    v[i] = p->beta2 * v[i] + p->rest2 * d * d;
    w[i] = w[i] * p->shrink - p->step * m[i] / (sqrtf(v[i]) * p->scale + p->epsilon);
  }
}
