// SPDX-License-Identifier: Apache-2.0
// Minifloats against their definition, over all codes and all ties of all formats, and against what
// other implementations have recorded (tests/formats; docs/numerics.md says where they differ).
#include "sw/base/rng.h"
#include "sw/graph/fix.h"
#include "sw/graph/type.h"
#include "tests/graph/helper_recorded.h"
#include "tests/net/helper_rational.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- all formats

// The number of a code by the sentence that defines it; NaN: of none.
static double defined(const struct minifloat *m, uint32_t code) {
  int e = (int)(code >> m->mantissa) & ((1 << m->exponent) - 1),
      all = 1 << (m->exponent + m->mantissa);
  int mantissa = (int)code & ((1 << m->mantissa) - 1), size = (int)code & (all - 1);
  bool negative = m->is_signed && (int)code >= all;
  if (negative && size == 0) return NAN;
  if (m->top == MINIFLOAT_FN && size == all - 1) return NAN;
  if (m->top == MINIFLOAT_IEEE && e == (1 << m->exponent) - 1) return NAN;
  double v = e == 0 ? mantissa : ldexp(1 + ldexp(mantissa, -m->mantissa), e - 1 + m->mantissa);
  return negative ? -v : v;
}

// Calls `each` with every format of 1 + e + m <= 8 bits, signed or not.
static void all_formats(void (*each)(const struct minifloat *m)) {
  for (int e = 1; e <= 7; e++)
    for (int m = 0; e + m <= 7; m++)
      for (int top = MINIFLOAT_ALL; top <= MINIFLOAT_IEEE; top++)
        for (int is_signed = 0; is_signed <= 1; is_signed++) {
          struct minifloat f = {(uint8_t)e, (uint8_t)m, (enum minifloat_top)top, is_signed};
          each(&f);
        }
}

static void check_codes(const struct minifloat *m) {
  double highest = 0;
  assert_int_equal(minifloat_width(m), m->exponent + m->mantissa + m->is_signed);
  for (uint32_t code = 0; code < 512; code++) {
    bool wide = code >> minifloat_width(m);
    double v = wide ? NAN : defined(m, code);
    assert_int_equal(minifloat_is_code(m, code), !isnan(v));
    if (isnan(v)) continue;
    fix_wide integer = minifloat_integer(m, code);
    assert_true((double)integer == v);
    assert_int_equal(minifloat_code(m, integer), code);
    assert_true(minifloat_has(m, integer));
    assert_true(minifloat_round(m, v, NULL) == integer);
    highest = fmax(highest, v);
  }
  assert_true((double)minifloat_highest(m) == highest);
  assert_false(minifloat_has(m, minifloat_highest(m) + 1));
  assert_true(highest < ldexp(1, minifloat_integer_width(m) - m->is_signed));
}

static void test_codes(void **state) {
  (void)state;
  all_formats(check_codes);
}

// The nearest of all numbers; of two the one whose significand is even, where 1 and 2 are those of
// a format without a mantissa.
static double nearest(const struct minifloat *m, double v) {
  double best = 0, least = INFINITY;
  if (v < 0 && !m->is_signed) return 0;
  for (uint32_t code = 0; !(code >> minifloat_width(m)); code++) {
    double q = defined(m, code), off = fabs(v - q);
    if (isnan(q)) continue;
    bool even = m->mantissa ? !(code & 1) : q == 0 || fabs(q) > fabs(best);
    if (m->mantissa == 0 && best == 0 && off == least) even = false; // half of the least: 0
    if (off < least || (off == least && even)) best = q;
    if (off < least) least = off;
  }
  return best;
}

static void check_rounding(const struct minifloat *m) {
  double highest = (double)minifloat_highest(m);
  if (highest == 0) return;
  for (uint32_t code = 0; !(code >> (m->exponent + m->mantissa)); code++) {
    double v = defined(m, code), up = defined(m, code + 1);
    if (isnan(v)) continue;
    if (isnan(up) || (code + 1) >> (m->exponent + m->mantissa)) up = v * 2 + 1;
    const double points[] = {v,
                             nextafter(v, INFINITY),
                             v + (up - v) / 4,
                             nextafter((v + up) / 2, 0),
                             (v + up) / 2,
                             nextafter((v + up) / 2, INFINITY),
                             up - (up - v) / 4,
                             nextafter(up, 0)};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
      for (int sign = 1; sign >= -1; sign -= 2) {
        double x = sign * points[i];
        fix_wide found = minifloat_round(m, x, NULL);
        if ((double)found != nearest(m, x))
          fail_msg("e%um%u top %d: %.17g gives %g, expected %g", m->exponent, m->mantissa, m->top,
                   x, (double)found, nearest(m, x));
      }
  }
}

