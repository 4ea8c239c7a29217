// SPDX-License-Identifier: Apache-2.0
// Constants of ONNX files lie along the axes that numpy says: a sum along rows isn't a bias, though
// there are as many rows as outputs; a list of scales goes along the last axis.
#include "tests/import/helper_onnx.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const float *computed(struct arena *a, struct onnx_text *o, const float *x, int64_t count) {
  const char *said = NULL;
  int64_t found;
  struct graph *g = onnx_parsed(a, o, 13, &said);
  if (!g) fail_msg("%s", said);
  const float *y = onnx_computed(a, g, x, &found);
  assert_int_equal(found, count);
  return y;
}

// A convolution of 0 over 2 rows and 3 columns, with 2 outputs, and two numbers that are added
// along `axis` of (2 outputs, 2 rows, 3 columns).
static void check_sum(int axis) {
  struct arena a = {0};
  struct onnx_text o = {0};
  const float zero[4] = {0}, list[2] = {1, 2}, x[12] = {0};
  const int64_t image[] = {0, 2, 2, 3}, kernel[] = {2, 2, 1, 1}, along[2][3] = {{2, 1, 1}, {2, 1}};
  onnx_put_input(&o, "x", 4, image);
  onnx_put_output(&o, "y");
  onnx_put_floats(&o, "w", 4, kernel, zero);
  onnx_put_floats(&o, "b", axis == 0 ? 3 : 2, along[axis], list);
  onnx_put_node(&o, "Conv", "x w", "t", "");
  onnx_put_node(&o, "Add", "t b", "y", "");
  const float *y = computed(&a, &o, x, 12);
  for (int i = 0; i < 12; i++) {
    int at[3] = {i / 6, i / 3 % 2, i % 3}; // the order of the file
    if (y[i] != list[at[axis]]) fail_msg("axis %d, element %d is %g", axis, i, (double)y[i]);
  }
  arena_free(&a);
}

static void test_sums(void **state) {
  (void)state;
  check_sum(0);
  check_sum(1);
}

static void test_scales(void **state) {
  (void)state;
  struct arena a = {0};
  struct onnx_text o = {0};
  const float w[4] = {0.7F, 0.7F, 0.7F, 0.7F}, scale[2] = {0.5F, 0.25F}, zero = 0, bits = 4;
  const float x[2] = {1, 3};
  onnx_put_input(&o, "x", 2, (const int64_t[]){0, 2});
  onnx_put_output(&o, "y");
  onnx_put_floats(&o, "w", 2, (const int64_t[]){2, 2}, w);
  onnx_put_floats(&o, "s", 1, (const int64_t[]){2}, scale);
  onnx_put_floats(&o, "z", 0, NULL, &zero);
  onnx_put_floats(&o, "n", 0, NULL, &bits);
  onnx_put_node(&o, "Quant", "w s z n", "q", "signed=1 narrow=0 rounding_mode:ROUND");
  onnx_put_node(&o, "MatMul", "x q", "y", "");
  const float *y = computed(&a, &o, x, 2);
  assert_true(y[0] == 2 && y[1] == 3); // 0.7 is 1 of 0.5 and 3 of 0.25
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_scales)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
