// SPDX-License-Identifier: Apache-2.0
// What the verifier refuses of structure, a rule at a time. (What readers of files refuse already:
// test_model.)
#include "tests/graph/helper_verify.h"

#include <math.h>
#include <string.h>

// ---- names

RULE(value_without_name) {
  input(g, n, 0)->name = "";
}
RULE(node_without_name) {
  NO_G;
  n->name = "";
}
RULE(values_of_one_name) {
  input(g, n, 0)->name = output(g, n)->name = "twin";
}
RULE(nodes_of_one_name) {
  graph_add_node(g, OP_opaque, g->nodes[id_of(g, n)].name);
}

// ---- attributes, counts, references

RULE(foreign_attribute) {
  graph_add_real(g, id_of(g, n), ATTR_lambda, 1);
}
RULE(attribute_twice) {
  graph_add_real(g, id_of(g, n), ATTR_slope, 1);
}
RULE(infinite_attribute) {
  NO_G;
  attribute(n, ATTR_slope)->real = INFINITY;
}
RULE(empty_list) {
  NO_G;
  attribute(n, ATTR_codes)->count = 0;
}
RULE(attribute_missing) {
  NO_G;
  n->n_attr = 0;
}
RULE(unknown_form) {
  graph_add_attr(g, id_of(g, n), ATTR_approximate)->text = "erf";
}
RULE(rank_of_nine) {
  static const int64_t ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  NO_G;
  attribute(n, ATTR_shape)->ints = ones;
  attribute(n, ATTR_shape)->count = 9;
}
RULE(input_missing) {
  NO_G;
  n->n_in = 0;
}
RULE(input_too_many) {
  graph_add_use(g, id_of(g, n), n->in[0]);
}
RULE(output_too_many) {
  int64_t one = 1;
  graph_add_out(g, id_of(g, n), graph_add_value(g, "more", 1, &one, s8(g), true));
}
RULE(reference_missing) {
  NO_G;
  n->n_ref = 0;
}
RULE(reference_too_many) {
  graph_add_ref(g, id_of(g, n), n->out[0]);
}
RULE(two_owned) {
  graph_add_ref(g, id_of(g, n), n->ref[0]);
}
RULE(reference_to_a_number) {
  n->ref[0] = g->inputs[0].value;
}

// ---- uses, frames

RULE(use_of_a_reference) {
  for (uint32_t v = 0; v < g->n_values; v++)
    if (g->values[v].type.cls == TYPE_REF) n->in[0].value = v;
}
RULE(delay_without_initial) {
  NO_G;
  n->in[0].delay = 1;
}
RULE(initial_without_delay) {
  n->in[0].initial = (int32_t)tensor(g, "first", 1, s8(g));
}
RULE(initial_of_another_shape) {
  n->in[0].delay = 1;
  n->in[0].initial = (int32_t)tensor(g, "first", value_elements(input(g, n, 0)) + 1, s8(g));
}
RULE(initial_that_is_computed) {
  n->in[0].delay = 1, n->in[0].initial = (int32_t)n->out[0], NO_G;
}
RULE(after_nothing) {
  graph_add_after(g, id_of(g, n), (struct after){g->n_nodes, 0});
}
RULE(frames_kept) {
  output(g, n)->per_frame = false;
}
RULE(assign_of_frames) {
  n->in[n->n_in - 1].value = g->inputs[0].value;
}

// ---- values and tensors

