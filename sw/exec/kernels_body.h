// SPDX-License-Identifier: Apache-2.0
// The text of the kernels, compiled once per instruction set. The including file defines
// V16, V16_ZERO, V16_LOAD(p), V16_FMA(a, b, c), V16_STORE(p, v), the function linear16, and
// LINEAR8 (a function or NULL), KERNELS, NAME.

enum { BLOCK = 4 };

// The fixed tree over the 16 lanes.
static float lanes_sum(V16 v) {
  float l[16];
  V16_STORE(l, v);
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) l[i] += l[i + half];
  return l[0];
}

static float dot_real(int64_t in, const float *x, const float *w) {
  V16 s = V16_ZERO;
  for (int64_t k = 0; k < in; k += 16) s = V16_FMA(V16_LOAD(x + k), V16_LOAD(w + k), s);
  return lanes_sum(s);
}

static void linear_real(int64_t rows, int64_t in, int64_t out, const float *x, const float *w,
                        const float *bias, float *y) {
  for (int64_t r = 0; r < rows; r++) {
    const float *xs = x + r * in;
    int64_t o = 0;
    for (; o + BLOCK <= out; o += BLOCK) {
      const float *w0 = w + o * in, *w1 = w0 + in, *w2 = w1 + in, *w3 = w2 + in;
      V16 s0 = V16_ZERO, s1 = V16_ZERO, s2 = V16_ZERO, s3 = V16_ZERO;
      for (int64_t k = 0; k < in; k += 16) {
        V16 v = V16_LOAD(xs + k);
        s0 = V16_FMA(v, V16_LOAD(w0 + k), s0);
        s1 = V16_FMA(v, V16_LOAD(w1 + k), s1);
        s2 = V16_FMA(v, V16_LOAD(w2 + k), s2);
        s3 = V16_FMA(v, V16_LOAD(w3 + k), s3);
      }
      y[r * out + o] = lanes_sum(s0) + bias[o];
      y[r * out + o + 1] = lanes_sum(s1) + bias[o + 1];
      y[r * out + o + 2] = lanes_sum(s2) + bias[o + 2];
      y[r * out + o + 3] = lanes_sum(s3) + bias[o + 3];
    }
    for (; o < out; o++) y[r * out + o] = dot_real(in, xs, w + o * in) + bias[o];
  }
}

// half_even of acc / 2^shift plus zero, clamped to lo..hi.
static inline int32_t requantised(int32_t acc, int shift, int32_t zero, int32_t lo, int32_t hi) {
  int32_t kept = acc >> shift, half = acc >> (shift - 1) & 1, rest = acc & ((1 << (shift - 1)) - 1);
  int32_t q = kept + (half & (kept | (rest != 0))) + zero; // half is 0 or 1
  int32_t above = q > lo ? q : lo; // one choice at a time becomes vector code
  return above < hi ? above : hi;
}

static void requant32(int64_t count, const int32_t *restrict acc, int shift, int32_t zero,
                      int32_t lo, int32_t hi, int32_t *restrict codes) {
  for (int64_t i = 0; i < count; i++) codes[i] = requantised(acc[i], shift, zero, lo, hi);
}

static void requant8(int64_t count, const int32_t *restrict acc, int shift, int32_t zero,
                     int32_t lo, int32_t hi, uint8_t *restrict bytes) {
  for (int64_t i = 0; i < count; i++)
    bytes[i] = (uint8_t)(requantised(acc[i], shift, zero, lo, hi) - lo);
}

static void lookup8(int64_t count, const uint8_t *restrict bytes, const uint8_t *restrict table,
                    uint8_t *restrict to) {
  for (int64_t i = 0; i < count; i++) to[i] = table[bytes[i]];
}

const struct kernels KERNELS = {NAME, linear16, LINEAR8, linear_real, requant32, requant8, lookup8};
