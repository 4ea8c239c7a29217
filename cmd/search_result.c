// SPDX-License-Identifier: Apache-2.0
// What a study came to: its best trial, or its front.
#include "cmd/search_result.h"

#include "sw/base/listing.h"

#include <math.h>
#include <string.h>

double result_metric(const struct trial *t, enum metric m) {
  const json_t *v = json_object_get(json_object_get(t->user, "metrics"), metric_rows[m].name);
  return json_is_number(v) ? json_number_value(v) : NAN;
}

const char *result_name(struct arena *a, const struct journal_study *s, int i) {
  const json_t *names = json_object_get(s->system, "study:metric_names");
  const char *name = json_string_value(json_array_get(names, (size_t)i));
  if (!name) return arena_printf(a, "value %d", i + 1);
  struct text t = {0};
  text_put_escaped(&t, name); // a heading, too
  const char *safe = arena_strdup(a, t.data ? t.data : "");
  text_free(&t);
  return safe;
}

// ---- a table of trials

static bool has_metric(const struct journal *j, const struct journal_study *s, enum metric m) {
  for (uint32_t i = 0; i < s->n_trials; i++)
    if (!isnan(result_metric(&j->trials[s->trials[i]], m))) return true;
  return false;
}

// Objectives first, then the metrics that aren't among them, as far as there is room.
static struct listing table_of(struct arena *a, const struct journal *j,
                               const struct journal_study *s, enum metric *more, int *n_more,
                               bool states) {
  struct field *fields = ARENA_NEW(a, struct field, FIELDS_MAX);
  int n = 0;
  fields[n++] = (struct field){"trial", "number", FIELD_COUNT, 0, 0};
  if (states) fields[n++] = (struct field){"<state", "state", FIELD_TEXT, 0, 0};
  for (int i = 0; i < s->n_directions && n < FIELDS_MAX; i++) {
    const char *name = result_name(a, s, i);
    fields[n++] = (struct field){name, name, FIELD_TEXT, 0, 0};
  }
  *n_more = 0;
  for (int m = 0; m < METRICS && n < FIELDS_MAX; m++) {
    bool there = false;
    for (int i = 0; i < s->n_directions; i++)
      there |= strcmp(result_name(a, s, i), metric_rows[m].name) == 0;
    if (there || states || !has_metric(j, s, (enum metric)m) || (enum metric)m == METRIC_energy)
      continue;
    more[(*n_more)++] = (enum metric)m;
    fields[n++] = (struct field){metric_rows[m].name, metric_rows[m].name, FIELD_TEXT, 0, 0};
  }
  if (states && n < FIELDS_MAX)
    fields[n++] = (struct field){"<parameters", "parameters", FIELD_TEXT, 0, 0};
  return listing_new(a, fields, n);
}

// "fc1.in 4, fc1.prune 0.8"
static const char *point_of(struct arena *a, const struct trial *t) {
  struct text point = {0};
  for (uint32_t i = 0; i < t->n_params; i++) {
    text_printf(&point, "%s%s ", i ? ", " : "", t->params[i].name);
    param_put_plain(&point, t->params[i].is, t->params[i].value);
  }
  const char *text = arena_strdup(a, t->n_params ? point.data : "");
  text_free(&point);
  return text;
}

static const char *number(struct arena *a, double v) {
  return isnan(v) ? "" : arena_printf(a, fabs(v) < 1e15 && v == floor(v) ? "%.0f" : "%.6g", v);
}

static void put_row(struct arena *a, struct listing *list, const struct trial *t, int directions,
                    const enum metric *more, int n_more, bool states) {
  struct figure cells[FIELDS_MAX] = {{.count = t->number}};
  int n = 1;
  if (states) cells[n++] = (struct figure){.text = trial_state_text(t->state)};
  for (int i = 0; i < directions && n < FIELDS_MAX; i++)
    cells[n++] = (struct figure){.text = t->n_values ? number(a, t->values[i]) : ""};
  for (int i = 0; i < n_more; i++)
    cells[n++] = (struct figure){.text = number(a, result_metric(t, more[i]))};
  if (states && n < FIELDS_MAX) cells[n++] = (struct figure){.text = point_of(a, t)};
  listing_row(list, cells);
}

void result_table(struct arena *a, const struct journal *j, const struct journal_study *s,
                  uint32_t n, const uint32_t *numbers, bool states, struct text *t) {
  enum metric more[METRICS];
  int n_more;
  struct listing list = table_of(a, j, s, more, &n_more, states);
  for (uint32_t i = 0; i < n; i++)
    put_row(a, &list, &j->trials[s->trials[numbers[i]]], s->n_directions, more, n_more, states);
  listing_put(&list, t);
}

// ---- JSON

