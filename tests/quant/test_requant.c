// SPDX-License-Identifier: Apache-2.0
// Float models with requantisations in them: what they compute is, element by element, what the
// integers that are made of them stand for; a layer takes the one behind it, others become casts.
#include "quant/quantize.h"
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/model.h"
#include "sw/graph/weights.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IN = 12, HIDDEN = 9, OUT = 5, IMAGES = 500 };

struct net {
  struct arena arena;
  struct graph *g;
  struct rng rng;
  uint32_t last;
};

// ---- building: weights on a grid, so that floats hold every sum

static uint32_t add(struct net *n, enum op op, const char *name, int64_t size) {
  uint32_t node = graph_add_node(n->g, op, name);
  graph_add_use(n->g, node, (struct use){n->last, 0, NONE});
  n->last = graph_add_value(n->g, name, 1, &size, type_real(), true);
  graph_add_out(n->g, node, n->last);
  return node;
}

static uint32_t tensor(struct net *n, const char *name, int rank, const int64_t *shape) {
  struct tensor *t = tensor_new(&n->arena, DTYPE_F32, rank, shape);
  for (int64_t i = 0; i < t->count; i++)
    ((float *)t->data)[i] = (float)rng_range(&n->rng, -100, 100) / 64;
  ((float *)t->data)[0] = rank == 2 ? 127 / 64.0f : 0; // so that 8 bits have 6 behind the point
  return graph_add_tensor(n->g, name, t, type_real());
}

static void linear(struct net *n, const char *name, int64_t in, int64_t out) {
  uint32_t node = add(n, OP_linear, name, out);
  const int64_t shape[2] = {out, in};
  graph_add_use(n->g, node,
                (struct use){tensor(n, arena_printf(&n->arena, "%s.w", name), 2, shape), 0, NONE});
  graph_add_use(n->g, node,
                (struct use){tensor(n, arena_printf(&n->arena, "%s.b", name), 1, shape), 0, NONE});
}

static uint32_t requant(struct net *n, const char *name, const char *type) {
  uint32_t node = add(n, OP_requant, name, n->g->values[n->last].shape[0]);
  struct type t = type_of_class(TYPE_BIPOLAR);
  assert_true(strcmp(type, "bipolar") == 0 || type_parse_short(&n->arena, type, &t));
  graph_add_type(n->g, node, ATTR_type, t);
  return node;
}

static void begin(struct net *n, uint64_t seed) {
  const int64_t in = IN;
  *n = (struct net){.rng = {seed, 0}};
  n->g = graph_new(&n->arena, "net");
  n->last = graph_add_value(n->g, "x", 1, &in, type_real(), true);
  graph_add_input(n->g, n->last, (struct source){0});
}

static struct graph *quantised(struct net *n, const char *precision, struct err *e) {
  struct formats f = formats_new();
  if (!n->g->n_outputs) graph_add_output(n->g, n->last);
  assert_true(formats_set_stream(&n->arena, &f.defaults, precision, e));
  if (!graph_verify(n->g, e)) fail_msg("%s", e->text);
  return quantize(&n->arena, n->g, &f, e);
}

static struct graph *expect_quantised(struct net *n, const char *precision) {
  struct err e = {0};
  struct graph *fixed = quantised(n, precision, &e);
  if (!fixed) fail_msg("%s", e.text);
  return fixed;
}

// ---- comparing

