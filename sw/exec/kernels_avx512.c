// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/kernels.h"

#if defined(__x86_64__)
#define DOT16(sum, x, w) _mm512_add_epi32(sum, _mm512_madd_epi16(x, w))
#include "sw/exec/kernels_avx512_body.h"

#define LINEAR8 NULL
#define LINEAR7 NULL
#define KERNELS kernels_avx512
#define NAME "avx512"
#include "sw/exec/kernels_body.h"
#endif