static void test_rounding(void **state) {
  (void)state;
  all_formats(check_rounding);
}

// Where nothing saturates: the highest number takes all that rounds to it.
static void test_inside(void **state) {
  (void)state;
  struct minifloat m = {2, 1, MINIFLOAT_ALL, true}, u = {2, 1, MINIFLOAT_ALL, false};
  bool inside;
  assert_true(minifloat_round(&m, 13.99, &inside) == 12 && inside);
  assert_true(minifloat_round(&m, 14, &inside) == 12 && !inside); // 16 by half even
  assert_true(minifloat_round(&m, -1e300, &inside) == -12 && !inside);
  assert_true(minifloat_round(&u, -0.4, &inside) == 0 && inside);
  assert_true(minifloat_round(&u, -0.6, &inside) == 0 && !inside);
  assert_true(minifloat_round(&u, 0.7, &inside) == 1 && inside);
  assert_true(minifloat_round(&u, 0x1p-1074, NULL) == 0);
}

// ---- streams: accumulators become the nearest numbers

static void check_requant(const struct minifloat *m) {
  struct arena a = {0};
  const double scale = 1;
  if (minifloat_integer_width(m) > 62) return;
  struct type type = type_minifloat(&a, m, -1, 1, &scale);
  struct fix_target t = type_target(&type, 0);
  const int shifts[] = {-3, 0, 1, 2, 5, 11, 60, 127, -64};
  for (size_t k = 0; k < sizeof shifts / sizeof *shifts; k++)
    for (int64_t acc = -600; acc <= 600; acc++) {
      int64_t found = fix_requant(acc, 3, shifts[k], &t);
      int64_t expected = rational_requant(acc, 3, shifts[k], &t);
      if (found != expected)
        fail_msg("e%um%u top %d: 3 * %lld / 2^%d gives %lld, expected %lld", m->exponent,
                 m->mantissa, m->top, (long long)acc, shifts[k], (long long)found,
                 (long long)expected);
      assert_true(minifloat_has(m, found));
      bool inside = false, same = false;
      double v = ldexp(3 * (double)acc, -shifts[k]);
      assert_int_equal(fix_requant_real(v, &t, &inside), found);
      assert_int_equal((int64_t)minifloat_round(m, v, &same), found);
      assert_int_equal(inside, same);
    }
  arena_free(&a);
}

static void test_requant(void **state) {
  (void)state;
  all_formats(check_requant);
}

// Accumulators and multipliers of any width.
static void test_wide_requant(void **state) {
  (void)state;
  struct rng r = {5, 0};
  for (int i = 0; i < 100000; i++) {
    struct fix_target t = {.is_float = true,
                           .is_signed = rng_range(&r, 0, 3) != 0,
                           .mantissa = (int)rng_range(&r, 0, 6)};
    int exponent = (int)rng_range(&r, 0, 24), bits = (int)rng_range(&r, 1, 62);
    t.highest = (((int64_t)2 << t.mantissa) - 1) << exponent;
    int64_t acc = rng_range(&r, -((int64_t)1 << (bits - 1)), ((int64_t)1 << (bits - 1)) - 1),
            mul = rng_range(&r, 0, 1) ? 1 : rng_range(&r, 1 << 30, INT32_MAX);
    int shift = bits + (mul > 1 ? 30 : 0) - (int)rng_range(&r, -3, 34);
    assert_int_equal(fix_requant(acc, mul, shift, &t), rational_requant(acc, mul, shift, &t));
  }
  struct fix_target t = {.is_float = true, .is_signed = true, .mantissa = 1, .highest = 12};
  assert_int_equal(fix_requant((fix_wide)1 << 110, 1, 0, &t), 12);
  assert_int_equal(fix_requant(-((fix_wide)1 << 110), 1, -64, &t), -12);
  assert_int_equal(fix_requant(7, 1, 1, &t), 4);  // 3.5, between 3 and 4
  assert_int_equal(fix_requant(5, 1, 0, &t), 4);  // between 4 and 6: the even significand
  assert_int_equal(fix_requant(7, 1, 0, &t), 8);  // between 6 and 8
  assert_int_equal(fix_requant(-1, 1, 1, &t), 0); // half of the least
  assert_int_equal(fix_requant_real(INFINITY, &t, NULL), 12);
  assert_int_equal(fix_requant_real(0x1p-1074, &t, NULL), 0);
}

