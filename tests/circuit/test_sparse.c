// SPDX-License-Identifier: Apache-2.0
// Schedules of pruned layers: every vector that is kept is stepped once and no other counts, no
// lane names a group twice in a row, the last beat has all groups in order, and there are hardly
// more steps than the fullest lane of each beat needs.
#include "sw/base/rng.h"
#include "sw/circuit/facts.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CASES = 3000 };

struct matrix {
  int64_t beats, outs, lanes, groups;
  bool *kept; // (beats, outs)
};

// All densities, some beats without anything, sometimes one output only.
static struct matrix matrix_new(struct arena *a, uint64_t seed) {
  struct rng r = {seed, 0};
  struct matrix m = {.beats = rng_range(&r, 1, 12), .lanes = rng_range(&r, 1, 5)};
  m.groups = rng_range(&r, SPARSE_GROUPS_LEAST, 9);
  m.outs = m.groups * m.lanes - rng_range(&r, 0, m.lanes - 1);
  m.kept = ARENA_NEW(a, bool, m.beats *m.outs);
  int64_t percent = rng_range(&r, 0, 100), only = rng_range(&r, 0, 3) ? -1 : m.outs / 2;
  for (int64_t b = 0; b < m.beats; b++) {
    bool nothing = rng_range(&r, 0, 4) == 0;
    for (int64_t o = 0; o < m.outs; o++)
      m.kept[b * m.outs + o] = only >= 0 ? o == only : !nothing && rng_range(&r, 1, 100) <= percent;
  }
  return m;
}

// What the fullest lane of a beat needs, at least one step.
static int64_t needed(const struct matrix *m, int64_t beat) {
  int64_t most = 1;
  if (beat == m->beats - 1) return m->groups;
  for (int64_t lane = 0; lane < m->lanes; lane++) {
    int64_t own = 0;
    for (int64_t o = lane; o < m->outs; o += m->lanes) own += m->kept[beat * m->outs + o];
    most = own > most ? own : most;
  }
  return most;
}

static bool in_order(const struct matrix *m, const struct sparse *s) {
  int64_t at = 0;
  for (int64_t b = 0; b < m->beats; b++)
    for (int64_t i = 0; i < s->steps[b]; i++, at++)
      if (at >= s->words || s->beat[at] != b) return false;
  return at == s->words;
}

// Each kept vector once where its lane isn't idle; all others never, but in the last beat.
static bool covers(struct arena *a, const struct matrix *m, const struct sparse *s) {
  int *times = ARENA_NEW(a, int, m->beats * m->groups * m->lanes);
  for (int64_t at = 0; at < s->words * m->lanes; at++) {
    int64_t group = s->group[at], lane = at % m->lanes, beat = s->beat[at / m->lanes];
    if (group < 0 || group >= m->groups) return false;
    if (!s->idle[at]) times[(beat * m->groups + group) * m->lanes + lane]++;
  }
  for (int64_t b = 0; b < m->beats; b++)
    for (int64_t o = 0; o < m->groups * m->lanes; o++) {
      bool last = b == m->beats - 1, kept = o < m->outs && m->kept[b * m->outs + o];
      if (times[b * m->groups * m->lanes + o] != (kept || last)) return false;
    }
  return true;
}

static bool apart(const struct matrix *m, const struct sparse *s) {
  for (int64_t at = m->lanes; at < s->words * m->lanes; at++)
    if (s->group[at] == s->group[at - m->lanes]) return false;
  return true;
}

// A lane's first step on a group in the row, and no other.
static bool begins(struct arena *a, const struct matrix *m, const struct sparse *s) {
  bool *seen = ARENA_NEW(a, bool, m->groups * m->lanes);
  for (int64_t at = 0; at < s->words * m->lanes; at++) {
    bool *own = &seen[s->group[at] * m->lanes + at % m->lanes];
    if (s->first[at] == *own) return false;
    *own = true;
  }
  return true;
}

static bool ends(const struct matrix *m, const struct sparse *s) {
  int64_t begin = s->words - m->groups;
  for (int64_t at = 0; at < m->groups * m->lanes; at++)
    if (s->group[begin * m->lanes + at] != at / m->lanes) return false;
  return true;
}

// At most two more steps in a beat, and only where a lane has nothing else to name.
static bool is_short(const struct matrix *m, const struct sparse *s) {
  for (int64_t b = 0; b < m->beats; b++) {
    int64_t more = s->steps[b] - needed(m, b);
    if (more < 0 || more > 2 || (more && needed(m, b) > 2)) return false;
  }
  return true;
}