// Elements of the output that aren't what the integers stand for.
static int64_t differences(struct net *n, const struct graph *fixed) {
  struct err e = {0};
  const struct value *y = &fixed->values[fixed->outputs[0]];
  int64_t size = value_elements(y), wrong = 0;
  int32_t *codes = ARENA_NEW(&n->arena, int32_t, IMAGES * IN);
  int32_t *found = ARENA_NEW(&n->arena, int32_t, IMAGES * size);
  float *x = ARENA_NEW(&n->arena, float, IMAGES *IN);
  float *expected = ARENA_NEW(&n->arena, float, IMAGES *size);
  const struct type *in = &fixed->values[fixed->inputs[0].value].type;
  for (int i = 0; i < IMAGES * IN; i++) {
    codes[i] = (int32_t)rng_range(&n->rng, type_lowest(in), type_highest(in));
    x[i] = (float)type_value(in, 0, codes[i]);
  }
  struct golden *golden = golden_new(&n->arena, fixed, &e);
  struct real *real = real_new(&n->arena, n->g, &e);
  if (!golden || !real) fail_msg("%s", e.text);
  golden_run_codes(golden, IMAGES, codes, &(struct golden_tap){fixed->outputs[0], found}, 1);
  real_run(real, IMAGES, NULL, x, &(struct real_tap){n->g->outputs[0], expected}, 1);
  for (int64_t i = 0; i < IMAGES * size; i++)
    wrong += (float)type_value(&y->type, i % size, found[i]) != expected[i];
  golden_free(golden);
  real_free(real);
  return wrong;
}

static uint32_t count(const struct graph *g, enum op op) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) found += g->nodes[i].op == op;
  return found;
}

// ---- layers

static void network(struct net *n, uint64_t seed, const char *first, enum fix_rounding rounding,
                    enum fix_overflow overflow) {
  begin(n, seed);
  linear(n, "fc1", IN, HIDDEN);
  uint32_t node = requant(n, "q1", first);
  struct node *r = &n->g->nodes[node];
  r->rounding = rounding;
  r->overflow = overflow;
  add(n, OP_relu, "relu", HIDDEN);
  requant(n, "q2", "u5,2");
  linear(n, "fc2", HIDDEN, OUT);
  requant(n, "q3", "12,4");
}

// Every rounding and overflow, wide and narrow types, signs.
static void floats_are_what_the_integers_stand_for(void **state) {
  (void)state;
  static const char *const types[] = {"8,3", "4,0", "u6,1", "14,9", "bipolar"};
  for (int i = 0; i < 5 * FIX_TFLITE * FIX_OVERFLOWS; i++) {
    struct net n;
    network(&n, (uint64_t)i, types[i % 5], (enum fix_rounding)(i / 5 % FIX_TFLITE),
            (enum fix_overflow)(i / 5 / FIX_TFLITE));
    struct graph *fixed = expect_quantised(&n, "8,3");
    assert_int_equal(count(fixed, OP_requant), 0);
    assert_int_equal(fixed->n_nodes, 3);
    int64_t wrong = differences(&n, fixed);
    if (wrong) fail_msg("%s, case %d: %lld elements", types[i % 5], i, (long long)wrong);
    arena_free(&n.arena);
  }
}

// The comparison fails for a model that rounds otherwise.
static void another_rounding_is_noticed(void **state) {
  (void)state;
  struct net n;
  network(&n, 3, "8,3", FIX_HALF_EVEN, FIX_SATURATE);
  struct graph *fixed = expect_quantised(&n, "8,3");
  assert_int_equal(differences(&n, fixed), 0);
  n.g->nodes[1].rounding = FIX_FLOOR;
  assert_true(differences(&n, fixed) > 100);
  arena_free(&n.arena);
}

