// SPDX-License-Identifier: Apache-2.0
// The memory planner: the checker finds nothing in its plans, whatever is kept; what it needs is no
// more than what a slow planner of the same rule needs; many values are planned in reasonable time.
#include "sw/base/rng.h"
#include "sw/graph/interval.h"
#include "sw/plan/check.h"
#include "sw/plan/memory.h"
#include "tests/net/helper_netgen.h"
#include "tests/plan/helper_plan.h"
#include "tests/train/helper_training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { SEEDS = 40, ALIGN = 64, PLACED = 200 };

static int64_t *bytes_of(struct arena *a, const struct graph *g, int64_t frames, int64_t element) {
  int64_t *bytes = ARENA_NEW(a, int64_t, g->n_values + 1);
  for (uint32_t v = 0; v < g->n_values; v++) {
    const struct value *value = &g->values[v];
    bytes[v] = value_elements(value) * (value->per_frame ? frames : 1) * element;
  }
  return bytes;
}

static void sound(const struct plan *p, const char *what, uint64_t seed) {
  struct arena a = {0};
  struct faults f = plan_check(&a, p);
  if (f.count)
    fail_msg("%s, seed %llu: %u faults, first: %s", what, (unsigned long long)seed, f.count,
             f.faults[0].text);
  arena_free(&a);
}

// Regions of one address and the times at which they are taken, from the events: blocks that lie at
// one address and touch or share time are one region only if they are of one chain in place, so the
// slow planner places the same regions.
struct region {
  double from, to;
  int64_t bytes, address;
  uint32_t value;
};

static bool chained(const struct graph *g, uint32_t value, uint32_t root) {
  while (value != root) {
    int32_t n = g->values[value].node;
    if (n == NONE || !g->nodes[n].n_in || !plan_in_place(g, &g->nodes[n])) return false;
    if (g->nodes[n].out[0] != value || g->nodes[n].in[0].delay) return false;
    value = g->nodes[n].in[0].value;
  }
  return true;
}

static uint32_t regions_of(const struct plan *p, struct region *regions) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (e->resource != MEMORY_ARENA || e->action != ACTION_ALLOC) continue;
    double to = e->start;
    for (uint32_t k = i; k < p->n_events; k++)
      if (p->events[k].action == ACTION_FREE && p->events[k].id == e->id) to = p->events[k].start;
    uint32_t r = 0;
    while (r < count && !(regions[r].address == e->address && regions[r].to > e->start &&
                          chained(p->graph, e->id, regions[r].value)))
      r++;
    if (r == count)
      regions[count++] = (struct region){e->start, to, e->bytes, e->address, e->id};
    else if (to > regions[r].to)
      regions[r].to = to;
  }
  return count;
}

static int by_size(const void *a, const void *b) {
  const struct region *x = a, *y = b;
  int64_t bx = (x->bytes + ALIGN - 1) / ALIGN, by = (y->bytes + ALIGN - 1) / ALIGN;
  if (bx != by) return bx < by ? 1 : -1;
  return x->value < y->value ? -1 : x->value > y->value;
}

// The first address, byte by byte in steps of the alignment, where nobody is met.
static int64_t place_ref(const struct region *regions, uint32_t i) {
  int64_t address = 0;
  for (bool moved = true; moved; address += moved ? ALIGN : 0) {
    moved = false;
    for (uint32_t k = 0; k < i; k++) {
      const struct region *x = &regions[i], *y = &regions[k];
      bool together = x->from < y->to && y->from < x->to;
      moved |= together && address < y->address + y->bytes && y->address < address + x->bytes;
    }
  }
  return address;
}

// Every region lies where the slow planner puts it.
static void same_places(const struct plan *p, const char *what, uint64_t seed) {
  struct arena a = {0};
  struct region *regions = ARENA_NEW(&a, struct region, p->n_events + 1);
  uint32_t count = regions_of(p, regions);
  qsort(regions, count, sizeof *regions, by_size);
  for (uint32_t i = 0; i < count; i++)
    if (regions[i].bytes && regions[i].address != place_ref(regions, i))
      fail_msg("%s, seed %llu: \"%s\" at %lld, expected %lld", what, (unsigned long long)seed,
               p->graph->values[regions[i].value].name, (long long)regions[i].address,
               (long long)place_ref(regions, i));
  arena_free(&a);
}

