// SPDX-License-Identifier: Apache-2.0
// search: what a study says is what the other commands say of the same files; the same study
// whatever happens in between; several processes; what is refused.
#include "sw/base/json.h"
#include "tests/cmd/helper_shell.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MLP "models/mnist-mlp.bin"
#define DATA " --data synthetic:300 --images 200 "
#define SPACE "--space $D/space.json"

static const char space[] =
    "{\"parameters\":{\"fc1.weight\":{\"choices\":[\"8,channel\",\"3,channel\",\"{bits},auto\"]},"
    "\"bits\":{\"int\":[2,4],\"when\":{\"fc1.weight\":\"{bits},auto\"}},"
    "\"fc1.in\":{\"choices\":[1,4,16]},\"fc1.prune\":{\"float\":[0,0.9,0.3]}},"
    "\"defaults\":{\"stream\":\"8,3\",\"fc2.out\":2}}";

static void write_file(struct shell *c, const char *name, const char *text) {
  FILE *f = fopen(arena_printf(&c->arena, "%s/%s", c->dir, name), "w");
  assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static json_t *parse(const char *text) {
  struct err e = {0};
  json_t *j = json_parse(text, strlen(text), &e);
  if (!j) fail_msg("%s: %s", e.text, text);
  return j;
}

static json_t *run_json(struct shell *c, const char *line) {
  return parse(cli_expect(c, line, 0, "{"));
}

// A line without what times and processes leave in it.
static char *timeless(char *text) {
  static const char *const keys[] = {"\"worker_id\":\"", "\"datetime_start\":\"",
                                     "\"datetime_complete\":\""};
  for (int i = 0; i < 3; i++)
    for (char *p = text; (p = strstr(p, keys[i]));) {
      p += strlen(keys[i]);
      char *end = strchr(p, '"');
      memmove(p, end, strlen(end) + 1);
    }
  return text;
}

static char *journal_text(struct shell *c, const char *name) {
  return timeless(cli_run(c, arena_printf(&c->arena, "cat $D/%s", name)).text);
}

// ---- what is found

// Trial by trial: errors, II and memory are those of run and plan with the files of the point.
static void test_same_figures(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
  json_t *all =
      run_json(c, "$N search -q " SPACE DATA "--objective errors,ii,weight_bits --trials 8 "
                  "--study $D/s --json " MLP);
  assert_int_equal(json_integer_value(json_object_get(all, "complete")), 8);
  assert_true(json_array_size(json_object_get(all, "front")) > 0);
  json_decref(all);
  for (int i = 0; i < 8; i += 3) {
    json_t *trial = run_json(c, arena_printf(&c->arena, "$N search show %d --json $D/s", i));
    const json_t *m = json_object_get(trial, "metrics");
    const char *line =
        cli_expect(c, arena_printf(&c->arena, "$N search formats %d -o $D/f%d $D/s", i, i), 0,
                   "nngen generate ");
    const char *words = arena_printf(&c->arena, "%.*s", (int)strcspn(line, "\n") - 14, line + 14);
    json_t *plan = run_json(c, arena_printf(&c->arena, "$N plan --json%s", words));
    assert_int_equal(json_integer_value(json_object_get(plan, "ii")),
                     (int)json_number_value(json_object_get(m, "ii")));
    assert_int_equal(json_integer_value(json_object_get(plan, "memory_bits")),
                     (int)json_number_value(json_object_get(m, "memory_bits")));
    json_decref(plan);
    json_decref(trial);
  }
  cli_expect(c, "$N search list $D/s", 0, "COMPLETE");
  cli_expect(c, "$N search front $D/s", 0, "weight_bits");
  cli_expect(c, "$N search formats 0 $D/s", 0, "\"prune\":[");
}

// All images that there are: then run counts the same errors.
static void test_same_errors(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
  const char *line =
      "$N search -q " SPACE " --data synthetic:200 --trials 6 --study $D/s --json " MLP;
  json_t *all = run_json(c, line);
  json_t *best = json_object_get(all, "best");
  int number = (int)json_integer_value(json_object_get(best, "number"));
  double errors = json_number_value(json_array_get(json_object_get(best, "values"), 0));
  cli_expect(c, arena_printf(&c->arena, "$N search formats %d -o $D/f $D/s", number), 0,
             "formats.json");
  json_t *run =
      run_json(c, "m=$D/f/model.bin; [ -f $m ] || m=" MLP
                  "; $N run -q --json --data synthetic:200 --formats $D/f/formats.json $m");
  assert_int_equal((int)errors, 200 - json_integer_value(json_object_get(run, "correct")));
  json_t *judged = run_json(c, "$N search best --json --data synthetic:200 $D/s");
  double accuracy = json_number_value(json_object_get(judged, "accuracy"));
  assert_true(accuracy == json_number_value(json_object_get(run, "accuracy")));
  cli_expect(c, "$N search best --data synthetic:200 $D/s", 0,
             "it was chosen by synthetic:200, images 0 to 199");
  json_decref(all);
  json_decref(run);
  json_decref(judged);
}

// What run says of the output's distance from the floats, and plan of the device.
static void test_same_snr(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json",
             "{\"parameters\":{\"fc1.weight\":{\"choices\":[\"8,auto\",\"4,auto\"]}},"
             "\"defaults\":{\"stream\":\"8,3\"}}");
  json_t *all =
      run_json(c, "$N search -q " SPACE " --data synthetic:200 --objective snr,luts --sampler grid "
                  "--device ecp5-25 --study $D/s --json " MLP " && true");
  assert_int_equal(json_integer_value(json_object_get(all, "complete")), 2);
  json_decref(all);
  cli_expect(c, "$N search formats 1 -o $D/f $D/s", 0, "");
  json_t *trial = run_json(c, "$N search show 1 --json $D/s");
  json_t *run =
      run_json(c, "$N run -q --json --data synthetic:200 --formats $D/f/formats.json " MLP);
  json_t *plan = run_json(c, "$N plan --json --formats $D/f/formats.json --parallelism 4 " MLP);
  const json_t *layers = json_object_get(run, "layers"), *m = json_object_get(trial, "metrics");
  double there = json_number_value(json_object_get(m, "snr"));
  double here = json_number_value(
      json_object_get(json_array_get(layers, json_array_size(layers) - 1), "snr_db"));
  if (!(there - here < 0.006 && here - there < 0.006)) fail_msg("%g, %g", there, here);
  // more is better: the wider weights are in front
  json_t *front = run_json(c, "$N search front --json $D/s");
  const json_t *first = json_array_get(json_object_get(front, "front"), 0);
  assert_int_equal(json_integer_value(json_object_get(first, "number")), 0);
  assert_true(json_number_value(json_object_get(m, "ii")) ==
              json_number_value(json_object_get(plan, "ii")));
  json_decref(front);
  json_decref(plan);
  json_decref(run);
  json_decref(trial);
}