static const char *wrong(struct arena *a, const struct matrix *m, const struct sparse *s) {
  if (!in_order(m, s)) return "steps aren't those of the beats in order";
  if (!covers(a, m, s)) return "a vector is left out, or comes twice";
  if (!apart(m, s)) return "a lane names a group twice in a row";
  if (!begins(a, m, s)) return "a lane begins elsewhere";
  if (!ends(m, s)) return "the last beat isn't in order";
  if (!is_short(m, s)) return "there are more steps than needed";
  return NULL;
}

static void test_random(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= CASES; seed++) {
    struct arena a = {0};
    struct matrix m = matrix_new(&a, seed);
    struct sparse *s = sparse_new(&a, m.kept, m.beats, m.outs, m.lanes);
    const char *why = wrong(&a, &m, s);
    if (why) fail_msg("seed %d: %s", (int)seed, why);
    arena_free(&a);
  }
}

// A beat ends with another group than the next begins with where it has two: no step is lost.
static void test_order(void **state) {
  (void)state;
  struct arena a = {0};
  bool kept[9] = {[0] = true, [1] = true, [4] = true}; // 3 beats of 3 outputs: 0 and 1, then 1
  struct sparse *s = sparse_new(&a, kept, 3, 3, 1);
  assert_int_equal(s->words, 6);
  assert_int_equal(s->group[0], 1);
  bool same[9] = {[1] = true, [4] = true}; // 1, then 1 again: a wait between them
  s = sparse_new(&a, same, 3, 3, 1);
  assert_int_equal(s->words, 6);
  arena_free(&a);
}

// A word as hw/fixed_linear_schedule.sv takes it apart.
static void test_words(void **state) {
  (void)state;
  struct arena a = {0};
  // 3 groups of 2 lanes; output 5 alone for the first beat
  bool kept[12] = {[5] = true, [6] = true};
  struct sparse *s = sparse_new(&a, kept, 2, 6, 2);
  assert_int_equal(s->words, 4);
  assert_int_equal(sparse_word_bits(s, 3), 7);
  for (int64_t word = 0; word < s->words; word++) {
    int64_t code = 0;
    for (int64_t i = 0; i < 7; i++) code |= (int64_t)sparse_word_bit(s, 3, word, i) << i;
    const int32_t *g = &s->group[word * 2];
    const bool *first = &s->first[word * 2];
    int64_t last = word == 0 || word == 3;
    assert_int_equal(code, g[0] | first[0] << 2 | g[1] << 3 | first[1] << 5 | last << 6);
  }
  assert_int_equal(s->group[1], 2);
  assert_false(s->idle[1]);
  assert_true(s->idle[0]);
  arena_free(&a);
}

// A broken schedule isn't taken for a whole one.
static void test_can_fail(void **state) {
  (void)state;
  int found = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct arena a = {0};
    struct matrix m = matrix_new(&a, seed);
    struct sparse *s = sparse_new(&a, m.kept, m.beats, m.outs, m.lanes);
    int32_t *group = (int32_t *)(uintptr_t)s->group;
    bool *idle = (bool *)(uintptr_t)s->idle, *first = (bool *)(uintptr_t)s->first;
    int64_t at = (int64_t)(seed * 7) % (s->words * m.lanes);
    if (seed % 3 == 0) group[at] = (int32_t)((group[at] + 1) % m.groups);
    if (seed % 3 == 1) idle[at] = !idle[at];
    if (seed % 3 == 2) first[at] = !first[at];
    found += wrong(&a, &m, s) != NULL;
    arena_free(&a);
  }
  assert_int_equal(found, 200);
}

// Layers of random networks with masks: cycles are those of their schedules, and none is slower
// than without.
static void test_layers(void **state) {
  (void)state;
  int scheduled = 0;
  static const enum op ops[] = {OP_linear, OP_conv2d, OP_conv1d};
  for (uint64_t seed = 1; seed <= 400; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct graph *g = netgen(&a, seed, ops[seed % 3], NETGEN_CIRCUIT);
    struct folding f = circuit_folding(&a, g, seed);
    const struct circuit *p = circuit_build(&a, g, "top", &f, &e);
    if (!p) fail_msg("seed %d: %s", (int)seed, e.text);
    for (uint32_t i = 0; i < p->n_cells; i++) {
      const struct cell *c = &p->cells[i];
      if (c->kind != CELL_LAYER || !op_is(g->nodes[c->node].op, TRAIT_WEIGHTS)) continue;
      const struct circuit_linear *l = c->facts;
      if (!l->sparse) continue;
      scheduled++;
      assert_non_null(node_in(g, &g->nodes[c->node], 1)->mask);
      assert_int_equal(c->cycles, l->rows * l->words);
      assert_true(l->words < l->ib * l->og && l->words >= l->ib - 1 + l->og);
      assert_int_equal(l->sets, 1);
    }
    arena_free(&a);
  }
  assert_true(scheduled > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_order),
                                     cmocka_unit_test(test_words), cmocka_unit_test(test_can_fail),
                                     cmocka_unit_test(test_layers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
