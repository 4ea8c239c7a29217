// SPDX-License-Identifier: Apache-2.0
// Samplers: what each promises, mixtures against their definition, fronts against brute force, and
// how good they are on spaces whose values are known.
#include "search/draw.h"
#include "search/importance.h"
#include "search/pareto.h"
#include "search/parzen.h"
#include "tests/search/helper_spaces.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct search_space make(struct arena *a, const char *json) {
  struct search_space s;
  struct err e = {0};
  if (!space_parse(a, json, strlen(json), &s, &e)) fail_msg("%s", e.text);
  return s;
}

#define TREE                                                                                       \
  "{\"parameters\":{\"kind\":{\"choices\":[\"a\",\"b\",\"c\"]},"                                   \
  "\"x\":{\"int\":[0,3],\"when\":{\"kind\":[\"a\",\"b\"]}},"                                       \
  "\"y\":{\"float\":[0,1,0.5],\"when\":{\"kind\":\"b\",\"x\":[1,2]}},\"z\":{\"int\":[5,6]}}}"

// (a: 4) + (b: 4, of which 2 have 3 values of y) + (c: 1), times 2.
static void test_grid(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s = make(&a, TREE);
  struct history h = {.objectives = 1};
  double x[26][4];
  assert_int_equal(sampler_points(&s, 1000), 26);
  assert_int_equal(sampler_points(&s, 7), 7);
  for (int i = 0; i < 26; i++) {
    assert_true(sampler_propose(SAMPLER_GRID, &s, &h, 1, i, x[i]) && space_contains(&s, x[i]));
    for (int k = 0; k < i; k++) assert_false(space_same(&s, x[i], x[k]));
  }
  assert_false(sampler_propose(SAMPLER_GRID, &s, &h, 1, 26, x[0]));
  struct err e = {0};
  struct search_space c = make(&a, "{\"parameters\":{\"f\":{\"float\":[0,1]}}}");
  assert_false(sampler_check(SAMPLER_GRID, &c, &e));
  assert_non_null(strstr(e.text, "\"f\""));
  arena_free(&a);
}

// A proposal depends on seed, number and history alone; a parameter's random value on nothing else.
static void test_reproducible(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s = make(&a, TREE);
  struct search_space more =
      make(&a, "{\"parameters\":{\"new\":{\"int\":[0,9]},\"z\":{\"int\":[5,6]},"
               "\"kind\":{\"choices\":[\"a\",\"b\",\"c\"]}}}");
  struct seen list[60];
  static double points[60][4], values[60];
  for (int sampler = SAMPLER_RANDOM; sampler < SAMPLERS; sampler++) {
    struct history h = {.objectives = 1, .list = list};
    int others = 0;
    for (; h.n < 60; h.n++) {
      double again[4], other[4];
      double *x = points[h.n];
      sampler_propose((enum sampler)sampler, &s, &h, 3, h.n, x);
      sampler_propose((enum sampler)sampler, &s, &h, 3, h.n, again);
      sampler_propose((enum sampler)sampler, &s, &h, 4, h.n, other);
      assert_true(space_contains(&s, x) && space_same(&s, x, again));
      others += !space_same(&s, x, other);
      values[h.n] = x[0] + x[3] + (isnan(x[1]) ? 0 : x[1]);
      list[h.n] = (struct seen){h.n, TRIAL_COMPLETE, x, &values[h.n], -1, 0};
    }
    assert_true(others > 10);
  }
  double x[4], y[3];
  for (int i = 0; i < 20; i++) {
    random_propose(&s, 3, i, x);
    random_propose(&more, 3, i, y);
    assert_true(x[0] == y[2] && x[3] == y[1]);
  }
  arena_free(&a);
}

// ---- mixtures

static const char mixed[] =
    "{\"parameters\":{\"i\":{\"int\":[-3,9,4]},\"l\":{\"int\":[1,40],\"log\":true},"
    "\"f\":{\"float\":[0,1,0.125]},\"c\":{\"choices\":[1,2,3]}}}";

