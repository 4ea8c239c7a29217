// SPDX-License-Identifier: Apache-2.0
// What the verifier refuses of a node's types, a rule at a time.
#include "tests/graph/helper_verify.h"

// ---- types of integer nodes

static void requant(struct graph *g, struct node *n, int64_t count, int64_t mul, int32_t shift) {
  struct requant *rq = &n->rq[n->n_rq - 1];
  int64_t *muls = ARENA_NEW(g->arena, int64_t, count);
  int32_t *shifts = ARENA_NEW(g->arena, int32_t, count);
  for (int64_t i = 0; i < count; i++) muls[i] = mul, shifts[i] = shift;
  *rq = (struct requant){count, muls, shifts};
}
static void requants(struct graph *g, struct node *n, int count, int64_t mul, int32_t shift) {
  n->n_rq = 0;
  for (int i = 0; i < count; i++) graph_add_requant(g, id_of(g, n), 1, &mul, &shift);
}
RULE(requant_for_others) {
  requant(g, n, output(g, n)->shape[0] + 1, 1, 0);
}
RULE(constant_part) {
  const struct value *v = input(g, n, 1);
  struct tensor *t = tensor_new(g->arena, dtype_for(&v->type), v->rank, v->shape);
  n->in[1].value = graph_add_tensor(g, "constant", t, v->type);
}
RULE(factor_of_zero) {
  requant(g, n, 1, 0, 0);
}
RULE(factor_too_large) {
  requant(g, n, 1, (int64_t)1 << 40, 0);
}
RULE(shift_too_small) {
  requant(g, n, 1, 1, FIX_SHIFT_MIN - 1);
}
RULE(shift_too_large) {
  requant(g, n, 1, 1, FIX_SHIFT_MAX + 1);
}
RULE(requant_missing) {
  NO_G;
  n->n_rq = 0;
}
RULE(requant_too_many) {
  graph_add_requant(g, id_of(g, n), 1, (int64_t[]){1}, (int32_t[]){0});
}
RULE(symmetric_about_something) {
  n->overflow = FIX_SYMMETRIC;
  output(g, n)->type = type_fixed(g->arena, 8, true, 0.3, 1);
}
RULE(input_per_channel) {
  struct value *x = input(g, n, 0);
  x->type = per_channel(g, x->rank - 1, x->shape[x->rank - 1]);
}
// (rows, OUT) with a scale for each row.
RULE(output_per_row) {
  struct value *y = output(g, n);
  if (y->rank > 1) y->type = per_channel(g, 0, y->shape[0]);
}
RULE(output_per_channel) {
  struct value *y = output(g, n);
  if (y->rank) y->type = per_channel(g, y->rank - 1, y->shape[y->rank - 1]);
}
RULE(requant_per_channel) {
  const struct value *y = output(g, n);
  if (y->rank && y->shape[y->rank - 1] > 1) requant(g, n, y->shape[y->rank - 1], 1, 3);
}
RULE(output_is_ternary) {
  output(g, n)->type = type_of_class(TYPE_TERNARY);
}
RULE(weights_per_input) {
  struct value *w = input(g, n, 1);
  w->type = per_channel(g, 1, w->shape[1]);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
}
RULE(bias_with_a_zero) {
  if (n->n_in < 3) return; // another seed has one
  struct value *b = input(g, n, 2);
  b->type = type_fixed(g->arena, 20, true, 1, 1);
  b->init = tensor_new(g->arena, dtype_for(&b->type), b->rank, b->shape);
}
RULE(bias_of_another_scale) {
  if (n->n_in < 3) return;
  struct value *b = input(g, n, 2);
  b->type = type_fixed(g->arena, 20, true, 0.7, 0);
  b->init = tensor_new(g->arena, dtype_for(&b->type), b->rank, b->shape);
}
// Right but for the last output.
RULE(bias_scale_of_one_output) {
  if (n->n_in < 3) return;
  struct value *b = input(g, n, 2);
  const struct type *x = &input(g, n, 0)->type, *w = &input(g, n, 1)->type;
  int64_t outs = b->shape[0];
  double *scale = ARENA_NEW(g->arena, double, outs);
  for (int64_t o = 0; o < outs; o++) scale[o] = type_scale(x, 0) * type_scale(w, o);
  scale[outs - 1] *= 1.001;
  b->type = type_channels(g->arena, 20, true, 0, outs, scale, ARENA_NEW(g->arena, int32_t, outs));
  b->init = tensor_new(g->arena, dtype_for(&b->type), b->rank, b->shape);
}
RULE(requant_without_use) {
  graph_add_requant(g, id_of(g, n), 1, (int64_t[]){1}, (int32_t[]){0});
}
RULE(bias_of_signs) {
  if (n->n_in < 3) return;
  struct value *b = input(g, n, 2);
  b->type = type_of_class(TYPE_BIPOLAR);
  b->init = tensor_new(g->arena, dtype_for(&b->type), b->rank, b->shape);
  for (int64_t i = 0; i < b->init->count; i++) tensor_set_int(b->init, i, 1);
}
static void scale_weights(struct graph *g, const struct node *n, double by) {
  struct value *w = input(g, n, 1);
  w->type = type_fixed(g->arena, 8, true, type_scale(&input(g, n, 0)->type, 0) * by, 0);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
}
RULE(weights_a_third_apart) {
  scale_weights(g, n, 1.0 / 3);
}
RULE(weights_far_above) {
  scale_weights(g, n, 0x1p17);
}
RULE(weights_far_below) {
  scale_weights(g, n, 0x1p-17);
}
RULE(weights_per_output) {
  struct value *w = input(g, n, 1);
  w->type = per_channel(g, 0, w->shape[0]);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
}
RULE(weights_of_many_bits) {
  struct value *w = input(g, n, 1);
  w->type = type_fixed(g->arena, 33, true, type_scale(&input(g, n, 0)->type, 0), 0);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
}
static void become_minifloats(struct graph *g, struct value *v) {
  assert_true(type_parse_minifloat(g->arena, "e2m1", &v->type));
  v->init = tensor_new(g->arena, dtype_for(&v->type), v->rank, v->shape);
}
RULE(weights_of_minifloats) {
  become_minifloats(g, input(g, n, 1));
}
RULE(bias_of_minifloats) {
  become_minifloats(g, input(g, n, 2));
}
static void give_minifloat(struct graph *g, struct node *n, const char *word) {
  assert_true(type_parse_minifloat(g->arena, word, &output(g, n)->type));
  n->rounding = FIX_HALF_EVEN;
  n->overflow = FIX_SATURATE;
}
RULE(minifloat_rounded_down) {
  give_minifloat(g, n, "e2m1");
  n->rounding = FIX_FLOOR;
}
RULE(minifloat_that_wraps) {
  give_minifloat(g, n, "e2m1");
  n->overflow = FIX_WRAP;
}
RULE(minifloat_of_many_bits) {
  give_minifloat(g, n, "e5m2");
}
RULE(output_is_minifloat) {
  give_minifloat(g, n, "e2m1");
}
RULE(output_is_residual) {
  const struct residual r = {2, {2, 1}};
  const double scale = 1;
  output(g, n)->type = type_residual(g->arena, &r, -1, 1, &scale);
}
RULE(weights_between_numbers) {
  become_minifloats(g, input(g, n, 1));
  tensor_set_int(input(g, n, 1)->init, 0, 5);
}
RULE(distances_of_a_wide_tensor) {
  const struct value *x = input(g, n, 0);
  struct type type = type_fixed(g->arena, 62, true, type_scale(&x->type, 0), 0);
  struct tensor *t = tensor_new(g->arena, dtype_for(&type), x->rank, x->shape);
  n->in[0].value = graph_add_tensor(g, "wide", t, type);
  output(g, n)->per_frame = false;
}
RULE(distances_of_many_bits) {
  struct value *w = input(g, n, 1);
  w->type = type_fixed(g->arena, 32, true, type_scale(&input(g, n, 0)->type, 0), 0);
  w->init = tensor_new(g->arena, dtype_for(&w->type), w->rank, w->shape);
  tensor_set_int(w->init, 0, INT32_MAX);
}
RULE(mixed_classes) {
  struct value *w = input(g, n, 1);
  w->type = type_real();
  w->init = tensor_new(g->arena, DTYPE_F32, w->rank, w->shape);
}

