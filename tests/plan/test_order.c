// SPDX-License-Identifier: Apache-2.0
// Orders of nodes: the bytes that are counted are those of the planner's events, whatever the
// order; of all orders none has less than the exact search's; of many nodes some are tried.
#include "sw/base/rng.h"
#include "sw/plan/check.h"
#include "sw/plan/order.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum memory_over overs[] = {MEMORY_OVER_NONE, MEMORY_OVER_MAPS, MEMORY_OVER_JOINS,
                                         MEMORY_OVER_CHANNELS};

// Nodes of one and two inputs, each from anywhere before; what nobody reads are outputs, but for
// some.
static struct graph *net(struct arena *a, struct rng *r, uint32_t count) {
  static const int64_t shape[] = {6};
  struct graph *g = graph_new(a, "net");
  uint32_t inputs = (uint32_t)rng_range(r, 1, 2);
  bool *read = ARENA_NEW(a, bool, inputs + count);
  for (uint32_t v = 0; v < inputs + count; v++)
    graph_add_value(g, arena_printf(a, "v%u", v), 1, shape, type_real(), true);
  for (uint32_t v = 0; v < inputs; v++) graph_add_input(g, v, (struct source){0});
  for (uint32_t i = 0; i < count; i++) {
    static const enum op ones[] = {OP_relu, OP_tanh, OP_reshape};
    bool two = rng_range(r, 0, 2) == 0;
    enum op op = two ? OP_add : ones[rng_range(r, 0, 2)];
    uint32_t n = graph_add_node(g, op, arena_printf(a, "n%u", i));
    for (int k = 0; k < 1 + two; k++) {
      uint32_t from = (uint32_t)rng_range(r, 0, inputs + i - 1);
      graph_add_use(g, n, (struct use){from, 0, NONE});
      read[from] = true;
    }
    graph_add_out(g, n, inputs + i);
    if (op == OP_reshape) graph_add_ints(g, n, ATTR_shape, 1, shape);
  }
  for (uint32_t v = inputs; v < inputs + count; v++)
    if (!read[v] && (rng_range(r, 0, 3) || v + 1 == inputs + count)) graph_add_output(g, v);
  return g;
}

// Bytes at random, but for what reshapes share.
static int64_t *draw_bytes(struct arena *a, struct rng *r, const struct graph *g) {
  int64_t *bytes = ARENA_NEW(a, int64_t, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++) bytes[v] = 4 * rng_range(r, 1, 3);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == OP_reshape) bytes[g->nodes[i].out[0]] = bytes[g->nodes[i].in[0].value];
  return bytes;
}

static bool is_ready(const struct graph *g, const bool *done, uint32_t node) {
  for (uint32_t k = 0; k < g->nodes[node].n_in; k++) {
    int32_t from = g->values[g->nodes[node].in[k].value].node;
    if (from != NONE && !done[from]) return false;
  }
  return true;
}

static void draw_order(struct arena *a, struct rng *r, const struct graph *g, uint32_t *order) {
  bool *done = ARENA_NEW(a, bool, g->n_nodes);
  for (uint32_t t = 0; t < g->n_nodes; t++) {
    uint32_t node;
    do node = (uint32_t)rng_range(r, 0, g->n_nodes - 1);
    while (done[node] || !is_ready(g, done, node));
    done[node] = true;
    order[t] = node;
  }
}

static bool is_order(struct arena *a, const struct graph *g, const uint32_t *order) {
  bool *done = ARENA_NEW(a, bool, g->n_nodes);
  for (uint32_t t = 0; t < g->n_nodes; t++) {
    if (done[order[t]] || !is_ready(g, done, order[t])) return false;
    done[order[t]] = true;
  }
  return true;
}

static struct memory_needs draw_needs(struct arena *a, struct rng *r, const struct graph *g,
                                      int k) {
  bool *keep = ARENA_NEW(a, bool, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++) keep[v] = rng_range(r, 0, 9) == 0;
  return (struct memory_needs){
      .bytes = draw_bytes(a, r, g), .keep = keep, .align = 1, .over = overs[k % 4]};
}