static int64_t arena_bytes(const struct plan *p) {
  return p->machine.resources[MEMORY_ARENA].bytes;
}

static void random_graphs_are_planned(void **state) {
  (void)state;
  int64_t all = 0, some = 0, whole = 0, peaks = 0, least[4] = {0};
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 0; netgen_knows((enum op)op) && seed < SEEDS; seed++) {
      struct arena a = {0};
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_ANY);
      const int64_t *bytes = bytes_of(&a, g, 1 + (int64_t)seed % 3, seed % 2 ? 4 : 1);
      bool *keep = ARENA_NEW(&a, bool, g->n_values + 1);
      const struct memory_needs needs[] = {{.bytes = bytes, .align = ALIGN},
                                           {.bytes = bytes, .keep = keep, .align = ALIGN}};
      for (uint32_t i = 0; i < g->n_values; i++) keep[i] = seed % 4 == 3 && i % 5 == 0;
      for (int k = 0; k < 2; k++) {
        const struct plan *p = memory_plan(&a, g, &needs[k]);
        sound(p, op_info((enum op)op)->name, seed);
        same_places(p, op_info((enum op)op)->name, seed);
        *(k ? &some : &all) += p->machine.resources[MEMORY_ARENA].bytes;
      }
      int64_t before = INT64_MAX; // nothing, activations, joins in place
      for (int k = 0; k < 4; k++) {
        static const enum memory_over over[] = {MEMORY_OVER_NONE, MEMORY_OVER_MAPS,
                                                MEMORY_OVER_JOINS, MEMORY_OVER_CHANNELS};
        struct memory_needs more = needs[1];
        more.over = over[k];
        const struct plan *loose = memory_plan(&a, g, &more);
        more.tight = true;
        const struct plan *p = memory_plan(&a, g, &more);
        sound(p, op_info((enum op)op)->name, seed);
        int64_t peak = plan_peak(p, MEMORY_ARENA), bytes_of_it = arena_bytes(p);
        assert_true(bytes_of_it <= arena_bytes(loose) && peak <= before);
        before = peak;
        whole += bytes_of_it;
        peaks += (peak + ALIGN - 1) / ALIGN * ALIGN;
        least[k] += bytes_of_it;
      }
      arena_free(&a);
    }
  print_message("%lld bytes where all is kept, %lld otherwise\n", (long long)all, (long long)some);
  assert_true(some < all);
  print_message("%lld, %lld, %lld, %lld bytes: nothing, activations, joins, channels in place\n",
                (long long)least[0], (long long)least[1], (long long)least[2], (long long)least[3]);
  assert_true(least[0] > least[1] && least[1] > least[2] && least[2] > least[3]);
  assert_true(whole >= peaks);
}

static void training_is_planned(void **state) {
  (void)state;
  static const char json[] =
      "{\"input\":{\"shape\":[12]},\"layers\":[{\"op\":\"linear\",\"out\":8},"
      "{\"op\":\"tanh\"},{\"op\":\"dropout\",\"rate\":0.5},{\"op\":\"relu\"},"
      "{\"op\":\"linear\",\"out\":4}]}";
  static const enum assign optimizers[] = {ASSIGN_sgd, ASSIGN_momentum, ASSIGN_adam};
  for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
    struct lesson l;
    lesson_new(&l, json, optimizers[i], 5, NULL, 0);
    const struct graph *g = l.training->graph;
    bool *keep = ARENA_NEW(&l.arena, bool, g->n_values + 1);
    const struct memory_needs needs = {
        .bytes = bytes_of(&l.arena, g, 5, 4), .keep = keep, .align = ALIGN};
    const struct plan *p = memory_plan(&l.arena, g, &needs);
    sound(p, "training", i);
    same_places(p, "training", i);
    assert_true(plan_peak(p, MEMORY_ARENA) <= p->machine.resources[MEMORY_ARENA].bytes);
    arena_free(&l.arena);
  }
}

// ---- by hand

