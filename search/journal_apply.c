// SPDX-License-Identifier: Apache-2.0
// What an event of a journal changes. Lines may come from anybody: ids, kinds and counts are
// checked before anything is changed.
#include "search/journal_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct known_distribution {
  const char *text;
  struct param is;
};

// Room for one more of an array that is malloc's.
static void *grow(void *array, uint32_t count, uint32_t *room, size_t size) {
  if (count < *room) return array;
  *room = *room ? 2 * *room : 16;
  array = realloc(array, *room * size);
  if (!array) arena_out_of_memory();
  return array;
}

// ---- words of Python's JSON

static const char *const bare[] = {"-Infinity", "Infinity", "NaN", NULL};

// Puts a line with quotes around bare words, so that it is JSON.
static void quote(struct text *t, const char *line, size_t size) {
  bool inside = false;
  size_t from = 0;
  for (size_t i = 0; i < size; i++) {
    if (line[i] == '"') inside = !inside;
    if (inside && line[i] == '\\') i++;
    if (inside || (line[i] != '-' && line[i] != 'I' && line[i] != 'N')) continue;
    for (int w = 0; bare[w]; w++) {
      size_t length = strlen(bare[w]);
      if (size - i < length || memcmp(line + i, bare[w], length) != 0) continue;
      text_put(t, line + from, i - from);
      text_printf(t, "\"%s\"", bare[w]);
      from = i + length;
      i = from - 1;
      break;
    }
  }
  text_put(t, line + from, size - from);
}

bool journal_number(const json_t *v, double *out) {
  const char *word = json_string_value(v);
  *out = json_number_value(v);
  if (json_is_number(v)) return true;
  for (int w = 0; word && bare[w]; w++)
    if (strcmp(word, bare[w]) == 0) {
      *out = w == 0 ? -INFINITY : w == 1 ? INFINITY : NAN;
      return true;
    }
  return false;
}

// ---- looking up

static bool whole(const json_t *v, int64_t *out) {
  *out = json_integer_value(v);
  return json_is_integer(v);
}

static struct journal_study *study_of(struct journal *j, const json_t *event, struct err *e) {
  int64_t id;
  if (whole(json_object_get(event, "study_id"), &id) && id >= 0 && id < j->n_studies)
    return &j->studies[id];
  err_put(e, "\"study_id\": there is no such study, %u were created so far", j->n_studies);
  return NULL;
}

static struct trial *trial_of(struct journal *j, const json_t *event, struct err *e) {
  int64_t id;
  if (whole(json_object_get(event, "trial_id"), &id) && id >= 0 && id < j->n_trials)
    return &j->trials[id];
  err_put(e, "\"trial_id\": there is no such trial, %u were created so far", j->n_trials);
  return NULL;
}

static bool ended(const struct trial *t) {
  return t->state != TRIAL_RUNNING && t->state != TRIAL_WAITING;
}

static const char *text_of(struct journal *j, const json_t *event, const char *key) {
  const char *text = json_string_value(json_object_get(event, key));
  return text ? arena_strdup(&j->arena, text) : NULL;
}

static const struct param *distribution_of(struct journal *j, const char *text, struct err *e) {
  for (uint32_t i = 0; i < j->n_distributions; i++)
    if (strcmp(j->distributions[i].text, text) == 0) return &j->distributions[i].is;
  struct param is = {0};
  if (!param_parse_distribution(&j->arena, text, &is, e)) return NULL;
  struct param *kept = arena_copy(&j->arena, &is, sizeof is);
  j->distributions =
      grow(j->distributions, j->n_distributions, &j->distribution_room, sizeof *j->distributions);
  j->distributions[j->n_distributions++] =
      (struct known_distribution){arena_strdup(&j->arena, text), *kept};
  return kept;
}

// ---- studies

static bool create_study(struct journal *j, const json_t *event, struct err *e) {
  const json_t *directions = json_object_get(event, "directions");
  const char *name = text_of(j, event, "study_name");
  size_t n = json_array_size(directions);
  if (!name || n < 1 || n > JOURNAL_OBJECTIVES_MOST)
    return err_set(e, "expected \"study_name\" and \"directions\", 1 to %d",
                   JOURNAL_OBJECTIVES_MOST);
  struct journal_study s = {.name = name, .n_directions = (int)n};
  s.maximize = ARENA_NEW(&j->arena, bool, n);
  for (size_t i = 0; i < n; i++) {
    int64_t d;
    if (!whole(json_array_get(directions, i), &d) || d < 1 || d > 2)
      return err_set(e, "\"directions\": expected 1 (minimise) or 2 (maximise)");
    s.maximize[i] = d == 2;
  }
  for (uint32_t i = 0; i < j->n_studies; i++)
    if (!j->studies[i].deleted && strcmp(j->studies[i].name, name) == 0) return true;
  s.user = json_map();
  s.system = json_map();
  j->studies = grow(j->studies, j->n_studies, &j->study_room, sizeof *j->studies);
  j->studies[j->n_studies++] = s;
  return true;
}

