// SPDX-License-Identifier: Apache-2.0
// The semantics of the dataflow graph, line by line of docs/training.md, "Tokens, variables,
// order": where several outcomes are possible, their set is found by running every order.
#include "sw/base/rng.h"
#include "sw/exec/dataflow.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/races.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- small graphs over single numbers

struct build {
  struct arena arena;
  struct graph *g;
};

static const int64_t one = 1;

static void begin(struct build *b) {
  *b = (struct build){0};
  b->g = graph_new(&b->arena, "test");
}

static uint32_t number(struct build *b, const char *name, float v) {
  struct tensor *t = tensor_new(&b->arena, DTYPE_F32, 1, &one);
  *(float *)t->data = v;
  return graph_add_tensor(b->g, name, t, type_real());
}

static uint32_t out(const struct build *b, uint32_t node) {
  return b->g->nodes[node].out[0];
}

static uint32_t with(struct build *b, uint32_t node, uint32_t value) {
  graph_add_use(b->g, node, (struct use){value, 0, NONE});
  return node;
}

static uint32_t add_node(struct build *b, enum op op, const char *name, struct type type) {
  uint32_t n = graph_add_node(b->g, op, name);
  graph_add_out(b->g, n, graph_add_value(b->g, name, 1, &one, type, false));
  return n;
}

// The reference of a variable that begins with v.
static uint32_t variable(struct build *b, const char *name, float v) {
  uint32_t init = number(b, arena_printf(&b->arena, "%s.init", name), v);
  uint32_t n = add_node(b, OP_variable, name, type_ref());
  graph_add_attr(b->g, n, ATTR_init)->value = init;
  return out(b, n);
}

static uint32_t read_of(struct build *b, const char *name, uint32_t ref) {
  uint32_t n = add_node(b, OP_read, name, type_real());
  graph_add_ref(b->g, n, ref);
  return n;
}

static uint32_t assign(struct build *b, const char *name, const char *function, uint32_t ref,
                       uint32_t t) {
  uint32_t n = graph_add_node(b->g, OP_assign, name);
  graph_add_text(b->g, n, ATTR_function, function);
  graph_add_ref(b->g, n, ref);
  return with(b, n, t);
}

static uint32_t binary(struct build *b, enum op op, const char *name, uint32_t x, uint32_t y) {
  return out(b, with(b, with(b, add_node(b, op, name, type_real()), x), y));
}

static void after(struct build *b, uint32_t node, uint32_t of, uint32_t delay) {
  graph_add_after(b->g, node, (struct after){of, delay});
}

static struct dataflow *executor(struct build *b, bool racy) {
  struct err e = {0};
  if (!graph_verify(b->g, &e)) fail_msg("%s", e.text);
  struct dataflow *d = dataflow_new(&b->arena, b->g, 1, &real_kind, racy, &e);
  if (!d) fail_msg("%s", e.text);
  return d;
}

static float held(const struct dataflow *d, uint32_t ref) {
  return *(float *)dataflow_held(d, ref);
}

static void end(struct build *b, struct dataflow *d) {
  if (d) dataflow_free(d);
  arena_free(&b->arena);
}

// ---- outcomes: a sorted set of numbers

enum { OUTCOMES = 128 };
struct outcomes {
  const struct build *b;
  uint32_t ref; // looked at after each order; LAST_OUTPUT: the last token of output 0
  float last;
  int count;
  float value[OUTCOMES];
};
enum { LAST_OUTPUT = UINT32_MAX };

static void note(void *context, struct dataflow *d) {
  struct outcomes *o = context;
  float v = o->ref == LAST_OUTPUT ? o->last : held(d, o->ref);
  int i = 0;
  while (i < o->count && o->value[i] < v) i++;
  if (i < o->count && o->value[i] == v) return;
  assert_true(o->count < OUTCOMES);
  memmove(o->value + i + 1, o->value + i, (size_t)(o->count - i) * sizeof v);
  o->value[i] = v;
  o->count++;
}

