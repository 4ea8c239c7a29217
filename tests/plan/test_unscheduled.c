// SPDX-License-Identifier: Apache-2.0
// Packets in routers: small cases cycle by cycle; nothing is lost where queues are long enough;
// what is lost starves those who need it.
#include "sw/plan/unscheduled.h"
#include "tests/plan/helper_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 120 };

// One neuron of so many inputs, on node 0 of a line.
static struct schedule *neuron(struct arena *a, int64_t inputs, uint32_t nodes) {
  struct err e = {0};
  struct graph *g = graph_new(a, "neuron");
  int64_t in[] = {inputs}, out[] = {1}, weights[] = {1, inputs};
  struct type type = type_fixed(a, 8, true, 1, 0);
  uint32_t x = graph_add_value(g, "x", 1, in, type, true), y;
  graph_add_input(g, x, (struct source){0});
  uint32_t w = graph_add_tensor(g, "w", tensor_new(a, DTYPE_I8, 2, weights), type);
  uint32_t n = graph_add_node(g, OP_linear, "n");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_use(g, n, (struct use){w, 0, NONE});
  y = graph_add_value(g, "y", 1, out, type, true);
  graph_add_out(g, n, y);
  graph_add_output(g, y);
  struct node_machine *m = ARENA_NEW(a, struct node_machine, 1);
  *m = (struct node_machine){topology_new(a, TOPOLOGY_LINE, nodes), 1, 8, 1};
  struct schedule *s = schedule_make(a, actors_of(a, g, 1, 8, &e), m, &e);
  assert_non_null(s);
  assert_int_equal(s->firings[inputs].node, 0);
  return s;
}

// Inputs 1 and 3 lie on node 1. They are injected in cycles 0 and 1, sent in 1 and 2, and taken in
// 2 and, four cycles later, in 6; then the neuron runs for four.
static void test_two(void **state) {
  (void)state;
  struct arena a = {0};
  struct unscheduled u = unscheduled_run(neuron(&a, 4, 2), &(struct routers){4, 16, 4});
  assert_int_equal(u.packets, 2);
  assert_int_equal(u.lost, 0);
  assert_int_equal(u.starved, 0);
  assert_int_equal(u.actors, 1);
  assert_int_equal(u.missing, 0);
  assert_int_equal(u.cycles, 10);
  assert_int_equal(u.fullest, 1);
  arena_free(&a);
}

// Three packets, one place: the third could go on in cycle 3, but there is no place before 6.
static void test_dropped(void **state) {
  (void)state;
  struct arena a = {0};
  const struct schedule *s = neuron(&a, 6, 2);
  struct unscheduled u = unscheduled_run(s, &(struct routers){1, 1, 4});
  assert_int_equal(u.packets, 3);
  assert_int_equal(u.lost, 1);
  assert_int_equal(u.starved, 1);
  assert_int_equal(u.missing, 1);
  assert_int_equal(u.cycles, 6);
  u = unscheduled_run(s, &(struct routers){1, 2, 4});
  assert_int_equal(u.lost, 1); // in cycle 5
  u = unscheduled_run(s, &(struct routers){1, 3, 4});
  assert_int_equal(u.lost, 0);
  assert_int_equal(u.cycles, 16);
  u = unscheduled_run(s, &(struct routers){0, 1, 4});
  assert_int_equal(u.lost, 0);
  assert_int_equal(u.cycles, 16);
  assert_int_equal(u.fullest, 2);
  arena_free(&a);
}

// With as many places as were taken when there was no limit nobody waits, so that all is the same.
static void test_enough(void **state) {
  (void)state;
  uint32_t tried = 0, lossy = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct nodes_case c;
    struct err e = {0};
    if (!nodes_case_new(&c, seed)) continue;
    const struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
    struct unscheduled deep = unscheduled_run(s, &(struct routers){0, 1, 3});
    struct unscheduled same = unscheduled_run(s, &(struct routers){deep.fullest + 1, 1, 3});
    struct unscheduled few = unscheduled_run(s, &(struct routers){1, 2, 3});
    if (deep.lost || deep.starved || deep.missing)
      fail_msg("seed %llu: something is lost in endless queues", (unsigned long long)seed);
    assert_memory_equal(&same, &deep, sizeof deep);
    if (deep.fullest) {
      same = unscheduled_run(s, &(struct routers){deep.fullest, 1, 3});
      assert_memory_equal(&same, &deep, sizeof deep);
    }
    assert_true(few.packets <= deep.packets && few.fullest <= 1);
    assert_int_equal(few.starved > 0 || few.missing > 0, few.lost > 0);
    lossy += few.lost > 0;
    tried++;
    arena_free(&c.arena);
  }
  assert_true(tried > SEEDS / 4);
  assert_true(lossy > 3);
}

// A network for which short queues are too short, and every actor starves.
static void test_mlp(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_MESH, 64);
  const struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
  struct unscheduled few = unscheduled_run(s, &(struct routers){4, 16, 4});
  assert_true(few.lost > few.packets / 10);
  assert_int_equal(few.starved, 138);
  assert_int_equal(few.missing, 10);
  struct unscheduled deep = unscheduled_run(s, &(struct routers){0, 16, 4});
  assert_int_equal(deep.lost, 0);
  assert_int_equal(deep.starved, 0);
  assert_true(deep.cycles > s->length);
  arena_free(&c.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_two), cmocka_unit_test(test_dropped),
                                     cmocka_unit_test(test_enough), cmocka_unit_test(test_mlp)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
