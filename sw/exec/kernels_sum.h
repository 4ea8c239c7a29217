// SPDX-License-Identifier: Apache-2.0
// The last three levels of the tree over 16 lanes: l += l + 4, then 2, then 1.
static inline float lanes_sum8(__m256 v) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