// x -> relu a -> reshape b -> tanh c; a is read again by d, behind c.
static struct graph *diamond(struct arena *a) {
  static const int64_t shape[] = {6}, other[] = {2, 3};
  struct graph *g = graph_new(a, "diamond");
  static const char *const names[] = {"x", "a", "b", "c", "d"};
  for (int i = 0; i < 5; i++)
    graph_add_value(g, names[i], i == 2 || i == 3 ? 2 : 1, i == 2 || i == 3 ? other : shape,
                    type_real(), true);
  static const enum op ops[] = {OP_relu, OP_reshape, OP_tanh, OP_sigmoid};
  static const uint32_t from[] = {0, 1, 2, 1};
  graph_add_input(g, 0, (struct source){0});
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t n = graph_add_node(g, ops[i], names[i + 1]);
    graph_add_use(g, n, (struct use){from[i], 0, NONE});
    graph_add_out(g, n, i + 1);
    if (ops[i] == OP_reshape) graph_add_ints(g, n, ATTR_shape, 2, other);
  }
  graph_add_output(g, 3);
  graph_add_output(g, 4);
  struct err e = {0};
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  return g;
}

// a lies over x, b is a, d is over both; c, while a is read again, is apart. Kept, x is apart too.
static void activations_lie_over_their_inputs(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = diamond(&a);
  bool keep[5] = {0};
  const int64_t bytes[] = {24, 24, 24, 24, 24};
  const struct memory_needs needs = {.bytes = bytes, .keep = keep, .align = ALIGN};
  const struct plan *p = memory_plan(&a, g, &needs);
  const int64_t *at = memory_addresses(&a, p);
  assert_true(at[0] == at[1] && at[1] == at[2] && at[4] == at[1] && at[3] != at[1]);
  assert_int_equal(p->machine.resources[MEMORY_ARENA].bytes, 2 * ALIGN);
  assert_int_equal(plan_peak(p, MEMORY_ARENA), 48);
  assert_int_equal(plan_length(p), 6); // four nodes, the caller before and behind
  for (uint32_t n = 0; n < 4; n++) assert_int_equal(memory_order(&a, p)[n], n);
  assert_true(plan_find(p, ACTION_ALLOC, "x")->start == 0);
  keep[0] = true;
  p = memory_plan(&a, g, &needs);
  at = memory_addresses(&a, p);
  assert_true(at[0] != at[1] && at[1] == at[2]);
  const struct memory_needs wider = {
      .bytes = (const int64_t[]){24, 96, 96, 96, 96}, .keep = (bool[5]){0}, .align = ALIGN};
  at = memory_addresses(&a, memory_plan(&a, g, &wider));
  assert_int_not_equal(at[0], at[1]); // other elements
  arena_free(&a);
}

// What lies at one address fills it once, and is there once.
static void one_address_is_one_block(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = diamond(&a);
  const int64_t bytes[] = {24, 24, 24, 24, 24};
  const struct memory_needs needs = {.bytes = bytes, .keep = (bool[5]){0}, .align = 1};
  struct plan *p = memory_plan(&a, g, &needs);
  assert_int_equal(p->machine.resources[MEMORY_ARENA].bytes, 48);
  plan_is_sound(p);
  p->machine.resources[MEMORY_ARENA].bytes = 64;
  for (uint32_t i = 0; i < p->n_events; i++) // c apart, without an address
    if (p->events[i].action == ACTION_ALLOC && p->events[i].id == 3) p->events[i].address = NONE;
  p->machine.resources[MEMORY_ARENA].bytes = 48;
  plan_is_sound(p);
  p->machine.resources[MEMORY_ARENA].bytes = 47;
  plan_is_refused(p, FAULT_CAPACITY, "48 of 47 bytes in use");
  p = memory_plan(&a, g, &needs); // the next image comes while a is read
  plan_add(p, (struct event){.start = 2,
                             .end = 2,
                             .resource = MEMORY_ARENA,
                             .action = ACTION_ALLOC,
                             .id = 0,
                             .bytes = 24,
                             .address = memory_addresses(&a, p)[0]});
  plan_is_refused(p, FAULT_LOST, "\"a\" of step 0 was written over");
  arena_free(&a);
}