void result_put_trial(const struct trial *t, struct text *out) {
  text_printf(out, "{\"number\":%lld,\"state\":\"%s\",\"values\":", (long long)t->number,
              trial_state_text(t->state));
  text_puts(out, t->n_values ? "[" : "null");
  for (uint32_t i = 0; i < t->n_values; i++) {
    text_puts(out, i ? "," : "");
    isfinite(t->values[i]) ? json_put_real(out, t->values[i]) : text_puts(out, "null");
  }
  text_puts(out, t->n_values ? "],\"params\":{" : ",\"params\":{");
  for (uint32_t i = 0; i < t->n_params; i++) {
    text_puts(out, i ? "," : "");
    json_put_string(out, t->params[i].name);
    text_puts(out, ":");
    param_put_json(out, t->params[i].is, t->params[i].value);
  }
  text_puts(out, "}");
  static const char *const attributes[] = {"metrics", "formats", "folding", "prune", "error"};
  for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
    const json_t *v = json_object_get(t->user, attributes[i]);
    if (v) text_printf(out, ",\"%s\":", attributes[i]);
    if (v) result_put_json(v, out);
  }
  text_puts(out, "}");
}

static int take(const char *data, size_t size, void *text) {
  text_put(text, data, size);
  return 0;
}

void result_put_json(const json_t *v, struct text *out) {
  json_dump_callback(v, take, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

void result_put_best(struct arena *a, const struct journal *j, const struct journal_study *s,
                     struct text *t) {
  uint32_t *numbers = ARENA_NEW(a, uint32_t, s->n_trials + 1), n = study_best(j, s, numbers);
  bool one = s->n_directions == 1;
  text_puts(t, one ? ",\"best\":" : ",\"front\":[");
  if (one && !n) text_puts(t, "null");
  for (uint32_t i = 0; i < (one && n ? 1 : n); i++) {
    text_puts(t, i ? "," : "");
    result_put_trial(&j->trials[s->trials[numbers[i]]], t);
  }
  text_puts(t, one ? "" : "]");
}

// ---- for people

void result_put_params(const struct trial *t, struct text *out) {
  int width = 0;
  for (uint32_t i = 0; i < t->n_params; i++) {
    int length = (int)strlen(t->params[i].name);
    width = length > width ? length : width;
  }
  for (uint32_t i = 0; i < t->n_params; i++) {
    struct text value = {0};
    text_puts(out, "  ");
    text_put_escaped(out, t->params[i].name);
    text_printf(out, "%*s  ", width - (int)strlen(t->params[i].name), "");
    param_put_plain(&value, t->params[i].is, t->params[i].value);
    text_put_escaped(out, value.data);
    text_free(&value);
    text_puts(out, "\n");
  }
}

static void put_counts(const struct journal *j, const struct journal_study *s, struct text *t) {
  struct study_counts c = study_counts(j, s);
  text_put_escaped(t, j->path);
  text_printf(t, ": %lld complete", (long long)c.complete);
  if (c.pruned) text_printf(t, ", %lld stopped early", (long long)c.pruned);
  if (c.failed) text_printf(t, ", %lld failed", (long long)c.failed);
  if (c.running) text_printf(t, ", %lld running", (long long)c.running);
  if (c.died) text_printf(t, ", %lld died", (long long)c.died);
}

// The best in the first objective in front; equal ones in their order.
static void sort_by_first(const struct journal *j, const struct journal_study *s, uint32_t *numbers,
                          uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    uint32_t number = numbers[i], at = i;
    double v = j->trials[s->trials[number]].values[0];
    for (; at > 0; at--) {
      double before = j->trials[s->trials[numbers[at - 1]]].values[0];
      if (s->maximize[0] ? before >= v : before <= v) break;
      numbers[at] = numbers[at - 1];
    }
    numbers[at] = number;
  }
}

void result_put(struct arena *a, const struct journal *j, const struct journal_study *s,
                const char *how, struct text *t) {
  uint32_t *numbers = ARENA_NEW(a, uint32_t, s->n_trials + 1), n = study_best(j, s, numbers);
  put_counts(j, s, t);
  text_printf(t, "%s\n\n", how);
  sort_by_first(j, s, numbers, n);
  if (!n) {
    text_puts(t, "no trial is complete and keeps the limits\n");
    return;
  }
  result_table(a, j, s, s->n_directions == 1 ? 1 : n, numbers, false, t);
  text_puts(t, "\n");
  if (s->n_directions == 1) result_put_params(&j->trials[s->trials[numbers[0]]], t);
}

void search_put_result(struct search *s, struct study *study, struct text *t) {
  const struct journal_study *of = &study->journal.studies[study->id];
  result_put(s->arena, &study->journal, of,
             arena_printf(s->arena, "; %s, seed %llu, %.1f s", sampler_text(s->setup.sampler),
                          (unsigned long long)s->setup.seed, s->seconds),
             t);
}

void search_put_json(struct search *s, struct study *study, struct text *t) {
  const struct journal *j = &study->journal;
  const struct journal_study *of = &j->studies[study->id];
  struct study_counts c = study_counts(j, of);
  text_puts(t, "{\"study\":");
  json_put_string(t, j->path);
  text_printf(t,
              ",\"sampler\":\"%s\",\"seed\":%llu,\"trials\":%u,\"complete\":%lld,\"pruned\":%lld,"
              "\"failed\":%lld",
              sampler_text(s->setup.sampler), (unsigned long long)s->setup.seed, of->n_trials,
              (long long)c.complete, (long long)c.pruned, (long long)c.failed);
  result_put_best(s->arena, j, of, t);
  json_put_figure(t, "seconds", 3, s->seconds);
  text_puts(t, "}\n");
}
