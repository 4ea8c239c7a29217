// SPDX-License-Identifier: Apache-2.0
// Times from an order: by hand, and of random lists, whose plans the checker passes and which are
// never later than one event after the other.
#include "sw/plan/memory.h"
#include "sw/plan/simulate.h"
#include "tests/plan/helper_plan.h"
#include "tests/plan/helper_random_plan.h"

#include <string.h>
#include <time.h>

enum { PLANS = 3000 };

// ---- by hand: x -> a, x -> b, a and b -> c, all of four bytes

enum { X, A, B, C };
enum { FAST, SLOW, CPU, DSP, WAY, RESOURCES };

static struct plan *two_ways(struct arena *arena, int64_t fast_bytes) {
  static const char *const names[] = {"x", "a", "b", "c"};
  struct graph *g = graph_new(arena, "two ways");
  for (int v = 0; v < 4; v++)
    graph_add_value(g, names[v], 1, (const int64_t[]){4}, type_real(), true);
  graph_add_input(g, X, (struct source){0});
  static const enum op ops[] = {OP_relu, OP_tanh, OP_add};
  for (uint32_t n = 0; n < 3; n++) {
    graph_add_node(g, ops[n], names[n + 1]);
    graph_add_use(g, n, (struct use){n == 2 ? A : X, 0, NONE});
    if (n == 2) graph_add_use(g, n, (struct use){B, 0, NONE});
    graph_add_out(g, n, n + 1);
  }
  graph_add_output(g, C);
  struct plan *p = plan_new(arena, g, plan_bytes(arena, g));
  const struct resource all[RESOURCES] = {
      [FAST] = {.kind = RESOURCE_MEMORY, .name = "fast", .bytes = fast_bytes, .align = 1},
      [SLOW] = {.kind = RESOURCE_MEMORY, .name = "slow", .bytes = NONE, .align = 1, .home = true},
      [CPU] = {.kind = RESOURCE_PE, .name = "cpu", .memory = FAST, .constants = NONE},
      [DSP] = {.kind = RESOURCE_PE, .name = "dsp", .memory = FAST, .constants = NONE},
      [WAY] = {.kind = RESOURCE_CHANNEL, .name = "in", .from = SLOW, .to = FAST}};
  for (int i = 0; i < RESOURCES; i++) plan_resource(p, all[i]);
  return p;
}

static void put(struct plan *p, enum action action, uint32_t resource, uint32_t id,
                double duration) {
  int64_t bytes = action == ACTION_RUN ? 0 : 4;
  plan_add(p, (struct event){0, duration, resource, action, id, 0, {0}, bytes, NONE, 0, NULL});
}

static void list_of(struct plan *p) {
  put(p, ACTION_ALLOC, SLOW, X, 0);
  put(p, ACTION_ALLOC, FAST, X, 0);
  put(p, ACTION_LOAD, WAY, X, 5);
  put(p, ACTION_ALLOC, FAST, A, 0);
  put(p, ACTION_RUN, CPU, 0, 10);
  put(p, ACTION_ALLOC, FAST, B, 0);
  put(p, ACTION_RUN, DSP, 1, 7);
  put(p, ACTION_FREE, FAST, X, 0);
  put(p, ACTION_ALLOC, FAST, C, 0);
  put(p, ACTION_RUN, CPU, 2, 2);
}

static void simulate(struct plan *p) {
  struct err e = {0};
  if (!plan_simulate(p, &e)) fail_msg("%s", e.text);
  plan_sort(p);
  plan_is_sound(p);
}

static double start_of(const struct plan *p, enum action action, const char *name) {
  return plan_find(p, action, name)->start;
}

