// SPDX-License-Identifier: Apache-2.0
// Plans by rows: small networks by hand, groups beside all that there are, and parts of values in
// the checker.
#include "tests/net/helper_netgen.h"
#include "tests/plan/helper_plan.h"

#include "sw/exec/arena_run.h"
#include "sw/graph/interval.h"
#include "sw/plan/rows_parts.h"

#include <string.h>

enum { SEEDS = 60, NODES_MAX = 10 };

// x (6, 4, 1) -> conv of 3 x 3, padded -> pool of 2 x 2 -> flatten: rows of 4 bytes, then 2.
struct image {
  struct graph *graph;
  struct memory_needs needs;
};

static uint32_t layer(struct graph *g, enum op op, uint32_t x, int rank, const int64_t *shape) {
  uint32_t n = graph_add_node(g, op, op_info(op)->name);
  graph_add_use(g, n, (struct use){x, 0, NONE});
  uint32_t y =
      graph_add_value(g, op_info(op)->name, rank, shape, type_fixed(g->arena, 8, true, 1, 0), true);
  graph_add_out(g, n, y);
  return y;
}

static struct image image(struct arena *a) {
  struct err e = {0};
  static const int64_t x_shape[] = {6, 4, 1}, y_shape[] = {3, 2, 1}, z_shape[] = {6};
  struct graph *g = graph_new(a, "image");
  uint32_t x = graph_add_value(g, "x", 3, x_shape, type_fixed(a, 8, true, 1, 0), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t c = layer(g, OP_max_pool, x, 3, x_shape);
  g->values[c].name = g->nodes[0].name = "blur";
  graph_add_ints(g, 0, ATTR_kernel, 2, (const int64_t[]){3, 3});
  graph_add_ints(g, 0, ATTR_pad, 4, (const int64_t[]){1, 1, 1, 1});
  uint32_t y = layer(g, OP_max_pool, c, 3, y_shape);
  graph_add_ints(g, 1, ATTR_kernel, 2, (const int64_t[]){2, 2});
  graph_add_ints(g, 1, ATTR_stride, 2, (const int64_t[]){2, 2});
  graph_add_output(g, layer(g, OP_flatten, y, 1, z_shape));
  graph_ranges(g);
  if (!graph_verify(g, &e)) fail_msg("%s", e.text);
  return (struct image){g,
                        {.bytes = arena_run_bytes(a, g),
                         .keep = ARENA_NEW(a, bool, g->n_values),
                         .align = 1,
                         .over = MEMORY_OVER_JOINS,
                         .tight = true}};
}

static int64_t arena_of(const struct plan *p) {
  return p->machine.resources[MEMORY_ARENA].bytes;
}

// Layer by layer the image and what is made of it live, 48 bytes. By rows, the image whole: 24, and
// two rows of blur beside it before one of its own can go.
static void a_small_image(void **state) {
  (void)state;
  struct arena a = {0};
  struct image i = image(&a);
  assert_int_equal(arena_of(memory_plan(&a, i.graph, &i.needs)), 48);
  struct rows_result r = rows_plan(&a, i.graph, &i.needs, false);
  assert_int_equal(r.peak, 24 + 2 * 4);
  plan_is_sound(r.plan);
  r = rows_plan(&a, i.graph, &i.needs, true);
  // row 3 of blur: rows 2 to 4 of x, 2 and 3 of blur, and row 0 of the pool
  assert_int_equal(r.peak, 3 * 4 + 2 * 4 + 2);
  plan_is_sound(r.plan);
  assert_int_equal(plan_peak(r.plan, MEMORY_ARENA), r.peak);
  arena_free(&a);
}

// The image is there as a whole, side by side from address 0 on.
static void inputs_lie_side_by_side(void **state) {
  (void)state;
  struct arena a = {0};
  struct image i = image(&a);
  const struct plan *p = rows_plan(&a, i.graph, &i.needs, false).plan;
  int rows = 0;
  for (uint32_t k = 0; k < p->n_events; k++) {
    const struct event *e = &p->events[k];
    if (e->action != ACTION_ALLOC || e->resource != MEMORY_ARENA || e->id != 0) continue;
    assert_true(e->start == 1);
    assert_int_equal(e->address, 4 * e->slice.range[0]);
    rows++;
  }
  assert_int_equal(rows, 6);
  arena_free(&a);
}

// ---- groups

// The least of all ways to end groups, in `order`.
static int64_t least_of_all(struct rows_net *n) {
  uint32_t nodes = n->graph->n_nodes;
  int64_t least = INT64_MAX;
  for (uint32_t ends = 0; ends < 1u << (nodes - 1); ends++) {
    struct rows_state *s = rows_state_new(n);
    uint32_t from = 0;
    for (uint32_t to = 1; to <= nodes; to++) {
      if (to < nodes && !(ends >> (to - 1) & 1)) continue;
      rows_play(n, s, from, to, INT64_MAX, NULL);
      from = to;
    }
    if (s->peak < least) least = s->peak;
  }
  return least;
}

static void groups_are_the_best(void **state) {
  (void)state;
  static const enum op ops[] = {OP_conv2d, OP_max_pool, OP_avg_pool, OP_add,
                                OP_conv1d, OP_relu,     OP_upsample, OP_concat};
  int networks = 0, smaller = 0, several = 0;
  int64_t peaks = 0, bytes = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++)
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
      struct arena a = {0};
      const struct graph *g = netgen(&a, seed, ops[k], NETGEN_ANY);
      const struct memory_needs needs = {.bytes = arena_run_bytes(&a, g),
                                         .keep = ARENA_NEW(&a, bool, g->n_values),
                                         .align = 1,
                                         .over = MEMORY_OVER_JOINS,
                                         .tight = true};
      bool come = seed % 2;
      const struct rows_result r = rows_plan(&a, g, &needs, come);
      plan_is_sound(r.plan);
      assert_int_equal(plan_peak(r.plan, MEMORY_ARENA), r.peak);
      peaks += r.peak;
      bytes += arena_of(r.plan);
      smaller += arena_of(r.plan) < arena_of(memory_plan(&a, g, &needs));
      several += r.groups > 1;
      if (g->n_nodes <= NODES_MAX) {
        assert_int_equal(r.peak, least_of_all(rows_net_new(&a, g, &needs, come)));
        networks++;
      }
      arena_free(&a);
    }
  print_message(
      "%d networks beside all their groups; %d smaller than layer by layer, %d in several "
      "groups; arenas %.2f %% longer than what lives at once\n",
      networks, smaller, several, 100.0 * (double)(bytes - peaks) / (double)peaks);
  assert_true(networks > 100 && smaller > 50 && several > 20);
  assert_true((double)bytes <= 1.01 * (double)peaks);
}

