// SPDX-License-Identifier: Apache-2.0
// Networks on K nodes: actors and what they need, schedules that the checker and a slow oracle find
// nothing in, how far they are from their bounds; and what is wrong with schedules that were
// changed.
#include "sw/base/rng.h"
#include "sw/plan/schedule_check.h"
#include "tests/plan/helper_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 400, CHANGED = 12000, ORACLE_WORK = 1500000 };

static void test_actors(void **state) {
  (void)state;
  struct nodes_case c;
  nodes_case_mlp(&c, 1, TOPOLOGY_MESH, 4);
  const struct actors *v = c.actors;
  assert_int_equal(v->n_actors, 784 + 128 + 10);
  assert_int_equal(v->edges, 102426);
  assert_int_equal(actors_work(v), 101632);
  assert_int_equal(v->n_layers, 3); // activations are their actors' business
  const struct actor *fc1 = &v->actors[v->layers[1].first];
  assert_int_equal(fc1[127].work, 784);
  assert_int_equal(fc1[127].n_needs, 1);
  assert_int_equal(fc1[127].needs[0].first, 0);
  assert_int_equal(fc1[127].needs[0].count, 784);
  assert_ptr_equal(fc1[127].needs, fc1[0].needs);
  const struct actor *fc2 = &v->actors[v->layers[2].first];
  assert_int_equal(fc2[9].needs[0].first, 784);
  assert_int_equal(fc2[9].needs[0].count, 128);
  assert_int_equal(v->tokens[784 + 128 + 9].actor, 784 + 128 + 9);
  assert_int_equal(v->tokens[0].bits, 8);
  arena_free(&c.arena);
}

static void test_grains(void **state) {
  (void)state;
  static const struct {
    int64_t grain, bits;
    uint32_t pixels, fc1, fc2;
  } of[] = {
      {GRAIN_LAYER, 8, 1, 1, 1}, {1, 64, 98, 128, 10}, {3, 8, 784, 43, 4}, {200, 3, 784, 1, 1}};
  for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
    struct nodes_case c;
    struct err e = {0};
    nodes_case_mlp(&c, 1, TOPOLOGY_MESH, 4);
    const struct actors *v = actors_of(&c.arena, c.graph, of[i].grain, of[i].bits, &e);
    assert_int_equal(v->layers[0].count, of[i].pixels);
    assert_int_equal(v->layers[1].count, of[i].fc1);
    assert_int_equal(v->layers[2].count, of[i].fc2);
    assert_int_equal(actors_work(v), 101632);
    arena_free(&c.arena);
  }
}

static struct schedule *sound_mode(struct nodes_case *c, const char *what, bool period) {
  struct err e = {0};
  struct schedule *s = period ? schedule_make_period(&c->arena, c->actors, &c->machine, &e)
                              : schedule_make(&c->arena, c->actors, &c->machine, &e);
  if (!s) fail_msg("%s: %s", what, e.text);
  struct faults f = schedule_check(&c->arena, s);
  if (f.count) fail_msg("%s: %u faults, first: %s", what, f.count, f.faults[0].text);
  return s;
}

static struct schedule *sound(struct nodes_case *c, const char *what) {
  return sound_mode(c, what, false);
}

// Every topology and many sizes: nothing is wrong, and at most 8 % more than the bound.
static void test_lengths(void **state) {
  (void)state;
  static const double most[TOPOLOGIES] = {1.001, 1.005, 1.006, 1.022, 1.015, 1.045, 1.012};
  bool deep = getenv("NNGEN_TEST_DEEP");
  for (int kind = 0; kind < TOPOLOGIES; kind++)
    for (uint32_t k = 1; k <= 256; k += deep || k < 12 || (k > 120 && k < 132) ? 1 : 11) {
      struct nodes_case c;
      nodes_case_mlp(&c, 1, (enum topology_kind)kind, k);
      const struct schedule *s = sound(&c, topology_name((enum topology_kind)kind));
      struct schedule_bounds b = schedule_bounds(c.actors, &c.machine);
      double ratio = (double)s->length / (double)b.most;
      assert_true(b.work <= b.most && b.critical <= b.most && b.link <= b.most);
      if (ratio < 1 || ratio > most[kind])
        fail_msg("%s of %u: %lld cycles, bound %lld", topology_name((enum topology_kind)kind), k,
                 (long long)s->length, (long long)b.most);
      arena_free(&c.arena);
    }
}

