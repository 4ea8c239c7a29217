// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

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

#define V16 struct lanes
#define V16_ZERO                                                                                   \
  { _mm256_setzero_ps(), _mm256_setzero_ps() }
#define V16_LOAD(p) load(p)
#define V16_FMA(a, b, c) fused(a, b, c)
#define V16_STORE(p, v) (_mm256_storeu_ps(p, (v).low), _mm256_storeu_ps((p) + 8, (v).high))
#define KERNELS kernels_avx2
#define NAME "avx2"
#include "sw/exec/kernels_body.h"
#endif
