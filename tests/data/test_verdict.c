// SPDX-License-Identifier: Apache-2.0
// What "correct" means, kind by kind of output and of labels; and the figures of targets.
#include "sw/data/verdict.h"

#include "sw/data/array.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 4 };

// x -> layers -> y of so many elements.
static struct graph *network(struct arena *a, enum op op, int64_t n, struct type t) {
  struct graph *g = graph_new(a, "g");
  uint32_t x = graph_add_value(g, "x", 1, &n, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t node = graph_add_node(g, op, "layer");
  graph_add_use(g, node, (struct use){x, 0, NONE});
  bool index = op_is(op, TRAIT_INDEX);
  int64_t out = index ? 1 : n;
  graph_add_out(g, node, graph_add_value(g, "y", 1, &out, t, true));
  uint32_t flat = graph_add_node(g, OP_flatten, "flat"); // a change of shape hides nothing
  graph_add_use(g, flat, (struct use){g->nodes[node].out[0], 0, NONE});
  graph_add_out(g, flat, graph_add_value(g, "z", 1, &out, t, true));
  graph_add_output(g, index ? g->nodes[node].out[0] : g->nodes[flat].out[0]);
  return g;
}

static void kinds_follow_from_the_graph(void **state) {
  (void)state;
  static const struct {
    enum op op;
    int64_t elements;
    enum verdict_kind kind;
    double threshold;
  } rows[] = {{OP_argmax, 5, VERDICT_INDEX, 0},        {OP_argmin, 5, VERDICT_INDEX, 0},
              {OP_linear, 3, VERDICT_LARGEST, 0},      {OP_sigmoid, 3, VERDICT_LARGEST, 0},
              {OP_sigmoid, 1, VERDICT_THRESHOLD, 0.5}, {OP_hard_sigmoid, 1, VERDICT_THRESHOLD, 0.5},
              {OP_tanh, 1, VERDICT_THRESHOLD, 0},      {OP_hard_tanh, 1, VERDICT_THRESHOLD, 0},
              {OP_softsign, 1, VERDICT_THRESHOLD, 0},  {OP_linear, 1, VERDICT_THRESHOLD, 0},
              {OP_relu, 1, VERDICT_NONE, 0},           {OP_softplus, 1, VERDICT_NONE, 0},
              {OP_softmax, 1, VERDICT_NONE, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct verdict v = verdict_of(network(&a, rows[i].op, rows[i].elements, type_real()));
    assert_int_equal(v.kind, rows[i].kind);
    if (v.kind == VERDICT_THRESHOLD) assert_true(v.threshold == rows[i].threshold);
    assert_int_equal(v.linear, rows[i].op == OP_linear && rows[i].elements == 1);
    arena_free(&a);
  }
  struct arena a = {0};
  struct verdict v = verdict_of(network(&a, OP_relu, 1, type_of_class(TYPE_BIPOLAR)));
  assert_true(v.kind == VERDICT_THRESHOLD && v.threshold == 0 && !v.linear);
  arena_free(&a);
}

// Elements in front of an argmin are judged by the least, whatever made them; distances are, if
// nothing else chooses among them.
static void what_chooses_says_which(void **state) {
  (void)state;
  static const struct {
    enum op made_by, read_by;
    enum verdict_kind kind;
  } rows[] = {{OP_relu, OP_argmin, VERDICT_LEAST},   {OP_rbf, OP_relu, VERDICT_LEAST},
              {OP_rbf, OP_argmax, VERDICT_LARGEST},  {OP_rbf, OP_softmax, VERDICT_LARGEST},
              {OP_relu, OP_argmax, VERDICT_LARGEST}, {OP_relu, OP_softmax, VERDICT_LARGEST},
              {OP_relu, OP_relu, VERDICT_LARGEST}};
  const double y[3] = {4, 1, 1}, up[3] = {1, 4, 4};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    struct graph *g = network(&a, rows[i].made_by, 3, type_real());
    uint32_t node = graph_add_node(g, rows[i].read_by, "reader");
    graph_add_use(g, node, (struct use){g->nodes[1].out[0], 0, NONE}); // behind a change of shape
    struct verdict v = verdict_of_value(g, g->nodes[0].out[0]);
    assert_int_equal(v.kind, rows[i].kind);
    assert_int_equal(verdict_class(&v, y), v.kind == VERDICT_LEAST);
    assert_int_equal(verdict_class(&v, up), v.kind == VERDICT_LARGEST);
    arena_free(&a);
  }
}

// Of several indices the first is the class; indices of several rows have none.
// So is a single output that training rounds: its classes part where they did.
static void rounded_outputs_have_their_threshold(void **state) {
  (void)state;
  static const struct {
    enum op op, rounds;
    double threshold;
  } rows[] = {{OP_tanh, OP_fake_quant, 0},
              {OP_sigmoid, OP_fake_quant, 0.5},
              {OP_sigmoid, OP_requant, 0.5},
              {OP_sigmoid, OP_batch_norm, NAN}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const int64_t shape[] = {1};
    struct graph *g = network(&a, rows[i].op, 1, type_real());
    uint32_t node = graph_add_node(g, rows[i].rounds, "rounded");
    graph_add_use(g, node, (struct use){g->outputs[0], 0, NONE});
    uint32_t y = graph_add_value(g, "r", 1, shape, type_real(), true);
    graph_add_out(g, node, y);
    struct verdict v = verdict_of_value(g, y);
    if (isnan(rows[i].threshold))
      assert_int_equal(v.kind, VERDICT_NONE);
    else
      assert_true(v.kind == VERDICT_THRESHOLD && v.threshold == rows[i].threshold);
    arena_free(&a);
  }
}

static void the_first_index_is_the_class(void **state) {
  (void)state;
  const double y[3] = {2, 0, 1};
  for (int rows = 1; rows <= 2; rows++) {
    struct arena a = {0};
    struct graph *g = network(&a, OP_top_k, 3, type_real());
    struct value *v = &g->values[g->nodes[0].out[0]];
    v->rank = 2;
    v->shape[0] = rows;
    v->shape[1] = 3;
    struct verdict verdict = verdict_of_value(g, g->nodes[0].out[0]);
    assert_int_equal(verdict.kind, rows == 1 ? VERDICT_INDEX : VERDICT_NONE);
    if (rows == 1) assert_int_equal(verdict_class(&verdict, y), 2);
    arena_free(&a);
  }
}

// Labels (COUNT, width) as integers or as doubles.
static struct images labelled(struct arena *a, int64_t width, bool real, const double *labels) {
  struct array *v = ARENA_NEW(a, struct array, 1);
  struct images set = {.name = "x.npy", .count = COUNT, .has_labels = true, .answers = v};
  *v = (struct array){.type = real ? ARRAY_F64 : ARRAY_I64,
                      .rank = 2,
                      .shape = {COUNT, width},
                      .elements = COUNT * width,
                      .data = arena_alloc(a, (size_t)(COUNT * width), 8)};
  bool whole = width == 1;
  for (int64_t i = 0; i < COUNT * width; i++) {
    int64_t n = (int64_t)labels[i];
    memcpy(v->data + 8 * i, real ? (const void *)&labels[i] : (const void *)&n, 8);
    whole &= labels[i] == (double)n;
  }
  if (whole) set.labels = ARENA_NEW(a, int32_t, COUNT);
  for (int64_t i = 0; whole && i < COUNT; i++) set.labels[i] = (int32_t)labels[i];
  return set;
}

#define L(...) ((const double[]){__VA_ARGS__})

// What labels are: "0 1 1 0" classes, "t" targets, both, or "" an error.
static void check(enum op op, int64_t elements, int64_t width, bool real, const double *labels,
                  const char *expected) {
  struct arena a = {0};
  struct err e = {0};
  struct answers l;
  struct verdict v = verdict_of(network(&a, op, elements, type_real()));
  struct images set = labelled(&a, width, real, labels);
  const char *found = "";
  if (verdict_answers(&a, &v, &set, &l, &e)) {
    for (int i = 0; l.classes && i < COUNT; i++)
      found = arena_printf(&a, "%s%d", found, l.classes[i]);
    found = arena_printf(&a, "%s%s", found, l.targets ? "t" : "");
    assert_true(found[0]);
  } else {
    assert_true(e.text[0]);
  }
  assert_string_equal(found, expected);
  arena_free(&a);
}

static void labels_are_classes_or_targets(void **state) {
  (void)state;
  const double *bits = L(0, 1, 1, 0), *signs = L(-1, 1, 1, -1), *reals = L(0.5, 1, 2, -3),
               *counts = L(0, 3, 7, 2), *mixed = L(-1, 0, 1, 0);
  check(OP_sigmoid, 1, 1, false, bits, "0110");
  check(OP_sigmoid, 1, 1, true, bits, "0110t");
  check(OP_sigmoid, 1, 1, false, signs, ""); // sigmoid has no -1
  check(OP_tanh, 1, 1, false, signs, "0110");
  check(OP_tanh, 1, 1, true, signs, "0110t");
  check(OP_tanh, 1, 1, false, mixed, "");
  check(OP_tanh, 1, 1, true, mixed, "t");
  check(OP_linear, 1, 1, false, bits, "0110");
  check(OP_linear, 1, 1, true, bits, "t");
  check(OP_linear, 1, 1, true, reals, "t");
  check(OP_linear, 1, 1, false, counts, "t");
  check(OP_relu, 1, 1, false, bits, "t");
  check(OP_sigmoid, 1, 2, false, L(1, 0, 0, 1, 0, 1, 1, 0), "0110"); // one-hot of two
  check(OP_linear, 8, 1, false, counts, "0372");
  check(OP_linear, 8, 1, true, counts, "0372");
  check(OP_linear, 8, 1, false, signs, "");
  check(OP_linear, 7, 1, false, counts, ""); // of 7 classes 7 is none
  check(OP_linear, 8, 1, true, reals, "");
  check(OP_argmax, 8, 1, false, counts, "0372");
  check(OP_argmax, 8, 1, true, reals, "");
  check(OP_argmin, 8, 1, false, counts, "0372");
  check(OP_top_k, 8, 1, false, counts, "0372");
  check(OP_linear, 2, 2, false, L(1, 0, 0, 1, 0, 1, 1, 0), "0110");
  check(OP_linear, 2, 2, true, L(1, 0, 0, 1, 0, 1, 1, 0), "0110");
  check(OP_linear, 2, 2, true, L(1, 0, 0, 1, 0.5, 0.5, 1, 0), "t");
  check(OP_linear, 2, 2, true, L(1, 1, 0, 1, 0, 1, 1, 0), "t");
  check(OP_argmax, 2, 2, false, L(1, 0, 0, 1, 0, 1, 1, 0), "0110");
  check(OP_linear, 3, 2, true, L(1, 0, 0, 1, 0, 1, 1, 0), "");
}

static void codes_and_reals_are_judged_alike(void **state) {
  (void)state;
  struct arena a = {0};
  const int32_t classes[] = {1, 0, 1, 0}, codes[] = {5, 4, 6, 3}; // 0.5 is 4: not above it
  struct answers l = {.classes = classes};
  struct score s = {0}, t = {0};
  struct verdict v = verdict_of(network(&a, OP_sigmoid, 1, type_fixed(&a, 8, false, 0.125, 0)));
  for (int i = 0; i < COUNT; i++) {
    double y = codes[i] * 0.125;
    verdict_judge_codes(&v, &l, i, &codes[i], &s);
    verdict_judge(&v, &l, i, &y, &t);
  }
  assert_true(s.correct == 4 && t.correct == 4 && s.images == 4);
  // scales per channel: 3 * 1 is more than 10 * 0.25; a zero point moves the threshold
  struct type each = type_channels(&a, 8, true, 0, 2, L(1, 0.25), (const int32_t[]){0, 0});
  v = verdict_of(network(&a, OP_linear, 2, each));
  s = (struct score){0};
  verdict_judge_codes(&v, &l, 1, (const int32_t[]){3, 10}, &s);
  assert_int_equal(s.correct, 1);
  v = verdict_of(network(&a, OP_tanh, 1, type_fixed(&a, 8, true, 0.1, 7)));
  s = (struct score){0};
  verdict_judge_codes(&v, &l, 0, (const int32_t[]){8}, &s);
  verdict_judge_codes(&v, &l, 1, (const int32_t[]){7}, &s);
  assert_int_equal(s.correct, 2);
  arena_free(&a);
}

static void figures_of_targets(void **state) {
  (void)state;
  struct arena a = {0};
  struct score s = {0};
  struct verdict v = verdict_of(network(&a, OP_linear, 2, type_real()));
  struct answers l = {.targets = L(1, 10, 2, 20, 3, 30, 6, 60)};
  for (int i = 0; i < COUNT; i++)
    verdict_judge(&v, &l, i, (const double[]){l.targets[2 * i] + 1, l.targets[2 * i + 1] - 3}, &s);
  assert_true(verdict_mae(&v, &l, &s) == 2);
  // deviations: 4 + 1 + 0 + 9 = 14 and 100 times that; errors 4 * 1 + 4 * 9
  assert_true(fabs(verdict_r2(&v, &l, &s) - (1 - 40.0 / 1414)) < 1e-12);
  struct answers same = {.targets = L(1, 2, 1, 2, 1, 2, 1, 2)}, none = {0};
  assert_true(isnan(verdict_r2(&v, &same, &s)) && isnan(verdict_r2(&v, &none, &s)));
  assert_true(isnan(verdict_mae(&v, &none, &s)));
  arena_free(&a);
}

// Distances that are rounded, as training knows of it, stay distances; a norm of them may turn them
// round.
static void rounded_distances_are_distances(void **state) {
  (void)state;
  static const struct {
    enum op rounds;
    enum verdict_kind kind;
  } rows[] = {{OP_fake_quant, VERDICT_LEAST},
              {OP_requant, VERDICT_LEAST},
              {OP_flatten, VERDICT_LEAST},
              {OP_batch_norm, VERDICT_LARGEST},
              {OP_relu, VERDICT_LARGEST}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena a = {0};
    const int64_t shape[] = {3};
    struct graph *g = network(&a, OP_rbf, 3, type_real());
    uint32_t node = graph_add_node(g, rows[i].rounds, "rounded");
    graph_add_use(g, node, (struct use){g->nodes[0].out[0], 0, NONE});
    uint32_t y = graph_add_value(g, "y", 1, shape, type_real(), true);
    graph_add_out(g, node, y);
    assert_int_equal(verdict_of_value(g, y).kind, rows[i].kind);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_follow_from_the_graph),
                                     cmocka_unit_test(what_chooses_says_which),
                                     cmocka_unit_test(rounded_distances_are_distances),
                                     cmocka_unit_test(rounded_outputs_have_their_threshold),
                                     cmocka_unit_test(the_first_index_is_the_class),
                                     cmocka_unit_test(labels_are_classes_or_targets),
                                     cmocka_unit_test(codes_and_reals_are_judged_alike),
                                     cmocka_unit_test(figures_of_targets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
