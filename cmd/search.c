// SPDX-License-Identifier: Apache-2.0
// search: a float model and a space -> trials, each pruned, quantised, folded and measured -> a
// study, whose best points are formats and folding files.
#include "cmd/search.h"
#include "cmd/search_net.h"
#include "cmd/search_page.h"

#include "search/presets.h"
#include "sw/base/clock.h"
#include "sw/base/file.h"
#include "sw/base/pool.h"
#include "sw/base/progress.h"
#include "sw/base/sha256.h"
#include "sw/data/sets.h"
#include "sw/graph/model.h"
#include "sw/import/import.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIALS = 100, JOBS_MOST = 64, HOPELESS = 10 };

// ---- options

static bool read_rule(const char *text, enum stopping *rule, struct err *e) {
  *rule = !text || strcmp(text, "none") == 0 ? STOPPING_NONE
          : strcmp(text, "median") == 0      ? STOPPING_MEDIAN
                                             : STOPPING_ASHA;
  return *rule != STOPPING_ASHA || strcmp(text, "asha") == 0 ||
         err_set(e, "--prune %s: expected none, median or asha", text);
}

static bool read_objectives(const struct options *o, struct objectives *out, struct err *e) {
  return objectives_parse(o->objective ? o->objective : "errors", o->weights, o->limit.count,
                          o->limit.word, out, e);
}

static bool check_training(const struct options *o, struct err *e) {
  const struct {
    const char *name;
    bool given;
  } options[] = {{"--epochs", o->epochs},
                 {"--batch", o->batch},
                 {"--rate", o->rate},
                 {"--optimizer", o->optimizer},
                 {"--decay", o->decay}};
  for (size_t i = 0; !o->net && i < sizeof options / sizeof *options; i++)
    if (options[i].given)
      return err_set(e, "%s is about training: give --net RECIPE instead of a model",
                     options[i].name);
  if (o->net && o->prune && strcmp(o->prune, "none") != 0 &&
      ((o->objective && strcmp(o->objective, "errors") != 0) || o->weights))
    return err_set(e, "--prune %s: an epoch of training tells errors: --objective errors",
                   o->prune);
  return true;
}

bool search_check(struct arena *a, const struct options *o, struct err *e) {
  struct objectives objectives;
  enum stopping rule;
  enum sampler sampler;
  if (search_shows(o)) return true;
  if (o->n_more) return err_set(e, "two arguments: %s and %s", o->model, o->more[0]);
  if (o->net && o->model)
    return err_set(e, "--net trains a network in each trial: leave %s away", o->model);
  if (!check_training(o, e)) return false;
  if (o->space_for) return preset_check(o->space_for, e) || err_within(e, "--space-for");
  if (!o->space)
    return err_set(e,
                   "--space: which? a file, or lab3, mixed, formats, folding or prune (--space-for "
                   "PRESET MODEL prints them)");
  if (o->sampler && !sampler_find(o->sampler, &sampler))
    return err_set(e, "--sampler %s: expected tpe, nsga2, random or grid", o->sampler);
  if (o->jobs > JOBS_MOST)
    return err_set(e, "--jobs %lld: at most %d", (long long)o->jobs, JOBS_MOST);
  if (!command_check(a, o, e) || !read_objectives(o, &objectives, e) ||
      !read_rule(o->prune, &rule, e))
    return false;
  if (rule != STOPPING_NONE && objectives_count(&objectives) > 1)
    return err_set(e, "--prune %s: a trial is stopped by one objective: give one, or --weights",
                   o->prune);
  if (rule != STOPPING_NONE && !objectives_need(&objectives, METRIC_errors) &&
      !objectives_need(&objectives, METRIC_snr))
    return err_set(e, "--prune %s changes nothing: no objective is about images", o->prune);
  return o->data.count <= 1 || err_set(e, "--data: one set, of a model with one input");
}

// ---- setting up

static bool read_model(struct search *s, struct err *e) {
  const struct options *o = s->options;
  if (o->net) return search_net_read(s, e);
  struct load l = {.input_mean = o->input_mean, .input_std = o->input_std};
  struct model m;
  struct bytes file;
  if (!load_model(s->arena, o->model, &l, &m, e) ||
      !file_read(s->arena, load_path(s->arena, o->model), MODEL_BYTES_MAX, &file, e))
    return false;
  if (!m.real || m.fixed)
    return err_set(e, "%s: the model says its types itself: search chooses them for a float model",
                   o->model);
  char *absolute = realpath(o->model, NULL);
  s->model_file = arena_strdup(s->arena, absolute ? absolute : o->model);
  free(absolute);
  s->model_sha256 = sha256_hex(s->arena, file.data, file.size);
  s->whole = m.whole;
  return true;
}