// A second, and no more trials; what runs is finished.
static void test_timeout(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
  json_t *all = run_json(c, "timeout 30 $N search -q " SPACE DATA
                            "--sampler random --trials 1000000 --timeout 1 "
                            "--study $D/s --json " MLP);
  int64_t trials = json_integer_value(json_object_get(all, "trials"));
  assert_true(trials > 0 && trials < 1000000);
  assert_int_equal(json_integer_value(json_object_get(all, "complete")) +
                       json_integer_value(json_object_get(all, "failed")),
                   trials);
  json_decref(all);
}

// ---- the same study

// In one go, in two, and after a kill: the same points in the same order, the same lines but for
// times; what was killed is tried again and no other point.
static void test_resume(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
#define SEARCH "$N search -q " SPACE DATA "--objective errors,luts --weights 8,0.01 --seed 3 "
  cli_expect(c, SEARCH "--trials 25 --study $D/one " MLP, 0, "");
  cli_expect(c, SEARCH "--trials 13 --study $D/two " MLP, 0, "");
  cli_expect(c, SEARCH "--trials 25 --study $D/two " MLP, 0, "");
  assert_string_equal(journal_text(c, "one"), journal_text(c, "two"));
  cli_expect(c, SEARCH "--trials 25 --study $D/two " MLP, 0, ""); // nothing is left
  assert_string_equal(journal_text(c, "one"), journal_text(c, "two"));
  cli_expect(c,
             "$N search -q " SPACE DATA "--objective errors,luts --weights 8,0.01 --seed 4 "
             "--trials 25 --study $D/other " MLP,
             0, "");
  assert_string_not_equal(journal_text(c, "one"), journal_text(c, "other"));
}

// Values of complete trials in order of their points' first proposal.
static char *values_of(struct shell *c, const char *name) {
  json_t *all = run_json(c, arena_printf(&c->arena, "$N search list --json $D/%s", name));
  const json_t *trials = json_object_get(all, "trials"), *t;
  struct text out = {0};
  size_t i;
  json_array_foreach((json_t *)trials, i, t) {
    if (strcmp(json_string_value(json_object_get(t, "state")), "COMPLETE") != 0) continue;
    char *params = json_dumps(json_object_get(t, "params"), JSON_SORT_KEYS);
    text_printf(&out, "%s %.17g\n", params,
                json_number_value(json_array_get(json_object_get(t, "values"), 0)));
    free(params);
  }
  json_decref(all);
  char *kept = arena_strdup(&c->arena, out.data ? out.data : "");
  text_free(&out);
  return kept;
}

