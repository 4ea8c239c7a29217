// SPDX-License-Identifier: Apache-2.0
// Nodes, their links and the ways between them; and when a resource is taken.
#include "sw/plan/busy.h"
#include "sw/plan/topology.h"

#include "sw/base/rng.h"
#include "sw/graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 70, FAR = 1000, CYCLES = 200 };

// Links on the longest of all ways.
static uint32_t diameter(const struct topology *t) {
  uint32_t most = 0;
  for (uint32_t n = 0; n < t->nodes; n++) {
    struct arena scratch = {0};
    const struct routes *r = routes_new(&scratch, t, n);
    if (r->hops[r->order[t->nodes - 1]] > most) most = r->hops[r->order[t->nodes - 1]];
    arena_free(&scratch);
  }
  return most;
}

static uint32_t link_between(const struct topology *t, uint32_t from, uint32_t to) {
  uint32_t found = 0, link = UINT32_MAX;
  for (uint32_t l = 0; l < t->n_links; l++)
    if (t->from[l] == from && t->to[l] == to) {
      found++;
      link = l;
    }
  assert_true(found <= 1);
  return link;
}

// All shortest paths, by trying every node between (Floyd).
static void distances(const struct topology *t, uint32_t d[MOST][MOST]) {
  for (uint32_t i = 0; i < t->nodes; i++)
    for (uint32_t k = 0; k < t->nodes; k++) d[i][k] = i == k ? 0 : FAR;
  for (uint32_t l = 0; l < t->n_links; l++) d[t->from[l]][t->to[l]] = 1;
  for (uint32_t m = 0; m < t->nodes; m++)
    for (uint32_t i = 0; i < t->nodes; i++)
      for (uint32_t k = 0; k < t->nodes; k++)
        if (d[i][m] + d[m][k] < d[i][k]) d[i][k] = d[i][m] + d[m][k];
}

// Every link has one back, everybody is reached, and ways are as short as any.
static void check_ways(const struct topology *t) {
  static uint32_t d[MOST][MOST];
  struct arena a = {0};
  distances(t, d);
  for (uint32_t l = 0; l < t->n_links; l++) {
    assert_int_not_equal(t->from[l], t->to[l]);
    assert_int_not_equal(link_between(t, t->to[l], t->from[l]), UINT32_MAX);
    assert_true(l >= t->first[t->from[l]] && l < t->first[t->from[l] + 1]);
  }
  uint32_t most = 0;
  for (uint32_t k = 0; k < 2 * t->nodes; k++) {
    uint32_t root = k / 2;
    struct routes *r = routes_new(&a, t, root);
    if (k % 2) routes_balance(t, r);
    assert_int_equal(r->order[0], root);
    for (uint32_t i = 0; i < t->nodes; i++) {
      uint32_t n = r->order[i];
      assert_int_equal(r->hops[n], d[root][n]);
      if (i) assert_true(r->hops[r->order[i - 1]] <= r->hops[n]);
      if (n != root) {
        assert_int_equal(t->to[r->link[n]], n);
        uint32_t from = t->from[r->link[n]];
        assert_int_equal(r->hops[from] + 1, r->hops[n]);
        assert_int_equal(r->first[n], from == root ? r->link[n] : r->first[from]);
      }
      if (d[root][n] > most) most = d[root][n];
    }
  }
  assert_int_equal(diameter(t), most);
  arena_free(&a);
}

static void test_ways(void **state) {
  (void)state;
  for (int kind = 0; kind < TOPOLOGIES; kind++)
    for (uint32_t k = 1; k <= MOST; k += k < 40 ? 1 : 7) {
      struct arena a = {0};
      check_ways(topology_new(&a, (enum topology_kind)kind, k));
      arena_free(&a);
    }
}

// Behind each link of node 0 are as many nodes, where without that one has nearly all.
static void test_balance(void **state) {
  (void)state;
  static const struct {
    enum topology_kind kind;
    uint32_t before, after; // behind the link with the most, of 256
  } known[] = {{TOPOLOGY_MESH, 240, 128}, {TOPOLOGY_TORUS, 128, 64}, {TOPOLOGY_HYPERCUBE, 128, 32}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    struct arena a = {0};
    const struct topology *t = topology_new(&a, known[i].kind, 256);
    struct routes *r = routes_new(&a, t, 0);
    for (int balanced = 0; balanced < 2; balanced++) {
      uint32_t behind[16] = {0}, most = 0;
      if (balanced) routes_balance(t, r);
      for (uint32_t n = 1; n < t->nodes; n++)
        if (++behind[r->first[n] - t->first[0]] > most) most = behind[r->first[n] - t->first[0]];
      if (most != (balanced ? known[i].after : known[i].before))
        fail_msg("%s: %u", topology_name(known[i].kind), most);
    }
    arena_free(&a);
  }
}