// Both run when x is there; c when both have ended, whose block waits until then.
static void all_starts_early(void **state) {
  (void)state;
  struct arena a = {0};
  struct plan *p = two_ways(&a, 16);
  list_of(p);
  put(p, ACTION_ALLOC, SLOW, C, 0); // nobody touches it
  simulate(p);
  assert_true(p->events[p->n_events - 1].resource == SLOW &&
              p->events[p->n_events - 1].start == 17);
  assert_true(start_of(p, ACTION_LOAD, "x") == 0);
  assert_true(start_of(p, ACTION_RUN, "a") == 5);
  assert_true(start_of(p, ACTION_RUN, "b") == 5);
  assert_true(start_of(p, ACTION_ALLOC, "b") == 5);
  assert_true(start_of(p, ACTION_FREE, "x") == 15);
  assert_true(start_of(p, ACTION_RUN, "c") == 15);
  assert_true(start_of(p, ACTION_ALLOC, "c") == 15);
  assert_true(plan_length(p) == 17);
  assert_int_equal(plan_peak(p, FAST), 12);
  assert_int_equal(memory_place(p, FAST), 12);
  plan_is_sound(p);
  arena_free(&a);
}

// 12 bytes are enough, as x is freed before c comes; 11 aren't: b never has its place.
static void memory_is_waited_for(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct plan *p = two_ways(&a, 12);
  list_of(p);
  simulate(p);
  assert_true(plan_length(p) == 17);
  p = two_ways(&a, 11);
  list_of(p);
  assert_false(plan_simulate(p, &e));
  assert_non_null(strstr(e.text, "RUN \"b\" step 0 on dsp"));
  assert_non_null(strstr(e.text, "no room for \"b\": 8 of fast's 11 bytes are in use"));
  arena_free(&a);
}

// Scratch is bytes like others: b's run waits until a's has given back its own.
static void scratch_is_waited_for(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  for (int64_t room = 22; room >= 16; room -= 3) {
    struct plan *p = two_ways(&a, room);
    list_of(p);
    for (uint32_t i = 0; i < p->n_events; i++)
      if (p->events[i].action == ACTION_RUN && p->events[i].id < 2) p->events[i].bytes = 5;
    if (room == 16) { // and the scratch of one doesn't fit
      p->machine.resources[FAST].bytes = 12;
      assert_false(plan_simulate(p, &e));
      assert_non_null(strstr(e.text, "RUN \"a\" step 0 on cpu: no room for its scratch: 8 of "
                                     "fast's 12 bytes are in use"));
      break;
    }
    simulate(p);
    assert_true(start_of(p, ACTION_RUN, "a") == 5);
    assert_true(start_of(p, ACTION_RUN, "b") == (room == 22 ? 5 : 15));
    assert_int_equal(plan_peak(p, FAST), room == 22 ? 22 : 17);
    p->machine.resources[FAST].bytes--;
    if (room == 22) plan_is_refused(p, FAULT_CAPACITY, "22 of 21 bytes in use");
    p->machine.resources[FAST].bytes++;
    assert_int_equal(memory_place(p, FAST), room == 22 ? 22 : 17);
    plan_is_sound(p);
  }
  arena_free(&a);
}

// a is stored before b takes its bytes, and comes back when x is gone.
static void a_value_can_go_and_come_back(void **state) {
  (void)state;
  struct arena a = {0};
  struct plan *p = two_ways(&a, 8);
  uint32_t out = plan_resource(
      p, (struct resource){.kind = RESOURCE_CHANNEL, .name = "out", .from = FAST, .to = SLOW});
  put(p, ACTION_ALLOC, SLOW, X, 0);
  put(p, ACTION_ALLOC, FAST, X, 0);
  put(p, ACTION_LOAD, WAY, X, 5);
  put(p, ACTION_ALLOC, FAST, A, 0);
  put(p, ACTION_RUN, CPU, 0, 10);
  put(p, ACTION_ALLOC, SLOW, A, 0);
  put(p, ACTION_STORE, out, A, 3);
  put(p, ACTION_FREE, FAST, A, 0);
  put(p, ACTION_ALLOC, FAST, B, 0);
  put(p, ACTION_RUN, CPU, 1, 7);
  put(p, ACTION_FREE, FAST, X, 0);
  put(p, ACTION_ALLOC, FAST, A, 0);
  put(p, ACTION_LOAD, WAY, A, 3);
  put(p, ACTION_ALLOC, FAST, C, 0);
  p->machine.resources[FAST].bytes = 12;
  put(p, ACTION_RUN, CPU, 2, 2);
  simulate(p);
  assert_true(start_of(p, ACTION_STORE, "a") == 15);
  assert_true(start_of(p, ACTION_RUN, "b") == 15); // 12 bytes hold x, a and b
  assert_true(start_of(p, ACTION_LOAD, "a") == 18);
  assert_true(plan_length(p) == 24);
  assert_int_equal(plan_peak(p, FAST), 12);
  arena_free(&a);
}

