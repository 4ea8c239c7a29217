// SPDX-License-Identifier: Apache-2.0
// Replays of recorded plans: every number and every row of a trace is the one that was recorded, in
// every mode; every refusal has its rule, time and operator. Each switch of the mode of the public
// simulator is seen by a plan that is about it.
#include "sw/base/json.h"
#include "sw/base/rng.h"
#include "sw/plan/replay_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "tests/plan/fixtures/"

static const char *const files[] = {
    "demo",          "split-source", "split-inner",          "split-one-to-one", "concat-order",
    "branch-pruned", "dead-branch",  "dead-source",          "list-order",       "limit",
    "limit-tie",     "late-load",    "early-store",          "prefetch",         "spill",
    "leftover",      "mcunet-320kb", "mcunet-320kb-unpruned"};
enum { FILES = sizeof files / sizeof *files };

// ---- what was found against what was recorded: "" or the first difference

static bool near(double found, const json_t *expected) {
  double x = json_number_value(expected);
  return fabs(found - x) <= 1e-9 * fabs(x);
}

static const char *dump(struct arena *a, const json_t *v) {
  char *text = json_dumps(v, 0);
  const char *copy = arena_strdup(a, text);
  free(text);
  return copy;
}

static bool same_word(const char *found, const json_t *expected) {
  const char *text = json_string_value(expected);
  return found && text ? strcmp(found, text) == 0 : !found && !text;
}

static bool same_channels(const struct replay_channels *c, const json_t *expected) {
  if (json_array_size(expected) != 2 * (size_t)c->ranges) return false;
  for (uint32_t i = 0; i < 2 * c->ranges; i++)
    if (json_integer_value(json_array_get(expected, i)) != c->range[i]) return false;
  return true;
}

static bool same_row(const struct replay_plan *p, const struct replay_row *r, const json_t *x) {
  const json_t *channels = json_array_get(x, 4);
  return near(r->at, json_array_get(x, 0)) &&
         same_word(replay_action_names[r->action], json_array_get(x, 1)) &&
         same_word(p->operators[r->op].name, json_array_get(x, 2)) &&
         same_word(r->block < 0 ? NULL : replay_block_names[r->block], json_array_get(x, 3)) &&
         (r->channeled ? same_channels(&r->channels, channels) : json_is_null(channels)) &&
         near(r->bytes, json_array_get(x, 5));
}

static const char *trace_difference(struct arena *a, const struct replay_plan *p,
                                    const struct replay_result *r, const json_t *x) {
  size_t count = json_array_size(x);
  for (size_t i = 0; i < count && i < r->n_rows; i++)
    if (!same_row(p, &r->rows[i], json_array_get(x, i)))
      return arena_printf(a, "row %zu: %.17g %s %s %.17g, expected %s", i, r->rows[i].at,
                          replay_action_names[r->rows[i].action], p->operators[r->rows[i].op].name,
                          r->rows[i].bytes, dump(a, json_array_get(x, i)));
  if (count != r->n_rows) return arena_printf(a, "%u rows, expected %zu", r->n_rows, count);
  return "";
}

static const char *left_difference(struct arena *a, const struct replay_plan *p,
                                   const struct replay_result *r, const json_t *x) {
  if (json_array_size(x) != r->n_left)
    return arena_printf(a, "%u blocks left, expected %zu", r->n_left, json_array_size(x));
  for (uint32_t i = 0; i < r->n_left; i++) {
    const json_t *row = json_array_get(x, i);
    if (!same_word(p->operators[r->left[i].op].name, json_array_get(row, 0)) ||
        !same_word(replay_block_names[r->left[i].block], json_array_get(row, 1)) ||
        !same_channels(&r->left[i].channels, json_array_get(row, 2)))
      return arena_printf(a, "left[%u] differs", i);
  }
  return "";
}

static const char *refusal_difference(struct arena *a, const struct replay_result *r,
                                      const json_t *x) {
  const json_t *at = json_object_get(x, "at_ms"), *why = json_object_get(x, "why");
  if (!r->refused)
    return arena_printf(a, "not refused, expected \"%s\"",
                        json_string_value(json_object_get(x, "refused")));
  if (!same_word(r->refused, json_object_get(x, "refused")) ||
      !same_word(r->op, json_object_get(x, "operator")) ||
      !(json_is_null(at) ? isnan(r->at) : near(r->at, at)) || (why && !same_word(r->why, why)))
    return arena_printf(a, "refused %s at %.17g, %s: %s; expected %s", r->refused, r->at,
                        r->op ? r->op : "-", r->why, dump(a, x));
  return "";
}

