// SPDX-License-Identifier: Apache-2.0
// Quant of streams against its definition, on quarters, so that there are ties of both signs: each
// rounding about an odd zero point, and a scale for each channel; in floats and in integers.
#include "quant/formats.h"
#include "quant/quantize.h"
#include "sw/exec/golden.h"
#include "sw/pass/fold_norm.h"
#include "tests/import/helper_onnx.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHANNELS = 3, PIXELS = 2, ELEMENTS = CHANNELS * PIXELS, CODES = 128 };

static double half(double v, bool up) { // ties up or down, in size
  double whole = floor(fabs(v)), rest = fabs(v) - whole;
  return copysign(whole + (rest > 0.5 || (rest == 0.5 && up)), v);
}

static double rounded(const char *mode, double v) {
  if (strcmp(mode, "FLOOR") == 0) return floor(v);
  if (strcmp(mode, "CEIL") == 0) return ceil(v);
  if (strcmp(mode, "UP") == 0) return copysign(ceil(fabs(v)), v);
  if (strcmp(mode, "DOWN") == 0) return trunc(v);
  if (strcmp(mode, "HALF_UP") == 0) return half(v, true);
  if (strcmp(mode, "HALF_DOWN") == 0) return half(v, false);
  return rint(v);
}

struct quant {
  const char *mode;
  float zero, scale[CHANNELS];
  int bits;
  bool is_signed, narrow;
};

static double value_of(const struct quant *q, int channel, double x) {
  double lo = q->is_signed ? -exp2(q->bits - 1) + q->narrow : 0;
  double hi = q->is_signed ? exp2(q->bits - 1) - 1 : exp2(q->bits) - 1 - q->narrow;
  double s = (double)q->scale[channel], z = (double)q->zero;
  double v = fmin(fmax(x / s + z, lo), hi);
  return (rounded(q->mode, v) - z) * s;
}

// Quarters of 8 bits, and the Quant behind them; or that alone, of an input.
static struct graph *graph_of(struct arena *a, const struct quant *q, bool image, bool bare,
                              const char **said) {
  struct onnx_text o = {0};
  const float quarter = 0.25F, none = 0, eight = 8, bits = (float)q->bits;
  bool each = q->scale[0] != q->scale[1];
  onnx_put_input(&o, "x", image ? 4 : 2, (const int64_t[]){0, CHANNELS, 1, PIXELS});
  onnx_put_floats(&o, "quarter", 0, NULL, &quarter);
  onnx_put_floats(&o, "none", 0, NULL, &none);
  onnx_put_floats(&o, "eight", 0, NULL, &eight);
  onnx_put_floats(&o, "bits", 0, NULL, &bits);
  onnx_put_floats(&o, "zero", 0, NULL, &q->zero);
  if (image && each)
    onnx_put_floats(&o, "scale", 4, (const int64_t[]){1, CHANNELS, 1, 1}, q->scale);
  if (!image && each) onnx_put_floats(&o, "scale", 1, (const int64_t[]){CHANNELS}, q->scale);
  if (!each) onnx_put_floats(&o, "scale", 0, NULL, q->scale);
  if (!bare) onnx_put_node(&o, "Quant", "x quarter none eight", "q", "");
  onnx_put_node(
      &o, "Quant", bare ? "x scale zero bits" : "q scale zero bits", "y",
      arena_printf(a, "rounding_mode:%s signed=%d narrow=%d", q->mode, q->is_signed, q->narrow));
  onnx_put_output(&o, "y");
  return onnx_parsed(a, &o, 13, said);
}

