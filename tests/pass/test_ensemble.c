// SPDX-License-Identifier: Apache-2.0
// Models in one graph add what each gives, to the bit; cut again at net 1, the two parts give what
// the whole gives, in floats and in integers; what can't be added is refused, and what isn't an
// ensemble isn't taken for one.
#include "quant/load.h"
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/model.h"
#include "sw/pass/ensemble.h"
#include "sw/train/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { IMAGES = 7, PIXELS = 36, CLASSES = 3, NETS = 4 };

#define INPUT "\"input\":{\"shape\":[6,6,1],\"mean\":0.25,\"std\":0.5}"
#define LAST "{\"op\":\"flatten\"},{\"op\":\"linear\",\"name\":\"last\",\"out\":3}"
#define RECIPE(layers) "{" INPUT ",\"layers\":[" layers "]}"

// The depths differ; the last two end with sums of their own, of which one shares a layer.
static const char *const recipes[NETS] = {
    RECIPE("{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":5},{\"op\":\"tanh\"},"
           "{\"op\":\"linear\",\"name\":\"last\",\"out\":3}"),
    RECIPE("{\"op\":\"conv2d\",\"out\":2,\"kernel\":[3,3]},{\"op\":\"batch_norm\"},"
           "{\"op\":\"relu\"}," LAST),
    RECIPE("{\"op\":\"max_pool\",\"kernel\":[2,2],\"stride\":[2,2]}," LAST),
    RECIPE("{\"op\":\"flatten\"},{\"op\":\"linear\",\"name\":\"a\",\"out\":3},"
           "{\"op\":\"relu\",\"name\":\"r\"},{\"op\":\"add\",\"from\":[\"a\",\"r\"]}")};

static const char *const files[NETS + 1] = {"a.bin", "b.bin", "c.bin", "d.bin", "e.bin"};

static struct graph *parse(struct arena *a, const char *text, uint64_t seed) {
  struct recipe r;
  struct err e = {0};
  if (!recipe_parse(a, text, strlen(text), seed, &r, &e)) fail_msg("%s", e.text);
  return r.model;
}

static struct graph *join(struct arena *a, uint32_t n, const struct graph **nets, double margin) {
  struct err e = {0};
  struct graph *g = ensemble(a, "all", n, nets, files, margin, &e);
  if (!g) fail_msg("%s", e.text);
  return g;
}

static struct graph *build(struct arena *a, uint32_t n, const struct graph **nets, double margin) {
  for (uint32_t i = 0; i < n; i++) nets[i] = parse(a, recipes[i], i + 3);
  return join(a, n, nets, margin);
}

static const uint8_t *pixels(struct arena *a) {
  uint8_t *p = ARENA_NEW(a, uint8_t, IMAGES * PIXELS);
  for (int i = 0; i < IMAGES * PIXELS; i++) p[i] = (uint8_t)rng_at(5, 0, (uint64_t)i);
  return p;
}

static float *floats(struct arena *a, const struct graph *g, const uint8_t *p, const float *x) {
  struct err e = {0};
  float *y = ARENA_NEW(a, float, IMAGES *CLASSES);
  struct real *r = real_new(a, g, &e);
  if (!r) fail_msg("%s", e.text);
  real_run(r, IMAGES, p, x, &(struct real_tap){g->outputs[0], y}, 1);
  real_free(r);
  return y;
}

static void sums_are_exact(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *nets[NETS];
  const uint8_t *p = pixels(&a);
  for (uint32_t n = 2; n <= NETS; n++) {
    const struct graph *g = build(&a, n, nets, NAN);
    const float *y = floats(&a, g, p, NULL);
    const float *sum = floats(&a, nets[0], p, NULL);
    for (uint32_t k = 1; k < n; k++) {
      const float *next = floats(&a, nets[k], p, NULL);
      float *more = ARENA_NEW(&a, float, IMAGES *CLASSES);
      for (int i = 0; i < IMAGES * CLASSES; i++) more[i] = sum[i] + next[i];
      sum = more;
    }
    assert_memory_equal(y, sum, IMAGES * CLASSES * sizeof *y);
  }
  arena_free(&a);
}

// Names of all nets are apart, and the file gives the graph back, margin and all.
static void file_has_it_all(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct text first = {0}, second = {0};
  const struct graph *nets[NETS];
  const struct graph *g = build(&a, NETS, nets, 0.75);
  assert_int_not_equal(graph_find_value(g, "net1.last.weight"), NONE);
  assert_int_not_equal(graph_find_value(g, "net3.last.weight"), NONE);
  assert_int_equal(graph_find_value(g, "last.weight"), NONE);
  assert_string_equal(g->values[g->outputs[0]].name, "sum4");
  model_put(&first, g);
  const struct graph *again = model_parse(&a, first.data, first.size, &e);
  if (!again) fail_msg("%s", e.text);
  model_put(&second, again);
  assert_int_equal(first.size, second.size);
  assert_memory_equal(first.data, second.data, first.size);
  struct ensemble found;
  assert_true(ensemble_find(again, &found, &e));
  assert_true(found.margin == 0.75);
  text_free(&first);
  text_free(&second);
  arena_free(&a);
}