// ---- tables, slopes, codes

RULE(table_per_channel) {
  output(g, n)->type =
      per_channel(g, output(g, n)->rank - 1, output(g, n)->shape[output(g, n)->rank - 1]);
}
RULE(table_of_a_wide_input) {
  input(g, n, 0)->type = type_fixed(g->arena, 17, true, 1, 0);
}
RULE(table_of_bytes) {
  NO_G;
  attribute(n, ATTR_table)->tensor->dtype = DTYPE_I8;
}
RULE(table_too_short) {
  NO_G;
  attribute(n, ATTR_table)->tensor->count--;
}
RULE(table_of_two_axes) {
  NO_G;
  attribute(n, ATTR_table)->tensor->rank = 2;
}
RULE(table_too_high) {
  tensor_set_int(attribute(n, ATTR_table)->tensor, 0, type_highest(&output(g, n)->type) + 1);
}
RULE(table_too_low) {
  tensor_set_int(attribute(n, ATTR_table)->tensor, 0, type_lowest(&output(g, n)->type) - 1);
}
RULE(table_missing) {
  NO_G;
  n->n_attr = 0;
}
static void slope(struct graph *g, struct node *n, int64_t count, int32_t shift) {
  int64_t *mul = ARENA_NEW(g->arena, int64_t, count);
  int32_t *shifts = ARENA_NEW(g->arena, int32_t, count);
  for (int64_t i = 0; i < count; i++) mul[i] = 1, shifts[i] = shift;
  n->rq[0] = (struct requant){count, mul, shifts};
}
RULE(slope_shifts_left) {
  slope(g, n, 1, -1);
}
RULE(slope_shifts_far) {
  slope(g, n, 1, 61);
}
RULE(slope_missing) {
  NO_G;
  n->n_rq = 1;
}
static void codes(struct graph *g, struct node *n, int64_t a, int64_t b) {
  int64_t *list = ARENA_NEW(g->arena, int64_t, 2);
  list[0] = a, list[1] = b;
  attribute(n, ATTR_codes)->ints = list;
}
RULE(codes_too_many) {
  NO_G;
  attribute(n, ATTR_codes)->count++;
}
RULE(bounds_reversed) {
  codes(g, n, 1, 0);
}
RULE(bound_too_low) {
  codes(g, n, type_lowest(&input(g, n, 0)->type) - 1, 0);
}
RULE(bound_too_high) {
  int64_t highest = type_highest(&input(g, n, 0)->type);
  codes(g, n, highest, highest + 1);
}
RULE(first_bound_too_high) {
  int64_t highest = type_highest(&input(g, n, 0)->type);
  codes(g, n, highest + 1, highest + 1);
}
RULE(threshold_below_zero) {
  codes(g, n, -1, 0);
}
RULE(upper_end_below_zero) {
  codes(g, n, 0, -1);
}
RULE(offset_too_far) {
  codes(g, n, ((int64_t)1 << 61) + 1, 0);
}
RULE(upper_end_too_far) {
  codes(g, n, 0, ((int64_t)1 << 61) + 1);
}

