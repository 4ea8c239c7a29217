// SPDX-License-Identifier: Apache-2.0
// Which channels are pruned for what accuracy: beside all sets of few channels, and never worse
// than what a file prunes itself.
#include "sw/plan/remat_prune.h"
#include "tests/plan/helper_steps.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void is_replayed(struct arena *a, const struct remat_pruned *r) {
  struct err e = {0};
  struct replay_result x;
  const struct replay_plan *p = &r->plan.plan;
  assert_true(replay_run(a, p, &replay_modes[1], &x, &e));
  if (x.refused) fail_msg("%s at %g, %s: %s", x.refused, x.at, x.op, x.why);
  assert_true(x.total == r->plan.total && x.accuracy >= p->target && x.peak <= p->limit);
}

// Losses of up to a twentieth each; some are gains.
static void draw_losses(struct arena *a, struct rng *rng, const struct replay_plan *p,
                        double most) {
  for (uint32_t i = 0; i < p->n_operators; i++) {
    struct replay_operator *o = (struct replay_operator *)&p->operators[i];
    double *loss = ARENA_NEW(a, double, o->out);
    for (uint32_t c = 0; c < o->out; c++) loss[c] = (double)rng_range(rng, -1, 20) / 20 * most;
    o->loss = loss;
  }
}

static uint32_t channels_of(const struct replay_plan *p) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < p->n_operators; i++) count += p->operators[i].out;
  return count;
}

// The figure of the best set, found here by planning each.
static double best_of_all(struct arena *a, const struct replay_plan *p, enum remat_goal goal) {
  double best = (double)INFINITY;
  uint32_t count = channels_of(p);
  for (uint32_t bits = 0; bits < 1u << count; bits++) {
    struct replay_plan q = *p;
    struct replay_decision *d = ARENA_NEW(a, struct replay_decision, count);
    struct remat_plan r;
    struct err e = {0};
    q.n_decisions = 0;
    q.decisions = d;
    for (uint32_t i = 0, at = 0; i < p->n_operators; i++)
      for (uint32_t c = 0; c < p->operators[i].out; c++, at++)
        if (bits >> at & 1)
          d[q.n_decisions++] = (struct replay_decision){
              .action = REPLAY_PRUNE,
              .op = i,
              .block = -1,
              .channels = {1, arena_copy(a, (uint32_t[]){c, c + 1}, 2 * sizeof(uint32_t))}};
    if (goal == REMAT_MEMORY && !remat_least_of(a, &q, &q.limit, &e)) continue;
    if (!remat_make(a, &q, NULL, &r, &e)) continue;
    double figure = goal == REMAT_MEMORY ? q.limit : r.total;
    if (figure < best) best = figure;
  }
  return best;
}

static void greed_is_near_the_best(void **state) {
  (void)state;
  struct rng rng = {.seed = 21};
  double sum[2] = {0}, worst[2] = {0};
  int count[2] = {0}, same[2] = {0}, enumerated = 0;
  for (int seed = 0; seed < 160; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct remat_pruned exact, greedy;
    struct replay_plan p = steps_random(&a, &rng, (uint32_t)rng_range(&rng, 1, 4), seed % 4 < 2);
    enum remat_goal goal = seed % 2 ? REMAT_MEMORY : REMAT_TIME;
    p.n_decisions = 0;
    draw_losses(&a, &rng, &p, 0.05);
    p.target = 1 - (double)rng_range(&rng, 1, 8) / 50;
    if (channels_of(&p) <= 8) {
      assert_true(remat_prune(&a, &p, goal, REMAT_EXACT_MAX, &exact, &e));
      assert_true(remat_prune(&a, &p, goal, 0, &greedy, &e));
      is_replayed(&a, &exact);
      is_replayed(&a, &greedy);
      assert_true(exact.exact && !greedy.exact);
      double best = goal == REMAT_MEMORY ? exact.plan.plan.limit : exact.plan.total;
      double found = goal == REMAT_MEMORY ? greedy.plan.plan.limit : greedy.plan.total;
      assert_true(found >= best);
      if (enumerated < 24 && channels_of(&p) <= 6 && ++enumerated)
        assert_true(best_of_all(&a, &p, goal) == best);
      double gap = best > 0 ? found / best : 1;
      sum[goal] += gap;
      count[goal]++;
      same[goal] += gap == 1;
      if (gap > worst[goal]) worst[goal] = gap;
    }
    arena_free(&a);
  }
  for (int g = 0; g < 2; g++)
    print_message("%s: %d of %d the best, mean %.4f, worst %.4f\n", g ? "memory" : "time", same[g],
                  count[g], sum[g] / count[g], worst[g]);
  assert_true(count[0] > 25 && count[1] > 25 && enumerated > 15);
  assert_true(sum[0] / count[0] < 1.009 && sum[1] / count[1] < 1.012);
  assert_true(same[0] >= 60 && same[1] >= 51);
}