static void what_is_not_there_is_named(void **state) {
  (void)state;
  static const struct {
    uint32_t drop, last; // of list_of
    const char *words;
  } cases[] = {{2, 9, "RUN \"a\" step 0 on cpu"},
               {0, 9, "nothing before it puts \"x\" of step 0"},
               {6, 9, "nothing before it puts \"b\""},
               {4, 7, "RUN \"c\""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct plan *p = two_ways(&a, 16);
    list_of(p);
    for (uint32_t k = cases[i].drop; k + 1 < p->n_events; k++) p->events[k] = p->events[k + 1];
    p->n_events--;
    assert_false(plan_simulate(p, &e));
    if (!strstr(e.text, cases[i].words)) fail_msg("%s, expected %s", e.text, cases[i].words);
    arena_free(&a);
  }
  struct arena a = {0};
  struct err e = {0};
  struct plan *p = two_ways(&a, 16);
  put(p, ACTION_ALLOC, SLOW, X, 0);
  put(p, ACTION_FREE, SLOW, X, 0);
  assert_false(plan_simulate(p, &e));
  assert_non_null(strstr(e.text, "FREE \"x\" step 0 on slow"));
  assert_non_null(strstr(e.text, "nothing has used it"));
  arena_free(&a);
}

// ---- random lists

// The most bytes at any whole time.
static int64_t peak_ref(const struct plan *p, uint32_t memory) {
  int64_t peak = 0;
  for (double t = 0; t <= plan_length(p); t++) {
    int64_t used = 0;
    for (uint32_t i = 0; i < p->n_events; i++) {
      const struct event *e = &p->events[i];
      bool works = e->action == ACTION_RUN && e->start <= t && t < e->end &&
                   p->machine.resources[e->resource].memory == (int32_t)memory;
      if (works) used += e->bytes;
      if (e->resource != memory || e->start > t) continue;
      used += e->action == ACTION_ALLOC ? e->bytes : -e->bytes;
    }
    if (used > peak) peak = used;
  }
  return peak;
}

// As little as it needs is enough; a byte less is refused.
static void capacities(struct plan *p, uint32_t memory, uint64_t seed, int *wasted) {
  struct resource *r = &p->machine.resources[memory];
  int64_t peak = plan_peak(p, memory), before = r->bytes;
  if (r->kind != RESOURCE_MEMORY) return;
  if (peak != peak_ref(p, memory)) fail_msg("seed %llu: peak", (unsigned long long)seed);
  r->bytes = peak;
  plan_is_sound(p);
  r->bytes = peak - 1;
  if (peak) plan_is_refused(p, FAULT_CAPACITY, "bytes in use");
  r->bytes = before;
  *wasted += memory_place(p, memory) > peak;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_ALLOC && p->events[i].resource == memory)
      assert_true(p->events[i].address != NONE);
}

static void random_lists_run(void **state) {
  (void)state;
  double sum = 0, in_turn = 0;
  int wasted = 0;
  for (uint64_t seed = 0; seed < PLANS; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct plan *p = random_plan(&a, seed, RANDOM_LIST);
    double work = 0;
    for (uint32_t i = 0; i < p->n_events; i++) {
      const struct event *x = &p->events[i];
      work += x->end - x->start;
      if (x->action == ACTION_SEND) work += p->machine.resources[x->resource].latency;
    }
    if (!plan_simulate(p, &e)) fail_msg("seed %llu: %s", (unsigned long long)seed, e.text);
    assert_true(plan_length(p) <= work);
    double length = plan_length(p);
    assert_true(plan_simulate(p, &e) && plan_length(p) == length); // from durations alone
    sum += length;
    in_turn += work;
    plan_sort(p);
    plan_is_sound(p);
    for (uint32_t i = 0; i < p->machine.count; i++) capacities(p, i, seed, &wasted);
    plan_is_sound(p); // placed
    arena_free(&a);
  }
  print_message("%d lists: %.0f instead of %.0f, %d memories larger than their peak\n", PLANS, sum,
                in_turn, wasted);
  assert_true(sum < in_turn * 0.9 && wasted < PLANS / 100);
}