// ---- joins, classes, state, reals

RULE(join_of_two_steps) {
  n->rounding = FIX_TFLITE, NO_G;
}
RULE(rescaled_too_far) {
  requants(g, n, 3, 1 << 30, 0);
  n->rounding = FIX_TFLITE;
}
RULE(product_too_large) {
  requants(g, n, 1, 1 << 30, 1);
  n->rounding = FIX_TFLITE;
}
// An average of codes, but for one thing.
static void average_of_codes(struct graph *g, struct node *n, int32_t shift, int64_t padding) {
  n->n_attr = 0;
  n->rounding = FIX_TFLITE;
  requants(g, n, 1, 1, shift);
  graph_add_int(g, id_of(g, n), ATTR_count_pad, padding);
  output(g, n)->type = input(g, n, 0)->type;
  graph_shape(g, n, 0, &output(g, n)->rank, output(g, n)->shape, &(struct err){0});
}
RULE(codes_with_a_shift) {
  average_of_codes(g, n, 1, 0);
}
RULE(codes_with_padding) {
  average_of_codes(g, n, 0, 1);
}
RULE(codes_of_another_type) {
  average_of_codes(g, n, 0, 0);
  output(g, n)->type = type_fixed(g->arena, 11, true, 1, 3);
}
RULE(counts_of_two_steps) {
  n->rounding = FIX_TFLITE, NO_G;
}
static void two_steps(struct graph *g, struct node *n, int32_t shift, int width, struct type out) {
  input(g, n, 0)->type = type_fixed(g->arena, width, true, 1, 0);
  output(g, n)->type = out;
  n->rounding = FIX_TFLITE;
  n->where = WHERE_HOST;
  requants(g, n, 1, 1 << 30, shift);
}
static struct type percent(struct graph *g, bool is_signed) {
  return type_fixed(g->arena, 8, is_signed, 1 / 256.0, is_signed ? -128 : 0);
}
RULE(softmax_of_two_steps) {
  two_steps(g, n, 32, 8, percent(g, true));
}
RULE(softmax_of_two_steps_in_the_circuit) {
  two_steps(g, n, 8, 8, percent(g, true));
  n->where = WHERE_CIRCUIT;
}
RULE(softmax_of_two_steps_unscaled) {
  two_steps(g, n, 8, 8, percent(g, true));
  n->n_rq = 0;
}
RULE(softmax_of_two_steps_to_u8) {
  two_steps(g, n, 8, 8, percent(g, false));
}
RULE(softmax_of_two_steps_of_9_bits) {
  two_steps(g, n, 8, 9, percent(g, true));
}
RULE(join_of_two_shifts) {
  requant(g, n, 1, 1, n->rq[0].shift[0] + 1);
}
RULE(index_too_narrow) {
  output(g, n)->type = type_fixed(g->arena, 1, false, 1, 0);
}
RULE(index_with_a_zero) {
  output(g, n)->type = type_fixed(g->arena, 16, false, 1, 1);
}
RULE(index_of_another_scale) {
  output(g, n)->type = type_fixed(g->arena, 16, false, 0.5, 0);
}
RULE(index_of_signs) {
  output(g, n)->type = type_of_class(TYPE_BIPOLAR);
}
static struct value *held_by(struct graph *g, const struct node *n) {
  struct node *variable = &g->nodes[g->values[n->ref[0]].node];
  return &g->values[attribute(variable, ATTR_init)->value];
}
RULE(assign_of_a_vector_of_scales) {
  struct value *t = input(g, n, n->n_in - 1);
  if (t->rank) t->type = per_channel(g, t->rank - 1, t->shape[t->rank - 1]);
}
RULE(assign_of_many_factors) {
  const struct value *held = held_by(g, n);
  n->n_rq = 0;
  graph_add_requant(g, id_of(g, n), 1, (int64_t[]){1}, (int32_t[]){0});
  if (held->rank) requant(g, n, held->shape[held->rank - 1], 1, 0);
}
RULE(variable_that_is_read) {
  output(g, n)->type = s8(g);
}
RULE(read_as_another_type) {
  output(g, n)->type = type_fixed(g->arena, 3, true, 0.7, 0);
}
RULE(unknown_function) {
  NO_G;
  attribute(n, ATTR_function)->text = "swap";
}
RULE(function_of_two) {
  NO_G;
  attribute(n, ATTR_function)->text = n->n_in == 1 ? "axpy" : "add";
}
RULE(flat_as_another_type) {
  output(g, n)->type = type_fixed(g->arena, 3, true, 0.7, 0);
}

