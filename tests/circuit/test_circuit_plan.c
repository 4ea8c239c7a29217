// SPDX-License-Identifier: Apache-2.0
// Circuits as plans: the checker passes them with the II as period and refuses them with less;
// their last beat leaves when the cycle model says; broken ones are refused.
#include "sw/circuit/circuit_plan.h"
#include "sw/plan/simulate.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"
#include "tests/plan/helper_plan.h"

#include <math.h>
#include <string.h>

enum { SEEDS = 60 };

// The busiest PE of a plan, in cycles of a frame.
static double busiest(const struct plan *p) {
  double most = 0;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (e->action == ACTION_RUN && e->end - e->start > most) most = e->end - e->start;
  }
  return most;
}

// What comes out of the circuit last.
static const struct event *last_beat(const struct plan *p) {
  const struct event *last = NULL;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    const struct resource *r = &p->machine.resources[e->resource];
    if (e->action == ACTION_SEND && !strcmp(p->machine.resources[r->to].name, "sink"))
      last = last && last->end > e->end ? last : e;
  }
  assert_non_null(last);
  return last;
}

static void pace(struct plan *p, const struct circuit *c, int *tight) {
  assert_true(p->period == (double)c->ii);
  assert_true(busiest(p) <= p->period);
  plan_is_sound(p);
  if (busiest(p) < p->period || p->period == 1) return;
  p->period--;
  plan_is_refused(p, FAULT_BUSY, "it is at work until");
  (*tight)++;
}

static void random_circuits_are_plans(void **state) {
  (void)state;
  int plans = 0, tight = 0, dropped = 0;
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 0; seed < SEEDS && netgen_knows((enum op)op); seed++) {
      struct arena a = {0};
      struct err e = {0};
      bool host = op_is((enum op)op, TRAIT_HOST); // behind a circuit
      if (!host && !(op_info((enum op)op)->executors & EXECUTOR_CIRCUIT)) continue;
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_CIRCUIT);
      struct folding f = circuit_folding(&a, g, seed);
      const struct circuit *c = circuit_build(&a, g, "top", &f, &e);
      if (!c) fail_msg("%s, seed %d: %s", op_info((enum op)op)->name, (int)seed, e.text);
      struct plan *p = circuit_plan(&a, c, &e);
      const struct event *last = last_beat(p);
      // Behind its last cycle; of what a slice drops of a frame's end the plan is over when it has
      // come.
      bool drops = op == OP_slice && last->end > (double)c->latency + 1;
      assert_true(drops || last->end == (double)c->latency + 1);
      dropped += drops;
      assert_true(plan_length(p) <= last->end + g->n_nodes); // what the host computes
      for (uint32_t i = 1; i < p->n_events; i++)
        assert_true(p->events[i - 1].start <= p->events[i].start);
      pace(p, c, &tight);
      plans++;
      arena_free(&a);
    }
  print_message("%d circuits, %d of which have a layer that is always busy\n", plans, tight);
  assert_true(tight > plans / 2 && dropped < SEEDS / 2);
}

// ---- 784-128-10

static struct plan *mlp(struct arena *a, int64_t lanes, struct circuit **c) {
  struct err e = {0};
  struct folding folding = {.parallelism = lanes};
  *c = circuit_build(a, plan_mlp(a), "top", &folding, &e);
  if (!*c) fail_msg("%s", e.text);
  return circuit_plan(a, *c, &e);
}

static const struct cell *cell_of(const struct circuit *c, const struct event *e) {
  for (uint32_t i = 0; i < c->n_cells; i++)
    if (c->cells[i].kind == CELL_LAYER && c->cells[i].node == e->id) return &c->cells[i];
  return NULL;
}

// When the first beat comes to a place.
static double begin_of(const struct plan *p, uint32_t place) {
  double begin = INFINITY;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    bool comes = e->action == ACTION_SEND && p->machine.resources[e->resource].to == (int32_t)place;
    if (comes && e->start < begin) begin = e->start;
  }
  return begin;
}

// The least period that the checker passes is the II; its length is the latency. Each layer works
// for its cycles, those before its first beat is taken aside; its memory is full.
static void the_pace_is_the_ii(void **state) {
  (void)state;
  static const int64_t lanes[] = {1, 4, 7, 64, 784};
  for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
    struct arena a = {0};
    struct circuit *c;
    struct plan *p = mlp(&a, lanes[i], &c);
    plan_is_sound(p);
    assert_true(p->period == (double)c->ii && busiest(p) == p->period);
    assert_int_equal(p->bytes[p->graph->inputs[0].value], 784 * 8);
    assert_true(plan_length(p) == (double)c->latency + 1);
    for (uint32_t k = 0; k < p->n_events; k++) {
      const struct cell *cell =
          p->events[k].action == ACTION_RUN ? cell_of(c, &p->events[k]) : NULL;
      if (!cell) continue;
      uint32_t place = (uint32_t)p->machine.resources[p->events[k].resource].memory;
      bool waits = p->events[k].start == begin_of(p, place);
      assert_true(waits || p->events[k].end - p->events[k].start >= (double)cell->cycles);
      assert_int_equal(p->machine.resources[place].bytes, cell->memory_bits);
      const struct node *n = &p->graph->nodes[cell->node];
      if (n->n_in == 1) continue;
      assert_int_equal(plan_peak(p, place), cell->memory_bits);
      assert_int_equal(p->bytes[n->in[1].value], cell->memory_bits);
    }
    if (--p->period > 0) plan_is_refused(p, FAULT_BUSY, "it is at work until");
    arena_free(&a);
  }
}