RULE(dimension_of_nothing) {
  output(g, n)->shape[0] = 0;
}
RULE(dimension_too_long) {
  output(g, n)->shape[0] = DIM_MAX + 1;
}
RULE(too_many_elements) {
  output(g, n)->rank = 2, output(g, n)->shape[0] = output(g, n)->shape[1] = DIM_MAX;
}
RULE(another_shape) {
  output(g, n)->shape[0]++;
}
RULE(channels_elsewhere) {
  output(g, n)->type = per_channel(g, 5, 1);
}
RULE(channels_too_few) {
  output(g, n)->type = per_channel(g, 0, output(g, n)->shape[0] + 1);
}
RULE(scale_of_zero) {
  output(g, n)->type = type_fixed(g->arena, 8, true, 0, 0);
}
RULE(infinite_scale) {
  output(g, n)->type = type_fixed(g->arena, 8, true, INFINITY, 0);
}
RULE(stream_too_wide) {
  output(g, n)->type = type_fixed(g->arena, 33, true, 1, 0);
}
RULE(weight_of_another_dtype) {
  struct tensor *t = input(g, n, 1)->init;
  t->dtype = t->dtype == DTYPE_F32 ? DTYPE_I8 : DTYPE_F32;
}
RULE(bipolar_zero) {
  struct value *w = input(g, n, 1);
  w->type = type_of_class(TYPE_BIPOLAR);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
}
RULE(weight_too_large) {
  struct value *w = input(g, n, 1);
  w->type = type_fixed(g->arena, 3, true, 1, 0);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
  tensor_set_int(w->init, 0, 4);
}
RULE(weight_too_small) {
  weight_too_large(g, n);
  tensor_set_int(input(g, n, 1)->init, 0, -5);
}
RULE(mask_of_another_dtype) {
  struct value *w = input(g, n, 1);
  w->mask = tensor_new(g->arena, DTYPE_I8, w->rank, w->shape);
}
RULE(mask_of_another_shape) {
  int64_t one = 1;
  input(g, n, 1)->mask = tensor_new(g->arena, DTYPE_U8, 1, &one);
}
RULE(mask_of_another_size) {
  struct value *w = input(g, n, 1);
  int64_t shape[RANK_MAX] = {w->shape[0] + 1, 1};
  w->mask = tensor_new(g->arena, DTYPE_U8, w->rank, shape);
}
RULE(masked_but_not_zero) {
  struct value *w = input(g, n, 1);
  weight_too_large(g, n);
  tensor_set_int(w->init, 0, 3);
  w->mask = tensor_new(g->arena, DTYPE_U8, w->rank, w->shape);
}
// Output 1 doesn't see input 2.
RULE(cut_but_not_zero) {
  struct value *w = input(g, n, 1);
  int last = w->rank - 1;
  int64_t shape[RANK_MAX] = {w->shape[0], 1, 1, 1}, ins = w->shape[last];
  if (w->shape[0] < 2 || ins < 3) return;
  shape[last] = ins;
  w->type = type_fixed(g->arena, 8, true, 0.25, -3);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
  w->mask = tensor_new(g->arena, DTYPE_U8, w->rank, shape);
  for (int64_t i = 0; i < w->mask->count; i++) tensor_set_int(w->mask, i, i != ins + 2);
  for (int64_t i = 0; i < w->init->count; i++)
    tensor_set_int(w->init, i, value_is_cut(w, i) ? -3 : 0);
  tensor_set_int(w->init, w->init->count / w->shape[0] * 2 - ins + 2, -1); // the last tap
}
RULE(bias_cut_but_not_zero) {
  struct value *b = input(g, n, 2);
  tensor_set_int(b->init, 0, 1);
  b->mask = tensor_new(g->arena, DTYPE_U8, 1, b->shape);
}
RULE(nobody_reads) {
  NO_N;
  tensor(g, "idle", 1, s8(g));
}
RULE(nobody_makes) {
  NO_N;
  int64_t one = 1;
  graph_add_value(g, "lost", 1, &one, s8(g), true);
}
RULE(in_a_circle) {
  NO_G;
  n->in[0].value = n->out[0];
}

// ---- sources

static struct source pixels(struct graph *g, int64_t channels) {
  struct source s = {.channels = channels, .tables = 1};
  double *both = ARENA_NEW(g->arena, double, 2 * channels);
  for (int64_t c = 0; c < 2 * channels; c++) both[c] = 1;
  s.mean = both;
  s.std = both + channels;
  s.table = ARENA_NEW(g->arena, int32_t, 256 * 8);
  return s;
}
static int64_t channels_of(struct graph *g) {
  const struct value *x = &g->values[g->inputs[0].value];
  return x->shape[x->rank - 1];
}
RULE(input_without_frames) {
  NO_N;
  g->values[g->inputs[0].value].per_frame = false;
}
RULE(input_of_references) {
  NO_N;
  g->values[g->inputs[0].value].type = type_ref();
}
RULE(means_for_others) {
  NO_N;
  g->inputs[0].source = pixels(g, channels_of(g) + 1);
}
RULE(mean_of_nothing) {
  NO_N;
  struct source s = pixels(g, 1);
  s.mean = arena_copy(g->arena, &(double){NAN}, sizeof(double));
  g->inputs[0].source = s;
}
RULE(deviation_of_zero) {
  NO_N;
  struct source s = pixels(g, 1);
  s.std = arena_copy(g->arena, &(double){0}, sizeof(double));
  g->inputs[0].source = s;
}
RULE(endless_deviation) {
  NO_N;
  struct source s = pixels(g, 1);
  s.std = arena_copy(g->arena, &(double){INFINITY}, sizeof(double));
  g->inputs[0].source = s;
}
RULE(pixels_without_a_table) {
  NO_N;
  g->inputs[0].source = pixels(g, 1), g->inputs[0].source.tables = 0;
}
RULE(tables_for_others) {
  NO_N;
  g->inputs[0].source = pixels(g, 1), g->inputs[0].source.tables = channels_of(g) == 2 ? 3 : 2;
}
RULE(table_beyond_the_input) {
  NO_N;
  struct source s = pixels(g, 1);
  ((int32_t *)s.table)[255] = (int32_t)type_highest(&g->values[g->inputs[0].value].type) + 1;
  g->inputs[0].source = s;
}
RULE(table_below_the_input) {
  NO_N;
  struct source s = pixels(g, 1);
  ((int32_t *)s.table)[0] = (int32_t)type_lowest(&g->values[g->inputs[0].value].type) - 1;
  g->inputs[0].source = s;
}