// Killed again and again, wherever it is: the file stays one that can be read, and the study comes
// to the points of one that nobody killed.
static void test_killed(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
  cli_expect(c, SEARCH "--trials 25 --study $D/whole " MLP, 0, "");
  for (int i = 0; i < 12; i++) {
    const char *line =
        arena_printf(&c->arena, "timeout -s KILL 0.%02d " SEARCH "--trials 25 --study $D/cut " MLP,
                     15 + 5 * (i % 5));
    cli_run(c, line);
    struct outcome o = cli_run(c, "test ! -f $D/cut || $N search list $D/cut");
    if (o.status != 0 && !strstr(o.text, "no study in it")) fail_msg("%s", o.text);
    cli_run(c, "rm -f $D/cut.lock"); // whose holder is dead; waiting for it takes 30 s
  }
  cli_expect(c, SEARCH "--trials 25 --study $D/cut " MLP, 0, "");
  const char *whole = values_of(c, "whole");
  char *cut = values_of(c, "cut");
  // The same set of points unless one died twice, which then is left out.
  int missing = 0;
  for (char *line = arena_strdup(&c->arena, whole), *next; line && *line; line = next) {
    next = strchr(line, '\n');
    *next++ = 0;
    missing += strstr(cut, line) == NULL;
  }
  if (missing > 6) fail_msg("%d of 25 points are missing:\n%s\n%s", missing, whole, cut);
  cli_expect(c, "$N search list $D/cut | grep -c RUNNING; true", 0, "0");
}

// An interrupt ends the search, and its trials with it, of workers too; the next search goes on.
static void test_interrupted(void **state) {
  struct shell *c = *state;
  write_file(c, "slow.json",
             "{\"parameters\":{\"fc1.prune\":{\"float\":[0.1,0.9,0.1]}},"
             "\"defaults\":{\"stream\":\"8,3\",\"prune.finetune\":500}}");
  for (int jobs = 1; jobs <= 2; jobs++) {
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N search -q --space $D/slow.json --data synthetic:2000 --jobs %d "
                            "--trials 9 --study $D/i%d " MLP " >$D/log 2>&1 & p=$!; for i in $(seq "
                            "300); do $N search list $D/i%d 2>&1 | grep -q RUNNING && break; sleep "
                            "0.1; done; $N search list $D/i%d; kill -TERM $p; wait $p; true",
                            jobs, jobs, jobs, jobs),
               0, "RUNNING");
    cli_expect(c,
               arena_printf(&c->arena,
                            "for i in $(seq 100); do $N search list $D/i%d | grep -q RUNNING || "
                            "break; sleep 0.1; done; $N search list $D/i%d",
                            jobs, jobs),
               0, "FAIL");
    cli_expect(c, arena_printf(&c->arena, "$N search list $D/i%d | grep -c RUNNING; true", jobs), 0,
               "0");
  }
}

// A point's folder is written again, and nothing else is written over.
static void test_point_folder(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
  cli_expect(c, "$N search -q " SPACE DATA "--objective ii --trials 3 --study $D/s " MLP, 0, "ii");
  cli_expect(c, "$N search formats 1 -o $D/f $D/s && $N search formats 1 -o $D/f $D/s", 0,
             "nngen generate");
  cli_expect(c, "$N search formats 0 -o $D/f $D/s", 1,
             "f/formats.json is there already, and not of trial 0: give -o another folder");
  cli_expect(
      c, "mkdir $D/mine && echo mine >$D/mine/folding.json; $N search formats 0 -o $D/mine $D/s", 1,
      "mine/folding.json is there already");
  cli_expect(c, "cat $D/mine/folding.json; ls $D/mine | wc -l", 0, "mine\n1");
}

// A trial that another machine's worker left running is tried again once nobody wrote for ten
// minutes, not before; of this machine once its process is gone.
static void test_abandoned(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
#define FEW SEARCH "--sampler random --study $D/s --trials "
  cli_expect(c, FEW "2 " MLP, 0, "");
  cli_expect(c,
             "printf '%s\\n' "
             "'{\"op_code\":4,\"worker_id\":\"elsewhere\",\"study_id\":0,\"datetime_start\":"
             "\"2026-01-01T00:00:00.0+00:00\",\"params\":{\"fc1.in\":2.0,\"fc1.prune\":0.3,\"fc1."
             "weight\":1.0},"
             "\"distributions\":{\"fc1.in\":\"{\\\"name\\\": \\\"CategoricalDistribution\\\", "
             "\\\"attributes\\\": "
             "{\\\"choices\\\": [1, 4, 16]}}\",\"fc1.weight\":\"{\\\"name\\\": "
             "\\\"CategoricalDistribution\\\", "
             "\\\"attributes\\\": {\\\"choices\\\": [\\\"8,channel\\\", \\\"3,channel\\\", "
             "\\\"{bits},auto\\\"]}}\","
             "\"fc1.prune\":\"{\\\"name\\\": \\\"FloatDistribution\\\", \\\"attributes\\\": "
             "{\\\"step\\\": 0.3, "
             "\\\"low\\\": 0.0, \\\"high\\\": 0.9, \\\"log\\\": false}}\"}}' >>$D/s",
             0, "");
  cli_expect(c, FEW "4 " MLP " && $N search best $D/s", 0, "3 complete, 1 running");
  cli_expect(c, "touch -d '11 minutes ago' $D/s; " FEW "5 " MLP " && $N search best $D/s", 0,
             "5 complete, 1 died");
  json_t *all = run_json(c, "$N search list --json $D/s");
  const json_t *trials = json_object_get(all, "trials");
  assert_int_equal(json_array_size(trials), 6);
  assert_true(json_equal(json_object_get(json_array_get(trials, 2), "params"),
                         json_object_get(json_array_get(trials, 4), "params")));
  json_decref(all);
}