// The same of periods.
static void test_periods(void **state) {
  (void)state;
  static const double most[TOPOLOGIES] = {1.01, 1.01, 1.08, 1.01, 1.05, 1.08, 1.03};
  bool deep = getenv("NNGEN_TEST_DEEP");
  for (int kind = 0; kind < TOPOLOGIES; kind++)
    for (uint32_t k = 1; k <= 256; k += deep || k < 4 ? 1 : 33) {
      struct nodes_case c;
      nodes_case_mlp(&c, 1, (enum topology_kind)kind, k);
      const struct schedule *s = sound_mode(&c, topology_name((enum topology_kind)kind), true);
      struct schedule_bounds b = schedule_period_bounds(c.actors, &c.machine);
      double ratio = (double)s->period / (double)b.most;
      if (ratio < 1 || ratio > most[kind])
        fail_msg("%s of %u: a period of %lld cycles, bound %lld",
                 topology_name((enum topology_kind)kind), k, (long long)s->period,
                 (long long)b.most);
      if (k == 1) assert_int_equal(s->period, 101632);
      arena_free(&c.arena);
    }
}

// One node does it all, one after the other; two share the work but for what the image takes.
static void test_few(void **state) {
  (void)state;
  struct nodes_case c;
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 1);
  const struct schedule *s = sound(&c, "one node");
  assert_int_equal(s->length, 101632);
  assert_int_equal(s->n_hops, 0);
  arena_free(&c.arena);
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 2);
  s = sound(&c, "two nodes");
  assert_true(s->length < 101632 / 2 + 784 + 128);
  arena_free(&c.arena);
}

// A token crosses a link once, however many actors wait for it behind.
static void test_once(void **state) {
  (void)state;
  struct nodes_case c;
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 3);
  const struct schedule *s = sound(&c, "line");
  uint32_t out = 0;
  for (uint32_t i = 0; i < s->n_hops; i++)
    out += s->hops[i].token < 784 && c.machine.topology->from[s->hops[i].link] == 0;
  assert_int_equal(out, 784);
  arena_free(&c.arena);
}

// ---- random networks

static bool small(const struct schedule *s) {
  int64_t each = s->actors->n_actors + (int64_t)s->n_hops * 2 + s->actors->n_tokens;
  return s->length * each * s->machine->topology->nodes < ORACLE_WORK;
}

static void test_random(void **state) {
  (void)state;
  uint32_t tried = 0, seen = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct nodes_case c;
    if (!nodes_case_new(&c, seed)) continue;
    const char *what = arena_printf(&c.arena, "seed %llu", (unsigned long long)seed);
    const struct schedule *s = sound(&c, what);
    struct schedule_bounds b = schedule_bounds(c.actors, &c.machine);
    if (s->length < b.most)
      fail_msg("%s: %lld cycles, bound %lld", what, (long long)s->length, (long long)b.most);
    const struct schedule *p = sound_mode(&c, what, true);
    b = schedule_period_bounds(c.actors, &c.machine);
    if (p->period < b.most)
      fail_msg("%s: a period of %lld cycles, bound %lld", what, (long long)p->period,
               (long long)b.most);
    tried++;
    if (small(s) && small(p)) {
      seen++;
      if (!slow_check(s) || !slow_check(p)) fail_msg("%s: the oracle refuses it", what);
    }
    arena_free(&c.arena);
  }
  assert_true(tried > SEEDS / 4);
  assert_true(seen > SEEDS / 8);
}

// ---- changed schedules