// Probabilities of all points of a space add up to 1, whatever was seen; the fast sum is the plain.
static void test_mixture(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s = make(&a, mixed);
  uint32_t params[4] = {0, 1, 2, 3};
  int64_t points = sampler_points(&s, 1 << 20);
  double **all = ARENA_NEW(&a, double *, points), *fast = ARENA_NEW(&a, double, points),
         *plain = ARENA_NEW(&a, double, points);
  struct history none = {.objectives = 1};
  for (int64_t i = 0; i < points; i++) {
    all[i] = ARENA_NEW(&a, double, 4);
    sampler_propose(SAMPLER_GRID, &s, &none, 0, i, all[i]);
  }
  for (uint32_t n = 0; n < 40; n += 13) {
    const double *seen[40];
    double weight[40];
    for (uint32_t i = 0; i < n; i++) {
      double *x = ARENA_NEW(&a, double, 4);
      random_propose(&s, 7, i, x);
      seen[i] = x;
      weight[i] = 1 + i % 3;
    }
    for (uint32_t of = 1; of <= 4; of += 3) {
      struct parzen *p = parzen_new(&a, &s, of, params, n, seen, weight);
      double sum = 0;
      parzen_score(&a, p, (uint32_t)points, all, fast);
      parzen_score_ref(&a, p, (uint32_t)points, all, plain);
      for (int64_t i = 0; i < points; i++) {
        assert_true(fabs(fast[i] - plain[i]) < 1e-9);
        sum += exp(fast[i]);
      }
      // of the first parameter alone each value stands there once for each of the others
      assert_true(fabs(sum / (of == 1 ? (double)points / 4 : 1) - 1) < 1e-3);
    }
  }
  arena_free(&a);
}

// Two observations of one number, by the definition: deviations are the gap between them, the
// density at a point the mean of three cut normals.
static void test_kernels(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s = make(&a, "{\"parameters\":{\"f\":{\"float\":[0,1]}}}");
  const double p0 = 0.2, p1 = 0.6, weight[2] = {1, 1};
  const double *seen[2] = {&p0, &p1};
  uint32_t param = 0;
  struct parzen *p = parzen_new(&a, &s, 1, &param, 2, seen, weight);
  double at = 0.3, *x = &at, score, expected = 0;
  const double mu[3] = {0.2, 0.6, 0.5}, sigma[3] = {0.4, 0.4, 1};
  for (int i = 0; i < 3; i++) {
    double inside =
        0.5 * (erf((1 - mu[i]) / sigma[i] / sqrt(2)) - erf(-mu[i] / sigma[i] / sqrt(2)));
    expected +=
        exp(-0.5 * pow((at - mu[i]) / sigma[i], 2)) / (sigma[i] * sqrt(8 * atan(1)) * inside) / 3;
  }
  parzen_score(&a, p, 1, &x, &score);
  assert_true(fabs(exp(score) - expected) < 1e-9);
  // Draws follow it: the share below 0.3.
  int below = 0;
  for (int i = 0; i < 4000; i++) {
    parzen_sample(p, 5, i, 1, &x);
    assert_true(at >= 0 && at <= 1);
    below += at < 0.3;
  }
  double share = 0;
  for (int i = 0; i < 3; i++) {
    double low = erf(-mu[i] / sigma[i] / sqrt(2)), high = erf((1 - mu[i]) / sigma[i] / sqrt(2));
    share += (erf((0.3 - mu[i]) / sigma[i] / sqrt(2)) - low) / (high - low) / 3;
  }
  assert_true(fabs(below / 4000.0 - share) < 0.03);
  arena_free(&a);
}

// ---- fronts

static void test_fronts(void **state) {
  (void)state;
  struct arena a = {0};
  enum { N = 60 };
  for (int m = 2; m <= 3; m++) {
    double v[N][3];
    const double *points[N];
    uint32_t rank[N], all[N];
    for (int i = 0; i < N; i++) {
      struct draw d = draw_new(9, i, m == 2 ? "2" : "3");
      for (int k = 0; k < 3; k++) v[i][k] = draw_below(&d, 12);
      points[i] = v[i];
    }
    pareto_rank(&a, N, m, points, N, all);
    pareto_rank(&a, N, m, points, 5, rank);
    for (int i = 0; i < N; i++) {
      // its rank is one more than the largest of those that dominate it
      uint32_t expected = 0;
      for (int k = 0; k < N; k++)
        if (pareto_dominates(m, v[k], v[i]) && all[k] + 1 > expected) expected = all[k] + 1;
      assert_int_equal(all[i], expected);
      assert_true(rank[i] == all[i] || (rank[i] == UINT32_MAX && all[i] > 0));
    }
    // the volume of whole numbers, cell by cell
    const double reference[3] = {10, 11, 9};
    int cells = 0;
    for (int c = 0; c < 12 * 12 * (m == 3 ? 12 : 1); c++) {
      double at[3] = {c % 12, c / 12 % 12, c / 144};
      bool covered = false, inside = true;
      for (int k = 0; k < m; k++) inside &= at[k] < reference[k];
      for (int i = 0; i < N; i++) {
        bool of = true;
        for (int k = 0; k < m; k++) of &= v[i][k] <= at[k];
        covered |= of;
      }
      cells += inside && covered;
    }
    assert_true(pareto_volume(&a, N, m, points, reference) == cells);
  }
  const double one[3] = {4, 2, 7}, below = 9;
  const double *single[3] = {&one[0], &one[1], &one[2]};
  assert_true(pareto_volume(&a, 3, 1, single, &below) == 7);
  assert_true(pareto_volume(&a, 0, 1, single, &below) == 0);
  const double line[4][2] = {{0, 9}, {1, 5}, {4, 3}, {9, 0}};
  const double *points[4] = {line[0], line[1], line[2], line[3]};
  double distance[4];
  pareto_crowding(&a, 4, 2, points, distance);
  assert_true(isinf(distance[0]) && isinf(distance[3]));
  assert_true(fabs(distance[1] - (4.0 / 9 + 6.0 / 9)) < 1e-12);
  arena_free(&a);
}

