// SPDX-License-Identifier: Apache-2.0
// The arithmetic: every rounding, overflow and requantisation of docs/numerics.md, once.
// hw/fixed_requant.sv is its twin. All functions are exact for every argument in their contract.
#ifndef NNGEN_GRAPH_FIX_H
#define NNGEN_GRAPH_FIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fix_rounding {
  FIX_FLOOR,
  FIX_ZERO,
  FIX_HALF_UP,
  FIX_HALF_ZERO,
  FIX_HALF_DOWN,
  FIX_HALF_AWAY,
  FIX_HALF_EVEN,
  FIX_CEIL,
  FIX_AWAY,
  FIX_TFLITE,
  FIX_ROUNDINGS
};
enum fix_overflow { FIX_SATURATE, FIX_SYMMETRIC, FIX_WRAP, FIX_TO_ZERO, FIX_OVERFLOWS };

enum { FIX_SHIFT_MIN = -64, FIX_SHIFT_MAX = 127 };

__extension__ typedef __int128 fix_wide; // products and shifted accumulators

// Where a requantisation lands.
struct fix_target {
  int width; // bits, 1..62
  bool is_signed;
  bool bipolar; // one bit: acc >= 0 gives +1, else -1; width, zero, rounding, overflow unused
  // The numbers of a minifloat with so many bits of a mantissa, up to the highest: rounded half to
  // even and saturated, width, zero, rounding, overflow unused.
  bool is_float;
  int mantissa;
  int64_t highest;
  int64_t zero;
  enum fix_rounding rounding;
  enum fix_overflow overflow;
};

static inline int64_t fix_lowest(int width, bool is_signed) {
  return is_signed ? -((int64_t)1 << (width - 1)) : 0;
}

static inline int64_t fix_highest(int width, bool is_signed) {
  return ((int64_t)1 << (is_signed ? width - 1 : width)) - 1;
}

// What to add to the kept bits: `last` kept bit, `half` first dropped bit, `rest` OR of the others.
static inline int fix_increment(enum fix_rounding mode, bool negative, bool last, bool half,
                                bool rest) {
  switch (mode) {
  case FIX_FLOOR:
    return 0;
  case FIX_ZERO:
    return negative && (half || rest);
  case FIX_HALF_UP:
    return half;
  case FIX_HALF_ZERO:
    return half && (negative || rest);
  case FIX_HALF_DOWN:
    return half && rest;
  case FIX_HALF_AWAY:
    return half && (!negative || rest);
  case FIX_HALF_EVEN:
    return half && (last || rest);
  case FIX_CEIL:
    return half || rest;
  case FIX_AWAY:
    return !negative && (half || rest);
  case FIX_TFLITE:
  case FIX_ROUNDINGS:
    break;
  }
  return 0;
}

// v * 2^left for left in 0..64, when the result only has to be right modulo 2^62 and, where it
// exceeds 2^62, in its sign: a large v is first replaced by one of the same sign that agrees with
// it modulo 2^62, so that the shift stays within 128 bits.
static inline fix_wide fix_shift_left(fix_wide v, int left) {
  const fix_wide limit = (fix_wide)1 << 62;
  if (left > 0 && (v >= limit || v < -limit)) {
    fix_wide low = v & (limit - 1);
    v = v > 0 ? limit + low : -2 * limit + low;
  }
  return v * ((fix_wide)1 << left);
}

// round(v / 2^shift) for any rounding but tflite; shift in -64 .. 127.
static inline fix_wide fix_round(fix_wide v, int shift, enum fix_rounding mode) {
  if (shift <= 0) return fix_shift_left(v, -shift);
  fix_wide kept = v >> shift;
  bool half = (v >> (shift - 1)) & 1;
  bool rest = (v & (((fix_wide)1 << (shift - 1)) - 1)) != 0;
  return kept + fix_increment(mode, v < 0, kept & 1, half, rest);
}

// The two-step rounding of TFLite's reference kernels; |acc * 2^max(31 - shift, 0)| < 2^31,
// 0 < mul < 2^31, shift <= 93: so much fits in 64 bits.
static inline int64_t fix_round_tflite(int64_t acc, int64_t mul, int shift) {
  int left = 31 - shift;
  int64_t a = left > 0 ? acc * ((int64_t)1 << left) : acc;
  int64_t high = (a * mul + ((int64_t)1 << 30)) >> 31;
  return left < 0 ? (high + ((int64_t)1 << (-left - 1)) - (high < 0)) >> -left : high;
}