// {"user_attr":{KEY:VALUE}} of whatever has attributes.
static bool set_attr(json_t *map, const json_t *event, bool system, struct err *e) {
  const char *key = system ? "system_attr" : "user_attr", *name;
  json_t *of = json_object_get(event, key), *value;
  if (json_object_size(of) != 1)
    return err_set(e, "\"%s\": expected an object with one entry", key);
  json_object_foreach(of, name, value) json_put(map, name, json_incref(value));
  return true;
}

static bool study_attr(struct journal *j, const json_t *event, bool system, struct err *e) {
  struct journal_study *s = study_of(j, event, e);
  return s && set_attr(system ? s->system : s->user, event, system, e);
}

// ---- trials

static bool set_param(struct journal *j, struct trial *t, const char *name, const json_t *value,
                      const char *distribution, struct err *e) {
  const struct param *is = distribution_of(j, distribution, e);
  double x = json_number_value(value);
  if (!is) return err_within(e, "parameter \"%s\"", name);
  if (!json_is_number(value) || !param_contains(is, x))
    return err_set(e, "parameter \"%s\": a value outside of its range", name);
  struct trial_param *list = ARENA_NEW(&j->arena, struct trial_param, t->n_params + 1);
  uint32_t at = 0;
  while (at < t->n_params && strcmp(t->params[at].name, name) != 0) at++;
  if (at == t->n_params) {
    if (t->n_params) memcpy(list, t->params, t->n_params * sizeof *list);
    t->params = list;
    t->n_params++;
  }
  t->params[at] = (struct trial_param){arena_strdup(&j->arena, name), x, is};
  return true;
}

// Of choices the list never changes within a study: what says otherwise came too late.
static bool compatible(const struct journal *j, const struct trial *t, const char *name,
                       const struct param *is) {
  const struct journal_study *s = &j->studies[t->study];
  for (uint32_t i = 0; i < s->n_trials; i++) {
    const struct trial *other = &j->trials[s->trials[i]];
    for (uint32_t k = 0; k < other->n_params; k++)
      if (strcmp(other->params[k].name, name) == 0) {
        const struct param *p = other->params[k].is;
        return p->kind == is->kind && p->log == is->log &&
               (p->kind != PARAM_CHOICE || param_equal(p, is));
      }
  }
  return true;
}

static bool trial_param(struct journal *j, const json_t *event, struct err *e) {
  struct trial *t = trial_of(j, event, e);
  const char *name = json_string_value(json_object_get(event, "param_name"));
  const char *distribution = json_string_value(json_object_get(event, "distribution"));
  if (!t) return false;
  if (!name || !distribution) return err_set(e, "expected \"param_name\" and \"distribution\"");
  const struct param *is = distribution_of(j, distribution, e);
  if (!is) return err_within(e, "parameter \"%s\"", name);
  return ended(t) || !compatible(j, t, name, is) ||
         set_param(j, t, name, json_object_get(event, "param_value_internal"), distribution, e);
}

static bool set_values(struct journal *j, struct trial *t, const json_t *values, struct err *e) {
  size_t n = json_array_size(values);
  if (!values || json_is_null(values)) return true;
  if (!json_is_array(values) || n != (size_t)j->studies[t->study].n_directions)
    return err_set(e, "\"values\": expected %d numbers, one for each direction",
                   j->studies[t->study].n_directions);
  double *list = ARENA_NEW(&j->arena, double, n);
  for (size_t i = 0; i < n; i++)
    if (!journal_number(json_array_get(values, i), &list[i]) || isnan(list[i]))
      return err_set(e, "\"values\": value %zu is no number", i + 1);
  t->values = list;
  t->n_values = (uint32_t)n;
  return true;
}

static bool read_state(const json_t *v, enum trial_state *state, struct err *e) {
  int64_t s;
  if (!whole(v, &s) || s < TRIAL_RUNNING || s > TRIAL_WAITING)
    return err_set(e, "\"state\": expected 0 to %d", TRIAL_WAITING);
  *state = (enum trial_state)s;
  return true;
}

static bool trial_state(struct journal *j, const json_t *event, struct err *e) {
  struct trial *t = trial_of(j, event, e);
  enum trial_state state;
  if (!t || !read_state(json_object_get(event, "state"), &state, e)) return false;
  if (ended(t) || (state == TRIAL_RUNNING && t->state == TRIAL_RUNNING)) return true;
  if (!set_values(j, t, json_object_get(event, "values"), e)) return false;
  if (state == TRIAL_COMPLETE && !t->n_values)
    return err_set(e, "a complete trial without \"values\"");
  t->state = state;
  if (state == TRIAL_RUNNING) {
    t->started = text_of(j, event, "datetime_start");
    t->worker = text_of(j, event, "worker_id");
  } else if (state != TRIAL_WAITING) {
    t->completed = text_of(j, event, "datetime_complete");
  }
  return true;
}