// A step of 155 operators, with losses that are drawn: at the accuracy of what it prunes itself,
// and at another.
static void never_worse_than_its_own(void **state) {
  (void)state;
  struct rng rng = {.seed = 22};
  for (int k = 0; k < 3; k++) {
    struct arena a = {0};
    struct err e = {0};
    struct replay_file f;
    struct remat_pruned r;
    struct remat_plan own;
    if (!replay_read(&a, "tests/plan/fixtures/mcunet-320kb.json", &f, &e)) fail_msg("%s", e.text);
    struct replay_plan p = *f.plans;
    enum remat_goal goal = k == 2 ? REMAT_MEMORY : REMAT_TIME;
    draw_losses(&a, &rng, &p, 1e-4);
    p.target = 0;
    p.limit = k == 1 ? 900000 : 2097152;
    assert_true(remat_make(&a, &p, NULL, &own, &e));
    p.target = own.accuracy;
    if (!remat_prune(&a, &p, goal, REMAT_EXACT_MAX, &r, &e)) fail_msg("%s", e.text);
    is_replayed(&a, &r);
    double figure = goal == REMAT_MEMORY ? r.plan.plan.limit : r.plan.total;
    print_message("accuracy %.4f: own %.4f, chosen %.4f, accuracy %.4f, %u of %u channels\n",
                  own.accuracy, r.own, figure, r.plan.accuracy, r.channels, r.of);
    assert_true(goal == REMAT_MEMORY ? r.own == own.least : r.own == own.total);
    static const double most[] = {152.5, 162.3, 557712};
    assert_true(figure < r.own && figure <= most[k]);
    arena_free(&a);
  }
}

// Where nothing may be lost nothing is pruned, but for gains; and what can't fit is said.
static void targets_are_kept(void **state) {
  (void)state;
  struct rng rng = {.seed = 23};
  struct arena a = {0};
  struct err e = {0};
  struct remat_pruned r;
  struct replay_plan p = steps_random(&a, &rng, 6, true);
  p.n_decisions = 0;
  for (uint32_t i = 0; i < 6; i++) {
    double *loss = (double *)p.operators[i].loss;
    for (uint32_t c = 0; c < p.operators[i].out; c++) loss[c] = 0.01;
  }
  p.target = 1;
  assert_true(remat_prune(&a, &p, REMAT_TIME, 0, &r, &e));
  assert_int_equal(r.channels, 0);
  p.target = 0.985;
  assert_true(remat_prune(&a, &p, REMAT_TIME, 0, &r, &e));
  assert_true(r.channels == 1 && r.plan.accuracy == 0.99);
  p.limit = 1;
  assert_false(remat_prune(&a, &p, REMAT_TIME, 0, &r, &e));
  assert_non_null(strstr(e.text, "no plan fits"));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(greed_is_near_the_best),
                                     cmocka_unit_test(never_worse_than_its_own),
                                     cmocka_unit_test(targets_are_kept)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
