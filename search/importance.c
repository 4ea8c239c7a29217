// SPDX-License-Identifier: Apache-2.0
#include "search/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 8 };

// The group of a value: a choice, a number of few, an eighth of a range; the last is "not there".
static uint32_t groups_of(const struct param *p) {
  int64_t n = param_count(p);
  return (n && n <= 2 * BINS) || p->kind == PARAM_CHOICE ? (uint32_t)n : BINS;
}

static uint32_t group_of(const struct param *p, double x) {
  uint32_t n = groups_of(p);
  double low, high;
  if (p->kind == PARAM_CHOICE) return (uint32_t)x;
  param_range(p, &low, &high);
  double at = high > low ? (param_into(p, x) - low) / (high - low) * n : 0;
  return at < 0 ? 0 : at >= n ? n - 1 : (uint32_t)at;
}

static const struct trial_param *find(const struct trial *t, const char *name) {
  for (uint32_t i = 0; i < t->n_params; i++)
    if (strcmp(t->params[i].name, name) == 0) return &t->params[i];
  return NULL;
}

static double share_of(struct arena *a, const struct param *p, const char *name, uint32_t n,
                       const struct trial *const *trials, const double *y) {
  uint32_t groups = groups_of(p) + 1, used = 0;
  double *sum = ARENA_NEW(a, double, groups), *count = ARENA_NEW(a, double, groups);
  double mean = 0, total = 0, between = 0;
  for (uint32_t i = 0; i < n; i++) {
    const struct trial_param *own = find(trials[i], name);
    uint32_t g = own ? group_of(p, own->value) : groups - 1;
    if (g >= groups) g = groups - 1;
    sum[g] += y[i];
    count[g]++;
    mean += y[i] / n;
  }
  for (uint32_t i = 0; i < n; i++) total += (y[i] - mean) * (y[i] - mean);
  for (uint32_t g = 0; g < groups; g++) {
    if (count[g] == 0) continue;
    between += count[g] * (sum[g] / count[g] - mean) * (sum[g] / count[g] - mean);
    used++;
  }
  if (total <= 0 || n <= used) return 0;
  double chance = (used - 1) * (total - between) / (n - used);
  return between > chance ? (between - chance) / total : 0;
}

static int by_share(const void *x, const void *y) {
  const struct importance *p = x, *q = y;
  if (p->share != q->share) return p->share > q->share ? -1 : 1;
  return strcmp(p->name, q->name);
}

uint32_t importance_of(struct arena *a, const struct journal *j, const struct journal_study *s,
                       int objective, struct importance *out) {
  const struct trial **trials = ARENA_NEW(a, const struct trial *, s->n_trials + 1);
  double *y = ARENA_NEW(a, double, s->n_trials + 1);
  uint32_t n = 0, found = 0;
  for (uint32_t i = 0; i < s->n_trials; i++) {
    const struct trial *t = &j->trials[s->trials[i]];
    if (t->state != TRIAL_COMPLETE || !isfinite(t->values[objective])) continue;
    y[n] = t->values[objective];
    trials[n++] = t;
  }
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < trials[i]->n_params && found < IMPORTANCE_PARAMS_MOST; k++) {
      const struct trial_param *p = &trials[i]->params[k];
      bool known = false;
      for (uint32_t f = 0; f < found; f++) known |= strcmp(out[f].name, p->name) == 0;
      if (!known)
        out[found++] = (struct importance){p->name, share_of(a, p->is, p->name, n, trials, y)};
    }
  qsort(out, found, sizeof *out, by_share);
  return found;
}