static void keep_output(void *context, int64_t step, uint32_t i, const void *data) {
  (void)step, (void)i;
  ((struct outcomes *)context)->last = *(const float *)data;
}

static int64_t explore(struct build *b, struct outcomes *o, int64_t steps) {
  struct dataflow *d = executor(b, true);
  struct dataflow_caller c = {.context = o, .output = keep_output};
  int64_t orders = dataflow_explore(d, steps, &c, 1000000, note);
  assert_true(orders > 0);
  dataflow_free(d);
  return orders;
}

static void assert_outcomes(const struct outcomes *o, int count, const float *expected) {
  assert_int_equal(o->count, count);
  for (int i = 0; i < count; i++) assert_true(o->value[i] == expected[i]);
}

// ---- 1: firing

// a + b, twice used: (a + b) * (a + b) with every order of the reads.
static void line_1_fires_once_when_every_edge_holds_a_token(void **state) {
  (void)state;
  struct build b;
  begin(&b);
  uint32_t x = out(&b, read_of(&b, "read x", variable(&b, "x", 2)));
  uint32_t y = out(&b, read_of(&b, "read y", variable(&b, "y", 5)));
  uint32_t sum = binary(&b, OP_add, "sum", x, y);
  graph_add_output(b.g, binary(&b, OP_mul, "square", sum, sum));
  struct outcomes o = {.b = &b, .ref = LAST_OUTPUT};
  assert_int_equal(explore(&b, &o, 1), 2); // only the reads are free
  assert_outcomes(&o, 1, (float[]){49});
  struct dataflow *d = executor(&b, false);
  dataflow_run(d, 3, &(struct dataflow_caller){.context = &o});
  assert_int_equal(dataflow_firings(d), 3 * 4);
  end(&b, d);
}

// ---- 2: references

static void line_2_references_stay_on_their_device(void **state) {
  (void)state;
  struct build b;
  struct err e = {0};
  begin(&b);
  uint32_t read = read_of(&b, "read", variable(&b, "x", 2));
  graph_add_output(b.g, out(&b, read));
  struct dataflow *d = executor(&b, false);
  struct side_table place = side_table_new(b.g, &b.arena, PER_NODE, sizeof(uint32_t));
  assert_true(dataflow_place(d, &place, &e));
  *(uint32_t *)side_table_at(&place, read) = 1;
  assert_false(dataflow_place(d, &place, &e));
  assert_non_null(strstr(e.text, "layer \"read\" is on device 1, its variable \"x\" on 0"));
  end(&b, d);
}

// ---- 3, 5: snapshots and control edges

static void line_3_a_read_is_a_snapshot(void **state) {
  (void)state;
  struct build b;
  begin(&b);
  uint32_t x = variable(&b, "x", 2), read = read_of(&b, "read", x);
  uint32_t set = assign(&b, "set", "write", x, number(&b, "nine", 9));
  after(&b, set, read, 0);
  after(&b, read, set, 1);
  uint32_t late = binary(&b, OP_add, "late", out(&b, read), number(&b, "zero", 0));
  after(&b, (uint32_t)b.g->values[late].node, set, 0);
  graph_add_output(b.g, late);
  struct outcomes o = {.b = &b, .ref = LAST_OUTPUT};
  explore(&b, &o, 1);
  assert_outcomes(&o, 1, (float[]){2}); // used after the assign, read before it
  end(&b, NULL);
}

static void seen_by_read(bool ordered, int count, const float *expected) {
  struct build b;
  begin(&b);
  uint32_t x = variable(&b, "x", 2);
  uint32_t set = assign(&b, "set", "write", x, number(&b, "nine", 9));
  uint32_t read = read_of(&b, "read", x);
  if (ordered) after(&b, read, set, 0);
  graph_add_output(b.g, out(&b, read));
  struct outcomes o = {.b = &b, .ref = LAST_OUTPUT};
  explore(&b, &o, 1);
  assert_outcomes(&o, count, expected);
  end(&b, NULL);
}