// What a preset leaves open would fail in every trial.
static bool check_preset(const struct options *o, struct err *e) {
  bool widths = preset_has(o->space, "mixed"), types = widths || preset_has(o->space, "lab3");
  if (widths && !o->calibrate.count)
    return err_set(e, "preset mixed says the widths of streams alone: give images that the rest "
                      "follows from, as in --calibrate mnist-train:1000");
  return types || o->precision || o->formats || o->calibrate.count || !preset_is(o->space) ||
         err_set(e, "preset %s says nothing of streams: give --precision W,F, as in 8,3", o->space);
}

static bool read_space(struct search *s, struct err *e) {
  const char *name = s->options->space;
  struct text t = {0};
  bool ok, preset = false;
  if (name[0] == '{') {
    name = "--space";
    ok = space_parse(s->arena, s->options->space, strlen(s->options->space), &s->space, e);
  } else if (file_exists(name) || (!preset_is(name) && strpbrk(name, "./"))) {
    if (!space_read(s->arena, name, &s->space, e)) return false;
    ok = true;
  } else {
    preset = true;
    ok = check_preset(s->options, e) && preset_put(&t, name, s->whole, e) &&
         space_parse(s->arena, t.data, t.size, &s->space, e);
    text_free(&t);
  }
  if (s->space.compress && ok && !s->recipe)
    return err_set(e,
                   "%s: \"compress\" is about --net, which trains in each trial; "
                   "\"prune.finetune\" trains what pruning leaves of a model",
                   name);
  ok = ok && binding_check(&s->space, s->whole, s->recipe, e) &&
       (!s->recipe || search_net_check(s, e));
  return ok || err_within(e, "%s", preset ? "--space" : name);
}

static void add_fact(struct search *s, const char *name, const char *text) {
  s->setup.facts[s->setup.n_facts++] = (struct fact){name, text};
}

static const char *objective_text(struct search *s) {
  const struct options *o = s->options;
  struct text t = {0};
  text_puts(&t, o->objective ? o->objective : "errors");
  if (o->weights) text_printf(&t, " weights %s", o->weights);
  for (int i = 0; i < s->objectives.n_limits; i++)
    text_printf(&t, " limit %s", limit_text(s->arena, &s->objectives.limits[i]));
  const char *text = arena_strdup(s->arena, t.data);
  text_free(&t);
  return text;
}

static void remember(struct search *s) {
  const struct options *o = s->options;
  struct arena *a = s->arena;
  const struct evaluator *v = &s->evaluator;
  add_fact(s, "model", s->model_sha256);
  add_fact(s, "space", s->space.json);
  add_fact(s, "objectives", objective_text(s));
  add_fact(s, "quantise", search_quantise_json(a, o));
  add_fact(s, "data",
           v->set ? arena_printf(a, "%s, images %lld to %lld",
                                 o->data.count ? o->data.word[0] : "mnist-train",
                                 (long long)v->first, (long long)(v->first + v->images - 1))
                  : "none");
  add_fact(s, "circuit",
           arena_printf(a, "{\"device\":\"%s\",\"parallelism\":%lld}", o->device ? o->device : "",
                        (long long)o->parallelism));
  add_fact(s, "model_file", s->model_file);
}

static bool set_up(struct search *s, struct err *e) {
  const struct options *o = s->options;
  const struct device *device = o->device ? device_find(o->device, e) : NULL;
  int threads = 1;
  if (!search_check_calibration(s->arena, o, e) || !read_model(s, e) ||
      !read_objectives(o, &s->objectives, e) || !read_space(s, e) || !search_open_images(s, e) ||
      !search_check_validation(s, e) || !read_rule(o->prune, &s->stopping, e) ||
      (o->jobs <= 1 && !pool_threads(&threads, e)))
    return false;
  s->evaluator.whole = s->whole;
  s->evaluator.load = command_load(o);
  s->evaluator.load.n_data = 0;
  s->evaluator.parallelism = o->parallelism;
  s->evaluator.family = device ? device->family : FAMILY_XC7;
  s->evaluator.threads = threads;
  s->evaluator.objectives = &s->objectives;
  s->setup = (struct study_setup){.name = "nngen",
                                  .space = &s->space,
                                  .objectives = &s->objectives,
                                  .sampler = objectives_count(&s->objectives) > 1 ? SAMPLER_NSGA2
                                                                                  : SAMPLER_TPE,
                                  .seed = o->seed ? (uint64_t)o->seed : 1,
                                  .trials = o->trials ? o->trials : TRIALS};
  if (o->sampler) sampler_find(o->sampler, &s->setup.sampler);
  remember(s);
  return sampler_check(s->setup.sampler, &s->space, e) &&
         (s->recipe || evaluator_prepare(s->arena, &s->evaluator, e));
}