// What Optuna enqueued comes next, with what it fixes; what the space doesn't have waits on.
static void test_enqueued(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
#define ENQUEUE(fixed)                                                                             \
  "printf '%s\\n' "                                                                                \
  "'{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":0,\"datetime_start\":null,\"state\":4,"        \
  "\"system_attrs\":{\"fixed_params\":" fixed "}}' >>$D/s"
  cli_expect(c, FEW "1 " MLP, 0, "");
  cli_expect(c, ENQUEUE("{\"fc1.weight\":\"{bits},auto\",\"bits\":3,\"fc1.in\":16}"), 0, "");
  cli_expect(c, ENQUEUE("{\"fc1.in\":5}"), 0, "");
  cli_expect(c, FEW "3 " MLP, 0, "");
  json_t *all = run_json(c, "$N search list --json $D/s");
  const json_t *trials = json_object_get(all, "trials"), *one = json_array_get(trials, 1);
  assert_int_equal(json_array_size(trials), 4);
  assert_string_equal(json_string_value(json_object_get(one, "state")), "COMPLETE");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "params"), "bits")), 3);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "params"), "fc1.in")),
                   16);
  assert_non_null(json_object_get(one, "formats"));
  assert_string_equal(json_string_value(json_object_get(json_array_get(trials, 2), "state")),
                      "WAITING");
  json_decref(all);
}

// Two workers: every trial once, none lost, and numbers without gaps.
static void test_jobs(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
  json_t *all = run_json(c, "$N search -q " SPACE DATA "--sampler random --trials 30 --jobs 3 "
                            "--study $D/s --json " MLP);
  assert_int_equal(json_integer_value(json_object_get(all, "trials")), 30);
  assert_int_equal(json_integer_value(json_object_get(all, "complete")), 30);
  json_decref(all);
}

// Of a grid every point, and an end.
static void test_grid(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json",
             "{\"parameters\":{\"fc1.in\":{\"choices\":[1,4,16]},"
             "\"fc2.in\":{\"int\":[1,2]}},\"defaults\":{\"stream\":\"8,3\"}}");
  json_t *all = run_json(c, "$N search -q " SPACE " --sampler grid --objective ii,multipliers "
                            "--limit 'multipliers<=20' --study $D/s --json " MLP);
  assert_int_equal(json_integer_value(json_object_get(all, "complete")), 6);
  const json_t *front = json_object_get(all, "front"), *t;
  size_t i;
  json_array_foreach((json_t *)front, i, t)
      assert_true(json_number_value(json_array_get(json_object_get(t, "values"), 1)) <= 20);
  assert_true(json_array_size(front) > 0);
  json_decref(all);
}

// Trials that are worse than others after a part of the images stop there.
static void test_prune(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
  for (int i = 0; i < 2; i++) {
    json_t *all = run_json(c, arena_printf(&c->arena,
                                           "$N search -q " SPACE DATA "--prune %s --trials 30 "
                                           "--study $D/s%d --json " MLP,
                                           i ? "asha" : "median", i));
    int64_t pruned = json_integer_value(json_object_get(all, "pruned"));
    assert_true(pruned > 0 && pruned < 25);
    assert_int_equal(json_integer_value(json_object_get(all, "complete")), 30 - pruned);
    json_decref(all);
  }
}

