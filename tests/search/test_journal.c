// SPDX-License-Identifier: Apache-2.0
// Journals: files that Optuna 5.0 wrote, against what Optuna says is in them; files of ours read
// back; torn, foreign and hostile ones; several writers; a full disk.
#include "search/journal_parts.h"
#include "sw/base/clock.h"
#include "sw/base/file.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/nngen-journal-XXXXXX", path[64];

static int setup(void **state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/study.journal", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static void put(const char *text, size_t size) {
  FILE *f = fopen(path, "w");
  assert_true(f && fwrite(text, 1, size, f) == size && fclose(f) == 0);
}

static struct bytes get(struct arena *a) {
  struct bytes b = {0};
  struct err e = {0};
  if (!file_read(a, path, 64 << 20, &b, &e)) fail_msg("%s", e.text);
  return b;
}

// ---- what Optuna says

// The state files say "inf" for what JSON has no number for.
static void same_number(double ours, const json_t *theirs) {
  const char *word = json_string_value(theirs);
  assert_true(word ? strcmp(word, "inf") == 0 && ours == INFINITY
                   : json_is_number(theirs) && json_number_value(theirs) == ours);
}

static void same_time(const char *ours, const json_t *theirs) {
  const char *text = json_string_value(theirs);
  assert_int_equal(ours != NULL, text != NULL);
  if (text) assert_memory_equal(ours, text, strlen(text));
}

// A parameter's value as it is outside.
static void same_value(const struct trial_param *p, const json_t *theirs) {
  assert_true(param_find(p->is, theirs) == p->value);
}

static void same_trial(const struct trial *t, const json_t *s) {
  const json_t *values = json_object_get(s, "values"),
               *reports = json_object_get(s, "intermediate_values");
  assert_int_equal(t->number, json_integer_value(json_object_get(s, "number")));
  assert_int_equal(t->id, json_integer_value(json_object_get(s, "trial_id")));
  assert_string_equal(trial_state_text(t->state), json_string_value(json_object_get(s, "state")));
  assert_int_equal(t->n_values, json_array_size(values));
  for (uint32_t i = 0; i < t->n_values; i++) same_number(t->values[i], json_array_get(values, i));
  assert_int_equal(t->n_params, json_object_size(json_object_get(s, "params")));
  for (uint32_t i = 0; i < t->n_params; i++) {
    const struct trial_param *p = &t->params[i];
    same_value(p, json_object_get(json_object_get(s, "params"), p->name));
    same_number(p->value, json_object_get(json_object_get(s, "internal"), p->name));
    struct text d = {0};
    struct err e = {0};
    param_put_distribution(&d, p->is);
    json_t *own = json_parse(d.data, d.size, &e);
    assert_true(json_equal(own, json_object_get(json_object_get(s, "distributions"), p->name)));
    json_decref(own);
    text_free(&d);
  }
  assert_int_equal(t->n_reports, json_object_size(reports));
  for (uint32_t i = 0; i < t->n_reports; i++) {
    char step[24];
    snprintf(step, sizeof step, "%lld", (long long)t->reports[i].step);
    same_number(t->reports[i].value, json_object_get(reports, step));
  }
  assert_true(json_equal(t->user, json_object_get(s, "user_attrs")));
  assert_true(json_equal(t->system, json_object_get(s, "system_attrs")));
  same_time(t->started, json_object_get(s, "datetime_start"));
  same_time(t->completed, json_object_get(s, "datetime_complete"));
}

static json_t *parse_state(struct arena *a, const char *name) {
  struct bytes b;
  struct err e = {0};
  if (!file_read(a, name, 4 << 20, &b, &e)) fail_msg("%s", e.text);
  json_t *state = json_parse((char *)b.data, b.size, &e);
  if (!state) fail_msg("%s: %s", name, e.text);
  return state;
}

