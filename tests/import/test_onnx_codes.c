// SPDX-License-Identifier: Apache-2.0
// Weights that an ONNX file holds as floats of few bits or as integers, with a scale for all, for
// each output or for blocks: each has its value, and integers of the graph where there is a type.
#include "sw/import/formats.h"
#include "tests/import/helper_onnx.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FP8_E4M3FN = 17, FP8_E4M3FNUZ, FP8_E5M2, FP8_E5M2FNUZ, UINT4, INT4, FP4_E2M1, FP8_E8M0 };

// The number of a code by its definition; NaN where there is none.
static double number(int mantissa, int exponent, int bias, unsigned code) {
  int sign = (int)(code >> (mantissa + exponent)) & 1, e = (int)(code >> mantissa);
  e &= (1 << exponent) - 1;
  double m = ldexp(code & ((1U << mantissa) - 1), -mantissa);
  double v = e ? ldexp(1 + m, e - bias) : ldexp(m, 1 - bias);
  return sign ? -v : v;
}

static const struct code {
  const char *type; // of the graph
  int id, mantissa, exponent, bias, bits;
} codes[] = {{"e4m3fn,9", FP8_E4M3FN, 3, 4, 7, 8},
             {"e4m3,10", FP8_E4M3FNUZ, 3, 4, 8, 8},
             {"e5m2ieee,17", FP8_E5M2, 2, 5, 15, 8},
             {"e5m2,18", FP8_E5M2FNUZ, 2, 5, 16, 8},
             {"e2m1,3", FP4_E2M1, 1, 2, 1, 4}};

// Whether a code is a number, as the types' definitions have it.
static bool is_number(const struct code *c, unsigned code) {
  if (c->id == FP8_E4M3FN) return (code & 127) != 127;
  if (c->id == FP8_E5M2) return (code & 124) != 124;
  return c->bits == 4 || code != 128;
}

// x (IN) by weights (IN, OUT) of so many bits, with a scale, zero points of the same type or NULL.
static struct graph *product(struct arena *a, int type, const int64_t shape[2], const void *w,
                             size_t size, int scale_rank, const int64_t *scale_shape,
                             const float *scale, const void *zero, size_t zero_size,
                             const char *attributes, const char **said) {
  struct onnx_text o = {0};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, shape[0]});
  onnx_put_raw(&o, "w", type, 2, shape, w, size);
  onnx_put_floats(&o, "s", scale_rank, scale_shape, scale);
  if (zero) onnx_put_raw(&o, "z", type, scale_rank, scale_shape, zero, zero_size);
  onnx_put_node(&o, "DequantizeLinear", zero ? "w s z" : "w s", "f", attributes);
  onnx_put_node(&o, "MatMul", "x f", "y", "");
  onnx_put_output(&o, "y");
  return onnx_parsed(a, &o, 23, said);
}

// Weight `in`, `out`: what one input alone gives.
static double weight_of(struct arena *a, const struct graph *g, int ins, int in, int out) {
  float *x = ARENA_NEW(a, float, ins);
  int64_t count;
  x[in] = 1;
  return (double)onnx_computed(a, g, x, &count)[out];
}

static const char *type_of_weights(struct arena *a, const struct graph *g) {
  return type_text(a, &node_in(g, &g->nodes[0], 1)->type);
}

static void test_floats(void **state) {
  (void)state;
  for (const struct code *c = codes; c < codes + sizeof codes / sizeof *codes; c++) {
    struct arena a = {0};
    unsigned char raw[256];
    const float scale = 0.25F;
    unsigned list[256];
    int n = 0;
    const char *said;
    for (unsigned code = 0; code < 1U << c->bits; code++)
      if (is_number(c, code)) list[n++] = code;
    for (int i = 0; i < n; i++) {
      if (c->bits == 8) raw[i] = (unsigned char)list[i];
      if (c->bits == 4)
        raw[i / 2] = (unsigned char)(list[i] << (i % 2 * 4) | (i % 2 ? raw[i / 2] : 0));
    }
    const int64_t shape[2] = {n, 1};
    struct graph *g = product(&a, c->id, shape, raw, (size_t)(n * c->bits + 7) / 8, 0, NULL, &scale,
                              NULL, 0, "", &said);
    if (!g) fail_msg("%s: %s", c->type, said);
    assert_string_equal(type_of_weights(&a, g), c->type);
    for (int i = 0; i < n; i++) {
      double expected = 0.25 * number(c->mantissa, c->exponent, c->bias, list[i]);
      double found = weight_of(&a, g, n, i, 0);
      if (found != expected)
        fail_msg("%s: code 0x%02x is %g, expected %g", c->type, list[i], found, expected);
    }
    arena_free(&a);
  }
}