// A point that no circuit is made of fails with its reason; a space of nothing else ends soon.
// What pruning leaves of a model is trained; the point's model has these weights, and its mask.
static void test_finetune(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json",
             "{\"parameters\":{\"prune.finetune\":{\"choices\":[0,2]},"
             "\"prune.score\":{\"choices\":[\"l1\",\"random:3\"]}},"
             "\"defaults\":{\"stream\":\"8,3\",\"fc1.prune\":0.9}}");
  json_t *all = run_json(c, "$N search -q " SPACE " --data synthetic:1500:1 --images 300 --sampler "
                            "grid --study $D/s --json " MLP);
  assert_int_equal(json_integer_value(json_object_get(all, "complete")), 4);
  json_decref(all);
  double errors[2][2];
  for (int i = 0; i < 4; i++) {
    json_t *trial = run_json(c, arena_printf(&c->arena, "$N search show %d --json $D/s", i));
    json_t *params = json_object_get(trial, "params"), *values = json_object_get(trial, "values");
    bool tuned = json_integer_value(json_object_get(params, "prune.finetune")) == 2;
    bool drawn = strcmp(json_string_value(json_object_get(params, "prune.score")), "random:3") == 0;
    errors[drawn][tuned] = json_number_value(json_array_get(values, 0));
    json_decref(trial);
    if (!drawn || !tuned) continue;
    cli_expect(c, arena_printf(&c->arena, "$N search formats %d -o $D/point $D/s", i), 0,
               "point/model.bin");
    cli_expect(c, "$N info --json -p 8,3 $D/point/model.bin", 0, "\"macs\":10032");
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N search show %d --data synthetic:1500:1 --images 1500 "
                            "$D/s 2>&1",
                            i),
               0, "accuracy");
  }
  // a trial leaves nothing behind for the next: as good alone as after one that trained
  write_file(
      c, "first.json",
      "{\"parameters\":{\"prune.finetune\":{\"choices\":[0,2]}},\"defaults\":{\"stream\":"
      "\"8,3\",\"fc1.prune\":0.9},\"first\":[{\"prune.finetune\":2},{\"prune.finetune\":0}]}");
  json_t *both = run_json(c, "$N search -q --space $D/first.json --data synthetic:1500:1 --images "
                             "300 --trials 2 --study $D/after --json " MLP);
  json_decref(both);
  json_t *after = run_json(c, "$N search show 1 --json $D/after");
  assert_true(json_number_value(json_array_get(json_object_get(after, "values"), 0)) ==
              errors[0][0]);
  json_decref(after);
  // a tenth drawn at random is less than the largest tenth; training mends both
  assert_true(errors[1][0] > errors[0][0]);
  assert_true(errors[0][1] < errors[0][0] && errors[1][1] < errors[1][0]);
}

static void test_failures(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json",
             "{\"parameters\":{\"stream\":{\"choices\":[\"8,3\",\"99,3\"]},"
             "\"fc1.in\":{\"choices\":[1,2,4]}}}");
  cli_expect(c, "$N search " SPACE DATA "--sampler grid --study $D/s " MLP, 0, "3 failed");
  cli_expect(c, "$N search show 3 $D/s", 0, "99,3");
  write_file(c, "space.json",
             "{\"parameters\":{\"stream\":{\"choices\":[\"99,3\"]},"
             "\"fc1.in\":{\"int\":[1,50]}}}");
  cli_expect(c, "$N search -q " SPACE DATA "--study $D/t " MLP, 1,
             "all 10 trials failed, trial 9: ");
}

static void test_presets(void **state) {
  struct shell *c = *state;
  static const char *const presets[] = {"lab3",    "mixed", "formats",
                                        "folding", "prune", "formats,folding,prune"};
  for (int i = 0; i < 6; i++) {
    cli_expect(
        c, arena_printf(&c->arena, "$N search --space-for %s " MLP " >$D/space.json", presets[i]),
        0, "");
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N search -q " SPACE DATA "%s --objective mean_bits,ii --trials 4 "
                            "--study $D/%s " MLP " && $N search front $D/%s",
                            i == 1   ? "--calibrate synthetic:50:7 --method mse"
                            : i == 0 ? ""
                                     : "-p 8,3",
                            presets[i], presets[i]),
               0, " complete");
  }
  // beside pruning weights have a 0, beside lanes no blocks; none of the trials fails
  cli_expect(c, "grep -c 'residual\\|bipolar\\|block' $D/space.json; grep bipolar $D/space.json", 0,
             "1\n    \"fc2.weight\"");
  cli_expect(c,
             "$N search " SPACE DATA "-p 8,3 --objective ii --sampler random --trials 40 --study "
             "$D/all " MLP,
             0, "40 complete;");
}

// The page: whole, of nothing but itself, names from a file escaped.
static void test_page(void **state) {
  struct shell *c = *state;
  static const char *const parts[] = {"<svg", "id=\"history\"", "id=\"importance\"", "id=\"best\"",
                                      "</html>"};
  write_file(c, "space.json", space);
  cli_expect(c,
             "$N search -q " SPACE DATA
             "--objective errors,ii --trials 12 --study $D/s -o $D/s.html " MLP,
             0, "");
  const char *page = cli_run(c, "cat $D/s.html").text;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (!strstr(page, parts[i])) fail_msg("no %s", parts[i]);
  assert_non_null(strstr(page, "id=\"front\""));
  cli_expect(c, "grep -oE '(href|src)=|url[(]|https?://[a-z0-9.]*' $D/s.html | sort -u", 0,
             "http://www.w3.org\n");
  write_file(
      c, "evil",
      "{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"<script>x\",\"directions\":[1]}\n"
      "{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":0,\"datetime_start\":null,\"params\":"
      "{\"<b>\":1},\"distributions\":{\"<b>\":\"{\\\"name\\\":\\\"CategoricalDistribution\\\","
      "\\\"attributes\\\":{\\\"choices\\\":[1,\\\"<i>\\\"]}}\"}}\n"
      "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":1,\"values\":[1]}\n");
  cli_expect(c, "$N search best -o $D/evil.html $D/evil && cat $D/evil.html", 0, "&lt;i&gt;");
  cli_expect(c, "grep -cE '<script>|<b>|<i>' $D/evil.html; true", 0, "0");
  write_file(
      c, "names",
      "{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"s\",\"directions\":[1]}\n"
      "{\"op_code\":3,\"worker_id\":\"w\",\"study_id\":0,\"system_attr\":{\"study:metric_names\":"
      "[\"\\u001b[31m\\u202e\"]}}\n"
      "{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":0,\"datetime_start\":null,\"user_attrs\":"
      "{\"error\":\"\\u202e\"}}\n"
      "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":1,\"values\":[1]}\n");
  static const char *const ways[] = {"best", "list", "show 0", "show --json 0", "list --json"};
  for (int i = 0; i < 5; i++)
    cli_expect(
        c,
        arena_printf(
            &c->arena,
            "$N search %s $D/names | grep -c \"$(printf '\\033\\\\|\\342\\200\\256')\"; true",
            ways[i]),
        0, "0");
  cli_expect(c, "$N search list -o $D/k.html tests/search/optuna/kinds.journal && cat $D/k.html", 0,
             "</html>");
  cli_expect(c, "$N search best -o $D/s $D/s", 1, "would be overwritten");
}

