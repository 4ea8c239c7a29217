// SPDX-License-Identifier: Apache-2.0
// Squared differences by hand: either operand at the coarser scale, zero points, several rows; what
// they are quantised to, and the scales that they refuse; the numbers of their circuits.
#include "quant/quantize.h"
#include "sw/circuit/facts.h"
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { IN = 2, OUT = 3 };

static const int64_t weights[OUT * IN] = {2, -2, 0, 4, -4, 3}; // the last alone is odd

// (rows, IN) -> (rows, OUT) at scale 1/4, or (IN) -> (OUT).
static struct graph *graph_of(struct arena *a, struct type x, struct type w, int64_t rows) {
  const int64_t shape[2] = {rows, IN}, y_shape[2] = {rows, OUT}, w_shape[2] = {OUT, IN};
  struct graph *g = graph_new(a, "rbf");
  struct err e = {0};
  int from = rows == 1;
  uint32_t image = graph_add_value(g, "x", 2 - from, shape + from, x, true);
  uint32_t n = graph_add_node(g, OP_rbf, "layer");
  struct tensor *t = tensor_new(a, dtype_for(&w), 2, w_shape);
  for (int64_t i = 0; i < t->count; i++) tensor_set_int(t, i, weights[i] + type_zero(&w, 0));
  graph_add_input(g, image, (struct source){0});
  graph_add_use(g, n, (struct use){image, 0, NONE});
  graph_add_use(g, n, (struct use){graph_add_tensor(g, "w", t, w), 0, NONE});
  double finest = x.scale[0] < w.scale[0] ? x.scale[0] : w.scale[0];
  int64_t mul;
  int32_t shift;
  assert_true(fix_scale(finest * finest / 0.25, &mul, &shift));
  graph_add_requant(g, n, 1, &mul, &shift);
  struct type y = type_fixed(a, 16, false, 0.25, 0);
  graph_add_out(g, n, graph_add_value(g, "y", 2 - from, y_shape + from, y, true));
  graph_add_output(g, g->nodes[n].out[0]);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static const struct {
  double x_scale, w_scale;
  int zero_x, zero_w;
  int64_t rows, x[2 * IN], y[2 * OUT];
  int in_shift, weight_shift, weight_width; // of the circuit
} by_hand[] = {
    // (3 - 2)^2 + (5 + 2)^2 = 50, and so on, in quarters
    {1, 1, 0, 0, 1, {3, 5}, {200, 40, 212}, 0, 0, 4},
    // x in quarters: (3 - 8)^2 + (5 + 8)^2 = 194, 130, 410 sixteenths; 48.5, 32.5, 102.5 to even
    {0.25, 1, 0, 0, 1, {3, 5}, {48, 32, 102}, 0, 2, 4},
    // w in halves: (6 - 2)^2 + (10 + 2)^2, in quarters
    {1, 0.5, 0, 0, 1, {3, 5}, {160, 72, 149}, 1, 0, 4},
    // the same with zero points, and another row
    {1, 0.5, 7, 2, 2, {10, 12, 7, 8}, {160, 72, 149, 20, 4, 17}, 1, 0, 6},
};

static const struct cell *layer_of(struct arena *a, const struct graph *g) {
  struct err e = {0};
  struct circuit *p = circuit_build(a, g, "top", &(struct folding){.parallelism = 2}, &e);
  if (!p) fail_msg("%s", e.text);
  uint32_t layer = 0;
  while (p->cells[layer].kind != CELL_LAYER) layer++;
  return &p->cells[layer];
}

static void distances_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    struct arena a = {0};
    struct type x = type_fixed(&a, 6, true, by_hand[i].x_scale, by_hand[i].zero_x);
    struct type w = type_fixed(&a, 5, true, by_hand[i].w_scale, by_hand[i].zero_w);
    struct graph *g = graph_of(&a, x, w, by_hand[i].rows);
    struct golden_ref *r = golden_ref_new(&a, g, 1);
    const int64_t *inputs[1] = {by_hand[i].x};
    golden_ref_step(r, inputs);
    const int64_t *y = golden_ref_value(r, g->outputs[0]);
    for (int64_t k = 0; k < by_hand[i].rows * OUT; k++)
      if (y[k] != by_hand[i].y[k])
        fail_msg("case %zu, element %lld: %lld", i, (long long)k, (long long)y[k]);
    const struct cell *layer = layer_of(&a, g);
    const struct circuit_linear *l = layer->facts;
    assert_true(l->distance);
    assert_int_equal(l->in_shift, by_hand[i].in_shift);
    assert_int_equal(l->weight_shift, by_hand[i].weight_shift);
    assert_int_equal(l->weight_width, by_hand[i].weight_width);
    // a square for each lane in and out; lanes out divide the three of several rows
    assert_int_equal(layer->multipliers, by_hand[i].rows == 1 ? 4 : 2);
    arena_free(&a);
  }
}