static void test_optuna(void **state) {
  (void)state;
  static const char *const names[] = {"lab3cost", "mlp_front", "kinds", "grid"};
  for (size_t i = 0; i < 4; i++) {
    struct arena a = {0};
    struct journal j;
    struct err e = {0};
    if (!journal_open(&j, arena_printf(&a, "tests/search/optuna/%s.journal", names[i]), &e))
      fail_msg("%s", e.text);
    json_t *s = parse_state(&a, arena_printf(&a, "tests/search/optuna/%s.state.json", names[i]));
    const json_t *trials = json_object_get(s, "trials"),
                 *directions = json_object_get(s, "directions");
    const struct journal_study *of = &j.studies[0];
    assert_int_equal(j.n_studies, 1);
    assert_string_equal(of->name, json_string_value(json_object_get(s, "study_name")));
    assert_int_equal(of->n_directions, json_array_size(directions));
    for (int k = 0; k < of->n_directions; k++)
      assert_string_equal(of->maximize[k] ? "MAXIMIZE" : "MINIMIZE",
                          json_string_value(json_array_get(directions, (size_t)k)));
    assert_true(json_equal(of->user, json_object_get(s, "user_attrs")));
    assert_true(json_equal(of->system, json_object_get(s, "system_attrs")));
    assert_int_equal(of->n_trials, json_array_size(trials));
    for (uint32_t k = 0; k < of->n_trials; k++)
      same_trial(&j.trials[of->trials[k]], json_array_get(trials, k));
    json_decref(s);
    journal_close(&j);
    arena_free(&a);
  }
}

// ---- ours

static void append(struct journal *j, struct text *t) {
  struct err e = {0};
  if (!journal_lock(j, &e) || !journal_append(j, t, &e)) fail_msg("%s", e.text);
  journal_unlock(j);
  text_free(t);
  *t = (struct text){0};
}

static const struct param bits = {.name = "b", .kind = PARAM_INT, .low = 2, .high = 8, .step = 1};
static struct param_choice words[] = {{"\"8,auto\"", "8,auto"}, {"null", "null"}};
static const struct param word = {
    .name = "w", .kind = PARAM_CHOICE, .n_choices = 2, .choices = words};

static void create(struct journal *j) {
  struct text t = {0};
  journal_put_study(&t, j, "s \"1\"", 2, (const bool[]){false, true});
  journal_put_study_attr(&t, j, 0, true, "study:metric_names", "[\"errors\",\"ii\"]");
  append(j, &t);
}

static void test_written(void **state) {
  (void)state;
  struct journal j, k;
  struct err e = {0};
  struct text t = {0};
  unlink(path);
  assert_true(journal_open(&j, path, &e));
  assert_int_equal(j.n_studies, 0);
  create(&j);
  struct trial_param params[] = {{"b", 5, &bits}, {"w", 1, &word}};
  journal_put_trial(&t, &j, 0, 2, params, "{\"formats\":{\"x\":1}}");
  append(&j, &t);
  journal_put_report(&t, &j, 0, 125, INFINITY);
  journal_put_report(&t, &j, 0, 3, NAN);
  journal_put_trial_attr(&t, &j, 0, true, "constraints", "[-1.0]");
  journal_put_state(&t, &j, 0, TRIAL_COMPLETE, 2, (const double[]){20, -INFINITY});
  journal_put_report(&t, &j, 0, 4, 1); // too late: nothing
  append(&j, &t);
  assert_true(journal_open(&k, path, &e));
  const struct trial *both[2] = {&j.trials[0], &k.trials[0]};
  for (int i = 0; i < 2; i++) {
    const struct trial *x = both[i];
    assert_true(x->state == TRIAL_COMPLETE && x->n_values == 2 && x->values[0] == 20 &&
                x->values[1] == -INFINITY);
    assert_true(x->n_params == 2 && x->params[0].value == 5 && x->params[1].value == 1);
    assert_true(param_equal(x->params[0].is, &bits) && param_equal(x->params[1].is, &word));
    assert_true(x->n_reports == 2 && x->reports[0].step == 3 && isnan(x->reports[0].value));
    assert_true(x->reports[1].step == 125 && isinf(x->reports[1].value));
    assert_int_equal(json_object_size(x->user), 1);
    assert_int_equal(json_object_size(x->system), 1);
    assert_true(x->started && x->completed && strncmp(x->worker, "nngen-", 6) == 0);
  }
  assert_string_equal(k.studies[0].name, "s \"1\"");
  assert_int_equal(k.studies[0].n_directions, 2);
  assert_true(!k.studies[0].maximize[0] && k.studies[0].maximize[1]);
  journal_close(&j);
  journal_close(&k);
}