// A result of which nothing says the type has what loses nothing: of weights per channel, a scale
// for each.
static void results_lose_nothing(void **state) {
  (void)state;
  const int64_t shape[2] = {OUT, IN};
  const double scale[OUT] = {0.25, 0.5, 0.0625, 1, 0.125};
  struct net n;
  begin(&n, 5);
  requant(&n, "in", "6,2");
  struct type t =
      type_channels(&n.arena, 8, true, 0, OUT, scale, ARENA_NEW(&n.arena, int32_t, OUT));
  struct tensor *codes = tensor_new(&n.arena, dtype_for(&t), 2, shape);
  for (int64_t i = 0; i < codes->count; i++) tensor_set_int(codes, i, rng_range(&n.rng, -127, 127));
  uint32_t node = add(&n, OP_linear, "fc", OUT);
  graph_add_use(n.g, node, (struct use){graph_add_tensor(n.g, "fc.w", codes, t), 0, NONE});
  graph_add_output(n.g, n.last);
  struct err e = {0};
  struct formats f = formats_new();
  struct graph *fixed = graph_verify(n.g, &e) ? quantize(&n.arena, n.g, &f, &e) : NULL;
  if (!fixed) fail_msg("%s", e.text);
  assert_int_equal(fixed->values[fixed->outputs[0]].type.axis, 0);
  assert_int_equal(differences(&n, fixed), 0);
  arena_free(&n.arena);
}

// Small integers of odd scales, and biases that are none of their sums.
static struct graph *coarse(struct net *n, uint64_t seed, bool rounded) {
  const int64_t shape[2] = {OUT, IN};
  struct formats f = formats_new();
  struct err e = {0};
  begin(n, seed);
  requant(n, "in", "4,0");
  struct type w = type_fixed(&n->arena, 4, true, 0.371, 0),
              y = type_fixed(&n->arena, 6, true, 1.303, 3);
  struct tensor *codes = tensor_new(&n->arena, dtype_for(&w), 2, shape);
  struct tensor *bias = tensor_new(&n->arena, DTYPE_F32, 1, shape);
  for (int64_t i = 0; i < codes->count; i++) tensor_set_int(codes, i, rng_range(&n->rng, -7, 7));
  for (int64_t o = 0; o < OUT; o++) {
    double b = (double)rng_range(&n->rng, -30000, 30000) / 2971.37;
    ((float *)bias->data)[o] = (float)(rounded ? rint(b / 0.371) * 0.371 : b);
  }
  uint32_t node = add(n, OP_linear, "fc", OUT);
  graph_add_use(n->g, node, (struct use){graph_add_tensor(n->g, "fc.w", codes, w), 0, NONE});
  graph_add_use(n->g, node,
                (struct use){graph_add_tensor(n->g, "fc.b", bias, type_real()), 0, NONE});
  node = requant(n, "q", "8,0");
  n->g->nodes[node].attr[0].type = y;
  graph_add_output(n->g, n->last);
  struct graph *fixed = graph_verify(n->g, &e) ? quantize(&n->arena, n->g, &f, &e) : NULL;
  if (!fixed) fail_msg("%s", e.text);
  return fixed;
}

// Parts of several types become one that holds them all; an average of six is their sum.
static void parts_and_averages_lose_nothing(void **state) {
  (void)state;
  struct net n;
  struct err e = {0};
  struct formats f = formats_new();
  const int64_t image[] = {4, 3, 1}, pooled[] = {2, 1, 1}, both = 2 * IN;
  begin(&n, 6);
  requant(&n, "in", "6,2");
  uint32_t first = n.last;
  requant(&n, "finer", "5,3");
  uint32_t node = graph_add_node(n.g, OP_concat, "both");
  graph_add_use(n.g, node, (struct use){first, 0, NONE});
  graph_add_use(n.g, node, (struct use){n.last, 0, NONE});
  n.last = graph_add_value(n.g, "both", 1, &both, type_real(), true);
  graph_add_out(n.g, node, n.last);
  graph_add_output(n.g, n.last);
  struct graph *fixed = graph_verify(n.g, &e) ? quantize(&n.arena, n.g, &f, &e) : NULL;
  if (!fixed) fail_msg("%s", e.text);
  assert_string_equal(type_text(&n.arena, &fixed->values[fixed->outputs[0]].type), "7,3");
  assert_int_equal(differences(&n, fixed), 0);
  arena_free(&n.arena);

  begin(&n, 7);
  requant(&n, "in", "6,2");
  node = graph_add_node(n.g, OP_reshape, "image");
  graph_add_ints(n.g, node, ATTR_shape, 3, image);
  graph_add_use(n.g, node, (struct use){n.last, 0, NONE});
  n.last = graph_add_value(n.g, "image", 3, image, type_real(), true);
  graph_add_out(n.g, node, n.last);
  node = graph_add_node(n.g, OP_avg_pool, "average");
  graph_add_ints(n.g, node, ATTR_kernel, 2, (int64_t[]){2, 3});
  graph_add_ints(n.g, node, ATTR_stride, 2, (int64_t[]){2, 3});
  graph_add_use(n.g, node, (struct use){n.last, 0, NONE});
  n.last = graph_add_value(n.g, "average", 3, pooled, type_real(), true);
  graph_add_out(n.g, node, n.last);
  graph_add_output(n.g, n.last);
  fixed = graph_verify(n.g, &e) ? quantize(&n.arena, n.g, &f, &e) : NULL;
  if (!fixed) fail_msg("%s", e.text);
  const struct type *t = &fixed->values[fixed->outputs[0]].type;
  assert_true(t->width == 9 && type_scale(t, 0) == 0.25 / 6);
  assert_int_equal(differences(&n, fixed), 0);
  arena_free(&n.arena);
}

