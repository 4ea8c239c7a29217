// SPDX-License-Identifier: Apache-2.0
// What the verifier refuses of training graphs, a rule at a time: the graph of a small network, one
// change, the words it must say. And that such a graph is copied whole.
#include "sw/base/text.h"
#include "sw/pass/copy.h"
#include "tests/graph/helper_verify.h"
#include "tests/train/helper_training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char network[] =
    "{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"linear\",\"out\":5},"
    "{\"op\":\"dropout\",\"rate\":0.25},{\"op\":\"tanh\"},{\"op\":\"linear\",\"out\":3}]}";

// The output of the first node of an op.
static uint32_t made_by(const struct graph *g, enum op op) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == op) return g->nodes[i].out[0];
  fail_msg("no %s", op_info(op)->name);
  return 0;
}

static uint32_t node_of(const struct graph *g, enum op op) {
  return (uint32_t)g->values[made_by(g, op)].node;
}

static uint32_t image(const struct graph *g) {
  return g->inputs[0].value;
}

static void give_table(struct graph *g, struct node *n, enum dtype dtype, int rank, int64_t count) {
  int64_t shape[2] = {count, 1};
  attribute(n, ATTR_table)->tensor = tensor_new(g->arena, dtype, rank, shape);
}

// ---- schedules, dropout, losses

RULE(table_of_integers) {
  give_table(g, n, DTYPE_I32, 1, 2);
}
RULE(table_of_rows) {
  give_table(g, n, DTYPE_F32, 2, 2);
}
RULE(table_of_nothing) {
  give_table(g, n, DTYPE_F32, 1, 0);
}
RULE(table_not_finite) {
  give_table(g, n, DTYPE_F32, 1, 2);
  ((float *)attribute(n, ATTR_table)->tensor->data)[1] = INFINITY;
}
RULE(rates_of_no_step) {
  static const int64_t zero = 0;
  NO_G;
  attribute(n, ATTR_every)->ints = &zero;
}
RULE(step_of_many) {
  n->in[0].value = made_by(g, OP_read);
  output(g, n)->rank = 2;
  memcpy(output(g, n)->shape, input(g, n, 0)->shape, 2 * sizeof(int64_t));
}
RULE(drops_all) {
  NO_G;
  attribute(n, ATTR_rate)->real = 1;
}
RULE(drops_less_than_none) {
  NO_G;
  attribute(n, ATTR_rate)->real = -0.5;
}
RULE(dropout_of_an_image) {
  n->in[1].value = image(g);
}
RULE(targets_of_others) {
  n->in[1].value = made_by(g, OP_tanh);
}
RULE(targets_without_frames) {
  n->in[1].value = made_by(g, OP_mean);
}

// ---- gradients: the first is that of the loss

RULE(gradient_of_itself) {
  attribute(n, ATTR_of)->value = id_of(g, n);
}
RULE(gradient_of_nothing) {
  attribute(n, ATTR_of)->value = g->n_nodes;
}
RULE(gradient_of_a_read) {
  attribute(n, ATTR_of)->value = node_of(g, OP_read);
}
RULE(gradient_of_input_9) {
  static const int64_t nine = 9;
  NO_G;
  attribute(n, ATTR_input)->ints = &nine;
}
RULE(gradient_of_input_below) {
  static const int64_t below = -1;
  NO_G;
  attribute(n, ATTR_input)->ints = &below;
}
RULE(gradient_of_integers) {
  output(g, n)->type = s8(g);
}
// The gradient of fc2's output for its input, not for its weights: outputs aren't an axis of it.
static struct node *of_the_layer(struct graph *g) {
  for (uint32_t i = g->n_nodes; i-- > 0;) {
    struct node *n = &g->nodes[i];
    if (n->op == OP_gradient && node_int(n, ATTR_input, 0) == 0 &&
        g->nodes[node_attr(n, ATTR_of)->value].op == OP_linear)
      return n;
  }
  fail_msg("no gradient of a linear layer");
  return NULL;
}
RULE(gradient_reads_less) {
  (void)n;
  of_the_layer(g)->n_in--;
}
RULE(gradient_of_another_output) {
  (void)n;
  of_the_layer(g)->in[0].value = image(g);
}
RULE(gradient_that_reads_another) {
  (void)n;
  of_the_layer(g)->in[1].value = made_by(g, OP_tanh);
}
RULE(gradient_of_a_foreign_axis) {
  static const int64_t slice[] = {0, 0, 1};
  (void)n;
  graph_add_ints(g, id_of(g, of_the_layer(g)), ATTR_slice, 3, slice);
}
RULE(gradient_of_no_axis) {
  static const int64_t slice[] = {7, 0, 1};
  (void)n;
  graph_add_ints(g, id_of(g, of_the_layer(g)), ATTR_slice, 3, slice);
}