static void line_5_a_control_edge_orders_assign_and_read(void **state) {
  (void)state;
  seen_by_read(true, 1, (float[]){9});
  seen_by_read(false, 2, (float[]){2, 9});
}

// ---- 4: functions

static void line_4_every_function(void **state) {
  (void)state;
  static const struct {
    const char *function;
    float expected;
  } rows[] = {{"write", -3}, {"add", 5}, {"sub", 11}, {"scale", -24}, {"min", -3}, {"max", 8}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct build b;
    begin(&b);
    uint32_t x = variable(&b, "x", 8);
    assign(&b, "set", rows[i].function, x, number(&b, "t", -3));
    struct dataflow *d = executor(&b, false);
    dataflow_run(d, 1, &(struct dataflow_caller){0});
    assert_true(held(d, x) == rows[i].expected);
    end(&b, d);
  }
}

static void line_4_axpy_and_an_assign_that_owns_three(void **state) {
  (void)state;
  struct build b;
  begin(&b);
  uint32_t x = variable(&b, "x", 8), w = variable(&b, "w", 1), m = variable(&b, "m", 0),
           v = variable(&b, "v", 0);
  uint32_t axpy = graph_add_node(b.g, OP_assign, "axpy");
  graph_add_text(b.g, axpy, ATTR_function, "axpy");
  graph_add_ref(b.g, axpy, x);
  with(&b, with(&b, axpy, number(&b, "a", 0.5f)), number(&b, "t", 6));
  uint32_t adam = graph_add_node(b.g, OP_assign, "adam");
  graph_add_text(b.g, adam, ATTR_function, "adam");
  graph_add_real(b.g, adam, ATTR_beta1, 0.5);
  graph_add_real(b.g, adam, ATTR_beta2, 0.75);
  graph_add_real(b.g, adam, ATTR_epsilon, 0);
  for (int i = 0; i < 3; i++) graph_add_ref(b.g, adam, i == 0 ? w : i == 1 ? m : v);
  with(&b, with(&b, with(&b, adam, number(&b, "rate", 0.25f)), number(&b, "step", 0)),
       number(&b, "g", 4));
  struct dataflow *d = executor(&b, false);
  dataflow_run(d, 1, &(struct dataflow_caller){0});
  assert_true(held(d, x) == 11);
  assert_true(held(d, m) == 2 && held(d, v) == 4 && held(d, w) == 0.75f); // the first step: rate
  end(&b, d);
}

// ---- 6: outcome sets

static void line_6_read_add_write_loses_updates(void **state) {
  (void)state;
  struct build b;
  begin(&b);
  uint32_t x = variable(&b, "x", 1);
  for (int i = 0; i < 2; i++) {
    const char *n = i ? "b" : "a";
    uint32_t read = read_of(&b, arena_printf(&b.arena, "read %s", n), x);
    uint32_t sum = binary(&b, OP_add, arena_printf(&b.arena, "sum %s", n), out(&b, read),
                          number(&b, n, i ? 20 : 10));
    assign(&b, arena_printf(&b.arena, "write %s", n), "write", x, sum);
  }
  // Two unordered writes are an error of the verifier; here they are wanted.
  struct err e = {0};
  assert_false(graph_verify(b.g, &e));
  assert_non_null(strstr(e.text, "touch variable \"x\" in no fixed order"));
  struct outcomes o = {.b = &b, .ref = x};
  struct dataflow *d = dataflow_new(&b.arena, b.g, 1, &real_kind, true, &e);
  int64_t orders = dataflow_explore(d, 1, &(struct dataflow_caller){.context = &o}, 1000, note);
  assert_int_equal(orders, 20); // two chains of three firings: 6! / (3! 3!)
  assert_outcomes(&o, 3, (float[]){11, 21, 31});
  end(&b, d);
}