// ---- a trial

// How a point is trained; NULL: it isn't, or can't be.
static const char *plan_of(struct arena *a, const struct search *s, const double *x,
                           const struct assignment *to, struct err *e) {
  return s->recipe || to->finetune ? search_net_plan(a, s, x, to->finetune, e) : NULL;
}

void search_describe(void *context, struct text *t, const double *x) {
  struct search *s = context;
  struct arena scratch = {0};
  struct assignment to;
  struct err e = {0};
  bool ok = binding_assign(&scratch, &s->space, x, &to, &e);
  const char *plan = ok ? plan_of(&scratch, s, x, &to, &e) : NULL;
  if (ok)
    text_printf(t, "\"formats\":%s,\"folding\":%s,\"prune\":%s,", to.formats, to.folding, to.prune);
  if (plan) text_printf(t, "\"train\":%s,", plan);
  arena_free(&scratch);
}

struct watching {
  struct search *search;
  struct study *study;
  int64_t id;
  double errors; // of training, so far
  bool stopped;
  struct err error;
};

static bool go_on(void *context, const double *metrics, int64_t seen) {
  struct watching *w = context;
  double value[METRICS];
  bool stop = false;
  struct err e = {0};
  if (!objectives_values(&w->search->objectives, metrics, value, &e)) return true;
  return study_report(w->study, w->id, seen, value[0], w->search->stopping, &stop, &w->error) &&
         !stop;
}

static bool end_trial(struct search *s, struct study *study, int64_t id, enum outcome outcome,
                      const double *metrics, struct err *why, struct err *e) {
  double values[METRICS];
  if (outcome != OUTCOME_FAILED && !objectives_values(&s->objectives, metrics, values, why))
    outcome = OUTCOME_FAILED;
  if (outcome == OUTCOME_FAILED)
    return study_finish(study, id, TRIAL_FAIL, NULL, NULL, why->text, e);
  return study_finish(study, id, outcome == OUTCOME_STOPPED ? TRIAL_PRUNED : TRIAL_COMPLETE, values,
                      metrics, NULL, e);
}

// After an epoch: errors of the validation images in floats.
static bool go_on_training(void *context, const struct fit_row *row) {
  struct watching *w = context;
  int64_t images = w->search->evaluator.images;
  w->errors = (1 - row->validation_accuracy) * (double)images;
  return study_report(w->study, w->id, row->epoch, w->errors, w->search->stopping, &w->stopped,
                      &w->error) &&
         !w->stopped;
}

// The float model of a point is trained, the rest is as without.
static enum outcome train_and_evaluate(struct arena *a, struct search *s, struct watching *w,
                                       const double *x, const struct assignment *to,
                                       double *metrics, struct err *why) {
  struct evaluator v = s->evaluator;
  struct train_watch watch = {go_on_training, w};
  v.plan = plan_of(a, s, x, to, why);
  v.tune = search_net_tune;
  v.whole = v.plan ? search_net_train(a, v.plan, s->stopping == STOPPING_NONE ? NULL : &watch, why)
                   : NULL;
  for (int i = 0; i < METRICS; i++) metrics[i] = NAN;
  metrics[METRIC_errors] = w->errors;
  if (w->stopped) return OUTCOME_STOPPED;
  if (!v.whole || !evaluator_prepare(a, &v, why)) return OUTCOME_FAILED;
  return evaluate(&v, to, NULL, metrics, why);
}

static bool run_trial(struct search *s, struct study *study, int64_t id, const double *x,
                      struct err *e) {
  struct arena a = {0};
  struct assignment to;
  struct err why = {0};
  double metrics[METRICS];
  struct watching w = {.search = s, .study = study, .id = id};
  struct watch watch = {go_on, &w};
  enum outcome outcome = OUTCOME_FAILED;
  if (binding_assign(&a, &s->space, x, &to, &why)) {
    struct evaluator v = s->evaluator;
    v.plan = s->recipe ? NULL : plan_of(&a, s, x, &to, &why);
    if (v.plan) v.tune = search_net_tune;
    outcome = s->recipe
                  ? train_and_evaluate(&a, s, &w, x, &to, metrics, &why)
                  : evaluate(&v, &to, s->stopping == STOPPING_NONE ? NULL : &watch, metrics, &why);
  }
  if (w.error.text[0]) *e = w.error;
  bool ok = !w.error.text[0] && end_trial(s, study, id, outcome, metrics, &why, e);
  arena_free(&a);
  return ok;
}

