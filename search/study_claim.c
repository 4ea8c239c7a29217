// SPDX-License-Identifier: Apache-2.0
// Who gets which trial: points of processes that died, those that somebody enqueued, new ones.
#include "search/study.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_SECONDS = 600 };

static struct journal_study *study_of(struct study *s) {
  return &s->journal.studies[s->id];
}

// ---- the dead

static bool died(const struct trial *t) {
  return json_is_true(json_object_get(t->user, "died"));
}

static int64_t retry_of(const struct trial *t) {
  const json_t *v = json_object_get(t->user, "retry_of");
  return json_is_integer(v) ? json_integer_value(v) : -1;
}

// No process of this number, or one that has ended and that nobody has asked about yet.
static bool is_gone(pid_t pid) {
  char path[40], text[256] = "";
  if (kill(pid, 0) != 0) return errno == ESRCH;
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
  FILE *f = fopen(path, "r");
  const char *end = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
  if (f) fclose(f);
  return end && (end[2] == 'Z' || end[2] == 'X');
}

// nngen-HOST-PID-RANDOM of this host whose process is gone; of others, nobody has written for long.
static bool is_dead(const struct study *s, const struct trial *t, bool quiet) {
  const char *own = s->journal.worker, *theirs = t->worker ? t->worker : "";
  const char *host = strchr(own, '-') + 1;
  size_t length = (size_t)(strchr(host, '-') - own) + 1;
  if (strcmp(own, theirs) == 0) return false;
  if (strncmp(own, theirs, length) != 0) return quiet;
  long pid = strtol(theirs + length, NULL, 10);
  return pid == getpid() || is_gone((pid_t)pid);
}

static bool bury(struct study *s, struct err *e) {
  struct journal_study *of = study_of(s);
  struct text t = {0};
  struct stat st;
  bool quiet = stat(s->journal.path, &st) == 0 && time(NULL) - st.st_mtime > QUIET_SECONDS;
  for (uint32_t i = 0; i < of->n_trials; i++) {
    const struct trial *trial = &s->journal.trials[of->trials[i]];
    if (trial->state != TRIAL_RUNNING || !is_dead(s, trial, quiet)) continue;
    journal_put_trial_attr(&t, &s->journal, trial->id, false, "died", "true");
    journal_put_state(&t, &s->journal, trial->id, TRIAL_FAIL, 0, NULL);
  }
  bool ok = !t.size || journal_append(&s->journal, &t, e);
  text_free(&t);
  return ok;
}

bool study_bury(struct study *s, struct err *e) {
  if (!journal_lock(&s->journal, e)) return false;
  bool ok = bury(s, e);
  journal_unlock(&s->journal);
  return ok;
}

// The first that died and wasn't tried again; one that died twice isn't.
static const struct trial *unburied(struct study *s) {
  const struct journal_study *of = study_of(s);
  for (uint32_t i = 0; i < of->n_trials; i++) {
    const struct trial *t = &s->journal.trials[of->trials[i]];
    bool again = retry_of(t) >= 0;
    if (t->state != TRIAL_FAIL || !died(t)) continue;
    for (uint32_t k = i + 1; !again && k < of->n_trials; k++)
      again = retry_of(&s->journal.trials[of->trials[k]]) == t->number;
    if (!again && space_contains(s->setup->space, s->seen[i].x)) return t;
  }
  return NULL;
}

// ---- claiming

static int study_take(const char *data, size_t size, void *text) {
  text_put(text, data, size);
  return 0;
}

// Points that were proposed, and trials that count.
static void count(struct study *s, int64_t *proposed, int64_t *counted) {
  const struct journal_study *of = study_of(s);
  *proposed = *counted = 0;
  for (uint32_t i = 0; i < of->n_trials; i++) {
    const struct trial *t = &s->journal.trials[of->trials[i]];
    *proposed += retry_of(t) < 0 && t->state != TRIAL_WAITING;
    *counted += !died(t) && t->state != TRIAL_WAITING;
  }
}

static bool next_point(struct study *s, int64_t proposed, double *x) {
  const struct search_space *space = s->setup->space;
  if (proposed < space->n_first && s->setup->sampler != SAMPLER_GRID) {
    memcpy(x, space->first[proposed], space->n * sizeof *x);
    return true;
  }
  return sampler_propose(s->setup->sampler, space, &s->history, s->setup->seed, proposed, x);
}