static bool set_report(struct journal *j, struct trial *t, int64_t step, const json_t *value,
                       struct err *e) {
  double v;
  uint32_t at = 0;
  if (!journal_number(value, &v)) return err_set(e, "\"intermediate_value\": expected a number");
  while (at < t->n_reports && t->reports[at].step < step) at++;
  if (at == t->n_reports || t->reports[at].step != step) {
    struct report *list = ARENA_NEW(&j->arena, struct report, t->n_reports + 1);
    for (uint32_t i = 0; i < t->n_reports; i++) list[i + (i >= at)] = t->reports[i];
    t->reports = list;
    t->n_reports++;
  }
  t->reports[at] = (struct report){step, v};
  return true;
}

static bool trial_report(struct journal *j, const json_t *event, struct err *e) {
  struct trial *t = trial_of(j, event, e);
  int64_t step;
  if (!t) return false;
  if (!whole(json_object_get(event, "step"), &step))
    return err_set(e, "\"step\": expected a whole number");
  return ended(t) || set_report(j, t, step, json_object_get(event, "intermediate_value"), e);
}

static bool trial_attr(struct journal *j, const json_t *event, bool system, struct err *e) {
  struct trial *t = trial_of(j, event, e);
  return t && (ended(t) || set_attr(system ? t->system : t->user, event, system, e));
}

// What a trial may bring with it when it is created.
static bool fill_trial(struct journal *j, struct trial *t, const json_t *event, struct err *e) {
  json_t *params = json_object_get(event, "params"),
         *reports = json_object_get(event, "intermediate_values"),
         *distributions = json_object_get(event, "distributions"), *value;
  const char *name;
  json_object_foreach(params, name, value) {
    const char *text = json_string_value(json_object_get(distributions, name));
    if (!text) return err_set(e, "parameter \"%s\" without a distribution", name);
    if (!set_param(j, t, name, value, text, e)) return false;
  }
  json_object_foreach(reports, name,
                      value) if (!set_report(j, t, strtoll(name, NULL, 10), value, e)) return false;
  json_object_update(t->user, json_object_get(event, "user_attrs"));
  json_object_update(t->system, json_object_get(event, "system_attrs"));
  return set_values(j, t, json_object_get(event, "values"), e);
}

static bool create_trial(struct journal *j, const json_t *event, struct err *e) {
  const json_t *state = json_object_get(event, "state");
  struct journal_study *s = study_of(j, event, e);
  if (!s) return false;
  if (s->deleted) return true;
  if (j->n_trials == JOURNAL_TRIALS_MOST)
    return err_set(e, "more than %d trials", JOURNAL_TRIALS_MOST);
  struct trial t = {.id = j->n_trials,
                    .number = s->n_trials,
                    .study = (uint32_t)(s - j->studies),
                    .user = json_map(),
                    .system = json_map(),
                    .started = text_of(j, event, "datetime_start"),
                    .completed = text_of(j, event, "datetime_complete"),
                    .worker = text_of(j, event, "worker_id")};
  if ((state && !read_state(state, &t.state, e)) || !fill_trial(j, &t, event, e)) {
    json_decref(t.user);
    json_decref(t.system);
    return false;
  }
  s->trials = grow(s->trials, s->n_trials, &s->room, sizeof *s->trials);
  s->trials[s->n_trials++] = j->n_trials;
  j->trials = grow(j->trials, j->n_trials, &j->trial_room, sizeof *j->trials);
  j->trials[j->n_trials++] = t;
  return true;
}

// ---- the events

static bool delete_study(struct journal *j, const json_t *event, struct err *e) {
  struct journal_study *s = study_of(j, event, e);
  if (s) s->deleted = true;
  return s != NULL;
}

static bool apply(struct journal *j, const json_t *event, struct err *e) {
  int64_t op;
  if (!whole(json_object_get(event, "op_code"), &op) || !json_object_get(event, "worker_id"))
    return err_set(
        e, "expected an event with \"op_code\" and \"worker_id\": not a journal of studies");
  switch (op) {
  case 0:
    return create_study(j, event, e);
  case 1:
    return delete_study(j, event, e);
  case 2:
  case 3:
    return study_attr(j, event, op == 3, e);
  case 4:
    return create_trial(j, event, e);
  case 5:
    return trial_param(j, event, e);
  case 6:
    return trial_state(j, event, e);
  case 7:
    return trial_report(j, event, e);
  case 8:
  case 9:
    return trial_attr(j, event, op == 9, e);
  case 10:
    return true;
  default:
    return err_set(e, "\"op_code\" %lld, expected 0 to 10", (long long)op);
  }
}

bool journal_apply(struct journal *j, const char *line, size_t size, struct err *e) {
  struct text t = {0};
  quote(&t, line, size);
  json_t *event = json_parse(t.data ? t.data : "", t.size, e);
  bool ok = event && apply(j, event, e);
  json_decref(event);
  text_free(&t);
  return ok;
}