// ---- words

static const struct {
  const char *text;
  struct minifloat m;
  const char *printed; // NULL: as read
} words[] = {
    {"e2m1", {2, 1, MINIFLOAT_ALL, true}, NULL},
    {"e4m3fn", {4, 3, MINIFLOAT_FN, true}, NULL},
    {"e5m2ieee", {5, 2, MINIFLOAT_IEEE, true}, NULL},
    {"ue4m4", {4, 4, MINIFLOAT_ALL, false}, NULL},
    {"e1m6", {1, 6, MINIFLOAT_ALL, true}, NULL},
    {"e3m0", {3, 0, MINIFLOAT_ALL, true}, NULL},
    {"log4", {3, 0, MINIFLOAT_ALL, true}, "e3m0"},
    {"ulog4", {4, 0, MINIFLOAT_ALL, false}, "ue4m0"},
    {"log2", {1, 0, MINIFLOAT_ALL, true}, "e1m0"},
};
static const struct {
  const char *text, *said; // said NULL: no minifloat at all
} bad_words[] = {
    {"e0m3", "e0m3: no exponent bit, expected at least 1"},
    {"e9m1", "e9m1: 11 bits, at most 8"},
    {"e3m9", "e3m9: 13 bits, at most 8"},
    {"ue4m5", "ue4m5: 9 bits, at most 8"},
    {"e6m0", "e6m0 (log7): its integers need 64 bits, at most 62"},
    {"e6m1", "e6m1: its integers need 65 bits, at most 62"},
    {"e7m0", "e7m0 (log8): its integers need 128 bits, at most 62"},
    {"e1m0ieee", "e1m0ieee: holds no number but 0"},
    {"e1m0fn", "e1m0fn: holds no number but 0"},
    {"log1", "e0m0 (log1): no exponent bit"},
    {"log9", "e8m0 (log9): 9 bits"},
    {"log", NULL},
    {"em", NULL},
    {"e4", NULL},
    {"e4m", NULL},
    {"e004m3", NULL},
    {"E4m3", NULL},
    {"m3e4", NULL},
    {"", NULL},
};

static void test_words(void **state) {
  (void)state;
  struct arena a = {0};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    struct minifloat m;
    struct err e = {0};
    struct type t;
    char text[MINIFLOAT_TEXT];
    const char *end = minifloat_read(words[i].text, &m);
    assert_true(end && !*end && minifloat_check(&m, &e));
    assert_memory_equal(&m, &words[i].m, sizeof m);
    minifloat_text(&m, text);
    const char *printed = words[i].printed ? words[i].printed : words[i].text;
    assert_string_equal(text, printed);
    assert_true(type_parse_short(&a, words[i].text, &t));
    assert_string_equal(type_text(&a, &t), printed);
  }
  for (size_t i = 0; i < sizeof bad_words / sizeof *bad_words; i++) {
    struct minifloat m;
    struct err e = {0};
    struct type t;
    const char *end = minifloat_read(bad_words[i].text, &m);
    assert_false(type_parse_short(&a, bad_words[i].text, &t));
    assert_int_equal(end != NULL, bad_words[i].said != NULL);
    if (!end) continue;
    assert_false(minifloat_check(&m, &e));
    if (!strstr(e.text, bad_words[i].said)) fail_msg("%s: %s", bad_words[i].text, e.text);
  }
  arena_free(&a);
}

static const struct {
  const char *text;
  double scale; // of the integers
} types[] = {{"e4m3", 0x1p-9},     {"e4m3,9", 0x1p-11}, {"e2m1", 0.5}, {"e2m1,-3", 8},
             {"e5m2,-30", 0x1p29}, {"e3m0,4", 0x1p-3},  {"e3m0", 0.25}};