static const struct rule rules[] = {
    {OP_relu, value_without_name, "a value has an empty name"},
    {OP_relu, node_without_name, "a node has an empty name"},
    {OP_relu, values_of_one_name, "two values are named \"twin\""},
    {OP_relu, nodes_of_one_name, "two nodes are named"},
    {OP_relu, foreign_attribute, "attribute \"lambda\" doesn't belong to relu"},
    {OP_leaky_relu, attribute_twice, "attribute \"slope\" stands twice"},
    {OP_leaky_relu, infinite_attribute, "attribute \"slope\" isn't finite"},
    {OP_clip, empty_list, "attribute \"codes\" is an empty list"},
    {OP_leaky_relu, attribute_missing, "leaky_relu needs attribute \"slope\""},
    {OP_gelu, unknown_form, "\"approximate\" is \"erf\", expected \"none\" or \"tanh\""},
    {OP_reshape, rank_of_nine, "rank 9, at most 8"},
    {OP_relu, input_missing, "relu takes 1 to 1 inputs, found 0"},
    {OP_relu, input_too_many, "relu takes 1 to 1 inputs, found 2"},
    {OP_relu, output_too_many, "relu gives 1 to 1 outputs, found 2"},
    {OP_read, reference_missing, "read has 0 references, expected 1"},
    {OP_relu, reference_too_many, "relu has 1 references, expected 0"},
    {OP_assign, two_owned, "needs 1 references, found 2"},
    {OP_read, reference_to_a_number, "is not a variable"},
    {OP_assign, use_of_a_reference, "is a reference: read it first"},
    {OP_relu, delay_without_initial, "a delay needs an initial value, and only a delay"},
    {OP_relu, initial_without_delay, "a delay needs an initial value, and only a delay"},
    {OP_relu, initial_of_another_shape, "isn't a tensor of its shape and type"},
    {OP_relu, initial_that_is_computed, "isn't a tensor of its shape and type"},
    {OP_relu, after_nothing, "after: no such node"},
    {OP_relu, frames_kept, "per_frame is false, expected true"},
    {OP_assign, assign_of_frames, "an assign takes one value per step"},
    {OP_relu, dimension_of_nothing, "dimension 0 is 0, expected 1 to 16777216"},
    {OP_relu, dimension_too_long, "dimension 0 is 16777217"},
    {OP_relu, too_many_elements, "more than 268435456 elements"},
    {OP_relu, another_shape, "its inputs give ("},
    {OP_relu, channels_elsewhere, "its type has 1 channels on axis 5"},
    {OP_relu, channels_too_few, "channels on axis 0"},
    {OP_relu, scale_of_zero, "scale 0, expected a positive number"},
    {OP_relu, infinite_scale, "scale inf, expected a positive number"},
    {OP_relu, stream_too_wide, "width 33, a stream has at most 32 bits"},
    {OP_linear, weight_of_another_dtype, "its type is stored as"},
    {OP_linear, bipolar_zero, "element 0 is 0, its type holds -1 to 1 without 0"},
    {OP_linear, weight_too_large, "element 0 is 4, its type holds -4 to 3"},
    {OP_linear, weight_too_small, "element 0 is -5, its type holds -4 to 3"},
    {OP_linear, mask_of_another_dtype, "mask: dtype I8, expected U8"},
    {OP_linear, mask_of_another_shape, "mask: rank 1, the tensor has 2"},
    {OP_linear, mask_of_another_size, "mask: dimension 0 is "},
    {OP_linear, masked_but_not_zero, "output 0, input 0: tensor"},
    {OP_conv2d, cut_but_not_zero, "stands for 0.5, but its mask cuts it: expected 0"},
    {OP_conv2d, cut_but_not_zero, "output 1, input 2: tensor"},
    {OP_linear, bias_cut_but_not_zero, "element 0 stands for "},
    {OP_relu, nobody_reads, "tensor \"idle\" is not used"},
    {OP_relu, nobody_makes, "value \"lost\" has no producer"},
    {OP_relu, in_a_circle, "cycle without a delay"},
    {OP_relu, input_without_frames, "an input has one array per frame"},
    {OP_relu, input_of_references, "its type is ref"},
    {OP_relu, means_for_others, "means and deviations for"},
    {OP_relu, mean_of_nothing, "source: mean nan, std 1 of channel 0"},
    {OP_relu, deviation_of_zero, "source: mean 1, std 0 of channel 0"},
    {OP_relu, endless_deviation, "source: mean 1, std inf of channel 0"},
    {OP_relu, pixels_without_a_table, "an integer input, and only that, has a pixel table"},
    {OP_relu, tables_for_others, "tables for"},
    {OP_relu, table_beyond_the_input, "source: table entry 255 is"},
    {OP_relu, table_below_the_input, "source: table entry 0 is"},
};

static void test_rules(void **state) {
  (void)state;
  verify_rules(rules, sizeof rules / sizeof *rules);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
