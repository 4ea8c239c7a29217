// SPDX-License-Identifier: Apache-2.0
// Memory plans that are carried out: every value of random networks is the C model's, frame after
// frame, in exactly the planned bytes, whatever lies over whatever; and plans that are wrong by a
// byte, by an event or by the length of the arena are found out.
#include "sw/base/rng.h"
#include "sw/exec/arena_run.h"
#include "sw/exec/golden.h"
#include "sw/plan/check.h"
#include "sw/plan/rows.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 25, FRAMES = 3, CHANGES = 3000 };

struct comparison {
  const struct graph *graph;
  const struct golden_ref *ref;
  int64_t values, wrong;
};

static void compare(void *context, uint32_t value, const int64_t *integers) {
  struct comparison *c = context;
  int64_t count = value_elements(&c->graph->values[value]);
  c->values++;
  c->wrong +=
      memcmp(golden_ref_value(c->ref, value), integers, (size_t)count * sizeof *integers) != 0;
}

// Layer by layer with what may lie over what; or by rows, with inputs that are there or come.
enum way { LAYERS = 4, ROWS = LAYERS, ROWS_COME, WAYS };

static struct plan *planned(struct arena *a, const struct graph *g, int way, int64_t align) {
  bool *keep = ARENA_NEW(a, bool, g->n_values + 1);
  struct memory_needs needs = {
      .bytes = arena_run_bytes(a, g), .keep = keep, .align = align, .tight = true};
  needs.over = way < LAYERS ? (enum memory_over)way : MEMORY_OVER_JOINS;
  return way < LAYERS ? memory_plan(a, g, &needs) : rows_plan(a, g, &needs, way == ROWS_COME).plan;
}

static bool integers_only(const struct graph *g) {
  for (uint32_t v = 0; v < g->n_values; v++)
    if (type_is_real(&g->values[v].type) && !g->values[v].init) return false;
  return true;
}

// Frames of a plan beside the C model's; true if nothing is told and nothing differs.
static bool agree(struct arena *a, const struct plan *p, uint64_t seed, int64_t *values,
                  struct err *e) {
  const struct graph *g = p->graph;
  struct comparison c = {.graph = g, .ref = golden_ref_new(a, g, 1)};
  struct arena_run *r = arena_run_new(a, p, e);
  bool ok = r != NULL;
  for (uint64_t f = 0; ok && f < FRAMES; f++) {
    const int64_t *const *inputs = netgen_inputs(a, g, seed * FRAMES + f, 1);
    golden_ref_step((struct golden_ref *)c.ref, inputs);
    ok = arena_run_frame(r, inputs, compare, &c, e) && !c.wrong;
  }
  if (r) arena_run_free(r);
  *values += c.values;
  return ok;
}

static void every_value_is_the_c_models(void **state) {
  (void)state;
  int64_t values = 0, networks = 0, scratch = 0, rows = 0;
  for (int op = 0; op < OP_COUNT; op++)
    for (uint64_t seed = 0; netgen_knows((enum op)op) && seed < SEEDS; seed++) {
      struct arena a = {0};
      struct err e = {0};
      const struct graph *g = netgen(&a, seed, (enum op)op, NETGEN_ANY);
      for (int way = 0; integers_only(g) && way < WAYS; way++) {
        const struct plan *p = planned(&a, g, way, seed % 2 ? 4 : 1);
        const struct faults f = plan_check(&a, p);
        if (f.count || !agree(&a, p, seed, &values, &e))
          fail_msg("%s, seed %llu, way %d: %s", op_info((enum op)op)->name,
                   (unsigned long long)seed, way,
                   f.count     ? f.faults[0].text
                   : e.text[0] ? e.text
                               : "a value differs");
        networks++;
        for (uint32_t i = 0; i < p->n_events; i++)
          if (p->events[i].action == ACTION_RUN) {
            scratch += p->events[i].bytes > 0;
            rows += p->events[i].slice.ranges > 0;
          }
      }
      arena_free(&a);
    }
  print_message("%lld plans, %lld values, %lld layers over their inputs a channel at a time, %lld "
                "rows computed apart\n",
                (long long)networks, (long long)values, (long long)scratch, (long long)rows);
  assert_true(networks > 1000 && scratch > 20 && rows > 1000);
}

