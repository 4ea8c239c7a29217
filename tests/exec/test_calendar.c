// SPDX-License-Identifier: Apache-2.0
// Calendars carried out: whatever the nodes, the grain and the starts of clocks, what comes out is
// the golden model's; and a calendar that is wrong somewhere is found by the node and the tick.
#include "sw/base/rng.h"
#include "sw/exec/calendar_run.h"
#include "sw/exec/golden.h"
#include "tests/net/helper_netgen.h"
#include "tests/plan/helper_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 250, IMAGES = 7, BATCH = 3, START_MOST = 100, BROKEN = 400 };

struct trial {
  const struct graph *graph;
  const int64_t *const *inputs; // (images, elements) of each
  struct golden_ref *ref;
  int64_t outputs, wrong;
};

static void feed(void *context, int64_t batch, int64_t images, int64_t *const *inputs) {
  const struct trial *t = context;
  for (uint32_t i = 0; i < t->graph->n_inputs; i++) {
    int64_t elements = value_elements(&t->graph->values[t->graph->inputs[i].value]);
    memcpy(inputs[i], t->inputs[i] + batch * BATCH * elements,
           (size_t)(images * elements) * sizeof(int64_t));
  }
}

static void look(void *context, int64_t batch, int64_t images, uint32_t output,
                 const int64_t *integers) {
  struct trial *t = context;
  uint32_t v = t->graph->outputs[output];
  int64_t elements = value_elements(&t->graph->values[v]);
  const int64_t *expected = golden_ref_value(t->ref, v) + batch * BATCH * elements;
  t->outputs++;
  t->wrong += memcmp(expected, integers, (size_t)(images * elements) * sizeof(int64_t)) != 0;
}

static struct trial trial_of(struct arena *a, const struct graph *g, uint64_t seed) {
  struct trial t = {.graph = g, .inputs = netgen_inputs(a, g, seed, IMAGES)};
  t.ref = golden_ref_new(a, g, IMAGES);
  golden_ref_step(t.ref, t.inputs);
  return t;
}

static bool carried_out(struct arena *a, const struct calendar *c, struct trial *t, struct err *e) {
  const struct calendar_batches b = {IMAGES, feed, look, t};
  t->outputs = t->wrong = 0;
  return calendar_run(calendar_run_new(a, c, BATCH), &b, e);
}

static const int64_t *starts_of(struct arena *a, uint64_t seed, uint32_t nodes) {
  struct rng r = {seed, 2};
  int64_t *starts = ARENA_NEW(a, int64_t, nodes);
  for (uint32_t n = 0; n < nodes; n++) starts[n] = rng_range(&r, 0, START_MOST);
  return starts;
}

static void check(struct nodes_case *c, const struct schedule *s, const int64_t *starts,
                  struct trial *t, const char *what) {
  struct err e = {0};
  const struct calendar *calendar = calendar_of(&c->arena, s, starts);
  if (!carried_out(&c->arena, calendar, t, &e)) fail_msg("%s: %s", what, e.text);
  if (t->wrong) fail_msg("%s: %lld outputs differ", what, (long long)t->wrong);
  assert_int_equal(t->outputs, (IMAGES + BATCH - 1) / BATCH * c->graph->n_outputs);
}

// Every kind of layer, split as the grain says, on any nodes.
static void test_random(void **state) {
  (void)state;
  uint32_t tried = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct nodes_case c;
    struct err e = {0};
    if (!nodes_case_new(&c, seed)) continue;
    const char *what = arena_printf(&c.arena, "seed %llu", (unsigned long long)seed);
    struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
    struct trial t = trial_of(&c.arena, c.graph, seed);
    check(&c, s, NULL, &t, what);
    check(&c, s, starts_of(&c.arena, seed, c.machine.topology->nodes), &t, what);
    s = schedule_make_period(&c.arena, c.actors, &c.machine, &e);
    check(&c, s, starts_of(&c.arena, seed + 1, c.machine.topology->nodes), &t, what);
    tried++;
    arena_free(&c.arena);
  }
  assert_true(tried > SEEDS / 4);
}

// 784-128-10 on nodes of all kinds, whatever their clocks.
static void test_mlp(void **state) {
  (void)state;
  static const uint32_t nodes[] = {1, 2, 3, 7, 16, 64, 100, 256};
  bool deep = getenv("NNGEN_TEST_DEEP");
  for (int kind = 0; kind < TOPOLOGIES; kind++)
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
      struct nodes_case c;
      struct err e = {0};
      if (!deep && i > 2 && (kind + (int)i) % 4) continue;
      nodes_case_mlp(&c, 1, (enum topology_kind)kind, nodes[i]);
      struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
      struct trial t = trial_of(&c.arena, c.graph, i);
      check(&c, s, starts_of(&c.arena, i, nodes[i]), &t, topology_name((enum topology_kind)kind));
      s = schedule_make_period(&c.arena, c.actors, &c.machine, &e);
      check(&c, s, starts_of(&c.arena, i, nodes[i]), &t, "in periods");
      arena_free(&c.arena);
    }
}

// ---- calendars that are wrong

static struct calendar_list *any_list(struct rng *r, const struct calendar *c) {
  const struct topology *t = c->machine->topology;
  uint32_t link = t->n_links ? (uint32_t)rng_range(r, 0, t->n_links - 1) : 0;
  switch (t->n_links ? rng_range(r, 0, 3) : rng_range(r, 2, 3)) {
  case 0:
    return &c->links[link].sends;
  case 1:
    return &c->links[link].takes;
  case 2:
    return &c->nodes[rng_range(r, 0, t->nodes - 1)].keeps;
  default:
    return &c->nodes[HOST_NODE].fetches;
  }
}

