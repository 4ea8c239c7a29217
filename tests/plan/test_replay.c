// SPDX-License-Identifier: Apache-2.0
// Replays of recorded plans: every number and every row of a trace is the one that was recorded, in
// every mode; every refusal has its rule, time and operator. Each switch of the mode of the public
// simulator is seen by a plan that is about it.
#include "sw/base/json.h"
#include "sw/plan/replay_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
                          r->rows[i].bytes, json_dumps(json_array_get(x, i), 0));
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
                        r->op ? r->op : "-", r->why, json_dumps(x, 0));
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

static void cases_are_as_recorded(void **state) {
  (void)state;
  struct arena a = {0};
  int wrong = 0;
  json_t *root = open_json(&a, "demo-errors");
  struct replay_file f = open_plan(&a, "demo-errors");
  assert_int_equal(f.count, 30);
  for (uint32_t i = 0; i < f.count; i++)
    for (int m = 0; m < REPLAY_MODES; m++) {
      const json_t *x = json_object_get(
          json_object_get(json_array_get(json_object_get(root, "cases"), i), "expect"),
          replay_modes[m].name);
      assert_non_null(x);
      const char *d = judge(&a, &f.plans[i], &replay_modes[m], x);
      if (d[0]) print_error("%s, %s: %s\n", f.plans[i].about, replay_modes[m].name, d), wrong++;
    }
  json_decref(root);
  arena_free(&a);
  assert_int_equal(wrong, 0);
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

enum { EXPLORE };
#define SW(x)                                                                                      \
  { #x, offsetof(struct replay_mode, x) }
static void explore(void **state) {
  (void)state;
  struct arena a = {0};
  const struct {
    const char *n;
    size_t o;
  } sw[] = {SW(loads_at_once),   SW(stores_at_once),  SW(frees_by_list),
            SW(no_offset),       SW(whole_neighbors), SW(reads_lock),
            SW(inputs_unlocked), SW(peak_sorted),     SW(bare_ends)};
  for (int k = 0; k < 9; k++)
    for (int i = 0; i < FILES; i++) {
      struct replay_mode m = replay_modes[0];
      ((char *)&m)[sw[k].o] = 0;
      json_t *root = open_json(&a, files[i]);
      struct replay_file f = open_plan(&a, files[i]);
      const char *d =
          judge(&a, f.plans, &m, json_object_get(json_object_get(root, "expect"), "compat"));
      if (d[0]) printf("%s %s: %s\n", sw[k].n, files[i], d);
    }
}
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plans_are_as_recorded), cmocka_unit_test(cases_are_as_recorded),
      cmocka_unit_test(machines_are_as_recorded), cmocka_unit_test(explore)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