// The bytes that a list needs one event after the other are enough for it.
static void what_fits_in_turn_never_gets_stuck(void **state) {
  (void)state;
  int waited = 0;
  for (uint64_t seed = 0; seed < PLANS; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct plan *free_plan = random_plan(&a, seed, RANDOM_LIST);
    struct plan *p = random_plan(&a, seed, RANDOM_LIST);
    for (uint32_t i = 0; i < p->machine.count; i++)
      if (p->machine.resources[i].kind == RESOURCE_MEMORY)
        p->machine.resources[i].bytes = plan_peak(p, i);
    if (!plan_simulate(p, &e)) fail_msg("seed %llu: %s", (unsigned long long)seed, e.text);
    if (!plan_simulate(free_plan, &e)) fail_msg("%s", e.text);
    waited += plan_length(p) > plan_length(free_plan);
    plan_sort(p);
    plan_is_sound(p);
    arena_free(&a);
  }
  print_message("%d of %d wait for memory\n", waited, PLANS);
  assert_true(waited > 10);
}

// ---- speed

// n parts of 64 channels, in turn on 16 PEs.
static void events_take_no_time(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  enum { LAYERS = 400, WIDTH = 64, PES = 16 };
  struct graph *g = graph_new(&a, "wide");
  int64_t shape[] = {WIDTH};
  graph_add_value(g, "x", 1, shape, type_real(), true);
  graph_add_input(g, 0, (struct source){0});
  for (uint32_t n = 0; n < LAYERS; n++) {
    graph_add_node(g, OP_relu, "n");
    graph_add_use(g, n, (struct use){n, 0, NONE});
    graph_add_out(g, n, graph_add_value(g, "v", 1, shape, type_real(), true));
  }
  struct plan *p = plan_new(&a, g, plan_bytes(&a, g));
  plan_resource(p,
                (struct resource){
                    .kind = RESOURCE_MEMORY, .name = "m", .bytes = 512, .align = 1, .home = true});
  for (int k = 0; k < PES; k++)
    plan_resource(p, (struct resource){.kind = RESOURCE_PE, .name = "pe", .constants = NONE});
  int64_t *range = ARENA_NEW(&a, int64_t, 2 * WIDTH);
  for (uint32_t n = 0; n < LAYERS; n++) {
    if (!n) plan_add(p, (struct event){.action = ACTION_ALLOC, .bytes = WIDTH, .address = NONE});
    plan_add(p,
             (struct event){.action = ACTION_ALLOC, .id = n + 1, .bytes = WIDTH, .address = NONE});
    for (int k = 0; k < WIDTH; k++) {
      range[2 * k] = k;
      range[2 * k + 1] = k + 1;
      plan_add(p, (struct event){.end = 1 + k % 3,
                                 .resource = 1 + (uint32_t)k % PES,
                                 .action = ACTION_RUN,
                                 .id = n,
                                 .slice = {0, 1, range + 2 * k}});
    }
    plan_add(p, (struct event){.action = ACTION_FREE, .id = n, .bytes = WIDTH});
  }
  clock_t begin = clock();
  assert_true(plan_simulate(p, &e));
  double simulated = (double)(clock() - begin) / CLOCKS_PER_SEC;
  plan_sort(p);
  begin = clock();
  plan_is_sound(p);
  double checked = (double)(clock() - begin) / CLOCKS_PER_SEC;
  print_message("%u events: %.2f M/s simulated, %.2f M/s checked\n", p->n_events,
                p->n_events / simulated / 1e6, p->n_events / checked / 1e6);
  assert_int_equal(plan_peak(p, 0) <= 512, true);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_starts_early),
      cmocka_unit_test(memory_is_waited_for),
      cmocka_unit_test(scratch_is_waited_for),
      cmocka_unit_test(a_value_can_go_and_come_back),
      cmocka_unit_test(what_is_not_there_is_named),
      cmocka_unit_test(random_lists_run),
      cmocka_unit_test(what_fits_in_turn_never_gets_stuck),
      cmocka_unit_test(events_take_no_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