static const char *difference(struct arena *a, const struct replay_plan *p,
                              const struct replay_result *r, const json_t *x) {
  if (json_object_get(x, "refused")) return refusal_difference(a, r, x);
  if (r->refused)
    return arena_printf(a, "refused: %s at %.17g, %s: %s", r->refused, r->at, r->op ? r->op : "-",
                        r->why);
  const struct {
    const char *key;
    double found;
  } numbers[] = {{"accuracy", r->accuracy},
                 {"total_ms", r->total},
                 {"peak_bytes", r->peak},
                 {"left_bytes", r->left_bytes}};
  for (int i = 0; i < 4; i++) {
    const json_t *v = json_object_get(x, numbers[i].key);
    if (v && !near(numbers[i].found, v))
      return arena_printf(a, "%s %.17g, expected %.17g", numbers[i].key, numbers[i].found,
                          json_number_value(v));
  }
  const json_t *busy = json_object_get(x, "busy_ms"), *left = json_object_get(x, "left"),
               *trace = json_object_get(x, "trace");
  for (int d = 0; busy && d < REPLAY_DEVICES; d++)
    if (!near(r->busy[d], json_object_get(busy, replay_device_names[d])))
      return arena_printf(a, "busy %s %.17g", replay_device_names[d], r->busy[d]);
  const char *first = left ? left_difference(a, p, r, left) : "";
  return first[0] || !trace ? first : trace_difference(a, p, r, trace);
}

static const char *judge(struct arena *a, const struct replay_plan *p, const struct replay_mode *m,
                         const json_t *expected) {
  struct replay_result r;
  struct err e = {0};
  assert_true(replay_run(a, p, m, &r, &e));
  return difference(a, p, &r, expected);
}

static json_t *open_json(struct arena *a, const char *name) {
  struct err e = {0};
  json_t *root = replay_open(a, arena_printf(a, FOLDER "%s.json", name), &e);
  if (!root) fail_msg("%s", e.text);
  return root;
}

static struct replay_file open_plan(struct arena *a, const char *name) {
  struct err e = {0};
  struct replay_file f;
  if (!replay_read(a, arena_printf(a, FOLDER "%s.json", name), &f, &e)) fail_msg("%s", e.text);
  return f;
}

// ---- tests

static void plans_are_as_recorded(void **state) {
  (void)state;
  int wrong = 0;
  for (int i = 0; i < FILES; i++) {
    struct arena a = {0};
    json_t *root = open_json(&a, files[i]);
    struct replay_file f = open_plan(&a, files[i]);
    for (int m = 0; m < REPLAY_MODES; m++) {
      const json_t *x = json_object_get(json_object_get(root, "expect"), replay_modes[m].name);
      assert_non_null(x);
      const char *d = judge(&a, f.plans, &replay_modes[m], x);
      if (d[0]) print_error("%s, %s: %s\n", files[i], replay_modes[m].name, d), wrong++;
    }
    json_decref(root);
    arena_free(&a);
  }
  assert_int_equal(wrong, 0);
}

// How many of a file's cases differ; what isn't expected of a mode is left out.
static int cases_that_differ(const char *name, const struct replay_mode *m, bool say) {
  struct arena a = {0};
  int wrong = 0;
  json_t *root = open_json(&a, name);
  struct replay_file f = open_plan(&a, name);
  for (uint32_t i = 0; i < f.count; i++) {
    const json_t *of = json_array_get(json_object_get(root, "cases"), i);
    const json_t *x = json_object_get(json_object_get(of, "expect"), m->name);
    const char *d = x ? judge(&a, &f.plans[i], m, x) : "";
    if (d[0] && say) print_error("%s, %s: %s\n", f.plans[i].about, m->name, d);
    wrong += d[0] != 0;
  }
  json_decref(root);
  arena_free(&a);
  return wrong;
}

static void cases_are_as_recorded(void **state) {
  (void)state;
  static const char *const names[] = {"demo-errors", "own-locks", "own-peak", "own-left",
                                      "own-rules"};
  for (int i = 0; i < 5; i++)
    for (int m = 0; m < REPLAY_MODES; m++)
      assert_int_equal(cases_that_differ(names[i], &replay_modes[m], true), 0);
  struct arena a = {0};
  assert_int_equal(open_plan(&a, "demo-errors").count, 30);
  arena_free(&a);
}

