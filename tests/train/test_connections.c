// SPDX-License-Identifier: Apache-2.0
// Connection tables from the recipe to integers: the counts that LeCun et al. (1998) publish,
// weights of 0 where nothing is connected, and what is refused.
#include "quant/quantize.h"
#include "sw/base/file.h"
#include "sw/graph/slice.h"
#include "sw/train/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// C3 of LeNet-5: which of 6 maps each of 16 sees.
#define C3                                                                                         \
  "[[0,1,2],[1,2,3],[2,3,4],[3,4,5],[0,4,5],[0,1,5],[0,1,2,3],[1,2,3,4],[2,3,4,5],[0,3,4,5],"      \
  "[0,1,4,5],[0,1,2,5],[0,1,3,4],[1,2,4,5],[0,2,3,5],[0,1,2,3,4,5]]"
#define LENET5_C3                                                                                  \
  "{\"input\":{\"shape\":[14,14,6]},\"layers\":[{\"op\":\"conv2d\",\"name\":\"c3\",\"out\":16,"    \
  "\"kernel\":[5,5],\"connections\":" C3 "}]}"

// A recipe of models/.
static struct graph *model(struct arena *a, const char *name) {
  struct bytes text;
  struct recipe r;
  struct err e = {0};
  if (!file_read(a, arena_printf(a, "models/%s.json", name), 1 << 16, &text, &e) ||
      !recipe_parse(a, (const char *)text.data, text.size, 5, &r, &e))
    fail_msg("%s", e.text);
  return r.model;
}

static struct graph *network(struct arena *a, const char *recipe) {
  struct recipe r;
  struct err e = {0};
  if (!recipe_parse(a, recipe, strlen(recipe), 5, &r, &e)) fail_msg("%s", e.text);
  return r.model;
}

static int64_t parameters(const struct graph *g) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init) sum += value_connections(&g->values[i]);
  return sum;
}

static struct graph *quantized(struct arena *a, struct graph *g, const char *weight,
                               struct err *e) {
  struct formats f = formats_new();
  assert_true(formats_set_stream(a, &f.defaults, "8,3", e));
  assert_true(formats_set_weight(a, &f.defaults, weight, e));
  return quantize(a, g, &f, e);
}

static void c3_has_1516_parameters(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = network(&a, LENET5_C3);
  assert_int_equal(parameters(g), 1516);
  assert_int_equal(node_macs(g, &g->nodes[0]), 150000);
  arena_free(&a);
}

// Sub-sampling isn't counted as multiply-accumulates; the head of LeNet-5 is a linear layer, 850
// parameters, where the paper's has 84 x 10 that are fixed.
static void networks_have_their_published_counts(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t parameters, macs;
  } cases[] = {{"lenet1", 2578, 91520},
               {"lenet4", 50998, 277600},
               {"lenet5-1998", 60000 + 850, 326520},
               {"lenet5-1998-rbf", 60000 + 840, 326520}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = model(&a, cases[k].name);
    int64_t macs = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) macs += node_macs(g, &g->nodes[i]);
    assert_int_equal(parameters(g), cases[k].parameters);
    assert_int_equal(macs, cases[k].macs);
    const struct graph *q = quantized(&a, g, "8", &e);
    if (!q) fail_msg("%s", e.text);
    assert_int_equal(parameters(q), cases[k].parameters);
    arena_free(&a);
  }
}

// In every format that has a 0 the mask stays, and the codes where it cuts stand for 0.
static void quantised_weights_keep_their_zeros(void **state) {
  (void)state;
  static const char *const formats[] = {"8", "4,channel", "ternary", "ternary,channel", "8,7"};
  for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
    struct arena a = {0};
    struct err e = {0};
    const struct graph *g = quantized(&a, network(&a, LENET5_C3), formats[k], &e);
    if (!g) fail_msg("%s: %s", formats[k], e.text);
    const struct value *w = node_in(g, &g->nodes[0], 1);
    int64_t moved = 0;
    assert_int_equal(parameters(g), 1516);
    for (int64_t i = 0; i < w->init->count; i++) {
      if (value_is_cut(w, i)) assert_int_equal(tensor_int(w->init, i), 0);
      moved += tensor_int(w->init, i) != 0;
    }
    assert_true(moved > 500);
    arena_free(&a);
  }
}

static void bipolar_weights_have_no_0(void **state) {
  (void)state;
  static const char *const formats[] = {"bipolar", "bipolar,channel"};
  for (size_t k = 0; k < 2; k++) {
    struct arena a = {0};
    struct err e = {0};
    assert_null(quantized(&a, network(&a, LENET5_C3), formats[k], &e));
    assert_string_equal(e.text, "layer \"c3\": the mask of \"c3.weight\" cuts connections, which "
                                "bipolar has no 0 for: try ternary");
    arena_free(&a);
  }
}

// A table that cuts nothing is none.
static void a_whole_table_may_be_bipolar(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g =
      network(&a, "{\"input\":{\"shape\":[3]},\"layers\":[{\"op\":\"linear\",\"out\":2,"
                  "\"connections\":[[0,1,2],[2,1,0]]}]}");
  if (!quantized(&a, g, "bipolar", &e)) fail_msg("%s", e.text);
  arena_free(&a);
}

// Weights of floats, too, with the connection's name: output 2 sees maps 2, 3, 4.
static void weights_without_a_connection_are_refused(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = network(&a, LENET5_C3);
  struct tensor *w = g->values[graph_find_value(g, "c3.weight")].init;
  int64_t first = 2 * 150 + 7 * 6;
  ((float *)w->data)[first + 4] = 2;
  assert_true(graph_verify(g, &e));
  ((float *)w->data)[first + 5] = -0.25f;
  assert_false(graph_verify(g, &e));
  assert_string_equal(e.text, "layer \"c3\": output 2, input 5: tensor \"c3.weight\": element 347 "
                              "stands for -0.25, but its mask cuts it: expected 0");
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(c3_has_1516_parameters),
                                     cmocka_unit_test(networks_have_their_published_counts),
                                     cmocka_unit_test(quantised_weights_keep_their_zeros),
                                     cmocka_unit_test(bipolar_weights_have_no_0),
                                     cmocka_unit_test(a_whole_table_may_be_bipolar),
                                     cmocka_unit_test(weights_without_a_connection_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