// ---- torn

// Whatever a writer left that died: what is whole counts, and the next one makes the file whole.
static void test_torn(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes whole;
  struct err e = {0};
  assert_true(file_read(&a, "tests/search/optuna/kinds.journal", 1 << 20, &whole, &e));
  for (size_t size = 0; size < 4000; size++) {
    struct journal j, k;
    struct text t = {0};
    put((char *)whole.data, size);
    if (!journal_open(&j, path, &e)) fail_msg("%s", e.text);
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) lines += whole.data[i] == '\n';
    assert_int_equal(j.line, lines);
    if (size % 29 == 0 && lines) {
      journal_put_study_attr(&t, &j, 0, false, "more", "1");
      append(&j, &t);
      if (!journal_open(&k, path, &e)) fail_msg("%s", e.text);
      assert_int_equal(k.line, lines + 1);
      assert_int_equal(json_integer_value(json_object_get(k.studies[0].user, "more")), 1);
      assert_int_equal(j.line, lines + 1);
      journal_close(&k);
    }
    journal_close(&j);
  }
  arena_free(&a);
}

// ---- foreign

#define STUDY "{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"s\",\"directions\":[1]}\n"
#define TRIAL "{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":0,\"datetime_start\":null}\n"

static void test_foreign(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } bad[] = {
      {"hello\n", "line 1"},
      {"\n", "line 1"},
      {"{\"parameters\":{}}", "line 1: not a journal"},
      {STUDY "x", "line 2: not a journal"},
      {"{\"op_code\":0}\n", "not a journal"},
      {"[1]\n", "not a journal"},
      {"{\"op_code\":11,\"worker_id\":\"w\"}\n", "0 to 10"},
      {"{\"op_code\":0,\"op_code\":0,\"worker_id\":\"w\"}\n", "duplicate"},
      {"{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"s\",\"directions\":[]}\n",
       "directions"},
      {"{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"s\",\"directions\":[3]}\n",
       "1 (minimise)"},
      {STUDY "{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":1}\n", "line 2: \"study_id\""},
      {STUDY "{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":-1}\n", "line 2: \"study_id\""},
      {STUDY "{\"op_code\":4,\"worker_id\":\"w\",\"study_id\":99999999999999999999}\n", "line 2"},
      {STUDY TRIAL
       "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":1,\"state\":1,\"values\":[1]}\n",
       "line 3: \"trial_id\""},
      {STUDY TRIAL
       "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":5,\"values\":[1]}\n",
       "\"state\""},
      {STUDY TRIAL
       "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":1,\"values\":[1,2]}\n",
       "one for each direction"},
      {STUDY TRIAL
       "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":1,\"values\":null}\n",
       "without \"values\""},
      {STUDY TRIAL
       "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":1,\"values\":[NaN]}\n",
       "no number"},
      {STUDY TRIAL
       "{\"op_code\":6,\"worker_id\":\"w\",\"trial_id\":0,\"state\":1,\"values\":[nan]}\n",
       "line 3"},
      {STUDY TRIAL "{\"op_code\":7,\"worker_id\":\"w\",\"trial_id\":0,\"step\":\"1\","
                   "\"intermediate_value\":1}\n",
       "\"step\""},
      {STUDY TRIAL "{\"op_code\":7,\"worker_id\":\"w\",\"trial_id\":0,\"step\":1,\"intermediate_"
                   "value\":\"x\"}\n",
       "intermediate_value"},
      {STUDY TRIAL "{\"op_code\":8,\"worker_id\":\"w\",\"trial_id\":0,\"user_attr\":{}}\n",
       "one entry"},
      {STUDY TRIAL
       "{\"op_code\":5,\"worker_id\":\"w\",\"trial_id\":0,\"param_name\":\"x\","
       "\"param_value_internal\":9,\"distribution\":\"{\\\"name\\\":\\\"IntDistribution\\\","
       "\\\"attributes\\\":{\\\"low\\\":1,\\\"high\\\":3,\\\"step\\\":1,\\\"log\\\":false}}\"}\n",
       "outside of its range"},
      {STUDY TRIAL "{\"op_code\":5,\"worker_id\":\"w\",\"trial_id\":0,\"param_name\":\"x\","
                   "\"param_value_internal\":9,\"distribution\":\"{}\"}\n",
       "parameter \"x\""},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct journal j;
    struct err e = {0};
    put(bad[i].text, strlen(bad[i].text));
    if (journal_open(&j, path, &e)) fail_msg("read: %s", bad[i].text);
    if (!strstr(e.text, bad[i].says))
      fail_msg("%s\n%s without %s", bad[i].text, e.text, bad[i].says);
    journal_close(&j);
  }
}