// Of sizes whose links and diameters are known.
static void test_known(void **state) {
  (void)state;
  static const struct {
    enum topology_kind kind;
    uint32_t nodes, links, diameter;
  } known[] = {
      {TOPOLOGY_FULL, 9, 72, 1},       {TOPOLOGY_LINE, 9, 16, 8},      {TOPOLOGY_RING, 9, 18, 4},
      {TOPOLOGY_RING, 2, 2, 1},        {TOPOLOGY_MESH, 16, 48, 6},     {TOPOLOGY_MESH, 10, 26, 5},
      {TOPOLOGY_TORUS, 16, 64, 4},     {TOPOLOGY_TORUS, 4, 8, 2},      {TOPOLOGY_TREE, 15, 28, 6},
      {TOPOLOGY_HYPERCUBE, 16, 64, 4}, {TOPOLOGY_HYPERCUBE, 5, 10, 3}, {TOPOLOGY_MESH, 1, 0, 0}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    struct arena a = {0};
    const struct topology *t = topology_new(&a, known[i].kind, known[i].nodes);
    if (t->n_links != known[i].links || diameter(t) != known[i].diameter)
      fail_msg("%s of %u: %u links, diameter %u", topology_name(t->kind), t->nodes, t->n_links,
               diameter(t));
    arena_free(&a);
  }
}

// Into the middle of a mesh roots send over rows first, or over columns first.
static void test_ways_differ(void **state) {
  (void)state;
  struct arena a = {0};
  const struct topology *t = topology_new(&a, TOPOLOGY_MESH, 64);
  uint32_t over[64] = {0};
  for (uint32_t root = 0; root < 64; root++)
    if (root != 27) over[t->from[routes_new(&a, t, root)->link[27]]]++;
  assert_true(over[19] > 5 && over[26] > 5 && over[28] > 5 && over[35] > 5);
  arena_free(&a);
}

static void test_names(void **state) {
  (void)state;
  for (int kind = 0; kind < TOPOLOGIES; kind++)
    assert_int_equal(topology_find(topology_name((enum topology_kind)kind)), kind);
  assert_int_equal(topology_find("grid"), NONE);
}

// ---- taken times

static int64_t slow_fit(const bool *taken, int64_t from, int64_t duration) {
  for (;; from++) {
    bool free = true;
    for (int64_t i = from; i < from + duration && i < CYCLES; i++) free = free && !taken[i];
    if (free) return from;
  }
}

static void test_busy(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) {
    struct rng r = {seed, 0};
    struct busy b = {0};
    bool taken[CYCLES] = {false};
    int64_t total = 0;
    for (int i = 0; i < 40; i++) {
      int64_t from = rng_range(&r, 0, CYCLES - 20), duration = rng_range(&r, 1, 9);
      int64_t at = busy_fit(&b, from, duration);
      assert_int_equal(at, slow_fit(taken, from, duration));
      if (at + duration > CYCLES) continue;
      busy_take(&b, at, duration);
      for (int64_t k = at; k < at + duration; k++) taken[k] = true;
      total += duration;
      assert_int_equal(busy_total(&b), total);
      for (uint32_t k = 1; k < b.count; k++) assert_true(b.taken[k - 1][1] < b.taken[k][0]);
    }
    busy_free(&b);
  }
}

// ---- in a period

enum { PERIOD = 37 };

static bool slow_free(const bool *taken, int64_t from, int64_t duration) {
  bool free = true;
  for (int64_t i = from; i < from + duration; i++) free = free && !taken[i % PERIOD];
  return free;
}

// First fit finds the first place in a period, or that there is none; and beside what is taken
// there is always room, in one piece.
static void test_period(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) {
    struct rng r = {seed, 0};
    struct busy b = {0}, beside = {0};
    bool taken[PERIOD] = {false}, whole[PERIOD] = {false};
    for (int i = 0; i < 14; i++) {
      int64_t from = rng_range(&r, 0, 99), duration = rng_range(&r, 1, 6), at = -1;
      for (int64_t k = from; at < 0 && k < from + PERIOD; k++)
        if (slow_free(taken, k, duration)) at = k;
      assert_int_equal(busy_fit_period(&b, from, duration, PERIOD), at);
      if (at >= 0) busy_take_period(&b, at, duration, PERIOD);
      for (int64_t k = at; at >= 0 && k < at + duration; k++) taken[k % PERIOD] = true;
      at = busy_beside_period(&beside, from, duration, PERIOD);
      assert_int_equal(at >= 0, busy_total(&beside) + duration <= PERIOD);
      if (at < 0) continue;
      assert_true(at >= from && at < from + PERIOD && slow_free(whole, at, duration));
      busy_take_period(&beside, at, duration, PERIOD);
      int pieces = 0;
      for (int64_t k = at; k < at + duration; k++) whole[k % PERIOD] = true;
      for (int64_t k = 0; k < PERIOD; k++) pieces += whole[k] && !whole[(k + 1) % PERIOD];
      assert_true(pieces <= 1);
    }
    busy_free(&b);
    busy_free(&beside);
  }
  struct busy none = {0};
  assert_int_equal(busy_fit_period(&none, 3, PERIOD + 1, PERIOD), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ways),    cmocka_unit_test(test_known),
      cmocka_unit_test(test_balance), cmocka_unit_test(test_ways_differ),
      cmocka_unit_test(test_names),   cmocka_unit_test(test_busy),
      cmocka_unit_test(test_period)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