// ---- workers

// Nothing works, after so many failures: it is the space or the options, and not this or that
// point.
static bool hopeless(struct study *study, int64_t failures, struct err *e) {
  const struct journal_study *of = &study->journal.studies[study->id];
  struct study_counts c = study_counts(&study->journal, of);
  if (c.complete + c.pruned || c.failed < failures) return false;
  for (uint32_t i = of->n_trials; i-- > 0;) {
    const struct trial *t = &study->journal.trials[of->trials[i]];
    const char *why = json_string_value(json_object_get(t->user, "error"));
    if (!why) continue;
    err_put(e, "all %lld trials failed, trial %lld: %s", (long long)c.failed, (long long)t->number,
            why);
    return true;
  }
  return false;
}

static bool work(struct search *s, struct study *study, double begin, bool quiet, struct err *e) {
  double *x = ARENA_NEW(s->arena, double, s->space.n);
  struct progress p;
  int64_t id;
  enum claim c = CLAIM_TRIAL;
  progress_start(&p, "search", s->setup.trials, quiet);
  while (c == CLAIM_TRIAL) {
    bool late = s->options->timeout && clock_seconds() - begin >= (double)s->options->timeout;
    if (late || hopeless(study, HOPELESS, e)) break;
    c = study_claim(study, x, &id, search_describe, s, e);
    if (c == CLAIM_TRIAL && !run_trial(s, study, id, x, e)) c = CLAIM_ERROR;
    progress_update(&p, study->journal.n_trials);
  }
  progress_end(&p);
  return c != CLAIM_ERROR && !e->text[0];
}

// A process of its own, which dies with this one.
static pid_t start_worker(struct search *s, double begin) {
  pid_t parent = getpid(), child = fork();
  if (child) return child;
  struct study study;
  struct err e = {0};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  bool ok = study_open(&study, s->path, &s->setup, &e) && work(s, &study, begin, true, &e);
  study_close(&study);
  if (!ok) err_print(stderr, &e);
  _exit(ok ? 0 : 1);
}

static bool wait_for(struct search *s, struct study *study, int64_t jobs, struct err *e) {
  struct progress p;
  int64_t left = jobs, bad = 0;
  progress_start(&p, "search", s->setup.trials, s->options->quiet);
  while (left) {
    int status;
    pid_t child = waitpid(-1, &status, WNOHANG);
    if (child > 0) {
      left--;
      bad += status != 0;
      continue;
    }
    struct err unread = {0};
    if (journal_sync(&study->journal, &unread)) progress_update(&p, study->journal.n_trials);
    usleep(50000);
  }
  progress_end(&p);
  return !bad ||
         err_set(e, "%lld of %lld workers ended with an error", (long long)bad, (long long)jobs);
}

static bool work_together(struct search *s, struct study *study, double begin, struct err *e) {
  int64_t started = 0;
  fflush(stdout);
  for (int64_t i = 0; i < s->options->jobs; i++) started += start_worker(s, begin) > 0;
  return wait_for(s, study, started, e) && journal_sync(&study->journal, e);
}

static bool search(struct search *s, struct study *study, struct err *e) {
  double begin = clock_seconds();
  pid_t watch = search_watch_start(s);
  bool ok = s->options->jobs > 1 ? work_together(s, study, begin, e)
                                 : work(s, study, begin, s->options->quiet, e);
  search_watch_end(s, watch);
  s->seconds = clock_seconds() - begin;
  return ok && !hopeless(study, 1, e);
}

// ---- the command

static int print_space(struct arena *a, const struct options *o, struct err *e) {
  struct search s = {.arena = a, .options = o};
  struct text t = {0};
  if (!read_model(&s, e) || !preset_put(&t, o->space_for, s.whole, e)) return EXIT_USER;
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}

int command_search(struct arena *a, const struct options *o, struct err *e) {
  struct search s = {.arena = a, .options = o, .path = o->study ? o->study : "study.journal"};
  struct study study;
  struct text t = {0};
  if (search_shows(o)) return search_show(a, o, e);
  if (o->space_for) return print_space(a, o, e);
  if (!set_up(&s, e)) return EXIT_USER;
  bool ok = study_open(&study, s.path, &s.setup, e) && search(&s, &study, e) &&
            (!o->output ||
             search_page(a, &study.journal, &study.journal.studies[study.id], o->output, e));
  if (ok && o->json)
    search_put_json(&s, &study, &t);
  else if (ok)
    search_put_result(&s, &study, &t);
  if (t.size) fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  study_close(&study);
  return ok ? EXIT_GOOD : EXIT_USER;
}