// ---- with training

#define NET                                                                                        \
  "{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"                             \
  "{\"op\":\"linear\",\"name\":\"fc1\",\"out\":16},{\"op\":\"relu\",\"name\":\"relu1\"},"          \
  "{\"op\":\"linear\",\"name\":\"mid\",\"out\":16},{\"op\":\"linear\",\"name\":\"fc2\",\"out\":"   \
  "10}]}"

static const char net_space[] =
    "{\"parameters\":{\"train.fc1.out\":{\"choices\":[8,16]},\"train.mid.present\":{\"choices\":["
    "true,false]},"
    "\"train.relu1.op\":{\"choices\":[\"relu\",\"tanh\"]},\"train.rate\":{\"float\":[0.001,0.01],"
    "\"log\":true},"
    "\"mid.weight\":{\"choices\":[\"4,channel\"],\"when\":{\"train.mid.present\":true}},"
    "\"fc1.prune\":{\"float\":[0,0.5,0.5]}},"
    "\"defaults\":{\"stream\":\"8,3\",\"train.epochs\":1},\"compress\":{\"finetune\":1}}";

// A trial trains what its point says: the same network comes again for its files, and run counts
// the errors of the same images.
static void test_net(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", net_space);
  write_file(c, "net.json", NET);
  const char *line = "$N search -q --net $D/net.json " SPACE " --data synthetic:400 --images 100 "
                     "--objective errors,weight_bits --trials 8 --study $D/%s --json";
  json_t *all = run_json(c, arena_printf(&c->arena, line, "s"));
  assert_int_equal(json_integer_value(json_object_get(all, "complete")), 8);
  json_decref(all);
  json_decref(run_json(c, arena_printf(&c->arena, line, "again")));
  assert_string_equal(journal_text(c, "s"), journal_text(c, "again"));
  int64_t least = INT64_MAX, most = 0;
  for (int i = 0; i < 8; i++) {
    json_t *trial = run_json(c, arena_printf(&c->arena, "$N search show %d --json $D/s", i));
    cli_expect(c, arena_printf(&c->arena, "$N search formats %d -o $D/f%d $D/s", i, i), 0,
               "model.bin");
    // the validation images alone are the last 100 of the set
    json_t *info = run_json(
        c, arena_printf(&c->arena, "$N info --json --formats $D/f%d/formats.json $D/f%d/model.bin",
                        i, i));
    const json_t *params = json_object_get(trial, "params");
    int64_t parameters = json_integer_value(json_object_get(info, "parameters"));
    bool mid = json_is_true(json_object_get(params, "train.mid.present"));
    int64_t out = json_integer_value(json_object_get(params, "train.fc1.out"));
    if (json_number_value(json_object_get(params, "fc1.prune")) == 0)
      assert_int_equal(parameters, 785 * out + (mid ? 16 * (out + 1) + 170 : 10 * (out + 1)));
    least = parameters < least ? parameters : least;
    most = parameters > most ? parameters : most;
    json_decref(info);
    json_decref(trial);
  }
  assert_true(most > least);
  json_t *one = run_json(c, "$N search show 2 --json --data synthetic:400 $D/s");
  json_t *run = run_json(
      c, "$N run -q --json --data synthetic:400 --formats $D/f2/formats.json $D/f2/model.bin");
  assert_true(json_number_value(json_object_get(one, "accuracy")) ==
              json_number_value(json_object_get(run, "accuracy")));
  json_decref(one);
  json_decref(run);
}

