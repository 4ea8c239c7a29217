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
#define LINEAR7 NULL
#define KERNELS kernels_vnni
#define NAME "avx512-vnni"
#include "sw/exec/kernels_body.h"

// Both halves of the table lie in four registers; bit 7 chooses between them.
__attribute__((target("avx512vbmi"))) static __m512i look_up(const __m512i *table, __m512i index) {
  __m512i low = _mm512_permutex2var_epi8(table[0], index, table[1]);
  __m512i high = _mm512_permutex2var_epi8(table[2], index, table[3]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

__attribute__((target("avx512vbmi"))) static void lookup8_vbmi(int64_t count, const uint8_t *bytes,
                                                               const uint8_t *table, uint8_t *to) {
  __m512i parts[4];
  int64_t i = 0;
  for (int k = 0; k < 4; k++) parts[k] = _mm512_loadu_si512(table + 64 * k);
  for (; i + 64 <= count; i += 64)
    _mm512_storeu_si512(to + i, look_up(parts, _mm512_loadu_si512(bytes + i)));
  __mmask64 rest = ((__mmask64)1 << (count - i)) - 1;
  __m512i last = _mm512_maskz_loadu_epi8(rest, bytes + i);
  _mm512_mask_storeu_epi8(to + i, rest, look_up(parts, last));
}

const struct kernels kernels_vbmi = KERNELS_OF("avx512-vbmi", lookup8_vbmi);
#endif
