// SPDX-License-Identifier: Apache-2.0
// Equalisation changes no float of the outputs, makes ranges alike, and helps weights of one scale.
#include "quant/equalize.h"
#include "sw/base/rng.h"
#include "sw/exec/real.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE = 6, CHANNELS = 4, OUTS = 5, IMAGES = 8, ELEMENTS = SIDE * SIDE * 2 };

struct net {
  struct arena arena;
  struct graph *g;
  uint64_t random;
};

static double next(struct net *n) {
  return (double)(rng_at(21, 4, n->random++) >> 11) * 0x1p-52 - 1;
}

static uint32_t tensor(struct net *n, const char *name, int rank, const int64_t *shape) {
  struct tensor *t = tensor_new(&n->arena, DTYPE_F32, rank, shape);
  for (int64_t i = 0; i < t->count; i++) {
    // channels whose ranges differ
    double size = ldexp(1, (int)(i / (t->count / shape[0])) % 5 * 2 - 4);
    ((float *)t->data)[i] = (float)(size * next(n));
  }
  return graph_add_tensor(n->g, name, t, type_real());
}

static uint32_t layer(struct net *n, enum op op, const char *name, uint32_t x, int w_rank,
                      const int64_t *w, int rank, const int64_t *shape) {
  uint32_t node = graph_add_node(n->g, op, name);
  graph_add_use(n->g, node, (struct use){x, 0, NONE});
  if (w_rank) {
    uint32_t weight = tensor(n, arena_printf(&n->arena, "%s.w", name), w_rank, w);
    uint32_t bias = tensor(n, arena_printf(&n->arena, "%s.b", name), 1, w);
    graph_add_use(n->g, node, (struct use){weight, 0, NONE});
    graph_add_use(n->g, node, (struct use){bias, 0, NONE});
  }
  uint32_t y = graph_add_value(n->g, name, rank, shape, type_real(), true);
  graph_add_out(n->g, node, y);
  return y;
}

// conv -> `between` -> depthwise -> leaky relu -> max pool -> flatten -> linear
static void make(struct net *n, enum op between) {
  *n = (struct net){0};
  n->g = graph_new(&n->arena, "net");
  const int64_t image[] = {SIDE, SIDE, 2}, whole[] = {SIDE, SIDE, CHANNELS},
                half[] = {SIDE / 2, SIDE / 2, CHANNELS};
  const int64_t flat = SIDE * SIDE / 4 * CHANNELS;
  uint32_t x = graph_add_value(n->g, "x", 3, image, type_real(), true);
  graph_add_input(n->g, x, (struct source){0});
  x = layer(n, OP_conv2d, "conv", x, 4, (int64_t[]){CHANNELS, 1, 1, 2}, 3, whole);
  x = layer(n, between, "between", x, 0, NULL, 3, whole);
  x = layer(n, OP_conv2d, "depthwise", x, 4, (int64_t[]){CHANNELS, 3, 3, 1}, 3, whole);
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_pad, 4, (int64_t[]){1, 1, 1, 1});
  graph_add_int(n->g, n->g->n_nodes - 1, ATTR_groups, CHANNELS);
  x = layer(n, OP_leaky_relu, "leaky", x, 0, NULL, 3, whole);
  graph_add_real(n->g, n->g->n_nodes - 1, ATTR_slope, 0.125);
  x = layer(n, OP_max_pool, "pool", x, 0, NULL, 3, half);
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_kernel, 2, (int64_t[]){2, 2});
  graph_add_ints(n->g, n->g->n_nodes - 1, ATTR_stride, 2, (int64_t[]){2, 2});
  x = layer(n, OP_flatten, "flatten", x, 0, NULL, 1, &flat);
  x = layer(n, OP_linear, "fc", x, 2, (int64_t[]){OUTS, flat}, 1, (int64_t[]){OUTS});
  graph_add_output(n->g, x);
}

static void run(struct net *n, const struct graph *g, float *y) {
  struct err e = {0};
  float x[IMAGES * ELEMENTS];
  struct real *r = real_new(&n->arena, g, &e);
  if (!r) fail_msg("%s", e.text);
  for (int i = 0; i < IMAGES * ELEMENTS; i++)
    x[i] = (float)(rng_at(3, 1, (uint64_t)i) >> 40) * 0x1p-23F - 1;
  real_run(r, IMAGES, NULL, x, &(struct real_tap){g->outputs[0], y}, 1);
  real_free(r);
}

static const struct value *weights(const struct graph *g, const char *name) {
  return &g->values[graph_find_value(g, name)];
}

// The range of channel c of the outputs of w, or of its taps, each `channels`-th of which is c's.
static double range_of(const struct value *w, bool outputs, int64_t c) {
  double range = 0;
  int64_t taps = w->init->count / w->shape[0];
  for (int64_t i = 0; i < w->init->count; i++)
    if ((outputs ? i / taps : i % CHANNELS) == c) range = fmax(range, fabs(value_real(w, i)));
  return range;
}

// The largest ratio between a channel's range in one layer and in the next.
static double spread(const struct graph *g) {
  const struct value *conv = weights(g, "conv.w"), *mid = weights(g, "depthwise.w"),
                     *fc = weights(g, "fc.w");
  double most = 0;
  for (int64_t c = 0; c < CHANNELS; c++) {
    double one = range_of(conv, true, c) / range_of(mid, true, c),
           two = range_of(mid, true, c) / range_of(fc, false, c);
    most = fmax(most, fmax(fmax(one, 1 / one), fmax(two, 1 / two)));
  }
  return most;
}

static void test_same(void **state) {
  (void)state;
  struct net n;
  struct err e = {0};
  float before[IMAGES * OUTS], after[IMAGES * OUTS], kept[IMAGES * OUTS];
  uint32_t pairs;
  make(&n, OP_relu);
  if (!graph_verify(n.g, &e)) fail_msg("%s", e.text);
  assert_true(spread(n.g) > 8);
  run(&n, n.g, before);
  struct graph *g = equalize(&n.arena, n.g, &pairs);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  run(&n, g, after);
  run(&n, n.g, kept); // the model itself is as it was
  assert_int_equal(pairs, 2);
  assert_memory_equal(before, after, sizeof before);
  assert_memory_equal(before, kept, sizeof before);
  assert_true(spread(g) <= 2);
  // a weight more is noticed
  ((float *)weights(g, "fc.w")->init->data)[7] *= 2;
  run(&n, g, after);
  assert_memory_not_equal(before, after, sizeof before);
  equalize(&n.arena, g, &pairs);
  arena_free(&n.arena);
}

// What isn't homogeneous stands between layers; so does a second reader.
static void test_apart(void **state) {
  (void)state;
  struct net n;
  uint32_t pairs;
  make(&n, OP_tanh);
  assert_non_null(equalize(&n.arena, n.g, &pairs));
  assert_int_equal(pairs, 1);
  arena_free(&n.arena);
  make(&n, OP_relu6);
  assert_non_null(equalize(&n.arena, n.g, &pairs));
  assert_int_equal(pairs, 1);
  graph_add_output(n.g, (uint32_t)graph_find_value(n.g, "leaky"));
  assert_non_null(equalize(&n.arena, n.g, &pairs));
  assert_int_equal(pairs, 0);
  arena_free(&n.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_apart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