// ---- assigns: the first is that of fc1's weights, with a memory

RULE(one_variable_for_both) {
  NO_G;
  n->ref[1] = n->ref[0];
}
RULE(memory_of_another) {
  struct node *other = n + 1;
  while (other->op != OP_assign) other++;
  (void)g;
  n->ref[1] = other->ref[1];
}
RULE(rate_of_many) {
  n->in[0].value = made_by(g, OP_read);
}
RULE(update_of_many) {
  n->in[n->n_in - 1].value = n->in[0].value;
  NO_G;
}
RULE(requantised_floats) {
  static const int64_t one = 1;
  static const int32_t zero = 0;
  graph_add_requant(g, id_of(g, n), 1, &one, &zero);
}
RULE(momentum_missing) {
  NO_G;
  *attribute(n, ATTR_momentum) = n->attr[--n->n_attr];
}
RULE(unknown_function) {
  NO_G;
  attribute(n, ATTR_function)->text = "lion";
}

static const struct rule rules[] = {
    {OP_schedule, table_of_integers, "table: I32 of rank 1, expected a list of F32"},
    {OP_schedule, table_of_rows, "table: F32 of rank 2, expected a list of F32"},
    {OP_schedule, table_of_nothing, "table: F32 of rank 1, expected a list of F32"},
    {OP_schedule, table_not_finite, "table: entry 1 isn't finite"},
    {OP_schedule, rates_of_no_step, "every: 0 steps, expected 1 or more"},
    {OP_schedule, step_of_many, "expected one number, the step, found 20"},
    {OP_dropout, drops_all, "rate: 1, expected 0 <= rate < 1"},
    {OP_dropout, drops_less_than_none, "rate: -0.5, expected 0 <= rate < 1"},
    {OP_dropout, dropout_of_an_image, "expected one number, the step, found 4"},
    {OP_cross_entropy, targets_of_others, "outputs and targets differ in shape: 3 and 5 elements"},
    {OP_cross_entropy, targets_without_frames, "outputs and targets differ in shape: 3 and 1"},
    {OP_gradient, gradient_of_itself, "of: it isn't an earlier node"},
    {OP_gradient, gradient_of_nothing, "of: it isn't an earlier node"},
    {OP_gradient, gradient_of_a_read, "has no gradient: "},
    {OP_gradient, gradient_of_input_9, "input: 9, \"loss\" has 1 inputs"},
    {OP_gradient, gradient_of_input_below, "input: -1, \"loss\" has 1 inputs"},
    {OP_gradient, gradient_reads_less, "1 inputs, the gradient of input 0 of linear reads 2"},
    {OP_gradient, gradient_of_another_output, "\"image\" isn't like \"fc2\""},
    {OP_gradient, gradient_that_reads_another, "isn't like \"fc2.weight\""},
    {OP_gradient, gradient_of_integers, "has type 8,0, expected real"},
    {OP_gradient, gradient_of_a_foreign_axis, "slice: axis 0 isn't one of input 0 of \"fc"},
    {OP_gradient, gradient_of_no_axis, "slice: expected axis, begin, end"},
    {OP_assign, one_variable_for_both, "owns variable \"fc1.weight.variable\" twice"},
    {OP_assign, memory_of_another, "remembers 5 elements for 20"},
    {OP_assign, rate_of_many, "takes one factor, found 20"},
    {OP_assign, update_of_many, "assigns 1 elements to a variable of 20"},
    {OP_assign, requantised_floats, "requant: a real node has none"},
    {OP_assign, momentum_missing, "needs attribute \"momentum\""},
    {OP_assign, unknown_function, "assign has no function \"lion\""},
};