// ---- parts of values in the checker

static struct event *row_event(const struct plan *p, enum action action, uint32_t id, int64_t row) {
  for (uint32_t k = 0; k < p->n_events; k++) {
    struct event *e = &p->events[k];
    bool ours = action == ACTION_RUN || e->resource == MEMORY_ARENA;
    if (ours && e->action == action && e->id == id && e->slice.ranges && e->slice.range[0] == row)
      return e;
  }
  fail_msg("no such event");
  return NULL;
}

static void freed_early(struct plan *p) {
  struct event *e = row_event(p, ACTION_FREE, 1, 0);
  e->start = e->end = row_event(p, ACTION_RUN, 1, 0)->start;
}

static void never_there(struct plan *p) {
  row_event(p, ACTION_ALLOC, 1, 0)->slice = row_event(p, ACTION_ALLOC, 1, 5)->slice;
}

static void small(struct plan *p) {
  row_event(p, ACTION_ALLOC, 1, 3)->bytes = row_event(p, ACTION_FREE, 1, 3)->bytes = 3;
}

static void late(struct plan *p) { // row 1 of blur is computed after the pool has read it
  struct event *e = row_event(p, ACTION_RUN, 0, 1), *pool = row_event(p, ACTION_RUN, 1, 0);
  double start = e->start, end = e->end;
  e->start = pool->start;
  e->end = pool->end;
  pool->start = start;
  pool->end = end;
}

static void twice(struct plan *p) {
  row_event(p, ACTION_RUN, 0, 4)->slice = row_event(p, ACTION_RUN, 0, 5)->slice;
}

static void over_another(struct plan *p) {
  row_event(p, ACTION_ALLOC, 1, 1)->address = row_event(p, ACTION_ALLOC, 1, 0)->address;
}

static void wrong_rows_are_refused(void **state) {
  (void)state;
  static const struct {
    void (*change)(struct plan *p);
    const char *words;
  } changes[] = {{freed_early, "\"blur\" of step 0 was freed in arena"},
                 {never_there, "it is there"},
                 {small, "3 bytes, 4 needed"},
                 {late, "\"blur\" of step 0 isn't there yet"},
                 {twice, "it was run before, or a part of it"},
                 {over_another, "belong to \"blur\" of step 0"}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    struct arena a = {0};
    struct image x = image(&a);
    struct plan *p = rows_plan(&a, x.graph, &x.needs, true).plan;
    changes[i].change(p);
    plan_sort(p);
    const struct faults f = plan_check(&a, p);
    bool said = false;
    for (uint32_t k = 0; k < f.count; k++)
      said |= strstr(f.faults[k].text, changes[i].words) != NULL;
    if (!said)
      fail_msg("expected \"%s\", found \"%s\"", changes[i].words,
               f.count ? f.faults[0].text : "nothing");
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_small_image),
      cmocka_unit_test(inputs_lie_side_by_side),
      cmocka_unit_test(groups_are_the_best),
      cmocka_unit_test(wrong_rows_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