// What a requant rounds down isn't rounded before; a constant in front of few bits keeps its own.
static void inputs_and_constants_are_finer(void **state) {
  (void)state;
  struct net n;
  struct err e = {0};
  struct formats f = formats_new();
  const int64_t size = IN;
  begin(&n, 8);
  uint32_t node = requant(&n, "in", "6,2");
  n.g->nodes[node].rounding = FIX_FLOOR;
  node = add(&n, OP_add, "add", IN);
  struct tensor *constant = tensor_new(&n.arena, DTYPE_F32, 1, &size);
  for (int i = 0; i < IN; i++) ((float *)constant->data)[i] = (float)(37 * i % 101) / 64;
  graph_add_use(n.g, node,
                (struct use){graph_add_tensor(n.g, "c", constant, type_real()), 0, NONE});
  requant(&n, "out", "3,0");
  graph_add_output(n.g, n.last);
  struct graph *fixed = graph_verify(n.g, &e) ? quantize(&n.arena, n.g, &f, &e) : NULL;
  if (!fixed) fail_msg("%s", e.text);
  const struct type *t = &fixed->values[fixed->inputs[0].value].type;
  assert_true(t->width == 22 && type_scale(t, 0) == 0x1p-18);
  assert_int_equal(differences(&n, fixed), 0);
  arena_free(&n.arena);
}

// A bias has the bits that it takes for every sum to round as with the bias itself; one of the
// products' scale would give other integers.
static void biases_are_as_fine_as_it_takes(void **state) {
  (void)state;
  int least = 99, most = 0;
  int64_t noticed = 0;
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct net n, other;
    struct graph *fixed = coarse(&n, seed, false), *whole = coarse(&other, seed, true);
    int finer = weighted_finer(fixed, &fixed->nodes[0]);
    least = finer < least ? finer : least;
    most = finer > most ? finer : most;
    assert_int_equal(differences(&n, fixed), 0);
    assert_int_equal(weighted_finer(whole, &whole->nodes[0]), 0);
    assert_int_equal(differences(&other, whole), 0);
    noticed += differences(&n, whole) > 0;
    arena_free(&n.arena);
    arena_free(&other.arena);
  }
  assert_true(least >= 1 && least < 8 && most <= 16 && noticed == 20);
}

