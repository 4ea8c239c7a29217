// SPDX-License-Identifier: Apache-2.0
// Plans of training steps: what they reach, that the replay and a slow judge say the same of them,
// and how far the search is from the best of all choices.
#include "sw/base/file.h"
#include "sw/plan/remat_parts.h"
#include "tests/plan/helper_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER "tests/plan/fixtures/"

static struct replay_plan mcunet(struct arena *a) {
  struct err e = {0};
  struct replay_file f;
  if (!replay_read(a, FOLDER "mcunet-320kb.json", &f, &e)) fail_msg("%s", e.text);
  return *f.plans;
}

static struct remat_plan made(struct arena *a, const struct replay_plan *p) {
  struct err e = {0};
  struct remat_plan r;
  if (!remat_make(a, p, NULL, &r, &e)) fail_msg("%s", e.text);
  return r;
}

static bool near(double a, double b) {
  return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

// What the replay finds is what the plan says, in both modes that know its version.
static void is_replayed(struct arena *a, const struct remat_plan *r) {
  struct err e = {0};
  struct replay_result x;
  for (int m = 1; m < REPLAY_MODES; m++) {
    assert_true(replay_run(a, &r->plan, &replay_modes[m], &x, &e));
    if (x.refused)
      fail_msg("%s: %s at %g, %s: %s", replay_modes[m].name, x.refused, x.at, x.op, x.why);
    if (x.total != r->total) fail_msg("%.17g ms, expected %.17g", x.total, r->total);
    assert_true(m == 1 ? near(x.peak, r->peak) : x.peak <= r->plan.limit);
  }
  assert_true(r->peak <= r->plan.limit && r->total >= r->bound * (1 - 1e-12));
}

// ---- a training step of 155 operators

static void mcunet_is_planned(void **state) {
  (void)state;
  static const struct {
    double limit, rate;
    bool unpruned;
    double most; // ms
  } cases[] = {{2097152, 1, false, 237.6},
               {943718, 1, false, 250.8},
               {2097152, 1, true, 384.5},
               {2097152, 0.1, false, 423.5},
               {863520, 1, false, 253.9}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    struct arena a = {0};
    struct replay_plan p = mcunet(&a);
    p.limit = cases[k].limit;
    p.rate[REPLAY_IN] *= cases[k].rate;
    p.rate[REPLAY_OUT] *= cases[k].rate;
    if (cases[k].unpruned) p.n_decisions = 0;
    struct remat_plan r = made(&a, &p);
    is_replayed(&a, &r);
    print_message("%.0f bytes: %.4f ms, %lld trials\n", p.limit, r.total, (long long)r.trials);
    assert_true(r.total <= cases[k].most);
    assert_true(r.plan.version == 2 && r.recomputed > 0);
    assert_true(near(r.busy[REPLAY_CPU], r.bound + r.recomputed) || cases[k].unpruned ||
                cases[k].rate < 1);
    arena_free(&a);
  }
}

static void least_is_named(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct remat_plan r;
  struct replay_plan p = mcunet(&a);
  p.limit = 863519;
  assert_false(remat_make(&a, &p, NULL, &r, &e));
  assert_string_equal(e.text, "no plan fits: block3.6 backward needs 669520 more, 194000 of 863519 "
                              "in use; the least that works is 863520");
  arena_free(&a);
}

// With room for everything nothing is spilt, nor made again.
static void all_is_kept_where_it_fits(void **state) {
  (void)state;
  struct arena a = {0};
  struct replay_plan p = mcunet(&a);
  p.limit = 7e6;
  struct remat_plan r = made(&a, &p);
  is_replayed(&a, &r);
  assert_true(r.plan.version == 1 || r.recomputed == 0);
  assert_true(r.count[REMAT_KEEP] == r.n_waits && r.total < 226.4);
  arena_free(&a);
}

// ---- at random

static struct remat_net net_of(struct arena *a, const struct replay_plan *p) {
  struct err e = {0};
  struct remat_net n;
  if (!remat_net_make(&n, a, p, &e)) fail_msg("%s", e.text);
  return n;
}

static void choose_at_random(struct rng *rng, const struct remat_net *n, uint8_t *choice) {
  for (uint32_t v = 0; v < n->n_values; v++) {
    bool again = n->values[v].kind == WAIT_INPUT && n->ops[n->values[v].op].n_before;
    choice[v] = (uint8_t)rng_range(rng, 0, again ? REMAT_AGAIN : REMAT_SPILL);
  }
}

// The planner's clock says what the replay says, whatever is chosen: time, and whether it fits.
static void clock_is_the_replays(void **state) {
  (void)state;
  struct rng rng = {.seed = 7};
  int fit = 0, full = 0, remade = 0;
  for (int seed = 0; seed < 4000; seed++) {
    struct arena a = {0};
    struct err e = {0};
    uint32_t count = (uint32_t)rng_range(&rng, 1, 9);
    struct replay_plan p = seed % 8 < 2 ? steps_wide(&a, &rng, count, seed % 2)
                                        : steps_random(&a, &rng, count, seed % 2);
    if (seed % 5 == 0) steps_shuffle(&a, &rng, &p);
    struct remat_net n = net_of(&a, &p);
    struct remat_runs runs;
    struct remat_play clock;
    struct replay_result x;
    uint8_t *choice = ARENA_NEW(&a, uint8_t, n.n_values);
    choose_at_random(&rng, &n, choice);
    remat_runs_new(&runs, &n, &a);
    remat_play_new(&clock, &runs, (double)rng_range(&rng, 0, 40));
    remat_runs_make(&runs, choice);
    double most = runs.runs[runs.most].used;
    p.limit = most * (1 + (double)rng_range(&rng, -2, 8) / 16) + 1e-3;
    double time = remat_play_run(&clock, &runs, p.limit, (double)INFINITY);
    if (time == (double)INFINITY) {
      assert_true(p.limit < most);
      full++;
    } else {
      remat_list(&a, &runs, &clock, &p);
      p.version = 2;
      assert_true(replay_run(&a, &p, &replay_modes[2], &x, &e));
      if (x.refused) fail_msg("%d: %s at %g, %s: %s", seed, x.refused, x.at, x.op, x.why);
      if (!near(x.total, time)) fail_msg("%d: %.17g, expected %.17g", seed, time, x.total);
      assert_true(x.left_bytes == 0 || n.cut || x.n_left > 0);
      fit++;
      remade += runs.recomputed > 0;
    }
    arena_free(&a);
  }
  print_message("%d fit, %d don't, %d with runs again\n", fit, full, remade);
  assert_true(fit > 2500 && full > 100 && remade > 800);
}

// Between the least that works and room for everything there is a plan, below the least none.
static void plans_are_found(void **state) {
  (void)state;
  struct rng rng = {.seed = 8};
  int versions[3] = {0};
  for (int seed = 0; seed < 400; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct remat_plan r;
    struct replay_plan p = steps_random(&a, &rng, (uint32_t)rng_range(&rng, 1, 9), seed % 2);
    if (seed % 5 == 0) steps_shuffle(&a, &rng, &p);
    r = made(&a, &p);
    is_replayed(&a, &r);
    double least = r.least, most = r.all_kept;
    p.limit = floor(least + (most - least) * (double)rng_range(&rng, 0, 8) / 8);
    if (p.limit < least) p.limit = least;
    r = made(&a, &p);
    is_replayed(&a, &r);
    versions[r.plan.version]++;
    p.limit = least - 1;
    assert_false(remat_make(&a, &p, NULL, &r, &e));
    assert_non_null(strstr(e.text, "no plan fits"));
    arena_free(&a);
  }
  print_message("%d of version 1, %d of version 2\n", versions[1], versions[2]);
  assert_true(versions[1] > 20 && versions[2] > 100);
}

// ---- beside the best

static double best_of_all(struct remat_runs *r, struct remat_play *p, double limit, uint8_t *choice,
                          uint32_t v) {
  const struct remat_net *n = r->net;
  if (v == n->n_values) {
    remat_runs_make(r, choice);
    if (r->runs[r->most].used > limit) return (double)INFINITY;
    return remat_play_run(p, r, limit, (double)INFINITY);
  }
  double best = (double)INFINITY;
  bool again = n->values[v].kind == WAIT_INPUT && n->ops[n->values[v].op].n_before;
  for (choice[v] = 0; choice[v] <= (again ? REMAT_AGAIN : REMAT_SPILL); choice[v]++) {
    double time = best_of_all(r, p, limit, choice, v + 1);
    if (time < best) best = time;
  }
  return best;
}

// Chains of so many values: what the search finds beside all 3^n choices, with the same clock.
// Returns its mean gap.
static double gap_of(uint32_t values, int wanted, uint64_t seed, int *exact) {
  struct rng rng = {.seed = seed};
  double sum = 0, worst = 0;
  int chains = 0;
  while (chains < wanted) {
    struct arena a = {0};
    struct replay_plan p = steps_random(&a, &rng, values, true);
    struct replay_operator *o = (struct replay_operator *)p.operators;
    p.n_decisions = 0;
    for (uint32_t i = 0; i < values; i++) {
      o[i].bytes[REPLAY_PARAM] = 0;
      o[i].bytes[REPLAY_INPUT] += 12;
    }
    struct remat_net n = net_of(&a, &p);
    struct remat_runs runs;
    struct remat_play clock;
    uint8_t *choice = ARENA_NEW(&a, uint8_t, n.n_values);
    assert_int_equal(n.n_values, values);
    remat_runs_new(&runs, &n, &a);
    remat_runs_make(&runs, choice);
    double most = runs.runs[runs.most].used;
    memset(choice, REMAT_SPILL, n.n_values);
    remat_runs_make(&runs, choice);
    double least = runs.runs[runs.most].used;
    double limit = least + (most - least) * (double)rng_range(&rng, 0, 6) / 8;
    remat_play_new(&clock, &runs, runs.all / 24);
    if (most > least) {
      const uint8_t *found = remat_search(&runs, &clock, limit, NULL);
      assert_non_null(found);
      remat_runs_make(&runs, found);
      double time = remat_play_run(&clock, &runs, limit, (double)INFINITY);
      double best = best_of_all(&runs, &clock, limit, choice, 0);
      assert_true(time >= best);
      double gap = best > 0 ? time / best : 1;
      sum += gap;
      *exact += gap == 1;
      if (gap > worst) worst = gap;
      chains++;
    }
    arena_free(&a);
  }
  print_message("%u values: %d of %d exact, mean %.4f, worst %.4f\n", values, *exact, chains,
                sum / chains, worst);
  return sum / chains;
}

static void search_is_near_the_best(void **state) {
  (void)state;
  int exact[2] = {0};
  assert_true(gap_of(8, 150, 9, &exact[0]) <= 1.005 && exact[0] >= 140);
  assert_true(gap_of(10, 20, 12, &exact[1]) <= 1.01 && exact[1] >= 17);
}

// Many values for few exchanges: checkpoints are what a long chain ends near.
static void long_chains_are_planned(void **state) {
  (void)state;
  struct arena a = {0};
  struct rng rng = {.seed = 13};
  struct replay_plan p = steps_random(&a, &rng, 1500, true);
  struct replay_operator *o = (struct replay_operator *)p.operators;
  p.n_decisions = 0;
  for (uint32_t i = 0; i < 1500; i++) {
    o[i].bytes[REPLAY_PARAM] = o[i].bytes[REPLAY_GRAD] = 0;
    o[i].bytes[REPLAY_INPUT] += 600;
    for (int k = 0; k < REPLAY_RUNS; k++) o[i].ms[k] = 1;
  }
  p.rate[REPLAY_IN] = p.rate[REPLAY_OUT] = 1;
  struct remat_plan r;
  r = made(&a, &p);
  p.limit = r.least + 60 * 1000; // of 1500 inputs a few dozen
  r = made(&a, &p);
  is_replayed(&a, &r);
  print_message("%.4f ms, %.4f of the bound\n", r.total, r.total / r.bound);
  assert_true(r.total <= 6607 && r.recomputed > 1000);
  arena_free(&a);
}

// ---- the replay beside the slow judge

static void change_at_random(struct rng *rng, struct replay_plan *p, struct replay_decision *d) {
  uint32_t i = (uint32_t)rng_range(rng, 0, p->n_decisions - 1), k = i;
  struct replay_decision x = d[i];
  switch ((int)rng_range(rng, 0, 4)) {
  case 0:
    for (; k + 1 < p->n_decisions; k++) d[k] = d[k + 1];
    p->n_decisions--;
    return;
  case 1: // later, behind what is decided for then
    x.at += (double)rng_range(rng, 1, 16) / 8;
    for (; k + 1 < p->n_decisions && d[k + 1].at <= x.at; k++) d[k] = d[k + 1];
    d[k] = x;
    return;
  case 2: // earlier
    x.at -= (double)rng_range(rng, 1, 16) / 8;
    if (x.at < 0) x.at = 0;
    for (; k > 0 && d[k - 1].at > x.at; k--) d[k] = d[k - 1];
    d[k] = x;
    return;
  case 3:
    if (i + 1 == p->n_decisions || d[i].at != d[i + 1].at) return;
    d[i] = d[i + 1];
    d[i + 1] = x;
    return;
  case 4:
    p->limit *= (double)rng_range(rng, 12, 18) / 16;
    return;
  }
}

static void judges_agree(void **state) {
  (void)state;
  struct rng rng = {.seed = 10};
  int accepted = 0, refused = 0, remade = 0;
  for (int seed = 0; seed < 1000; seed++) {
    struct arena a = {0};
    struct replay_plan p = steps_random(&a, &rng, (uint32_t)rng_range(&rng, 2, 5), seed % 2);
    struct remat_net n = net_of(&a, &p);
    struct remat_runs runs;
    struct remat_play clock;
    struct replay_result x;
    struct err e = {0};
    uint8_t *choice = ARENA_NEW(&a, uint8_t, n.n_values);
    choose_at_random(&rng, &n, choice);
    remat_runs_new(&runs, &n, &a);
    remat_runs_make(&runs, choice);
    remat_play_new(&clock, &runs, 10);
    p.limit = runs.runs[runs.most].used + 1e-3;
    assert_true(remat_play_run(&clock, &runs, p.limit, (double)INFINITY) < (double)INFINITY);
    remat_list(&a, &runs, &clock, &p);
    p.version = 2;
    assert_true(replay_run(&a, &p, &replay_modes[2], &x, &e) && !x.refused);
    remat_sort(&a, &p, x.started);
    remade += runs.recomputed > 0;
    for (int change = 0; change < 12; change++) {
      struct steps_verdict v;
      struct replay_plan q = p;
      struct replay_decision *d = arena_copy(&a, p.decisions, p.n_decisions * sizeof *d);
      q.decisions = d;
      if (change) change_at_random(&rng, &q, d);
      bool good = steps_judge(&q, &v);
      assert_true(replay_run(&a, &q, &replay_modes[1], &x, &e));
      if (good == (x.refused != NULL))
        fail_msg("%d, %d: judge %d, replay %s: %s", seed, change, good, x.refused, x.why);
      if (!change) assert_true(good);
      if (good) assert_true(near(v.total, x.total) && near(v.peak, x.peak));
      accepted += good;
      refused += !good;
    }
    arena_free(&a);
  }
  print_message("%d accepted, %d refused; %d of 1000 plans with runs again\n", accepted, refused,
                remade);
  assert_true(accepted > 3000 && refused > 3000 && remade > 250);
}

// ---- rules of version 2

// A chain of three, whose second input is let go and made again.
static struct replay_plan remade_chain(struct arena *a) {
  struct rng rng = {.seed = 3};
  struct replay_plan p = steps_random(a, &rng, 3, true);
  struct replay_operator *o = (struct replay_operator *)p.operators;
  p.n_decisions = 0;
  for (uint32_t i = 0; i < 3; i++) {
    o[i].one = false;
    o[i].in = o[i].out = 1;
    for (int b = 0; b < REPLAY_BLOCKS; b++) o[i].bytes[b] = 8;
    for (int k = 0; k < REPLAY_RUNS; k++) o[i].ms[k] = 4;
  }
  struct remat_net n = net_of(a, &p);
  struct remat_runs runs;
  struct remat_play clock;
  uint8_t *choice = ARENA_NEW(a, uint8_t, n.n_values);
  choice[n.input_value[1]] = REMAT_AGAIN;
  remat_runs_new(&runs, &n, a);
  remat_play_new(&clock, &runs, 0);
  remat_runs_make(&runs, choice);
  assert_true(remat_play_run(&clock, &runs, 1e9, (double)INFINITY) < 1e9);
  remat_list(a, &runs, &clock, &p);
  p.version = 2;
  p.limit = 1e9;
  struct replay_result x;
  struct err e = {0};
  assert_true(replay_run(a, &p, &replay_modes[2], &x, &e) && !x.refused);
  remat_sort(a, &p, x.started);
  return p;
}

static uint32_t place_of(const struct replay_plan *p, enum replay_action action, uint32_t op) {
  for (uint32_t i = 0; i < p->n_decisions; i++)
    if (p->decisions[i].action == action && p->decisions[i].op == op) return i;
  fail_msg("no %s of %u", replay_action_names[action], op);
  return 0;
}

static const char *refusal(struct arena *a, const struct replay_plan *p) {
  struct replay_result x;
  struct err e = {0};
  if (!replay_run(a, p, &replay_modes[1], &x, &e)) return arena_strdup(a, e.text);
  return x.refused ? x.refused : "";
}

static void rules_of_version_2(void **state) {
  (void)state;
  struct arena a = {0};
  struct replay_plan p = remade_chain(&a), q = p;
  struct replay_decision *d = (struct replay_decision *)p.decisions;
  uint32_t again = place_of(&p, REPLAY_AGAIN, 0);
  assert_string_equal(refusal(&a, &p), "");
  q.version = 1;
  assert_string_equal(refusal(&a, &q), "again");
  d[again].op = 1; // nobody awaits that
  assert_string_equal(refusal(&a, &p), "again");
  d[again].op = 2; // behind its optimize
  assert_string_equal(refusal(&a, &p), "order");
  d[again].op = 0; // and so is this at the end
  struct replay_decision x = d[again];
  for (uint32_t i = again; i + 1 < p.n_decisions; i++) d[i] = d[i + 1];
  d[p.n_decisions - 1] = x;
  d[p.n_decisions - 1].at = 1e6;
  assert_string_equal(refusal(&a, &p), "order");
  d[p.n_decisions - 1].at = 0;
  assert_string_equal(refusal(&a, &p), "order");
  arena_free(&a);
}

// An input that is made again and read before that has been done isn't written.
static void made_too_late(void **state) {
  (void)state;
  struct arena a = {0};
  struct replay_plan p = remade_chain(&a);
  struct replay_decision *d = (struct replay_decision *)p.decisions;
  uint32_t again = place_of(&p, REPLAY_AGAIN, 0), backward = place_of(&p, REPLAY_BACKWARD, 1);
  assert_true(again < backward);
  struct replay_decision x = d[again];
  double at = x.at;
  for (uint32_t i = again; i < backward; i++) d[i] = d[i + 1];
  for (uint32_t i = again; i < backward; i++) d[i].at = at; // the backward when the cpu is idle
  d[backward] = x;
  d[backward].at = at + 4;
  assert_string_equal(refusal(&a, &p), "not written");
  arena_free(&a);
}

// The file is read as what was written, to the last bit.
static void files_are_read_back(void **state) {
  (void)state;
  struct rng rng = {.seed = 11};
  for (int seed = 0; seed < 100; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct replay_file f;
    struct text t = {0}, again = {0};
    struct replay_plan p = steps_random(&a, &rng, (uint32_t)rng_range(&rng, 1, 9), seed % 2);
    struct remat_plan r = made(&a, &p);
    replay_put(&t, &r.plan);
    const char *path = arena_printf(&a, "/tmp/remat-%ld.json", (long)getpid());
    assert_true(file_write(path, t.data, t.size, &e));
    if (!replay_read(&a, path, &f, &e)) fail_msg("%s", e.text);
    remove(path);
    replay_put(&again, f.plans);
    assert_string_equal(t.data, again.data);
    r.plan = *f.plans;
    is_replayed(&a, &r);
    text_free(&t);
    text_free(&again);
    arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mcunet_is_planned),         cmocka_unit_test(least_is_named),
      cmocka_unit_test(all_is_kept_where_it_fits), cmocka_unit_test(clock_is_the_replays),
      cmocka_unit_test(plans_are_found),           cmocka_unit_test(search_is_near_the_best),
      cmocka_unit_test(long_chains_are_planned),   cmocka_unit_test(judges_agree),
      cmocka_unit_test(rules_of_version_2),        cmocka_unit_test(made_too_late),
      cmocka_unit_test(files_are_read_back)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