RULE(type_of_integers) {
  graph_add_type(g, id_of(g, n), ATTR_type, s8(g));
}

// A softmax in the circuit.
static void probabilities(struct graph *g, struct node *n, struct type x, struct type y) {
  n->where = WHERE_CIRCUIT;
  input(g, n, 0)->type = x;
  output(g, n)->type = y;
}
RULE(exponentials_of_13_bits) {
  probabilities(g, n, type_fixed(g->arena, 13, true, 0.25, 0),
                type_fixed(g->arena, 8, false, 0x1p-8, 0));
}
RULE(exponentials_of_signs) {
  probabilities(g, n, type_of_class(TYPE_BIPOLAR), type_fixed(g->arena, 8, false, 0x1p-8, 0));
}
RULE(probabilities_with_a_sign) {
  probabilities(g, n, type_fixed(g->arena, 8, true, 0.25, 0),
                type_fixed(g->arena, 8, true, 0x1p-7, 0));
}
RULE(probabilities_of_percents) {
  probabilities(g, n, type_fixed(g->arena, 8, true, 0.25, 0),
                type_fixed(g->arena, 8, false, 0.01, 0));
}
static const struct rule rules[] = {
    {OP_requant, requant_missing, "0 requantisations, expected 1 to 1"},
    {OP_requant, requant_too_many, "2 requantisations, expected 1 to 1"},
    {OP_requant, type_of_integers, "attribute \"type\" is of floats, the output's type says it"},
    {OP_requant, output_per_row, "expected channels on the last axis"},
    {OP_requant, output_is_ternary, "expected a fixed or bipolar type"},
    {OP_linear, requant_for_others, "expected 1 or one per output channel"},
    {OP_linear, factor_of_zero, "requant: mul 0, shift 0; expected 1 <= mul < 2^40"},
    {OP_linear, factor_too_large, "requant: mul 1099511627776"},
    {OP_linear, shift_too_small, "requant: mul 1, shift -65"},
    {OP_linear, shift_too_large, "requant: mul 1, shift 128"},
    {OP_linear, requant_missing, "0 requantisations, expected 1 to 1"},
    {OP_linear, requant_too_many, "2 requantisations, expected 1 to 1"},
    {OP_linear, symmetric_about_something, "overflow symmetric is about zero 0, found zero 1"},
    {OP_linear, input_per_channel, "expected integers with one scale per tensor"},
    {OP_linear, output_per_row, "expected channels on the last axis"},
    {OP_matmul, output_per_row, "expected channels on the last axis"},
    {OP_quantize, output_per_row, "expected channels on the last axis"},
    {OP_add, output_per_channel, "expected one scale per tensor"},
    {OP_mul, output_per_channel, "expected one scale per tensor"},
    {OP_sum, output_per_channel, "expected one scale per tensor"},
    {OP_sum, requant_per_channel, "requant: "},
    {OP_softmax, output_per_channel, "expected one scale per tensor"},
    {OP_argmax, output_per_channel, "expected"},
    {OP_argmin, output_per_channel, "expected"},
    {OP_linear, output_is_ternary, "expected a fixed or bipolar type"},
    {OP_linear, weights_per_input, "expected integers, scale per tensor or per output channel"},
    {OP_linear, bias_with_a_zero, ": zero 1, expected 0"},
    {OP_linear, bias_of_another_scale, "expected that of input times weight"},
    {OP_linear, bias_scale_of_one_output, "expected that of input times weight"},
    {OP_linear, bias_of_signs, "expected integers at the accumulator's scale, zero 0"},
    {OP_rbf, weights_a_third_apart, "expected a power of two from 2^-16 to 2^16 times that of the"},
    {OP_rbf, weights_far_above, "expected a power of two from 2^-16 to 2^16 times that of the"},
    {OP_rbf, weights_far_below, "expected a power of two from 2^-16 to 2^16 times that of the"},
    {OP_rbf, weights_per_output,
     "expected fixed, of at most 32 bits, or of signs, with one scale per tensor"},
    {OP_rbf, weights_of_many_bits, "expected fixed, of at most 32 bits, or of signs"},
    {OP_rbf, weights_of_minifloats, "has type e2m1, expected fixed, of at most 32 bits, or of"},
    {OP_linear, bias_of_minifloats,
     "has type e2m1, expected another: minifloats are types of weights and streams"},
    {OP_linear, minifloat_rounded_down,
     "rounding floor and overflow saturate, a minifloat has half_even and saturate"},
    {OP_linear, minifloat_that_wraps, "rounding half_even and overflow wrap, a minifloat has"},
    {OP_linear, minifloat_of_many_bits, "expected numbers that are integers of at most 32 bits"},
    {OP_avg_pool, output_is_minifloat, "expected a fixed type: an average isn't a minifloat"},
    {OP_tanh, output_is_minifloat, "expected a fixed type, for a table"},
    {OP_linear, output_is_residual, "blocks and residuals are types of constant weights"},
    {OP_linear, weights_between_numbers,
     "element 0 is 5, its type holds -12 to 12 and not all between"},
    {OP_rbf, distances_of_a_wide_tensor, "expected integers of at most 32 bits"},
    {OP_rbf, distances_of_many_bits, "bits, at most 62"},
    {OP_rbf, input_per_channel, "expected integers with one scale per tensor"},
    {OP_rbf, output_is_ternary, "expected a fixed or bipolar type"},
    {OP_rbf, output_per_row, "expected channels on the last axis"},
    {OP_rbf, requant_missing, "0 requantisations, expected 1 to 1"},
    {OP_linear, mixed_classes, "its inputs mix real and integer types"},
    {OP_relu, output_is_ternary, "expected a fixed or bipolar type"},
    {OP_relu, input_per_channel, "expected one scale per tensor"},
    {OP_tanh, table_per_channel, "expected one scale per tensor, as its input"},
    {OP_tanh, table_of_a_wide_input, "expected a fixed type of at most 16 bits, for a table"},
    {OP_tanh, table_of_bytes, "table: dtype I8, expected I32"},
    {OP_tanh, table_too_short, "entries, expected"},
    {OP_tanh, table_of_two_axes, "entries, expected"},
    {OP_tanh, table_too_high, "table: entry 0 is"},
    {OP_tanh, table_too_low, "table: entry 0 is"},
    {OP_tanh, table_missing, "an integer tanh needs its table"},
    {OP_tanh, requant_without_use, "1 requantisations, a table has none"},
    {OP_leaky_relu, slope_shifts_left, "slope: expected one entry with a shift of 0 to 60"},
    {OP_leaky_relu, slope_shifts_far, "slope: expected one entry with a shift of 0 to 60"},
    {OP_leaky_relu, slope_missing, "1 requantisations, expected 2 to 2"},
    {OP_clip, codes_too_many, "codes: 3 integer constants, expected 2"},
    {OP_clip, bounds_reversed, "out of range or order"},
    {OP_clip, bound_too_low, "out of range or order"},
    {OP_clip, bound_too_high, "out of range or order"},
    {OP_clip, first_bound_too_high, "out of range or order"},
    {OP_softshrink, threshold_below_zero, "codes: -1 is out of range or order"},
    {OP_hard_sigmoid, upper_end_below_zero, "codes: -1 is out of range or order"},
    {OP_hard_sigmoid, offset_too_far, "codes: 2305843009213693953 is out of range"},
    {OP_hard_sigmoid, upper_end_too_far, "codes: 2305843009213693953 is out of range"},
    {OP_add, join_of_two_steps, "2 requantisations, expected 3 to 3"},
    {OP_add, rescaled_too_far, "rounding tflite needs inputs below 2^11 / 2^(31 - shift)"},
    {OP_mul, product_too_large, "rounding tflite needs accumulators below 2^31"},
    {OP_avg_pool, codes_with_a_shift, "averages codes inside the image: shift 1, expected 0"},
    {OP_avg_pool, codes_with_padding,
     "averages codes inside the image: shift 0, expected 0, and no"},
    {OP_avg_pool, codes_of_another_type, "expected the type of the input"},
    {OP_avg_pool, counts_of_two_steps,
     "rounding tflite isn't defined for windows of several counts"},
    {OP_softmax, softmax_of_two_steps_in_the_circuit, "isn't defined for the softmax of a circuit"},
    {OP_softmax, softmax_of_two_steps, "requant: expected one entry with a shift of 0 to 31"},
    {OP_softmax, softmax_of_two_steps_unscaled, "0 requantisations, expected 1 to 1"},
    {OP_softmax, softmax_of_two_steps_to_u8, "expected s8 of scale 1/256, zero -128"},
    {OP_softmax, softmax_of_two_steps_of_9_bits, "expected a fixed type of at most 8 bits"},
    {OP_add, join_of_two_shifts, "requant: the inputs of add share one shift"},
    {OP_add, requant_missing, "0 requantisations, expected 2 to 2"},
    {OP_add, input_per_channel, "expected integers with one scale per tensor"},
    {OP_sum, output_is_ternary, "expected a fixed or bipolar type"},
    {OP_argmax, index_too_narrow, "expected integers of scale 1 that hold the index of the last"},
    {OP_argmax, index_with_a_zero, "expected integers of scale 1 that hold the index of the last"},
    {OP_argmax, index_of_another_scale, "expected integers of scale 1"},
    {OP_argmax, index_of_signs, "expected integers of scale 1 that hold the index of the last"},
    {OP_top_k, index_too_narrow, "expected integers of scale 1 that hold the index of the last"},
    {OP_top_k, requant_without_use, "1 requantisations, top_k has none"},
    {OP_argmin, index_too_narrow, "expected integers of scale 1 that hold the index of the last"},
    {OP_softmax, output_is_ternary, "expected a fixed type"},
    {OP_softmax, exponentials_of_13_bits, "expected a fixed type of at most 12 bits"},
    {OP_softmax, exponentials_of_signs, "expected a fixed type of at most 12 bits"},
    {OP_softmax, probabilities_with_a_sign,
     "expected an unsigned type of scale 2^-F, 0 <= F <= 32"},
    {OP_softmax, probabilities_of_percents, "expected an unsigned type of scale 2^-F"},
    {OP_softmax, input_per_channel, "expected integers with one scale per tensor"},
    {OP_variable, variable_that_is_read, "expected ref"},
    {OP_read, read_as_another_type, "expected the type of the variable"},
    {OP_assign, assign_of_a_vector_of_scales, "expected"},
    {OP_assign, assign_of_many_factors, "entries, an assign has 1"},
    {OP_assign, unknown_function, "assign has no function \"swap\""},
    {OP_assign, function_of_two, "\"axpy\" takes 2 inputs, found 1"},
    {OP_flatten, flat_as_another_type, "expected the type of the input"},
    {OP_flatten, requant_without_use, "1 requantisations, flatten has none"},
    {OP_argmax, requant_without_use, "1 requantisations, argmax has none"},
    {OP_argmin, requant_without_use, "1 requantisations, argmin has none"},
    {OP_softmax, requant_without_use, "1 requantisations, softmax has none"},
    {OP_variable, requant_without_use, "1 requantisations, variable has none"},
    {OP_read, requant_without_use, "1 requantisations, read has none"},
    {OP_concat, requant_missing, "one per input, or none if all types are the output's"},
    {OP_concat, constant_part, "input \"constant\" is a constant: a concat joins streams"},
    {OP_concat, requant_for_others, "requant: concat has one entry per input"},
    {OP_concat, factor_of_zero, "requant: mul 0"},
    {OP_concat, join_of_two_steps, "rounding tflite isn't defined for concat"},
    {OP_concat, input_per_channel, "expected integers with one scale per tensor"},
    {OP_concat, output_per_channel, "expected one scale per tensor"},
    {OP_concat, output_is_ternary, "expected a fixed or bipolar type"},
};

static void test_rules(void **state) {
  (void)state;
  verify_rules(rules, sizeof rules / sizeof *rules);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