// What an epoch says stops a training; what isn't about one is refused.
static void test_net_words(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words;
    int status;
    const char *says;
  } rows[] = {
      {"--net $D/net.json " MLP, 2, "leave models/mnist-mlp.bin away"},
      {"--epochs 2 " MLP, 2, "--epochs is about training: give --net"},
      {MLP " --space $D/layer.json", 1, "\"train.fc9.out\": is about training: give --net"},
      {"--net $D/net.json --prune median --objective ii", 2, "an epoch of training tells errors"},
      {"--net none", 1, "there is no recipe and no file of this name"},
      {"--net '{}'", 1, "--net {}"},
      {"--net $D/net.json --space $D/layer.json", 1, "the recipe has no layer named \"fc9\""},
      {"--net $D/net.json --space $D/field.json", 1,
       "\"train.speed\": expected train.epochs, rate"},
      {"--net $D/net.json --space $D/tune.json", 1, "\"finetune\": expected epochs"},
      {MLP " --space $D/compress.json", 1, "\"compress\" is about --net"}};
  write_file(c, "space.json", net_space);
  write_file(c, "net.json", NET);
  write_file(c, "layer.json", "{\"parameters\":{\"train.fc9.out\":{\"choices\":[8]}}}");
  write_file(c, "field.json", "{\"parameters\":{\"train.speed\":{\"choices\":[8]}}}");
  write_file(
      c, "tune.json",
      "{\"parameters\":{\"train.fc1.out\":{\"choices\":[8]}},\"compress\":{\"finetune\":-1}}");
  write_file(c, "compress.json",
             "{\"parameters\":{\"fc1.in\":{\"choices\":[8]}},\"compress\":{\"finetune\":1}}");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c,
               arena_printf(&c->arena,
                            "$N search -q " SPACE
                            " --data synthetic:100 --images 50 --study $D/s %s",
                            rows[i].words),
               rows[i].status, rows[i].says);
  write_file(c, "rate.json",
             "{\"parameters\":{\"train.rate\":{\"float\":[1e-5,0.01],\"log\":true},"
             "\"train.epochs\":{\"choices\":[3]}},\"defaults\":{\"stream\":\"8,3\"}}");
  json_t *all = run_json(
      c, "$N search -q --net $D/net.json --space $D/rate.json --data synthetic:300 --images 100 "
         "--prune asha --trials 12 --study $D/p --json");
  assert_true(json_integer_value(json_object_get(all, "pruned")) > 0);
  assert_true(json_integer_value(json_object_get(all, "complete")) > 0);
  json_decref(all);
  write_file(c, "bad.json",
             "{\"parameters\":{\"train.relu1.op\":{\"choices\":[\"relu\",\"nonsense\"]}},"
             "\"defaults\":{\"stream\":\"8,3\",\"train.epochs\":1}}");
  cli_expect(c,
             "$N search --net $D/net.json --space $D/bad.json --sampler grid --data synthetic:400 "
             "--images 100 --study $D/b",
             0, "1 complete, 1 failed");
  cli_expect(c, "$N search show 1 $D/b", 0, "nonsense");
}

// ---- what is refused

static void test_refuses(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *words;
    int status;
    const char *says;
  } rows[] = {
      {"", 2, "--space: which?"},
      {"--space-for lab4", 2, "\"lab4\", did you mean \"lab3\"? expected lab3, mixed"},
      {SPACE " --sampler gp", 2, "expected tpe, nsga2"},
      {SPACE " --objective speed", 2, "there is no \"speed\": expected errors, snr"},
      {SPACE " --objective ii,ii", 2, "stands there twice"},
      {SPACE " --objective ii --weights 1,2", 2, "expected 1 numbers"},
      {SPACE " --limit ii", 2, "METRIC<=NUMBER"},
      {SPACE " --limit 'ii<=x'", 2, "a number behind <="},
      {SPACE " --prune hyperband", 2, "none, median or asha"},
      {SPACE " --objective errors,ii --prune median", 2, "stopped by one objective"},
      {SPACE " --objective ii --prune median", 2, "changes nothing"},
      {SPACE " --jobs 65", 2, "at most 64"},
      {SPACE " --data mnist", 1, "those are the test images"},
      {"--space $D/none.json", 1, "none.json"},
      {"--space formats,foldin", 1, "--space: \"foldin\", did you mean \"folding\"?"},
      {"--space $D/layer.json", 1, "there is no layer \"fc9\""},
      {"--space $D/field.json", 1,
       "parameter \"fc1.size\": is about nothing: expected one of LAYER.stream"},
      {"--space $D/default.json", 1, "default \"fc1.size\""},
      {"--space $D/bad.json", 1,
       "bad.json: parameter \"stream\": \"int\": the range from 3 to 2 is empty"},
      {"--space '{\"parameters\":3}'", 1, "--space: \"parameters\": expected"},
      {"--space $D/float.json --sampler grid -p 8,3" DATA, 1, "grid needs steps"},
      {"--space mixed" DATA, 1, "preset mixed says the widths of streams alone: give images"},
      {"--space formats,prune" DATA, 1, "preset formats,prune says nothing of streams: give"},
      {"--space formats -p 4 --calibrate synthetic:300" DATA, 1,
       "--calibrate synthetic:300: has images of synthetic:300 from 100 to 299, which trials"},
      {"--space mixed --calibrate mnist:10" DATA, 1,
       "those images are what the point that is chosen is"}};
  write_file(c, "space.json", space);
  write_file(c, "layer.json", "{\"parameters\":{\"fc9.weight\":{\"choices\":[\"8,auto\"]}}}");
  write_file(c, "field.json", "{\"parameters\":{\"fc1.size\":{\"int\":[1,2]}}}");
  write_file(c, "default.json",
             "{\"parameters\":{\"fc1.in\":{\"int\":[1,2]}},\"defaults\":{\"fc1.size\":1}}");
  write_file(c, "bad.json", "{\"parameters\":{\"stream\":{\"int\":[3,2]}}}");
  write_file(c, "float.json", "{\"parameters\":{\"fc1.prune\":{\"float\":[0,0.5]}}}");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, arena_printf(&c->arena, "$N search -q %s --study $D/s " MLP, rows[i].words),
               rows[i].status, rows[i].says);
  cli_expect(c, "test -e $D/s && echo there || echo nothing", 0, "nothing");
}

