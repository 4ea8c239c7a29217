// SPDX-License-Identifier: Apache-2.0
#include "search/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- opening

const struct journal_study *study_only(const struct journal *j, uint32_t *id, struct err *e) {
  const struct journal_study *found = NULL;
  for (uint32_t i = 0; i < j->n_studies; i++) {
    if (j->studies[i].deleted) continue;
    if (found) {
      err_put(e, "%s: holds several studies, \"%s\" and \"%s\": expected one per file", j->path,
              found->name, j->studies[i].name);
      return NULL;
    }
    found = &j->studies[i];
    *id = i;
  }
  if (!found) err_put(e, "%s: there is no study in it", j->path);
  return found;
}

static bool is_empty(const struct journal *j) {
  for (uint32_t i = 0; i < j->n_studies; i++)
    if (!j->studies[i].deleted) return false;
  return true;
}

static struct journal_study *study_of(struct study *s) {
  return &s->journal.studies[s->id];
}

static void put_text_attr(struct text *t, const struct study *s, const struct fact *f) {
  struct text json = {0};
  json_put_string(&json, f->text);
  journal_put_study_attr(t, &s->journal, s->id, false, f->name, json.data);
  text_free(&json);
}

static void put_names(struct text *t, struct study *s) {
  const struct objectives *o = s->setup->objectives;
  struct text names = {0};
  text_puts(&names, "[");
  for (int i = 0; i < objectives_count(o); i++) {
    text_puts(&names, i ? "," : "");
    json_put_string(&names, objectives_name(&s->arena, o, i));
  }
  text_puts(&names, "]");
  journal_put_study_attr(t, &s->journal, s->id, true, "study:metric_names", names.data);
  text_free(&names);
}

static bool create(struct study *s, struct err *e) {
  const struct study_setup *setup = s->setup;
  struct text t = {0};
  bool maximize[METRICS];
  int n = objectives_count(setup->objectives);
  for (int i = 0; i < n; i++) maximize[i] = objectives_more(setup->objectives, i);
  s->id = s->journal.n_studies;
  journal_put_study(&t, &s->journal, setup->name, n, maximize);
  put_names(&t, s);
  for (int i = 0; i < setup->n_facts; i++) put_text_attr(&t, s, &setup->facts[i]);
  bool ok = journal_append(&s->journal, &t, e);
  text_free(&t);
  return ok;
}

enum { AROUND = 24, SHOWN = 160 }; // characters around a difference, and of it

// A text from where it differs from another on to the end of that; ".." for what is left out.
static const char *part(struct arena *a, const char *text, size_t from, size_t behind) {
  size_t size = strlen(text), end = size - behind;
  bool more = behind > AROUND || end > from + SHOWN;
  end = behind > AROUND ? end + AROUND : size;
  if (end > from + SHOWN) end = from + SHOWN;
  return arena_printf(a, "%s%.*s%s", from ? ".." : "", (int)(end - from), text + from,
                      more ? ".." : "");
}

// Where two texts differ, and what is around it in both.
static void put_difference(struct err *e, const char *path, const char *name, const char *there,
                           const char *now) {
  struct arena a = {0};
  size_t same = 0, behind = 0, size = strlen(there), own = strlen(now);
  while (there[same] && there[same] == now[same]) same++;
  while (behind < size - same && behind < own - same &&
         there[size - 1 - behind] == now[own - 1 - behind])
    behind++;
  size_t from = same > AROUND ? same - AROUND : 0;
  err_put(e,
          "%s: its \"%s\" is another one: the study has %s, this search %s; give the same as then, "
          "or another --study",
          path, name, part(&a, there, from, behind), part(&a, now, from, behind));
  arena_free(&a);
}

static bool check_directions(struct study *s, struct err *e) {
  const struct journal_study *of = study_of(s);
  const struct objectives *o = s->setup->objectives;
  if (of->n_directions != objectives_count(o))
    return err_set(e, "%s: the study has %d objectives, --objective has %d", s->journal.path,
                   of->n_directions, objectives_count(o));
  for (int i = 0; i < of->n_directions; i++)
    if (of->maximize[i] != objectives_more(o, i))
      return err_set(e, "%s: objective %d of the study is %s, %s is %s", s->journal.path, i + 1,
                     of->maximize[i] ? "maximised" : "minimised", objectives_name(&s->arena, o, i),
                     of->maximize[i] ? "minimised" : "maximised");
  return true;
}

// Choices that changed make trials of two kinds.
static bool check_choices(struct study *s, struct err *e) {
  const struct journal_study *of = study_of(s);
  for (uint32_t i = 0; i < of->n_trials; i++) {
    const struct trial *t = &s->journal.trials[of->trials[i]];
    for (uint32_t k = 0; k < t->n_params; k++) {
      uint32_t at = space_find(s->setup->space, t->params[k].name);
      if (at == SPACE_NONE) continue;
      const struct param *p = t->params[k].is, *own = &s->setup->space->params[at].is;
      if (p->kind != own->kind || (p->kind == PARAM_CHOICE && !param_equal(p, own)))
        return err_set(e, "%s: trial %lld: parameter \"%s\" has other choices than in --space",
                       s->journal.path, (long long)t->number, own->name);
    }
  }
  return true;
}