static void line_6_assign_add_does_not(void **state) {
  (void)state;
  struct build b;
  begin(&b);
  uint32_t x = variable(&b, "x", 1);
  assign(&b, "add a", "add", x, number(&b, "a", 10));
  assign(&b, "add b", "add", x, number(&b, "b", 20));
  struct outcomes o = {.b = &b, .ref = x};
  assert_int_equal(explore(&b, &o, 1), 2);
  assert_outcomes(&o, 1, (float[]){31});
  end(&b, NULL);
}

// ---- 7: races

// Two unordered assigns with these functions: whether the verifier takes them, and whether every
// order gives the same bits.
static void check_pair(const char *f, const char *g, bool verified, bool same) {
  struct build b;
  struct err e = {0};
  begin(&b);
  uint32_t x = variable(&b, "x", 1);
  assign(&b, "first", f, x, number(&b, "a", 10));
  assign(&b, "second", g, x, number(&b, "b", 20));
  bool ok = graph_verify(b.g, &e);
  if (ok != verified) fail_msg("%s and %s: %s", f, g, e.text);
  assert_int_equal(races_none(b.g, &e), same);
  struct dataflow *d = dataflow_new(&b.arena, b.g, 1, &real_kind, false, &e);
  assert_int_equal(d != NULL, same);
  end(&b, d);
}

static void line_7_only_functions_that_commute_may_be_unordered(void **state) {
  (void)state;
  static const char *const all[] = {"write", "add", "sub", "scale", "min", "max"};
  for (size_t i = 0; i < 6; i++)
    for (size_t k = 0; k < 6; k++) {
      bool sums = (i == 1 || i == 2) && (k == 1 || k == 2), same = i == k && i >= 4;
      check_pair(all[i], all[k], sums || same, same); // float sums commute but don't associate
    }
}

static void line_7_a_read_and_an_assign_need_an_order(void **state) {
  (void)state;
  for (int edges = 0; edges < 4; edges++) {
    struct build b;
    struct err e = {0};
    begin(&b);
    uint32_t x = variable(&b, "x", 1), read = read_of(&b, "read", x);
    uint32_t set = assign(&b, "set", "write", x, number(&b, "a", 10));
    graph_add_output(b.g, out(&b, read));
    if (edges & 1) after(&b, set, read, 0);
    if (edges & 2) after(&b, read, set, 1);
    assert_true(graph_verify(b.g, &e));
    assert_int_equal(races_none(b.g, &e), edges == 3); // this step's and the next one's
    if (edges < 3) assert_non_null(strstr(e.text, "layers \"read\" and \"set\""));
    end(&b, NULL);
  }
}

// A graph is free of races exactly if every order gives one outcome: all graphs of a read and an
// assign_add with control edges of delays 0 to 2, or none, both ways.
static void line_7_is_exact(void **state) {
  (void)state;
  int ordered = 0, racy = 0;
  for (int there = -1; there <= 2; there++)
    for (int back = -1; back <= 2; back++) {
      if (there == 0 && back == 0) continue; // a cycle without delay
      struct build b;
      struct err e = {0};
      begin(&b);
      uint32_t x = variable(&b, "x", 0), read = read_of(&b, "read", x);
      uint32_t add = assign(&b, "add", "add", x, number(&b, "a", 1));
      uint32_t sum = variable(&b, "sum", 0);
      uint32_t digits = assign(&b, "shift", "scale", sum, number(&b, "four", 4));
      uint32_t put = assign(&b, "put", "add", sum, out(&b, read));
      after(&b, put, digits, 0);
      after(&b, digits, put, 1);
      if (there >= 0) after(&b, add, read, (uint32_t)there);
      if (back >= 0) after(&b, read, add, (uint32_t)back);
      assert_true(graph_verify(b.g, &e));
      struct outcomes o = {.b = &b, .ref = sum};
      explore(&b, &o, 3);
      assert_int_equal(races_none(b.g, &e), o.count == 1);
      ordered += o.count == 1;
      racy += o.count > 1;
      end(&b, NULL);
    }
  assert_true(ordered >= 2 && racy >= 8);
}