// What a study is about stays; words about studies that aren't there.
static void test_refuses_studies(void **state) {
  struct shell *c = *state;
  write_file(c, "space.json", space);
#define AGAIN(more) "$N search -q " more DATA " --trials 3 --study $D/s "
  cli_expect(c, AGAIN(SPACE " --objective ii") MLP, 0, "");
  cli_expect(c, AGAIN(SPACE " --objective luts") MLP, 1,
             "its \"objectives\" is another one: the study has ii, this search luts");
  cli_expect(c, AGAIN(SPACE " --objective ii --limit 'ii<=9'") MLP, 1, "\"objectives\"");
  cli_expect(c, AGAIN(SPACE " --objective ii -w 4,auto") MLP, 1, "\"quantise\"");
  cli_expect(c, AGAIN(SPACE " --objective ii") "models/mnist-acts.bin", 1,
             "its \"model\" is another one");
  cli_expect(c,
             "sed 's/16/8/' $D/space.json >$D/other.json; " AGAIN(
                 "--space $D/other.json --objective ii") MLP,
             1, "its \"space\" is another one: the study has ");
  cli_expect(
      c, "cp tests/search/optuna/kinds.journal $D/k; $N search -q " SPACE DATA " --study $D/k " MLP,
      1, "objective 1 of the study is maximised, errors is minimised");
  cli_expect(c,
             "cp tests/search/optuna/mlp_front.journal $D/m; $N search -q " SPACE DATA
             " --study $D/m " MLP,
             1, "the study has 2 objectives, --objective has 1");
  cli_expect(c,
             "sed 's/fc1.in_lanes/fc1.in/' tests/search/optuna/mlp_front.journal >$D/m; $N search "
             "-q " SPACE DATA "--objective errors,ii --study $D/m " MLP,
             1, "trial 0: parameter \"fc1.in\" has other choices");
  cli_expect(c, "grep -c . $D/m", 0, "590"); // nothing was added
  cli_expect(c,
             "cp tests/search/optuna/mlp_front.journal $D/m; $N search -q " SPACE DATA
             "--objective errors,ii --trials 47 --study $D/m " MLP " && $N search front $D/m",
             0, "46 complete, 1 failed");
  cli_expect(c, "$N search best $D/none", 1, "there is no such study");
  cli_expect(c, "$N search show $D/s", 1, "expected a trial's number");
  cli_expect(c, "$N search show 3 $D/s", 1, "there is no trial 3: it has 0 to 2");
  cli_expect(c, "$N search show x $D/s", 1, "there is no trial x");
  cli_expect(c, "$N search best 1 $D/s", 1, "expected one study");
  cli_expect(c, "$N search best $D/space.json", 1, "line 1");
  cli_expect(c, "$N search best a b c", 2, "too many arguments");
  cli_expect(c, "$N search best tests/search/optuna/kinds.journal", 0, "complete");
  cli_expect(c, "$N search front tests/search/optuna/mlp_front.journal", 0, "errors");
  cli_expect(c, "$N search formats 1 tests/search/optuna/kinds.journal", 1,
             "search made none of it");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_same_figures),
                                     SHELL_CASE(test_same_errors),
                                     SHELL_CASE(test_same_snr),
                                     SHELL_CASE(test_timeout),
                                     SHELL_CASE(test_resume),
                                     SHELL_CASE(test_killed),
                                     SHELL_CASE(test_interrupted),
                                     SHELL_CASE(test_point_folder),
                                     SHELL_CASE(test_abandoned),
                                     SHELL_CASE(test_enqueued),
                                     SHELL_CASE(test_jobs),
                                     SHELL_CASE(test_grid),
                                     SHELL_CASE(test_prune),
                                     SHELL_CASE(test_finetune),
                                     SHELL_CASE(test_failures),
                                     SHELL_CASE(test_presets),
                                     SHELL_CASE(test_net),
                                     SHELL_CASE(test_net_words),
                                     SHELL_CASE(test_page),
                                     SHELL_CASE(test_refuses),
                                     SHELL_CASE(test_refuses_studies)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