// Tensors and initial tokens are in the model's memory, whole, and nowhere in the arena.
static void what_is_given_is_in_the_model(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  static const int64_t shape[] = {6};
  enum { T, X, Y, S, Z, Q, O, VALUES };
  static const char *const names[] = {"t", "x", "y", "s", "z", "q", "o"};
  struct graph *g = graph_new(&a, "given");
  for (int v = 0; v < VALUES; v++)
    if (v == T || v == Z)
      graph_add_tensor(g, names[v], tensor_new(&a, DTYPE_F32, 1, shape), type_real());
    else
      graph_add_value(g, names[v], v != O, shape, type_real(), true);
  graph_add_input(g, X, (struct source){0});
  static const enum op ops[] = {OP_add, OP_add, OP_add, OP_sum};
  static const struct use uses[][2] = {
      {{X, 0, NONE}, {Y, 2, Z}}, {{Y, 1, Z}, {T, 0, NONE}}, {{Y, 2, Z}, {Y, 2, Z}}, {{S, 0, NONE}}};
  static const uint32_t out[] = {Y, S, Q, O};
  for (uint32_t n = 0; n < 4; n++) {
    graph_add_node(g, ops[n], names[out[n]]);
    graph_add_use(g, n, uses[n][0]);
    if (n < 3) graph_add_use(g, n, uses[n][1]);
    graph_add_out(g, n, out[n]);
  }
  graph_add_ints(g, 3, ATTR_axes, 1, (const int64_t[]){0});
  graph_add_output(g, O);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  const struct memory_needs needs = {
      .bytes = bytes_of(&a, g, 1, 4), .keep = (bool[VALUES]){0}, .align = 4};
  const struct plan *p = memory_plan(&a, g, &needs);
  plan_is_sound(p);
  const int64_t *at = memory_addresses(&a, p);
  assert_true(at[T] == NONE && at[Z] == NONE && at[X] != NONE && at[Y] != NONE);
  assert_int_equal(plan_peak(p, MEMORY_MODEL), 4 * 24); // t, z, y of steps -1 and -2
  assert_true(at[Y] != at[S]);                          // y goes into the ring at the end
  arena_free(&a);
}

static void a_reference_has_no_bytes(void **state) {
  (void)state;
  struct arena a = {0};
  const struct graph *g = netgen(&a, 1, OP_variable, NETGEN_ANY);
  const struct memory_needs needs = {.bytes = bytes_of(&a, g, 1, 4), .align = 4};
  struct plan *p = memory_plan(&a, g, &needs);
  struct event e = {.resource = MEMORY_MODEL, .action = ACTION_ALLOC, .address = NONE};
  while (!type_is_ref(&g->values[e.id].type)) e.id++;
  assert_int_equal(memory_addresses(&a, p)[e.id], NONE);
  plan_add(p, e);
  plan_is_refused(p, FAULT_FORM, "a reference has no bytes");
  arena_free(&a);
}

// ---- speed

// n values of random sizes, each made of the one before and of one some places back.
static struct graph *long_graph(struct arena *a, uint32_t n) {
  struct rng r = {.seed = n};
  struct graph *g = graph_new(a, "long");
  for (uint32_t i = 0; i < n; i++) {
    int64_t shape[] = {1 + rng_range(&r, 0, 999)};
    graph_add_value(g, arena_printf(a, "v%u", i), 1, shape, type_real(), true);
  }
  graph_add_input(g, 0, (struct source){0});
  for (uint32_t i = 1; i < n; i++) {
    uint32_t node = graph_add_node(g, OP_opaque, arena_printf(a, "n%u", i));
    int64_t back = i < 60 ? 0 : rng_range(&r, i - 60, i - 1);
    graph_add_use(g, node, (struct use){i - 1, 0, NONE});
    graph_add_use(g, node, (struct use){(uint32_t)back, 0, NONE});
    graph_add_out(g, node, i);
  }
  graph_add_output(g, n - 1);
  return g;
}

static double planning_seconds(uint32_t n, bool all) {
  struct arena a = {0};
  const struct graph *g = long_graph(&a, n);
  bool *keep = ARENA_NEW(&a, bool, n);
  const struct memory_needs needs = {
      .bytes = bytes_of(&a, g, 1, 4), .keep = all ? NULL : keep, .align = ALIGN};
  clock_t begin = clock();
  const struct plan *p = memory_plan(&a, g, &needs);
  double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
  begin = clock();
  sound(p, "long", n);
  print_message("%u values%s: planned in %.4f s, checked in %.4f s, %lld bytes\n", n,
                all ? ", all kept" : "", seconds, (double)(clock() - begin) / CLOCKS_PER_SEC,
                (long long)p->machine.resources[MEMORY_ARENA].bytes);
  arena_free(&a);
  return seconds;
}