// Floats: x, weights as they are, and the distances.
static struct graph *quantized(struct arena *a, const char *x, const char *weight, float by,
                               struct err *e) {
  const int64_t in = IN, out = OUT, w_shape[2] = {OUT, IN};
  struct graph *g = graph_new(a, "rbf");
  struct formats f = formats_new();
  struct tensor *t = tensor_new(a, DTYPE_F32, 2, w_shape);
  for (int64_t i = 0; i < t->count; i++) ((float *)t->data)[i] = (float)weights[i] * by;
  uint32_t image = graph_add_value(g, "x", 1, &in, type_real(), true);
  uint32_t n = graph_add_node(g, OP_rbf, "layer");
  graph_add_input(g, image, (struct source){0});
  graph_add_use(g, n, (struct use){image, 0, NONE});
  graph_add_use(g, n, (struct use){graph_add_tensor(g, "w", t, type_real()), 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 1, &out, type_real(), true));
  graph_add_output(g, g->nodes[n].out[0]);
  if (!graph_verify(g, e)) fail_msg("%s", e->text);
  assert_true(formats_set_stream(a, &f.defaults, "16,4", e));
  if (weight && !formats_set_weight(a, &f.defaults, weight, e)) fail_msg("%s", e->text);
  f.has_input_type = true;
  f.input_type = x ? type_fixed(a, 8, true, 1 / 3.0, 0) : f.defaults.stream;
  return quantize(a, g, &f, e);
}

// (1.5 - 0.5)^2 + (-0.5 + 0.5)^2 and so on, in sixteenths.
static void floats_become_integers(void **state) {
  (void)state;
  // of inputs in sixteenths, weights in quarters: what both are multiples of is in no shift
  static const struct {
    const char *rule;
    int in_shift, weight_shift, acc_width;
  } rows[] = {{NULL, 0, 2, 33}, {"4,2", 0, 2, 33}, {"8,5", 0, 2, 33}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = quantized(&a, NULL, rows[i].rule, 0.25f, &e);
    if (!g) fail_msg("%s", e.text);
    struct golden_ref *r = golden_ref_new(&a, g, 1);
    const int64_t x[IN] = {24, -8}, *inputs[1] = {x};
    golden_ref_step(r, inputs);
    static const int64_t expected[OUT] = {16, 72, 125}; // 1, 4.5, 7.8125
    assert_memory_equal(golden_ref_value(r, g->outputs[0]), expected, sizeof expected);
    const struct circuit_linear *l = layer_of(&a, g)->facts;
    assert_int_equal(l->in_shift, rows[i].in_shift);
    assert_int_equal(l->weight_shift, rows[i].weight_shift);
    assert_int_equal(l->acc_width, rows[i].acc_width);
    assert_int_equal(l->requant.shift, 4);
    arena_free(&a);
  }
}

static void scales_that_do_not_fit(void **state) {
  (void)state;
  static const struct {
    const char *x, *weight;
    float by;
    const char *words;
  } rows[] = {{"a third", NULL, 0.25f,
               "layer \"layer\": its input has scale 0.333333, its weights 6.10352e-05, "},
              {NULL, "ternary", 0.25f, "expected a power of two between them, at most 2^16"},
              {NULL, "8,channel", 0.25f,
               "its weights have a scale per output, expected one for all of them"},
              {NULL, "8,-13", 0.25f, "expected a power of two between them"},
              {NULL, "bipolar", 0, "its weights are all zero, which bipolar can't say"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct err e = {0};
    assert_null(quantized(&a, rows[i].x, rows[i].weight, rows[i].by, &e));
    if (!strstr(e.text, rows[i].words)) fail_msg("%s", e.text);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(distances_by_hand),
                                     cmocka_unit_test(floats_become_integers),
                                     cmocka_unit_test(scales_that_do_not_fit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