static struct node *first_of(struct graph *g, enum op op) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == op) return &g->nodes[i];
  return NULL;
}

static void every_rule(void **state) {
  (void)state;
  int missed = 0;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    struct lesson l;
    struct err e = {0};
    lesson_new(&l, network, ASSIGN_momentum, 2, NULL, 0);
    struct graph *g = l.training->graph;
    rules[i].break_it(g, first_of(g, rules[i].op));
    bool said = !graph_verify(g, &e) && strstr(e.text, rules[i].words);
    if (!said) print_error("rule %zu: expected \"%s\", said \"%s\"\n", i, rules[i].words, e.text);
    missed += !said;
    arena_free(&l.arena);
  }
  assert_int_equal(missed, 0);
}

// ---- copies

static struct graph *copied(struct arena *a, const struct graph *g) {
  struct graph_copy c = copy_new(a, g);
  copy_inputs(&c);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    copy_outputs(&c, n, copy_node(&c, n, n->name));
  }
  copy_graph_outputs(&c);
  copy_controls(&c);
  return c.to;
}

static const char *name_of(const struct graph *g, int64_t value) {
  return value == NONE ? "none" : g->values[value].name;
}

static void put_node(struct text *t, const struct graph *g, const struct node *n) {
  text_printf(t, "%s %s", n->name, op_info(n->op)->name);
  for (uint32_t i = 0; i < n->n_in; i++)
    text_printf(t, " in %s %u %s", name_of(g, n->in[i].value), n->in[i].delay,
                name_of(g, n->in[i].initial));
  for (uint32_t i = 0; i < n->n_out; i++) text_printf(t, " out %s", name_of(g, n->out[i]));
  for (uint32_t i = 0; i < n->n_ref; i++) text_printf(t, " ref %s", name_of(g, n->ref[i]));
  for (uint32_t i = 0; i < n->n_attr; i++) {
    const struct attr *a = &n->attr[i];
    text_printf(t, " %s %g %s", attr_text(a->name), a->real, a->text ? a->text : "");
    for (int64_t k = 0; k < a->count; k++) text_printf(t, " %lld", (long long)a->ints[k]);
    if (attr_kind(a->name) == ATTR_VALUE) text_puts(t, name_of(g, a->value));
    if (attr_kind(a->name) == ATTR_NODE) text_puts(t, g->nodes[a->value].name);
  }
  for (uint32_t i = 0; i < n->n_origin; i++) text_printf(t, " origin %s", n->origin[i]);
  text_puts(t, "\n");
}

static const char *described(struct arena *a, const struct graph *g) {
  struct text t = {0};
  for (uint32_t i = 0; i < g->n_nodes; i++) put_node(&t, g, &g->nodes[i]);
  for (uint32_t i = 0; i < g->n_outputs; i++) text_printf(&t, "%s\n", name_of(g, g->outputs[i]));
  const char *all = arena_strdup(a, t.data);
  text_free(&t);
  return all;
}

// With delays, references, origins and attributes of every kind.
static void copies_are_whole(void **state) {
  (void)state;
  struct lesson l;
  struct err e = {0};
  lesson_new(&l, network, ASSIGN_adam, 2, NULL, 0);
  struct graph *g = l.training->graph;
  uint32_t drop = node_of(g, OP_dropout);
  int64_t five = 5;
  graph_add_origin(g, node_of(g, OP_tanh), "activation");
  struct tensor *zeros = tensor_new(g->arena, DTYPE_F32, 1, &five);
  uint32_t zero = graph_add_tensor(g, "zeros", zeros, type_real());
  g->nodes[drop].in[0].delay = 1;
  g->nodes[drop].in[0].initial = (int32_t)zero;
  struct graph *copy = copied(&l.arena, g);
  assert_string_equal(described(&l.arena, copy), described(&l.arena, g));
  assert_int_equal(copy->n_values, g->n_values);
  if (!graph_verify(copy, &e)) fail_msg("%s", e.text);
  arena_free(&l.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_rule),
                                     cmocka_unit_test(copies_are_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