// A point that was tried isn't proposed again while there are others.
static void test_no_repeats(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s =
      make(&a, "{\"parameters\":{\"x\":{\"int\":[0,9]},\"y\":{\"int\":[0,9]}}}");
  for (int sampler = SAMPLER_TPE; sampler <= SAMPLER_NSGA2; sampler++) {
    static struct seen list[70];
    static double x[70][2], y[70];
    struct history h = {.objectives = 1, .list = list};
    int repeats = 0;
    for (; h.n < 70; h.n++) {
      double *p = x[h.n];
      sampler_propose((enum sampler)sampler, &s, &h, 5, h.n, p);
      bool again = false;
      for (uint32_t i = 0; i < h.n; i++) again |= space_same(&s, p, x[i]);
      assert_int_equal(again, history_has(&s, &h, p));
      repeats += h.n >= 20 && again; // behind those at random
      y[h.n] = (p[0] - 3) * (p[0] - 3) + (p[1] - 6) * (p[1] - 6);
      list[h.n] = (struct seen){h.n, TRIAL_COMPLETE, p, &y[h.n], -1, 0};
    }
    assert_true(repeats <= (sampler == SAMPLER_NSGA2 ? 0 : 5));
  }
  arena_free(&a);
}

// NSGA-II goes through a small space once, its first points at random too, and then says so.
static void test_small_space(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s =
      make(&a, "{\"parameters\":{\"x\":{\"int\":[0,5]},\"c\":{\"choices\":[1,2,3,4]},"
               "\"z\":{\"int\":[0,1],\"when\":{\"c\":2}}}}");
  static struct seen list[64];
  static double x[64][3], y[64];
  struct history h = {.objectives = 1, .list = list};
  while (sampler_propose(SAMPLER_NSGA2, &s, &h, 5, h.n, x[h.n])) {
    assert_false(history_has(&s, &h, x[h.n]));
    y[h.n] = x[h.n][0];
    list[h.n] = (struct seen){h.n, TRIAL_COMPLETE, x[h.n], &y[h.n], -1, 0};
    h.n++;
  }
  assert_int_equal(h.n, 30); // 6 times 3, and twice 6
  assert_false(sampler_untried(&s, &h, x[63]));
  // one of them untried: it is found
  list[7] = list[8];
  assert_true(sampler_untried(&s, &h, x[63]) && space_same(&s, x[63], x[7]));
  struct search_space endless = make(&a, "{\"parameters\":{\"f\":{\"float\":[0,1]}}}");
  assert_true(sampler_untried(&endless, &h, x[63]));
  arena_free(&a);
}

// What breaks a limit has no children, however small its value.
static void test_limits(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s =
      make(&a, "{\"parameters\":{\"x\":{\"int\":[0,999]},\"y\":{\"int\":[0,999]}}}");
  for (int sampler = SAMPLER_TPE; sampler <= SAMPLER_NSGA2; sampler++) {
    static struct seen list[200];
    static double x[200][2];
    struct history h = {.objectives = 1, .list = list};
    double late = 0;
    for (; h.n < 200; h.n++) {
      double *p = x[h.n];
      sampler_propose((enum sampler)sampler, &s, &h, 2, h.n, p);
      list[h.n] = (struct seen){h.n, TRIAL_COMPLETE, p, p + 1, -1, p[0] < 500 ? 500 - p[0] : 0};
      if (h.n >= 160) late += p[0] < 500 ? 1 : 0;
    }
    assert_true(late < 15); // of 40; half of them at random
  }
  arena_free(&a);
}

// Trials that run count as bad: another worker goes elsewhere.
static void test_liar(void **state) {
  (void)state;
  struct arena a = {0};
  struct search_space s = make(&a, "{\"parameters\":{\"x\":{\"float\":[0,1]}}}");
  struct seen list[31];
  double x[32];
  struct history h = {.objectives = 1, .list = list};
  for (; h.n < 30; h.n++) {
    x[h.n] = h.n / 30.0;
    list[h.n] = (struct seen){h.n, TRIAL_COMPLETE, &x[h.n], &x[h.n], -1, 0};
  }
  double alone, beside;
  tpe_propose(&s, &h, 1, 31, &alone);
  x[30] = alone;
  list[30] = (struct seen){30, TRIAL_RUNNING, &x[30], NULL, -1, 0};
  h.n++;
  tpe_propose(&s, &h, 1, 31, &beside);
  assert_true(alone != beside && alone < 0.3);
  arena_free(&a);
}

