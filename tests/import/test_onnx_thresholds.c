// SPDX-License-Identifier: Apache-2.0
// MultiThreshold against its definition: the count of thresholds that an element reaches, in floats
// and in integers, of thresholds that are equal steps, and of any others.
#include "quant/formats.h"
#include "quant/quantize.h"
#include "sw/exec/golden.h"
#include "sw/import/formats.h"
#include "sw/pass/fold_norm.h"
#include "tests/import/helper_onnx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHANNELS = 3, STEPS = 4, CODES = 64 };

static const struct row {
  float list[CHANNELS * STEPS];
  int channels; // 1: the first four are for all
  const char *attributes;
  double out, bias;
  bool floors; // equal steps
} rows[] = {
    {{-4, 0, 4, 8, -2, 0, 2, 4, 1, 2, 3, 4}, CHANNELS, "", 1, 0, true},
    {{-3, 0, 3, 6, -2, 0, 2, 4, 1, 2, 3, 4}, CHANNELS, "", 1, 0, false},
    {{-7, -1, 0, 12, -30, -4.5F, -4, 3, 2, 3, 5, 7}, CHANNELS, "", 1, 0, false},
    {{-7.25F, -1, 0.5F, 12}, 1, "", 1, 0, false},
    {{5, -9, 2, 2, 31, -32, 7, 1, 0, 0, 0, 0},
     CHANNELS,
     "out_scale=2.0 out_bias=-4.0",
     2,
     -4,
     false},
    {{1, 2, 4, 8, 1, 3, 9, 27, 5, 6, 8, 11},
     CHANNELS,
     "out_scale=-0.5 out_bias=0.25",
     -0.5,
     0.25,
     false},
};

static double count_of(const struct row *r, int channel, double x) {
  int n = 0;
  for (int i = 0; i < STEPS; i++)
    n += x >= (double)r->list[(r->channels > 1 ? channel : 0) * STEPS + i];
  return r->out * n + r->bias;
}

// A stream of integers, quantised so that they are codes; of one axis, or an image.
static struct graph *graph_of(struct arena *a, const struct row *r, bool image, const char **said) {
  struct onnx_text o = {0};
  const float one = 1, zero = 0, seven = 7;
  onnx_put_input(&o, "x", image ? 4 : 2, (const int64_t[]){0, CHANNELS, 1, 2});
  onnx_put_floats(&o, "one", 0, NULL, &one);
  onnx_put_floats(&o, "zero", 0, NULL, &zero);
  onnx_put_floats(&o, "seven", 0, NULL, &seven);
  onnx_put_floats(&o, "t", 2, (const int64_t[]){r->channels, STEPS}, r->list);
  onnx_put_node(&o, "Quant", "x one zero seven", "q", "");
  onnx_put_node(&o, "MultiThreshold", "q t", "y", r->attributes);
  onnx_put_output(&o, "y");
  return onnx_parsed(a, &o, 13, said);
}

static void test_counts(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
    for (int image = 0; image < 2; image++) {
      struct arena a = {0};
      struct err e = {0};
      struct formats f = formats_new();
      const char *said;
      struct graph *real = graph_of(&a, &rows[k], image, &said);
      if (!real) fail_msg("%zu: %s", k, said);
      bool layers = false;
      for (uint32_t i = 0; i < real->n_nodes; i++)
        layers |= op_is(real->nodes[i].op, TRAIT_WEIGHTS);
      assert_int_equal(layers, !rows[k].floors);
      struct graph *folded = fold_norm(&a, real, &e),
                   *g = folded ? quantize(&a, folded, &f, &e) : NULL;
      if (!g) fail_msg("%zu: %s", k, e.text);
      struct golden_ref *m = golden_ref_new(&a, g, 1);
      const struct type *t = &g->values[g->outputs[0]].type;
      int n = image ? 2 * CHANNELS : CHANNELS;
      for (int code = -CODES; code < CODES; code++) {
        float x[2 * CHANNELS], file[2 * CHANNELS];
        int64_t codes[2 * CHANNELS], count;
        bool last = real->values[real->inputs[0].value].shape[2] == CHANNELS;
        for (int i = 0; i < n; i++) { // of the file, whose channels come first
          int own = image && last ? i % 2 * CHANNELS + i / 2 : i;
          codes[own] = (code + i * 9 + CODES) % (2 * CODES) - CODES;
          x[own] = file[i] = (float)codes[own];
        }
        const float *y = onnx_computed(&a, real, x, &count);
        golden_ref_step(m, (const int64_t *const[]){codes});
        const int64_t *z = golden_ref_value(m, g->outputs[0]);
        assert_int_equal(count, n);
        for (int i = 0; i < n; i++) {
          double expected = count_of(&rows[k], image ? i / 2 : i, (double)file[i]);
          if ((double)y[i] != expected || type_value(t, 0, z[i]) != expected)
            fail_msg("row %zu, element %d of %g: %g, in integers %g, expected %g", k, i,
                     (double)file[i], (double)y[i], type_value(t, 0, z[i]), expected);
        }
      }
      arena_free(&a);
    }
}

// Many steps of a third: a floor, whose rounding is told.
static void test_many(void **state) {
  (void)state;
  enum { MANY = 255 };
  struct arena a = {0};
  struct onnx_text o = {0};
  struct text file = {0};
  struct refusals r = {0};
  struct err e = {0};
  float list[MANY];
  for (int i = 0; i < MANY; i++) list[i] = (float)i / 3;
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, CHANNELS});
  onnx_put_floats(&o, "t", 2, (const int64_t[]){1, MANY}, list);
  onnx_put_node(&o, "MultiThreshold", "x t", "y", "");
  onnx_put_output(&o, "y");
  onnx_put_file(&o, 13, &file);
  struct graph *g = onnx_parse(&a, "made.onnx", file.data, file.size, &r, &e);
  text_free(&file);
  if (!g || r.count) fail_msg("%s", e.text);
  assert_int_equal(r.n_notes, 1);
  assert_non_null(strstr(r.notes[0].text, "no power of two apart"));
  arena_free(&a);
}

static void test_refused(void **state) {
  (void)state;
  struct row bad[] = {rows[0], rows[0]};
  static const char *const words[] = {"threshold 2 is inf; check the file",
                                      "out_scale 0, out_bias 1; check the file"};
  bad[0].list[2] = 1e30F * 1e30F;
  bad[1].attributes = "out_scale=0.0 out_bias=1.0";
  for (int i = 0; i < 2; i++) {
    struct arena a = {0};
    const char *said = "";
    if (graph_of(&a, &bad[i], false, &said) || !strstr(said, words[i])) fail_msg("%d: %s", i, said);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_many),
                                     cmocka_unit_test(test_refused)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