// The code of q in `width` bits.
static inline int64_t fix_overflow(fix_wide q, int width, bool is_signed, int64_t zero,
                                   enum fix_overflow mode) {
  int64_t highest = fix_highest(width, is_signed);
  int64_t lowest = fix_lowest(width, is_signed);
  if (mode == FIX_SYMMETRIC && is_signed) lowest = -highest;
  if (q >= lowest && q <= highest) return (int64_t)q;
  if (mode == FIX_TO_ZERO) return zero;
  if (mode != FIX_WRAP) return q < lowest ? lowest : highest;
  uint64_t low = (uint64_t)q & (((uint64_t)1 << width) - 1);
  bool negative = is_signed && (low >> (width - 1) & 1);
  return (int64_t)low - (negative ? (int64_t)1 << width : 0);
}

// size / 2^shift with `mantissa` bits behind its first, half to even, where the least step is 1;
// what is 2^62 or more stays so. 0 <= size < 2^126, shift in -64 .. 127.
static inline fix_wide fix_round_float(fix_wide size, int shift, int mantissa) {
  int bits = 0;
  if (size == 0) return 0;
  while (bits < 127 && size >> bits) bits++;
  int exponent = bits - 1 - shift; // of the quotient's first bit
  if (exponent >= 62) return (fix_wide)1 << 62;
  if (exponent < -1) return 0;
  int step = exponent > mantissa ? exponent - mantissa : 0, drop = shift + step;
  fix_wide kept = drop > 0 ? fix_round(size, drop, FIX_HALF_EVEN) : size << -drop;
  return kept << step;
}

// The number of t that v / 2^shift is rounded to. `inside`, if not NULL: whether nothing saturated.
static inline int64_t fix_to_float(fix_wide v, int shift, const struct fix_target *t,
                                   bool *inside) {
  fix_wide q = fix_round_float(v < 0 ? -v : v, shift, t->mantissa);
  bool below = v < 0 && !t->is_signed, above = q > t->highest;
  int64_t size = below ? 0 : above ? t->highest : (int64_t)q;
  if (inside) *inside = !(below && q != 0) && (below || !above);
  return v < 0 ? -size : size;
}

// y = overflow(zero + round(acc * mul / 2^shift)). |acc * mul| < 2^126, 0 < mul < 2^62.
static inline int64_t fix_requant(fix_wide acc, int64_t mul, int shift,
                                  const struct fix_target *t) {
  if (t->bipolar) return acc >= 0 ? 1 : -1;
  if (t->is_float) return fix_to_float(acc * mul, shift, t, NULL);
  fix_wide q = t->rounding == FIX_TFLITE ? fix_round_tflite((int64_t)acc, mul, shift)
                                         : fix_round(acc * mul, shift, t->rounding);
  return fix_overflow(q + t->zero, t->width, t->is_signed, t->zero, t->overflow);
}

const char *fix_rounding_text(enum fix_rounding r);
const char *fix_overflow_text(enum fix_overflow o);
int fix_rounding_find(const char *name); // -1 if unknown
int fix_overflow_find(const char *name); // -1 if unknown

// M and S of a real factor r > 0: M = 1 and S = -log2(r) for a power of two, otherwise
// M in [2^30, 2^31) and M / 2^S the nearest to r. False if M would be 0 or S leaves its range.
bool fix_scale(double r, int64_t *mul, int32_t *shift);

// The same for rounding tflite, where M is in [2^30, 2^31) for powers of two as well.
bool fix_scale_tflite(double r, int64_t *mul, int32_t *shift);

// round half to even in double, then clamped to lo..hi: the one way from float to integer.
int64_t fix_from_real(double v, int64_t lo, int64_t hi);

// What fix_requant gives for the accumulator that v is exactly, in units of the target's scale; any
// rounding but tflite. Infinities are beyond all numbers, what isn't a number is 0. `inside`, if
// not NULL: whether nothing overflowed; of a bipolar target, whether v lies within -1..1.
int64_t fix_requant_real(double v, const struct fix_target *t, bool *inside);

#endif