static void compare(const struct quant *q, bool image, bool bare) {
  struct arena a = {0};
  struct err e = {0};
  struct formats f = formats_new();
  const char *said;
  struct graph *real = graph_of(&a, q, image, bare, &said);
  if (!real) fail_msg("%s: %s", q->mode, said);
  struct graph *folded = fold_norm(&a, real, &e), *g = folded ? quantize(&a, folded, &f, &e) : NULL;
  if (!g) fail_msg("%s: %s", q->mode, e.text);
  struct golden_ref *m = golden_ref_new(&a, g, 1);
  const struct type *in = &g->values[g->inputs[0].value].type;
  const struct type *out = &g->values[g->outputs[0]].type;
  int n = image ? ELEMENTS : CHANNELS;
  bool last = real->values[real->inputs[0].value].shape[2] == CHANNELS;
  for (int code = -CODES; code < CODES; code++) {
    float x[ELEMENTS];
    double file[ELEMENTS];
    int64_t codes[ELEMENTS], count;
    for (int i = 0; i < n; i++) {
      int own = image && last ? i % PIXELS * CHANNELS + i / PIXELS : i;
      file[i] = ((code + i * 11 + CODES) % (2 * CODES) - CODES) / 4.0;
      x[own] = (float)file[i];
      codes[own] = type_encode(in, file[i]);
    }
    const float *y = onnx_computed(&a, real, x, &count);
    golden_ref_step(m, (const int64_t *const[]){codes});
    const int64_t *z = golden_ref_value(m, g->outputs[0]);
    assert_int_equal(count, n);
    for (int i = 0; i < n; i++) {
      double expected = value_of(q, image ? i / PIXELS : i, file[i]);
      double integer = type_value(out, 0, z[i]);
      double most = 1e-6 * (1 + fabs(expected));
      if (fabs((double)y[i] - expected) > most || fabs(integer - expected) > most)
        fail_msg("%s, zero %g, bits %d: element %d of %g: %g, in integers %g, expected %g", q->mode,
                 (double)q->zero, q->bits, i, file[i], (double)y[i], integer, expected);
    }
  }
  arena_free(&a);
}

static const char *const modes[] = {"ROUND", "HALF_UP", "HALF_DOWN", "UP", "DOWN", "FLOOR", "CEIL"};
enum { MODES = sizeof modes / sizeof *modes };

static void test_zero_points(void **state) {
  (void)state;
  static const float zeros[] = {0, 1, 5, 6, -3};
  for (int k = 0; k < MODES * 5 * 4; k++) {
    struct quant q = {.mode = modes[k % MODES],
                      .zero = zeros[k / MODES % 5],
                      .scale = {1, 1, 1},
                      .bits = 5,
                      .is_signed = k / MODES / 5 % 2,
                      .narrow = k / MODES / 10};
    if (q.zero < 0 && !q.is_signed) continue;
    compare(&q, k % 2, false);
    compare(&q, k % 2, true);
  }
}

// Each channel has its own numbers. Of scales that are no powers of two there are no ties here: a
// multiplier M / 2^S puts those on one side.
static void test_channels(void **state) {
  (void)state;
  static const float scales[][CHANNELS] = {{0.5F, 1, 4}, {0.71F, 0.29F, 1.13F}};
  for (int k = 0; k < 2 * 2 * 2; k++) {
    struct quant q = {.mode = "ROUND", .bits = k / 4 ? 8 : 4, .is_signed = k / 2 % 2};
    memcpy(q.scale, scales[k % 2], sizeof q.scale);
    compare(&q, true, false);
    compare(&q, false, false);
    compare(&q, k / 2 % 2, true);
  }
}

// Layers that nothing quantises between them, whose sums have more bits than a stream: the lowest
// go, and what comes out is off by 2^-30 of the largest sum that there can be.
static void test_wide(void **state) {
  (void)state;
  enum { N = 24 };
  struct arena a = {0};
  struct err e = {0};
  struct formats f = formats_new();
  struct onnx_text o = {0};
  const float one = 1, none = 0, eight = 8, bits = 16;
  const char *said;
  float w[2][N * N], x[N];
  double sum[3][N] = {{0}}, most = 0;
  int64_t codes[N];
  const int64_t shape[2] = {N, N};
  for (int i = 0; i < 2 * N * N; i++)
    w[i / (N * N)][i % (N * N)] = (float)(i * 7919 % 65535 - 32767);
  for (int i = 0; i < N; i++) sum[0][i] = (double)(x[i] = (float)(codes[i] = i * 37 % 256 - 128));
  for (int l = 0; l < 2; l++)
    for (int k = 0; k < N * N; k++) sum[l + 1][k % N] += sum[l][k / N] * (double)w[l][k];
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, N});
  onnx_put_floats(&o, "one", 0, NULL, &one);
  onnx_put_floats(&o, "none", 0, NULL, &none);
  onnx_put_floats(&o, "eight", 0, NULL, &eight);
  onnx_put_floats(&o, "bits", 0, NULL, &bits);
  onnx_put_floats(&o, "w", 2, shape, w[0]);
  onnx_put_floats(&o, "v", 2, shape, w[1]);
  onnx_put_node(&o, "Quant", "x one none eight", "q", "");
  onnx_put_node(&o, "Quant", "w one none bits", "wq", "");
  onnx_put_node(&o, "Quant", "v one none bits", "vq", "");
  onnx_put_node(&o, "MatMul", "q wq", "t", "");
  onnx_put_node(&o, "MatMul", "t vq", "u", "");
  onnx_put_node(&o, "Relu", "u", "y", "");
  onnx_put_output(&o, "y");
  struct graph *real = onnx_parsed(&a, &o, 13, &said);
  if (!real) fail_msg("%s", said);
  struct graph *g = quantize(&a, real, &f, &e);
  if (!g) fail_msg("%s", e.text);
  struct golden_ref *m = golden_ref_new(&a, g, 1);
  golden_ref_step(m, (const int64_t *const[]){codes});
  const struct type *t = &g->values[g->outputs[0]].type;
  assert_int_equal(t->width, 32);
  assert_true(type_scale(t, 0) > 1);
  for (int i = 0; i < N; i++) {
    double expected = fmax(sum[2][i], 0);
    most = fmax(most, expected);
    assert_true(fabs(type_value(t, 0, golden_ref_value(m, g->outputs[0])[i]) - expected) <=
                type_scale(t, 0));
  }
  assert_true(most > 1e4 * type_scale(t, 0));
  arena_free(&a);
}