static void change(struct rng *r, struct schedule *s) {
  uint32_t actor = (uint32_t)rng_range(r, 0, s->actors->n_actors - 1);
  struct firing *f = &s->firings[actor];
  struct hop *h = s->n_hops ? &s->hops[rng_range(r, 0, s->n_hops - 1)] : NULL;
  int64_t by = rng_range(r, 0, 3) ? rng_range(r, -2, 2) : rng_range(r, -50, 50);
  switch (h ? rng_range(r, 0, 9) : rng_range(r, 0, 3)) {
  case 0:
    f->start += by;
    f->end += by;
    break;
  case 1:
    f->node = (uint32_t)rng_range(r, 0, s->machine->topology->nodes);
    break;
  case 2:
    f->end += by;
    break;
  case 3:
    s->length += by;
    break;
  case 9:
    if (s->period) s->period += s->period + by > 0 ? by : 0;
    break;
  case 4:
    h->start += by;
    break;
  case 5:
    h->link = (uint32_t)rng_range(r, 0, s->machine->topology->n_links);
    break;
  case 6:
    h->token = (uint32_t)rng_range(r, 0, s->actors->n_tokens);
    break;
  case 7: // one is left out
    *h = s->hops[--s->n_hops];
    break;
  default: // one comes twice
    s->hops[s->n_hops++] = *h;
  }
}

// Faults as the oracle sees them, whatever was changed; and both answers occur.
static void test_changed(void **state) {
  (void)state;
  uint32_t changed = 0, refused = 0, kinds[FAULT_KINDS] = {0};
  for (uint64_t seed = 0; changed < CHANGED; seed++) {
    struct nodes_case c;
    struct rng r = {seed, 1};
    if (!nodes_case_new(&c, seed % SEEDS)) continue;
    struct schedule *s = sound_mode(&c, "before", seed % 2), own = *s;
    for (int i = 0; small(s) && i < 60; i++, changed++) {
      own = *s;
      own.firings =
          arena_copy(&c.arena, s->firings, (s->actors->n_actors + 1) * sizeof *s->firings);
      own.hops = ARENA_NEW(&c.arena, struct hop, s->n_hops + 4);
      if (s->n_hops) memcpy(own.hops, s->hops, s->n_hops * sizeof *s->hops);
      for (int64_t n = rng_range(&r, 1, 2); n > 0; n--) change(&r, &own);
      struct faults f = schedule_check(&c.arena, &own);
      if (slow_check(&own) != !f.count)
        fail_msg("seed %llu, change %d: %u faults, %s", (unsigned long long)seed, i, f.count,
                 f.count ? f.faults[0].text : "the oracle refuses it");
      refused += f.count > 0;
      for (uint32_t k = 0; k < f.count; k++) kinds[f.faults[k].kind]++;
    }
    arena_free(&c.arena);
  }
  assert_true(refused > changed / 2 && refused < changed);
  static const enum fault_kind all[] = {FAULT_FORM,  FAULT_BUSY,    FAULT_EARLY, FAULT_ABSENT,
                                        FAULT_TWICE, FAULT_MISSING, FAULT_ORDER};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_true(kinds[all[i]] > 0);
}

// A fault names who, where and when.
static void test_words(void **state) {
  (void)state;
  struct nodes_case c;
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 2);
  struct schedule *s = sound(&c, "line");
  struct firing *f = &s->firings[784];
  f->start += 3;
  f->end += 3;
  struct faults found = schedule_check(&c.arena, s);
  assert_int_equal(found.count, 2);
  assert_int_equal(found.faults[0].kind, FAULT_BUSY);
  assert_int_equal(found.faults[1].kind, FAULT_EARLY);
  assert_non_null(strstr(found.faults[0].text, "node 0 has two things to do in cycle 784"));
  assert_non_null(strstr(found.faults[1].text, "\"fc1\" 0 is sent from node 0 in cycle"));
  f->start -= 4;
  f->end -= 4;
  found = schedule_check(&c.arena, s);
  assert_non_null(strstr(found.faults[0].text, "\"fc1\" 0 runs from cycle -1 to 783"));
  arena_free(&c.arena);
}

static void test_refused(void **state) {
  (void)state;
  struct nodes_case c;
  struct err e = {0};
  nodes_case_mlp(&c, 1, TOPOLOGY_LINE, 2);
  struct actors many = *c.actors;
  many.n_tokens = 1u << 28;
  assert_null(schedule_make(&c.arena, &many, &c.machine, &e));
  assert_non_null(strstr(e.text, "268435456 tokens on 2 nodes are too many"));
  arena_free(&c.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_actors), cmocka_unit_test(test_grains),  cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_few),    cmocka_unit_test(test_periods), cmocka_unit_test(test_once),
      cmocka_unit_test(test_random), cmocka_unit_test(test_changed), cmocka_unit_test(test_words),
      cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