static void machines_are_as_recorded(void **state) {
  (void)state;
  struct arena a = {0};
  json_t *root = open_json(&a, "mcunet-320kb-machines");
  struct replay_file f = open_plan(&a, "mcunet-320kb-machines");
  assert_int_equal(f.count, 8);
  int wrong = 0;
  for (uint32_t i = 0; i < f.count; i++) {
    const json_t *x = json_object_get(json_array_get(json_object_get(root, "cases"), i), "auto");
    const char *d = judge(&a, &f.plans[i], &replay_modes[2], x);
    if (d[0]) print_error("%s: %s\n", f.plans[i].about, d), wrong++;
  }
  json_decref(root);
  arena_free(&a);
  assert_int_equal(wrong, 0);
}

// Without one of its switches compat isn't what was recorded of the plan that is about it.
static void switches_are_seen(void **state) {
  (void)state;
#define SWITCH(name, plan)                                                                         \
  { #name, offsetof(struct replay_mode, name), plan }
  static const struct {
    const char *name;
    size_t offset;
    const char *plan;
  } switches[] = {SWITCH(loads_at_once, "late-load"),   SWITCH(stores_at_once, "early-store"),
                  SWITCH(stores_at_once, "spill"),      SWITCH(frees_by_list, "list-order"),
                  SWITCH(frees_by_list, "split-inner"), SWITCH(no_offset, "concat-order"),
                  SWITCH(no_offset, "dead-branch"),     SWITCH(whole_neighbors, "branch-pruned"),
                  SWITCH(reads_lock, "own-locks"),      SWITCH(inputs_unlocked, "own-locks"),
                  SWITCH(peak_sorted, "own-peak"),      SWITCH(bare_ends, "demo")};
  for (size_t k = 0; k < sizeof switches / sizeof *switches; k++) {
    struct arena a = {0};
    struct replay_mode m = replay_modes[0];
    bool *it = (bool *)((char *)&m + switches[k].offset);
    assert_true(*it);
    *it = false;
    json_t *root = open_json(&a, switches[k].plan);
    struct replay_file f = open_plan(&a, switches[k].plan);
    bool seen = f.cases ? cases_that_differ(switches[k].plan, &m, false) > 0
                        : judge(&a, f.plans, &m,
                                json_object_get(json_object_get(root, "expect"), "compat"))[0] != 0;
    if (!seen) fail_msg("%s isn't seen by %s", switches[k].name, switches[k].plan);
    json_decref(root);
    arena_free(&a);
  }
}

static double time_of(const struct replay_plan *p, const struct replay_result *r,
                      enum replay_action action, const char *op, int block) {
  for (uint32_t i = 0; i < r->n_rows; i++)
    if (r->rows[i].action == action && r->rows[i].block == block &&
        strcmp(p->operators[r->rows[i].op].name, op) == 0)
      return r->rows[i].at;
  return -1;
}

// Issued, a store waits for the run that reads its bytes, not only for the one that wrote them.
static void stores_wait_for_readers(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct replay_result r;
  const struct replay_plan *p = &open_plan(&a, "own-left").plans[2];
  assert_true(replay_run(&a, p, &replay_modes[2], &r, &e));
  double optimize = time_of(p, &r, REPLAY_OPTIMIZE, "D", -1);
  assert_true(optimize > 0);
  assert_true(time_of(p, &r, REPLAY_STORE, "D", REPLAY_GRAD) ==
              optimize + p->operators[3].ms[REPLAY_OPTIMIZE]);
  arena_free(&a);
}

// A number, a row, a rule that is another: the comparison sees it.
static void differences_are_seen(void **state) {
  (void)state;
  struct arena a = {0};
  json_t *root = open_json(&a, "demo"),
         *x = json_object_get(json_object_get(root, "expect"), "auto");
  const struct replay_plan *p = open_plan(&a, "demo").plans;
  assert_string_equal(judge(&a, p, &replay_modes[2], x), "");
  json_t *row = json_array_get(json_object_get(x, "trace"), 5);
  json_array_set_new(row, 5, json_real(json_number_value(json_array_get(row, 5)) + 1e-6));
  assert_non_null(strstr(judge(&a, p, &replay_modes[2], x), "row 5"));
  json_object_set_new(x, "peak_bytes", json_integer(35));
  assert_non_null(strstr(judge(&a, p, &replay_modes[2], x), "peak_bytes"));
  json_object_set_new(x, "refused", json_string("limit"));
  assert_non_null(strstr(judge(&a, p, &replay_modes[2], x), "not refused"));
  json_decref(root);
  arena_free(&a);
}

// ---- plans changed at random

// Of what is decided for one time, prunes and then allocations come first.
static int turn_of(const struct replay_decision *d) {
  return d->action == REPLAY_PRUNE ? 0 : d->action == REPLAY_ALLOCATE ? 1 : 2;
}

static bool in_time_order(const struct replay_plan *p) {
  for (uint32_t i = 1; i < p->n_decisions; i++) {
    const struct replay_decision *d = &p->decisions[i], *before = d - 1;
    if (d->at < before->at || (d->at == before->at && turn_of(d) < turn_of(before))) return false;
  }
  return true;
}

// What holds of whatever is replayed.
static void is_consistent(const struct replay_plan *p, const struct replay_mode *m,
                          const struct replay_result *r) {
  double most = 0;
  for (uint32_t i = 0; i < r->n_rows; i++) {
    assert_true(!i || r->rows[i].at >= r->rows[i - 1].at);
    assert_true(r->rows[i].bytes >= -1e-6);
    if (r->rows[i].bytes > most) most = r->rows[i].bytes;
  }
  if (r->refused) return;
  assert_true(most <= p->limit && r->peak <= most);
  assert_true(m->peak_sorted || r->peak == most);
  assert_true(fabs(r->left_bytes - r->rows[r->n_rows - 1].bytes) < 1e-6);
}

static void change_at_random(struct rng *rng, struct replay_plan *p, struct replay_decision *d) {
  uint32_t i = (uint32_t)rng_range(rng, 0, p->n_decisions - 1), k = i;
  struct replay_decision x = d[i];
  switch ((int)rng_range(rng, 0, 3)) {
  case 0:
    for (; k + 1 < p->n_decisions; k++) d[k] = d[k + 1];
    p->n_decisions--;
    return;
  case 1:
    d[i].at += (double)rng_range(rng, 0, 63) / 4;
    return;
  case 2:
    k = (uint32_t)rng_range(rng, 0, p->n_decisions - 1);
    d[i] = d[k];
    d[k] = x;
    return;
  case 3:
    p->limit *= 1 + ((double)rng_range(rng, 0, 8) - 4) / 16;
    return;
  }
}

// No accepted plan exceeds its limit; issued in the order of its times it is never later.
static void changed_plans_are_consistent(void **state) {
  (void)state;
  struct rng rng = {.seed = 18};
  int accepted = 0, refused = 0, compared = 0;
  for (int seed = 0; seed < 4000; seed++) {
    struct arena a = {0};
    struct replay_plan p = *open_plan(&a, files[seed % (FILES - 2)]).plans;
    struct replay_decision *d = arena_copy(&a, p.decisions, p.n_decisions * sizeof *d);
    p.decisions = d;
    for (int64_t k = rng_range(&rng, 0, 2) + 1; k > 0; k--) change_at_random(&rng, &p, d);
    struct replay_result r[REPLAY_MODES];
    struct err e = {0};
    for (int m = 0; m < REPLAY_MODES; m++) {
      assert_true(replay_run(&a, &p, &replay_modes[m], &r[m], &e));
      is_consistent(&p, &replay_modes[m], &r[m]);
      accepted += !r[m].refused;
      refused += r[m].refused != NULL;
    }
    if (!r[1].refused && in_time_order(&p)) {
      assert_null(r[2].refused);
      assert_true(r[2].total <= r[1].total * (1 + 1e-12));
      compared++;
    }
    arena_free(&a);
  }
  print_message("%d accepted, %d refused, %d issued after times\n", accepted, refused, compared);
  assert_true(accepted > 2000 && refused > 2000 && compared > 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plans_are_as_recorded),       cmocka_unit_test(cases_are_as_recorded),
      cmocka_unit_test(machines_are_as_recorded),    cmocka_unit_test(switches_are_seen),
      cmocka_unit_test(stores_wait_for_readers),     cmocka_unit_test(differences_are_seen),
      cmocka_unit_test(changed_plans_are_consistent)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