static void test_types(void **state) {
  (void)state;
  struct arena a = {0};
  struct type t, other;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    assert_true(type_parse_short(&a, types[i].text, &t));
    assert_true(t.scale[0] == types[i].scale && type_is_minifloat(&t) && type_is_integer(&t));
    assert_string_equal(type_text(&a, &t), types[i].text);
  }
  const char *bad[] = {"e4m3,", "e4m3,x", "e4m3,1x", "e4m3,59", "e4m3,-36", "e4m3 ", "e4m3,--1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(type_parse_short(&a, bad[i], &t));
  assert_true(type_parse_short(&a, "e4m3", &t) && type_parse_short(&a, "e4m3fn", &other));
  assert_false(type_equal(&t, &other));
  assert_true(type_parse_short(&a, "e3m4", &other) && !type_equal(&t, &other));
  assert_true(type_highest(&t) == 245760 && type_lowest(&t) == -245760 && type_width(&t) == 8);
  assert_true(type_parse_short(&a, "ue2m2", &other));
  assert_true(type_lowest(&other) == 0 && type_highest(&other) == 28 && type_width(&other) == 4);
  assert_true(type_is_code(&t, 17 << 1) == false && type_is_code(&t, 16 << 1));
  double third = 1.0 / 3, channels[2] = {0.5, 0.25};
  other = type_minifloat(&a, &t.minifloat, -1, 1, &third);
  assert_string_equal(type_text(&a, &other), "e4m3 scale 170.667");
  assert_int_equal(type_encode(&other, 5.1), 15); // 15.3
  assert_int_equal(type_encode(&other, 5.7), 18); // 17.1 between 16 and 18
  assert_int_equal(type_encode(&other, -1e9), -245760);
  other = type_minifloat(&a, &t.minifloat, 0, 2, channels);
  assert_string_equal(type_text(&a, &other), "e4m3 per channel");
  assert_int_equal(type_encode_channel(&other, 1, 2), 8);
  arena_free(&a);
}

// ---- what others have recorded

// The type of a case of formats by their definition; false: of another kind.
static bool type_of(struct recorded *r, const json_t *c, struct type *t) {
  bool is_signed = recorded_integer(c, "signed") != 0;
  if (recorded_is(c, "format", "fixed")) {
    *t = type_fixed(&r->arena, (int)recorded_integer(c, "width"), is_signed,
                    ldexp(1, -(int)recorded_integer(c, "fraction")), 0);
    return true;
  }
  if (!recorded_is(c, "format", "minifloat")) return false;
  struct minifloat m = {(uint8_t)recorded_integer(c, "exponent_bits"),
                        (uint8_t)recorded_integer(c, "mantissa_bits"),
                        recorded_top(json_string_value(json_object_get(c, "top"))), is_signed};
  double scale = type_minifloat_scale(&m, (int)recorded_integer(c, "bias"));
  *t = type_minifloat(&r->arena, &m, -1, 1, &scale);
  return true;
}

static void test_definitions(void **state) {
  (void)state;
  struct recorded r = recorded_open("tests/formats/nngen.safetensors");
  size_t i, seen = 0;
  json_t *c;
  json_array_foreach(r.cases, i, c) {
    struct type t;
    if (!type_of(&r, c, &t)) continue;
    const struct tensor *in = recorded_of(&r, c, "in"), *code = recorded_of(&r, c, "code"),
                        *value = recorded_of(&r, c, "value");
    seen++;
    for (int64_t k = 0; k < in->count; k++) {
      int64_t found = type_encode(&t, tensor_real(in, k));
      int64_t bits = type_is_minifloat(&t) ? minifloat_code(&t.minifloat, found) : found;
      if (bits != tensor_int(code, k) || type_value(&t, 0, found) != tensor_real(value, k))
        fail_msg("case %zu, %.9g: code %lld, expected %lld", i, tensor_real(in, k), (long long)bits,
                 (long long)tensor_int(code, k));
    }
  }
  assert_int_equal(seen, 18);
  recorded_close(&r);
}

