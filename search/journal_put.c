// SPDX-License-Identifier: Apache-2.0
// The lines of a journal, compact as Optuna writes them.
#include "search/journal_parts.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static const char *const states[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"};

const char *trial_state_text(enum trial_state s) {
  return states[s];
}

void journal_put_number(struct text *t, double v) {
  if (isnan(v))
    text_puts(t, "NaN");
  else if (isinf(v))
    text_puts(t, v < 0 ? "-Infinity" : "Infinity");
  else
    json_put_real(t, v);
}

static void put_head(struct text *t, const struct journal *j, int op) {
  text_printf(t, "{\"op_code\":%d,\"worker_id\":", op);
  json_put_string(t, j->worker);
}

// "2026-11-28T11:38:54.029906+00:00"
static void put_now(struct text *t, const char *key) {
  struct timespec now;
  struct tm utc;
  char date[32];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  text_printf(t, ",\"%s\":\"%s.%06ld+00:00\"", key, date, now.tv_nsec / 1000);
}

void journal_put_study(struct text *t, const struct journal *j, const char *name, int directions,
                       const bool *maximize) {
  put_head(t, j, 0);
  text_puts(t, ",\"study_name\":");
  json_put_string(t, name);
  text_puts(t, ",\"directions\":[");
  for (int i = 0; i < directions; i++) text_printf(t, "%s%d", i ? "," : "", maximize[i] ? 2 : 1);
  text_puts(t, "]}\n");
}

static void put_attr(struct text *t, bool system, const char *key, const char *json) {
  text_printf(t, ",\"%s\":{", system ? "system_attr" : "user_attr");
  json_put_string(t, key);
  text_printf(t, ":%s}}\n", json);
}

void journal_put_study_attr(struct text *t, const struct journal *j, uint32_t id, bool system,
                            const char *key, const char *json) {
  put_head(t, j, system ? 3 : 2);
  text_printf(t, ",\"study_id\":%u", id);
  put_attr(t, system, key, json);
}

void journal_put_trial_attr(struct text *t, const struct journal *j, int64_t id, bool system,
                            const char *key, const char *json) {
  put_head(t, j, system ? 9 : 8);
  text_printf(t, ",\"trial_id\":%lld", (long long)id);
  put_attr(t, system, key, json);
}

// A value inside; of a choice the index.
static void put_inside(struct text *t, const struct trial_param *p) {
  if (p->is->kind == PARAM_CHOICE)
    text_printf(t, "%.0f", p->value);
  else
    json_put_real(t, p->value);
}

static void put_quoted_distribution(struct text *t, const struct param *p) {
  struct text d = {0};
  param_put_distribution(&d, p);
  json_put_string(t, d.data);
  text_free(&d);
}

void journal_put_param(struct text *t, const struct journal *j, int64_t id,
                       const struct trial_param *p) {
  put_head(t, j, 5);
  text_printf(t, ",\"trial_id\":%lld,\"param_name\":", (long long)id);
  json_put_string(t, p->name);
  text_puts(t, ",\"param_value_internal\":");
  put_inside(t, p);
  text_puts(t, ",\"distribution\":");
  put_quoted_distribution(t, p->is);
  text_puts(t, "}\n");
}

void journal_put_trial(struct text *t, const struct journal *j, uint32_t study, uint32_t n,
                       const struct trial_param *params, const char *attributes) {
  put_head(t, j, 4);
  text_printf(t, ",\"study_id\":%u", study);
  put_now(t, "datetime_start");
  text_puts(t, ",\"state\":0,\"value\":null,\"values\":null,\"distributions\":{");
  for (uint32_t i = 0; i < n; i++) {
    text_puts(t, i ? "," : "");
    json_put_string(t, params[i].name);
    text_puts(t, ":");
    put_quoted_distribution(t, params[i].is);
  }
  text_puts(t, "},\"params\":{");
  for (uint32_t i = 0; i < n; i++) {
    text_puts(t, i ? "," : "");
    json_put_string(t, params[i].name);
    text_puts(t, ":");
    put_inside(t, &params[i]);
  }
  text_printf(t, "},\"user_attrs\":%s,\"system_attrs\":{},\"intermediate_values\":{}}\n",
              attributes);
}

void journal_put_report(struct text *t, const struct journal *j, int64_t id, int64_t step,
                        double value) {
  put_head(t, j, 7);
  text_printf(t, ",\"trial_id\":%lld,\"step\":%lld,\"intermediate_value\":", (long long)id,
              (long long)step);
  journal_put_number(t, value);
  text_puts(t, "}\n");
}

void journal_put_state(struct text *t, const struct journal *j, int64_t id, enum trial_state state,
                       uint32_t n, const double *values) {
  put_head(t, j, 6);
  text_printf(t, ",\"trial_id\":%lld,\"state\":%d,\"values\":", (long long)id, (int)state);
  text_puts(t, values ? "[" : "null");
  for (uint32_t i = 0; values && i < n; i++) {
    text_puts(t, i ? "," : "");
    journal_put_number(t, values[i]);
  }
  text_puts(t, values ? "]" : "");
  put_now(t, state == TRIAL_RUNNING ? "datetime_start" : "datetime_complete");
  text_puts(t, "}\n");
}