// ---- 8: the computation goes to the state

static struct dataflow_traffic traffic(bool send_the_state) {
  struct build b;
  struct err e = {0};
  begin(&b);
  const int64_t size = 1000;
  struct tensor *t = tensor_new(&b.arena, DTYPE_F32, 1, &size);
  uint32_t init = graph_add_tensor(b.g, "init", t, type_real());
  uint32_t v = graph_add_node(b.g, OP_variable, "x");
  graph_add_attr(b.g, v, ATTR_init)->value = init;
  graph_add_out(b.g, v, graph_add_value(b.g, "x", 1, &size, type_ref(), false));
  uint32_t half = variable(&b, "half", 0.5f), read_half = read_of(&b, "read half", half);
  uint32_t t_value = out(&b, read_half), mul = read_half, read = 0;
  if (send_the_state) {
    read = graph_add_node(b.g, OP_read, "read");
    graph_add_ref(b.g, read, out(&b, v));
    graph_add_out(b.g, read, graph_add_value(b.g, "content", 1, &size, type_real(), false));
    mul = graph_add_node(b.g, OP_mul, "mul");
    with(&b, with(&b, mul, out(&b, read)), t_value);
    t_value = graph_add_value(b.g, "product", 1, &size, type_real(), false);
    graph_add_out(b.g, mul, t_value);
  }
  uint32_t set = assign(&b, "set", send_the_state ? "write" : "scale", out(&b, v), t_value);
  if (send_the_state) after(&b, read, set, 1);
  struct dataflow *d = executor(&b, false);
  struct side_table place = side_table_new(b.g, &b.arena, PER_NODE, sizeof(uint32_t));
  const uint32_t away[] = {(uint32_t)b.g->values[half].node, read_half, mul};
  for (int i = 0; i < 3; i++) *(uint32_t *)side_table_at(&place, away[i]) = 1;
  assert_true(dataflow_place(d, &place, &e));
  dataflow_run(d, 1, &(struct dataflow_caller){0});
  struct dataflow_traffic sent = dataflow_traffic(d);
  end(&b, d);
  return sent;
}

static void line_8_assign_scale_moves_one_number(void **state) {
  (void)state;
  struct dataflow_traffic function = traffic(false), content = traffic(true);
  assert_int_equal(function.messages, 1);
  assert_int_equal(function.bytes, 4);
  assert_int_equal(content.messages, 2);
  assert_int_equal(content.bytes, 2 * 4000);
}

// ---- 9: delays

// x read, and x += 1 after an edge: which x does step t's read see?
static void exact_sgd(struct build *b, uint32_t *x, uint32_t *seen) {
  begin(b);
  *x = variable(b, "x", 0);
  uint32_t read = read_of(b, "read", *x);
  uint32_t set = assign(b, "set", "add", *x, number(b, "one", 1));
  after(b, set, read, 0);
  after(b, read, set, 1);
  *seen = out(b, read);
  graph_add_output(b->g, *seen);
}

struct sequence {
  int count;
  float value[16];
};

static void append_output(void *context, int64_t step, uint32_t i, const void *data) {
  struct sequence *s = context;
  (void)i;
  assert_int_equal(step, s->count);
  s->value[s->count++] = *(const float *)data;
}

static void line_9_delay_1_is_exact_sgd(void **state) {
  (void)state;
  struct build b;
  uint32_t x, seen;
  exact_sgd(&b, &x, &seen);
  struct dataflow *d = executor(&b, false);
  struct sequence s = {0};
  dataflow_run(d, 5, &(struct dataflow_caller){.context = &s, .output = append_output});
  assert_int_equal(s.count, 5);
  for (int i = 0; i < 5; i++) assert_true(s.value[i] == (float)i);
  assert_true(held(d, x) == 5);
  end(&b, d);
}