// What is counted for an order is what lives by the events of the plan that runs in it.
static void counts_are_the_plans(void **state) {
  (void)state;
  struct rng r = {.seed = 31};
  for (int k = 0; k < 1200; k++) {
    struct arena a = {0};
    const struct graph *g = net(&a, &r, (uint32_t)rng_range(&r, 1, 16));
    struct memory_needs needs = draw_needs(&a, &r, g, k);
    uint32_t *order = ARENA_NEW(&a, uint32_t, g->n_nodes);
    draw_order(&a, &r, g, order);
    needs.order = order;
    const struct plan *p = memory_plan(&a, g, &needs);
    struct faults f = plan_check(&a, p);
    if (f.count) fail_msg("%d: %s", k, f.faults[0].text);
    for (uint32_t t = 0; t < g->n_nodes; t++) assert_int_equal(memory_order(&a, p)[t], order[t]);
    int64_t counted = order_peak(g, &needs, order), lives = plan_peak(p, MEMORY_ARENA);
    if (counted != lives)
      fail_msg("%d: %lld, expected %lld", k, (long long)counted, (long long)lives);
    arena_free(&a);
  }
}

// Graphs of all kinds of nodes, in the order of the file and in the best.
static void all_kinds_are_counted(void **state) {
  (void)state;
  int64_t file = 0, best = 0;
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 0; netgen_knows((enum op)op) && seed < 12; seed++) {
      struct arena a = {0};
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_ANY);
      int64_t *bytes = ARENA_NEW(&a, int64_t, g->n_values);
      for (uint32_t v = 0; v < g->n_values; v++) bytes[v] = value_elements(&g->values[v]);
      struct memory_needs needs = {.bytes = bytes,
                                   .keep = ARENA_NEW(&a, bool, g->n_values),
                                   .align = 1,
                                   .over = overs[seed % 4]};
      int64_t lives = plan_peak(memory_plan(&a, g, &needs), MEMORY_ARENA);
      uint32_t *order = ARENA_NEW(&a, uint32_t, g->n_nodes);
      graph_order(g, order);
      assert_int_equal(order_peak(g, &needs, order), lives);
      struct order_result r = order_best(&a, g, &needs, ORDER_EXACT_MAX);
      needs.order = r.order;
      const struct plan *p = memory_plan(&a, g, &needs);
      struct faults f = plan_check(&a, p);
      if (f.count) fail_msg("%s, %d: %s", op_info((enum op)op)->name, (int)seed, f.faults[0].text);
      assert_int_equal(plan_peak(p, MEMORY_ARENA), r.peak);
      assert_true(r.peak <= lives);
      file += lives;
      best += r.peak;
      arena_free(&a);
    }
  print_message("%lld bytes in the files' order, %lld in the best\n", (long long)file,
                (long long)best);
  assert_true(best <= file); // they are chains, nearly all
}

// ---- all orders

static int64_t least_of_all(const struct graph *g, const struct memory_needs *needs,
                            uint32_t *order, bool *done, uint32_t t) {
  if (t == g->n_nodes) return order_peak(g, needs, order);
  int64_t least = INT64_MAX;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (done[i] || !is_ready(g, done, i)) continue;
    done[i] = true;
    order[t] = i;
    int64_t peak = least_of_all(g, needs, order, done, t + 1);
    done[i] = false;
    if (peak < least) least = peak;
  }
  return least;
}

static void none_has_less(void **state) {
  (void)state;
  struct rng r = {.seed = 32};
  int better = 0;
  for (int k = 0; k < 300; k++) {
    struct arena a = {0};
    const struct graph *g = net(&a, &r, (uint32_t)rng_range(&r, 1, 7));
    struct memory_needs needs = draw_needs(&a, &r, g, k);
    uint32_t *order = ARENA_NEW(&a, uint32_t, g->n_nodes);
    struct order_result best = order_best(&a, g, &needs, ORDER_EXACT_MAX);
    assert_true(best.exact && is_order(&a, g, best.order));
    assert_int_equal(order_peak(g, &needs, best.order), best.peak);
    assert_int_equal(best.peak, least_of_all(g, &needs, order, ARENA_NEW(&a, bool, g->n_nodes), 0));
    graph_order(g, order);
    better += best.peak < order_peak(g, &needs, order);
    arena_free(&a);
  }
  print_message("%d of 300 below the files' order\n", better);
  assert_true(better > 30);
}