// Its names: fn is of formats without infinities, which of 4 and 6 bits have no NaN either.
static const struct {
  const char *name;
  struct minifloat m;
} ml_dtypes[] = {
    {"float8_e4m3fn", {4, 3, MINIFLOAT_FN, true}},  {"float8_e5m2", {5, 2, MINIFLOAT_IEEE, true}},
    {"float8_e4m3", {4, 3, MINIFLOAT_IEEE, true}},  {"float8_e3m4", {3, 4, MINIFLOAT_IEEE, true}},
    {"float6_e2m3fn", {2, 3, MINIFLOAT_ALL, true}}, {"float6_e3m2fn", {3, 2, MINIFLOAT_ALL, true}},
    {"float4_e2m1fn", {2, 1, MINIFLOAT_ALL, true}}};

// The same codes, but for what is beyond the highest and for -0; the same numbers.
static void check_ml_dtypes(const struct recorded *r, const json_t *c, const struct minifloat *m) {
  const struct tensor *in = recorded_of(r, c, "in"), *codes = recorded_of(r, c, "code"),
                      *numbers = recorded_of(r, c, "decode");
  double scale = type_minifloat_scale(m, minifloat_bias(m));
  uint32_t sign = 1U << (m->exponent + m->mantissa);
  for (int64_t k = 0; k < numbers->count; k++) {
    double v = tensor_real(numbers, k);
    bool number = isfinite(v) && !(v == 0 && k);
    assert_int_equal(minifloat_is_code(m, (uint32_t)k), number);
    if (number) assert_true((double)minifloat_integer(m, (uint32_t)k) * scale == v);
  }
  for (int64_t k = 0; k < in->count; k++) {
    double v = tensor_real(in, k);
    bool inside = false;
    if (!isfinite(v)) continue;
    uint32_t found = minifloat_code(m, minifloat_round(m, v / scale, &inside));
    uint32_t theirs = (uint32_t)tensor_int(codes, k);
    if (theirs == sign) theirs = 0;
    if (inside || isfinite(tensor_real(numbers, theirs))) assert_int_equal(found, theirs);
  }
}

static void test_ml_dtypes(void **state) {
  (void)state;
  struct recorded r = recorded_open("tests/formats/ml_dtypes.safetensors");
  size_t i, seen = 0;
  json_t *c;
  json_array_foreach(r.cases, i, c) {
    for (size_t k = 0; k < sizeof ml_dtypes / sizeof *ml_dtypes; k++)
      if (recorded_is(c, "format", ml_dtypes[k].name)) {
        check_ml_dtypes(&r, c, &ml_dtypes[k].m);
        seen++;
      }
  }
  assert_int_equal(seen, 7); // without the scale type, which has no 0
  recorded_close(&r);
}

// All finite results of nearest rounding.
static void test_qonnx(void **state) {
  (void)state;
  struct recorded r = recorded_open("tests/formats/qonnx_float.safetensors");
  size_t i, seen = 0;
  json_t *c;
  json_array_foreach(r.cases, i, c) {
    if (!recorded_is(c, "rounding_mode", "ROUND")) continue;
    double max = json_number_value(json_object_get(c, "max_val"));
    const json_t *bias = json_object_get(c, "exponent_bias");
    struct minifloat m = {(uint8_t)recorded_integer(c, "exponent_bits"),
                          (uint8_t)recorded_integer(c, "mantissa_bits"),
                          max == 448     ? MINIFLOAT_FN
                          : max == 57344 ? MINIFLOAT_IEEE
                                         : MINIFLOAT_ALL,
                          recorded_integer(c, "signed") != 0};
    double scale = type_minifloat_scale(&m, json_is_integer(bias) ? (int)json_integer_value(bias)
                                                                  : minifloat_bias(&m)) *
                   json_number_value(json_object_get(c, "scale"));
    const struct tensor *in = recorded_of(&r, c, "in"), *out = recorded_of(&r, c, "out");
    seen++;
    for (int64_t k = 0; k < in->count; k++) {
      double found = (double)minifloat_round(&m, tensor_real(in, k) / scale, NULL) * scale;
      if (isfinite(tensor_real(out, k)) && found != tensor_real(out, k))
        fail_msg("case %zu, %.9g: %g, expected %g", i, tensor_real(in, k), found,
                 tensor_real(out, k));
    }
  }
  assert_int_equal(seen, 9);
  recorded_close(&r);
}