static bool adopt(struct study *s, struct err *e) {
  struct text t = {0};
  bool ok = true;
  for (int i = 0; ok && i < s->setup->n_facts; i++) {
    const struct fact *f = &s->setup->facts[i];
    const char *there = json_string_value(json_object_get(study_of(s)->user, f->name));
    if (!there)
      put_text_attr(&t, s, f);
    else if (strcmp(there, f->text) != 0) {
      put_difference(e, s->journal.path, f->name, there, f->text);
      ok = false;
    }
  }
  ok = ok && check_directions(s, e) && check_choices(s, e) &&
       (!t.size || journal_append(&s->journal, &t, e));
  text_free(&t);
  return ok;
}

bool study_open(struct study *s, const char *path, const struct study_setup *setup, struct err *e) {
  *s = (struct study){.setup = setup};
  if (!journal_open(&s->journal, path, e) || !journal_lock(&s->journal, e)) return false;
  bool ok =
      is_empty(&s->journal) ? create(s, e) : study_only(&s->journal, &s->id, e) && adopt(s, e);
  journal_unlock(&s->journal);
  return ok;
}

void study_close(struct study *s) {
  journal_close(&s->journal);
  free(s->seen);
  arena_free(&s->arena);
}

// ---- what samplers see

double study_violation(const struct trial *t) {
  const json_t *list = json_object_get(t->system, "constraints"), *v;
  double sum = 0;
  size_t i;
  json_array_foreach((json_t *)list, i, v) {
    if (json_number_value(v) > 0) sum += json_number_value(v);
  }
  return sum;
}

static bool settled(enum trial_state s) {
  return s != TRIAL_RUNNING && s != TRIAL_WAITING;
}

static void see(struct study *s, const struct trial *t, struct seen *to) {
  const struct search_space *space = s->setup->space;
  double *x = ARENA_NEW(&s->arena, double, space->n),
         *values = ARENA_NEW(&s->arena, double, t->n_values + 1);
  for (uint32_t i = 0; i < space->n; i++) x[i] = NAN;
  for (uint32_t k = 0; k < t->n_params; k++) {
    uint32_t i = space_find(space, t->params[k].name);
    if (i != SPACE_NONE) x[i] = t->params[k].value;
  }
  for (uint32_t i = 0; i < t->n_values; i++)
    values[i] = study_of(s)->maximize[i] ? -t->values[i] : t->values[i];
  *to = (struct seen){.number = t->number,
                      .state = space_contains(space, x) ? t->state
                               : settled(t->state)      ? TRIAL_FAIL
                                                        : TRIAL_WAITING,
                      .x = x,
                      .values = t->n_values ? values : NULL,
                      .step = t->n_reports ? t->reports[t->n_reports - 1].step : -1,
                      .violation = study_violation(t)};
}

// Trials that are settled don't change any more.
void study_look(struct study *s) {
  const struct journal_study *of = study_of(s);
  if (s->room < of->n_trials) {
    s->room = 2 * of->n_trials;
    s->seen = realloc(s->seen, s->room * sizeof *s->seen);
    if (!s->seen) arena_out_of_memory();
  }
  for (uint32_t i = 0; i < of->n_trials; i++)
    if (i >= s->looked || !settled(s->seen[i].state))
      see(s, &s->journal.trials[of->trials[i]], &s->seen[i]);
  s->looked = of->n_trials;
  s->history = (struct history){of->n_trials, of->n_directions, s->seen};
}

// ---- ending

bool study_append(struct study *s, struct text *t, struct err *e) {
  bool ok = journal_lock(&s->journal, e) && journal_append(&s->journal, t, e);
  if (s->journal.locked) journal_unlock(&s->journal);
  text_free(t);
  return ok;
}

static void put_metrics(struct text *t, const struct study *s, int64_t id, const double *metrics) {
  struct text json = {0};
  text_puts(&json, "{");
  for (int i = 0; i < METRICS; i++) {
    if (!isfinite(metrics[i])) continue;
    text_printf(&json, "%s\"%s\":", json.size > 1 ? "," : "", metric_rows[i].name);
    json_put_real(&json, metrics[i]);
  }
  text_puts(&json, "}");
  journal_put_trial_attr(t, &s->journal, id, false, "metrics", json.data);
  text_free(&json);
}

static void put_limits(struct text *t, const struct study *s, int64_t id, const double *metrics) {
  const struct objectives *o = s->setup->objectives;
  double violation[LIMITS_MOST];
  struct text json = {0};
  objectives_violations(o, metrics, violation);
  text_puts(&json, "[");
  for (int i = 0; i < o->n_limits; i++) {
    text_puts(&json, i ? "," : "");
    json_put_real(&json, violation[i]);
  }
  text_puts(&json, "]");
  if (o->n_limits) journal_put_trial_attr(t, &s->journal, id, true, "constraints", json.data);
  text_free(&json);
}

bool study_finish(struct study *s, int64_t id, enum trial_state state, const double *values,
                  const double *metrics, const char *why, struct err *e) {
  struct text t = {0}, json = {0};
  if (metrics) put_metrics(&t, s, id, metrics);
  if (metrics && state == TRIAL_COMPLETE) put_limits(&t, s, id, metrics);
  if (why) {
    json_put_string(&json, why);
    journal_put_trial_attr(&t, &s->journal, id, false, "error", json.data);
    text_free(&json);
  }
  journal_put_state(&t, &s->journal, id, state, (uint32_t)study_of(s)->n_directions, values);
  return study_append(s, &t, e);
}