static bool put_trial(struct study *s, const double *x, const char *attributes, struct err *e) {
  const struct search_space *space = s->setup->space;
  struct arena scratch = {0};
  struct trial_param *params = ARENA_NEW(&scratch, struct trial_param, space->n);
  struct text t = {0};
  uint32_t n = 0;
  for (uint32_t i = 0; i < space->n; i++)
    if (!isnan(x[i]))
      params[n++] = (struct trial_param){space->params[i].is.name, x[i], &space->params[i].is};
  journal_put_trial(&t, &s->journal, s->id, n, params, attributes);
  bool ok = journal_append(&s->journal, &t, e);
  text_free(&t);
  arena_free(&scratch);
  return ok;
}

// What somebody enqueued: Optuna's attribute "fixed_params", the rest as the sampler proposes. A
// value that the space doesn't have leaves the trial to others.
static bool fix_point(struct study *s, const struct trial *t, int64_t proposed, double *x) {
  const struct search_space *space = s->setup->space;
  json_t *fixed = json_object_get(t->system, "fixed_params"), *value;
  const char *name;
  json_object_foreach(fixed, name, value) {
    uint32_t i = space_find(space, name);
    if (i == SPACE_NONE || isnan(param_find(&space->params[i].is, value))) return false;
  }
  if (!next_point(s, proposed, x)) return false;
  json_object_foreach(fixed, name, value) {
    uint32_t i = space_find(space, name);
    x[i] = param_find(&space->params[i].is, value);
  }
  // Another value of one parameter may call for others, or for none.
  for (uint32_t k = 0; k < space->n; k++) {
    uint32_t i = space->order[k];
    bool there = space_active(space, i, x);
    if (!there && !json_object_get(fixed, space->params[i].is.name)) x[i] = NAN;
    if (there && isnan(x[i])) x[i] = random_value(space, i, s->setup->seed, proposed);
  }
  return space_contains(space, x);
}

static const struct trial *waiting(struct study *s, int64_t proposed, double *x) {
  const struct journal_study *of = study_of(s);
  for (uint32_t i = 0; i < of->n_trials; i++) {
    const struct trial *t = &s->journal.trials[of->trials[i]];
    if (t->state == TRIAL_WAITING && fix_point(s, t, proposed, x)) return t;
  }
  return NULL;
}

static bool put_started(struct study *s, const struct trial *of, const double *x,
                        const char *attributes, struct err *e) {
  const struct search_space *space = s->setup->space;
  json_t *root = json_parse(attributes, strlen(attributes), e), *value;
  const char *name;
  struct text t = {0};
  journal_put_state(&t, &s->journal, of->id, TRIAL_RUNNING, 0, NULL);
  for (uint32_t i = 0; i < space->n; i++)
    if (!isnan(x[i]))
      journal_put_param(
          &t, &s->journal, of->id,
          &(struct trial_param){space->params[i].is.name, x[i], &space->params[i].is});
  json_object_foreach(root, name, value) {
    struct text json = {0};
    json_dump_callback(value, study_take, &json, JSON_COMPACT | JSON_ENCODE_ANY);
    journal_put_trial_attr(&t, &s->journal, of->id, false, name, json.data);
    text_free(&json);
  }
  bool ok = root && journal_append(&s->journal, &t, e);
  json_decref(root);
  text_free(&t);
  return ok;
}

static enum claim claim(struct study *s, double *x, int64_t *id,
                        void (*describe)(void *context, struct text *t, const double *x),
                        void *context, struct err *e) {
  int64_t proposed, counted;
  if (!bury(s, e)) return CLAIM_ERROR;
  study_look(s);
  count(s, &proposed, &counted);
  const struct trial *again = unburied(s), *enqueued = NULL;
  if (counted >= s->setup->trials) return CLAIM_NONE_LEFT;
  if (!again) enqueued = waiting(s, proposed, x);
  if (again) memcpy(x, s->seen[again->number].x, s->setup->space->n * sizeof *x);
  if (!again && !enqueued && !next_point(s, proposed, x)) return CLAIM_NONE_LEFT;
  struct text t = {0};
  text_puts(&t, "{");
  describe(context, &t, x);
  if (again) text_printf(&t, "\"retry_of\":%lld,", (long long)again->number);
  if (t.data[t.size - 1] == ',') t.data[--t.size] = 0;
  text_puts(&t, "}");
  *id = enqueued ? enqueued->id : s->journal.n_trials;
  bool ok = enqueued ? put_started(s, enqueued, x, t.data, e) : put_trial(s, x, t.data, e);
  text_free(&t);
  return ok ? CLAIM_TRIAL : CLAIM_ERROR;
}

enum claim study_claim(struct study *s, double *x, int64_t *id,
                       void (*describe)(void *context, struct text *t, const double *x),
                       void *context, struct err *e) {
  if (!journal_lock(&s->journal, e)) return CLAIM_ERROR;
  enum claim c = claim(s, x, id, describe, context, e);
  journal_unlock(&s->journal);
  return c;
}
