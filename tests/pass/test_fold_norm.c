// SPDX-License-Identifier: Apache-2.0
// batch_norm leaves no node: what it was is in the layer before, or a depthwise convolution, and
// the network computes what it did.
#include "sw/base/rng.h"
#include "sw/exec/real.h"
#include "sw/graph/norm.h"
#include "sw/graph/verify.h"
#include "sw/pass/fold_norm.h"
#include "sw/train/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { FRAMES = 5, OUTPUTS = 16 };

#define NORM "{\"op\":\"batch_norm\"},"
#define CONV "{\"op\":\"conv2d\",\"out\":6,\"kernel\":[3,3],\"groups\":2},"

// A network whose normalisations have statistics of every kind.
static struct graph *network(struct arena *a, const char *shape, const char *layers) {
  struct recipe r;
  struct err e = {0};
  struct rng rng = {7, 0};
  const char *text =
      arena_printf(a, "{\"input\":{\"shape\":%s},\"layers\":[%s{\"op\":\"relu\"}]}", shape, layers);
  if (!recipe_parse(a, text, strlen(text), 1, &r, &e)) fail_msg("%s", e.text);
  for (uint32_t i = 0; i < r.model->n_nodes; i++)
    for (uint32_t k = NORM_GAMMA; r.model->nodes[i].op == OP_batch_norm && k <= NORM_VARIANCE;
         k++) {
      struct tensor *t = node_in(r.model, &r.model->nodes[i], k)->init;
      for (int64_t c = 0; c < t->count; c++)
        ((float *)t->data)[c] = (float)((k == NORM_VARIANCE ? 0.25 : -2) +
                                        rng_unit(&rng) * (k == NORM_VARIANCE ? 3 : 4));
    }
  return r.model;
}

static uint32_t count(const struct graph *g, enum op op) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) n += g->nodes[i].op == op;
  return n;
}

static uint32_t convolutions(const struct graph *g) {
  return count(g, OP_conv1d) + count(g, OP_conv2d);
}

static float *outputs(struct arena *a, const struct graph *g, const float *x, int64_t *size) {
  struct steps *s = real_steps(a, g, FRAMES);
  const void *inputs[] = {x};
  *size = FRAMES * value_elements(&g->values[g->outputs[0]]);
  steps_run(s, inputs);
  return arena_copy(a, steps_value(s, g->outputs[0]), (size_t)*size * sizeof(float));
}

// The largest difference of the outputs of two networks, in parts of the largest output.
static double apart(struct arena *a, const struct graph *g, const struct graph *h) {
  int64_t elements = FRAMES * value_elements(&g->values[g->inputs[0].value]), size, same;
  struct rng rng = {3, 0};
  float *x = ARENA_NEW(a, float, elements);
  double off = 0, most = 0;
  for (int64_t i = 0; i < elements; i++) x[i] = (float)(4 * rng_unit(&rng) - 2);
  const float *y = outputs(a, g, x, &size), *z = outputs(a, h, x, &same);
  assert_int_equal(size, same);
  for (int64_t i = 0; i < size; i++) {
    off = fmax(off, fabs((double)y[i] - (double)z[i]));
    most = fmax(most, fabs((double)y[i]));
  }
  assert_true(most > 0);
  return off / most;
}

static void folds(void **state) {
  (void)state;
  static const struct {
    const char *shape, *layers;
    uint32_t depthwise; // convolutions that it becomes
  } cases[] = {
      {"[6,7,4]", CONV NORM, 0},
      {"[9]", "{\"op\":\"linear\",\"out\":5}," NORM, 0},
      {"[5,9]", "{\"op\":\"linear\",\"out\":5}," NORM NORM, 1}, // one goes in, one stays
      {"[8,3]", "{\"op\":\"conv1d\",\"out\":4,\"kernel\":[3]}," NORM "{\"op\":\"relu\"}," NORM, 1},
      {"[6,7,4]", "{\"op\":\"subsample\",\"kernel\":[2,2]}," NORM, 0},
      {"[6,7,4]", NORM CONV, 1},
      {"[9]", NORM, 1},
      {"[6,6,4]", CONV "{\"op\":\"max_pool\",\"kernel\":[2,2]}," NORM, 1},
      // the layer before is read by another too
      {"[6,7,4]",
       "{\"op\":\"conv2d\",\"name\":\"c\",\"out\":4,\"kernel\":[1,1]},"
       "{\"op\":\"batch_norm\",\"name\":\"n\"},{\"op\":\"add\",\"from\":[\"c\",\"n\"]},",
       1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = network(&a, cases[i].shape, cases[i].layers), *h = fold_norm(&a, g, &e);
    if (!h) fail_msg("case %zu: %s", i, e.text);
    assert_int_equal(count(h, OP_batch_norm), 0);
    assert_int_equal(convolutions(h) - convolutions(g), cases[i].depthwise);
    double off = apart(&a, g, h);
    if (off > 1e-5) fail_msg("case %zu: %g apart", i, off);
    // it is seen when the statistics aren't those that were folded
    for (uint32_t k = 0; k < g->n_nodes; k++) {
      if (g->nodes[k].op != OP_batch_norm) continue;
      struct tensor *variance = node_in(g, &g->nodes[k], NORM_VARIANCE)->init;
      for (int64_t c = 0; c < variance->count; c++) ((float *)variance->data)[c] *= 4;
    }
    if (apart(&a, g, h) < 1e-3) fail_msg("case %zu: other statistics aren't seen", i);
    arena_free(&a);
  }
}

// A layer's weights that another layer reads too stay what they were for it.
static void shared_weights(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = network(
      &a, "[6]", "{\"op\":\"linear\",\"out\":6}," NORM "{\"op\":\"linear\",\"out\":6}," NORM);
  struct node *first = NULL;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == OP_linear) {
      if (first) memcpy(g->nodes[i].in + 1, first->in + 1, 2 * sizeof *first->in);
      first = first ? first : &g->nodes[i];
    }
  struct graph *h = fold_norm(&a, g, &e);
  if (!h) fail_msg("%s", e.text);
  assert_true(apart(&a, g, h) < 1e-5);
  arena_free(&a);
}

