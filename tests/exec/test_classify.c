// SPDX-License-Identifier: Apache-2.0
// Indices of the largest and least elements and their values, by hand: ties, order, rows; in
// integers and in floats. Lanes of circuits.
#include "sw/circuit/circuit.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { COUNT = 6 };

static const int64_t rows[2][COUNT] = {{3, -1, 7, 7, -5, 3}, {-5, -5, -5, -5, -5, -5}};

static const struct {
  enum op op;
  int64_t k, index[2][COUNT];
} by_hand[] = {{OP_argmax, 1, {{2}, {0}}},
               {OP_argmin, 1, {{4}, {0}}},
               {OP_top_k, 1, {{2}, {0}}},
               {OP_top_k, 3, {{2, 3, 0}, {0, 1, 2}}},
               {OP_top_k, 6, {{2, 3, 0, 5, 1, 4}, {0, 1, 2, 3, 4, 5}}}};

// (2, COUNT) -> index and value (2, k); or of one row the index alone.
static struct graph *graph_of(struct arena *a, enum op op, int64_t k, struct type x, int count) {
  const int64_t shape[2] = {2, COUNT}, out[2] = {2, k};
  struct graph *g = graph_new(a, "classes");
  struct err e = {0};
  int from = count == 1;
  uint32_t image = graph_add_value(g, "x", 2 - from, shape + from, x, true);
  uint32_t n = graph_add_node(g, op, "layer");
  graph_add_input(g, image, (struct source){0});
  graph_add_use(g, n, (struct use){image, 0, NONE});
  if (op == OP_top_k) graph_add_int(g, n, ATTR_k, k);
  struct type index = type_fixed(a, 3, false, 1, 0);
  graph_add_out(g, n, graph_add_value(g, "index", 2 - from, out + from, index, true));
  if (!from) graph_add_out(g, n, graph_add_value(g, "value", 2, out, x, true));
  for (uint32_t o = 0; o < g->nodes[n].n_out; o++) graph_add_output(g, g->nodes[n].out[o]);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  graph_ranges(g);
  return g;
}

static void integers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    struct arena a = {0};
    int64_t k = by_hand[i].k;
    struct graph *g = graph_of(&a, by_hand[i].op, k, type_fixed(&a, 5, true, 0.5, 2), 2);
    struct golden_ref *r = golden_ref_new(&a, g, 1);
    const int64_t *inputs[1] = {rows[0]};
    golden_ref_step(r, inputs);
    const int64_t *index = golden_ref_value(r, g->outputs[0]);
    const int64_t *value = golden_ref_value(r, g->outputs[1]);
    for (int64_t c = 0; c < 2 * k; c++) {
      assert_int_equal(index[c], by_hand[i].index[c / k][c % k]);
      assert_int_equal(value[c], rows[c / k][index[c]]);
    }
    arena_free(&a);
  }
}

static void floats(void **state) {
  (void)state;
  float x[2 * COUNT];
  for (int c = 0; c < 2 * COUNT; c++) x[c] = (float)rows[c / COUNT][c % COUNT] / 4;
  for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
    struct arena a = {0};
    struct err e = {0};
    int64_t k = by_hand[i].k;
    struct graph *g = graph_of(&a, by_hand[i].op, k, type_real(), 2);
    float index[2 * COUNT], value[2 * COUNT];
    struct real_tap taps[2] = {{g->outputs[0], index}, {g->outputs[1], value}};
    struct real *r = real_new(&a, g, &e);
    if (!r) fail_msg("%s", e.text);
    real_run(r, 1, NULL, x, taps, 2);
    real_free(r);
    for (int64_t c = 0; c < 2 * k; c++) {
      assert_true(index[c] == (float)by_hand[i].index[c / k][c % k]);
      assert_true(value[c] == x[c / k * COUNT + (int64_t)index[c]]);
    }
    arena_free(&a);
  }
}

// An element a beat in, all indices in one; other lanes are refused.
static void lanes_of_several_indices(void **state) {
  (void)state;
  static const struct {
    int64_t in, out;
    const char *words;
  } lanes[] = {{0, 0, NULL},
               {1, 3, NULL},
               {2, 3, "lanes 2 in, 3 out: it has 1 and 3"},
               {1, 1, "lanes 1 in, 1 out: it has 1 and 3"}};
  for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = graph_of(&a, OP_top_k, 3, type_fixed(&a, 5, true, 0.5, 0), 1);
    struct folding_entry entry = {.name = "layer", .in = lanes[i].in, .out = lanes[i].out};
    struct folding f = {.parallelism = 4, .layers = &entry, .n_layers = lanes[i].in > 0};
    struct circuit *p = circuit_build(&a, g, "top", &f, &e);
    assert_int_equal(p == NULL, lanes[i].words != NULL);
    if (lanes[i].words && !strstr(e.text, lanes[i].words)) fail_msg("%s", e.text);
    uint32_t layer = 0;
    while (p && p->cells[layer].kind != CELL_LAYER) layer++;
    if (p) {
      assert_int_equal(p->cells[layer].in[0]->lanes, 1);
      assert_int_equal(p->cells[layer].out[0]->lanes, 3);
      assert_int_equal(p->cells[layer].timing.latency, 1);
      assert_int_equal(p->ii, COUNT);
    }
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(integers), cmocka_unit_test(floats),
                                     cmocka_unit_test(lanes_of_several_indices)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