// ---- the way back

static struct ensemble find(const struct graph *g, uint32_t nets, const char *first) {
  struct ensemble of;
  struct err e = {0};
  if (!ensemble_find(g, &of, &e)) fail_msg("%s", e.text);
  assert_int_equal(of.nets, nets);
  assert_string_equal(g->values[of.first].name, first);
  return of;
}

static void parts_are_the_whole_in_floats(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  const struct graph *nets[NETS];
  const uint8_t *p = pixels(&a);
  const struct graph *g = build(&a, NETS, nets, NAN);
  struct ensemble of = find(g, NETS, "net1.last");
  assert_true(isnan(of.margin));
  const struct graph *first = ensemble_first(&a, g, &of), *rest = ensemble_rest(&a, g, &of);
  if (!graph_verify(first, &e) || !graph_verify(rest, &e)) fail_msg("%s", e.text);
  assert_int_equal(first->n_nodes + rest->n_nodes, g->n_nodes);
  const float *y = floats(&a, first, p, NULL);
  assert_memory_equal(y, floats(&a, nets[0], p, NULL), IMAGES * CLASSES * sizeof *y);
  enum { BOTH = PIXELS + CLASSES };
  float *x = ARENA_NEW(&a, float, IMAGES *BOTH), *image = x;
  real_pixels(&g->inputs[0], PIXELS, IMAGES, p, image);
  float *both = ARENA_NEW(&a, float, IMAGES *BOTH);
  for (int i = 0; i < IMAGES; i++) {
    memcpy(both + i * BOTH, image + i * PIXELS, PIXELS * sizeof *x);
    memcpy(both + i * BOTH + PIXELS, y + i * CLASSES, CLASSES * sizeof *x);
  }
  assert_memory_equal(floats(&a, rest, NULL, both), floats(&a, g, p, NULL),
                      IMAGES * CLASSES * sizeof *y);
  arena_free(&a);
}

static int32_t *codes(struct arena *a, const struct graph *g, const int32_t *x) {
  struct err e = {0};
  int32_t *y = ARENA_NEW(a, int32_t, IMAGES * CLASSES);
  struct golden *m = golden_new(a, g, &e);
  if (!m) fail_msg("%s", e.text);
  golden_run_codes(m, IMAGES, x, &(struct golden_tap){g->outputs[0], y}, 1);
  golden_free(m);
  return y;
}

// Quantised, with the margin kept, and every part has the whole's integers.
static void parts_are_the_whole_in_integers(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct model m;
  const struct load words = {.precision = "10,6"};
  const struct graph *nets[NETS];
  struct graph *real = build(&a, NETS, nets, 0.5);
  if (!load_graph(&a, real, &words, NULL, &m, &e)) fail_msg("%s", e.text);
  struct ensemble of = find(m.fixed, NETS, "net1.last");
  assert_true(of.margin == 0.5);
  const struct graph *first = ensemble_first(&a, m.fixed, &of),
                     *rest = ensemble_rest(&a, m.fixed, &of);
  if (!graph_verify(first, &e) || !graph_verify(rest, &e)) fail_msg("%s", e.text);
  enum { BOTH = PIXELS + CLASSES };
  int32_t x[IMAGES * PIXELS], both[IMAGES * BOTH];
  const uint8_t *p = pixels(&a);
  for (int i = 0; i < IMAGES * PIXELS; i++) x[i] = source_code(&m.fixed->inputs[0].source, 0, p[i]);
  const int32_t *y = codes(&a, first, x);
  for (int i = 0; i < IMAGES; i++) {
    memcpy(both + i * BOTH, x + i * PIXELS, PIXELS * sizeof *x);
    memcpy(both + i * BOTH + PIXELS, y + i * CLASSES, CLASSES * sizeof *x);
  }
  assert_memory_equal(codes(&a, rest, both), codes(&a, m.fixed, x), IMAGES * CLASSES * sizeof *y);
  arena_free(&a);
}

// A net that ends with a sum whose parts share a layer is one net; a margin says which is net 1.
static void sums_inside_are_no_ensemble(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct ensemble of;
  const struct graph *residual = parse(&a, recipes[3], 1), *mlp = parse(&a, recipes[0], 2);
  assert_false(ensemble_find(residual, &of, &e));
  assert_non_null(strstr(e.text, "isn't the sum of nets that share the input alone"));
  assert_false(ensemble_find(mlp, &of, &e));
  const struct graph *two = join(&a, 2, (const struct graph *[]){residual, mlp}, NAN);
  find(two, 2, two->values[graph_find_value(two, "net1.add1")].name);
  const struct graph *nested = join(&a, 2, (const struct graph *[]){two, mlp}, NAN);
  find(nested, 3, "net1.net1.add1");
  const struct graph *kept = join(&a, 2, (const struct graph *[]){two, mlp}, 1);
  find(kept, 2, "net1.sum2");
  arena_free(&a);
}

