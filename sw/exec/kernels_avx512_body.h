// SPDX-License-Identifier: Apache-2.0
// The AVX-512 kernels, with and without VNNI: DOT16(sum, x, w) adds products of pairs.
#include <immintrin.h>
#include <string.h>

static inline __m512i group_of(const void *x) {
  int32_t group;
  memcpy(&group, x, sizeof group);
  return _mm512_set1_epi32(group);
}

enum { VECTORS_MAX = 4, ROWS_MAX = 4 };

// `rows` images times 16 * `vectors` outputs, all sums in registers; both are constants where
// inlined. `dot` adds the products of one 32-bit group of inputs with 16 outputs.
static inline __attribute__((always_inline)) void
tile(const int rows, const int vectors, __m512i (*const dot)(__m512i, __m512i, __m512i),
     int64_t groups, int64_t outs, const unsigned char *x, const unsigned char *w,
     const int32_t *bias, int32_t *acc) {
  __m512i sum[ROWS_MAX][VECTORS_MAX];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_loadu_si512(bias + 16 * v);
  for (int64_t g = 0; g < groups; g++) {
    __m512i ws[VECTORS_MAX];
    for (int v = 0; v < vectors; v++) ws[v] = _mm512_loadu_si512(w + (g * outs + 16 * v) * 4);
    for (int r = 0; r < rows; r++) {
      __m512i xs = group_of(x + (r * groups + g) * 4);
      for (int v = 0; v < vectors; v++) sum[r][v] = dot(sum[r][v], xs, ws[v]);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) _mm512_storeu_si512(acc + r * outs + 16 * v, sum[r][v]);
}

// All tiles of `vectors` vectors of outputs.
static inline __attribute__((always_inline)) void
strip(const int vectors, __m512i (*const dot)(__m512i, __m512i, __m512i), int64_t rows,
      int64_t groups, int64_t outs, const unsigned char *x, const unsigned char *w,
      const int32_t *bias, int32_t *acc) {
  int64_t r = 0;
  for (; r + ROWS_MAX <= rows; r += ROWS_MAX)
    tile(ROWS_MAX, vectors, dot, groups, outs, x + r * groups * 4, w, bias, acc + r * outs);
  for (; r < rows; r++)
    tile(1, vectors, dot, groups, outs, x + r * groups * 4, w, bias, acc + r * outs);
}

static inline __attribute__((always_inline)) void
product(__m512i (*const dot)(__m512i, __m512i, __m512i), int64_t rows, int64_t groups, int64_t outs,
        const void *x, const void *w, const int32_t *bias, int32_t *acc) {
  int64_t o = 0;
  for (; o + 16 * VECTORS_MAX <= outs; o += 16 * VECTORS_MAX)
    strip(VECTORS_MAX, dot, rows, groups, outs, x, (const unsigned char *)w + o * 4, bias + o,
          acc + o);
  for (; o < outs; o += 16)
    strip(1, dot, rows, groups, outs, x, (const unsigned char *)w + o * 4, bias + o, acc + o);
}

static inline __m512i dot16(__m512i sum, __m512i x, __m512i w) {
  return DOT16(sum, x, w);
}

static void linear16(int64_t rows, int64_t pairs, int64_t outs, const int16_t *x, const int16_t *w,
                     const int32_t *bias, int32_t *acc) {
  product(dot16, rows, pairs, outs, x, w, bias, acc);
}

#define V16 __m512
#define SOME __mmask16
#define V16_ZERO _mm512_setzero_ps()
#define V16_LOAD(p) _mm512_loadu_ps(p)
#define V16_SET(x) _mm512_set1_ps(x)
#define V16_ADD(a, b) _mm512_add_ps(a, b)
#define V16_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define V16_STORE(p, v) _mm512_storeu_ps(p, v)
#define V16_SOME(count) ((__mmask16)((1u << (count)) - 1))
#define V16_LOAD_SOME(p, some) _mm512_maskz_loadu_ps(some, p)
#define V16_STORE_SOME(p, v, some) _mm512_mask_storeu_ps(p, some, v)
#define V16_MORE(x, y, a, b) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_GT_OQ), b, a)
#define V16_SAME(x, y, a, b) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_EQ_OQ), b, a)
#define V16_SUM(v)                                                                                 \
  lanes_sum8(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)))
#define V16_SUMS(v, to) sums16(v, to)
#include "sw/exec/kernels_sum.h"
enum { DOT_ROWS = 4, DOT_OUTS = 4, TILE_ROWS = 8, TILE_VECTORS = 2 };

// The tree of lanes_sum8 for sixteen vectors at once: each level adds the halves of two and puts
// them side by side.
static inline void sums16(const __m512 v[16], float to[16]) {
  __m512 four[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    __m512 a = _mm512_add_ps(_mm512_shuffle_f32x4(v[i], v[4 + i], 0x44),
                             _mm512_shuffle_f32x4(v[i], v[4 + i], 0xee));
    __m512 b = _mm512_add_ps(_mm512_shuffle_f32x4(v[8 + i], v[12 + i], 0x44),
                             _mm512_shuffle_f32x4(v[8 + i], v[12 + i], 0xee));
    four[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  }
  __m512 a = _mm512_add_ps(_mm512_shuffle_ps(four[0], four[1], 0x44),
                           _mm512_shuffle_ps(four[0], four[1], 0xee));
  __m512 b = _mm512_add_ps(_mm512_shuffle_ps(four[2], four[3], 0x44),
                           _mm512_shuffle_ps(four[2], four[3], 0xee));
  _mm512_storeu_ps(to, _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd)));
}
