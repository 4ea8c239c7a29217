// SPDX-License-Identifier: Apache-2.0
// Layers cut into slices compute what the whole ones do: random chains, every grain, in the plain
// golden model; nothing is cut that has no channels, and slices aren't cut again.
#include "sw/exec/golden.h"
#include "sw/graph/interval.h"
#include "sw/pass/split.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 8, FRAMES = 3, ELEMENTS = 4096 };

static const enum op kinds[] = {OP_linear, OP_relu, OP_tanh,   OP_quantize, OP_flatten,  OP_argmax,
                                OP_argmin, OP_rbf,  OP_conv1d, OP_conv2d,   OP_subsample};

// The integers of the output for `codes` (FRAMES, elements of the input).
static void run(const struct graph *g, const int32_t *codes, int64_t *to) {
  struct arena a = {0};
  int64_t in = value_elements(&g->values[g->inputs[0].value]);
  int64_t out = value_elements(&g->values[g->outputs[0]]);
  struct golden_ref *ref = golden_ref_new(&a, g, 1);
  int64_t x[ELEMENTS];
  const int64_t *inputs[1] = {x};
  for (int f = 0; f < FRAMES; f++) {
    for (int64_t i = 0; i < in; i++) x[i] = codes[f * in + i];
    golden_ref_step(ref, inputs);
    memcpy(to + f * out, golden_ref_value(ref, g->outputs[0]), (size_t)out * sizeof *to);
  }
  arena_free(&a);
}

// How many slices of `grain` channels the nodes of a chain give.
static uint32_t expected_slices(const struct graph *g, int64_t grain) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct value *y = node_out(g, n, 0);
    int c = op_info(n->op)->column;
    int64_t channels = y->rank && y->type.axis < 0 ? y->shape[y->rank - 1] : 1;
    bool slices =
        c == COLUMN_LINEAR || c == COLUMN_RBF || c == COLUMN_CONV || c == COLUMN_POINTWISE;
    bool cut = slices && channels > grain;
    count += cut ? (uint32_t)((channels + grain - 1) / grain) : 0;
  }
  return count;
}

static struct graph *cut(struct arena *a, const struct graph *g, int64_t grain, uint32_t *slices) {
  struct err e = {0};
  struct graph *s = split(a, g, grain, slices);
  if (!graph_verify(s, &e)) fail_msg("grain %lld: %s", (long long)grain, e.text);
  return s;
}

// Every value keeps what is proven of it: a slice's channels are those of the whole layer.
static void same_ranges(struct arena *a, const struct graph *g, int64_t grain) {
  const struct graph *s = cut(a, g, grain, NULL);
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct value *v = &g->values[i], *w = &s->values[graph_find_value(s, v->name)];
    if (v->lo != w->lo || v->hi != w->hi)
      fail_msg("grain %lld, \"%s\": %lld..%lld, expected %lld..%lld", (long long)grain, v->name,
               (long long)w->lo, (long long)w->hi, (long long)v->lo, (long long)v->hi);
  }
}

static void compare(uint64_t seed, enum op op) {
  struct arena a = {0};
  const struct graph *g = netgen(&a, seed, op, NETGEN_CIRCUIT);
  int32_t codes[FRAMES * ELEMENTS];
  static int64_t whole[FRAMES * ELEMENTS], sliced[FRAMES * ELEMENTS];
  int64_t out = value_elements(&g->values[g->outputs[0]]);
  assert_true(out <= ELEMENTS && value_elements(&g->values[g->inputs[0].value]) <= ELEMENTS);
  netgen_input(g, seed, FRAMES, codes);
  run(g, codes, whole);
  for (int64_t grain = 1; grain <= 4; grain += grain) {
    uint32_t slices = 0;
    run(cut(&a, g, grain, &slices), codes, sliced);
    assert_int_equal(slices, expected_slices(g, grain));
    assert_memory_equal(sliced, whole, (size_t)(FRAMES * out) * sizeof *whole);
    same_ranges(&a, g, grain);
  }
  arena_free(&a);
}

static void slices_compute_the_same(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++)
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) compare(seed, kinds[i]);
}

static void slices_are_not_cut_again(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = netgen(&a, 3, OP_linear, NETGEN_CIRCUIT);
  struct graph *once = cut(&a, g, 2, NULL);
  uint32_t slices = 9;
  struct graph *twice = cut(&a, once, 1, &slices);
  assert_int_equal(slices, 0);
  assert_int_equal(twice->n_nodes, once->n_nodes);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(slices_compute_the_same),
                                     cmocka_unit_test(slices_are_not_cut_again)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