// What is read reaches the assign s steps later: w(t + 1) = w(t) + 1 + w(t - s) with w = 0 before.
// The edges: delay 1 assign -> read, delay 0 read -> assign, s zeros on the data edge.
static void staleness(uint32_t s) {
  struct build b;
  begin(&b);
  uint32_t x = variable(&b, "x", 0), read = read_of(&b, "read", x);
  uint32_t gradient = binary(&b, OP_add, "gradient", out(&b, read), number(&b, "one", 1));
  uint32_t set = graph_add_node(b.g, OP_assign, "set");
  graph_add_text(b.g, set, ATTR_function, "add");
  graph_add_ref(b.g, set, x);
  uint32_t zero = s ? number(&b, "zero", 0) : 0;
  graph_add_use(b.g, set, (struct use){gradient, s, s ? (int32_t)zero : NONE});
  after(&b, set, read, 0);
  after(&b, read, set, 1);
  enum { STEPS = 4 };
  float w[STEPS + 1] = {0};
  for (int t = 0; t < STEPS; t++) w[t + 1] = w[t] + (t < (int)s ? 0 : w[t - (int)s] + 1);
  struct outcomes o = {.b = &b, .ref = x};
  explore(&b, &o, STEPS);
  assert_outcomes(&o, 1, &w[STEPS]);
  end(&b, NULL);
}

static void line_9_staleness_is_exact(void **state) {
  (void)state;
  for (uint32_t s = 0; s <= 3; s++) staleness(s);
}

// A control delay above 1 alone: the read may or may not see later assigns.
static void line_9_a_longer_control_delay_is_only_a_bound(void **state) {
  (void)state;
  struct build b;
  begin(&b);
  uint32_t x = variable(&b, "x", 0), read = read_of(&b, "read", x);
  uint32_t gradient = binary(&b, OP_add, "gradient", out(&b, read), number(&b, "one", 1));
  uint32_t set = assign(&b, "set", "add", x, gradient);
  after(&b, read, set, 2);
  struct outcomes o = {.b = &b, .ref = x};
  explore(&b, &o, 3);
  assert_true(o.count > 1);
  end(&b, NULL);
}

// ---- the bench: firings of nodes that compute nothing

static void chain_of_null_ops(void **state) {
  (void)state;
  struct build b;
  begin(&b);
  uint32_t at = out(&b, read_of(&b, "read", variable(&b, "x", 3)));
  for (int i = 0; i < 50; i++)
    at =
        out(&b, with(&b, add_node(&b, OP_opaque, arena_printf(&b.arena, "null %d", i), type_real()),
                     at));
  graph_add_output(b.g, at);
  struct dataflow *d = executor(&b, false);
  struct outcomes o = {.b = &b};
  dataflow_run(d, 1000, &(struct dataflow_caller){.context = &o, .output = keep_output});
  assert_int_equal(dataflow_firings(d), 51 * 1000);
  assert_true(o.last == 3);
  end(&b, d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(line_1_fires_once_when_every_edge_holds_a_token),
      cmocka_unit_test(line_2_references_stay_on_their_device),
      cmocka_unit_test(line_3_a_read_is_a_snapshot),
      cmocka_unit_test(line_4_every_function),
      cmocka_unit_test(line_4_axpy_and_an_assign_that_owns_three),
      cmocka_unit_test(line_5_a_control_edge_orders_assign_and_read),
      cmocka_unit_test(line_6_read_add_write_loses_updates),
      cmocka_unit_test(line_6_assign_add_does_not),
      cmocka_unit_test(line_7_only_functions_that_commute_may_be_unordered),
      cmocka_unit_test(line_7_a_read_and_an_assign_need_an_order),
      cmocka_unit_test(line_7_is_exact),
      cmocka_unit_test(line_8_assign_scale_moves_one_number),
      cmocka_unit_test(line_9_delay_1_is_exact_sgd),
      cmocka_unit_test(line_9_staleness_is_exact),
      cmocka_unit_test(line_9_a_longer_control_delay_is_only_a_bound),
      cmocka_unit_test(chain_of_null_ops)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