// What is found without looking at all orders, beside what is: never less, and not above the
// file's.
static void some_orders_are_near(void **state) {
  (void)state;
  struct rng r = {.seed = 33};
  double sum = 0, file = 0;
  int same = 0, count = 0;
  while (count < 200) {
    struct arena a = {0};
    const struct graph *g = net(&a, &r, (uint32_t)rng_range(&r, 10, 18));
    struct memory_needs needs = draw_needs(&a, &r, g, count);
    uint32_t *order = ARENA_NEW(&a, uint32_t, g->n_nodes);
    graph_order(g, order);
    struct order_result all = order_best(&a, g, &needs, ORDER_EXACT_MAX),
                        some = order_best(&a, g, &needs, 0);
    int64_t given = order_peak(g, &needs, order);
    assert_true(is_order(&a, g, some.order) && all.peak <= some.peak && some.peak <= given);
    if (all.widest > 8) {
      assert_true(!some.exact);
      sum += (double)some.peak / (double)all.peak;
      file += (double)given / (double)all.peak;
      same += some.peak == all.peak;
      count++;
    }
    arena_free(&a);
  }
  print_message("%d of 200 the least, mean %.4f, the files' %.4f\n", same, sum / 200, file / 200);
  assert_true(sum / 200 < 1.03 && file / 200 > 1.05);
}

// ---- by hand

// Four pairs of a wide array that shrinks; side by side in the file, all four are there at once.
static void wide_branches_go_one_by_one(void **state) {
  (void)state;
  static const int64_t shape[] = {6};
  struct arena a = {0};
  struct graph *g = graph_new(&a, "wide");
  enum { PAIRS = 14 }; // 14 and 14 and 13 nodes between the input and the sum
  int64_t bytes[1 + 3 * PAIRS];
  for (uint32_t v = 0; v < 3 * PAIRS; v++)
    graph_add_value(g, arena_printf(&a, "v%u", v), 1, shape, type_real(), true);
  graph_add_input(g, 0, (struct source){0});
  bytes[0] = 1;
  for (uint32_t i = 0; i < 2 * PAIRS; i++) {
    uint32_t n = graph_add_node(g, OP_tanh, arena_printf(&a, "n%u", i));
    graph_add_use(g, n, (struct use){i < PAIRS ? 0 : 1 + i - PAIRS, 0, NONE});
    graph_add_out(g, n, 1 + i);
    bytes[1 + i] = i < PAIRS ? 100 : 1;
  }
  for (uint32_t i = 0; i + 1 < PAIRS; i++) {
    uint32_t n = graph_add_node(g, OP_add, arena_printf(&a, "s%u", i));
    graph_add_use(g, n, (struct use){i ? 2 * PAIRS + i : 1 + PAIRS, 0, NONE});
    graph_add_use(g, n, (struct use){2 + PAIRS + i, 0, NONE});
    graph_add_out(g, n, 1 + 2 * PAIRS + i);
    bytes[1 + 2 * PAIRS + i] = 1;
  }
  graph_add_output(g, 3 * PAIRS - 1);
  struct memory_needs needs = {
      .bytes = bytes, .keep = ARENA_NEW(&a, bool, g->n_values), .align = 1};
  uint32_t *order = ARENA_NEW(&a, uint32_t, g->n_nodes);
  graph_order(g, order);
  struct order_result best = order_best(&a, g, &needs, ORDER_EXACT_MAX);
  assert_true(order_peak(g, &needs, order) >= 100 * PAIRS);
  assert_true(!best.exact && best.widest > ORDER_EXACT_MAX);
  assert_true(best.peak <= 103);
  arena_free(&a);
}

// A plan that runs a node before what it reads is refused.
static void wrong_orders_are_refused(void **state) {
  (void)state;
  struct rng r = {.seed = 34};
  struct arena a = {0};
  const struct graph *g = net(&a, &r, 6);
  struct memory_needs needs = draw_needs(&a, &r, g, 0);
  uint32_t order[6] = {5, 4, 3, 2, 1, 0};
  assert_false(is_order(&a, g, order));
  needs.order = order;
  assert_true(plan_check(&a, memory_plan(&a, g, &needs)).count > 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(counts_are_the_plans),
                                     cmocka_unit_test(all_kinds_are_counted),
                                     cmocka_unit_test(none_has_less),
                                     cmocka_unit_test(some_orders_are_near),
                                     cmocka_unit_test(wide_branches_go_one_by_one),
                                     cmocka_unit_test(wrong_orders_are_refused)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