// Signs have no 0: what pads them, or computes others, gets numbers of two bits.
static void test_signs(void **state) {
  (void)state;
  static const char *const nodes[][2] = {
      {"Relu", ""}, {"Pad", "mode:constant"}, {"Conv", "pads=1,1,1,1"}};
  for (int k = 0; k < 3; k++) {
    struct arena a = {0};
    struct err e = {0};
    struct formats f = formats_new();
    struct onnx_text o = {0};
    const char *said;
    const float scale = 0.5F, w[4] = {1, 1, 1, 1};
    float x[4] = {-3, 2, 1, -1};
    int64_t codes[4], count;
    onnx_put_input(&o, "x", 4, (const int64_t[]){0, 1, 2, 2});
    onnx_put_floats(&o, "scale", 0, NULL, &scale);
    onnx_put_floats(&o, "w", 4, (const int64_t[]){1, 1, 2, 2}, w);
    onnx_put_ints(&o, "pads", 8, (const int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
    onnx_put_node(&o, "BipolarQuant", "x scale", "q", "");
    onnx_put_node(&o, "BipolarQuant", "w scale", "wq", "");
    onnx_put_node(&o, nodes[k][0], k == 1 ? "q pads" : k == 2 ? "q wq" : "q", "y", nodes[k][1]);
    onnx_put_output(&o, "y");
    struct graph *real = onnx_parsed(&a, &o, 13, &said);
    if (!real) fail_msg("%s: %s", nodes[k][0], said);
    struct graph *g = quantize(&a, real, &f, &e);
    if (!g) fail_msg("%s: %s", nodes[k][0], e.text);
    for (int i = 0; i < 4; i++)
      codes[i] = type_encode(&g->values[g->inputs[0].value].type, (double)x[i]);
    const float *y = onnx_computed(&a, real, x, &count);
    struct golden_ref *m = golden_ref_new(&a, g, 1);
    golden_ref_step(m, (const int64_t *const[]){codes});
    assert_int_equal(count, k == 0 ? 4 : k == 1 ? 16 : 9);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
      assert_true(type_value(&g->values[g->outputs[0]].type, 0,
                             golden_ref_value(m, g->outputs[0])[i]) == (double)y[i]);
      sum += (double)y[i];
    }
    assert_true(sum == (k == 0 ? 1 : 0)); // of -1/2 1/2 1/2 -1/2
    assert_true(y[0] == (k == 2 ? -0.25F : 0));
    arena_free(&a);
  }
}

// An input whose parts are quantised to different types has one that loses none of them, or theirs
// if they have one.
static void test_parts_of_input(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    struct arena a = {0};
    struct err e = {0};
    struct formats f = formats_new();
    struct onnx_text o = {0};
    const char *said;
    const float scales[] = {0.25F, k ? 0.25F : 0.3F}, none = 0, bits = 8;
    onnx_put_input(&o, "x", 2, (const int64_t[]){0, 4});
    onnx_put_floats(&o, "a", 0, NULL, &scales[0]);
    onnx_put_floats(&o, "b", 0, NULL, &scales[1]);
    onnx_put_floats(&o, "none", 0, NULL, &none);
    onnx_put_floats(&o, "bits", 0, NULL, &bits);
    onnx_put_ints(&o, "halves", 2, (const int64_t[]){2, 2});
    onnx_put_node(&o, "Split", "x halves", "l r", "axis=1");
    onnx_put_node(&o, "Quant", "l a none bits", "lq", "");
    onnx_put_node(&o, "Quant", "r b none bits", "rq", "");
    onnx_put_output(&o, "lq");
    onnx_put_output(&o, "rq");
    struct graph *real = onnx_parsed(&a, &o, 13, &said);
    if (!real) fail_msg("%s", said);
    struct graph *g = quantize(&a, real, &f, &e);
    if (!g) fail_msg("%s", e.text);
    const struct type *in = &g->values[g->inputs[0].value].type;
    assert_int_equal(in->width, k ? 8 : 25);
    assert_true(type_value(in, 0, type_lowest(in)) <= -128 * (double)scales[1]);
    assert_true(type_value(in, 0, type_highest(in)) >= 127 * (double)scales[1]);
    struct golden_ref *m = golden_ref_new(&a, g, 1);
    static const double x[] = {-20.5, 3.25, -38.4, 30};
    int64_t codes[4];
    for (int i = 0; i < 4; i++) codes[i] = type_encode(in, x[i]);
    golden_ref_step(m, (const int64_t *const[]){codes});
    assert_int_equal(golden_ref_value(m, g->outputs[0])[0], -82);
    assert_int_equal(golden_ref_value(m, g->outputs[0])[1], 13);
    assert_int_equal(golden_ref_value(m, g->outputs[1])[0], k ? -128 : -128);
    assert_int_equal(golden_ref_value(m, g->outputs[1])[1], k ? 120 : 100);
    arena_free(&a);
  }
}