// Weights that are numbers of a minifloat stay such: the scale of each output takes the factor's
// size, the number its sign. Without a sign they become floats.
static void minifloats_stay(void **state) {
  (void)state;
  for (int is_signed = 0; is_signed <= 1; is_signed++) {
    struct arena a = {0};
    struct graph *g = network(&a, "[5,4,2]", CONV NORM);
    struct minifloat m = {2, 1, MINIFLOAT_ALL, is_signed};
    const double scale = 0.125;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      if (!op_is(g->nodes[i].op, TRAIT_WEIGHTS)) continue;
      struct value *w = &g->values[g->nodes[i].in[1].value];
      const struct tensor *floats = w->init;
      w->type = type_minifloat(&a, &m, -1, 1, &scale);
      w->init = tensor_new(&a, dtype_for(&w->type), w->rank, w->shape);
      for (int64_t k = 0; k < w->init->count; k++)
        tensor_set_int(w->init, k, type_encode(&w->type, 4 * tensor_real(floats, k)));
    }
    struct err e = {0};
    struct graph *h = fold_norm(&a, g, &e);
    if (!h || !graph_verify(h, &e)) fail_msg("%s", e.text);
    assert_int_equal(count(h, OP_batch_norm), 0);
    assert_true(apart(&a, g, h) < 1e-4);
    int found = 0;
    for (uint32_t i = 0; i < h->n_values; i++) {
      const struct type *t = &h->values[i].type;
      if (!type_is_minifloat(t)) continue;
      found++;
      assert_true(t->axis == 0 && t->width == 4 && t->channels == 6);
    }
    assert_int_equal(found, is_signed);
    arena_free(&a);
  }
}

// Sums of signs do as well, whichever sign the factor has.
static void residuals_stay(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = network(&a, "[5,4,2]", CONV NORM);
  const struct residual r = {3, {7, 3, 2}};
  const double scale = 0.03125;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (!op_is(g->nodes[i].op, TRAIT_WEIGHTS)) continue;
    struct value *w = &g->values[g->nodes[i].in[1].value];
    const struct tensor *floats = w->init;
    w->type = type_residual(&a, &r, -1, 1, &scale);
    w->init = tensor_new(&a, dtype_for(&w->type), w->rank, w->shape);
    for (int64_t k = 0; k < w->init->count; k++)
      tensor_set_int(w->init, k, type_encode(&w->type, tensor_real(floats, k)));
  }
  struct err e = {0};
  struct graph *h = fold_norm(&a, g, &e);
  if (!h || !graph_verify(h, &e)) fail_msg("%s", e.text);
  assert_true(count(h, OP_batch_norm) == 0 && apart(&a, g, h) < 1e-4);
  int found = 0;
  for (uint32_t i = 0; i < h->n_values; i++) {
    const struct type *t = &h->values[i].type;
    if (!type_is_residual(t)) continue;
    found++;
    assert_true(t->axis == 0 && t->width == 3 && t->channels == 6 && t->residual.factor[1] == 3);
  }
  assert_int_equal(found, 1);
  arena_free(&a);
}

static void nothing_to_do(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = network(&a, "[6]", "{\"op\":\"linear\",\"out\":6},");
  assert_ptr_equal(fold_norm(&a, g, &e), g);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(folds), cmocka_unit_test(shared_weights), cmocka_unit_test(minifloats_stay),
      cmocka_unit_test(residuals_stay), cmocka_unit_test(nothing_to_do)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