// Another shape or type of the sum is the sum.
static void what_is_behind_the_sum(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  const struct graph *nets[NETS];
  const uint8_t *p = pixels(&a);
  static const enum op kinds[] = {OP_reshape, OP_requant, OP_tanh};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct graph *g = build(&a, 2, nets, NAN);
    const int64_t shape[2] = {1, CLASSES};
    uint32_t node = graph_add_node(g, kinds[i], "behind");
    graph_add_use(g, node, (struct use){g->outputs[0], 0, NONE});
    if (kinds[i] == OP_reshape) graph_add_ints(g, node, ATTR_shape, 2, shape);
    if (kinds[i] == OP_requant)
      graph_add_type(g, node, ATTR_type, type_fixed(&a, 8, true, 0.125, 0));
    g->outputs[0] =
        graph_add_value(g, "behind", i ? 1 : 2, i ? shape + 1 : shape, type_real(), true);
    graph_add_out(g, node, g->outputs[0]);
    if (!graph_verify(g, &e)) fail_msg("%s", e.text);
    struct ensemble of;
    bool found = ensemble_find(g, &of, &e);
    assert_int_equal(found, kinds[i] != OP_tanh);
    if (!found) continue;
    assert_string_equal(g->values[of.first].name, "net1.last");
    const struct graph *rest = ensemble_rest(&a, g, &of);
    if (!graph_verify(rest, &e)) fail_msg("%s", e.text);
    assert_int_equal(rest->values[rest->outputs[0]].rank, i ? 1 : 2);
    assert_non_null(floats(&a, g, p, NULL));
  }
  arena_free(&a);
}

// ---- what is refused

// Nets of files whose axes stand otherwise see other arrays.
static void other_axes(void **state) {
  (void)state;
  static const int64_t straight[3] = {0, 1, 2}, turned[3] = {1, 0, 2}, moved[3] = {0, 2, 1};
  for (int i = 0; i < 3; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *second = parse(&a, recipes[1], 2);
    const struct graph *nets[2] = {parse(&a, recipes[0], 1), second};
    second->inputs[0].source.axes = i == 0 ? straight : i == 1 ? turned : moved;
    assert_int_equal(ensemble(&a, "all", 2, nets, files, NAN, &e) != NULL, i == 0);
    assert_int_equal(strstr(e.text, "axes of the pixels") != NULL, i > 0);
    arena_free(&a);
  }
}

static void refused(void **state) {
  (void)state;
  static const struct {
    const char *recipe, *message;
  } rows[] = {
      {"{\"input\":{\"shape\":[6,6,2]},\"layers\":[" LAST "]}",
       "b.bin: input \"image\" is 6 x 6 x 2, expected 6 x 6 x 1 as in a.bin"},
      {"{\"input\":{\"shape\":[6,6,1],\"mean\":0.5,\"std\":0.5},\"layers\":[" LAST "]}",
       "b.bin: input \"image\": mean, std or axes of the pixels aren't those of a.bin"},
      {RECIPE("{\"op\":\"flatten\"},{\"op\":\"linear\",\"name\":\"l\",\"out\":4}"),
       "b.bin: output \"l\" is 4, expected 3 as in a.bin"},
      {RECIPE(LAST ",{\"op\":\"argmax\"}"), "b.bin: layer \"argmax1\" is argmax: indices"},
      {RECIPE(LAST ",{\"op\":\"softmax\"}"), "b.bin: layer \"softmax1\" is softmax, which is"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct err e = {0};
    const struct graph *nets[2] = {parse(&a, recipes[0], 1), parse(&a, rows[i].recipe, 2)};
    assert_null(ensemble(&a, "all", 2, nets, files, NAN, &e));
    if (!strstr(e.text, rows[i].message)) fail_msg("%s, expected %s", e.text, rows[i].message);
    arena_free(&a);
  }
}

static void integers_and_one_model_are_refused(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct model m;
  const struct load words = {.precision = "8,3"};
  if (!load_graph(&a, parse(&a, recipes[0], 1), &words, NULL, &m, &e)) fail_msg("%s", e.text);
  const struct graph *nets[2] = {m.fixed, m.fixed};
  assert_null(ensemble(&a, "all", 2, nets, files, NAN, &e));
  assert_non_null(strstr(e.text, "a.bin: holds integers"));
  e = (struct err){0};
  assert_null(ensemble(&a, "all", 1, nets, files, NAN, &e));
  assert_non_null(strstr(e.text, "1 models, expected 2 to 16"));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_exact),
                                     cmocka_unit_test(file_has_it_all),
                                     cmocka_unit_test(parts_are_the_whole_in_floats),
                                     cmocka_unit_test(parts_are_the_whole_in_integers),
                                     cmocka_unit_test(sums_inside_are_no_ensemble),
                                     cmocka_unit_test(what_is_behind_the_sum),
                                     cmocka_unit_test(other_axes),
                                     cmocka_unit_test(refused),
                                     cmocka_unit_test(integers_and_one_model_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