// Behind an input its type; behind a table that can't round so, behind what others read too: a
// cast.
static void others_become_casts(void **state) {
  (void)state;
  struct net n;
  begin(&n, 1);
  requant(&n, "in", "5,1");
  add(&n, OP_relu, "relu", IN);
  requant(&n, "taken", "6,2");
  add(&n, OP_tanh, "table", IN);
  requant(&n, "own", "8,6");
  add(&n, OP_tanh, "other", IN);
  uint32_t node = requant(&n, "floor", "8,3");
  n.g->nodes[node].rounding = FIX_FLOOR;
  graph_add_output(n.g, n.last);
  struct graph *fixed = expect_quantised(&n, "10,6");
  assert_int_equal(fixed->n_nodes, 4); // relu, table, other, floor
  assert_int_equal(count(fixed, OP_requant), 1);
  assert_int_equal(type_width(&fixed->values[fixed->inputs[0].value].type), 5);
  assert_int_equal(type_width(&fixed->values[graph_find_value(fixed, "relu")].type), 6);
  assert_int_equal(type_width(&fixed->values[graph_find_value(fixed, "table")].type), 8);
  assert_int_equal(type_width(&fixed->values[graph_find_value(fixed, "other")].type), 10);
  assert_int_equal(fixed->nodes[3].rounding, FIX_FLOOR);
  assert_null(node_attr(&fixed->nodes[3], ATTR_type));
  arena_free(&n.arena);

  begin(&n, 1);
  add(&n, OP_relu, "relu", IN);
  graph_add_output(n.g, n.last);
  requant(&n, "cast", "4,1");
  graph_add_output(n.g, n.last);
  fixed = expect_quantised(&n, "8,3");
  assert_int_equal(fixed->n_nodes, 2);
  assert_int_equal(type_width(&fixed->values[fixed->outputs[0]].type), 8);
  assert_int_equal(type_width(&fixed->values[fixed->outputs[1]].type), 4);
  arena_free(&n.arena);
}

// ---- what can't be

static void refused(struct net *n, struct formats *f, const char *words) {
  struct err e = {0};
  graph_add_output(n->g, n->last);
  assert_true(formats_set_stream(&n->arena, &f->defaults, "8,3", &e));
  if (!graph_verify(n->g, &e)) fail_msg("%s", e.text);
  assert_null(quantize(&n->arena, n->g, f, &e));
  if (!strstr(e.text, words)) fail_msg("%s", e.text);
  arena_free(&n->arena);
}

static void what_has_no_effect_is_refused(void **state) {
  (void)state;
  struct net n;
  struct formats f = formats_new();
  struct format_entry entry = {.name = "fc1"};
  entry.format =
      (struct format){.has_stream = true, .rounding = NONE, .overflow = NONE, .where = NONE};
  f.layers = &entry;
  f.n_layers = 1;
  network(&n, 1, "8,3", FIX_HALF_EVEN, FIX_SATURATE);
  refused(&n, &f, "layer \"fc1\": formats: stream has no effect: \"q1\" behind it says the type");
  entry.name = "q1";
  network(&n, 1, "8,3", FIX_HALF_EVEN, FIX_SATURATE);
  refused(&n, &f, "stream has no effect: the type of requant is the model's");
  entry.format = (struct format){.rounding = FIX_FLOOR, .overflow = NONE, .where = NONE};
  network(&n, 1, "8,3", FIX_HALF_EVEN, FIX_SATURATE);
  refused(&n, &f, "rounding has no effect: the model says how this kind rounds");
  begin(&n, 1);
  double scale[IN];
  for (int i = 0; i < IN; i++) scale[i] = i + 1;
  uint32_t node = requant(&n, "channels", "8,3");
  n.g->nodes[node].attr[0].type =
      type_channels(&n.arena, 8, true, 0, IN, scale, ARENA_NEW(&n.arena, int32_t, IN));
  f = formats_new();
  refused(&n, &f, "its type has scales per channel");
}

static void node_refused(enum fix_rounding rounding, enum fix_overflow overflow, struct type t,
                         const char *words) {
  struct net n;
  struct err e = {0};
  begin(&n, 1);
  uint32_t node = requant(&n, "q", "8,3");
  struct node *r = &n.g->nodes[node];
  r->attr[0].type = t;
  r->rounding = rounding;
  r->overflow = overflow;
  if (type_is_real(&t)) r->n_attr = 0;
  graph_add_output(n.g, n.last);
  assert_false(graph_verify(n.g, &e));
  if (!strstr(e.text, words)) fail_msg("%s", e.text);
  arena_free(&n.arena);
}

