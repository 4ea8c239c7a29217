// SPDX-License-Identifier: Apache-2.0
// AVX-512 with VNNI: unsigned bytes times signed bytes, four products a lane, added without
// saturation in between.
#include "sw/exec/kernels.h"

#if defined(__x86_64__)
#define DOT16(sum, x, w) _mm512_dpwssd_epi32(sum, x, w)
#include "sw/exec/kernels_avx512_body.h"

static inline __m512i dot8(__m512i sum, __m512i x, __m512i w) {
  return _mm512_dpbusd_epi32(sum, x, w);
}

static void linear8(int64_t rows, int64_t quads, int64_t outs, const uint8_t *x, const int8_t *w,
                    const int32_t *bias, int32_t *acc) {
  product(dot8, rows, quads, outs, x, w, bias, acc);
}

#define LINEAR8 linear8
#define KERNELS kernels_vnni
#define NAME "avx512-vnni"
#include "sw/exec/kernels_body.h"
#endif