// ---- broken

static struct event *layer(const struct plan *p, const struct circuit *c, int index) {
  for (uint32_t i = 0; i < c->n_cells; i++)
    if (c->cells[i].kind == CELL_LAYER && c->cells[i].index == index)
      return plan_find(p, ACTION_RUN, p->graph->nodes[c->cells[i].node].name);
  return NULL;
}

static struct event *stream_to(const struct plan *p, const struct event *run) {
  int32_t place = p->machine.resources[run->resource].memory;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_SEND &&
        p->machine.resources[p->events[i].resource].to == place)
      return &p->events[i];
  return NULL;
}

static void begins_early(struct plan *p, const struct circuit *c) {
  struct event *e = layer(p, c, 1);
  double length = e->end - e->start;
  e->start = 0;
  e->end = length;
}
static void ends_early(struct plan *p, const struct circuit *c) {
  struct event *e = layer(p, c, 1);
  e->end = stream_to(p, e)->end - 1;
}
static void streams_early(struct plan *p, const struct circuit *c) {
  struct event *e = stream_to(p, layer(p, c, 1));
  e->start -= 2;
  e->end -= 2;
}
static void streams_twice(struct plan *p, const struct circuit *c) { // its answer
  struct event e = {0};
  (void)c;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_SEND &&
        !strcmp(p->machine.resources[p->machine.resources[p->events[i].resource].to].name, "sink"))
      e = p->events[i];
  e.start += 50;
  e.end += 50;
  plan_add(p, e);
}
static void streams_nothing(struct plan *p, const struct circuit *c) {
  struct event *e = stream_to(p, layer(p, c, 1));
  *e = p->events[--p->n_events];
}
static void a_small_rom(struct plan *p, const struct circuit *c) {
  p->machine.resources[p->machine.resources[layer(p, c, 0)->resource].memory].bytes--;
}
static void a_stream_to_a_memory(struct plan *p, const struct circuit *c) {
  p->machine.resources[p->machine.resources[layer(p, c, 1)->resource].memory].passes = false;
}

static void broken_circuits_are_refused(void **state) {
  (void)state;
  static const struct {
    void (*harm)(struct plan *p, const struct circuit *c);
    enum fault_kind kind;
    const char *words;
  } cases[] = {{begins_early, FAULT_EARLY, "begins or ends before what it takes"},
               {ends_early, FAULT_EARLY, "begins or ends before what it takes"},
               {streams_early, FAULT_EARLY, "begins or ends before what it takes"},
               {streams_nothing, FAULT_ABSENT, "is not in"},
               {streams_twice, FAULT_TWICE, "it was streamed before"},
               {a_small_rom, FAULT_CAPACITY, "bytes in use"},
               {a_stream_to_a_memory, FAULT_FORM, "isn't whole"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    struct circuit *c;
    struct plan *p = mlp(&a, 4, &c);
    cases[i].harm(p, c);
    plan_is_refused(p, cases[i].kind, cases[i].words);
    arena_free(&a);
  }
}

// What a layer reads of frames before has no place in one.
static void state_is_no_plan(void **state) {
  (void)state;
  int found = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = netgen(&a, seed, OP_linear, NETGEN_CIRCUIT);
    netgen_remember(g, seed);
    struct folding f = circuit_folding(&a, g, seed);
    const struct circuit *c = circuit_build(&a, g, "top", &f, &e);
    if (!c) fail_msg("seed %d: %s", (int)seed, e.text);
    bool plan = circuit_plan(&a, c, &e) != NULL;
    if (!plan) assert_non_null(strstr(e.text, "frames before: circuits with state are no plans"));
    found += !plan;
    arena_free(&a);
  }
  assert_true(found > SEEDS / 2);
}

// The simulator is never later than the cycle model, and misses, too, what is streamed by nobody.
static void nothing_comes_from_nowhere(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct circuit *c;
  struct plan *p = mlp(&a, 4, &c);
  double length = plan_length(p);
  assert_true(plan_simulate(p, &e) && plan_length(p) <= length);
  streams_nothing(p, c);
  assert_false(plan_simulate(p, &e));
  assert_non_null(strstr(e.text, "nothing before it puts"));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_circuits_are_plans),
      cmocka_unit_test(the_pace_is_the_ii),
      cmocka_unit_test(broken_circuits_are_refused),
      cmocka_unit_test(nothing_comes_from_nowhere),
      cmocka_unit_test(state_is_no_plan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