static void types_that_no_requant_has(void **state) {
  (void)state;
  struct arena a = {0};
  const double scales[3] = {1, 1, 1}, none = 0;
  const int32_t zeros[3] = {0};
  const struct type s8 = type_fixed(&a, 8, true, 1, 0);
  node_refused(FIX_HALF_EVEN, FIX_SATURATE, type_real(),
               "layer \"q\": requant of floats needs attribute \"type\", whose values it gives");
  node_refused(FIX_HALF_EVEN, FIX_SATURATE, type_of_class(TYPE_TERNARY),
               "attribute type of \"q\" has type ternary, expected a fixed or bipolar type");
  node_refused(FIX_HALF_EVEN, FIX_SATURATE, type_fixed(&a, 40, true, 1, 0), "at most 32 bits");
  node_refused(FIX_HALF_EVEN, FIX_SATURATE, type_channels(&a, 8, true, 0, 3, scales, zeros),
               "its type has 3 channels on axis 0");
  node_refused(FIX_HALF_EVEN, FIX_SATURATE, type_channels(&a, 8, true, 1, 3, scales, zeros),
               "its type has 3 channels on axis 1");
  node_refused(FIX_HALF_EVEN, FIX_SATURATE, type_channels(&a, 8, true, -1, 1, &none, zeros),
               "scale 0, expected a positive number");
  node_refused(FIX_TFLITE, FIX_SATURATE, s8, "rounding tflite isn't defined for floats");
  node_refused(FIX_HALF_EVEN, FIX_SYMMETRIC, type_fixed(&a, 8, true, 1, 1),
               "overflow symmetric is about zero 0, found zero 1");
  arena_free(&a);
}

// A type with scales per channel survives model.bin.
static void types_of_requants_are_written(void **state) {
  (void)state;
  struct net n;
  struct err e = {0};
  struct text first = {0}, second = {0};
  double scale[IN];
  int32_t zero[IN];
  begin(&n, 1);
  for (int i = 0; i < IN; i++) scale[i] = 0.1 * (i + 1), zero[i] = i;
  uint32_t node = requant(&n, "channels", "8,3");
  n.g->nodes[node].attr[0].type = type_channels(&n.arena, 8, true, 0, IN, scale, zero);
  requant(&n, "signs", "bipolar");
  requant(&n, "plain", "u7,-2");
  graph_add_output(n.g, n.last);
  model_put(&first, n.g);
  struct graph *back = model_parse(&n.arena, first.data, first.size, &e);
  if (!back) fail_msg("%s", e.text);
  for (uint32_t i = 0; i < 3; i++)
    assert_true(type_equal(&node_attr(&back->nodes[i], ATTR_type)->type,
                           &node_attr(&n.g->nodes[i], ATTR_type)->type));
  model_put(&second, back);
  assert_int_equal(first.size, second.size);
  assert_memory_equal(first.data, second.data, first.size);
  text_free(&first);
  text_free(&second);
  arena_free(&n.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(floats_are_what_the_integers_stand_for),
                                     cmocka_unit_test(another_rounding_is_noticed),
                                     cmocka_unit_test(results_lose_nothing),
                                     cmocka_unit_test(parts_and_averages_lose_nothing),
                                     cmocka_unit_test(inputs_and_constants_are_finer),
                                     cmocka_unit_test(biases_are_as_fine_as_it_takes),
                                     cmocka_unit_test(others_become_casts),
                                     cmocka_unit_test(what_has_no_effect_is_refused),
                                     cmocka_unit_test(types_that_no_requant_has),
                                     cmocka_unit_test(types_of_requants_are_written)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
