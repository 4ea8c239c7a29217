// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define V16 __m512
#define V16_ZERO _mm512_setzero_ps()
#define V16_LOAD(p) _mm512_loadu_ps(p)
#define V16_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define V16_STORE(p, v) _mm512_storeu_ps(p, v)
#define KERNELS kernels_avx512
#define NAME "avx512"
#include "sw/exec/kernels_body.h"
#endif