// y = 3 a + b on levels of equal distance, c without effect: shares 9 to 1; a parameter that is
// there in half of the trials explains what its absence does.
static void test_importance(void **state) {
  (void)state;
  struct arena a = {0};
  enum { N = 400 };
  static const struct param p[3] = {
      {.name = "a", .kind = PARAM_INT, .low = 0, .high = 4, .step = 1},
      {.name = "b", .kind = PARAM_FLOAT, .low = 0, .high = 4},
      {.name = "c", .kind = PARAM_INT, .low = 0, .high = 99, .step = 1}};
  static struct trial trials[N + 1];
  static uint32_t numbers[N + 1];
  static double values[N];
  static struct trial_param params[N][3];
  for (uint32_t i = 0; i < N; i++) {
    struct draw d = draw_new(1, i, "");
    for (int k = 0; k < 3; k++)
      params[i][k] = (struct trial_param){p[k].name, param_uniform(&p[k], draw_unit(&d)), &p[k]};
    values[i] = 3 * params[i][0].value + params[i][1].value;
    trials[i] = (struct trial){.id = i,
                               .state = TRIAL_COMPLETE,
                               .n_values = 1,
                               .values = &values[i],
                               .n_params = 3,
                               .params = params[i]};
    numbers[i] = i;
  }
  numbers[N] = N; // a failure changes nothing
  trials[N] = (struct trial){.id = N, .state = TRIAL_FAIL};
  struct journal j = {.n_trials = N + 1, .trials = trials};
  struct journal_study s = {.n_directions = 1, .n_trials = N + 1, .trials = numbers};
  struct importance list[IMPORTANCE_PARAMS_MOST];
  assert_int_equal(importance_of(&a, &j, &s, 0, list), 3);
  assert_string_equal(list[0].name, "a");
  assert_string_equal(list[1].name, "b");
  assert_true(list[0].share > 0.85 && list[0].share < 0.97);
  assert_true(list[1].share > 0.03 && list[1].share < 0.15);
  assert_true(list[2].share < 0.02);
  for (uint32_t i = 0; i < N; i++) {
    values[i] = i % 2;
    if (i % 2) trials[i].n_params = 2;
  }
  importance_of(&a, &j, &s, 0, list);
  assert_string_equal(list[0].name, "c");
  assert_true(list[0].share > 0.99);
  arena_free(&a);
}

// ---- how good

static double mean(const struct exact *x, int which, enum sampler s, uint32_t trials) {
  enum { SEEDS = 6 };
  static double best[400];
  double sum = 0;
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    exact_study(x, which, s, seed, trials, best);
    sum += best[trials - 1];
  }
  return sum / SEEDS;
}

// Bounds that random search doesn't reach.
static void test_exact_spaces(void **state) {
  (void)state;
  struct arena a = {0};
  const struct exact *x = exact_new(&a);
  static const struct {
    int which;
    uint32_t trials;
    double bound;
  } rows[] = {{EXACT_LAB3COST, 100, 240},
              {EXACT_WA, 200, 184},
              {EXACT_FORMATS, 200, 54.5},
              {EXACT_SYNTH12, 200, 350}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double tpe = mean(x, rows[i].which, SAMPLER_TPE, rows[i].trials);
    double random = mean(x, rows[i].which, SAMPLER_RANDOM, rows[i].trials);
    if (!(tpe <= rows[i].bound && random > rows[i].bound))
      fail_msg("space %d: tpe %g, random %g, bound %g", rows[i].which, tpe, random, rows[i].bound);
  }
  assert_true(mean(x, EXACT_WA_MULTI, SAMPLER_TPE, 200) >= 0.96);
  assert_true(mean(x, EXACT_WA_MULTI, SAMPLER_NSGA2, 400) >= 0.98);
  assert_true(mean(x, EXACT_WA_MULTI, SAMPLER_RANDOM, 400) < 0.96);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grid),        cmocka_unit_test(test_reproducible),
      cmocka_unit_test(test_mixture),     cmocka_unit_test(test_kernels),
      cmocka_unit_test(test_fronts),      cmocka_unit_test(test_no_repeats),
      cmocka_unit_test(test_small_space), cmocka_unit_test(test_limits),
      cmocka_unit_test(test_liar),        cmocka_unit_test(test_importance),
      cmocka_unit_test(test_exact_spaces)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
