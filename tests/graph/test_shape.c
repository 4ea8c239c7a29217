// SPDX-License-Identifier: Apache-2.0
// Shapes that don't go together, and slices that aren't parts of them, a rule at a time.
#include "tests/graph/helper_verify.h"

RULE(features_that_differ) {
  struct value *w = input(g, n, 1);
  w->shape[1]++;
  w->init = tensor_new(g->arena, w->init->dtype, 2, w->shape);
}
RULE(ranks_of_nothing) {
  static const int64_t none;
  NO_G;
  attribute(n, ATTR_k)->ints = &none;
}
RULE(ranks_of_too_many) {
  int64_t *k = ARENA_NEW(g->arena, int64_t, 1);
  *k = input(g, n, 0)->shape[0] + 1;
  attribute(n, ATTR_k)->ints = k;
}
RULE(weights_of_one_axis) {
  input(g, n, 1)->rank = 1;
}
RULE(bias_of_another_length) {
  if (n->n_in < 3) return; // another seed has one
  struct value *b = input(g, n, 2);
  b->shape[0]++;
  b->init = tensor_new(g->arena, b->init->dtype, 1, b->shape);
}
RULE(bias_of_two_axes) {
  if (n->n_in < 3) return;
  input(g, n, 2)->rank = 2;
  input(g, n, 2)->shape[1] = 1;
}
static void slice(struct graph *g, struct node *n, int64_t count, int64_t axis, int64_t begin,
                  int64_t end) {
  const int64_t ints[5] = {axis, begin, end, 0, 1};
  n->n_in = n->n_in > 2 ? 2 : n->n_in; // a partial sum has no bias
  graph_add_ints(g, id_of(g, n), ATTR_slice, count, ints);
}
RULE(slice_without_a_range) {
  slice(g, n, 1, 0, 0, 0);
}
RULE(slice_of_half_a_range) {
  slice(g, n, 4, 0, 0, 1);
}
RULE(slice_of_no_axis) {
  slice(g, n, 3, -1, 0, 1);
}
RULE(slice_of_an_axis_beyond) {
  slice(g, n, 3, 9, 0, 1);
}
RULE(slice_of_nothing) {
  slice(g, n, 3, 0, 0, 0);
}
RULE(slice_before_the_first) {
  slice(g, n, 3, 0, -1, 1);
}
RULE(slice_beyond_the_last) {
  slice(g, n, 3, 0, 0, 1 << 20);
}
RULE(slice_unsorted) {
  slice(g, n, 5, 0, 0, 1);
}
RULE(partial_sum_with_a_bias) {
  if (n->n_in < 3) return;
  graph_add_ints(g, id_of(g, n), ATTR_slice, 3, (int64_t[]){input(g, n, 0)->rank, 0, 1});
}
RULE(matrices_apart) {
  struct value *b = input(g, n, 1);
  b->shape[0] += 3;
  b->shape[1] += 3;
}
RULE(matrix_of_one_axis) {
  input(g, n, 1)->rank = 1;
}
RULE(sum_of_no_axis) {
  attribute(n, ATTR_axes)->ints = arena_copy(g->arena, &(int64_t){-1}, 8);
}
RULE(sum_of_an_axis_beyond) {
  attribute(n, ATTR_axes)->ints = arena_copy(g->arena, &(int64_t){9}, 8);
}
RULE(joined_apart) {
  const struct value *x = input(g, n, 0);
  n->in[1].value = tensor(g, "odd", x->shape[x->rank - 1] + 1, s8(g));
}
RULE(reshape_into_less) {
  const struct attr *shape = attribute(n, ATTR_shape);
  int64_t *ints = arena_copy(g->arena, shape->ints, (size_t)shape->count * 8);
  for (int64_t i = 0; i < shape->count; i++) ints[i] = 1;
  attribute(n, ATTR_shape)->ints = ints;
}
RULE(reshape_into_nothing) {
  reshape_into_less(g, n);
  ((int64_t *)attribute(n, ATTR_shape)->ints)[0] = 0;
}
RULE(reshape_with_two_open) {
  reshape_into_less(g, n);
  if (attribute(n, ATTR_shape)->count < 2) return;
  int64_t *ints = (int64_t *)attribute(n, ATTR_shape)->ints;
  ints[0] = ints[1] = -1;
}
RULE(class_of_the_first_axis) {
  if (!node_attr(n, ATTR_axis)) graph_add_int(g, id_of(g, n), ATTR_axis, 0);
  attribute(n, ATTR_axis)->ints = arena_copy(g->arena, &(int64_t){7}, 8);
}

static const struct rule rules[] = {
    {OP_linear, features_that_differ, "features, the weights ("},
    {OP_linear, weights_of_one_axis, "expected an input of rank >= 1 and weights (OUT, IN)"},
    {OP_rbf, features_that_differ, "features, the weights ("},
    {OP_rbf, weights_of_one_axis, "expected an input of rank >= 1 and weights (OUT, IN)"},
    {OP_linear, bias_of_another_length, "of rank 1, expected ("},
    {OP_linear, bias_of_two_axes, "of rank 2, expected ("},
    {OP_relu, slice_without_a_range, "slice: expected axis, begin, end, ... with an axis below"},
    {OP_relu, slice_of_half_a_range, "slice: expected axis, begin, end"},
    {OP_relu, slice_of_no_axis, "slice: expected axis, begin, end"},
    {OP_relu, slice_of_an_axis_beyond, "slice: expected axis, begin, end"},
    {OP_relu, slice_of_nothing, "slice: range 0..0 is empty, unsorted or outside of 0.."},
    {OP_relu, slice_before_the_first, "slice: range -1..1 is empty"},
    {OP_relu, slice_beyond_the_last, "slice: range 0..1048576 is empty"},
    {OP_relu, slice_unsorted, "slice: range 0..1 is empty"},
    {OP_linear, partial_sum_with_a_bias, "a slice of the summed axis takes no bias"},
    {OP_matmul, matrices_apart, "the matrices share no inner dimension"},
    {OP_matmul, matrix_of_one_axis, "expected two matrices"},
    {OP_sum, sum_of_no_axis, "axis -1 of an input of rank"},
    {OP_sum, sum_of_an_axis_beyond, "axis 9 of an input of rank"},
    {OP_add, joined_apart, "elements on one axis don't broadcast"},
    {OP_reshape, reshape_into_less, "elements don't reshape into 1"},
    {OP_reshape, reshape_into_nothing, "shape: dimension 0"},
    {OP_reshape, reshape_with_two_open, "shape: dimension -1"},
    {OP_argmax, class_of_the_first_axis, "only the last axis is supported"},
    {OP_top_k, class_of_the_first_axis, "only the last axis is supported"},
    {OP_top_k, ranks_of_nothing, "k: 0, expected 1 to "},
    {OP_top_k, ranks_of_too_many, ", the elements of a row"},
    {OP_argmin, class_of_the_first_axis, "only the last axis is supported"},
};

static void test_rules(void **state) {
  (void)state;
  verify_rules(rules, sizeof rules / sizeof *rules);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