// Codes that are no numbers, and zero points of floats.
static void test_refused(void **state) {
  (void)state;
  static const struct {
    int type;
    unsigned char code, zero;
    const char *words;
  } bad[] = {{FP8_E4M3FN, 0xff, 0, "element 0 is nan; quantise it again"},
             {FP8_E4M3FNUZ, 0x80, 0, "element 0 is nan"},
             {FP8_E5M2, 0x7c, 0, "element 0 is inf"},
             {FP8_E5M2, 0xfc, 0, "element 0 is -inf"},
             {FP8_E5M2, 0x7d, 0, "element 0 is nan"},
             {FP8_E5M2FNUZ, 0x80, 0, "element 0 is nan"},
             {FP8_E4M3FN, 0x10, 0x38, "a zero point; use zero point 0"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct arena a = {0};
    const float scale = 1;
    const char *said = "";
    const int64_t shape[2] = {1, 1};
    struct graph *g = product(&a, bad[i].type, shape, &bad[i].code, 1, 0, NULL, &scale,
                              &bad[i].zero, 1, "", &said);
    if (g || !strstr(said, bad[i].words)) fail_msg("%zu: %s", i, g ? "imported" : said);
    arena_free(&a);
  }
}

// Integers of 4 bits in blocks along the inputs: a scale and a zero point for each.
static void test_blocks(void **state) {
  (void)state;
  static const struct {
    float scale[6];
    const char *type; // NULL: more bits than integers have
  } rows[] = {{{1, 0.5F, 2, 4, 0.25F, 8}, "9,2"}, {{1, 0.3F, 2, 4, 0.25F, 8}, "real"}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct arena a = {0};
    enum { INS = 5, OUTS = 2, BLOCK = 2 };
    unsigned char w[5] = {0x10, 0x32, 0x54, 0x76, 0x98}, zero[3] = {0x21, 0x03, 0x40};
    const int64_t shape[2] = {INS, OUTS}, blocks[2] = {3, OUTS};
    const char *said;
    struct graph *g = product(&a, UINT4, shape, w, sizeof w, 2, blocks, rows[r].scale, zero,
                              sizeof zero, "axis=0 block_size=2", &said);
    if (!g) fail_msg("%s", said);
    assert_string_equal(type_of_weights(&a, g), rows[r].type);
    for (int i = 0; i < INS * OUTS; i++) {
      int in = i / OUTS, out = i % OUTS, k = in / BLOCK * OUTS + out;
      double z = zero[k / 2] >> (k % 2 * 4) & 15;
      double expected = (i - z) * (double)rows[r].scale[k];
      assert_float_equal(weight_of(&a, g, INS, in, out), expected, 1e-6);
    }
    arena_free(&a);
  }
}

static void test_bad_blocks(void **state) {
  (void)state;
  static const char *const attributes[] = {"axis=0 block_size=3", "axis=1 block_size=2",
                                           "axis=7 block_size=2", "axis=0 block_size=-1"};
  for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
    struct arena a = {0};
    const unsigned char w[5] = {0};
    const float scale[6] = {1, 1, 1, 1, 1, 1};
    const int64_t shape[2] = {5, 2}, blocks[2] = {3, 2};
    const char *said = "";
    struct graph *g =
        product(&a, INT4, shape, w, sizeof w, 2, blocks, scale, NULL, 0, attributes[i], &said);
    if (g || !strstr(said, "don't fit its array")) fail_msg("%s: %s", attributes[i], g ? "" : said);
    arena_free(&a);
  }
}

// Exponents of blocks, as the microscaling formats have them: e2m1 times powers of two.
static void test_exponents(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said;
  const unsigned char w[2] = {0xf1, 0x72}, s[2] = {127, 124}; // -6 0.5, 6 1; 1 and 1/8
  const int64_t shape[2] = {4, 1}, blocks[2] = {2, 1};
  static const double expected[] = {0.5, -6, 1 / 8.0, 6 / 8.0};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 4});
  onnx_put_raw(&o, "w", FP4_E2M1, 2, shape, w, sizeof w);
  onnx_put_raw(&o, "s", FP8_E8M0, 2, blocks, s, sizeof s);
  onnx_put_node(&o, "DequantizeLinear", "w s", "f", "axis=0 block_size=2");
  onnx_put_node(&o, "MatMul", "x f", "y", "");
  onnx_put_output(&o, "y");
  struct graph *g = onnx_parsed(&a, &o, 24, &said);
  if (!g) fail_msg("%s", said);
  assert_string_equal(type_of_weights(&a, g), "8,4");
  for (int i = 0; i < 4; i++) assert_true(weight_of(&a, g, 4, i, 0) == expected[i]);
  arena_free(&a);
}

// An exponent that is none.
static void test_no_exponent(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const char *said = "";
  const unsigned char w[2] = {0xf1, 0x72}, s[2] = {127, 255};
  const int64_t shape[2] = {4, 1}, blocks[2] = {2, 1};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 4});
  onnx_put_raw(&o, "w", FP4_E2M1, 2, shape, w, sizeof w);
  onnx_put_raw(&o, "s", FP8_E8M0, 2, blocks, s, sizeof s);
  onnx_put_node(&o, "DequantizeLinear", "w s", "f", "axis=0 block_size=2");
  onnx_put_node(&o, "MatMul", "x f", "y", "");
  onnx_put_output(&o, "y");
  if (onnx_parsed(&a, &o, 24, &said) || !strstr(said, "scale nan; quantise it again"))
    fail_msg("%s", said);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_floats),    cmocka_unit_test(test_refused),
      cmocka_unit_test(test_blocks),    cmocka_unit_test(test_bad_blocks),
      cmocka_unit_test(test_exponents), cmocka_unit_test(test_no_exponent)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