// One tick, one slot, one token or one entry is wrong. False if the list has nothing.
static bool break_calendar(struct rng *r, const struct calendar *c) {
  struct calendar_list *l = any_list(r, c);
  if (!l->count) return false;
  struct calendar_move *m = &l->moves[rng_range(r, 0, l->count - 1)];
  switch (rng_range(r, 0, 3)) {
  case 0:
    m->tick += l == &c->nodes[HOST_NODE].fetches ? -c->length : -1;
    break;
  case 1:
    m->slot++;
    break;
  case 2:
    m->token = (m->token + 1) % c->actors->n_tokens;
    break;
  default:
    *m = l->moves[--l->count];
  }
  return true;
}

// Most changes are found; where nothing is lost the outputs are still the golden model's.
static void test_broken(void **state) {
  (void)state;
  uint32_t broken = 0, found = 0;
  for (uint64_t seed = 0; broken < BROKEN; seed++) {
    struct nodes_case c;
    struct rng r = {seed, 3};
    struct err e = {0};
    if (!nodes_case_new(&c, seed % SEEDS)) continue;
    struct schedule *s = seed % 2 ? schedule_make_period(&c.arena, c.actors, &c.machine, &e)
                                  : schedule_make(&c.arena, c.actors, &c.machine, &e);
    struct trial t = trial_of(&c.arena, c.graph, seed);
    for (int i = 0; i < 4; i++) {
      struct err why = {0};
      const struct calendar *calendar = calendar_of(&c.arena, s, NULL);
      if (!break_calendar(&r, calendar)) continue;
      broken++;
      if (carried_out(&c.arena, calendar, &t, &why)) {
        if (t.wrong) fail_msg("seed %llu: outputs differ, no fault", (unsigned long long)seed);
        continue;
      }
      found++;
      assert_non_null(strstr(why.text, "node "));
      assert_non_null(strstr(why.text, ", tick "));
    }
    arena_free(&c.arena);
  }
  assert_true(found > broken / 2);
}

// A send that comes a tick too early, and a slot that is too few.
static void test_words(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 3);
  struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
  struct trial t = trial_of(&c.arena, c.graph, 1);
  const struct calendar *calendar = calendar_of(&c.arena, s, NULL);
  calendar->nodes[0].keeps.moves[5].slot = calendar->nodes[0].slots;
  assert_false(carried_out(&c.arena, calendar, &t, &e));
  assert_string_equal(e.text, "node 0, tick 0: \"image\" 5 has no such slot");
  e = (struct err){0};
  calendar = calendar_of(&c.arena, s, NULL);
  assert_int_equal(c.machine.topology->to[2], 2);
  calendar->links[2].takes.moves[0].tick++; // nobody sends it on
  assert_false(carried_out(&c.arena, calendar, &t, &e));
  assert_string_equal(e.text, "node 2, tick 3: \"image\" 0 is taken where something else arrives");
  arena_free(&c.arena);
}

// As many slots as the most tokens that are there at a time, and one less is refused.
static void test_slots(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 2);
  struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
  const struct calendar *calendar = calendar_of(&c.arena, s, NULL);
  assert_in_range(calendar->nodes[1].slots, 784, 784 + 128);
  int64_t most = calendar->nodes[0].slots > calendar->nodes[1].slots ? calendar->nodes[0].slots
                                                                     : calendar->nodes[1].slots;
  assert_true(calendar_fits(s, most, &e));
  assert_false(calendar_fits(s, most - 1, &e));
  assert_non_null(strstr(e.text, "the first too many is taken in cycle "));
  assert_non_null(
      strstr(e.text, arena_printf(&c.arena, "enough with --slots %lld", (long long)most)));
  assert_true(calendar_entries(calendar, 1) > 784);
  arena_free(&c.arena);
}

// No fewer slots would do: so many tokens are there at a time, and two that are never share one.
static void test_fewest(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 60; seed++) {
    struct nodes_case c;
    struct err e = {0};
    uint32_t count;
    if (!nodes_case_new(&c, seed)) continue;
    struct schedule *s = schedule_make(&c.arena, c.actors, &c.machine, &e);
    const struct calendar *calendar = calendar_of(&c.arena, s, NULL);
    const struct calendar_stay *stays = calendar_stays(&c.arena, s, &count);
    uint32_t *most = ARENA_NEW(&c.arena, uint32_t, c.machine.topology->nodes);
    for (uint32_t i = 0; i < count; i++) {
      uint32_t there = 0;
      for (uint32_t k = 0; k < count; k++) {
        bool meet = stays[k].node == stays[i].node && stays[k].from <= stays[i].from &&
                    stays[i].from < stays[k].to;
        there += meet;
        assert_false(meet && k != i && stays[k].slot == stays[i].slot);
      }
      if (there > most[stays[i].node]) most[stays[i].node] = there;
    }
    for (uint32_t n = 0; n < c.machine.topology->nodes; n++)
      assert_int_equal(calendar->nodes[n].slots, most[n]);
    arena_free(&c.arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_mlp),
                                     cmocka_unit_test(test_broken), cmocka_unit_test(test_words),
                                     cmocka_unit_test(test_slots),  cmocka_unit_test(test_fewest)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