static void test_long_line(void **state) {
  (void)state;
  size_t size = 10 << 20;
  char *text = malloc(size);
  memset(text, ' ', size);
  memcpy(text, STUDY, strlen(STUDY));
  put(text, size);
  struct journal j;
  struct err e = {0};
  assert_false(journal_open(&j, path, &e));
  assert_non_null(strstr(e.text, "line 2: longer than 8 MB"));
  journal_close(&j);
  free(text);
}

// ---- several writers

enum { WRITERS = 3, EACH = 20 };

static void write_trials(int writer) {
  struct journal j;
  struct err e = {0};
  if (!journal_open(&j, path, &e)) _exit(1);
  for (int i = 0; i < EACH; i++) {
    struct text t = {0};
    struct trial_param p = {"b", 2 + writer, &bits};
    if (!journal_lock(&j, &e)) _exit(2);
    int64_t id = j.n_trials;
    journal_put_trial(&t, &j, 0, 1, &p, "{}");
    if (!journal_append(&j, &t, &e) || j.n_trials != id + 1) _exit(3);
    journal_unlock(&j);
    t.size = 0;
    journal_put_state(&t, &j, id, TRIAL_COMPLETE, 2, (const double[]){writer, i});
    if (!journal_lock(&j, &e) || !journal_append(&j, &t, &e)) _exit(4);
    journal_unlock(&j);
    text_free(&t);
  }
  journal_close(&j);
  _exit(0);
}

static void test_writers(void **state) {
  (void)state;
  struct journal j;
  struct err e = {0};
  unlink(path);
  assert_true(journal_open(&j, path, &e));
  create(&j);
  for (int w = 0; w < WRITERS; w++)
    if (fork() == 0) write_trials(w);
  for (int w = 0; w < WRITERS; w++) {
    int status;
    wait(&status);
    assert_int_equal(status, 0);
  }
  assert_true(journal_sync(&j, &e));
  assert_int_equal(j.n_trials, WRITERS * EACH);
  int next[WRITERS] = {0};
  for (uint32_t i = 0; i < j.n_trials; i++) {
    const struct trial *t = &j.trials[i];
    int w = (int)t->values[0];
    assert_true(t->state == TRIAL_COMPLETE && t->number == i && t->params[0].value == 2 + w);
    assert_true(t->values[1] == next[w]++);
  }
  journal_close(&j);
}