static void test_ap_fixed(void **state) {
  (void)state;
  struct recorded r = recorded_open("tests/formats/ap_fixed.safetensors");
  size_t i;
  json_t *c;
  json_array_foreach(r.cases, i, c) {
    struct fix_target t = {.width = (int)recorded_integer(c, "width"),
                           .is_signed = true,
                           .rounding = (enum fix_rounding)fix_rounding_find(
                               json_string_value(json_object_get(c, "rounding"))),
                           .overflow = (enum fix_overflow)fix_overflow_find(
                               json_string_value(json_object_get(c, "overflow")))};
    const struct tensor *in = recorded_of(&r, c, "in"), *code = recorded_of(&r, c, "code");
    for (int64_t k = 0; k < in->count; k++) {
      double v = ldexp(tensor_real(in, k), (int)recorded_integer(c, "fraction"));
      if (fix_requant_real(v, &t, NULL) != tensor_int(code, k))
        fail_msg("case %zu, %.9g: %lld, expected %lld", i, tensor_real(in, k),
                 (long long)fix_requant_real(v, &t, NULL), (long long)tensor_int(code, k));
    }
  }
  assert_int_equal(json_array_size(r.cases), 84);
  recorded_close(&r);
}

// MASE's integer; and its minifloat_ieee, but for carries out of the mantissa, which it cuts, and
// for what is below 1e-8, which it lets through.
static bool mase_type(struct recorded *r, const json_t *c, struct type *t, bool *cuts) {
  const json_t *p = json_object_get(c, "params"), *bias = json_object_get(p, "exponent_bias");
  *cuts = recorded_is(c, "format", "minifloat_ieee");
  if (recorded_is(c, "in", "in.nonfinite")) return false;
  if (recorded_is(c, "format", "integer") && recorded_integer(p, "width") < 32) {
    *t = type_fixed(&r->arena, (int)recorded_integer(p, "width"),
                    json_is_true(json_object_get(p, "is_signed")),
                    ldexp(1, -(int)recorded_integer(p, "frac_width")), 0);
    return true;
  }
  if (!*cuts) return false;
  int exponent = (int)recorded_integer(p, "exponent_width");
  struct minifloat m = {(uint8_t)exponent, (uint8_t)(recorded_integer(p, "width") - 1 - exponent),
                        MINIFLOAT_ALL, true};
  double scale = type_minifloat_scale(&m, json_is_integer(bias) ? (int)json_integer_value(bias)
                                                                : minifloat_bias(&m));
  *t = type_minifloat(&r->arena, &m, -1, 1, &scale);
  return true;
}

static void test_mase(void **state) {
  (void)state;
  struct recorded r = recorded_open("tests/formats/mase.safetensors");
  size_t i, seen = 0;
  json_t *c;
  json_array_foreach(r.cases, i, c) {
    struct type t;
    bool cuts;
    if (!mase_type(&r, c, &t, &cuts)) continue;
    const struct tensor *in = recorded_of(&r, c, "in"), *out = recorded_of(&r, c, "out");
    seen++;
    for (int64_t k = 0; k < in->count; k++) {
      double v = tensor_real(in, k), found = type_value(&t, 0, type_encode(&t, v));
      double theirs = tensor_real(out, k);
      int exponent;
      bool carried = frexp(fabs(found), &exponent) == 0.5 && fabs(theirs) < fabs(found) &&
                     fabs(v) < fabs(found);
      if (found != theirs && !(cuts && (carried || fabs(v) < 1e-8)))
        fail_msg("case %zu, %.9g: %g, expected %g", i, v, found, theirs);
    }
  }
  assert_int_equal(seen, 15);
  recorded_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_codes),        cmocka_unit_test(test_requant),
      cmocka_unit_test(test_wide_requant), cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_inside),       cmocka_unit_test(test_words),
      cmocka_unit_test(test_types),        cmocka_unit_test(test_definitions),
      cmocka_unit_test(test_ml_dtypes),    cmocka_unit_test(test_qonnx),
      cmocka_unit_test(test_ap_fixed),     cmocka_unit_test(test_mase),
  };
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