// Scales along more than the channels, and zero points that are none.
static void test_refused(void **state) {
  (void)state;
  static const struct {
    struct quant quant;
    const char *words;
  } bad[] = {{{"ROUND", 0.5F, {1, 1, 1}, 4, true, false}, "zero point 0.5; use whole zero points"},
             {{"ROUND", 99, {1, 1, 1}, 4, true, false}, "zero point 99 of codes from -8 to 7"},
             {{"ROUND", 1, {1, 2, 1}, 4, true, false}, "scale differs by channel"},
             {{"ODD", 0, {1, 1, 1}, 4, true, false}, "rounding mode \"ODD\"; use ROUND"},
             {{"ROUND", 0, {1, 2, 1}, 30, true, false}, "31 bits with a scale for each channel"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct arena a = {0};
    const char *said = "";
    if (graph_of(&a, &bad[i].quant, true, false, &said) || !strstr(said, bad[i].words))
      fail_msg("%zu: %s", i, said);
    arena_free(&a);
  }
}

// A network as integers, and what it was as floats.
static struct golden_ref *integers_of(struct arena *a, struct onnx_text *o, struct graph **g,
                                      struct graph **real) {
  struct err e = {0};
  struct formats f = formats_new();
  const char *said;
  *real = onnx_parsed(a, o, 13, &said);
  if (!*real) fail_msg("%s", said);
  struct graph *folded = fold_norm(a, *real, &e);
  *g = folded ? quantize(a, folded, &f, &e) : NULL;
  if (!*g) fail_msg("%s", e.text);
  return golden_ref_new(a, *g, 1);
}

// A function behind a sum of more bits than a table takes: of what reads nothing but tables that
// are flat far out, only the middle is kept, at its own scale; otherwise the lowest bits go.
static void test_table_behind_sum(void **state) {
  (void)state;
  enum { INS = 16 };
  static const struct {
    const char *op;
    bool twice; // read by another layer, too
    int width;
    double scale, within;
  } cases[] = {{"Sigmoid", false, 15, 0.5 * 0x1p-8, 0x1p-14},
               {"Tanh", false, 14, 0.5 * 0x1p-8, 0x1p-14},
               {"Sigmoid", true, 16, 8 * 0.5 * 0x1p-8, 0x1.5p-7},
               {"Elu", false, 16, 8 * 0.5 * 0x1p-8, 0x1p-6}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    struct graph *g, *real;
    const float half = 0.5F, fine = 0x1p-8F, none = 0, eight = 8;
    float w[INS];
    for (int i = 0; i < INS; i++) w[i] = (float)(i * 37 % 256 - 128) * fine;
    w[0] = -128 * fine;
    onnx_put_input(&o, "x", 2, (const int64_t[]){0, INS});
    onnx_put_floats(&o, "half", 0, NULL, &half);
    onnx_put_floats(&o, "fine", 0, NULL, &fine);
    onnx_put_floats(&o, "none", 0, NULL, &none);
    onnx_put_floats(&o, "eight", 0, NULL, &eight);
    onnx_put_floats(&o, "w", 2, (const int64_t[]){INS, 1}, w);
    onnx_put_node(&o, "Quant", "x half none eight", "q", "");
    onnx_put_node(&o, "Quant", "w fine none eight", "v", "");
    onnx_put_node(&o, "MatMul", "q v", "s", "");
    onnx_put_node(&o, cases[k].op, "s", "y", "");
    if (cases[k].twice) onnx_put_node(&o, "Add", "y s", "z", "");
    onnx_put_output(&o, cases[k].twice ? "z" : "y");
    struct golden_ref *m = integers_of(&a, &o, &g, &real);
    const struct type *sum = NULL;
    for (uint32_t i = 0; i < g->n_nodes; i++)
      if (op_is(g->nodes[i].op, TRAIT_WEIGHTS)) sum = &node_out(g, &g->nodes[i], 0)->type;
    if (sum->width != cases[k].width || type_scale(sum, 0) != cases[k].scale)
      fail_msg("%s: %s", cases[k].op, type_text(&a, sum));
    for (int n = 0; n < 500; n++) {
      int64_t codes[INS], count;
      float x[INS];
      for (int i = 0; i < INS; i++) {
        codes[i] = n < 2 ? (n ? -128 : 127) : (n * 91 + i * n * 57) % 256 - 128;
        if (n >= 2) codes[i] = codes[i] * (n % 7) / 6;
        x[i] = (float)codes[i] / 2;
      }
      const float *y = onnx_computed(&a, real, x, &count);
      golden_ref_step(m, (const int64_t *const[]){codes});
      double z = type_value(&g->values[g->outputs[0]].type, 0, *golden_ref_value(m, g->outputs[0]));
      if (!(fabs(z - (double)*y) <= cases[k].within))
        fail_msg("%s, %d: %g, expected %g", cases[k].op, n, z, (double)*y);
    }
    arena_free(&a);
  }
}

// Numbers that are scaled and shifted before the first Quant have 16 bits for what isn't beyond its
// type behind that; a picture's are bytes.
static void test_scaled_input(void **state) {
  (void)state;
  static const float scale[] = {0.5F, -2, 4}, shift[] = {1, -3, 0.25F};
  for (int picture = 0; picture < 2; picture++) {
    struct arena a = {0};
    struct onnx_text o = {0};
    struct graph *g, *real;
    const float step = 0.125F, none = 0, eight = 8;
    const int64_t channels[] = {1, CHANNELS, 1, 1};
    onnx_put_input(&o, "x", picture ? 4 : 2, (const int64_t[]){0, CHANNELS, 2, 2});
    onnx_put_floats(&o, "step", 0, NULL, &step);
    onnx_put_floats(&o, "none", 0, NULL, &none);
    onnx_put_floats(&o, "eight", 0, NULL, &eight);
    onnx_put_floats(&o, "scale", picture ? 4 : 2, picture ? channels : (const int64_t[]){1, 3},
                    scale);
    onnx_put_floats(&o, "shift", picture ? 4 : 2, picture ? channels : (const int64_t[]){1, 3},
                    shift);
    onnx_put_node(&o, "Mul", "x scale", "m", "");
    onnx_put_node(&o, "Add", "m shift", "n", "");
    onnx_put_node(&o, "Quant", "n step none eight", "y", "");
    onnx_put_output(&o, "y");
    struct golden_ref *m = integers_of(&a, &o, &g, &real);
    const struct type *t = &g->values[g->inputs[0].value].type;
    // (-16 - 1) / 0.5 is -34, which takes 16 bits of a scale of 2^-9
    assert_string_equal(type_text(&a, t), picture ? "u8 scale 0.00392157" : "16,9");
    for (int n = -300; !picture && n < 300; n++) {
      float x[CHANNELS];
      int64_t codes[CHANNELS], count;
      for (int c = 0; c < CHANNELS; c++) {
        x[c] = (float)(n * (c + 1)) / 8 + 0.03125F; // no tie of the Quant
        codes[c] = type_encode(t, (double)x[c]);
      }
      const float *y = onnx_computed(&a, real, x, &count);
      golden_ref_step(m, (const int64_t *const[]){codes});
      const int64_t *z = golden_ref_value(m, g->outputs[0]);
      for (int c = 0; c < CHANNELS; c++)
        if ((double)y[c] != type_value(&g->values[g->outputs[0]].type, 0, z[c]))
          fail_msg("%d, channel %d: %lld, expected %g", n, c, (long long)z[c], (double)y[c]);
    }
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_zero_points),
                                     cmocka_unit_test(test_channels),
                                     cmocka_unit_test(test_wide),
                                     cmocka_unit_test(test_parts_of_input),
                                     cmocka_unit_test(test_table_behind_sum),
                                     cmocka_unit_test(test_scaled_input),
                                     cmocka_unit_test(test_signs),
                                     cmocka_unit_test(test_refused)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