// A lock whose holder died is taken over once it hasn't changed for long enough, not before.
static void test_lock(void **state) {
  (void)state;
  struct arena a = {0};
  struct journal j;
  struct err e = {0};
  const char *lock = arena_printf(&a, "%s.lock", path);
  put(STUDY, strlen(STUDY));
  assert_true(journal_open(&j, path, &e));
  assert_int_equal(symlink(path, lock), 0);
  j.patience = 0.3;
  double begin = clock_seconds();
  assert_true(journal_lock(&j, &e));
  assert_true(clock_seconds() - begin >= 0.3);
  journal_unlock(&j);
  assert_int_equal(access(lock, F_OK), -1);
  // One that is given back is taken at once.
  if (fork() == 0) {
    if (symlink(path, lock) != 0) _exit(1);
    usleep(100000);
    unlink(lock);
    _exit(0);
  }
  usleep(30000);
  j.patience = 30;
  assert_true(journal_lock(&j, &e));
  journal_unlock(&j);
  wait(NULL);
  journal_close(&j);
  arena_free(&a);
}

// No room in the middle of an append: a message, and the file is what it was.
static void test_full(void **state) {
  (void)state;
  struct arena a = {0};
  put(STUDY TRIAL, strlen(STUDY TRIAL));
  for (rlim_t room = 0; room < 40; room += 13) {
    if (fork() == 0) {
      struct rlimit limit = {strlen(STUDY TRIAL) + room, RLIM_INFINITY};
      struct journal j;
      struct err e = {0};
      struct text t = {0};
      signal(SIGXFSZ, SIG_IGN);
      if (!journal_open(&j, path, &e)) _exit(1);
      setrlimit(RLIMIT_FSIZE, &limit);
      journal_put_state(&t, &j, 0, TRIAL_COMPLETE, 1, (const double[]){1});
      if (!journal_lock(&j, &e) || journal_append(&j, &t, &e)) _exit(2);
      journal_unlock(&j);
      _exit(strstr(e.text, "nothing was added") ? 0 : 3);
    }
    int status;
    wait(&status);
    assert_int_equal(status, 0);
    struct bytes b = get(&a);
    assert_int_equal(b.size, strlen(STUDY TRIAL));
    assert_memory_equal(b.data, STUDY TRIAL, b.size);
  }
  arena_free(&a);
}

// A study that was deleted takes its events with it; choices never change; ranges may.
static void test_rules(void **state) {
  (void)state;
  struct journal j;
  struct err e = {0};
#define PARAM(id, choices)                                                                         \
  "{\"op_code\":5,\"worker_id\":\"w\",\"trial_id\":" #id ",\"param_name\":\"x\","                  \
  "\"param_value_internal\":0,\"distribution\":\"{\\\"name\\\":\\\"CategoricalDistribution\\\","   \
  "\\\"attributes\\\":{\\\"choices\\\":" choices "}}\"}\n"
  const char *text = STUDY TRIAL TRIAL PARAM(0, "[1,2]")
      PARAM(1, "[1,3]") "{\"op_code\":10,\"worker_id\":\"w\",\"study_id\":0}\n" STUDY
                        "{\"op_code\":1,\"worker_id\":\"w\",\"study_id\":0}\n" TRIAL STUDY;
  put(text, strlen(text));
  if (!journal_open(&j, path, &e)) fail_msg("%s", e.text);
  assert_int_equal(j.n_trials, 2);
  assert_int_equal(j.trials[0].n_params, 1);
  assert_int_equal(j.trials[1].n_params, 0);
  assert_true(j.n_studies == 2 && j.studies[0].deleted && !j.studies[1].deleted);
  journal_close(&j);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_optuna),    cmocka_unit_test(test_written),
      cmocka_unit_test(test_torn),      cmocka_unit_test(test_foreign),
      cmocka_unit_test(test_long_line), cmocka_unit_test(test_writers),
      cmocka_unit_test(test_lock),      cmocka_unit_test(test_full),
      cmocka_unit_test(test_rules)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
