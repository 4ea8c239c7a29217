// SPDX-License-Identifier: Apache-2.0
#include "search/objective.h"

#include "sw/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct metric_row metric_rows[METRICS] = {
#define METRIC(name, ...) {#name, __VA_ARGS__},
#include "search/objective.def"
#undef METRIC
};

static bool find(const char *text, size_t length, enum metric *out, struct err *e) {
  struct text known = {0};
  for (int i = 0; i < METRICS; i++) {
    if (strlen(metric_rows[i].name) == length && strncmp(metric_rows[i].name, text, length) == 0) {
      *out = (enum metric)i;
      text_free(&known);
      return true;
    }
    text_printf(&known, i ? ", %s" : "%s", metric_rows[i].name);
  }
  err_put(e, "there is no \"%.*s\": expected %s", (int)length, text, known.data);
  text_free(&known);
  return false;
}

static bool parse_metrics(const char *list, struct objectives *out, struct err *e) {
  for (const char *p = list;; p++) {
    size_t length = strcspn(p, ",");
    enum metric m;
    if (!find(p, length, &m, e)) return err_within(e, "--objective %s", list);
    if (objectives_need(out, m))
      return err_set(e, "--objective %s: \"%s\" stands there twice", list, metric_rows[m].name);
    out->metric[out->n++] = m;
    p += length;
    if (!*p) return true;
  }
}

static bool parse_weights(const char *weights, struct objectives *out, struct err *e) {
  int n = 0;
  out->weighted = true;
  for (const char *p = weights;; p++) {
    char *end;
    double w = strtod(p, &end);
    if (end == p || !isfinite(w) || (*end && *end != ',') || n == out->n) break;
    out->weight[n++] = w;
    if (!*end && n == out->n) return true;
    if (!*end) break;
    p = end;
  }
  return err_set(e, "--weights %s: expected %d numbers, one for each of --objective", weights,
                 out->n);
}

static bool parse_limit(const char *text, struct limit *l, struct err *e) {
  const char *sign = strpbrk(text, "<>");
  char *end = NULL;
  if (!sign || sign[1] != '=')
    return err_set(e, "--limit %s: expected METRIC<=NUMBER or METRIC>=NUMBER, as in 'ii<=784'",
                   text);
  if (!find(text, (size_t)(sign - text), &l->metric, e)) return err_within(e, "--limit %s", text);
  l->least = *sign == '>';
  l->bound = strtod(sign + 2, &end);
  return (end != sign + 2 && !*end && isfinite(l->bound)) ||
         err_set(e, "--limit %s: expected a number behind %.2s", text, sign);
}

bool objectives_parse(const char *list, const char *weights, int n_limits,
                      const char *const *limits, struct objectives *out, struct err *e) {
  *out = (struct objectives){0};
  if (!parse_metrics(list, out, e) || (weights && !parse_weights(weights, out, e))) return false;
  for (int i = 0; i < n_limits; i++)
    if (!parse_limit(limits[i], &out->limits[out->n_limits++], e)) return false;
  return true;
}

bool objectives_need(const struct objectives *o, enum metric m) {
  for (int i = 0; i < o->n; i++)
    if (o->metric[i] == m) return true;
  for (int i = 0; i < o->n_limits; i++)
    if (o->limits[i].metric == m) return true;
  return false;
}

int objectives_count(const struct objectives *o) {
  return o->weighted ? 1 : o->n;
}

const char *objectives_name(struct arena *a, const struct objectives *o, int i) {
  const char *name = metric_rows[o->metric[i]].name;
  if (!o->weighted) return name;
  struct text t = {0};
  for (int k = 0; k < o->n; k++)
    text_printf(&t, "%s%.6g %s", k ? " + " : "", o->weight[k], metric_rows[o->metric[k]].name);
  name = arena_strdup(a, t.data);
  text_free(&t);
  return name;
}

bool objectives_more(const struct objectives *o, int i) {
  return !o->weighted && metric_rows[o->metric[i]].more;
}

bool objectives_values(const struct objectives *o, const double *metrics, double *values,
                       struct err *e) {
  double sum = 0;
  for (int i = 0; i < METRICS; i++)
    if (objectives_need(o, (enum metric)i) && isnan(metrics[i]))
      return err_set(e, "there is no %s of this network: leave it out of --objective and --limit",
                     metric_rows[i].name);
  for (int i = 0; i < o->n; i++) {
    if (!o->weighted) values[i] = metrics[o->metric[i]];
    sum += o->weight[i] * metrics[o->metric[i]];
  }
  if (o->weighted) values[0] = sum;
  return true;
}

double objectives_violations(const struct objectives *o, const double *metrics, double *violation) {
  double sum = 0;
  for (int i = 0; i < o->n_limits; i++) {
    double over = metrics[o->limits[i].metric] - o->limits[i].bound;
    violation[i] = o->limits[i].least ? -over : over;
    sum += violation[i] > 0 ? violation[i] : 0;
  }
  return sum;
}

const char *limit_text(struct arena *a, const struct limit *l) {
  return arena_printf(a, "%s%s%.10g", metric_rows[l->metric].name,
                      l->least ? ">=" : "<=", l->bound);
}
