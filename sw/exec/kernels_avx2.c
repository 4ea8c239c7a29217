// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

struct lanes {
  __m256 low, high;
};

static inline struct lanes load(const float *p) {
  return (struct lanes){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

static inline struct lanes fused(struct lanes a, struct lanes b, struct lanes c) {
  return (struct lanes){_mm256_fmadd_ps(a.low, b.low, c.low),
                        _mm256_fmadd_ps(a.high, b.high, c.high)};
}

static inline struct lanes set(float x) {
  return (struct lanes){_mm256_set1_ps(x), _mm256_set1_ps(x)};
}

static inline struct lanes added(struct lanes a, struct lanes b) {
  return (struct lanes){_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}

// Two inputs of one image, in every lane.
static inline __m256i pair_of(const int16_t *x) {
  int32_t both;
  memcpy(&both, x, sizeof both);
  return _mm256_set1_epi32(both);
}

// ROWS images times 16 outputs: 2 * ROWS sums stay in registers. ROWS is a constant where inlined.
static inline __attribute__((always_inline)) void tile16(const int rows, int64_t pairs,
                                                         int64_t outs, const int16_t *x,
                                                         const int16_t *w, const int32_t *bias,
                                                         int32_t *acc) {
  __m256i sum[4][2];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++)
      sum[r][v] = _mm256_loadu_si256((const __m256i *)(const void *)(bias + 8 * v));
  for (int64_t p = 0; p < pairs; p++) {
    __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)(w + p * outs * 2));
    __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)(w + p * outs * 2 + 16));
    for (int r = 0; r < rows; r++) {
      __m256i xs = pair_of(x + (r * pairs + p) * 2);
      sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(xs, w0));
      sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(xs, w1));
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++)
      _mm256_storeu_si256((__m256i *)(void *)(acc + r * outs + 8 * v), sum[r][v]);
}

static void linear16(int64_t rows, int64_t pairs, int64_t outs, const int16_t *x, const int16_t *w,
                     const int32_t *bias, int32_t *acc) {
  for (int64_t o = 0; o < outs; o += KERNEL_OUTS) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
      tile16(4, pairs, outs, x + r * pairs * 2, w + o * 2, bias + o, acc + r * outs + o);
    for (; r < rows; r++)
      tile16(1, pairs, outs, x + r * pairs * 2, w + o * 2, bias + o, acc + r * outs + o);
  }
}

// Four inputs of one image, in every lane.
static inline __m256i quad_of(const uint8_t *x) {
  int32_t all;
  memcpy(&all, x, sizeof all);
  return _mm256_set1_epi32(all);
}

// As tile16, of bytes up to 127: two products stay within 16 bits.
static inline __attribute__((always_inline)) void tile8(const int rows, int64_t quads, int64_t outs,
                                                        const uint8_t *x, const int8_t *w,
                                                        const int32_t *bias, int32_t *acc) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum[4][2];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++)
      sum[r][v] = _mm256_loadu_si256((const __m256i *)(const void *)(bias + 8 * v));
  for (int64_t q = 0; q < quads; q++) {
    __m256i w0 = _mm256_loadu_si256((const __m256i *)(const void *)(w + q * outs * 4));
    __m256i w1 = _mm256_loadu_si256((const __m256i *)(const void *)(w + q * outs * 4 + 32));
    for (int r = 0; r < rows; r++) {
      __m256i xs = quad_of(x + (r * quads + q) * 4);
      __m256i p0 = _mm256_maddubs_epi16(xs, w0), p1 = _mm256_maddubs_epi16(xs, w1);
      sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(p0, ones));
      sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(p1, ones));
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++)
      _mm256_storeu_si256((__m256i *)(void *)(acc + r * outs + 8 * v), sum[r][v]);
}

static void linear7(int64_t rows, int64_t quads, int64_t outs, const uint8_t *x, const int8_t *w,
                    const int32_t *bias, int32_t *acc) {
  for (int64_t o = 0; o < outs; o += KERNEL_OUTS) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
      tile8(4, quads, outs, x + r * quads * 4, w + o * 4, bias + o, acc + r * outs + o);
    for (; r < rows; r++)
      tile8(1, quads, outs, x + r * quads * 4, w + o * 4, bias + o, acc + r * outs + o);
  }
}

// The first `count` of 16 lanes.
struct some {
  __m256i low, high;
};

static inline struct some some_of(int64_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return (struct some){_mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lane),
                       _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count - 8), lane)};
}

static inline struct lanes load_some(const float *p, struct some s) {
  return (struct lanes){_mm256_maskload_ps(p, s.low), _mm256_maskload_ps(p + 8, s.high)};
}

static inline void store_some(float *p, struct lanes v, struct some s) {
  _mm256_maskstore_ps(p, s.low, v.low);
  _mm256_maskstore_ps(p + 8, s.high, v.high);
}

#define CHOOSE(how, x, y, a, b)                                                                    \
  ((struct lanes){_mm256_blendv_ps((b).low, (a).low, _mm256_cmp_ps((x).low, (y).low, how)),        \
                  _mm256_blendv_ps((b).high, (a).high, _mm256_cmp_ps((x).high, (y).high, how))})

#define V16 struct lanes
#define SOME struct some
#define V16_ZERO set(0)
#define V16_LOAD(p) load(p)
#define V16_SET(x) set(x)
#define V16_ADD(a, b) added(a, b)
#define V16_FMA(a, b, c) fused(a, b, c)
#define V16_STORE(p, v) (_mm256_storeu_ps(p, (v).low), _mm256_storeu_ps((p) + 8, (v).high))
#define V16_SOME(count) some_of(count)
#define V16_LOAD_SOME(p, s) load_some(p, s)
#define V16_STORE_SOME(p, v, s) store_some(p, v, s)
#define V16_MORE(x, y, a, b) CHOOSE(_CMP_GT_OQ, x, y, a, b)
#define V16_SAME(x, y, a, b) CHOOSE(_CMP_EQ_OQ, x, y, a, b)
#define V16_SUM(v) lanes_sum8(_mm256_add_ps((v).low, (v).high))
#define V16_SUMS(v, to) sums4(v, to)
#include "sw/exec/kernels_sum.h"
enum { DOT_ROWS = 2, DOT_OUTS = 2, TILE_ROWS = 5, TILE_VECTORS = 1 };

// The tree of lanes_sum8 for four vectors at once: each level adds the halves of two and puts them
// side by side.
static inline void sums4(const struct lanes v[4], float to[4]) {
  __m256 eight[4];
  for (int i = 0; i < 4; i++) eight[i] = _mm256_add_ps(v[i].low, v[i].high);
  __m256 a = _mm256_add_ps(_mm256_permute2f128_ps(eight[0], eight[2], 0x20),
                           _mm256_permute2f128_ps(eight[0], eight[2], 0x31));
  __m256 b = _mm256_add_ps(_mm256_permute2f128_ps(eight[1], eight[3], 0x20),
                           _mm256_permute2f128_ps(eight[1], eight[3], 0x31));
  __m256 two = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
  __m256 one = _mm256_add_ps(_mm256_shuffle_ps(two, two, 0x88), _mm256_shuffle_ps(two, two, 0xdd));
  _mm_storel_pi((__m64 *)(void *)to, _mm256_castps256_ps128(one));
  _mm_storel_pi((__m64 *)(void *)(to + 2), _mm256_extractf128_ps(one, 1));
}

#define LINEAR8 NULL
#define LINEAR7 linear7
#define KERNELS kernels_avx2
#define NAME "avx2"
#include "sw/exec/kernels_body.h"
#endif
