// SPDX-License-Identifier: Apache-2.0
// The float kernels, compiled once per instruction set. The order of every sum is defined
// (kernels.h), so that tiles can be of any size: only which sums run side by side changes.
//
//   linear_real    DOT_ROWS x DOT_OUTS sums of 16 lanes each in registers
//   product_real   TILE_ROWS rows times 16 * TILE_VECTORS columns in registers

#include "sw/exec/kernels.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

// `count` floats, 16 at most; the other lanes are 0.
static V16 load_some(const float *p, int64_t count) {
  float l[16] = {0};
  memcpy(l, p, (size_t)count * sizeof *l);
  return V16_LOAD(l);
}

static void store_some(float *p, V16 v, int64_t count) {
  float l[16];
  V16_STORE(l, v);
  memcpy(p, l, (size_t)count * sizeof *l);
}

// ---- y = x w^T + b

INLINE void dots(const int rows, const int outs, int64_t in, int64_t out, const float *x,
                 const float *w, const float *bias, float *y) {
  V16 sum[DOT_ROWS][DOT_OUTS];
  int64_t k = 0;
  for (int r = 0; r < rows; r++)
    for (int o = 0; o < outs; o++) sum[r][o] = V16_ZERO;
  for (; k + 16 <= in; k += 16)
    for (int o = 0; o < outs; o++) {
      V16 ws = V16_LOAD(w + o * in + k);
      for (int r = 0; r < rows; r++) sum[r][o] = V16_FMA(V16_LOAD(x + r * in + k), ws, sum[r][o]);
    }
  for (int o = 0; k < in && o < outs; o++) {
    V16 ws = load_some(w + o * in + k, in - k);
    for (int r = 0; r < rows; r++)
      sum[r][o] = V16_FMA(load_some(x + r * in + k, in - k), ws, sum[r][o]);
  }
  for (int r = 0; r < rows; r++)
    for (int o = 0; o < outs; o++) y[r * out + o] = V16_SUM(sum[r][o]) + (bias ? bias[o] : 0);
}

// All rows for `outs` outputs: their weights stay in the cache.
INLINE void dot_rows(const int outs, int64_t rows, int64_t in, int64_t out, const float *x,
                     const float *w, const float *bias, float *y) {
  int64_t r = 0;
  for (; r + DOT_ROWS <= rows; r += DOT_ROWS)
    dots(DOT_ROWS, outs, in, out, x + r * in, w, bias, y + r * out);
  for (; r < rows; r++) dots(1, outs, in, out, x + r * in, w, bias, y + r * out);
}

static void linear_real(int64_t rows, int64_t in, int64_t out, const float *x, const float *w,
                        const float *bias, float *y) {
  int64_t o = 0;
  for (; o + DOT_OUTS <= out; o += DOT_OUTS)
    dot_rows(DOT_OUTS, rows, in, out, x, w + o * in, bias ? bias + o : NULL, y + o);
  for (; o < out; o++) dot_rows(1, rows, in, out, x, w + o * in, bias ? bias + o : NULL, y + o);
}

// ---- c = a b

// The chains of `rows` x 16 `vectors` elements over k from..to, from zero.
INLINE void chains(const int rows, const int vectors, const struct product *p, int64_t from,
                   int64_t to, const float *a, const float *b, V16 sum[TILE_ROWS][TILE_VECTORS]) {
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sum[r][v] = V16_ZERO;
  for (int64_t k = from; k < to; k++) {
    V16 bs[TILE_VECTORS];
    for (int v = 0; v < vectors; v++) bs[v] = V16_LOAD(b + k * p->b_k + 16 * v);
    for (int r = 0; r < rows; r++) {
      V16 as = V16_SET(a[r * p->a_row + k * p->a_k]);
      for (int v = 0; v < vectors; v++) sum[r][v] = V16_FMA(as, bs[v], sum[r][v]);
    }
  }
}

INLINE void tile_real(const int rows, const int vectors, const struct product *p, const float *a,
                      const float *b, float *c) {
  V16 total[TILE_ROWS][TILE_VECTORS], sum[TILE_ROWS][TILE_VECTORS];
  chains(rows, vectors, p, p->cuts[0], p->cuts[1], a, b, total);
  for (int s = 1; s < p->shards; s++) {
    chains(rows, vectors, p, p->cuts[s], p->cuts[s + 1], a, b, sum);
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < vectors; v++) total[r][v] = V16_ADD(total[r][v], sum[r][v]);
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) {
      float *to = c + r * p->c_row + 16 * v;
      V16_STORE(to, p->add ? V16_ADD(V16_LOAD(to), total[r][v]) : total[r][v]);
    }
}

// Fewer than 16 columns, one row at a time.
static void narrow_real(const struct product *p, int64_t columns, const float *a, const float *b,
                        float *c) {
  V16 total = V16_ZERO;
  for (int s = 0; s < p->shards; s++) {
    V16 sum = V16_ZERO;
    for (int64_t k = p->cuts[s]; k < p->cuts[s + 1]; k++)
      sum = V16_FMA(V16_SET(a[k * p->a_k]), load_some(b + k * p->b_k, columns), sum);
    total = s ? V16_ADD(total, sum) : sum;
  }
  store_some(c, p->add ? V16_ADD(load_some(c, columns), total) : total, columns);
}

INLINE void strip_real(const int vectors, const struct product *p, const float *a, const float *b,
                       float *c) {
  int64_t r = 0;
  for (; r + TILE_ROWS <= p->rows; r += TILE_ROWS)
    tile_real(TILE_ROWS, vectors, p, a + r * p->a_row, b, c + r * p->c_row);
  for (; r < p->rows; r++) tile_real(1, vectors, p, a + r * p->a_row, b, c + r * p->c_row);
}

static void product_real(const struct product *p, const float *a, const float *b, float *c) {
  int64_t o = 0;
  for (; o + 16 * TILE_VECTORS <= p->columns; o += 16 * TILE_VECTORS)
    strip_real(TILE_VECTORS, p, a, b + o, c + o);
  for (; o + 16 <= p->columns; o += 16) strip_real(1, p, a, b + o, c + o);
  for (int64_t r = 0; o < p->columns && r < p->rows; r++)
    narrow_real(p, p->columns - o, a + r * p->a_row, b + o, c + r * p->c_row + o);
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