static void many_values_take_no_time(void **state) {
  (void)state;
  assert_true(planning_seconds(1000, false) <= 0.1);
  assert_true(planning_seconds(1000, true) <= 0.1);
  planning_seconds(10000, false);
  planning_seconds(10000, true);
}

// ---- a channel at a time

// x -> max pool of 3 x 3 -> y, three channels of 16 bytes: y lies over x with room for one.
static void windows_lie_over_their_inputs(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  static const int64_t shape[] = {4, 4, 3};
  struct graph *g = graph_new(&a, "pool");
  uint32_t x = graph_add_value(g, "x", 3, shape, type_fixed(&a, 8, true, 1, 0), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_max_pool, "pool");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_ints(g, n, ATTR_kernel, 2, (const int64_t[]){3, 3});
  graph_add_ints(g, n, ATTR_pad, 4, (const int64_t[]){1, 1, 1, 1});
  uint32_t y = graph_add_value(g, "y", 3, shape, type_fixed(&a, 8, true, 1, 0), true);
  graph_add_out(g, n, y);
  graph_add_output(g, y);
  graph_ranges(g);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  const int64_t bytes[] = {48, 48};
  struct memory_needs needs = {
      .bytes = bytes, .keep = (bool[2]){0}, .align = 1, .over = MEMORY_OVER_JOINS};
  assert_int_equal(arena_bytes(memory_plan(&a, g, &needs)), 96);
  needs.over = MEMORY_OVER_CHANNELS;
  struct plan *p = memory_plan(&a, g, &needs);
  assert_int_equal(arena_bytes(p), 64);
  assert_int_equal(plan_peak(p, MEMORY_ARENA), 64);
  plan_is_sound(p);
  struct event *run = plan_find(p, ACTION_RUN, "pool");
  assert_int_equal(run->bytes, 16);
  int64_t at = run->address;
  run->bytes = 15;
  plan_is_refused(p, FAULT_SIZE, "15 bytes of scratch, 16 needed over its input");
  run->bytes = 16;
  run->address = at > 0 ? at - 1 : 1;
  plan_is_refused(p, FAULT_OVERLAP, "belong to \"");
  run->address = at;
  needs.keep = (bool[2]){true, false}; // x is looked at afterwards
  assert_int_equal(arena_bytes(memory_plan(&a, g, &needs)), 96);
  arena_free(&a);
}

// ---- placing

// Random regions of random lives in a chain of sums: how often and by how much the arena is longer
// than the peak.
static void arenas_are_their_peaks(void **state) {
  (void)state;
  int64_t loose = 0, tight = 0, peaks = 0;
  int reached = 0;
  for (uint64_t seed = 1; seed <= PLACED; seed++) {
    struct arena a = {0};
    const struct graph *g = long_graph(&a, 40 + (uint32_t)seed % 20);
    struct rng r = {seed, 9};
    int64_t *bytes = ARENA_NEW(&a, int64_t, g->n_values);
    bool *keep = ARENA_NEW(&a, bool, g->n_values);
    for (uint32_t v = 0; v < g->n_values; v++) bytes[v] = rng_range(&r, 1, 5000);
    struct memory_needs needs = {.bytes = bytes, .keep = keep, .align = 1};
    loose += arena_bytes(memory_plan(&a, g, &needs));
    needs.tight = true;
    const struct plan *p = memory_plan(&a, g, &needs);
    sound(p, "placed", seed);
    int64_t peak = plan_peak(p, MEMORY_ARENA);
    tight += arena_bytes(p);
    peaks += peak;
    reached += arena_bytes(p) == peak;
    arena_free(&a);
  }
  print_message(
      "%d of %d arenas are their peaks; %.2f %% longer than the peaks, by size alone %.2f\n",
      reached, PLACED, 100.0 * (double)(tight - peaks) / (double)peaks,
      100.0 * (double)(loose - peaks) / (double)peaks);
  assert_true((double)tight <= 1.01 * (double)peaks && tight < loose);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arenas_are_their_peaks),
      cmocka_unit_test(windows_lie_over_their_inputs),
      cmocka_unit_test(random_graphs_are_planned),
      cmocka_unit_test(training_is_planned),
      cmocka_unit_test(activations_lie_over_their_inputs),
      cmocka_unit_test(one_address_is_one_block),
      cmocka_unit_test(what_is_given_is_in_the_model),
      cmocka_unit_test(a_reference_has_no_bytes),
      cmocka_unit_test(many_values_take_no_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
