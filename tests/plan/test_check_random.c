// SPDX-License-Identifier: Apache-2.0
// Random plans, and what is left of them when something was dropped, shifted, swapped or resized:
// the checker refuses exactly what the slow judge of bytes and instants refuses.
#include "tests/plan/helper_bytes.h"
#include "tests/plan/helper_plan.h"
#include "tests/plan/helper_random_plan.h"

#include "sw/base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { PLANS = 1500, MUTANTS = 12 };

static int seen[FAULT_KINDS]; // plans that a rule refused

static void compare(const struct plan *p, uint64_t seed, int mutant, bool *accepted) {
  struct arena a = {0};
  const char *why;
  bool expected = bytes_accept(p, &why);
  struct faults f = plan_check(&a, p);
  if (expected != !f.count)
    fail_msg("seed %llu, mutant %d: \"%s\", expected \"%s\"", (unsigned long long)seed, mutant,
             f.count ? f.faults[0].text : "accepted", expected ? "accepted" : why);
  *accepted = expected;
  for (uint32_t i = 0; i < f.count; i++) seen[f.faults[i].kind]++;
  arena_free(&a);
}

static struct event *any(struct rng *r, struct plan *p) {
  return &p->events[rng_range(r, 0, p->n_events - 1)];
}

static void shift(struct event *e, int64_t by) {
  e->start += (double)by;
  e->end += (double)by;
}

static void swap_times(struct event *a, struct event *b) {
  double start = a->start, length = a->end - a->start;
  a->start = b->start;
  a->end = a->start + length;
  length = b->end - b->start;
  b->start = start;
  b->end = start + length;
}

static void change_part(struct rng *r, struct plan *p, struct event *e) {
  int64_t *range = ARENA_NEW(p->arena, int64_t, 2);
  if (e->action == ACTION_RUN && plan_over(p->graph, &p->graph->nodes[e->id], 0)) return;
  if (e->action != ACTION_RUN && p->graph->values[e->id].init) return;
  range[0] = rng_range(r, 0, 2);
  range[1] = range[0] + rng_range(r, 0, 3);
  e->slice = (struct slice){(int)rng_range(r, 0, 1), rng_range(r, 0, 2) > 0, range};
}

static void mutate(struct rng *r, struct plan *p) {
  struct event *e = any(r, p), *other = any(r, p);
  int64_t by = rng_range(r, 1, 3) * (rng_range(r, 0, 1) ? 1 : -1);
  switch (rng_range(r, 0, 13)) {
  case 0:
    *e = p->events[--p->n_events];
    break;
  case 1:
  case 2:
  case 3:
    shift(e, by);
    break;
  case 4:
    swap_times(e, other);
    break;
  case 5:
    e->end += (double)by;
    break;
  case 6:
    e->bytes += by;
    break;
  case 7:
    if (e->address + by != NONE) e->address += by; // not placed
    break;
  case 8:
    e->step += (int32_t)by;
    break;
  case 9:
    e->resource = other->resource;
    break;
  case 10:
    if (e->action == other->action) e->address = other->address;
    break;
  case 11:
    if (e->action == other->action) e->id = other->id;
    break;
  case 12:
    plan_add(p, *e);
    shift(&p->events[p->n_events - 1], by);
    break;
  case 13:
    change_part(r, p, e);
    break;
  }
}

static void the_checker_is_the_judge(void **state) {
  (void)state;
  int good = 0, bad = 0;
  for (uint64_t seed = 0; seed < PLANS; seed++)
    for (int i = 0; i <= MUTANTS; i++) {
      struct arena a = {0};
      bool accepted;
      struct rng r = {.seed = seed * 100 + (uint64_t)i};
      struct plan *p = random_plan(&a, seed, RANDOM_IN_TURN);
      for (int k = 0; k < (i ? 1 + i % 3 : 0); k++) mutate(&r, p);
      compare(p, seed, i, &accepted);
      if (!i && !accepted) fail_msg("seed %llu: refused as it was", (unsigned long long)seed);
      *(accepted ? &good : &bad) += i > 0;
      arena_free(&a);
    }
  print_message("%d mutants accepted, %d refused\n", good, bad);
  assert_true(good > PLANS && bad > PLANS);
  for (int k = 0; k < FAULT_KINDS; k++) // blocks that fit apart into a memory fit together
    if (!seen[k] != (k == FAULT_CAPACITY)) fail_msg("rule %d refused %d times", k, seen[k]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_checker_is_the_judge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