// ---- what is wrong is found

// x -> relu y -> linear z, all of 8 bits, on top of each other as far as they can.
static struct plan *chain(struct arena *a) {
  struct graph *g = netgen(a, 7, OP_linear, NETGEN_ANY);
  return planned(a, g, MEMORY_OVER_JOINS, 1);
}

static struct event *nth(struct plan *p, enum action action, uint32_t n) {
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == action && p->events[i].resource != MEMORY_MODEL && !n--)
      return &p->events[i];
  return NULL;
}

static void found(struct arena *a, const struct plan *p, const char *words) {
  struct err e = {0};
  int64_t values = 0;
  assert_false(agree(a, p, 1, &values, &e));
  if (!strstr(e.text, words)) fail_msg("expected \"%s\", found \"%s\"", words, e.text);
}

static void an_arena_that_is_short_is_found(void **state) {
  (void)state;
  struct arena a = {0};
  struct plan *p = chain(&a);
  p->machine.resources[MEMORY_ARENA].bytes--;
  found(&a, p, "the arena has");
  arena_free(&a);
}

static void a_value_freed_too_early_is_found(void **state) {
  (void)state;
  struct arena a = {0};
  struct plan *p = chain(&a);
  struct event *run = nth(p, ACTION_RUN, 0), *e = NULL;
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == ACTION_FREE &&
        p->events[i].id == p->graph->nodes[run->id].in[0].value)
      e = &p->events[i];
  assert_non_null(e);
  e->start = e->end = run->start;
  plan_sort(p);
  found(&a, p, "isn't in the arena");
  arena_free(&a);
}

static void a_block_that_is_small_is_found(void **state) {
  (void)state;
  struct arena a = {0};
  struct plan *p = chain(&a);
  struct event *e = nth(p, ACTION_ALLOC, 0);
  e->bytes--;
  found(&a, p, "needed");
  arena_free(&a);
}

// A block that is moved by a byte, or given back at another time: refused by the checker, or told
// here, or harmless to both. What is told here the checker refuses, too, and what the checker takes
// gives the C model's values.
static void what_runs_wrong_is_refused(void **state) {
  (void)state;
  struct rng r = {5, 0};
  int told = 0, harmless = 0, refused = 0;
  for (int i = 0; i < CHANGES; i++) {
    struct arena a = {0};
    struct err e = {0};
    int64_t values = 0;
    static const enum op ops[] = {OP_linear, OP_add, OP_relu, OP_concat, OP_max_pool, OP_conv2d};
    struct graph *g = netgen(&a, (uint64_t)i / 6, ops[i % 6], NETGEN_ANY);
    if (integers_only(g)) {
      struct plan *p = planned(&a, g, i % 4 ? MEMORY_OVER_CHANNELS : ROWS + i / 4 % 2, 1);
      struct event *x = &p->events[rng_range(&r, 0, p->n_events - 1)];
      int64_t by = rng_range(&r, 0, 1) ? 1 : -1;
      if (x->action == ACTION_ALLOC && x->resource == MEMORY_ARENA)
        x->address += x->address ? by : 1; // -1 is no place
      else if (x->action == ACTION_RUN && x->bytes)
        *(by > 0 && x->address ? &x->address : &x->bytes) -= 1;
      else if (x->action == ACTION_FREE)
        x->start = x->end = x->start - (double)rng_range(&r, 1, 2);
      plan_sort(p);
      bool sound = plan_check(&a, p).count == 0, good = agree(&a, p, 1, &values, &e);
      if (sound && !good)
        fail_msg("change %d: the checker takes it: %s", i, e.text[0] ? e.text : "a value differs");
      told += !good;
      refused += !sound && good;
      harmless += sound;
    }
    arena_free(&a);
  }
  print_message("%d told and refused, %d refused alone, %d harmless\n", told, refused, harmless);
  assert_true(told > 300 && harmless > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_value_is_the_c_models),
                                     cmocka_unit_test(an_arena_that_is_short_is_found),
                                     cmocka_unit_test(a_value_freed_too_early_is_found),
                                     cmocka_unit_test(a_block_that_is_small_is_found),
                                     cmocka_unit_test(what_runs_wrong_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
